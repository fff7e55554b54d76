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
from inventory.scope import EVERYTHING, Scope
from tests.unit.inventory.netbox_rows import rows_of

NETBOX = NetBox("https://netbox.example.org", "nbt_one.secretsecret")
ROWS = rows_of(snapshot.load(), Mark(12, "t", "r", (9, 10)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save(tmp_path / "netbox.json", ROWS, NETBOX, EVERYTHING)
    return tmp_path / "netbox.json"


def test_rows_come_back_as_they_were(file: Path) -> None:
    assert load(file, NETBOX, EVERYTHING) == ROWS


def test_the_file_is_its_owner_s_alone_and_holds_no_secret(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"secretsecret" not in file.read_bytes()
    assert [p.name for p in file.parent.iterdir()] == [file.name]


def test_nothing_kept_is_nothing() -> None:
    assert load(Path("/nonexistent/netbox.json"), NETBOX, EVERYTHING) is None


@pytest.mark.parametrize(
    "other", [NetBox("https://other.example.org", "nbt_one.x"), NetBox("https://netbox.example.org", "nbt_two.x")]
)
def test_another_netbox_s_or_token_s_rows_are_of_no_use(file: Path, other: NetBox) -> None:
    with pytest.raises(Unusable, match="of another NetBox or token"):
        load(file, other, EVERYTHING)


def test_another_scope_s_rows_are_of_no_use_whichever_of_the_two_is_wider(tmp_path: Path) -> None:
    some = Scope(tenants=("heby",))
    for number, (then, now) in enumerate([(EVERYTHING, some), (some, EVERYTHING), (some, Scope(tags=("heby",)))]):
        save(tmp_path / f"{number}.json", ROWS, NETBOX, then)

        assert load(tmp_path / f"{number}.json", NETBOX, then) == ROWS
        with pytest.raises(Unusable, match=r"of another scope \(inventory/scope.yaml\)"):
            load(tmp_path / f"{number}.json", NETBOX, now)


def test_other_fields_are_of_no_use(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "FORMAT", "other")

    with pytest.raises(Unusable, match="of another version of samdrift"):
        load(file, NETBOX, EVERYTHING)


@pytest.mark.parametrize("text", [b"", b"{}", b"[]\n[]", b"\xff\n", b"null\nnull"])
def test_what_is_no_such_file_is_damaged(file: Path, text: bytes) -> None:
    file.write_bytes(text)

    with pytest.raises(Unusable, match="damaged"):
        load(file, NETBOX, EVERYTHING)


def test_a_single_changed_byte_is_noticed(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-100] ^= 1
    file.write_bytes(data)

    with pytest.raises(Unusable, match="damaged"):
        load(file, NETBOX, EVERYTHING)


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(SamdriftError, match="cannot be kept"):
        save(tmp_path / "missing" / "netbox.json", ROWS, NETBOX, EVERYTHING)
