"""Units that somebody enabled: beside what packages and presets enable, and what roles want."""

from __future__ import annotations

import base64

import pytest

from roles.shared.searches.search import Declarations, Unread
from roles.shared.searches.units import TRANSIENT, UNITS

LIB = "/usr/lib/systemd/system"
PRESETS = (
    "preset\tenable\tgetty@.service",
    "preset\tenable\tsystemd-networkd.service",
    "preset\tdisable\tdebug-shell.service",
)


def link(unit: str, to: str = "", within: str = "multi-user.target.wants/") -> str:
    return f"link\t/etc/systemd/system/{within}{unit}\t{to or f'{LIB}/{unit}'}"


def told(*rows: str, units: tuple[str, ...] = ()) -> list[str]:
    answer = "\n".join([*PRESETS, *rows, "", "ended 0", ""])
    return [f.name for f in UNITS.unexpected(answer, Declarations(units=frozenset(units)))]


def test_what_a_package_enables_is_expected_where_it_does_and_not_elsewhere() -> None:
    helper = "helper\tsystem/multi-user.target.wants/ssh.service"
    assert told(helper, link("ssh.service")) == []
    assert told(helper, link("ssh.service", within="sysinit.target.wants/")) == ["ssh.service"]


@pytest.mark.parametrize(
    "row",
    [
        link("getty@tty1.service", f"{LIB}/getty@.service", "getty.target.wants/"),
        link("dbus-org.freedesktop.network1.service", f"{LIB}/systemd-networkd.service", ""),
        link("apt-daily.timer", "/dev/null", ""),
    ],
    ids=["by a preset of its template", "by another name", "masked"],
)
def test_what_systemd_enables_by_itself_is_expected(row: str) -> None:
    assert told(row) == []


def test_what_an_enabled_unit_brings_along_is_expected_though_a_preset_says_no() -> None:
    """Debian 12 has such presets (systemd issue 25459)."""
    rows = [link("systemd-networkd.socket", within="sockets.target.wants/"), link("wait-online.service")]
    also = "also\tsystemd-networkd.service\tsystemd-networkd.socket wait-online.service"
    assert told(*rows, also, "preset\tdisable\twait-online.service", link("systemd-networkd.service")) == []
    assert told(*rows, also) == ["systemd-networkd.socket", "wait-online.service"]


def test_a_link_among_a_packages_own_is_told() -> None:
    vendor = "/usr/lib/systemd/system/multi-user.target.wants/debug-shell.service"
    assert told(f"vendor\t{vendor}") == ["debug-shell.service"]


def test_a_packages_unit_that_it_leaves_alone_is_told() -> None:
    assert told(link("debug-shell.service"), link("rsync.service")) == ["debug-shell.service", "rsync.service"]


def test_what_a_role_wants_is_expected_with_its_other_names() -> None:
    rows = (
        link("wg-quick@wg0.service", f"{LIB}/wg-quick@.service"),
        link("chronyd.service", f"{LIB}/chrony.service", ""),
    )
    assert told(*rows, units=("wg-quick@wg0.service", "chrony.service")) == []
    assert told(*rows, units=("wg-quick@wg1.service", "chrony.service")) == ["wg-quick@wg0.service"]


def test_a_host_that_shows_no_presets_has_said_nothing() -> None:
    with pytest.raises(Unread):
        UNITS.unexpected(f"{link('ssh.service')}\n\nended 0\n", Declarations())


def test_units_until_the_next_boot_are_told_and_log_ins_are_not() -> None:
    names = (
        "transient/evil.service",
        "transient/session-3.scope",
        "system/x.service",
        "transient/session-3.scope.d/50-a.conf",
    )
    files = "".join(f"/run/systemd/{name}\0f 644 root:root 3\0\0" for name in names)
    answer = base64.b64encode(f"{files}sums\0{'a' * 64}  /run/systemd/system/x.service\0files\0".encode()).decode()
    found = TRANSIENT.unexpected(f"{answer}\nended 0\n", Declarations())
    assert [(f.name, f.state) for f in found] == [
        ("/run/systemd/system/x.service", f"f 644 root:root 3 {'a' * 64}"),
        ("/run/systemd/transient/evil.service", "f 644 root:root 3"),
    ]
