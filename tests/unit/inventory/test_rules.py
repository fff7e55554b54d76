"""Every rule of a sound fleet: what breaks it is found and named, and what does not is left in peace."""

from __future__ import annotations

import re
from typing import Any

import pytest

from inventory.fleet import Fleet
from inventory.paths import CODE
from inventory.places import Places
from inventory.rules import RULES, problems
from tests.unit.inventory.fleets import GATEWAY, KEY_A, SERVER, SOUND, WIREGUARD_KEY, first, fleet, with_hosts


def interfaces(*addresses: str, **fields: Any) -> list[dict[str, Any]]:
    return [{"name": f"eth{i}", "type": "virtual", "addresses": [a], **fields} for i, a in enumerate(addresses)]


def member(**fields: Any) -> Fleet:
    """The gateway with a LAG, and a third interface like this."""
    more = [{"name": "lan1"} | fields, {"name": "lag1", "type": "lag"}]
    return with_hosts(GATEWAY | {"interfaces": [*GATEWAY["interfaces"], *more]})


def switches(lags: list[str | None]) -> Fleet:
    """Two switches with a cable for each of these, a LAG of the first one's, and these of the second one's."""

    def switch(name: str, of: list[str | None]) -> dict[str, Any]:
        ports = [{"name": f"1/1/{n}", "lag": lag} for n, lag in enumerate(of, 1)]
        groups = [{"name": lag, "type": "lag"} for lag in ("lag1", "lag2")]
        shared = {"platform": "arubaos-cx", "status": "planned", "wireguard_public_key": "", "context": {}}
        return GATEWAY | shared | {"name": name, "primary_address": None, "interfaces": [*ports, *groups]}

    cables = [{"a": f"heb-sw1:1/1/{n}", "b": f"heb-sw2:1/1/{n}"} for n in range(1, len(lags) + 1)]
    hosts = [*SOUND["hosts"], switch("heb-sw1", ["lag1"] * len(lags)), switch("heb-sw2", lags)]
    return fleet(hosts=hosts, cables=cables)


def serving(*ports: int) -> Fleet:
    return with_hosts(SERVER | {"services": [{"name": "dns", "protocol": "udp", "ports": list(ports)}]})


def context(samdrift: Any) -> Fleet:
    return with_hosts(SERVER | {"context": {"samdrift": samdrift}})


def written(data: dict[str, Any]) -> Fleet:
    """The sound fleet with another config context, which no host was given."""
    return fleet(**first("config_contexts", data=data))


GUESTS = {
    "prefix": "10.63.30.0/24",
    "description": "Gäster, egen väg ut",
    "site": "heby-kommunhus",
    "gateway": "10.63.30.1",
}


def ranges(*ends: str) -> Fleet:
    """The sound fleet with these ranges: first and last address of each in turn."""
    return fleet(ranges=[{"start": a, "end": b} for a, b in zip(ends[::2], ends[1::2], strict=True)])


def region(prefix: str, gateway: str, slug: str = "norra-uppland") -> dict[str, Any]:
    return {"prefix": prefix, "region": slug, "gateway": gateway}


def prefixes(*more: dict[str, Any], held: str = "", role: str = "edge-gateway", **fields: Any) -> Fleet:
    """The sound fleet with more prefixes; the gateway of Heby (as a host of this role) holds an address in them."""
    interface = {"name": "held", "addresses": [held], **fields}
    interfaces_ = [*GATEWAY["interfaces"], *([interface] if held else [])]
    return fleet(
        hosts=[GATEWAY | {"role": role, "interfaces": interfaces_}, SERVER],
        device_roles=[*SOUND["device_roles"], {"slug": "firewall", "name": "Brandvägg"}],
        prefixes=[*SOUND["prefixes"], *more],
    )


SHARED = GUESTS | {"description": ""}


def sharing(name: str, address: str, **fields: Any) -> dict[str, Any]:
    """A gateway at Heby that shares the address of whichever prefix it has an interface in."""
    return GATEWAY | {
        "name": name,
        "interfaces": [{"name": "lan0", "addresses": [f"{address}/24"], **fields}],
        "primary_address": address,
        "wireguard_public_key": "",
        "context": {"samdrift": {"roles": {"keepalived": True}}},
    }


