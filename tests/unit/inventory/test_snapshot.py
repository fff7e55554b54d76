"""A snapshot is read whole or refused by file and line, and written byte for byte as it was read."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.errors import InventoryError, SamdriftError
from inventory.fleet import Fleet
from inventory.keys import KEYS
from inventory.order import in_order
from inventory.snapshot import DEFAULT, Origin, dump, load, origin, read
from tests.unit.inventory.fleets import KEY_A, SERVER, fleet, with_hosts


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A snapshot of the small sound fleet."""
    dump(fleet(), tmp_path / "inventory")
    return tmp_path / "inventory"


def texts(directory: Path) -> dict[str, str]:
    return {str(p.relative_to(directory)): p.read_text(encoding="utf-8") for p in directory.rglob("*.yaml")}


def complaints(directory: Path) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        load(directory)
    return [str(p).removeprefix(f"{directory}/") for p in caught.value.problems]


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


# Round trips


def test_what_was_written_is_read_back_as_the_same_fleet(directory: Path) -> None:
    assert read(directory).fleet.digest == in_order(fleet()).digest


def test_what_was_read_is_written_back_byte_for_byte(directory: Path, tmp_path: Path) -> None:
    dump(read(directory).fleet, tmp_path / "again")

    assert texts(tmp_path / "again") == texts(directory)


def test_the_shipped_snapshot_is_written_back_byte_for_byte(tmp_path: Path) -> None:
    dump(load(), tmp_path)

    assert texts(tmp_path) == texts(DEFAULT)


def shuffled(source: Fleet, seed: int) -> Fleet:
    """The same fleet with everything whose order means nothing in another order."""
    rng = random.Random(seed)  # noqa: S311  not a secret

    def mixed(items: Any) -> list[Any]:
        return rng.sample(items, len(items))

    data = source.model_dump(mode="json")
    for section in KEYS:
        data[section] = mixed(data[section])
    for host in data["hosts"]:
        host["tags"], host["host_keys"] = mixed(host["tags"]), mixed(host["host_keys"])
        for interface in host["interfaces"]:
            interface["tagged_vlans"] = mixed(interface["tagged_vlans"])
    for context in data["config_contexts"]:
        context["device_roles"], context["tags"] = mixed(context["device_roles"]), mixed(context["tags"])
    return Fleet.model_validate(data)


@pytest.mark.parametrize("seed", range(3))
def test_digest_and_files_are_the_same_in_whatever_order_a_source_gives_them(seed: int, tmp_path: Path) -> None:
    fleet = load()
    other = shuffled(fleet, seed)
    dump(other, tmp_path)

    assert other.digest != fleet.digest
    assert in_order(other).digest == fleet.digest
    assert texts(tmp_path) == texts(DEFAULT)


def test_the_order_of_interfaces_means_something() -> None:
    host = SERVER | {"interfaces": [{"name": "b"}, {"name": "a"}]}

    (kept,) = in_order(with_hosts(host)).hosts

    assert [i.name for i in kept.interfaces] == ["b", "a"]


def test_a_municipality_without_hosts_any_more_has_no_file_any_more(directory: Path) -> None:
    dump(with_hosts(SERVER), directory)

    assert [p.name for p in (directory / "hosts").iterdir()] == ["tierp.yaml"]


def test_what_hosts_of_a_file_have_in_common_is_written_once(tmp_path: Path) -> None:
    admins = {f"admin{n}": {"full_name": f"Å {n}", "keys": [KEY_A]} for n in range(5)}
    context = {"samdrift": {"roles": {"base": True}, "base": {"admins": admins}}}
    same = [SERVER | {"name": f"tie-a{n}", "context": context, "interfaces": []} for n in range(3)]
    hosts = [h | {"status": "planned", "primary_address": None} for h in same]
    dump(with_hosts(*hosts), tmp_path)

    assert texts(tmp_path)["hosts/tierp.yaml"].count("admin3:") == 1
    assert [h.context for h in read(tmp_path).fleet.hosts] == [context] * 3


