"""Debian's archive is found as the machine's own apt has it, and nothing else is taken for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.lab.machine import LabError
from deploy.lab.mirror import Mirror, deb822_sources, machine_mirror, mirror_of, one_line_sources

DEB822 = """\
Types: deb
# a comment between the fields
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""

ONE_LINE = """\
# deb http://commented.example/debian trixie main
deb-src http://sources.example/debian trixie main
deb [arch=amd64] http://mirror.example/debian/ trixie main contrib # ours
deb http://mirror.example/debian-security trixie-security main
"""

THIRD_PARTIES = """\
deb [signed-by=/usr/share/keyrings/other.gpg] https://other.example/linux/debian bookworm main
deb https://other.example/node nodistro main
deb http://other.example/apt bookworm stable
"""


def test_the_mirror_is_the_machines_own_from_deb822() -> None:
    expected = Mirror(archive="http://mirror.example/debian", security="http://mirror.example/debian-security")
    assert mirror_of(deb822_sources(DEB822)) == expected


def test_the_mirror_is_the_machines_own_from_one_line_sources() -> None:
    expected = Mirror(archive="http://mirror.example/debian/", security="http://mirror.example/debian-security")
    assert mirror_of(one_line_sources(ONE_LINE)) == expected


def test_third_parties_are_not_debian() -> None:
    assert mirror_of(one_line_sources(THIRD_PARTIES)) is None


def test_a_disabled_source_is_none() -> None:
    assert mirror_of(deb822_sources("Enabled: no\n" + DEB822.split("\n\n", maxsplit=1)[0])) is None


def test_third_parties_do_not_hide_the_mirror(tmp_path: Path) -> None:
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (parts / "a-other.list").write_text(THIRD_PARTIES)
    (parts / "b-old.sources.disabled").write_text(DEB822.replace("mirror.example", "old.example"))
    (parts / "debian.sources").write_text(DEB822)
    assert machine_mirror(None, tmp_path).archive == "http://mirror.example/debian"


def test_of_a_list_of_mirrors_the_first_is_taken(tmp_path: Path) -> None:
    mirrors = tmp_path / "mirrors.list"
    mirrors.write_text("# ours\nhttp://first.example/debian\npriority:2\n")
    (tmp_path / "sources.list").write_text(f"deb mirror+file:{mirrors} trixie main\n")
    assert machine_mirror(None, tmp_path).archive == "http://first.example/debian"


def test_the_option_goes_before_the_machines_own(tmp_path: Path) -> None:
    assert machine_mirror("http://given.example/debian", tmp_path) == Mirror(archive="http://given.example/debian")


def test_a_machine_without_debian_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="SAMDRIFT_MIRROR"):
        machine_mirror(None, tmp_path)


@given(st.text())
def test_any_text_can_be_read_as_sources(text: str) -> None:
    mirror_of([*one_line_sources(text), *deb822_sources(text)])


def test_updates_and_security_come_with_the_security_archive_only() -> None:
    with_security = Mirror(archive="http://a.example", security="http://s.example").sources()
    assert [suite for _, suite in with_security] == ["trixie", "trixie-updates", "trixie-security"]
    assert [suite for _, suite in Mirror(archive="http://a.example").sources()] == ["trixie"]
