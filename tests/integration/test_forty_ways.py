"""Who broke into a host and means to stay there is found: other people's ways to stay, all planted at once.

One drift sees them together, which costs seconds; each must be named by a finding of its own or in the list of one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tests.integration.forty_ways import WAYS, Way
from tests.integration.lab import by_hand, samdrift

pytestmark = [pytest.mark.lab, pytest.mark.long]

HOST = "tie-mon1"
NEEDED = f"{HOST} or tie-gw1 or role=package_cache or role=log_server or role=dns_resolver"
SCRIPT = "set -u; cd /\n{each}"


def at_once(commands: Iterable[str]) -> str:
    """A shell script that runs each of these commands, and says of which one it failed."""
    each = (f"( {command} ) > /dev/null 2>&1 < /dev/null || echo 'failed: {n}'" for n, command in enumerate(commands))
    return SCRIPT.format(each="\n".join(each))


def drift(expect: int) -> list[dict[str, Any]]:
    """What drift finds on the host."""
    found: list[dict[str, Any]] = samdrift("--lab", "--limit", HOST, "drift", expect=expect)["findings"]
    return found


def told(finding: dict[str, Any]) -> str:
    """All that a finding says of what it found."""
    return f"{finding['step']}\n{finding['summary']}\n{finding['detail']}"


def names(way: Way, finding: dict[str, Any]) -> bool:
    """Whether a finding names a way: all words of it in one line."""
    return any(all(word in line for word in way.named) for line in told(finding).splitlines())


@pytest.fixture(scope="module")
def healthy(machine: None) -> None:
    """A host that was applied, in a lab as other tests left it or a new one."""
    samdrift("lab", "up")
    samdrift("--lab", "--limit", NEEDED, "apply", "--yes", "--reason", "tests of ways to stay")


@pytest.fixture(scope="module")
def planted(healthy: None) -> list[dict[str, Any]]:
    """What drift finds with all of the ways planted; they are gone when the tests go on."""
    try:
        assert by_hand(HOST, at_once([way.plants for way in WAYS])) == ""
        return drift(expect=2)
    finally:
        left = by_hand(HOST, at_once([way.undoes for way in reversed(WAYS)]))
        assert left == "", "the host stays as it was planted"


def test_a_healthy_host_has_nothing_that_nobody_declares(healthy: None) -> None:
    assert drift(expect=0) == []


def test_drift_names_every_way_to_stay_but_those_that_it_cannot_see(planted: list[dict[str, Any]]) -> None:
    missed = [way.name for way in WAYS if way.named and not any(names(way, finding) for finding in planted)]
    assert missed == []


def test_a_host_that_was_cleaned_is_in_sync_again(planted: list[dict[str, Any]]) -> None:
    assert drift(expect=0) == []
