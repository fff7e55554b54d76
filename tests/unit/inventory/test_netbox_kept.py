"""What is kept between pulls comes back as it was, or not at all."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from inventory import snapshot
from inventory.errors import SamdriftError
from inventory.netbox import kept
from inventory.netbox.client import NetBox
from inventory.netbox.kept import Unusable, load, save
from inventory.netbox.rows import Mark
from tests.unit.inventory.netbox_rows import rows_of

NETBOX = NetBox("https://netbox.example.org", "nbt_one.secretsecret")
ROWS = rows_of(snapshot.load(), Mark(12, "t", "r", (9, 10)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save(tmp_path / "netbox.json", ROWS, NETBOX)
    return tmp_path / "netbox.json"


def test_rows_come_back_as_they_were(file: Path) -> None:
    assert load(file, NETBOX) == ROWS


def test_the_file_is_its_owner_s_alone_and_holds_no_secret(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"secretsecret" not in file.read_bytes()
    assert [p.name for p in file.parent.iterdir()] == [file.name]


def test_nothing_kept_is_nothing() -> None:
    assert load(Path("/nonexistent/netbox.json"), NETBOX) is None


@pytest.mark.parametrize(
    "other", [NetBox("https://other.example.org", "nbt_one.x"), NetBox("https://netbox.example.org", "nbt_two.x")]
)
def test_another_netbox_s_or_token_s_rows_are_of_no_use(file: Path, other: NetBox) -> None:
    with pytest.raises(Unusable, match="of another NetBox or token"):
        load(file, other)


def test_other_fields_are_of_no_use(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "FORMAT", "other")

    with pytest.raises(Unusable, match="of another version of samdrift"):
        load(file, NETBOX)


@pytest.mark.parametrize("text", [b"", b"{}", b"[]\n[]", b"\xff\n", b"null\nnull"])
def test_what_is_no_such_file_is_damaged(file: Path, text: bytes) -> None:
    file.write_bytes(text)

    with pytest.raises(Unusable, match="damaged"):
        load(file, NETBOX)


def test_a_single_changed_byte_is_noticed(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-100] ^= 1
    file.write_bytes(data)

    with pytest.raises(Unusable, match="damaged"):
        load(file, NETBOX)


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(SamdriftError, match="cannot be kept"):
        save(tmp_path / "missing" / "netbox.json", ROWS, NETBOX)
