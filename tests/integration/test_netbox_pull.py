"""From a real NetBox comes all that it says, as one picture, in full or by what changed; what is hidden is told."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from inventory.errors import SamdriftError
from inventory.fleet import Fleet, Host
from inventory.netbox import client
from inventory.netbox.assemble import assembled
from inventory.netbox.client import NetBox
from inventory.netbox.custom_fields import WRITTEN_BACK
from inventory.netbox.faults import NetBoxError
from inventory.netbox.pages import Listing
from inventory.netbox.pull import LogLost, fleet_of, pull, since, whole
from inventory.netbox.read_types import READ_TYPES
from inventory.netbox.rows import Mark, Rows
from inventory.netbox.session import Row
from inventory.snapshot import load
from roles.shared.catalogue import roles_of
from tests.integration.lab import NetBoxServer, program
from tests.integration.netbox import emptied, ids, say_as_shipped, seeded
from tests.unit.inventory.wild_fleet import seeded_random, wild_fleet

pytestmark = [pytest.mark.lab, pytest.mark.netbox, pytest.mark.long]


@pytest.fixture
def live(netbox: NetBoxServer) -> NetBox:
    """A NetBox that says what the shipped snapshot says, and no more."""
    made, fleet = NetBox(netbox.url, netbox.token, ca=netbox.ca), load()
    if not any(True for _ in made.rows("dcim/sites")) or _seeded_digest(made, fleet) != fleet.digest:
        say_as_shipped(made, netbox, fleet)
    return made


@pytest.fixture
def some(netbox: NetBoxServer, request: pytest.FixtureRequest) -> NetBox:
    """A NetBox that says something, no matter what: as other tests have left it, or as the shipped snapshot says."""
    made = NetBox(netbox.url, netbox.token, ca=netbox.ca)
    if any(True for _ in made.rows("dcim/devices", fields=("name",))):
        return made
    seeded: NetBox = request.getfixturevalue("live")
    return seeded


def _seeded_digest(netbox: NetBox, fleet: Fleet) -> str:
    """The digest of what it says after a seed; empty where something is in the way."""
    try:
        seeded(netbox, fleet)
    except SamdriftError:
        return ""
    return assembled(whole(netbox)).fleet.digest


def same(one: Rows, other: Rows) -> bool:
    """Whether two pulls read the same, kind by kind and row by row."""
    for kind in READ_TYPES:
        assert dict(one[kind.name]) == dict(other[kind.name]), kind.name
    return True


# Somebody who edits


class Editor:
    """Somebody who edits NetBox: each call does one thing that somebody could do."""

    def __init__(self, netbox: NetBox, rng: Random) -> None:
        self._netbox, self._rng = netbox, rng
        self.done: list[str] = []

    def edit(self, name: str = "") -> None:
        """One edit of this name, or any."""
        name = name or self._rng.choice([n for n in dir(self) if n.startswith("do_")])
        self.done.append(name)
        try:
            getattr(self, name)()
        except NetBoxError as e:
            if e.status not in {400, 409}:  # in use, or not possible just now: then nothing was changed
                raise
            self.done[-1] += " (refused)"

    def _one(self, endpoint: str) -> int:
        return self._rng.choice(ids(self._netbox, endpoint) or [0])

    def _some(self, endpoint: str) -> list[int]:
        there = ids(self._netbox, endpoint)
        return self._rng.sample(there, min(len(there), self._rng.randint(0, 2)))

    def _set(self, endpoint: str, **fields: Any) -> None:
        if number := self._one(endpoint):
            self._netbox.update(endpoint, [{"id": number, **fields}])

    def _delete(self, endpoint: str) -> None:
        if number := self._one(endpoint):
            self._netbox.delete(endpoint, [number])

    def _word(self) -> str:
        return f"w{self._rng.randrange(10**9)}"

    def do_rename_a_tag(self) -> None:
        self._set("extras/tags", name=self._word(), slug=self._word())

    def do_delete_a_tag(self) -> None:
        self._delete("extras/tags")

    def do_rename_a_site(self) -> None:
        self._set("dcim/sites", name=self._word(), slug=self._word())

    def do_rename_a_tenant(self) -> None:
        self._set("tenancy/tenants", name=self._word())

    def do_describe_a_device(self) -> None:
        self._set("dcim/devices", description=self._word(), serial=self._word())

    def do_tag_a_device(self) -> None:
        self._set("dcim/devices", tags=self._some("extras/tags"))

    def do_tag_a_vm(self) -> None:
        self._set("virtualization/virtual-machines", tags=self._some("extras/tags"))

    def do_move_a_vm(self) -> None:
        self._set("virtualization/virtual-machines", tenant=self._one("tenancy/tenants"), status="offline")

    def do_another_role(self) -> None:
        self._set("dcim/devices", role=self._one("dcim/device-roles"))

    def do_local_context(self) -> None:
        self._set("dcim/devices", local_context_data={"samdrift": {"wave": self._rng.randrange(99)}})

    def do_another_context(self) -> None:
        self._set("extras/config-contexts", data={"samdrift": {"wave": self._rng.randrange(99)}})

    def do_a_heavier_context(self) -> None:
        self._set("extras/config-contexts", weight=self._rng.randrange(5000), is_active=self._rng.random() < 0.8)

    def do_assign_a_context(self) -> None:
        sites, tags = self._some("dcim/sites"), self._some("extras/tags")
        slugs = [row["slug"] for row in self._netbox.rows("extras/tags", fields=("slug",), ids=tags)]
        self._set("extras/config-contexts", sites=sites, tags=slugs, roles=self._some("dcim/device-roles"))

    def do_a_new_context(self) -> None:
        data = {"samdrift": {"wave": self._rng.randrange(99)}}
        row = {"name": self._word(), "weight": 3000, "data": data, "platforms": self._some("dcim/platforms")}
        self._netbox.create("extras/config-contexts", [row])

    def do_delete_a_context(self) -> None:
        self._delete("extras/config-contexts")

    def do_an_interface_down(self) -> None:
        self._set("dcim/interfaces", enabled=False, description=self._word())

    def do_tagged_vlans(self) -> None:
        number = self._one("dcim/interfaces")
        row = next(self._netbox.rows("dcim/interfaces", ids=[number]))
        device = next(self._netbox.rows("dcim/devices", fields=("site",), ids=[row["device"]["id"]]))
        vlans = [v["id"] for v in self._netbox.rows("ipam/vlans") if v["site"] == device["site"] or _at(v, device)]
        self._netbox.update("dcim/interfaces", [{"id": number, "mode": "tagged", "tagged_vlans": vlans[:3]}])

    def do_delete_a_vlan(self) -> None:
        if vlan := self._one("ipam/vlans"):
            prefixes = [p for p in self._netbox.rows("ipam/prefixes", fields=("vlan",)) if p["vlan"]]
            its_own = [{"id": p["id"], "vlan": None} for p in prefixes if p["vlan"]["id"] == vlan]
            self._netbox.update("ipam/prefixes", its_own)  # which NetBox protects it for
            self._netbox.delete("ipam/vlans", [vlan])

    def do_delete_an_interface(self) -> None:
        self._delete("dcim/interfaces")

    def do_delete_a_vm_interface(self) -> None:
        self._delete("virtualization/interfaces")

    def do_delete_an_address(self) -> None:
        self._delete("ipam/ip-addresses")

    def do_move_an_address(self) -> None:
        number = self._one("dcim/interfaces")
        self._set("ipam/ip-addresses", assigned_object_type="dcim.interface", assigned_object_id=number)

    def do_no_primary_address(self) -> None:
        self._set("dcim/devices", primary_ip4=None)

    def do_delete_a_device(self) -> None:
        self._delete("dcim/devices")

    def do_delete_a_vm(self) -> None:
        self._delete("virtualization/virtual-machines")

    def do_a_new_device(self) -> None:
        row = {name: self._one(endpoint) for name, endpoint in DEVICE_NEEDS.items()}
        made = self._netbox.create("dcim/devices", [{**row, "name": self._word(), "status": "planned"}])
        interfaces = [{"device": made[0]["id"], "name": f"eth{i}", "type": "1000base-t"} for i in range(2)]
        self._netbox.create("dcim/interfaces", interfaces)

    def do_a_new_service(self) -> None:
        row = {"parent_object_type": "dcim.device", "parent_object_id": self._one("dcim/devices")}
        self._netbox.create("ipam/services", [{**row, "name": self._word(), "port_mappings": ["tcp/80", "udp/80"]}])

    def do_delete_a_service(self) -> None:
        self._delete("ipam/services")

    def do_unplug_a_cable(self) -> None:
        self._delete("dcim/cables")

    def do_plug_a_cable_elsewhere(self) -> None:
        end = [{"object_type": "dcim.interface", "object_id": self._one("dcim/interfaces")}]
        self._set("dcim/cables", a_terminations=end)

    def do_scope_a_prefix(self) -> None:
        self._set("ipam/prefixes", scope_type="dcim.site", scope_id=self._one("dcim/sites"), vlan=None)

    def do_a_gateway(self) -> None:
        self._set("ipam/prefixes", custom_fields={"gateway": self._word()})

    def do_delete_a_prefix(self) -> None:
        self._delete("ipam/prefixes")

    def do_a_cluster_elsewhere(self) -> None:
        self._set("virtualization/clusters", scope_type="dcim.site", scope_id=self._one("dcim/sites"))

    def do_a_rack_elsewhere(self) -> None:
        """A location with a device in it goes to another site: the device goes along, and the log does not say so."""
        site, other = self._one("dcim/sites"), self._one("dcim/sites")
        place = self._netbox.create("dcim/locations", [{"name": self._word(), "slug": self._word(), "site": site}])[0]
        device = next((d for d in self._netbox.rows("dcim/devices") if d["site"]["id"] == site), None)
        if device is not None:
            self._netbox.update("dcim/devices", [{"id": device["id"], "location": place["id"]}])
        self._netbox.update("dcim/locations", [{"id": place["id"], "site": other}])

    def do_a_region(self) -> None:
        made = self._netbox.create("dcim/regions", [{"name": self._word(), "slug": self._word()}])
        self._set("dcim/sites", region=made[0]["id"])

    def do_another_status_of_a_range(self) -> None:
        self._set("ipam/ip-ranges", description=self._word(), status=self._rng.choice(("active", "reserved")))

    def do_a_new_range(self) -> None:
        network = f"10.{self._rng.randrange(100, 200)}.{self._rng.randrange(256)}"
        row = {"start_address": f"{network}.10/24", "end_address": f"{network}.99/24", "status": "active"}
        self._netbox.create("ipam/ip-ranges", [row])

    def do_delete_a_range(self) -> None:
        self._delete("ipam/ip-ranges")

    def do_another_tag_instead(self) -> None:
        self._delete("extras/tags")
        self._netbox.create("extras/tags", [{"name": self._word(), "slug": self._word()}])

    def do_a_region_in_another(self) -> None:
        self._set("dcim/regions", parent=self._one("dcim/regions"))

    def do_delete_a_region(self) -> None:
        self._delete("dcim/regions")

    def do_another_platform(self) -> None:
        made = self._netbox.create("dcim/platforms", [{"name": self._word(), "slug": self._word()}])
        self._netbox.update("dcim/platforms", [{"id": made[0]["id"], "custom_fields": {"family": "cli"}}])
        self._set("dcim/devices", platform=made[0]["id"])

    def do_two_as_numbers(self) -> None:
        self._set("dcim/sites", asns=self._some("ipam/asns"))

    def do_nothing_at_all(self) -> None:
        self._set("dcim/devices", custom_fields={WRITTEN_BACK[2].name: self._word()})


DEVICE_NEEDS = {
    "site": "dcim/sites",
    "tenant": "tenancy/tenants",
    "role": "dcim/device-roles",
    "platform": "dcim/platforms",
    "device_type": "dcim/device-types",
}


def _at(vlan: Row, device: Row) -> bool:
    return bool(vlan["site"]) and vlan["site"]["id"] == device["site"]["id"]


# One picture


def test_write_backs_and_journal_entries_change_nothing(live: NetBox) -> None:
    before = whole(live)
    device = ids(live, "dcim/devices")[0]

    live.update("dcim/devices", [{"id": device, "custom_fields": {f.name: "x" for f in WRITTEN_BACK}}])
    entry = {"assigned_object_type": "dcim.device", "assigned_object_id": device, "comments": "samdrift"}
    live.create("extras/journal-entries", [entry])
    after, count = since(live, before)

    assert count == 2
    assert all(after[kind.name] == before[kind.name] for kind in READ_TYPES)
    assert after.mark.id > before.mark.id


def test_a_log_that_is_another_one_is_not_followed(live: NetBox) -> None:
    rows = whole(live)

    for mark in (
        Mark(rows.mark.id, "2001-01-01T00:00:00Z", rows.mark.request),
        Mark(rows.mark.id + 10_000, rows.mark.time, rows.mark.request),
        Mark(),
    ):
        with pytest.raises(LogLost, match="change log"):
            since(live, Rows(rows.of, mark))
        again = pull(live, Rows({}, mark) if not mark.id else Rows(rows.of, mark))
        assert again.lost
        assert same(again.rows, rows)


# All of it


def test_pages_of_any_size_make_the_same_fleet(live: NetBox, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = load()
    monkeypatch.setattr(client, "PAGE", 7)

    assert fleet_of(whole(live)).digest == fleet.digest


@pytest.mark.soak
def test_a_device_with_1050_interfaces_and_a_site_with_2100_devices_arrive_whole(live: NetBox) -> None:
    row = next(live.rows("dcim/devices"))
    needs = {name: row[name]["id"] for name in DEVICE_NEEDS}
    live.create("dcim/devices", [{**needs, "name": f"d{i}", "status": "planned"} for i in range(2100)])
    big = max(ids(live, "dcim/devices"))
    live.create("dcim/interfaces", [{"device": big, "name": f"e{i}", "type": "1000base-t"} for i in range(1050)])
    vlans = live.create("ipam/vlans", [{"vid": v, "name": f"v{v}", "site": needs["site"]} for v in range(2000, 3100)])
    trunk = ids(live, "dcim/interfaces")[-1]
    live.update("dcim/interfaces", [{"id": trunk, "mode": "tagged", "tagged_vlans": [v["id"] for v in vlans]}])

    rows = whole(live)

    assert sum(d["site"] == needs["site"] for d in rows["devices"].values()) >= 2100
    assert sum(i["device"] == big for i in rows["interfaces"].values()) == 1050
    assert len(rows["interfaces"][trunk]["tagged_vlans"]) == 1100  # which GraphQL cuts at 1000


# Which roles a host has


@pytest.fixture
def tagged(live: NetBox) -> Iterator[Callable[..., Host]]:
    """Give one server these tags, each with a config context of its own that gives it roles, as NetBox merges them."""
    server = next(vm for vm in live.rows("virtualization/virtual-machines") if vm["name"] == "tie-web1")
    own = [tag["id"] for tag in server["tags"]]
    contexts: list[int] = []
    tags: list[int] = []

    def give(*said: tuple[int, dict[str, bool]], local: dict[str, bool] | None = None) -> Host:
        for weight, roles in said:
            name = f"test-{secrets.token_hex(4)}"
            tags.append(live.create("extras/tags", [{"name": name, "slug": name}])[0]["id"])
            context = {"name": name, "weight": weight, "tags": [name], "data": {"samdrift": {"roles": roles}}}
            contexts.append(live.create("extras/config-contexts", [context])[0]["id"])
        local_context = {"samdrift": {"roles": local}} if local else None
        row = {"id": server["id"], "tags": [*own, *tags], "local_context_data": local_context}
        live.update("virtualization/virtual-machines", [row])
        return fleet_of(whole(live)).host("tie-web1")

    yield give
    row = {"id": server["id"], "tags": own, "local_context_data": server["local_context_data"]}
    live.update("virtualization/virtual-machines", [row])
    live.delete("extras/config-contexts", contexts)
    live.delete("extras/tags", tags)


def test_a_host_with_two_tags_has_the_roles_of_both_and_those_that_all_hosts_have(
    tagged: Callable[..., Host],
) -> None:
    host = tagged((2000, {"dns_resolver": True}), (2000, {"monitoring": True}))

    assert set(host.roles) == {"dns_resolver", "monitoring", *load().host("tie-web1").roles}
    assert roles_of(host)[-2:] == ("dns_resolver", "monitoring")


def test_false_takes_a_role_away_where_it_is_heavier_and_the_hosts_own_word_is_the_last(
    tagged: Callable[..., Host],
) -> None:
    assert "log_client" not in tagged((2000, {"log_client": False})).roles
    assert "monitoring" in tagged((2000, {"monitoring": True}), (500, {"monitoring": False})).roles

    host = tagged(local={"log_client": True, "monitoring": False})

    assert "log_client" in host.roles
    assert "monitoring" not in host.roles


# Who may see it


@pytest.fixture
def limited(live: NetBox, netbox: NetBoxServer) -> Iterator[Callable[[Sequence[str], Row | None], NetBox]]:
    """Make a user who may view these types of objects, and no others: the same NetBox, as that user's token sees it."""
    made: list[int] = []

    def make(types: Sequence[str], constraints: Row | None = None) -> NetBox:
        name = f"test-{secrets.token_hex(4)}"
        user = live.create("users/users", [{"username": name, "password": f"Aa1-{secrets.token_hex(12)}"}])[0]["id"]
        made.append(user)
        permission = {"name": name, "object_types": list(types), "actions": ["view"], "users": [user]}
        live.create("users/permissions", [{**permission, "constraints": constraints}])
        token = live.create("users/tokens", [{"user": user, "version": 2}])[0]
        return NetBox(netbox.url, f"nbt_{token['key']}.{token['token']}", ca=netbox.ca)

    yield make
    live.delete("users/users", made)


