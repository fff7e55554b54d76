"""Does the log server receive, and keep each sender's log where it belongs?"""

from __future__ import annotations

from typing import Any

import pytest

from roles.log_server import LOGS, UNIT, Settings

SEND = """\
mark=samdrift-check-$(cat /proc/sys/kernel/random/uuid)
logger --rfc3164 -T -n 127.0.0.1 -P {port} -t samdrift-check "$mark"
for try in 1 2 3 4 5 6 7 8 9 10; do
  grep -qF "$mark" {logs}/unknown.log && exit 0
  sleep 0.1
done
exit 1
"""
"""Loopback is no sender that the fleet knows. rsyslog writes within milliseconds, after it has acknowledged."""


def test_rsyslog_runs_and_is_enabled(host: Any) -> None:
    assert host.service(UNIT).is_running
    assert host.service(UNIT).is_enabled


def test_receives_from_hosts(host: Any, settings: Settings) -> None:
    assert host.run(f"ss -Hltn sport = :{settings.relp_port}").stdout


def test_a_sender_that_the_fleet_does_not_know_is_kept_apart(host: Any, settings: Settings) -> None:
    if not settings.devices:
        pytest.skip("not applicable: no device sends plain syslog, so there is no port to try")
    assert host.run(f"sh -c '{SEND.format(port=settings.syslog_port, logs=LOGS)}'").rc == 0


def test_its_own_log_is_kept_beside_the_others(host: Any, settings: Settings) -> None:
    assert host.file(f"{LOGS}/{settings.own_file}.log").size > 0


def test_only_administrators_read_the_logs(host: Any, settings: Settings) -> None:
    found = host.run(f"find {LOGS} ( -perm /007 -o ! -user root ) -print".replace("(", r"\(").replace(")", r"\)"))
    assert found.rc == 0
    assert found.stdout == ""


def test_every_municipality_has_its_directory(host: Any, settings: Settings) -> None:
    there = host.run(f"ls {LOGS}").stdout.split()
    assert set(settings.municipalities) <= set(there)


def test_logs_are_rotated_every_day(host: Any) -> None:
    assert host.service("logrotate.timer").is_running
    assert host.service("logrotate.timer").is_enabled
