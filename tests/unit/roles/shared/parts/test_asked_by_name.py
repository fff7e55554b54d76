"""Who may ask is known by a password, of which the program that answers has a digest: made and compared by perl."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import yaml

from roles.shared.parts.asked_by_name import MADE, MATCHES


def said(program: str, *paths: Path) -> str:
    """What a host answers."""
    argv = ["sh", "-c", f"{program} {' '.join(map(str, paths))}"]
    return subprocess.run(argv, check=False, capture_output=True, text=True).stdout


def test_what_is_made_of_a_password_is_its_digest_and_of_no_other(tmp_path: Path) -> None:
    password, web = tmp_path / "password", tmp_path / "web.yml"
    password.write_text("a long and random password\n")
    web.write_text(said(MADE, password))
    (digest,) = yaml.safe_load(web.read_text())["basic_auth_users"].values()
    assert re.fullmatch(r"\$2b\$05\$[./A-Za-z0-9]{53}", digest)
    assert said(MATCHES, password, web) == "the digest of the password\n"
    password.write_text("another long and random password\n")
    assert said(MATCHES, password, web) == "another\n"


def test_a_file_without_the_user_says_nothing(tmp_path: Path) -> None:
    password, web = tmp_path / "password", tmp_path / "web.yml"
    password.write_text("a long and random password\n")
    assert said(MATCHES, password, web) == ""
    web.write_text("basic_auth_users: {}\n")
    assert said(MATCHES, password, web) == ""
