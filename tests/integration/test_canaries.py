"""What harms others than the host that is changed: it is found on the first one, or undone, in the lab."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.engine.results import ApplyResult
from deploy.engine.session import Session
from deploy.lab.lab import Lab
from deploy.model.findings import Exit, exit_code
from deploy.model.waves import order_of
from deploy.transport.ssh import answers_anew
from inventory.fleet import Fleet
from inventory.rules.gates import Gates
from roles.shared.intent import Intent
from tests.integration import cutting
from tests.integration.lab import by_hand, lab_fleet, samdrift

pytestmark = [pytest.mark.lab, pytest.mark.long]

HUB, RESERVE, EDGE = "tie-gw1", "tie-gw2", "alv-gw1"
RESOLVERS = ("tie-dns1", "tie-dns2")
NEEDED = (HUB, RESERVE, EDGE, *RESOLVERS)
SECONDS = 30.0
WELL = "unbound.service is active"
MEND = (
    "rm -rf /etc/systemd/system/unbound.service.d/ruin.conf; systemctl daemon-reload; systemctl restart unbound.service"
)


@pytest.fixture(scope="module")
def lab(machine: None) -> Fleet:
    """Hubs, an edge and the resolvers as they should be: as the tests before left them, or else applied for these."""
    fleet = lab_fleet()
    with Session(Intent(fleet), [fleet.host(name) for name in NEEDED], Lab().access(), vault=Lab().vault()) as session:
        as_wanted = not any(plan.error or plan.changes for plan in session.look())
    if not as_wanted:
        samdrift("lab", "up")
        samdrift("--lab", "--limit", " or ".join((*NEEDED, "role=package_cache", "role=log_server")), "apply", "--yes")
    return fleet


@pytest.fixture(autouse=True)
def role() -> Iterator[None]:
    with cutting.role():
        yield


def endings(applied: ApplyResult) -> dict[str, str]:
    return {result.host: result.outcome for result in applied.hosts}


def test_a_hub_that_cuts_off_a_municipality_behind_it_is_not_confirmed_though_it_is_well_itself(lab: Fleet) -> None:
    order = order_of(lab, Gates())
    inner = order.behind[HUB][EDGE]
    assert answers_anew(lab.host(EDGE), inner, Lab().access()), f"{EDGE} is to be reached at {inner}, by the tunnel"
    before = by_hand(HUB, "nft list ruleset")

    applied = cutting.cut({HUB: "those behind"}, SECONDS, order=order)

    assert endings(applied) == {HUB: "rolled back"}
    assert exit_code(applied.findings, after_change=True) is Exit.ROLLED_BACK
    assert f"do not now: {EDGE}" in applied.findings[0].detail
    assert answers_anew(lab.host(EDGE), inner, Lab().access())
    assert "cutting" not in by_hand(HUB, "nft list ruleset")
    assert before


def test_of_two_resolvers_only_one_stops_when_a_change_is_more_than_the_service_survives(lab: Fleet) -> None:
    try:
        applied = cutting.cut(
            dict.fromkeys(RESOLVERS, "a service"), SECONDS, order=order_of(lab, Gates(canaries=False))
        )

        assert endings(applied) == {RESOLVERS[0]: "failed", RESOLVERS[1]: "skipped"}
        (stopped,) = [f for f in applied.findings if f.kind == "stopped"]
        assert stopped.detail == f"changed and proved: –\nleft alone, and not begun: {RESOLVERS[1]}"
        assert by_hand(RESOLVERS[1], "systemctl is-active unbound.service") == "active\n"
    finally:
        by_hand(RESOLVERS[0], MEND)
