"""A line of fstab gets what it lacks, once, and every other line stays as it is, to the byte."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from roles.shared.parts.mounts import AS_WANTED, into_table, lacking_in_table, lacking_now

OPTIONS = ("nosuid", "nodev", "noexec")
MADE = "tmpfs /dev/shm tmpfs nosuid,nodev,noexec 0 0\n"
OTHERS = "# /dev/shm is elsewhere\nUUID=1234  /\text4 errors=remount-ro 0 1\n#tmpfs /dev/shm tmpfs exec 0 0\n"


def shell(command: str) -> str:
    return subprocess.run(["/bin/sh", "-ec", command], capture_output=True, text=True, check=True).stdout


@pytest.mark.long
@pytest.mark.parametrize(
    ("before", "lacks", "after"),
    [
        (OTHERS, "no line\n", OTHERS + MADE),
        (OTHERS.rstrip("\n"), "no line\n", OTHERS + MADE),
        ("", "no line\n", MADE),
        (
            f"{OTHERS}tmpfs /dev/shm tmpfs size=2G,nosuid 0 0\n",
            "nodev\nnoexec\n",
            f"{OTHERS}tmpfs /dev/shm tmpfs size=2G,nosuid,nodev,noexec 0 0\n",
        ),
        ("none /dev/shm tmpfs\n", "nosuid\nnodev\nnoexec\n", "none /dev/shm tmpfs nosuid,nodev,noexec\n"),
        ("shm /dev/shm/x tmpfs noexec 0 0\n", "no line\n", "shm /dev/shm/x tmpfs noexec 0 0\n" + MADE),
    ],
)
def test_a_line_gets_what_it_lacks_and_no_other_line_changes(
    tmp_path: Path, before: str, lacks: str, after: str
) -> None:
    table = tmp_path / "fstab"
    table.write_text(before)
    table.chmod(0o664)
    asked, made = (
        lacking_in_table("/dev/shm", OPTIONS, f"{table}"),
        into_table("/dev/shm", "tmpfs", OPTIONS, f"{table}"),
    )

    assert shell(asked) == lacks
    shell(made)

    assert table.read_text() == after
    assert (table.stat().st_mode & 0o777, [*tmp_path.iterdir()]) == (0o664, [table])
    assert shell(asked) == f"{AS_WANTED}\n"
    shell(made)
    assert table.read_text() == after


def test_without_a_table_there_is_one_afterwards(tmp_path: Path) -> None:
    table = tmp_path / "fstab"
    asked = lacking_in_table("/dev/shm", OPTIONS, f"{table}")
    assert shell(asked) == "no line\n"
    shell(into_table("/dev/shm", "tmpfs", OPTIONS, f"{table}"))
    assert (table.read_text(), shell(asked)) == (MADE, f"{AS_WANTED}\n")


def test_what_is_not_mounted_is_not_mounted_as_wanted(tmp_path: Path) -> None:
    assert shell(lacking_now("/proc", ("rw",))) == f"{AS_WANTED}\n"
    assert shell(lacking_now("/proc", ("rw", "sync"))) == "sync\n"
    assert shell(lacking_now(f"{tmp_path}", ("rw",))) == "not mounted\n"
