"""Role keepalived: every shared address is held by somebody, and by the preferred host, if that reaches an edge."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from roles.keepalived import ALL_ANSWER, FIRST, SANDBOX, UNIT, Settings

HELD = "ip -4 -json address show"


def held(host: Any) -> set[str]:
    """The addresses that the host has now."""
    return {a["local"] for link in json.loads(host.check_output(HELD)) for a in link["addr_info"]}


def test_keepalived_runs_and_comes_back_at_boot(unit: Any) -> None:
    assert unit(UNIT) == ("active", "enabled")


def test_its_service_may_do_what_it_needs_and_nothing_else(violations: Any) -> None:
    assert violations(SANDBOX) == []


def test_every_shared_address_is_held_by_somebody(host: Any, settings: Settings) -> None:
    waited = host.run(ALL_ANSWER.format(words=" ".join(str(shared.address) for shared in settings.shared)))
    assert waited.rc == 0


def test_the_preferred_one_holds_all_if_it_reaches_an_edge(host: Any, settings: Settings) -> None:
    if settings.priority != FIRST:
        pytest.skip("not applicable: another host is preferred")
    counted = f"grep -Ec {shlex.quote(settings.has_a_route)} /proc/net/route || true"
    if int(host.check_output(counted)) == 0:
        pytest.skip("not applicable: it has no route to an edge, so another may hold them")
    has = " && ".join(f"ip -4 -o address show to {shared.address}/32 | grep -q ." for shared in settings.shared)
    waited = host.run(f"timeout 18 sh -c {shlex.quote(f'until {has}; do sleep 1; done')}")
    assert waited.rc == 0, f"it has {sorted(held(host))}"


PROVES = {
    "hardening": ("its service may do what it needs and nothing else",),
    "network": (
        "keepalived runs and comes back at boot",
        "every shared address is held by somebody",
        "the preferred one holds all if it reaches an edge",
    ),
    "redundancy": (
        "keepalived runs and comes back at boot",
        "every shared address is held by somebody",
        "the preferred one holds all if it reaches an edge",
    ),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "keepalived runs and comes back at boot": "keepalived är igång och startar med värden",
    "its service may do what it needs and nothing else": "tjänsten får göra vad den behöver och inget annat",
    "every shared address is held by somebody": "någon har varje delad adress",
    "the preferred one holds all if it reaches an edge": "den föredragna har alla adresser om den når en kant",
}
"""What its checks are called in a Swedish report."""
