from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.lab.image import (
    PACKAGES,
    Machine,
    Mirror,
    deb822_sources,
    image_name,
    machine_authorities,
    machine_index,
    machine_mirror,
    mirror_of,
    one_line_sources,
    recipe,
)
from deploy.lab.machine import LabError
from roles import base

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


def test_the_image_holds_the_packages_of_role_base() -> None:
    assert set(base.PACKAGES) <= set(PACKAGES)


def test_updates_and_security_come_with_the_security_archive_only() -> None:
    with_security = Mirror(archive="http://a.example", security="http://s.example").sources()
    assert [suite for _, suite in with_security] == ["trixie", "trixie-updates", "trixie-security"]
    assert [suite for _, suite in Mirror(archive="http://a.example").sources()] == ["trixie"]


def test_another_recipe_is_another_image() -> None:
    here = Machine(mirror=Mirror(archive="http://one.example/debian"))
    there = Machine(mirror=Mirror(archive="http://other.example/debian"))
    trusting = here.model_copy(update={"authorities": {"own.crt": "PEM"}})
    assert len({image_name(recipe(machine)) for machine in (here, there, trusting)}) == 3
    assert image_name(recipe(here)) == image_name(recipe(here.model_copy()))


def test_only_an_index_that_lab_hosts_can_reach_too_is_taken_from_the_machine(tmp_path: Path) -> None:
    config = tmp_path / "pip.conf"
    assert machine_index({}, config) == ""
    config.write_text("[global]\nindex-url = https://index.example/simple%20x\n")
    assert machine_index({}, config) == "https://index.example/simple%20x"
    assert machine_index({"PIP_INDEX_URL": "http://other.example/simple"}, config) == "http://other.example/simple"
    assert machine_index({"PIP_INDEX_URL": "file:///srv/simple"}, config) == ""
    config.write_text("no section\n")
    assert machine_index({}, config) == ""


def test_a_certificate_is_laid_into_the_image_as_it_is(tmp_path: Path) -> None:
    evil, pem = "a'$(touch evil).crt", "-----BEGIN\n$(touch evil)'\n"
    (tmp_path / "own.crt").write_text(pem)
    (tmp_path / "readme.txt").write_text("no certificate")
    assert machine_authorities(tmp_path) == {"own.crt": pem}
    machine = Machine(mirror=Mirror(archive="http://a.example"), authorities={evil: pem})
    laid, *_ = machine.hooks()
    (tmp_path / "usr/local/share/ca-certificates").mkdir(parents=True)
    subprocess.run(["sh", "-c", laid, "sh", tmp_path], cwd=tmp_path, check=True)
    assert (tmp_path / "usr/local/share/ca-certificates" / evil).read_text() == pem
    assert not (tmp_path / "evil").exists()


def test_a_mirrors_address_is_never_evaluated(tmp_path: Path) -> None:
    evil = f"http://x/$(touch {tmp_path}/evil)'`touch {tmp_path}/evil`"
    (sources,) = [a for a in recipe(Machine(mirror=Mirror(archive=evil))) if a.startswith("--customize-hook=printf")]
    (tmp_path / "etc/apt/sources.list.d").mkdir(parents=True)
    subprocess.run(["sh", "-c", sources.removeprefix("--customize-hook="), "sh", tmp_path], check=True)
    assert f"URIs: {evil}\n" in (tmp_path / "etc/apt/sources.list.d/debian.sources").read_text()
    assert not (tmp_path / "evil").exists()
