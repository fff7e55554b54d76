"""Does the log server receive, and keep each sender's log where it belongs?"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from roles.log_client import OLD_LOG
from roles.log_server import ARRIVES, LOGS, SANDBOX, UNIT, Settings

DAY = timedelta(days=1)

NEWEST = """\
date -u +%Y-%m-%dT%H:%M:%S+00:00
for name in {names}; do
  for file in {logs}/$name.log $(ls -r {logs}/$name.log-???????? 2> /dev/null); do
    [ -s $file ] && {{ echo $name $(tail -n 1 $file | cut -d ' ' -f 2); break; }}
  done
done
true
"""
"""What time it is there; and when each one's newest line came: of its log, or of what was last rotated away."""


def arrives(host: Any, log: str, name: str) -> bool:
    """Whether what this command logs stands in the file of this name within a second."""
    arrived = host.run_expect([0, 1], ARRIVES.format(log=log, file=f"{LOGS}/{name}.log"))
    return bool(arrived.rc == 0)


def is_within_a_day(at: str, now: str) -> bool:
    """Whether a time is less than a day before another; what is no time is not."""
    try:
        return datetime.fromisoformat(now) - datetime.fromisoformat(at) < DAY
    except (TypeError, ValueError):
        return False


def test_rsyslog_runs_and_is_enabled(unit: Any) -> None:
    assert unit(UNIT) == ("active", "enabled")


def test_its_service_may_do_what_it_needs_and_nothing_else(violations: Any) -> None:
    assert violations(SANDBOX) == []


def test_receives_from_hosts(host: Any, settings: Settings) -> None:
    listening = host.check_output(f"ss -Hltn sport = :{settings.relp_port}").splitlines()
    everywhere = {4: "0.0.0.0", 6: "[::]"}  # noqa: S104
    wanted = {f"{everywhere[n.version]}:{settings.relp_port}" for n in settings.clients}
    assert wanted
    assert wanted <= {line.split()[3] for line in listening}


def test_receives_from_devices(host: Any, settings: Settings) -> None:
    if not (settings.devices_tcp or settings.devices_udp):
        pytest.skip("not applicable: no device sends plain syslog, so there is no port")
    of = {"t": settings.devices_tcp, "u": settings.devices_udp}
    listening = {p: host.check_output(f"ss -Hln{p} sport = :{settings.syslog_port}").splitlines() for p in of}
    everywhere = {4: "0.0.0.0", 6: "[::]"}  # noqa: S104
    wanted = {(p, f"{everywhere[n.version]}:{settings.syslog_port}") for p, networks in of.items() for n in networks}
    assert wanted <= {(p, line.split()[3]) for p, lines in listening.items() for line in lines}


def test_every_device_was_heard_within_a_day(host: Any, settings: Settings) -> None:
    if not settings.expected:
        pytest.skip("not applicable: no device is expected to log here")
    now, *newest = host.check_output(NEWEST.format(names=" ".join(settings.expected), logs=LOGS)).splitlines()
    heard = {name: at for name, _, at in (line.partition(" ") for line in newest)}
    silent = {name: heard.get(name, "never") for name in settings.expected}
    assert {name: at for name, at in silent.items() if not is_within_a_day(at, now)} == {}


def test_a_sender_that_the_fleet_does_not_know_is_kept_apart(host: Any, settings: Settings) -> None:
    if not (settings.devices_tcp or settings.devices_udp):
        pytest.skip("not applicable: no device sends plain syslog, so there is no port to try")
    by = "-T" if settings.devices_tcp else "-d"
    # Loopback is no sender that the fleet knows.
    assert arrives(host, f"logger --rfc3164 {by} -n 127.0.0.1 -P {settings.syslog_port}", "unknown")


def test_its_own_log_is_kept_beside_the_others(host: Any, settings: Settings) -> None:
    assert arrives(host, "logger", settings.own_file)


def test_only_administrators_read_the_logs(host: Any, settings: Settings) -> None:
    found = host.check_output(f"find {LOGS} -printf '%m %u %p\\n'").splitlines()
    everything = [line.split(" ", 2) for line in found]
    assert everything
    assert [path for mode, owner, path in everything if int(mode, 8) & 0o007 or owner != "root"] == []


def test_every_municipality_has_its_directory(host: Any, settings: Settings) -> None:
    there = host.check_output(f"find {LOGS} -mindepth 1 -maxdepth 1 -type d -printf '%f\\n'").splitlines()
    assert [m for m in settings.municipalities if m not in there] == []


def test_logs_are_rotated_every_day(unit: Any) -> None:
    assert unit("logrotate.timer") == ("active", "enabled")


def test_no_text_log_of_an_earlier_set_up_is_left(host: Any) -> None:
    found = host.check_output("ls /var/log").split()
    assert "journal" in found
    assert [name for name in found if re.fullmatch(OLD_LOG, name)] == []


PROVES = {
    "central logs": (
        "receives from hosts",
        "receives from devices",
        "every device was heard within a day",
        "a sender that the fleet does not know is kept apart",
        "every municipality has its directory",
        "no text log of an earlier set up is left",
    ),
    "hardening": ("its service may do what it needs and nothing else",),
    "log access": ("only administrators read the logs",),
    "log storage": ("logs are rotated every day",),
    "logging": ("its own log is kept beside the others",),
    "network services": ("rsyslog runs and is enabled",),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "rsyslog runs and is enabled": "rsyslog är igång och startar med värden",
    "its service may do what it needs and nothing else": "tjänsten får göra vad den behöver och inget annat",
    "receives from hosts": "tar emot från värdar",
    "receives from devices": "tar emot från nätutrustning",
    "every device was heard within a day": "all nätutrustning har hörts inom ett dygn",
    "a sender that the fleet does not know is kept apart": "en avsändare som beståndet inte känner hålls för sig",
    "its own log is kept beside the others": "dess egen logg sparas bredvid de andras",
    "only administrators read the logs": "bara administratörer läser loggarna",
    "every municipality has its directory": "varje kommun har sin katalog",
    "logs are rotated every day": "loggar roteras varje dag",
    "no text log of an earlier set up is left": "ingen textlogg från en tidigare uppsättning är kvar",
}
"""What its checks are called in a Swedish report."""