def planned(name: str) -> dict[str, Any]:
    """A gateway that is not there yet."""
    return GATEWAY | {
        "name": name,
        "interfaces": [],
        "primary_address": None,
        "status": "planned",
        "wireguard_public_key": "",
    }


def with_hosts_and(prefix: dict[str, Any], *hosts: dict[str, Any]) -> Fleet:
    """The sound fleet with one more prefix and more hosts."""
    return fleet(hosts=[GATEWAY, SERVER, *hosts], prefixes=[*SOUND["prefixes"], prefix])


BROKEN: list[tuple[str, Fleet, str, str]] = [
    ("slug", fleet(**first("tags", slug="Labb")), "tag Labb, slug", "'Labb'"),
    ("slug", fleet(**first("tags", slug="../lab")), "tag ../lab, slug", "'../lab'"),
    ("slug", fleet(**first("clusters", slug="")), "cluster , slug", "''"),
    ("name", fleet(**first("tags", name="$(reboot)")), "tag lab, name", "'$(reboot)'"),
    ("name", fleet(**first("vlans", name="{{ x }}")), "VLAN 10 at heby-kommunhus, name", "'{{ x }}'"),
    ("name", fleet(**first("sites", name="Heby\n")), "site heby-kommunhus, name", r"'Heby\n'"),
    ("text", with_hosts(SERVER | {"description": "a\x1b[2J"}), "host tie-dns1, description", r"\x1b"),
    ("text", with_hosts(SERVER | {"serial": "a\u202eb"}), "host tie-dns1, serial", r"\u202e"),
    ("text", with_hosts(SERVER | {"context": {"a": {"b\0": 1}}}), "host tie-dns1, context.a.b\\x00", r"b\x00"),
    ("text", with_hosts(SERVER | {"context": {"a": "b\ud800"}}), "host tie-dns1, context.a", r"b\ud800"),
    ("text", with_hosts(SERVER | {"context": {"b\ud800": 1}}), r"host tie-dns1, context.b\ud800", r"b\ud800"),
    ("text", with_hosts(SERVER | {"context": {"a": {"b\ud800": 1}}}), r"host tie-dns1, context.a.b\ud800", r"b\ud800"),
    ("duplicate", with_hosts(SERVER, SERVER), "host tie-dns1", "host tie-dns1"),
    ("duplicate", fleet(tags=[*SOUND["tags"], *SOUND["tags"]]), "tag lab", "tag lab"),
    ("duplicate", fleet(prefixes=[*SOUND["prefixes"], SOUND["prefixes"][0]]), "prefix 10.59.0.0/24", "10.59.0.0/24"),
    (
        "duplicate",
        fleet(config_contexts=[SOUND["config_contexts"][0], SOUND["config_contexts"][0] | {"weight": 1}]),
        "config context gateways",
        "config context gateways",
    ),
    (
        "duplicate",
        with_hosts(SERVER | {"interfaces": [*interfaces("10.60.10.11/24"), *interfaces("10.60.10.12/24")]}),
        "host tie-dns1, interfaces.1",
        "eth0",
    ),
    ("host-name", with_hosts(SERVER | {"name": "dns1"}), "host dns1, name", "'dns1'"),
    ("host-name", with_hosts(SERVER | {"name": "tie-dns1.example"}), "host tie-dns1.example, name", "no host name"),
    ("host-name", with_hosts(SERVER | {"name": "../tie-dns1"}), "host ../tie-dns1, name", "no host name"),
    ("host-name", with_hosts(SERVER | {"name": "heb-dns1"}), "host heb-dns1, name", "starts with tie-"),
    (
        "interface-name",
        with_hosts(SERVER | {"interfaces": [{"name": "../eth0", "addresses": ["10.60.10.11/24"]}]}),
        "host tie-dns1, interfaces.0.name",
        "'../eth0'",
    ),
    (
        "interface-name",
        with_hosts(SERVER | {"interfaces": [{"name": "1/1/1", "addresses": ["10.60.10.11/24"]}]}),
        "host tie-dns1, interfaces.0.name",
        "'1/1/1'",
    ),
    (
        "reference",
        fleet(**first("sites", tenant="hebby")),
        "site heby-kommunhus, tenant",
        "'hebby', but there is 'heby'",
    ),
    ("reference", fleet(**first("sites", region="x")), "site heby-kommunhus, region", "no region 'x'"),
    ("reference", fleet(**first("device_types", manufacturer="x")), "device type router, manufacturer", "'x'"),
    ("reference", fleet(**first("config_contexts", tags=["x"])), "config context gateways, tags", "no tag 'x'"),
    ("reference", with_hosts(SERVER | {"tenant": "x"}), "host tie-dns1, tenant", "no tenant 'x'"),
    ("reference", with_hosts(SERVER | {"site": "x"}), "host tie-dns1, site", "no site 'x'"),
    ("reference", with_hosts(SERVER | {"role": "x"}), "host tie-dns1, role", "no device role 'x'"),
    ("reference", with_hosts(SERVER | {"platform": "x"}), "host tie-dns1, platform", "no platform 'x'"),
    ("reference", with_hosts(SERVER | {"cluster": "x"}), "host tie-dns1, cluster", "no cluster 'x'"),
    ("reference", with_hosts(SERVER | {"tags": ["x"]}), "host tie-dns1, tags", "no tag 'x'"),
    ("reference", with_hosts(GATEWAY | {"device_type": "x"}), "host heb-gw1, device_type", "no device type 'x'"),
    (
        "vlan",
        with_hosts(SERVER | {"interfaces": interfaces("10.60.10.11/24", untagged_vlan=10)}),
        "host tie-dns1, interfaces.0",
        "no VLAN 10 at tierp-datahall",
    ),
    ("vlan", fleet(**first("prefixes", vlan=11)), "prefix 10.59.0.0/24, vlan", "no VLAN 11"),
    (
        "cable",
        fleet(cables=[{"a": "heb-gw1:wan1", "b": "tie-dns1:eth0"}]),
        "cable heb-gw1:wan1 to tie-dns1:eth0, a",
        "wan0",
    ),
    (
        "cable",
        fleet(cables=[{"a": "heb-gw1:wan0", "b": "heb-gw1:wan0"}]),
        "cable heb-gw1:wan0 to heb-gw1:wan0, b",
        "already",
    ),
    (
        "cable",
        fleet(cables=[{"a": "heb-gw1:wan0", "b": "tie-dns1:eth0"}]),
        "cable heb-gw1:wan0 to tie-dns1:eth0, b",
        "no interface 'tie-dns1:eth0'",
    ),
    (
        "interface-type",
        with_hosts(SERVER | {"interfaces": [{"name": "eth0", "addresses": ["10.60.10.11/24"]}]}),
        "host tie-dns1, interfaces.0.type",
        "'1000base-t'",
    ),
    ("lag", member(lag="lag2"), "host heb-gw1, interfaces.2.lag", "no LAG 'lag2', but there is 'lag1'"),
    ("lag", member(lag="wan0"), "host heb-gw1, interfaces.2.lag", "no LAG 'wan0'"),
    ("lag", member(lag="lag1", untagged_vlan=10), "host heb-gw1, interfaces.2", "has VLANs or addresses of its own"),
    ("lag", member(lag="lag1", type="lag"), "host heb-gw1, interfaces.2.lag", "which is a LAG itself"),
    (
        "lag",
        with_hosts(SERVER | {"interfaces": [{"name": "eth0", "type": "virtual", "lag": "lag1"}]}),
        "host tie-dns1, interfaces.0.lag",
        "of a vm",
    ),
    ("lag-ends", switches([None]), "cable heb-sw1:1/1/1 to heb-sw2:1/1/1, a", "heb-sw2:1/1/1 at the other end is not"),
    (
        "lag-ends",
        switches(["lag1", "lag2"]),
        "cable heb-sw1:1/1/2 to heb-sw2:1/1/2, a",
        "heb-sw2:lag1 and to heb-sw2:la",
    ),
    ("service", serving(), "host tie-dns1, services.0", "[]"),
    ("service", serving(53, 70000), "host tie-dns1, services.0", "[53, 70000]"),
    ("reference", fleet(**first("clusters", type="x")), "cluster kvm, type", "no cluster type 'x'"),
    ("secret-mark", with_hosts(SERVER | {"description": "‹secret:x›"}), "host tie-dns1, description", "a secret"),
    ("secret-mark", context({"base": {"a": ["‹"]}}), "host tie-dns1, context.samdrift.base.a.0", "a secret"),
    (
        "secret-mark",
        context({"base": {"‹secret:x›": 1}}),
        "host tie-dns1, context.samdrift.base.‹secret:x›",
        "a secret",
    ),
    ("host-address", with_hosts(SERVER | {"primary_address": None}), "host tie-dns1", "no primary address"),
    (
        "primary-address",
        with_hosts(SERVER | {"primary_address": "10.60.10.99"}),
        "host tie-dns1, primary_address",
        "10.60.10.99",
    ),
    (
        "address-twice",
        with_hosts(SERVER, SERVER | {"name": "tie-dns2"}),
        "host tie-dns2, interfaces.0.addresses.0",
        "tie-dns2:eth0 and tie-dns1:eth0 have one address, 10.60.10.11",
    ),
    (
        "address-prefix",
        with_hosts(SERVER | {"interfaces": interfaces("10.60.10.11/24", "10.63.10.7/24")}),
        "host tie-dns1, interfaces.1.addresses.0",
        "10.63.10.7/24 is outside every prefix of tierp-datahall",
    ),
    (
        "address-prefix",
        with_hosts(SERVER | {"interfaces": interfaces("10.60.10.11/16")}),
        "host tie-dns1, interfaces.0.addresses.0",
        "ends with /24",
    ),
    (
        "address-prefix",
        with_hosts(SERVER | {"interfaces": interfaces("10.60.10.11/24", "10.59.0.255/24")}),
        "host tie-dns1, interfaces.1.addresses.0",
        "broadcast",
    ),
    ("prefix-scope", fleet(**first("prefixes", region=None)), "prefix 10.59.0.0/24", "neither"),
    ("prefix-scope", fleet(**first("prefixes", site="heby-kommunhus")), "prefix 10.59.0.0/24", "both"),
    ("gateway", fleet(**first("prefixes", gateway="10.60.0.1")), "prefix 10.59.0.0/24, gateway", "10.60"),
    ("gateway", fleet(**first("prefixes", gateway="10.59.0.0")), "prefix 10.59.0.0/24, gateway", "10.59"),
    ("asn", fleet(**first("sites", asn=1257)), "site heby-kommunhus, asn", "AS 1257 is not private"),
    ("asn", fleet(**first("sites", asn=64600)), "site tierp-datahall, asn", "one AS number, 64600"),
    ("coordinates", fleet(**first("sites", latitude=60.0)), "site heby-kommunhus", "60.0, None"),
    ("coordinates", fleet(**first("sites", latitude=100.0, longitude=0.0)), "site heby-kommunhus", "100.0"),
    ("host-kind", with_hosts(SERVER | {"kind": "device"}), "host tie-dns1", "without device_type"),
    ("host-kind", with_hosts(GATEWAY | {"cluster": "kvm"}), "host heb-gw1, cluster", "with cluster"),
    ("host-key", with_hosts(SERVER | {"host_keys": [KEY_A[:-4]]}), "host tie-dns1, host_keys", "ssh-ed25519"),
    ("host-key", with_hosts(SERVER | {"host_keys": [KEY_A + " root@tie"]}), "host tie-dns1, host_keys", "ssh-ed25519"),
    ("host-key", with_hosts(SERVER | {"host_keys": ["ssh-rsa" + KEY_A[11:]]}), "host tie-dns1, host_keys", "ssh-rsa"),
    ("host-key", with_hosts(SERVER | {"host_keys": ["ssh-ed25519 AAAAA"]}), "host tie-dns1, host_keys", "AAAAA"),
    (
        "wireguard-key",
        with_hosts(GATEWAY | {"wireguard_public_key": WIREGUARD_KEY[:-5] + "="}),
        "host heb-gw1, wireguard_public_key",
        "no WireGuard public key",
    ),
    (
        "wireguard-key",
        with_hosts(GATEWAY | {"wireguard_public_key": WIREGUARD_KEY[:-2] + "l="}),
        "host heb-gw1, wireguard_public_key",
        "no WireGuard public key",
    ),
    (
        "wireguard-key",
        with_hosts(GATEWAY, SERVER | {"wireguard_public_key": WIREGUARD_KEY}),
        "host tie-dns1, wireguard_public_key",
        "tie-dns1 and heb-gw1 have one WireGuard public key",
    ),
    ("context", context([]), "host tie-dns1, context.samdrift", "no mapping"),
    ("context", context({"roles": "base"}), "host tie-dns1, context.samdrift.roles", "no mapping"),
    ("context", context({"roles": None}), "host tie-dns1, context.samdrift.roles", "no mapping"),
    (
        "context",
        context({"roles": ["firewall", "base", "base"]}),
        "host tie-dns1, context.samdrift.roles",
        "samdrift.roles is a list; write: roles: {firewall: true, base: true}",
    ),
    (
        "context",
        context({"roles": [["base"], "../base"]}),
        "host tie-dns1, context.samdrift.roles",
        "write: roles: {NAME",
    ),
    ("context", context({"roles": {}}), "host tie-dns1, context.samdrift.roles", "NetBox would take all roles away"),
    ("context", context({"roles": {"../base": True}}), "host tie-dns1, context.samdrift.roles", "no name of a role"),
    ("context", context({"roles": {"base": "yes"}}), "host tie-dns1, context.samdrift.roles.base", "neither true nor"),
    (
        "context",
        context({"roles": {"base": 1}}),
        "host tie-dns1, context.samdrift.roles.base",
        "neither true nor false",
    ),
    ("context", context({"roles": {"base": None}}), "host tie-dns1, context.samdrift.roles.base", "neither true nor"),
    ("context", context({"wave": "10"}), "host tie-dns1, context.samdrift.wave", "no number"),
    ("context", context({"wave": True}), "host tie-dns1, context.samdrift.wave", "no number"),
    ("context", context({"wave": -1}), "host tie-dns1, context.samdrift.wave", "no number"),
    ("context", context({"base": []}), "host tie-dns1, context.samdrift.base", "no mapping of options"),
    (
        "context",
        written({"samdrift": {"wave": "x"}}),
        "config context gateways, data.samdrift.wave",
        "gateways: samdrift",
    ),
    (
        "context",
        with_hosts(SERVER | {"local_context": {"samdrift": []}}),
        "host tie-dns1, local_context.samdrift",
        "no mapping",
    ),
    ("context-key", written({"samdirft": {}}), "config context gateways, data.samdirft", "says 'samdirft', which"),
    (
        "context-key",
        with_hosts(SERVER | {"local_context": {"banner": "x"}}),
        "host tie-dns1, local_context.banner",
        "tie-dns1: config context says 'banner', which",
    ),
    ("context-key", with_hosts(SERVER | {"context": {"x": 1}}), "host tie-dns1, context.x", "says 'x', which"),
    ("site-owner", fleet(**first("sites", tenant="")), "site heby-kommunhus, tenant", "belongs to no municipality"),
    ("host-complete", with_hosts(SERVER | {"tenant": ""}), "host tie-dns1, tenant", "tie-dns1 has no tenant"),
    ("host-complete", with_hosts(SERVER | {"site": ""}), "host tie-dns1, site", "tie-dns1 has no site"),
    ("host-complete", with_hosts(SERVER | {"role": ""}), "host tie-dns1, role", "tie-dns1 has no device role"),
    ("host-complete", with_hosts(SERVER | {"platform": ""}), "host tie-dns1, platform", "tie-dns1 has no platform"),
    ("host-key-missing", with_hosts(SERVER | {"host_keys": []}), "host tie-dns1", "no SSH host key"),
    (
        "serial-twice",
        with_hosts(GATEWAY | {"serial": "A1"}, GATEWAY | {"name": "heb-gw2", "serial": " a1"}),
        "host heb-gw2, serial",
        "heb-gw2 and heb-gw1 have one serial number",
    ),
    (
        "vlan-name",
        fleet(vlans=[*SOUND["vlans"], {"vid": 11, "name": "PERSONAL", "site": "heby-kommunhus"}]),
        "VLAN 11 at heby-kommunhus, name",
        "VLAN 11 and VLAN 10 at heby-kommunhus have one name",
    ),
    (
        "duplicate",
        fleet(vlans=[*SOUND["vlans"], {"vid": 10, "name": "Other", "site": "heby-kommunhus"}]),
        "VLAN 10 at heby-kommunhus",
        "VLAN 10 at heby-kommunhus is there more than once",
    ),
    (
        "prefix-overlap",
        prefixes({"prefix": "10.63.10.128/25", "site": "heby-kommunhus"}),
        "prefix 10.63.10.128/25",
        "10.63.10.128/25 overlaps 10.63.10.0/24 at heby-kommunhus, which has VLAN 10",
    ),
    (
        "prefix-overlap",
        prefixes({"prefix": "10.59.0.0/28", "site": "tierp-datahall"}),
        "prefix 10.59.0.0/28",
        "10.59.0.0/28 overlaps 10.59.0.0/24 at tierp-datahall, which has the gateway 10.59.0.63",
    ),
    (
        "gateway-host",
        prefixes({"prefix": "10.63.20.0/24", "site": "heby-kommunhus", "gateway": "10.63.20.1"}),
        "prefix 10.63.20.0/24, gateway",
        "the gateway 10.63.20.1 is not at heby-kommunhus: no host has it",
    ),
    (
        "gateway-host",
        prefixes({"prefix": "10.60.11.0/24", "site": "tierp-datahall", "gateway": "10.60.11.1"}, held="10.60.11.1/24"),
        "prefix 10.60.11.0/24, gateway",
        "is not at tierp-datahall: no host has it",
    ),
    (
        "gateway-host",
        prefixes(region("10.58.0.0/24", "10.58.0.1", "annan"), held="10.58.0.1/24"),
        "prefix 10.58.0.0/24, gateway",
        "is not at annan: no host has it",
    ),
    (
        "gateway-host",
        prefixes(GUESTS | {"description": "", "vlan": 10}, held="10.63.30.1/24", untagged_vlan=30),
        "prefix 10.63.30.0/24, gateway",
        "heb-gw1:held is disabled or on another VLAN",
    ),
    (
        "gateway-host",
        prefixes(GUESTS | {"description": ""}, held="10.63.30.1/24", enabled=False),
        "prefix 10.63.30.0/24, gateway",
        "heb-gw1:held is disabled or on another VLAN",
    ),
    (
        "gateway-host",
        with_hosts_and(SHARED, sharing("heb-gw2", "10.63.30.2", enabled=False)),
        "prefix 10.63.30.0/24, gateway",
        "heb-gw2:lan0 is disabled or on another VLAN",
    ),
    (
        "own-way-out",
        with_hosts_and(GUESTS, sharing("heb-gw2", "10.63.30.2")),
        "prefix 10.63.30.0/24, gateway",
        "leaves by heb-gw2, which is no firewall",
    ),
    ("own-way-out", prefixes(GUESTS | {"gateway": None}), "prefix 10.63.30.0/24", "has no gateway"),
    (
        "own-way-out",
        prefixes(GUESTS, held="10.63.30.1/24"),
        "prefix 10.63.30.0/24, gateway",
        "(Gäster, egen väg ut) leaves by heb-gw1, which is no firewall",
    ),
    ("range-prefix", ranges("10.63.10.9", "10.63.10.9"), "range 10.63.10.9 to 10.63.10.9", "does not end after"),
    ("range-prefix", ranges("10.63.10.9", "10.63.10.8"), "range 10.63.10.9 to 10.63.10.8", "does not end after"),
    ("range-prefix", ranges("10.63.10.9", "10.63.11.9"), "range 10.63.10.9 to 10.63.11.9", "outside every prefix"),
    (
        "range-prefix",
        ranges("10.59.0.9", "10.63.10.9"),
        "range 10.59.0.9 to 10.63.10.9",
        "lies in 10.59.0.0/24 and in 10.63.10.0/24",
    ),
    ("range-prefix", ranges("10.63.10.9", "10.63.10.255"), "range 10.63.10.9 to 10.63.10.255", "broadcast"),
    ("range-gateway", ranges("10.60.10.20", "10.60.10.29"), "range 10.60.10.20 to 10.60.10.29", "has no gateway"),
    (
        "range-overlap",
        ranges("10.63.10.100", "10.63.10.199", "10.63.10.110", "10.63.10.111", "10.63.10.150", "10.63.10.250"),
        "range 10.63.10.150 to 10.63.10.250",
        "10.63.10.150 to 10.63.10.250 overlaps 10.63.10.100 to 10.63.10.199",
    ),
    (
        "range-address",
        ranges("10.63.10.1", "10.63.10.99", "10.63.10.100", "10.63.10.199"),
        "host heb-gw1, interfaces.1.addresses.0",
        "heb-gw1:lan0: 10.63.10.1 is in the range 10.63.10.1 to 10.63.10.99",
    ),
    (
        "own-way-out",
        fleet(**first("vlans", name="Skola")),
        "prefix 10.63.10.0/24, gateway",
        "(Skola) leaves by heb-gw1, which is no firewall",
    ),
]


