"""Ports that no role serves: what others can reach must be declared, what is behind loopback must be a service's."""

from __future__ import annotations

import pytest

from roles.shared.searches.search import Declarations, Unread
from roles.shared.searches.sockets import PORTS
from roles.shared.traffic import ANYWHERE, Listen

SSH = Listen(protocol="tcp", port=22, sources=ANYWHERE, why="SSH")


def line(protocol: str, at: str, group: str = "/system.slice/ssh.service") -> str:
    return f"{protocol} {'LISTEN' if protocol == 'tcp' else 'UNCONN'} 0  128  {at}  0.0.0.0:* cgroup:{group}  "


def told(*lines: str, units: tuple[str, ...] = ()) -> list[str]:
    declared = Declarations(listens=(SSH,), units=frozenset(units))
    return [f.name for f in PORTS.unexpected("\n".join([*lines, "", "ended 0", ""]), declared)]


def test_a_port_that_a_role_serves_is_expected_in_both_families() -> None:
    assert told(line("tcp", "0.0.0.0:22"), line("tcp", "[::]:22"), line("tcp", "10.0.0.1%eth0:22")) == []


def test_any_other_port_that_others_can_reach_is_told_whoever_opened_it() -> None:
    other = line("tcp", "0.0.0.0:4444", "/user.slice/user-0.slice/session-1.scope"), line("tcp", "*:6379")
    assert told(*other, units=("ssh.service",)) == ["tcp/4444", "tcp/6379"]


@pytest.mark.parametrize(
    ("group", "names"),
    [
        ("/system.slice/system-postgresql.slice/postgresql@17-main.service", []),
        ("/user.slice/user-1000.slice/session-1.scope", ["tcp/9999 127.0.0.1"]),
        ("/system.slice/../user.slice", ["tcp/9999 127.0.0.1"]),
        ("unreachable:1b2", ["tcp/9999 127.0.0.1"]),
    ],
)
def test_behind_loopback_a_service_may_listen_and_nobody_else(group: str, names: list[str]) -> None:
    assert told(line("tcp", "127.0.0.1:9999", group)) == names


def test_a_service_of_a_role_waits_for_answers_at_any_port_over_udp() -> None:
    answers = line("udp", "0.0.0.0:41234", "/system.slice/chrony.service")
    assert told(answers, units=("chrony.service",)) == []
    assert told(answers) == ["udp/any chrony.service"]
    tunnel = line("udp", "0.0.0.0:51820", r"/system.slice/system-wg\x2dquick.slice/wg-quick@wg0.service")
    assert told(tunnel, units=("wg-quick@wg0.service",)) == []


def test_a_port_that_is_another_one_after_each_start_is_told_by_its_unit() -> None:
    """As avahi's and rpc.statd's are; who opens one without a unit is told with the port."""
    first, again = (line("tcp", f"0.0.0.0:{port}", "/system.slice/rpc-statd.service") for port in (40123, 51234))
    assert told(first) == told(again) == ["tcp/any rpc-statd.service"]
    assert told(line("tcp", "0.0.0.0:40123", "/user.slice/x.scope")) == ["tcp/40123"]


def test_a_dhcp_client_is_answered() -> None:
    assert told(line("udp", "0.0.0.0:68", "/system.slice/networking.service")) == []


@pytest.mark.parametrize("strange", ["tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:*", "tcp", "tcp LISTEN 0 128 x y z"])
def test_what_is_no_answer_of_ss_says_nothing(strange: str) -> None:
    with pytest.raises(Unread):
        told(strange)
