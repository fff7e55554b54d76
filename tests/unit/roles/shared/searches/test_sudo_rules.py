"""What sudo allows is told with the file that says so, unless Debian's own file or a role says it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from roles.shared.searches.search import Declarations
from roles.shared.searches.sudo_rules import question, undeclared

HEALTHY = "".join(
    f"/etc/sudoers\t{line}\n"
    for line in (
        "# This file MUST be edited with the 'visudo' command as root.",
        "Defaults\tenv_reset",
        "Defaults\tmail_badpass",
        'Defaults\tsecure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"',
        "Defaults\tuse_pty",
        "root\tALL=(ALL:ALL) ALL",
        "%sudo\tALL=(ALL:ALL) ALL",
        "",
        "@includedir /etc/sudoers.d",
    )
)
OURS = Declarations(files=frozenset({"/etc/sudoers.d/samdrift"}))


def told(more: str = "") -> list[str]:
    return [found.name for found in undeclared(HEALTHY + more, OURS)]


def test_a_healthy_host_has_no_rule_to_tell() -> None:
    assert told("/etc/sudoers.d/samdrift\tsamdrift ALL=(ALL:ALL) NOPASSWD: ALL\n") == []


@pytest.mark.parametrize(
    "rule",
    [
        "nobody ALL=(ALL) NOPASSWD: ALL",
        "#1001 ALL=(ALL) NOPASSWD: ALL",
        "Defaults !authenticate",
        "Defaults env_keep += LD_PRELOAD",
        'Defaults secure_path="/tmp/x:/usr/bin"',
        "%sudo ALL=(ALL:ALL) NOPASSWD: ALL",
        "@include /etc/stays",
        "#includedir /tmp/stays.d",
        "@includedir /etc/sudoers.d/../stays",
    ],
)
def test_another_rule_is_told_with_its_file(rule: str) -> None:
    assert told(f"/etc/sudoers\t{rule}\n") == [f"{rule}  in /etc/sudoers"]
    assert told(f"/etc/stays/x\t{rule}\n") == [f"{rule}  in /etc/stays/x"]


def test_a_comment_is_no_rule() -> None:
    assert told("/etc/sudoers\t# nobody ALL=(ALL) ALL\n/etc/sudoers\t#includes nobody\n") == []


def test_a_host_whose_sudoers_is_not_there_was_not_read() -> None:
    with pytest.raises(ValueError, match="no sudoers"):
        list(undeclared("", OURS))


def test_all_that_sudo_reads_is_asked_for_and_nothing_that_it_does_not(tmp_path: Path) -> None:
    d = tmp_path / "sudoers.d"
    d.mkdir()
    (tmp_path / "sudoers").write_text(f"@includedir {d}\n#include {tmp_path}/more\na ALL=(ALL) \\\n  ALL\n")
    (tmp_path / "more").write_text(f'@include "{tmp_path}/deep"\nb ALL=(ALL) ALL\n')
    (tmp_path / "deep").write_text(f"@include {tmp_path}/more\nc ALL=(ALL) ALL\n")
    for name in ("d", "e.x", "f~"):
        (d / name).write_text(f"{name} ALL=(ALL) ALL\n")
    said = subprocess.run(["sh", "-c", question(str(tmp_path / "sudoers"))], check=True, capture_output=True, text=True)
    rules = [line.split("\t")[1] for line in said.stdout.splitlines() if "ALL" in line]
    assert sorted(" ".join(rule.split()) for rule in rules) == [f"{name} ALL=(ALL) ALL" for name in "abcd"]
