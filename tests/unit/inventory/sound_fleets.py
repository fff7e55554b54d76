"""Strategies for sound fleets of any size, as data, and for each rule a way to break it at a place of one's choice."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from inventory.fleet import Fleet
from tests.unit.inventory.fleets import key

Data = dict[str, list[dict[str, Any]]]

WORD = st.from_regex(r"[a-zåäöé][a-zåäö0-9 ]{0,8}", fullmatch=True)
STATUS = st.sampled_from(["active", "planned", "staged", "offline", "failed"])
TENANTS = ("alvkarleby", "heby", "knivsta", "osthammar", "tierp")
CONTEXT = st.fixed_dictionaries(
    {},
    optional={
        "roles": st.dictionaries(st.sampled_from(["base", "time", "firewall"]), st.booleans(), min_size=1),
        "wave": st.integers(0, 999),
        "base": st.dictionaries(WORD, st.integers() | st.text("abc", max_size=3), max_size=2),
    },
)


def wireguard_key(number: int) -> str:
    """A WireGuard public key of its own for each number."""
    return base64.b64encode(number.to_bytes(32, "big")).decode()


@st.composite
def sound(draw: st.DrawFn) -> Data:
    """A sound fleet: one to three municipalities, each with a site or two, their networks, and who routes them."""
    tenants = draw(st.lists(st.sampled_from(TENANTS), min_size=1, max_size=3, unique=True))
    fleet: Data = {
        "regions": [{"slug": "norr", "name": draw(WORD)}],
        "tenants": [{"slug": t, "name": draw(WORD)} for t in tenants],
        "platforms": [
            {"slug": "debian-13", "name": "Debian", "family": "debian"},
            {"slug": "junos", "name": "Junos", "family": "cli"},
        ],
        "device_roles": [{"slug": s, "name": draw(WORD)} for s in ("edge-gateway", "firewall", "server")],
        "manufacturers": [{"slug": "acme", "name": "Acme"}],
        "device_types": [{"slug": "box", "manufacturer": "acme", "model": draw(WORD)}],
        "cluster_types": [{"slug": "kvm", "name": "KVM"}],
        "clusters": [{"slug": "kvm", "name": draw(WORD), "type": "kvm"}],
        "tags": [{"slug": "lab", "name": draw(WORD)}],
        "config_contexts": [
            {"name": f"context {n}", "tags": ["lab"], "data": draw(st.sampled_from([{}, {"samdrift": draw(CONTEXT)}]))}
            for n in range(draw(st.integers(1, 3)))
        ],
        **{section: [] for section in ("sites", "vlans", "prefixes", "ranges", "hosts", "cables")},
    }
    number = 0
    for tenant in tenants:
        for _ in range(draw(st.integers(1, 2))):
            number += 1
            _add_site(draw, fleet, tenant, number)
    fleet["prefixes"].append({"prefix": "10.59.0.0/24", "region": "norr", "gateway": "10.59.0.1"})
    return fleet


def _add_site(draw: st.DrawFn, fleet: Data, tenant: str, number: int) -> None:
    """A site with a network for staff and one for guests, a router of each, a server, and a planned one."""
    slug, net = f"{tenant}-{number}", f"10.{60 + number}"
    fleet["sites"].append(
        {"slug": slug, "name": draw(WORD), "tenant": tenant, "region": "norr", "asns": [64512 + number]}
        | draw(st.sampled_from([{}, {"latitude": 60.5, "longitude": 17.5}]))
    )
    staff, guests = draw(st.lists(st.integers(1, 4094), min_size=2, max_size=2, unique=True))
    fleet["vlans"] += [
        {"vid": staff, "name": f"Personal {draw(WORD)}", "site": slug},
        {"vid": guests, "name": draw(st.sampled_from(["Gäst", "Skola", "Nät"])), "site": slug},
    ]
    fleet["prefixes"] += [
        {"prefix": f"{net}.10.0/24", "site": slug, "vlan": staff, "gateway": f"{net}.10.1"},
        {
            "prefix": f"{net}.20.0/24",
            "site": slug,
            "vlan": guests,
            "gateway": f"{net}.20.1",
            "description": "Gäster, egen väg ut",
        },
    ]
    if draw(st.booleans()):
        fleet["prefixes"].append({"prefix": f"{net}.0.0/16", "site": slug})
    net6 = draw(st.sampled_from(["", f"2001:db8:{number}"]))
    if net6:
        fleet["prefixes"] += [
            {"prefix": f"{net6}:10::/64", "site": slug, "vlan": staff, "gateway": f"{net6}:10::1"},
            {"prefix": f"{net6}::/48", "site": slug},
        ]
    last = draw(st.integers(21, 200))
    fleet["ranges"] += [
        {"start": f"{net}.20.20", "end": f"{net}.20.{last}", "description": draw(WORD)},
        {"start": f"{net}.20.{last + 1}", "end": f"{net}.20.254"},
    ]

    def own(address: str, number6: str) -> list[str]:
        """An address of the staff's network, and one of its IPv6 where it has that, too."""
        return [address, *([f"{net6}:10::{number6}"] if net6 else [])]

    common = {"tenant": tenant, "site": slug, "tags": draw(st.sampled_from([[], ["lab"]]))}
    device = common | {"kind": "device", "device_type": "box"}
    context, server = draw(CONTEXT), f"{net}.10.{draw(st.integers(3, 254))}"
    fleet["hosts"] += [
        device
        | {
            "name": f"{tenant[:3]}-gw{number}",
            "role": "edge-gateway",
            "platform": "debian-13",
            "status": draw(STATUS),
            "serial": f"GW{number}",
            "interfaces": [
                {"name": "wan0", "addresses": [f"10.59.0.{number}/24"]},
                {"name": "lan0", "untagged_vlan": staff, "addresses": own(f"{net}.10.1/24", "1/64")},
            ],
            "primary_address": f"10.59.0.{number}",
            "host_keys": [key(number)],
            "wireguard_public_key": wireguard_key(number),
        },
        device
        | {
            "name": f"{tenant[:3]}-fw{number}",
            "role": "firewall",
            "platform": "junos",
            "serial": draw(st.sampled_from(["", f"FW{number}"])),
            "interfaces": [
                {"name": "ge-0/0/1", "tagged_vlans": [guests], "addresses": [f"{net}.20.1/24"]},
                {"name": "ge-0/0/2", "untagged_vlan": staff, "addresses": [f"{net}.10.2/24"]},
                {"name": "ge-0/0/3", "lag": "ae0"},
                {"name": "ae0", "type": "lag", "tagged_vlans": [guests]},
            ],
            "primary_address": f"{net}.10.2",
            "host_keys": [key(1000 + number)],
        },
        common
        | {
            "name": f"{tenant[:3]}-srv{number}",
            "kind": "vm",
            "cluster": "kvm",
            "role": "server",
            "platform": "debian-13",
            "interfaces": [{"name": "eth0", "type": "virtual", "addresses": own(f"{server}/24", "ffff/64")}],
            "primary_address": server,
            "primary_address6": f"{net6}:10::ffff" if net6 else None,
            "host_keys": [key(2000 + number)],
            "services": [{"name": draw(WORD), "protocol": "tcp", "ports": [draw(st.integers(1, 65535))]}],
            "context": draw(st.sampled_from([{}, {"samdrift": context}])),
            "local_context": draw(st.sampled_from([{}, {"samdrift": context}])),
        },
        common
        | {"name": f"{tenant[:3]}-new{number}", "kind": "vm", "cluster": "kvm", "status": "planned"}
        | {"role": "server", "platform": "debian-13"},
    ]
    fleet["cables"].append({"a": f"{tenant[:3]}-fw{number}:ge-0/0/2", "b": f"{tenant[:3]}-gw{number}:lan0"})