def test_texts_that_look_like_something_else_come_back_as_texts(tmp_path: Path) -> None:
    odd = [
        "yes",
        "null",
        "1e3",
        "2026-01-01",
        "0110",
        "- a",
        "a: b",
        "# c",
        " d ",
        "",
        "<<",
        "'",
        "å",
        "&x",
        "!y",
        "a\nb",
    ]
    host = SERVER | {"context": {"odd": odd, **{text: text for text in odd if text.isprintable()}}}
    dump(with_hosts(host), tmp_path)

    assert read(tmp_path).fleet.host("tie-dns1").context == host["context"]


def contexts() -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    parts = st.recursive(leaves, lambda s: st.lists(s, max_size=3) | st.dictionaries(st.text(), s, max_size=3))
    return st.dictionaries(st.text(), parts, max_size=4)


@pytest.mark.long
@settings(max_examples=40)
@given(contexts(), contexts())
def test_whatever_config_contexts_say_is_read_back_as_it_was(one: Any, other: Any) -> None:
    first = SERVER | {"context": {"x": {"y": {"same": one, "other": other}}}}
    second = SERVER | {"name": "tie-dns2", "context": {"x": {"y": {"same": one}}}}
    with TemporaryDirectory() as directory:
        dump(with_hosts(first, second), Path(directory))
        found = read(Path(directory))

    assert found.problems == ()
    assert [h.context for h in found.fleet.hosts] == [first["context"], second["context"]]


def test_nothing_is_written_outside_the_directory_whatever_a_tenant_is_called(tmp_path: Path) -> None:
    for tenant in ("../../x", "", "a/b", "_", "X"):
        dump(with_hosts(SERVER | {"tenant": tenant}), tmp_path / "inventory")

        assert [p.name for p in tmp_path.iterdir()] == ["inventory"]
        assert [p.name for p in (tmp_path / "inventory" / "hosts").iterdir()] == ["_.yaml"]
        assert read(tmp_path / "inventory").fleet.host("tie-dns1").tenant == tenant


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SamdriftError, match=r"file.*: cannot be written"):
        dump(fleet(), tmp_path / "file")


# Bad input


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert complaints(tmp_path / "nowhere")[0].startswith(f"{tmp_path}/nowhere: there is no such directory")


def test_an_empty_directory_says_every_file_that_is_missing(tmp_path: Path) -> None:
    found = complaints(tmp_path)

    assert [c.split(":")[0] for c in found] == ["cables.yaml", "contexts.yaml", "network.yaml", "organisation.yaml"]
    assert all("there is no such file" in c for c in found)


def spoil(name: str, old: str, new: str) -> Callable[[Path], None]:
    return lambda directory: edit(directory / name, old, new)


