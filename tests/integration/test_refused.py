"""sshd of Debian 13 refuses who connects and does not log in: never a management station, and never for good."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.engine.session import Session
from deploy.lab.lab import Lab
from deploy.transport.greeting import REFUSALS, connected, refusal
from inventory.fleet import Fleet
from roles.shared.intent import Intent
from tests.integration.lab import by_hand, lab_fleet, samdrift

pytestmark = [pytest.mark.lab, pytest.mark.long]

HOST = "tie-mon1"
CONFIG = "/etc/ssh/sshd_config"
PENALISED = "PerSourcePenalties noauth:20s max:20s"
"""One connection that does not log in is enough, and twenty seconds are all."""


@pytest.fixture(scope="module")
def fleet(machine: None) -> Fleet:
    """The lab, with the one host as role base makes it."""
    samdrift("lab", "up")
    samdrift("--lab", "--limit", HOST, "apply", "--role", "base", "--yes")
    return lab_fleet()


def bare(fleet: Fleet, times: int) -> list[str]:
    """What sshd says to stations that connect and do not log in, one after the other."""
    said = []
    for _ in range(times):
        with connected(fleet.host(HOST).address, Lab().access().port, 5) as sock:
            said.append(refusal(sock))
    return said


def test_a_management_station_is_refused_never_however_often_it_does_not_log_in(fleet: Fleet) -> None:
    assert set(bare(fleet, 40)) == {""}


@pytest.fixture
def penalised(fleet: Fleet) -> Iterator[None]:
    """The host's sshd exempts nobody."""
    change = f"s/^PerSourcePenaltyExemptList .*/{PENALISED}/"
    by_hand(HOST, f"cp -a {CONFIG} {CONFIG}.kept && sed -i '{change}' {CONFIG} && systemctl reload ssh.service")
    try:
        yield
    finally:
        by_hand(HOST, f"mv {CONFIG}.kept {CONFIG} && systemctl reload ssh.service")


@pytest.mark.usefixtures("penalised")
def test_a_host_that_refuses_its_station_for_a_while_is_reached_and_not_unknown(fleet: Fleet) -> None:
    said = bare(fleet, 20)
    assert REFUSALS[0].decode() in said
    with Session(Intent(fleet), [fleet.host(HOST)], Lab().access(), vault=Lab().vault()) as session:
        assert session.unreachable == {}
