"""Adopting a switch that people already run: what becomes objects of NetBox, and what its role would take away.

On emulated devices, over real SSH.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from deploy.engine.apply import Apply
from deploy.model.adoption import Adoption
from deploy.runs.adopt import Adopted, adopt
from deploy.runs.invocation import Invocation
from deploy.transport.ssh import Access
from deploy.vault.made_up import MadeUp
from inventory import rules
from inventory.fleet import Fleet, Host, Interface
from inventory.snapshot import load
from roles.shared.intent import Intent
from tests.applying import nothing_to_check
from tests.emulator.device import Device
from tests.emulator.dialects import device
from tests.emulator.samples import MODELS as SAYS
from tests.emulator.server import EmulatedDevices
from tests.integration.devices import on_loopback
from tests.sshd import free_port, keygen
from tests.unit.deploy.runs.test_runs import run_of
from tests.unit.deploy.store.in_memory import MemoryApplied, MemoryJournal

ADDRESS = "127.63.1.19"
TEXTS = {
    "cisco-ios": """\
hostname vaxel-gamla-skolan
username rektor privilege 15 secret 9 $9$abc
vlan 101
 name Hantering
vlan 140
 name Kameror
interface GigabitEthernet1/0/1
 description Sal 4
 switchport access vlan 140
 switchport mode access
 switchport voice vlan 101
interface GigabitEthernet1/0/24
 switchport trunk allowed vlan 101,140
 switchport mode trunk
 channel-group 1 mode active
interface Port-channel1
 switchport trunk allowed vlan 101,140
 switchport mode trunk
interface Vlan101
 ip address 127.63.1.19 255.255.255.0
interface Vlan140
 ip address 127.63.140.1 255.255.255.0
ip default-gateway 127.63.1.1
tacacs server GAMMAL
 address ipv4 127.9.9.9
""",
    "arubaos-cx": """\
hostname vaxel-gamla-skolan
user rektor group administrators password ciphertext AQBa
vlan 1
vlan 101
    name Hantering
vlan 140
    name Kameror
interface lag 1
    no shutdown
    no routing
    vlan trunk native 1
    vlan trunk allowed 101,140
interface 1/1/1
    description Sal 4
    no shutdown
    vlan access 140
interface 1/1/24
    no shutdown
    lag 1
interface vlan 101
    ip address 127.63.1.19/24
interface vlan 140
    ip address 127.63.140.1/24
ip route 0.0.0.0/0 127.63.1.1
""",
    "junos": """\