def write(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda directory: (directory / name).write_bytes(content)


SPOILED: dict[str, tuple[Callable[[Path], object], str]] = {
    "not YAML": (spoil("hosts/tierp.yaml", "kind: vm", "kind: [vm"), "hosts/tierp.yaml:4: not YAML"),
    "unknown key": (
        spoil("hosts/tierp.yaml", "kind:", "colour: red\n  kind:"),
        "hosts/tierp.yaml:3: unknown key 'colour'",
    ),
    "unknown key deep inside": (
        spoil("hosts/tierp.yaml", "{name: eth0,", "{name: eth0, mtu: 1500,"),
        "hosts/tierp.yaml:10: unknown key 'mtu'",
    ),
    "unknown section": (spoil("cables.yaml", "cables:", "kablar: []\ncables:"), "cables.yaml:1: unknown key 'kablar'"),
    "wrong type": (
        spoil("network.yaml", "vid: 10", "vid: ten"),
        "network.yaml:2: vid: input should be a valid integer",
    ),
    "text for a number": (spoil("network.yaml", "vid: 10", "vid: '10'"), "network.yaml:2: vid: input should be"),
    "out of range": (spoil("network.yaml", "vid: 10", "vid: 5000"), "network.yaml:2: vid: input should be less"),
    "no address": (
        spoil("hosts/tierp.yaml", "primary_address: 10.60.10.11", "primary_address: 10.60.10.311"),
        "hosts/tierp.yaml:11: primary_address",
    ),
    "no prefix": (spoil("network.yaml", "prefix: 10.60.10.0/24", "prefix: 10.60.10.1/24"), "network.yaml:6: prefix"),
    "no choice": (
        spoil("hosts/tierp.yaml", "kind: vm", "kind: cow"),
        "hosts/tierp.yaml:3: kind: input should be 'device' or 'vm'",
    ),
    "missing key": (spoil("hosts/tierp.yaml", "  kind: vm\n", ""), "hosts/tierp.yaml:2: kind is missing"),
    "duplicate key": (
        spoil("hosts/tierp.yaml", "kind: vm", "kind: vm\n  kind: vm"),
        "hosts/tierp.yaml:4: key 'kind' is here twice, first in line 3",
    ),
    "tag": (spoil("hosts/tierp.yaml", "kind: vm", "kind: !!python/name:os.system vm"), "hosts/tierp.yaml:3: YAML tag"),
    "no mapping": (write("cables.yaml", b"- a\n"), "cables.yaml:1: must be a mapping with cables"),
    "no list": (write("cables.yaml", b"cables: {a: b}\n"), "cables.yaml:1: cables must be a list"),
    "no object": (write("cables.yaml", b"cables:\n- 7\n"), "cables.yaml:2: this: input should be an object"),
    "empty": (write("cables.yaml", b""), "cables.yaml:1: empty"),
    "no UTF-8": (write("cables.yaml", b"cables: [\xff]\n"), "cables.yaml: is no UTF-8 (byte 9)"),
    "a file too many": (write("hosts.yaml", b"hosts: []\n"), "hosts.yaml: does not belong in an inventory"),
    "a broken rule": (
        spoil("hosts/tierp.yaml", "primary_address: 10.60.10.11", "primary_address: 10.60.10.12"),
        "hosts/tierp.yaml:11: tie-dns1: no interface has the primary address 10.60.10.12",
    ),
}


@pytest.mark.parametrize(("break_it", "says"), SPOILED.values(), ids=SPOILED)
def test_bad_input_gives_one_line_with_the_place_to_mend(
    directory: Path, break_it: Callable[[Path], object], says: str
) -> None:
    break_it(directory)

    (line,) = complaints(directory)

    assert line.startswith(says)
    assert "\n" not in line


def test_a_file_that_cannot_be_read_is_named(directory: Path) -> None:
    (directory / "cables.yaml").unlink()
    (directory / "cables.yaml").mkdir()

    assert complaints(directory) == ["cables.yaml: cannot be read: Is a directory [snapshot]"]


def test_all_problems_of_all_files_are_reported_in_one_go_by_place(directory: Path) -> None:
    edit(directory / "hosts/tierp.yaml", "kind: vm", "kind: vm\n  colour: red")  # unknown key
    edit(directory / "hosts/tierp.yaml", "  primary_address: 10.60.10.11\n", "")  # no address, in the same host
    edit(directory / "hosts/heby.yaml", "name: wan0", "name: 7")  # wrong type
    edit(directory / "network.yaml", "gateway: 10.63.10.1", "gateway: 10.99.0.1")  # a rule
    edit(directory / "contexts.yaml", "wave: 30", "wave: !x 30")  # a tag
    (directory / "cables.yaml").write_text("cables: [", encoding="utf-8")  # not YAML

    found = complaints(directory)

    assert [line.split(": ")[0] for line in found] == [
        "cables.yaml:1",
        "contexts.yaml:7",
        "hosts/heby.yaml:11",
        "hosts/tierp.yaml:2",
        "hosts/tierp.yaml:4",
        "network.yaml:7",
    ]


def test_lines_are_right_although_a_fleet_is_in_another_order_than_its_files(directory: Path) -> None:
    text = (directory / "network.yaml").read_text(encoding="utf-8")
    head, *rows = text.split("prefixes:\n")[1].split("\nranges:")[0].splitlines(keepends=True)
    edit(directory / "network.yaml", head + "".join(rows), "".join([*reversed(rows), head]))
    edit(directory / "network.yaml", "gateway: 10.59.0.63", "gateway: 10.99.0.63")

    (line,) = complaints(directory)

    assert line.startswith("network.yaml:7: 10.99.0.63 cannot be the gateway of 10.59.0.0/24")


def test_hosts_may_stand_in_any_file_of_their_directory(directory: Path) -> None:
    (directory / "hosts/heby.yaml").rename(directory / "hosts/new.yaml")

    assert read(directory).fleet.digest == in_order(fleet()).digest


def test_an_inventory_may_have_no_hosts_yet(directory: Path) -> None:
    dump(with_hosts(), directory)

    assert load(directory).hosts == ()
    assert not list((directory / "hosts").iterdir())


def test_equal_fleets_are_written_byte_for_byte_the_same_whatever_order_netbox_keeps_keys_in(tmp_path: Path) -> None:
    base = {"apt_proxy": True, "journal_max": "1G"}
    data = {"samdrift": {"roles": {"base": True, "time": False}, "wave": 3, "base": base}}
    turned = {"samdrift": {"base": dict(reversed(base.items())), "wave": 3, "roles": {"time": False, "base": True}}}
    for name, context in (("a", data), ("b", turned)):
        contexts = [{"name": "x", "data": context}]
        host = SERVER | {"context": context, "local_context": context}
        dump(fleet(hosts=[host], cables=[], prefixes=[], config_contexts=contexts), tmp_path / name)
    for file in (p for p in (tmp_path / "a").rglob("*") if p.is_file()):
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes()
    text = (tmp_path / "a" / "contexts.yaml").read_text()
    assert "    samdrift:\n      roles: {base: true, time: false}\n      wave: 3\n" in text


# Replacing


def test_a_snapshot_is_replaced_whole_and_leaves_nothing_beside_it(directory: Path) -> None:
    dump(with_hosts(SERVER), directory)

    assert read(directory).fleet.digest == in_order(with_hosts(SERVER)).digest
    assert [p.name for p in directory.parent.iterdir()] == [directory.name]


def test_a_snapshot_that_cannot_be_written_whole_leaves_the_old_one(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = texts(directory)
    rename = Path.rename

    def refusing(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(SamdriftError, match="No space left"):
        dump(with_hosts(SERVER), directory)

    assert texts(directory) == before
    assert [p.name for p in directory.parent.iterdir()] == [directory.name]


@pytest.mark.parametrize("name", ["notes.txt", ".git/config", "hosts/readme.md", "hosts/more/x.yaml"])
def test_a_directory_with_anything_else_in_it_is_never_replaced(directory: Path, name: str) -> None:
    (directory / name).parent.mkdir(exist_ok=True)
    (directory / name).write_text("mine")
    before = texts(directory)

    with pytest.raises(SamdriftError, match="does not belong in an inventory, and would be lost"):
        dump(with_hosts(SERVER), directory)

    assert (directory / name).read_text() == "mine"
    assert texts(directory) == before


def test_a_link_to_a_snapshot_stays_a_link(directory: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(directory)

    dump(with_hosts(SERVER), link)

    assert link.is_symlink()
    assert read(directory).fleet == in_order(with_hosts(SERVER))


# Where it came from


def test_a_pulled_snapshot_knows_when_and_is_the_same_fleet(directory: Path) -> None:
    said = Origin(netbox="https://netbox.example.org", at="2026-11-25T10:00:00.000Z", digest=load(directory).digest)

    dump(fleet(), directory, said)

    assert origin(load(directory), directory) == said
    assert read(directory).fleet.digest == in_order(fleet()).digest


def test_a_snapshot_that_was_edited_since_is_no_longer_what_netbox_said(directory: Path) -> None:
    dump(fleet(), directory, Origin(netbox="x", at="t", digest=load(directory).digest))
    edit(directory / "organisation.yaml", "Heby kommunhus", "Heby hus")

    assert origin(load(directory), directory) is None


@pytest.mark.parametrize("text", ["", "[", "netbox: 1", "- a", "!!python/object:x {}", "\x00"])
def test_a_damaged_note_of_where_it_came_from_is_none(directory: Path, text: str) -> None:
    (directory / "pulled.yaml").write_text(text)

    assert origin(load(directory), directory) is None
