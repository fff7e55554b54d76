"""Which NetBox, and whose token: said by the environment, and refused where others could read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.source.netbox import READING, SEEDING, WRITE_BACK, Access, connected, instead
from inventory.errors import SamdriftError, UsageError
from inventory.netbox.faults import NetBoxError

URL = "https://netbox.example.org"


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.touch(mode=0o600)
    file.write_text("nbt_a.b\n")
    return file


def test_a_token_comes_from_a_file_or_the_environment(token_file: Path) -> None:
    assert connected(URL, None, environment={"SAMDRIFT_NETBOX_TOKEN_FILE": str(token_file)}).identity == f"{URL} nbt_a"
    assert connected(URL, None, environment={"SAMDRIFT_NETBOX_TOKEN": "nbt_c.d"}).identity == f"{URL} nbt_c"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_token_that_others_may_read_is_refused(token_file: Path, mode: int) -> None:
    token_file.chmod(mode)

    with pytest.raises(SamdriftError, match=r"others may read this token \(chmod 600"):
        connected(URL, None, environment={"SAMDRIFT_NETBOX_TOKEN_FILE": str(token_file)})


def test_what_is_missing_is_told_with_where_to_say_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="SAMDRIFT_NETBOX_URL"):
        connected(None, None, environment={"SAMDRIFT_NETBOX_TOKEN": "nbt_c.d"})
    with pytest.raises(UsageError, match="SAMDRIFT_NETBOX_TOKEN_FILE"):
        connected(URL, None, environment={})
    with pytest.raises(SamdriftError, match="the token cannot be read: No such file"):
        connected(URL, None, environment={"SAMDRIFT_NETBOX_TOKEN_FILE": str(tmp_path / "none")})
    with pytest.raises(UsageError, match="both set"):
        connected(URL, None, environment={"SAMDRIFT_NETBOX_TOKEN_FILE": "x", "SAMDRIFT_NETBOX_TOKEN": "y"})


@pytest.mark.parametrize("access", [READING, WRITE_BACK, SEEDING])
def test_each_access_has_a_token_of_its_own_and_no_other_stands_in(access: Access, token_file: Path) -> None:
    others = {a.variable: f"nbt_{i}.x" for i, a in enumerate((READING, WRITE_BACK, SEEDING)) if a != access}

    assert connected(URL, None, access, others | {access.file_variable: str(token_file)}).identity == f"{URL} nbt_a"
    with pytest.raises(UsageError, match=rf"no token for {access.name} .*set {access.file_variable} to a file"):
        connected(URL, None, access, others)


def test_an_error_of_netbox_names_the_snapshot_as_the_other_way() -> None:
    assert "--source snapshot" in str(instead(NetBoxError("away", where=URL, fix="wait")))