set system host-name vaxel-gamla-skolan
set system login user rektor class super-user
set vlans hantering vlan-id 101
set vlans kameror vlan-id 140
set interfaces ge-0/0/1 description "Sal 4"
set interfaces ge-0/0/1 unit 0 family ethernet-switching vlan members kameror
set interfaces ge-0/0/24 ether-options 802.3ad ae1
set interfaces ae1 unit 0 family ethernet-switching interface-mode trunk
set interfaces ae1 unit 0 family ethernet-switching vlan members 101
set interfaces ae1 unit 0 family ethernet-switching vlan members 140
set interfaces irb unit 101 family inet address 127.63.1.19/24
set interfaces irb unit 140 family inet address 127.63.140.1/24
set routing-options static route 0.0.0.0/0 next-hop 127.63.1.1
""",
}
NAMES = {
    "cisco-ios": ("GigabitEthernet1/0/1", "GigabitEthernet1/0/24", "Port-channel1", "Vlan101", "Vlan140"),
    "arubaos-cx": ("1/1/1", "1/1/24", "lag1", "vlan101", "vlan140"),
    "junos": ("ge-0/0/1", "ge-0/0/24", "ae1", "irb.101", "irb.140"),
}
MODELS = {"cisco-ios": "cisco-c9200l-24p-4g", "arubaos-cx": "aruba-6200f-24g", "junos": "juniper-ex2300-24p"}

every_vendor = pytest.mark.parametrize("platform", sorted(TEXTS))


@dataclasses.dataclass(frozen=True)
class Adopting:
    """A switch that was adopted, and how it is reached."""

    run: Invocation
    host: Host
    made: Adopted

    @property
    def adoption(self) -> Adoption:
        return self.made.adoption

    @property
    def fleet(self) -> Fleet:
        return self.made.fleet


@contextmanager
def adopted(platform: str, directory: Path) -> Iterator[tuple[Adopting, Fleet, Device]]:
    """Adopt a switch that the shipped inventory does not have."""
    key, port = directory / "key", free_port(ADDRESS)
    authorized = keygen(key)
    fleet = on_loopback(load(), authorized)
    one = device(platform, "heb-sw9", TEXTS[platform], model=SAYS.get(MODELS[platform], ""))
    with EmulatedDevices([one], authorized, {"heb-sw9": ADDRESS}, port) as running:
        host = Host(
            name="heb-sw9",
            kind="device",
            tenant="heby",
            site="heby-kommunhus",
            role="access-switch",
            platform=platform,
            device_type=MODELS[platform],
            primary_address=IPv4Address(ADDRESS),
            host_keys=(running.host_key("heb-sw9"),),
        )
        run = dataclasses.replace(
            run_of(),
            command="adopt",
            intent=Intent(fleet),
            access=Access(key_file=key, port=port),
            vault=MadeUp(directory / "secrets.json"),
        )
        yield Adopting(run, host, adopt(run, host)), fleet, one


def ends(made: Adoption) -> str:
    return "\n".join(loss.what for loss in made.losses)


@every_vendor
def test_a_switch_becomes_objects_of_netbox_and_nothing_is_typed(platform: str, tmp_path: Path) -> None:
    with adopted(platform, tmp_path) as (made, fleet, one):
        before = one.running

        added = made.fleet.host("heb-sw9")
        port, member, lag, management, cameras = NAMES[platform]
        seen: dict[str, Interface] = {i.name: i for i in added.interfaces}
        assert set(seen) == set(NAMES[platform])
        assert (seen[port].untagged_vlan, seen[port].description) == (140, "Sal 4")
        assert (seen[member].lag, seen[lag].type, seen[lag].tagged_vlans) == (lag, "lag", (101, 140))
        assert [str(a) for a in seen[management].addresses] == ["127.63.1.19/24"]
        assert [str(a) for a in seen[cameras].addresses] == ["127.63.140.1/24"]
        assert {v.vid for v in made.fleet.vlans_at("heby-kommunhus")} - {
            v.vid for v in fleet.vlans_at("heby-kommunhus")
        } == {140}
        assert "127.63.140.0/24" in {str(p.prefix) for p in made.fleet.prefixes}
        assert set(rules.problems(made.fleet)) <= set(rules.problems(fleet))
        assert one.running == before


@every_vendor
def test_its_role_takes_nothing_away_that_people_made(platform: str, tmp_path: Path) -> None:
    with adopted(platform, tmp_path) as (made, _, _):
        (role,) = made.adoption.roles
        assert (role.role, role.unjudged) == ("access_switch", ())
        # The VLANs of a port are one value: on Junos they are said again, by the names that samdrift gives them.
        ended = [line for line in ends(made.adoption).splitlines() if " vlan members " not in line]
        assert ended == [], "the account of somebody else stays"
        assert any("vaxel-gamla-skolan" in line for line in made.adoption.seen)


def test_what_is_not_understood_of_an_interface_is_told(tmp_path: Path) -> None:
    with adopted("cisco-ios", tmp_path) as (made, _, _):
        assert any("GigabitEthernet1/0/1: 'switchport voice vlan 101'" in line for line in made.adoption.unknown)
        assert any("cables" in line for line in made.adoption.unknown)


@every_vendor
def test_from_no_inventory_to_in_sync(platform: str, tmp_path: Path) -> None:
    with adopted(platform, tmp_path) as (made, _, one):
        about = dataclasses.replace(
            made.run,
            intent=Intent(made.fleet),
            hosts=(made.fleet.host("heb-sw9"),),
            only_roles=("access_switch",),
        )
        with about.session() as session:
            planned = about.plan(session.look())
            done = Apply(session, planned, nothing_to_check, MemoryJournal(), MemoryApplied()).go()
        assert [(h.outcome, h.detail) for h in done.hosts] == [("changed", "")]
        again = adopt(about, made.fleet.host("heb-sw9")).adoption
        assert again.known
        assert [(r.role, r.changes, r.losses, r.unjudged) for r in again.roles] == [("access_switch", (), (), ())]
        assert "Sal 4" in str(one.running)