@pytest.mark.parametrize(("rule", "broken", "where", "says"), BROKEN, ids=[f"{b[0]} {b[2]}" for b in BROKEN])
def test_what_breaks_a_rule_is_found_and_its_place_named(rule: str, broken: Fleet, where: str, says: str) -> None:
    found = [p for p in problems(broken) if p.rule == rule]

    assert where in [p.where for p in found]
    assert any(says in p.what for p in found)
    assert all(p.fix for p in found)


def test_a_sound_fleet_has_no_problem() -> None:
    assert problems(fleet()) == ()


def test_every_rule_is_broken_by_some_case_here_and_says_why_it_is() -> None:
    assert {b[0] for b in BROKEN} == set(RULES)
    assert all(r.why and r.fix for r in RULES.values())


PAGE = CODE / "docs" / "inventory-rules.md"


def test_the_page_names_every_rule_with_its_reason_and_what_to_do() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*) \| (.*) \|$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert rows[: len(RULES)] == [(r.id, " ".join(r.why.split()), r.fix) for r in RULES.values()]


def test_the_page_names_what_is_found_before_the_rules_and_by_the_roles() -> None:
    root = CODE
    judges = ("inventory/snapshot.py", "inventory/yaml_source.py", "roles/shared/catalogue.py")
    source = "".join((root / judge).read_text(encoding="utf-8") for judge in judges)
    ids = set(re.findall(r'(?:Problem\(|rule=|rule: str = )"([a-z-]+)"', source))
    rows = re.findall(r"^\| `([a-z-]+)` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert ids
    assert set(rows) == ids | set(RULES)


SOUND_TOO = {
    "a planned host needs no address yet": with_hosts(
        SERVER | {"status": "planned", "primary_address": None, "interfaces": []}
    ),
    "a host of the region's shared prefix": with_hosts(
        SERVER | {"interfaces": interfaces("10.59.0.250/24"), "primary_address": "10.59.0.250"}
    ),
    "a planned host has no host key yet": with_hosts(SERVER | {"status": "planned", "host_keys": []}),
    "a host that serves something": serving(53),
    "a host needs no config context": with_hosts(SERVER | {"context": {}}),
    "a text of several lines in a config context": with_hosts(
        SERVER | {"context": {"samdrift": {"base": {"banner": "one\ntwo"}}}}
    ),
    "a config context that says nothing": written({}),
    "devices without a serial number, and a virtual machine with that of a device": with_hosts(
        GATEWAY | {"serial": "A1"},
        planned("heb-gw2"),
        planned("heb-gw3"),
        SERVER | {"serial": "A1"},
    ),
    "a VLAN of one name at two sites": fleet(
        vlans=[*SOUND["vlans"], {"vid": 11, "name": "Personal", "site": "tierp-datahall"}]
    ),
    "a range that is set aside for networks": prefixes(
        {"prefix": "10.63.0.0/16", "site": "heby-kommunhus"},
        {"prefix": "10.63.0.0/17", "site": "heby-kommunhus"},
        {"prefix": "10.56.0.0/13", "region": "norra-uppland"},
    ),
    "networks of two sites that overlap": prefixes({"prefix": "10.63.10.0/28", "site": "tierp-datahall"}),
    "a region's gateway at any of its sites": prefixes(region("10.58.0.0/24", "10.58.0.1"), held="10.58.0.1/24"),
    "a gateway's address that nobody has and two share": with_hosts_and(
        SHARED, sharing("heb-gw2", "10.63.30.2"), sharing("heb-gw3", "10.63.30.3")
    ),
    "a gateway on its prefix' VLAN, tagged": prefixes(
        GUESTS | {"description": "", "vlan": 10}, held="10.63.30.1/24", untagged_vlan=None, tagged_vlans=[10]
    ),
    "two ranges side by side, up to the last address of a prefix": ranges(
        "10.63.10.200", "10.63.10.254", "10.63.10.2", "10.63.10.199"
    ),
    "guests with a way out of their own": prefixes(GUESTS, held="10.63.30.1/24", role="firewall"),
    "Swedish letters in names": fleet(**first("tags", name="Älvkarleby, Östhammar (å)")),
    "interfaces of a device with a CLI are named as its vendor does": with_hosts(
        GATEWAY | {"platform": "arubaos-cx", "interfaces": [{"name": "1/1/1", "addresses": ["10.59.0.63/24"]}]}
    ),
    "both addresses of a /31 can be used": prefixes(
        {"prefix": "10.59.1.0/31", "site": "heby-kommunhus", "gateway": "10.59.1.0"}, held="10.59.1.0/31"
    ),
    "a 32 bit private AS number": fleet(**first("sites", asn=4_200_000_000)),
    "nothing at all": Fleet(),
}


@pytest.mark.parametrize("sound", SOUND_TOO.values(), ids=SOUND_TOO)
def test_what_is_unusual_but_sound_has_no_problem(sound: Fleet) -> None:
    assert problems(sound) == ()


def test_what_netbox_merged_of_a_config_context_is_no_second_problem() -> None:
    wrong = {"samdrift": {"wave": "x"}, "banner": 1}
    local = {"other": 1}
    broken = fleet(
        **first("config_contexts", data=wrong),
        hosts=[GATEWAY | {"context": wrong}, SERVER | {"context": wrong | local | {"own": 1}, "local_context": local}],
    )

    assert [(p.rule, p.where) for p in problems(broken)] == [
        ("context", "config context gateways, data.samdrift.wave"),
        ("context-key", "config context gateways, data.banner"),
        ("context-key", "host tie-dns1, local_context.other"),
        ("context-key", "host tie-dns1, context.own"),
    ]


def test_an_overlap_in_a_region_is_told_once_and_not_for_every_site() -> None:
    found = problems(prefixes({"prefix": "10.59.0.0/25", "region": "norra-uppland"}))

    assert [(p.rule, p.where) for p in found if p.rule == "prefix-overlap"] == [
        ("prefix-overlap", "prefix 10.59.0.0/25")
    ]


def test_what_is_missing_is_told_once() -> None:
    assert [p.rule for p in problems(with_hosts(SERVER | {"platform": ""}))] == ["host-complete"]
    nowhere = SERVER | {"site": "", "interfaces": interfaces("10.60.10.11/24", untagged_vlan=10)}
    assert [p.rule for p in problems(with_hosts(nowhere))] == ["host-complete"]
    assert [p.rule for p in problems(fleet(**first("sites", tenant="")))] == ["site-owner"]


def test_all_problems_are_found_in_one_go() -> None:
    broken = with_hosts(
        SERVER | {"primary_address": None, "tags": ["x"], "description": "\x07", "host_keys": ["x"]},
        GATEWAY | {"interfaces": interfaces("10.60.10.11/24")},
    )

    assert {p.rule for p in problems(broken)} >= {
        "host-address",
        "reference",
        "text",
        "host-key",
        "address-twice",
        "primary-address",
        "address-prefix",
    }


def test_a_reference_into_what_could_not_be_read_is_no_problem() -> None:
    broken = fleet(tags=[], vlans=[], cables=[{"a": "heb-gw1:wan9", "b": "tie-dns1:eth0"}])

    assert {p.rule for p in problems(broken)} == {"reference", "vlan", "cable"}
    assert problems(broken, unread=frozenset({"tags", "vlans", "hosts"})) == ()


def test_a_problem_names_the_nearest_line_that_is_known() -> None:
    places = Places({("hosts", 0): "hosts/tierp.yaml:2", ("hosts", 0, "tags"): "hosts/tierp.yaml:9"})
    broken = with_hosts(SERVER | {"tags": ["x"], "cluster": "x"})

    assert {p.what[:9] + p.where[-2:] for p in problems(broken, places)} == {"tie-dns1::9", "tie-dns1::2"}