TYPES = [*(kind.type for kind in READ_TYPES), "core.objectchange"]


def test_a_token_that_may_view_everything_that_is_read_is_enough(
    live: NetBox, limited: Callable[[Sequence[str], Row | None], NetBox]
) -> None:

    assert fleet_of(pull(limited(TYPES, None)).rows).digest == load().digest


@pytest.mark.parametrize("lacking", ["dcim.device", "extras.tag", "ipam.ipaddress", "core.objectchange", "dcim.cable"])
def test_a_token_that_may_not_view_one_type_is_told_which(
    live: NetBox, limited: Callable[[Sequence[str], Row | None], NetBox], lacking: str
) -> None:
    kind = next((k.endpoint for k in READ_TYPES if k.type == lacking), "core/object-changes")

    with pytest.raises(NetBoxError, match=f"the token may not view {kind}"):
        pull(limited([t for t in TYPES if t != lacking], None))


def test_a_token_that_loses_a_permission_between_two_pulls_deletes_nothing(
    live: NetBox, limited: Callable[[Sequence[str], Row | None], NetBox]
) -> None:
    seeing = limited(TYPES, None)
    rows = whole(seeing)
    permission = max(ids(live, "users/permissions"))
    live.update("users/permissions", [{"id": permission, "object_types": [t for t in TYPES if t != "dcim.device"]}])
    device = ids(live, "dcim/devices")[0]
    live.update("dcim/devices", [{"id": device, "description": "changed"}])

    with pytest.raises(NetBoxError, match="the token may not view dcim/devices"):
        since(seeing, rows)


