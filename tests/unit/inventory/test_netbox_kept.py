"""What is kept between pulls comes back as it was, or not at all."""

from __future__ import annotations

import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import snapshot
from inventory.errors import SamdriftError
from inventory.netbox import kept
from inventory.netbox.client import NetBox
from inventory.netbox.kept import Unusable, load, save
from inventory.netbox.read_types import CONTEXTS
from inventory.netbox.rows import Mark, Rows
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


TEXTS = st.text(st.characters(exclude_categories=()))
"""Any text, one that is no Unicode included."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False) | TEXTS,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(TEXTS, values, max_size=3),
    max_leaves=8,
)
CONTEXTS_OF_HOSTS = st.lists(st.dictionaries(TEXTS, JSON, max_size=3), min_size=1, max_size=3)


@given(CONTEXTS_OF_HOSTS, TEXTS)
def test_whatever_hosts_have_comes_back_as_it_was(contexts: list[dict[str, Any]], text: str) -> None:
    comes_back_with(contexts, text)


def test_a_context_comes_back_however_deep_it_is() -> None:
    deep: dict[str, Any] = {}
    for _ in range(400):
        deep = {"in": deep}

    comes_back_with([deep, {}])


def comes_back_with(contexts: Sequence[dict[str, Any]], description: str = "") -> None:
    hosts = enumerate(ROWS["virtual_machines"].items())
    own = {i: row | {CONTEXTS: contexts[n % len(contexts)], "description": description} for n, (i, row) in hosts}
    rows = Rows({**ROWS.of, "virtual_machines": own}, ROWS.mark)
    with tempfile.TemporaryDirectory() as directory:
        save(Path(directory) / "netbox.json", rows, NETBOX, EVERYTHING)
        again = load(Path(directory) / "netbox.json", NETBOX, EVERYTHING)

    assert again == rows
    assert again is not None
    assert repr(again["virtual_machines"]) == repr(rows["virtual_machines"])  # a key's place, and no 1 for true or 1.0


def test_hosts_that_have_the_same_context_share_it_when_it_comes_back(file: Path) -> None:
    rows = load(file, NETBOX, EVERYTHING)

    assert rows is not None
    found = [row[CONTEXTS] for kind in kept.HOST_KINDS for row in rows[kind].values()]
    assert len({id(context) for context in found}) == len({repr(context) for context in found}) < len(found)


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