# Breaking. Each takes a fleet and a number of a site, and breaks one rule there.


def _site(fleet: Data, n: int) -> dict[str, Any]:
    return fleet["sites"][n]


def _hosts(fleet: Data, n: int) -> list[dict[str, Any]]:
    """The gateway, the firewall, the server and the planned server of a site."""
    return fleet["hosts"][4 * n : 4 * n + 4]


def _prefixes(fleet: Data, n: int) -> list[dict[str, Any]]:
    """The prefixes of a site: for staff, for guests, and perhaps the range that they are in."""
    return [p for p in fleet["prefixes"] if p.get("site") == _site(fleet, n)["slug"]]


def _set(of: Callable[[Data, int], dict[str, Any]], **fields: Any) -> Callable[[Data, int], None]:
    return lambda fleet, n: of(fleet, n).update(fields)


def _first(section: str) -> Callable[[Data, int], dict[str, Any]]:
    return lambda fleet, _: fleet[section][0]


def _gateway(fleet: Data, n: int) -> dict[str, Any]:
    return _hosts(fleet, n)[0]


def _firewall(fleet: Data, n: int) -> dict[str, Any]:
    return _hosts(fleet, n)[1]


def _server(fleet: Data, n: int) -> dict[str, Any]:
    return _hosts(fleet, n)[2]


