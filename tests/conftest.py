"""Before any test is collected: the patches of gevent, as in the real command. They must come before `ssl` is used.

No example of a property has a deadline: tests run beside a NetBox that is being deployed.
"""

from hypothesis import settings

import deploy  # noqa: F401  it patches when it is imported

settings.register_profile("samdrift", deadline=None)
settings.load_profile("samdrift")
