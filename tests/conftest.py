"""Before any test is collected: the patches of gevent, as in the real command. They must come before `ssl` is used.

No example of a property has a deadline: tests run beside a NetBox that is being deployed.

Coverage is that of the unit tests which are no properties. To trace a test takes two to three times its processor time:
a property repeats itself a hundred times, and integration tests compete with the lab for the processor.
"""

from gevent import monkey

monkey.patch_all()

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import is_hypothesis_test, settings

settings.register_profile("samdrift", deadline=None)
settings.load_profile("samdrift")


UNIT = Path(__file__).with_name("unit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if UNIT not in item.path.parents or is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.no_cover)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a unit test that is skipped, where SAMDRIFT_SKIP_NOTHING is set: in CI as root, where every judge is."""
    report = yield
    if report.skipped and UNIT in item.path.parents and os.environ.get("SAMDRIFT_SKIP_NOTHING"):
        report.outcome, report.longrepr = "failed", f"skipped where nothing may be: {report.longrepr}"
    return report
