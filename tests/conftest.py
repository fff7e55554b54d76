"""Before any test is collected: the patches of gevent, as in the real command. They must come before `ssl` is used.

No example of a property has a deadline: tests run beside a NetBox that is being deployed. None is traced for coverage,
which takes three times its time, a hundred times over; what examples reach, other tests reach as well.
"""

import pytest
from hypothesis import is_hypothesis_test, settings

import deploy  # noqa: F401  it patches when it is imported

settings.register_profile("samdrift", deadline=None)
settings.load_profile("samdrift")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.no_cover)
