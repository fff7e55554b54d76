"""A real NetBox says after a seed what the snapshot says, whatever it said before; and what it has more, it keeps."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from inventory.difference import difference
from inventory.errors import InventoryError
from inventory.fleet import Fleet
from inventory.netbox import seed
from inventory.netbox.assemble import assembled
from inventory.netbox.client import NetBox
from inventory.netbox.faults import NetBoxError
from inventory.netbox.pull import fleet_of, pull
from inventory.netbox.session import Row
from inventory.snapshot import load
from tests.integration.lab import NetBoxServer, given_netbox, program
from tests.integration.netbox import empty, ids, seeded
from tests.unit.inventory import fleets
from tests.unit.inventory.fleets import without_merged
from tests.unit.inventory.wild_fleet import seeded_random, wild_fleet

pytestmark = [pytest.mark.lab, pytest.mark.netbox, pytest.mark.long]


class EmptyNetBox(NetBox):
    """A NetBox with nothing in it; `server` says where it is, for those who speak to it by themselves."""

    server: NetBoxServer


@pytest.fixture
def netbox(netbox: NetBoxServer) -> EmptyNetBox:
    made = EmptyNetBox(netbox.url, netbox.token, ca=netbox.ca)
    made.server = netbox
    if given_netbox():
        empty(made)
    else:
        netbox.empty()
    return made


def live(netbox: NetBox) -> Fleet:
    """What NetBox says, sound or not."""
    made = assembled(pull(netbox).rows)
    assert made.problems == ()
    return made.fleet


# Round trips


@pytest.mark.soak
def test_a_fleet_that_uses_everything_comes_back_and_goes_into_the_next_netbox_as_it_is(netbox: NetBox) -> None:
    fleet = wild_fleet(seeded_random(1))

    seeded(netbox, fleet)
    pulled = live(netbox)
    empty(netbox)
    seeded(netbox, pulled)

    assert difference(fleet, without_merged(pulled)) == ()
    assert live(netbox).digest == pulled.digest


@pytest.mark.soak
def test_a_netbox_that_has_a_half_of_it_and_some_of_it_wrong_is_mended(netbox: NetBox) -> None:
    rng = seeded_random(2)
    fleet = wild_fleet(rng)
    seeded(netbox, fleet)
    netbox.create("extras/tags", [{"name": "Egen", "slug": "egen"}])
    spoil(netbox, rng)

    plan = seeded(netbox, fleet)

    left = difference(fleet, without_merged(live(netbox)))
    of_hosts = [f for d in left if d.section == "hosts" for f in d.fields]
    assert [d.title for d in left if d.section != "hosts"] == ["tag egen"]
    assert {f.kind for f in of_hosts} <= {"reordered"}  # NetBox knows no order but that in which it got them
    assert plan.left_alone["tag"] == 1
    assert plan.left_alone.keys() <= {"tag", "cable"}  # a cable whose ends are both gone is nobody's
    assert seed.planned(netbox, fleet).writes == ()


def spoil(netbox: NetBox, rng: Random) -> None:
    """Delete a half of what nothing else stands on, and change what is left."""
    for endpoint in (
        "dcim/cables", "ipam/services", "ipam/ip-addresses", "dcim/interfaces", "virtualization/interfaces",
        "dcim/devices", "virtualization/virtual-machines", "ipam/prefixes", "ipam/ip-ranges",
        "extras/config-contexts",
    ):  # fmt: skip
        there = ids(netbox, endpoint)
        netbox.delete(endpoint, rng.sample(there, len(there) // 2))
    wrong: dict[str, Row] = {
        "dcim/devices": {"description": "fel", "status": "active", "serial": "", "tags": [], "primary_ip4": None},
        "virtualization/virtual-machines": {"local_context_data": {"fel": 1}, "custom_fields": {"ssh_host_keys": None}},
        "dcim/interfaces": {"enabled": True, "mode": None, "untagged_vlan": None, "tagged_vlans": []},
        "extras/config-contexts": {"weight": 7, "is_active": False, "tags": [], "regions": [], "data": {"fel": 1}},
        "dcim/sites": {"asns": [], "facility": "fel", "latitude": None},
        "ipam/vlans": {"name": "fel"},
        "ipam/prefixes": {"description": "fel", "vlan": None, "custom_fields": {"gateway": "10.0.0.1"}},
        "ipam/ip-ranges": {"description": "fel"},
        "ipam/services": {"description": "fel"},
        "virtualization/clusters": {"description": "fel"},
    }
    for endpoint, fields in wrong.items():
        there = ids(netbox, endpoint)
        netbox.update(endpoint, [{"id": i, **fields} for i in rng.sample(there, (len(there) + 1) // 2)])


class Breaking(NetBox):
    """A NetBox that is gone after so many writes."""

    left = 0

    def create(self, endpoint: str, rows: Sequence[Row], told: Any = None) -> list[Row]:
        if self.left == 0:
            raise NetBoxError("cannot be reached", where=self.url)
        self.left -= 1
        return super().create(endpoint, rows, told)


@pytest.mark.soak
def test_a_seed_that_broke_off_anywhere_is_simply_run_again(netbox: EmptyNetBox) -> None:
    fleet = wild_fleet(seeded_random(5))
    breaking = Breaking(netbox.url, netbox.server.token, ca=netbox.server.ca)
    attempts = 0
    for breaking.left in (1, 7, 5, 3, 2, 2):
        attempts += 1
        with pytest.raises(NetBoxError, match="cannot be reached"):
            seeded(breaking, fleet)

    seeded(netbox, fleet)

    assert attempts == 6
    assert difference(fleet, without_merged(live(netbox))) == ()


@pytest.mark.soak
def test_interfaces_that_a_device_type_brings_are_taken_over(netbox: NetBox) -> None:
    fleet = load()
    of_type = next(h for h in fleet.hosts if h.name == "heb-gw1").device_type
    (maker,) = netbox.create("dcim/manufacturers", [{"name": "Supermicro", "slug": "supermicro"}])
    (kind,) = netbox.create("dcim/device-types", [{"manufacturer": maker["id"], "model": "X", "slug": of_type}])
    templates = [{"device_type": kind["id"], "name": n, "type": "other"} for n in ("wan0", "mgt0", "lan0")]
    netbox.create("dcim/interface-templates", templates)

    seeded(netbox, fleet)

    left = difference(fleet, fleet_of(pull(netbox).rows))
    assert {fleet.host(d.name).device_type for d in left} == {of_type}
    assert {(f.path, f.kind) for d in left for f in d.fields} == {(("interfaces",), "reordered")}


# What is in the way


@pytest.mark.soak
def test_everything_that_contradicts_the_snapshot_is_said_at_once_and_nothing_is_written(netbox: NetBox) -> None:
    fleet = load()
    seeded(netbox, fleet)
    one = {row["name"]: row["id"] for row in netbox.rows("dcim/devices", fields=("name",))}
    sites = {row["slug"]: row["id"] for row in netbox.rows("dcim/sites", fields=("slug",))}
    at = {(r["device"]["name"], r["name"]): r["id"] for r in netbox.rows("dcim/interfaces", fields=("device", "name"))}
    cables = {r["a_terminations"][0]["object_id"]: r["id"] for r in netbox.rows("dcim/cables")}
    taken = next(r for r in netbox.rows("ipam/ip-addresses") if r["address"] == "10.63.10.1/24")
    tenants = {row["slug"]: row["id"] for row in netbox.rows("tenancy/tenants", fields=("slug",))}
    netbox.update("ipam/ip-addresses", [{"id": taken["id"], "assigned_object_id": at["heb-sw1", "irb.101"]}])
    netbox.delete("dcim/cables", [cables[at["heb-gw1", "lan0"]], cables[at["heb-gw1", "mgt0"]]])
    ends = [[{"object_type": "dcim.interface", "object_id": at["heb-gw1", n]}] for n in ("lan0", "mgt0")]
    netbox.create("dcim/cables", [{"a_terminations": ends[0], "b_terminations": ends[1]}])
    netbox.update("tenancy/tenants", [{"id": tenants["heby"], "name": "Heby kommun", "slug": "heby-kommun"}])
    netbox.update("tenancy/tenants", [{"id": tenants["tierp"], "name": "Knivsta 2"}])
    netbox.update("tenancy/tenants", [{"id": tenants["heby"], "name": "Heby"}])
    netbox.update("dcim/devices", [{"id": one["ost-sw2"], "site": sites["tierp-datahall"]}])
    before = pull(netbox).rows.mark.id

    with pytest.raises(InventoryError) as caught:
        seeded(netbox, fleet)

    said = {p.rule: str(p) for p in caught.value.problems}
    assert "10.63.10.1/24 of heb-gw1:lan0" in said["netbox-address"]
    assert "heb-sw1:irb.101 has this address" in said["netbox-address"]
    assert "another cable is there in NetBox" in said["netbox-cable"]
    assert said["netbox-name"].startswith("tenant heby, name: 'Heby' is the name of tenant heby-kommun in NetBox")
    assert said["netbox-site"].startswith("device ost-sw2, site: in NetBox, a device of this name is at tierp-datahall")
    assert pull(netbox).rows.mark.id == before


@pytest.mark.soak
def test_what_netbox_refuses_is_named_with_object_and_field(netbox: NetBox) -> None:
    sites = [fleets.SOUND["sites"][0] | {"facility": "x" * 51}, fleets.SOUND["sites"][1]]

    with pytest.raises(NetBoxError, match=r"^site heby-kommunhus: .*facility: Ensure this field has no more than 50"):
        seeded(netbox, fleets.fleet(sites=sites))


# The commands, and the shipped snapshot


def samdrift(server: NetBoxServer, *arguments: str, state: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "SAMDRIFT_NETBOX_URL": server.url,
        "SAMDRIFT_NETBOX_TOKEN": server.reading,
        "SAMDRIFT_NETBOX_SEED_TOKEN": server.seeding,
        "SAMDRIFT_NETBOX_CA": str(server.ca) if server.ca else "",
        "SAMDRIFT_STATE": str(state),
    }
    environment = {name: value for name, value in environment.items() if value}
    return subprocess.run(
        [program(), *arguments], env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )


def test_the_shipped_snapshot_comes_back_as_it_went_and_a_second_seed_writes_nothing(
    netbox: EmptyNetBox, tmp_path: Path
) -> None:
    fleet, wanted = load(), seed.planned(netbox, load()).writes
    refused = samdrift(netbox.server, "inventory", "seed", state=tmp_path)
    done = samdrift(netbox.server, "inventory", "seed", "--yes", "--json", state=tmp_path)

    assert (refused.returncode, refused.stdout) == (64, "")
    assert "add --yes" in refused.stderr
    assert done.returncode == 0, done.stderr
    assert all(w.creates for w in wanted if not w.kind.completes)
    assert len(json.loads(done.stdout)["written"]) == len(wanted) > 400
    assert "writing device: " in done.stderr
    assert fleet_of(pull(netbox).rows).digest == fleet.digest
    second = seeded(netbox, fleet)
    assert second.writes == ()
    assert second.left_alone == {}

    same = samdrift(netbox.server, "inventory", "diff", "--json", state=tmp_path)
    site = next(r for r in netbox.rows("dcim/sites", fields=("slug",)) if r["slug"] == "heby-kommunhus")
    netbox.update("dcim/sites", [{"id": site["id"], "facility": "Heby, plan 9"}])
    other = samdrift(netbox.server, "inventory", "diff", state=tmp_path)

    assert (same.returncode, json.loads(same.stdout)["differences"]) == (0, [])
    assert other.returncode == 2
    assert "site heby-kommunhus" in other.stdout
    assert "Heby, plan 0 → Heby, plan 9" in other.stdout
