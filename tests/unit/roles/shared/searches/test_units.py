"""Units that somebody enabled: beside what packages and presets enable, and what roles want."""

from __future__ import annotations

import base64

import pytest

from roles.shared.searches.search import Declarations, Unread
from roles.shared.searches.units import LINKED_UNITS, TRANSIENT, UNITS
from tests.unit.roles.shared.searches.walking import walk

LIB = "/usr/lib/systemd/system"
PRESET = "/usr/lib/systemd/system-preset/90-systemd.preset"
PRESETS = (
    f"{PRESET}:enable getty@.service",
    f"{PRESET}:enable  systemd-networkd.service",
    f"{PRESET}:disable debug-shell.service",
)


def link(unit: str, to: str = "", within: str = "multi-user.target.wants/") -> str:
    return f"l\t/etc/systemd/system/{within}{unit}\t{to or f'{LIB}/{unit}'}"


def told(*rows: str, units: tuple[str, ...] = ()) -> list[str]:
    answer = "\n".join([*PRESETS, *rows, "", "ended 0", ""])
    return [f.name for f in UNITS.unexpected(answer, Declarations(units=frozenset(units)))]


def test_what_a_package_enables_is_expected_where_it_does_and_not_elsewhere() -> None:
    helper = "f\t/var/lib/systemd/deb-systemd-helper-enabled/multi-user.target.wants/ssh.service\t"
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
    also = f"{LIB}/systemd-networkd.service:Also=systemd-networkd.socket wait-online.service"
    assert told(*rows, also, f"{PRESET}:disable wait-online.service", link("systemd-networkd.service")) == []
    assert told(*rows, also) == ["systemd-networkd.socket", "wait-online.service"]


def test_a_link_among_a_packages_own_is_told() -> None:
    among, elsewhere = (f"{of}/system/x.wants/debug-shell.service" for of in ("/usr/lib/systemd", "/usr/lib/x"))
    answer = walk("/usr/lib/systemd/system/x.service", links={among: "../debug-shell.service", elsewhere: "../x"})
    assert [(f.name, f.state) for f in LINKED_UNITS.undeclared(answer, Declarations())] == [
        (among, "../debug-shell.service")
    ]


def test_the_first_preset_by_the_name_of_its_file_decides_in_whatever_order_they_are_told() -> None:
    first = "/usr/lib/systemd/system-preset/10-ours.preset:disable getty@.service"
    assert told(link("getty@tty1.service", f"{LIB}/getty@.service")) == []
    assert told(first, link("getty@tty1.service", f"{LIB}/getty@.service")) == ["getty@tty1.service"]


def test_a_unit_with_a_colon_in_its_name_brings_others_along() -> None:
    also = f"{LIB}/dbus-:1.3-x@.service:Also=wait-online.service"
    assert told(also, link("wait-online.service"), link("dbus-:1.3-x@.service"), units=("dbus-:1.3-x@.service",)) == []


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
    answer = base64.b64encode(f"{files}{'a' * 64}  /run/systemd/system/x.service\0".encode()).decode()
    found = TRANSIENT.unexpected(f"{answer}\nended 0\n", Declarations())
    assert [(f.name, f.state) for f in found] == [
        ("/run/systemd/system/x.service", f"f 644 root:root 3 {'a' * 64}"),
        ("/run/systemd/transient/evil.service", "f 644 root:root 3"),
    ]
