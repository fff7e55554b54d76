"""Role time: chrony runs, asks whom it should, and has the time from somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from roles.shared.network.servers import time_servers
from roles.time import HAS_TIME, SANDBOX

if TYPE_CHECKING:
    from inventory.fleet import Fleet, Host
    from roles.time import Settings


def _sources(host: Any, question: str) -> list[str]:
    said = host.run(f"chronyc {question}")
    assert said.rc == 0, f"chronyd does not answer: {said.stdout.strip()}"
    return str(said.stdout).splitlines()


def test_chrony_runs_and_comes_back_at_boot(unit: Any) -> None:
    assert unit("chrony") == ("active", "enabled")


def test_its_service_may_do_what_it_needs_and_nothing_else(violations: Any) -> None:
    assert violations(SANDBOX) == []


def test_no_other_program_sets_the_clock(host: Any) -> None:
    said = host.run("systemctl is-active systemd-timesyncd; systemctl is-enabled systemd-timesyncd").stdout.split()
    assert said in (["inactive", "not-found"], ["inactive", "disabled"], ["inactive", "masked"])


def test_it_asks_whom_it_should_and_nobody_else(host: Any, settings: Settings) -> None:
    # -N: by the names in the configuration; -a: also those whose names cannot be resolved just now
    asked = {line.split(",")[2] for line in _sources(host, "-N -c sources -a")}
    assert asked == {u.name for u in settings.upstreams} | {str(s) for s in settings.servers}


def test_a_server_answers_the_fleet_and_a_client_nobody(host: Any, settings: Settings) -> None:
    listening = host.check_output("ss -Hlnu sport = :123").splitlines()
    everywhere = {4: "0.0.0.0:123", 6: "[::]:123"}
    assert {everywhere[n.version] for n in settings.clients} <= {line.split()[3] for line in listening}
    assert bool(listening) == settings.server


def test_it_has_the_time(host: Any, settings: Settings, fleet: Fleet, me: Host, to_come: frozenset[str]) -> None:
    """A server may have it from itself, when the internet is away; a client must have it from a server.

    In a first roll-out the servers may come after this host: then none of them answers yet.
    """
    if settings.server:
        assert host.check_output("chronyc -c tracking").split(",")[-1] == "Normal"
    else:
        has_time = host.run(HAS_TIME)
        answered = [line for line in _sources(host, "-c sources") if line.split(",")[5] != "0"]
        servers = time_servers(fleet)
        later = bool(servers) and all(server.wave > me.wave or server.name in to_come for server in servers)
        if has_time.rc != 0 and later and not answered:
            pytest.skip("not applicable: the time servers, which are all to come, do not answer yet")
        assert has_time.rc == 0, f"no time server has answered: {has_time.stdout.splitlines()[-1:]}"


def test_a_server_has_the_time_from_outside(host: Any, settings: Settings) -> None:
    if not settings.server:
        pytest.skip("not applicable: this host is a client")
    if not settings.control_clock:
        pytest.skip("not applicable: it serves the outer machine's clock (option control_clock is false)")
    # Asked when there was time to answer; the other servers of the fleet have it from outside no more than this one.
    sources = [line.split(",") for line in host.check_output(f"{HAS_TIME}; chronyc -N -c sources -a").splitlines()]
    used = {row[2] for row in sources if row[0] in {"^", "="} and row[1] in {"*", "+"}}
    assert used & {u.name for u in settings.upstreams}, f"no upstream has answered; it has the time from {used or None}"


def test_the_clock_is_right(host: Any, settings: Settings) -> None:
    if not settings.control_clock:
        pytest.skip("not applicable: the clock is the outer machine's (option control_clock is false)")
    fields = host.check_output("chronyc -c tracking").split(",")
    assert fields[-1] == "Normal"  # otherwise it has nothing to hold its clock against, and is off by none
    offset = float(fields[4])
    assert abs(offset) < 0.1, f"{offset} seconds off"


PROVES = {
    "hardening": ("its service may do what it needs and nothing else",),
    "time": (
        "chrony runs and comes back at boot",
        "no other program sets the clock",
        "it asks whom it should and nobody else",
        "a server answers the fleet and a client nobody",
        "it has the time",
        "a server has the time from outside",
        "the clock is right",
    ),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "chrony runs and comes back at boot": "chrony är igång och startar med värden",
    "its service may do what it needs and nothing else": "tjänsten får göra vad den behöver och inget annat",
    "no other program sets the clock": "inget annat program ställer klockan",
    "it asks whom it should and nobody else": "den frågar dem den ska och ingen annan",
    "a server answers the fleet and a client nobody": "en server svarar beståndet och en klient ingen",
    "it has the time": "den har tiden",
    "a server has the time from outside": "en server har tiden utifrån",
    "the clock is right": "klockan går rätt",
}
"""What its checks are called in a Swedish report."""
