"""Keys at homes and files that shells start with are told, but for declared keys and Debian's skeletons."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from roles.shared.searches import homes
from roles.shared.searches.homes import keys, started
from roles.shared.searches.search import Declarations

NOTHING = Declarations()
ANNA = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGyEcPTacAAZq77B3Ulk2ToRvSZREr26Nehpt0s1RMVh"
EVE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJjsv3xqebUv5tAdoO8X+fgwhj936UfaZWxDZhYxcI7v"
ACCOUNTS = "root:/root\nanna:/home/anna\nbackup:/var/backups\n\n"
OURS = f"/etc/ssh/authorized_keys/anna:# Managed by samdrift\n/etc/ssh/authorized_keys/anna:{ANNA}\n"


def told_keys(*lines: str) -> list[str]:
    return [found.name for found in keys(ACCOUNTS + OURS + "".join(f"{line}\n" for line in lines), NOTHING)]


def test_a_persons_declared_key_at_home_is_not_told_and_another_is() -> None:
    at_home = "/home/anna/.ssh/authorized_keys"
    assert told_keys(f"{at_home}:{ANNA} anna@desk", f"{at_home}:# a comment", f"{at_home}:") == []
    assert told_keys(f"{at_home}:{EVE} eve") == [f"ssh-ed25519 …ZhYxcI7v eve in {at_home}"]


def test_somebody_elses_declared_key_is_told_at_the_home_of_another() -> None:
    for path in ("/root/.ssh/authorized_keys", "/var/backups/.ssh/authorized_keys2"):
        assert told_keys(f"{path}:{ANNA}") == [f"ssh-ed25519 …t0s1RMVh in {path}"]


def test_the_options_of_a_key_hide_it_no_more_than_they_are_told() -> None:
    line = f'/root/.ssh/authorized_keys:command="echo secret",from="10.0.0.1" {EVE}'
    assert told_keys(line) == ["ssh-ed25519 …ZhYxcI7v in /root/.ssh/authorized_keys"]


SKELETON, OTHER = "ab" * 32, "cd" * 32


def told_files(**content: str) -> list[str]:
    files = {f"/home/anna/{name}": digest for name, digest in content.items()} | {"/etc/skel/.bashrc": SKELETON}
    return [found.name for found in started(answer(files), NOTHING)]


def answer(files: Mapping[str, str]) -> str:
    listed = "".join(f"{path}\0f 644 x:x 9\0\0" for path in files)
    digests = "".join(f"{digest}  {path}\0" for path, digest in files.items() if digest)
    return base64.b64encode((listed + digests).encode()).decode()


def test_a_file_as_debians_skeleton_has_it_is_not_told_and_another_is() -> None:
    assert told_files(**{".bashrc": SKELETON}) == []
    assert told_files(**{".bashrc": OTHER, ".config/systemd/user/x.service": OTHER}) == [
        "/home/anna/.bashrc",
        "/home/anna/.config/systemd/user/x.service",
    ]


def test_keys_are_told_one_by_one_and_not_as_a_file() -> None:
    assert told_files(**{".ssh/authorized_keys": OTHER, ".ssh/rc": OTHER}) == ["/home/anna/.ssh/rc"]


def test_a_file_too_large_to_be_read_is_told() -> None:
    files = {"/root/.profile": "", "/etc/skel/.profile": SKELETON}
    assert [found.name for found in started(answer(files), NOTHING)] == ["/root/.profile"]


def test_a_host_without_skeletons_was_not_read() -> None:
    with pytest.raises(ValueError, match="skeletons"):
        list(started(answer({"/root/.profile": OTHER}), NOTHING))


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A host's files, with a home and a home behind a link; the last line of passwd ends at the file's end."""
    for directory in ("etc/skel", "usr/share/base-files", "etc/ssh/authorized_keys", "home/anna/.ssh", "elsewhere"):
        (tmp_path / directory).mkdir(parents=True)
    for name in ("etc/skel/.bashrc", "home/anna/.bashrc", "usr/share/base-files/dot.profile"):
        (tmp_path / name).write_text("as Debian has it")
    (tmp_path / "elsewhere/.ssh").symlink_to(tmp_path / "elsewhere/keys")
    (tmp_path / "elsewhere/keys").mkdir()
    (tmp_path / "home/eve").symlink_to(tmp_path / "elsewhere")
    homes = {"root": "/", "anna": f"{tmp_path}/home/anna", "eve": f"{tmp_path}/home/eve", "gone": "/nonexistent"}
    lines = (f"{name}:x:1000:1000::{home}:/bin/sh" for name, home in homes.items())
    (tmp_path / "etc/passwd").write_text("\n".join(lines))
    return tmp_path


def asked(host: Path, question: str) -> str:
    for place in ("/etc/passwd", "/etc/skel", "/usr/share/base-files", "/etc/ssh/authorized_keys"):
        question = question.replace(f" {place}", f" {host}{place}").replace(f"'{place}/*", f"'{host}{place}/*")
    return subprocess.run(["sh", "-c", question], capture_output=True, text=True, check=True).stdout


def test_files_of_every_home_are_told_whatever_they_are_called_and_wherever_the_home_leads(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(homes, "SKELETONS", tuple(f"{host}{place}" for place in homes.SKELETONS))
    (host / "home/anna/.config/systemd/user/a b\n\1c").mkdir(parents=True)
    (host / "home/anna/.config/systemd/user/a b\n\1c/x.service").write_text("x")
    (host / "home/anna/.profile").symlink_to("/tmp/x")
    (host / "home/eve/.zshenv").write_text("x")
    (host / "elsewhere/keys/rc").write_text("x")
    found = {one.name.removeprefix(f"{host}/"): one.state for one in started(asked(host, homes.QUESTION), NOTHING)}
    assert set(found) == {
        "home/anna/.config/systemd/user/a b\n\1c/x.service",
        "home/anna/.profile",
        "home/eve/.zshenv",
        "home/eve/.ssh/rc",
    }
    assert found["home/anna/.profile"].endswith(" /tmp/x")
    assert found["home/eve/.zshenv"].endswith(hashlib.sha256(b"x").hexdigest())


def test_keys_of_every_home_are_told_with_whose_it_is_up_to_the_last_line_of_passwd(host: Path) -> None:
    (host / "etc/ssh/authorized_keys/anna").write_text(f"{ANNA}\n")
    (host / "home/anna/.ssh/authorized_keys2").write_text(f"{EVE}\n")
    (host / "elsewhere/keys/authorized_keys").write_text(f"{ANNA}\n")
    said = asked(host, homes.KEYS_QUESTION)
    accounts, _, lines = said.partition("\n\n")
    assert accounts.split("\n") == [f"{name}:{host}/home/{name}" for name in ("anna", "eve")]
    assert sorted(lines.splitlines()) == sorted(
        [
            f"{host}/etc/ssh/authorized_keys/anna:{ANNA}",
            f"{host}/home/anna/.ssh/authorized_keys2:{EVE}",
            f"{host}/home/eve/.ssh/authorized_keys:{ANNA}",
        ]
    )