def test_two_municipalities_tokens_each_see_their_own(
    live: NetBox, limited: Callable[[Sequence[str], Row | None], NetBox]
) -> None:
    both = {slug: limited(["dcim.device"], {"tenant__slug": slug}) for slug in ("heby", "tierp")}

    for slug in ("heby", "tierp", "heby"):
        names = {row["name"] for row in both[slug].rows("dcim/devices", fields=("name",))}
        assert names
        assert {name[:3] for name in names} == {slug[:3]}


# The commands


@pytest.fixture
def samdrift(netbox: NetBoxServer, tmp_path: Path) -> Callable[..., tuple[int, Any, str]]:
    """Run the real program beside this NetBox: its exit code, its document, and what else it said."""
    token = tmp_path / "token"
    token.touch(mode=0o600)
    token.write_text(netbox.reading)
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SAMDRIFT_")}
    said = {"NETBOX_URL": netbox.url, "NETBOX_TOKEN_FILE": str(token), "STATE": str(tmp_path / "state")}
    said |= {"NETBOX_CA": str(netbox.ca)} if netbox.ca else {}

    def run(*arguments: str) -> tuple[int, Any, str]:
        environment = kept | {f"SAMDRIFT_{k}": v for k, v in said.items()}
        done = subprocess.run(
            [program(), "--json", *arguments], capture_output=True, text=True, check=False, env=environment
        )
        assert netbox.reading not in done.stdout + done.stderr
        return done.returncode, json.loads(done.stdout), done.stderr

    return run


