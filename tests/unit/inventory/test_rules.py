"""Every rule of a sound fleet: what breaks it is found and named, and what does not is left in peace."""

from __future__ import annotations

from typing import Any

import pytest

from inventory.fleet import Fleet
from inventory.places import Places
from inventory.rules import RULES, problems
from tests.unit.inventory.fleets import GATEWAY, KEY_A, SERVER, SOUND, fleet, with_hosts


def interfaces(*addresses: str, **fields: Any) -> list[dict[str, Any]]:
    return [{"name": f"eth{i}", "type": "virtual", "addresses": [a], **fields} for i, a in enumerate(addresses)]


def first(section: str, **fields: Any) -> dict[str, Any]:
    """The sound fleet with other fields in the first object of a section."""
    head, *rest = SOUND[section]
    return {section: [head | fields, *rest]}


def serving(*ports: int) -> Fleet:
    return with_hosts(SERVER | {"services": [{"name": "dns", "protocol": "udp", "ports": list(ports)}]})


def context(samdrift: Any) -> Fleet:
    return with_hosts(SERVER | {"context": {"samdrift": samdrift}})


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
    ("context", context([]), "host tie-dns1, context.samdrift", "no mapping"),
    ("context", context({"roles": "base"}), "host tie-dns1, context.samdrift.roles", "no list"),
    ("context", context({"roles": ["../base"]}), "host tie-dns1, context.samdrift.roles", "no list"),
    ("context", context({"roles": ["base", "base"]}), "host tie-dns1, context.samdrift.roles", "twice"),
    ("context", context({"roles": [["base"]]}), "host tie-dns1, context.samdrift.roles", "no list"),
    ("context", context({"wave": "10"}), "host tie-dns1, context.samdrift.wave", "no number"),
    ("context", context({"wave": True}), "host tie-dns1, context.samdrift.wave", "no number"),
    ("context", context({"wave": -1}), "host tie-dns1, context.samdrift.wave", "no number"),
    ("context", context({"base": []}), "host tie-dns1, context.samdrift.base", "no mapping of options"),
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


SOUND_TOO = {
    "a planned host needs no address yet": with_hosts(
        SERVER | {"status": "planned", "primary_address": None, "interfaces": []}
    ),
    "a host of the region's shared prefix": with_hosts(
        SERVER | {"interfaces": interfaces("10.59.0.250/24"), "primary_address": "10.59.0.250"}
    ),
    "a host needs no host keys": with_hosts(SERVER | {"host_keys": []}),
    "a host that serves something": serving(53),
    "a host needs no config context": with_hosts(SERVER | {"context": {}}),
    "config contexts of others are no business of ours": with_hosts(SERVER | {"context": {"banner": "one\ntwo"}}),
    "Swedish letters in names": fleet(**first("tags", name="Älvkarleby, Östhammar (å)")),
    "interfaces of a device with a CLI are named as its vendor does": with_hosts(
        GATEWAY | {"platform": "arubaos-cx", "interfaces": [{"name": "1/1/1", "addresses": ["10.59.0.63/24"]}]}
    ),
    "both addresses of a /31 can be used": fleet(
        prefixes=[*SOUND["prefixes"], {"prefix": "10.59.1.0/31", "site": "tierp-datahall", "gateway": "10.59.1.0"}]
    ),
    "a 32 bit private AS number": fleet(**first("sites", asn=4_200_000_000)),
    "nothing at all": Fleet(),
}


@pytest.mark.parametrize("sound", SOUND_TOO.values(), ids=SOUND_TOO)
def test_what_is_unusual_but_sound_has_no_problem(sound: Fleet) -> None:
    assert problems(sound) == ()


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
