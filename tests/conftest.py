"""Before any test is collected: the patches of gevent, as in the real command. They must come before `ssl` is used.

No example of a property has a deadline: tests run beside a NetBox that is being deployed. A property that does not say
how many examples it needs is tried with forty of them here, with ten in `make test` without its long tests, and with
two hundred in `make soak`.

Coverage is that of the unit tests which are no properties and do not go through the whole fleet. To trace a test takes
two to three times its processor time: a property repeats itself a hundred times, what goes through the fleet does for
each host what one host would show, and integration tests compete with the lab for the processor.
"""

from gevent import monkey

monkey.patch_all()

import gc
import os
import re
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import is_hypothesis_test, settings

import roles
from deploy.cli.entry import COLLECTED_AFTER
from roles.shared.catalogue import catalogue
from tests.sshd import Sshd, cannot_run, running_sshd

os.environ["SAMDRIFT_REASON"] = "a test"  # apply without a terminal demands one

# The same examples every time, so that what CI says of a change is about the change; `make soak` looks for new ones.
settings.register_profile("samdrift", deadline=None, max_examples=40, derandomize=True)
settings.register_profile("short", deadline=None, max_examples=10, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=200)
settings.load_profile("samdrift")


gc.set_threshold(*COLLECTED_AFTER)  # as in the real command; a seventh of the processor time of unit tests

UNIT = Path(__file__).with_name("unit")
HELD_IN_LAB = re.compile(r"held in the lab: (tests/integration/test_\w+\.py)")
"""What a unit test says that is skipped since this machine's Debian is older than hosts'."""


WHOLE_FLEET = (
    "deploy/check/",
    "deploy/cli/test_cli_review",
    "deploy/cli/test_cli_secrets",
    "deploy/cli/test_review_netbox",
    "deploy/report/test_old_records",
    "deploy/review/",
    "deploy/runs/test_only_roles",
    "roles/test_",
    "roles/shared/device/test_first_plan",
    "roles/shared/device/test_switch",
    "roles/shared/network/",
    "roles/shared/test_",
    "state/",
    "test_",
)
"""How the paths of unit tests begin that go through every host, role, check or published configuration."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not is_traced(item.path) or is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.no_cover)


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()  # what is there now stays to the end, and need not be gone through again and again


def is_traced(module: Path) -> bool:
    """Return whether coverage is that of this module's tests, too."""
    return UNIT in module.parents and not module.relative_to(UNIT).as_posix().startswith(WHOLE_FLEET)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a unit test that is skipped, where SAMDRIFT_SKIP_NOTHING is set: in CI as root, where every judge is.

    But for what only a program of hosts' own Debian does, if the reason names the test that sees it on a lab host.
    """
    report = yield
    elsewhere = HELD_IN_LAB.search(str(report.longrepr)) if report.skipped else None
    if elsewhere and (UNIT.parents[1] / elsewhere[1]).is_file():
        return report
    if report.skipped and UNIT in item.path.parents and os.environ.get("SAMDRIFT_SKIP_NOTHING"):
        report.outcome, report.longrepr = "failed", f"skipped where nothing may be: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A real sshd on loopback, and behind it a host of its own."""
    if why := cannot_run():
        pytest.skip(why)
    with running_sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def make_role(tmp_path: Path) -> Iterator[Callable[[str, str], None]]:
    """Write a role for one test: `make_role(name, source)`. It is found by its name, as every role is."""
    directory = tmp_path / "roles"
    directory.mkdir()
    roles.__path__.append(str(directory))
    made: list[str] = []

    def make(name: str, source: str) -> None:
        (directory / f"{name}.py").write_text(source)
        made.append(name)
        catalogue.cache_clear()

    try:
        yield make
    finally:
        roles.__path__.remove(str(directory))
        for name in made:
            sys.modules.pop(f"roles.{name}", None)
        catalogue.cache_clear()