def test_the_commands_pull_and_use_what_netbox_says(
    live: NetBox, samdrift: Callable[..., tuple[int, Any, str]], tmp_path: Path
) -> None:
    out, fleet = tmp_path / "out", load()

    code, first, _ = samdrift("inventory", "pull", "--out", str(out))
    assert (code, first["digest"], load(out).digest) == (0, fleet.digest, fleet.digest)
    assert samdrift("inventory", "pull", "--since-last", "--out", str(out))[1]["changed"] == []

    live.update("dcim/sites", [{"id": ids(live, "dcim/sites")[0], "facility": "Källaren"}])
    _, second, _ = samdrift("inventory", "pull", "--since-last", "--out", str(out))
    assert [c["section"] for c in second["changed"]] == ["sites"]
    assert load(out).digest == second["digest"] != first["digest"]

    _, hosts, _ = samdrift("hosts", "--source", "netbox")
    assert (hosts["digest"], len(hosts["hosts"])) == (second["digest"], len(fleet.hosts))
    assert hosts["time"] > second["time"]
    _, from_file, _ = samdrift("hosts", "--source", str(out))
    assert (from_file["digest"], from_file["time"]) == (second["digest"], second["time"])


def test_a_netbox_that_is_away_replaces_no_snapshot_and_what_is_not_sound_costs_whom_it_concerns(
    live: NetBox, samdrift: Callable[..., tuple[int, Any, str]], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert samdrift("inventory", "pull", "--out", str(out))[0] == 0
    before = {p: p.read_bytes() for p in out.rglob("*.yaml")}

    code, away, _ = samdrift("inventory", "pull", "--out", str(out), "--netbox-url", "http://127.0.0.1:1")
    assert (code, "cannot be reached" in away["error"]["message"]) == (1, True)
    code, away, _ = samdrift("hosts", "--source", "netbox", "--netbox-url", "http://127.0.0.1:1")
    assert (code, "--source snapshot" in away["error"]["message"]) == (1, True)

    live.update("dcim/devices", [{"id": ids(live, "dcim/devices")[0], "tenant": None}])
    live.update("dcim/sites", [{"id": ids(live, "dcim/sites")[0], "region": None}])
    assert {p: p.read_bytes() for p in out.rglob("*.yaml")} == before
    code, unsound, _ = samdrift("inventory", "pull", "--since-last", "--out", str(out))
    costs = {f["host"] for f in unsound["findings"] if f["kind"] == "unsound inventory"}
    assert (code, {host[:3] for host in costs}) == (3, {"alv"})


def test_what_was_kept_and_is_damaged_is_told_and_read_anew(
    live: NetBox, samdrift: Callable[..., tuple[int, Any, str]], tmp_path: Path
) -> None:
    fleet: Fleet = load()
    samdrift("hosts", "--source", "netbox")
    (tmp_path / "state" / "netbox.json").write_bytes(b"{}\n")

    code, document, said = samdrift("hosts", "--source", "netbox")

    assert (code, document["digest"]) == (0, fleet.digest)
    assert "NetBox is read in full: what was kept is damaged." in said


# Since the last pull


def test_edits_while_everything_is_read_are_in_the_picture(live: NetBox, netbox: NetBoxServer) -> None:
    stop = threading.Event()
    editor = Editor(NetBox(netbox.url, netbox.token, ca=netbox.ca), seeded_random(3))

    def work() -> None:
        while not stop.wait(0.3):
            editor.edit()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        pictures = [whole(live) for _ in range(3)]
    finally:
        stop.set()
        thread.join()

    for picture in pictures:
        assert same(since(live, picture)[0], whole(live)), editor.done


def every_context_says_more(netbox: NetBox) -> None:
    for row in netbox.rows("extras/config-contexts"):
        more = len(row["data"].get("more", "")) + 1
        netbox.update("extras/config-contexts", [{"id": row["id"], "data": {**row["data"], "more": "x" * more}}])


def every_tag_is_replaced(netbox: NetBox) -> None:
    there = ids(netbox, "extras/tags")
    netbox.delete("extras/tags", there)
    netbox.create("extras/tags", [{"name": f"new{i}", "slug": f"new{i}"} for i in there])


def every_region_lies_in_one_with_a_context(netbox: NetBox) -> None:
    there = [row["id"] for row in netbox.rows("dcim/regions") if row["parent"] is None]
    above = netbox.create("dcim/regions", [{"name": "above", "slug": "above"}])[0]["id"]
    netbox.create("extras/config-contexts", [{"name": "above", "data": {"above": True}, "regions": [above]}])
    netbox.update("dcim/regions", [{"id": i, "parent": above} for i in there])


EDITS = [every_context_says_more, every_tag_is_replaced, every_region_lies_in_one_with_a_context]


class EditedMeanwhile(NetBox):
    """A NetBox that somebody edits at the moment when its hosts have been read and their config contexts have not."""

    edit: Callable[[NetBox], None] | None = None

    def listed(self, lists: Sequence[Listing]) -> list[list[Row]]:
        found = super().listed(lists)
        if self.edit and any(one.name == "virtual_machine_list" for one in lists):
            edit, self.edit = self.edit, None
            edit(self)
        return found


def test_a_picture_is_of_one_moment_and_what_changed_is_followed(
    some: NetBox, netbox: NetBoxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "AT_ONCE", 1)
    meanwhile = EditedMeanwhile(netbox.url, netbox.token, ca=netbox.ca)
    last = whole(some)
    for edit in (*EDITS, every_context_says_more):
        meanwhile.edit = edit

        picture = whole(meanwhile)
        followed, _ = since(some, last)
        last = whole(some)

        assert meanwhile.edit is None
        assert same(picture, last), edit.__name__
        assert same(followed, last), edit.__name__


def edited(netbox: NetBox, rng: Random, rounds: int, edits: int) -> None:
    """After each round of edits, what changed since the round before is what everything is."""
    last = whole(netbox)
    for _ in range(rounds):
        editor = Editor(netbox, rng)
        for _ in range(edits):
            editor.edit()
        last, _ = since(netbox, last)
        assert same(last, whole(netbox)), editor.done
        assert assembled(last).fleet.digest == assembled(whole(netbox)).fleet.digest, editor.done


def test_what_changed_since_the_last_pull_makes_the_same_picture_as_a_full_one(some: NetBox) -> None:
    edited(some, seeded_random(11), rounds=4, edits=10)


@pytest.mark.soak
@pytest.mark.parametrize("number", [21, 22, 23])
def test_so_it_does_whatever_is_edited(live: NetBox, netbox: NetBoxServer, number: int) -> None:
    rng = seeded_random(number)
    emptied(live, netbox)
    seeded(live, wild_fleet(rng))

    edited(live, rng, rounds=25, edits=6)


@pytest.mark.parametrize("name", sorted(n for n in dir(Editor) if n.startswith("do_")))
@pytest.mark.soak
def test_every_kind_of_edit_by_itself(live: NetBox, name: str) -> None:
    last, editor = whole(live), Editor(live, seeded_random(5))
    while sum("refused" not in done for done in editor.done) < 2:
        editor.edit(name)

        last, _ = since(live, last)

        assert same(last, whole(live))
        assert len(editor.done) < 30, "always refused"
