"""A walk over a server's disks: asked of a small dpkg database and files of its own, as a shell answers on any host."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from roles.shared.searches.walk import PROGRAM, Walk, question, walked

pytestmark = pytest.mark.skipif(shutil.which("perl") is None, reason="not applicable: no perl here")

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
    sums = (f"{md5[name]}  {tmp_path}/{name}\n".replace("  /", "  ", 1) for name in FILES if name != "etc/p.conf")
    (info / "p:amd64.md5sums").write_text("".join(sums))
    brought = (path for name in FILES for path in (tmp_path / name, *(tmp_path / name).parents))
    (info / "p:amd64.list").write_text("".join(f"{path}\n" for path in brought))
    (tmp_path / "var/lib/dpkg/diversions").write_text("")
    conffiles = f" {tmp_path}/etc/p.conf {md5['etc/p.conf']}\n {tmp_path}/etc/gone.conf {'0' * 32} obsolete\n"
    (tmp_path / "var/lib/dpkg/status").write_text(f"Package: p\nConffiles:\n{conffiles}Description: p\n")
    (tmp_path / "tmp").mkdir()
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mounts").write_text(f"x {tmp_path}/tmp ext4 rw 0 0\n")
    (tmp_path / "bin").mkdir()
    getcap = tmp_path / "bin/getcap"
    getcap.write_text("#!/bin/sh\nfor file; do printf '%s cap_x=ep\\n' \"$file\"; done\n")
    getcap.chmod(0o755)
    return tmp_path


def told(host: Path, question: str = "") -> Walk:
    """Ask the question about the host's directory, an hour after the package came."""
    asked = question or asked_of(host)
    path = {"PATH": f"{host}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    said = subprocess.run(["sh", "-c", asked], capture_output=True, text=True, check=True, env=path)
    return walked(said.stdout)


def asked_of(host: Path) -> str:
    """Return the question about a host whose package came an hour ago: what was just made here changed since."""
    earlier = question(str(host)).replace("push @since, $unpacked;", "push @since, $unpacked - 3600;")
    return earlier.replace("$last + $SETTLED", "$last + 3600 + $SETTLED")


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


def test_where_more_changed_than_is_read_that_is_said_and_all_else_is_told(host: Path) -> None:
    for name in FILES:
        (host / name).write_text("changed")
    (host / "etc/x").write_text("x")
    found = told(host, asked_of(host).replace("-MOST=5000", "-MOST=2"))
    assert (found.too_many_changed, found.changed) == (True, ())
    assert names(host, found.of_no_package) == ["etc/x"]


def test_of_an_application_that_was_unpacked_not_every_file_is_told_and_nothing_beside_it_is_lost(host: Path) -> None:
    for n in range(9):
        (host / f"etc/app/lib/{n}").mkdir(parents=True)
        (host / f"etc/app/lib/{n}/x").write_text("x")
    (host / "etc/zebra").write_text("x")
    told_of = names(host, told(host, asked_of(host).replace("-BELOW=2000", "-BELOW=4")).of_no_package)
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


def test_a_name_with_odd_bytes_hides_nothing(host: Path) -> None:
    """A name is whatever bytes but NUL and a slash; what one separates in an answer may stand in another."""
    odd = [b"a\x01b", b"a\x02", b"a\tb", b"a\\x41", b"\xff\xfe", "Älvkarleby".encode(), b" ", b"-n", b"a=ep"]
    for name in odd:
        file = Path(os.fsdecode(bytes(host / "usr/bin") + b"/" + name))
        file.write_text("x")
        file.chmod(0o4755)
    found = told(host)
    expected = sorted(f"usr/bin/{name.decode('utf-8', 'backslashreplace')}" for name in odd)
    assert names(host, found.of_no_package) == expected
    assert names(host, found.privileged) == expected
    assert names(host, found.capable) == expected


def test_hidden_directories_are_entered_and_links_that_lead_back_end_nothing(host: Path) -> None:
    """osquery left out both for years (issue 7291)."""
    (host / "etc/.hidden/deeper").mkdir(parents=True)
    (host / "etc/.hidden/deeper/round").symlink_to("..")
    (host / "etc/.hidden/deeper/x").write_text("x")
    (host / "etc/zebra").write_text("x")
    assert {"etc/.hidden/deeper/x", "etc/zebra"} <= set(names(host, told(host).of_no_package))


def test_a_packages_path_with_more_behind_it_is_not_the_packages(host: Path) -> None:
    for name in ("usr/bin/a\2", "usr/bin/a\n", "usr/bin/a "):
        (host / name).write_text("x")
        (host / name).chmod(0o4755)
    found = told(host)
    assert names(host, found.of_no_package) == names(host, found.privileged)
    assert names(host, found.privileged) == ["usr/bin/a\2", "usr/bin/a\n", "usr/bin/a "]


def test_only_compiled_python_passes_as_such(host: Path) -> None:
    """cron runs a job of any name of letters and underscores."""
    for name in ("etc/__pycache__", "usr/lib/x/__pycache__/a.cpython-313.pyc", "usr/lib/x/__pycache__/a.service"):
        (host / name).parent.mkdir(parents=True, exist_ok=True)
        (host / name).write_text("x")
    found = names(host, told(host).of_no_package)
    assert found == ["etc/__pycache__", "usr/lib", "usr/lib/x", "usr/lib/x/__pycache__/a.service"]


def test_what_is_neither_a_file_nor_gone_is_told_and_stops_nothing(host: Path) -> None:
    """A named pipe in the place of a file: who reads it waits for ever."""
    (host / "etc/p.conf").unlink()
    os.mkfifo(host / "etc/p.conf")
    assert names(host, told(host).changed) == ["etc/p.conf"]


def test_what_a_package_moved_aside_and_what_ucf_installed_and_nobody_changed_is_known(host: Path) -> None:
    for name in ("usr/bin/a.distrib", "etc/ucf.conf", "etc/ucf2.conf"):
        (host / name).write_text("x")
    (host / "var/lib/dpkg/diversions").write_text(f"{host}/usr/bin/a\n{host}/usr/bin/a.distrib\np\n")
    (host / "var/lib/ucf").mkdir()
    x = hashlib.md5(b"x", usedforsecurity=False).hexdigest()
    (host / "var/lib/ucf/hashfile").write_text(f"{x}  {host}/etc/ucf.conf\n{'0' * 32}  {host}/etc/ucf2.conf\n")
    assert names(host, told(host).of_no_package) == ["etc/ucf2.conf"]


def test_a_path_that_a_package_names_by_the_older_directories_is_its_own(host: Path) -> None:
    assert (
        "/usr/lib/systemd/x"
        in subprocess.run(
            ["perl", "-e", PROGRAM.partition("# Which")[0] + 'print merged("/lib/systemd/x\n/libx/y\n/bin/ls\n")'],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
    )


def test_a_host_whose_find_is_ended_has_not_answered(host: Path) -> None:
    find = host / "bin/find"
    find.write_text("#!/bin/sh\nkill -9 $$\n")
    find.chmod(0o755)
    with pytest.raises(subprocess.CalledProcessError):
        told(host)


@pytest.mark.skipif(os.geteuid() != 0, reason="not applicable: to mount takes root")
def test_of_what_is_mounted_below_these_places_every_file_is_told_though_nothing_can_be_setuid_there(
    host: Path,
) -> None:
    (host / "usr/local").mkdir()
    (host / "proc/self/mounts").write_text(f"x {host}/usr/local tmpfs rw,nosuid 0 0\n")
    mount = (
        f"mount -t tmpfs x {shlex.quote(str(host))}/usr/local && echo x > {shlex.quote(str(host))}/usr/local/x.service"
    )
    inside = shlex.join(["unshare", "-m", "sh", "-c", f"{mount} && {asked_of(host)}"])
    assert "usr/local/x.service" in names(host, told(host, inside).of_no_package)


def test_privileged_programs_are_told_anywhere_and_a_packages_own_too(host: Path) -> None:
    (host / "tmp/shell").write_text("x")
    for name in ("tmp/shell", "usr/bin/a"):
        (host / name).chmod(0o4755)
    found = told(host)
    assert names(host, found.privileged) == ["tmp/shell", "usr/bin/a"]
    assert (names(host, found.of_no_package), names(host, found.changed)) == ([], [])


def test_programs_are_asked_for_capabilities(host: Path) -> None:
    (host / "usr/bin/a").chmod(0o755)
    assert [(one.path, one.what) for one in told(host).capable] == [(f"{host}/usr/bin/a", "cap_x=ep")]
