"""A walk over a server's disks: asked of a small dpkg database and files of its own, as a shell answers on any host."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from roles.shared.searches.walk import DISKS, IN_PLACES, NOISE, PLACES, QUESTION, TOO_MANY, Walk, walked

pytestmark = pytest.mark.skipif(shutil.which("awk") is None, reason="not applicable: no awk here")

FILES = ("usr/bin/a", "usr/bin/b c", "etc/p.conf", "usr/share/doc/p/README")


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A place with a package `p` that brought two programs, a configuration file and a document an hour ago."""
    md5: dict[str, str] = {}
    for name in FILES:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
        md5[name] = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    info = tmp_path / "var/lib/dpkg/info"
    info.mkdir(parents=True)
    sums = (f"{md5[name]}  {tmp_path}/{name}\n".replace("  /", "  ", 1) for name in FILES if name != "etc/p.conf")
    (info / "p:amd64.md5sums").write_text("".join(sums))
    brought = (path for name in FILES for path in (tmp_path / name, *(tmp_path / name).parents))
    (info / "p:amd64.list").write_text("".join(f"{path}\n" for path in brought))
    (tmp_path / "var/lib/dpkg/diversions").write_text("")
    (tmp_path / "tmp").mkdir()
    conffiles = f" {tmp_path}/etc/p.conf {md5['etc/p.conf']}\\n {tmp_path}/etc/gone.conf {'0' * 32} obsolete\\n"
    for name, script in {"dpkg-query": f"printf '{conffiles}'", "getcap": "printf '%s cap_x=ep\\n' $2"}.items():
        (tmp_path / "bin").mkdir(exist_ok=True)
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    return tmp_path


def told(host: Path) -> Walk:
    """Ask the question about the host's directory, an hour after the package came."""
    place = f"{host}/etc {host}/usr"
    here = QUESTION.replace(DISKS, f"printf '{host}/tmp\\0'").replace(shlex.join(PLACES), place)
    here = here.replace(IN_PLACES, f"^{host}/(etc|usr)/").replace(NOISE, f"^{host}/usr/share/doc")
    here = here.replace("/var/lib/dpkg", f"{host}/var/lib/dpkg").replace(
        "when[list[3]] = list[1]", "when[list[3]] = list[1] - 3600"
    )
    path = {"PATH": f"{host}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    said = subprocess.run(["sh", "-c", here], capture_output=True, text=True, check=True, env=path)
    return walked(said.stdout)


def names(host: Path, files: tuple[object, ...]) -> list[str]:
    return sorted(getattr(file, "path", "").removeprefix(f"{host}/") for file in files)


def test_files_as_they_were_brought_are_in_no_list(host: Path) -> None:
    assert told(host) == Walk()


def test_a_program_and_a_configuration_that_were_changed_are_told_and_a_document_is_not(host: Path) -> None:
    for name in FILES:
        (host / name).write_text("changed")
    assert names(host, told(host).changed) == ["etc/p.conf", "usr/bin/a", "usr/bin/b c"]


def test_a_file_that_was_written_again_as_it_was_is_in_no_list(host: Path) -> None:
    """Restored from a backup, say: rkhunter tells another inode."""
    shutil.copy(host / "usr/bin/a", host / "kept")
    shutil.move(host / "kept", host / "usr/bin/a")
    assert told(host) == Walk()


def test_sums_that_a_package_wrote_wrongly_stop_nothing(host: Path) -> None:
    """Docker's own packages had such ones, at which `dpkg --verify` dies (docker/desktop-linux issue 65)."""
    sums = host / "var/lib/dpkg/info/p:amd64.md5sums"
    sums.write_text(f"{'a' * 40}\n\nno sum\n{sums.read_text()}")
    (host / "usr/bin/a").write_text("changed")
    assert names(host, told(host).changed) == ["usr/bin/a"]


def test_of_a_host_that_was_copied_file_by_file_the_copy_counts(host: Path) -> None:
    (host / "usr/bin/a").write_text("changed while the image was made")
    os.utime(host / "var/lib/dpkg/info/p:amd64.list", (0, 0))
    assert told(host).changed == ()
    (host / "etc/p.conf").write_text("changed")
    assert names(host, told(host).changed) == ["etc/p.conf"]


def test_where_more_changed_than_is_read_that_is_said_and_all_else_is_told(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in FILES:
        (host / name).write_text("changed")
    monkeypatch.setattr(f"{__name__}.QUESTION", QUESTION.replace("-v MOST=5000", "-v MOST=2"))
    (host / "etc/x").write_text("x")
    found = told(host)
    assert [file.path for file in found.changed] == [TOO_MANY]
    assert names(host, found.of_no_package) == ["etc/x"]


def test_of_an_application_that_was_unpacked_not_every_file_is_told_and_nothing_beside_it_is_lost(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(9):
        (host / f"etc/app/lib/{n}").mkdir(parents=True)
        (host / f"etc/app/lib/{n}/x").write_text("x")
    (host / "etc/zebra").write_text("x")
    monkeypatch.setattr(f"{__name__}.QUESTION", QUESTION.replace("-v BELOW=2000", "-v BELOW=4"))
    told_of = names(host, told(host).of_no_package)
    assert {"etc/app", "etc/zebra"} <= set(told_of)
    assert len(told_of) == 2 + 4


def test_who_sets_the_time_of_a_file_back_hides_nothing(host: Path) -> None:
    (host / "usr/bin/a").write_text("changed")
    os.utime(host / "usr/bin/a", (0, 0))
    assert names(host, told(host).changed) == ["usr/bin/a"]


def test_a_file_of_no_package_is_told_whatever_it_is_called(host: Path) -> None:
    for name in ("etc/cron.d/x y", "usr/bin/line\nbreak", "etc/files", "etc/sums"):
        (host / name).parent.mkdir(exist_ok=True)
        (host / name).write_text("x")
    (host / "etc/link").symlink_to("/somewhere else")
    found = told(host).of_no_package
    assert names(host, found) == [
        "etc/cron.d",
        "etc/cron.d/x y",
        "etc/files",
        "etc/link",
        "etc/sums",
        "usr/bin/line\nbreak",
    ]
    assert {file.to for file in found} == {"", "/somewhere else"}


def test_privileged_programs_are_told_anywhere_and_a_packages_own_too(host: Path) -> None:
    (host / "tmp/shell").write_text("x")
    for name in ("tmp/shell", "usr/bin/a"):
        (host / name).chmod(0o4755)
    found = told(host)
    assert names(host, found.privileged) == ["tmp/shell", "usr/bin/a"]
    assert (names(host, found.of_no_package), names(host, found.changed)) == ([], [])


def test_programs_are_asked_for_capabilities(host: Path) -> None:
    (host / "usr/bin/a").chmod(0o755)
    assert told(host).capable == (f"{host}/usr/bin/a cap_x=ep",)