def _again(section: str) -> Callable[[Data, int], None]:
    return lambda fleet, n: fleet[section].append(dict(fleet[section][n % len(fleet[section])]))


def _overlap(fleet: Data, n: int) -> None:
    site = _site(fleet, n)["slug"]
    fleet["prefixes"].append({"prefix": _prefixes(fleet, n)[0]["prefix"].replace("/24", "/26"), "site": site})


def _ranges(fleet: Data, n: int) -> list[dict[str, Any]]:
    """The two ranges of a site, side by side in the prefix for guests."""
    return fleet["ranges"][2 * n : 2 * n + 2]


def _range_of_staff(fleet: Data, n: int) -> None:
    staff = _prefixes(fleet, n)[0]["prefix"].removesuffix(".0/24")
    fleet["ranges"].append({"start": f"{staff}.2", "end": f"{staff}.20"})


def _same_serial(fleet: Data, n: int) -> None:
    _firewall(fleet, n)["serial"] = _gateway(fleet, n)["serial"].lower()


def _same_wireguard_key(fleet: Data, n: int) -> None:
    for host in _hosts(fleet, n)[:2]:
        host["wireguard_public_key"] = wireguard_key(9000 + n)


def _same_host_key(fleet: Data, n: int) -> None:
    for host in _hosts(fleet, n)[1:3]:
        host["host_keys"] = [key(9000 + n)]


def _same_asn(fleet: Data, n: int) -> None:
    fleet["sites"].append(_site(fleet, n) | {"slug": "another"})


def _of_another_municipality(fleet: Data, n: int) -> None:
    fleet["tenants"].append({"slug": "another", "name": "Another"})
    _server(fleet, n)["tenant"] = "another"


def _same_vlan_name(fleet: Data, n: int) -> None:
    staff, guests = fleet["vlans"][2 * n : 2 * n + 2]
    staff["name"] = guests["name"].upper()


def _same_address(fleet: Data, n: int) -> None:
    _server(fleet, n)["interfaces"][0]["addresses"] = _firewall(fleet, n)["interfaces"][1]["addresses"]


def _way_through_the_administration(fleet: Data, n: int) -> None:
    interfaces = _firewall(fleet, n)["interfaces"]
    _gateway(fleet, n)["interfaces"] = [*_gateway(fleet, n)["interfaces"], interfaces[0] | {"name": "lan1"}]
    interfaces[0]["addresses"] = []


def _unplugged(fleet: Data, n: int) -> None:
    _firewall(fleet, n)["interfaces"][0]["enabled"] = False


def _lag(**fields: Any) -> Callable[[Data, int], None]:
    """What the firewall's LAG is instead."""
    return lambda fleet, n: _firewall(fleet, n)["interfaces"][3].update(fields)


def _member(**fields: Any) -> Callable[[Data, int], None]:
    """What the firewall's member of its LAG is instead."""
    return lambda fleet, n: _firewall(fleet, n)["interfaces"][2].update(fields)


def _cable_to_a_lag(fleet: Data, n: int) -> None:
    fleet["cables"][n]["a"] = f"{_firewall(fleet, n)['name']}:ae0"


def _half_a_lag(fleet: Data, n: int) -> None:
    name = _firewall(fleet, n)["name"]
    fleet["cables"].append({"a": f"{name}:ge-0/0/1", "b": f"{name}:ge-0/0/3"})


def _lag_to_two(fleet: Data, n: int) -> None:
    name, interfaces = _firewall(fleet, n)["name"], _firewall(fleet, n)["interfaces"]
    interfaces += [{"name": f"ae{m}", "type": "lag"} for m in (1, 2)]
    interfaces += [{"name": f"xe-0/0/{m}", "lag": f"ae{max(m - 1, 0)}"} for m in range(4)]
    fleet["cables"] += [{"a": f"{name}:xe-0/0/{m}", "b": f"{name}:xe-0/0/{m + 2}"} for m in (0, 1)]


def _untyped(fleet: Data, n: int) -> None:
    del _server(fleet, n)["interfaces"][0]["type"]


