"""Before any test is collected: the patches of gevent, as in the real command. They must come before `ssl` is used."""

import deploy  # noqa: F401  it patches when it is imported
