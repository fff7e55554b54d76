"""Does the log leave this host? Asked of the running rsyslog and its connections."""

from __future__ import annotations

import re
from typing import Any

import pytest

from inventory.fleet import Fleet, Host
from roles.log_client import MARK, OLD_LOG, SANDBOX, UNIT, Settings
from roles.shared.families import in_url

TIMED_OUT = 124


def test_rsyslog_runs_and_is_enabled(unit: Any) -> None:
    assert unit(UNIT) == ("active", "enabled")


def test_its_service_may_do_what_it_needs_and_nothing_else(violations: Any) -> None:
    assert violations(SANDBOX) == []


def test_what_is_logged_here_reaches_the_journal(host: Any) -> None:
    assert host.run(f"sh -c '{MARK}'").rc == 0


def test_every_log_server_is_connected(
    host: Any, settings: Settings, fleet: Fleet, me: Host, to_come: frozenset[str]
) -> None:
    """In a first roll-out the log server may come after this host: then it does not answer, and the queue waits."""
    dports = " or ".join(f"dport = :{port}" for port in sorted({server.port for server in settings.servers}))
    peers = host.check_output(f"ss -Htn state established {dports}").split()
    servers = {a: h for h in fleet.with_role("log_server") for a in (h.primary_address, h.primary_address6)}
    for server in settings.servers:
        if f"{in_url(server.address)}:{server.port}" in peers:
            continue
        knock = f"timeout 3 bash -c '</dev/tcp/{server.address}/{server.port}'"
        answers = host.run_expect([0, 1, TIMED_OUT], knock).rc == 0
        its = servers[server.address]
        if not answers and (me.wave < its.wave or its.name in to_come):
            pytest.skip(f"not applicable: log server {server.address}, still to come, does not answer; the log waits")
        pytest.fail(
            f"no connection to log server {server.address}, which {'answers' if answers else 'does not answer'}"
        )


def test_the_bookmark_in_the_journal_is_kept(host: Any) -> None:
    assert host.file("/var/spool/rsyslog/journal.state").is_file


def test_nothing_is_pushed_at_rsyslog_beside_the_journal(host: Any) -> None:
    said = host.check_output("systemd-analyze cat-config systemd/journald.conf")
    values = [line.split("=", 1)[1] for line in said.splitlines() if line.startswith("ForwardToSyslog=")]
    assert values[-1:] == ["no"]


def test_no_text_log_of_an_earlier_set_up_is_left(host: Any) -> None:
    found = host.check_output("ls /var/log").split()
    assert "journal" in found
    assert [name for name in found if re.fullmatch(OLD_LOG, name)] == []


PROVES = {
    "central logs": (
        "every log server is connected",
        "nothing is pushed at rsyslog beside the journal",
        "no text log of an earlier set up is left",
    ),
    "hardening": ("its service may do what it needs and nothing else",),
    "log storage": ("the bookmark in the journal is kept",),
    "logging": (
        "what is logged here reaches the journal",
        "the bookmark in the journal is kept",
    ),
    "network services": ("rsyslog runs and is enabled",),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "rsyslog runs and is enabled": "rsyslog är igång och startar med värden",
    "its service may do what it needs and nothing else": "tjänsten får göra vad den behöver och inget annat",
    "what is logged here reaches the journal": "det som loggas här når journalen",
    "every log server is connected": "varje loggserver är ansluten",
    "the bookmark in the journal is kept": "bokmärket i journalen sparas",
    "nothing is pushed at rsyslog beside the journal": "inget skickas till rsyslog vid sidan av journalen",
    "no text log of an earlier set up is left": "ingen textlogg från en tidigare uppsättning är kvar",
}
"""What its checks are called in a Swedish report."""
