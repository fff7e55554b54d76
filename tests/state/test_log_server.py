"""Does the log server receive, and keep each sender's log where it belongs?"""

from __future__ import annotations

from typing import Any

import pytest

from roles.log_server import LOGS, UNIT, Settings

ARRIVES = """\
mark=samdrift-check-$(cat /proc/sys/kernel/random/uuid)
{log} -t samdrift-check "$mark" || exit
for try in 1 2 3 4 5 6 7 8 9 10; do
  grep -qF "$mark" {file} && exit 0
  sleep 0.1
done
exit 1
"""
"""rsyslog writes within milliseconds, after it has acknowledged."""


def arrives(host: Any, log: str, name: str) -> bool:
    """Whether what this command logs stands in the file of this name within a second."""
    arrived = host.run_expect([0, 1], ARRIVES.format(log=log, file=f"{LOGS}/{name}.log"))
    return bool(arrived.rc == 0)


def test_rsyslog_runs_and_is_enabled(unit: Any) -> None:
    assert unit(UNIT) == ("active", "enabled")


def test_receives_from_hosts(host: Any, settings: Settings) -> None:
    listening = host.check_output(f"ss -Hltn sport = :{settings.relp_port}").splitlines()
    everywhere = {4: "0.0.0.0", 6: "[::]"}  # noqa: S104
    wanted = {f"{everywhere[n.version]}:{settings.relp_port}" for n in settings.clients}
    assert wanted
    assert wanted <= {line.split()[3] for line in listening}


def test_a_sender_that_the_fleet_does_not_know_is_kept_apart(host: Any, settings: Settings) -> None:
    if not settings.devices:
        pytest.skip("not applicable: no device sends plain syslog, so there is no port to try")
    # Loopback is no sender that the fleet knows.
    assert arrives(host, f"logger --rfc3164 -T -n 127.0.0.1 -P {settings.syslog_port}", "unknown")


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
