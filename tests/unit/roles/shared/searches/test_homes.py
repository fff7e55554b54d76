"""Keys at homes and files that shells start with are told, but for declared keys and Debian's skeletons."""

from __future__ import annotations

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
    listed = "".join(f"f 644 x:x 9\2/home/anna/{name}\n" for name in content)
    digests = "".join(f"{digest}  /home/anna/{name}\n" for name, digest in content.items())
    return [found.name for found in started(f"{listed}\n{digests}{SKELETON}  /etc/skel/.bashrc\n", NOTHING)]


def test_a_file_as_debians_skeleton_has_it_is_not_told_and_another_is() -> None:
    assert told_files(**{".bashrc": SKELETON}) == []
    assert told_files(**{".bashrc": OTHER, ".config/systemd/user/x.service": OTHER}) == [
        "/home/anna/.bashrc",
        "/home/anna/.config/systemd/user/x.service",
    ]


def test_keys_are_told_one_by_one_and_not_as_a_file() -> None:
    assert told_files(**{".ssh/authorized_keys": OTHER, ".ssh/rc": OTHER}) == ["/home/anna/.ssh/rc"]


def test_a_file_too_large_to_be_read_is_told() -> None:
    answer = f"f 644 x:x 9999999\2/root/.profile\n\n{SKELETON}  /etc/skel/.profile\n"
    assert [found.name for found in started(answer, NOTHING)] == ["/root/.profile"]