BREAKS: dict[str, tuple[Callable[[Data, int], None], ...]] = {
    "slug": (_set(_first("tags"), slug="Läb"), _set(_first("tenants"), slug="He_by")),
    "name": (lambda f, n: _site(f, n).update(name="$(reboot)"), lambda f, n: f["vlans"][n].update(name="{{ x }}")),
    "text": (_set(_server, description="\x1b[2J"), _set(_server, local_context={"samdrift": {"base": {"a": "\b"}}})),
    "secret-mark": (
        _set(_server, description="‹secret:x›"),
        _set(_server, local_context={"samdrift": {"base": {"a": "‹"}}}),
    ),
    "duplicate": tuple(map(_again, ("hosts", "sites", "vlans", "prefixes", "ranges", "config_contexts"))),
    "host-label": (_set(_server, name="../server"), _set(_gateway, name="gw1.example")),
    "host-name": (_set(_server, name="server"), _set(_gateway, name="xyz-gw1")),
    "host-owner": (_of_another_municipality,),
    "interface-name": (lambda f, n: _gateway(f, n)["interfaces"][0].update(name="../wan0"),),
    "interface-type": (_untyped,),
    "lag": (
        _member(lag="ae1"),
        _member(lag="ge-0/0/1"),
        _member(addresses=["10.59.0.200/24"]),
        _lag(type="1000base-t"),
        _lag(lag="ae0"),
        _cable_to_a_lag,
        lambda f, n: _member(untagged_vlan=f["vlans"][2 * n]["vid"])(f, n),
        lambda f, n: _server(f, n)["interfaces"][0].update(lag="ae0"),
    ),
    "lag-ends": (_half_a_lag, _lag_to_two),
    "service": (_set(_server, services=[{"name": "x", "protocol": "tcp", "ports": [0]}]),),
    "reference": (_set(_site, tenant="x"), _set(_server, cluster="x"), _set(_gateway, tags=["x"])),
    "site-owner": (_set(_site, tenant=""),),
    "host-complete": tuple(_set(_server, **{field: ""}) for field in ("tenant", "site", "role", "platform")),
    "vlan": (lambda f, n: _gateway(f, n)["interfaces"][1].update(tagged_vlans=[4095]),),
    "vlan-name": (_same_vlan_name,),
    "cable": (lambda f, n: f["cables"][n].update(b="x:y"), _again("cables")),
    "host-address": (_set(_firewall, primary_address=None), _set(_server, primary_address=None, primary_address6=None)),
    "primary-address": (_set(_gateway, primary_address="10.99.99.99"),),
    "address-twice": (_same_address,),
    "address-prefix": (lambda f, n: _server(f, n)["interfaces"][0].update(addresses=["192.168.1.1/24"]),),
    "prefix-scope": (lambda f, n: _prefixes(f, n)[0].update(region="norr"),),
    "prefix-overlap": (_overlap,),
    "gateway": (lambda f, n: _prefixes(f, n)[0].update(gateway="192.168.1.1"),),
    "gateway-host": (lambda f, n: _gateway(f, n)["interfaces"][1].update(addresses=[]), _unplugged),
    "own-way-out": (
        lambda f, n: _prefixes(f, n)[1].update(gateway=None),
        _way_through_the_administration,
        _set(_firewall, role="server"),
    ),
    "range-prefix": (
        lambda f, n: _ranges(f, n)[0].update(start="192.168.1.1", end="192.168.1.9"),
        lambda f, n: _ranges(f, n)[0].update(end=_ranges(f, n)[0]["start"]),
        lambda f, n: _ranges(f, n)[1].update(end=_ranges(f, n)[1]["end"].replace(".254", ".255")),
    ),
    "range-gateway": (lambda f, n: _prefixes(f, n)[1].update(gateway=None),),
    "range-overlap": (
        _again("ranges"),
        lambda f, n: _ranges(f, n)[1].update(start=_ranges(f, n)[0]["start"]),
    ),
    "range-address": (_range_of_staff,),
    "asn": (_set(_site, asns=(1257,)),),
    "asn-twice": (_same_asn,),
    "coordinates": (_set(_site, latitude=91.0, longitude=0.0),),
    "host-kind": (_set(_gateway, cluster="kvm"), _set(_server, cluster=None)),
    "host-key": (_set(_server, host_keys=["ssh-rsa AAAA"]),),
    "host-key-twice": (_same_host_key,),
    "host-key-missing": (_set(_server, host_keys=[]), _set(_firewall, host_keys=[])),
    "wireguard-key": (_set(_gateway, wireguard_public_key="AAAA"), _same_wireguard_key),
    "serial-twice": (_same_serial,),
    "context": (
        _set(_server, context={"samdrift": {"wave": -1}}),
        _set(_first("config_contexts"), data={"samdrift": {"roles": "base"}}),
    ),
    "context-key": (
        _set(_server, context={"samdirft": {}}),
        _set(_server, local_context={"samdirft": {}}),
        _set(_first("config_contexts"), data={"samdirft": {}}),
    ),
}
"""By rule: ways to break it at a site."""


def fleet_of(data: Data) -> Fleet:
    """The fleet that this is."""
    return Fleet.model_validate(data)
