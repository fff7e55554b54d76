"""Fleets that use everything that a Fleet can say, and texts that mean something to every program but NetBox."""

from __future__ import annotations

from random import Random
from typing import Any

from inventory.fleet import Fleet
from inventory.order import in_order
from inventory.organisation import ASSIGNED_BY

TEXTS = (
    "",
    "Östhammars åäö, È",
    'it\'s "quoted" & <b>bold</b> [red]',
    "{{ 7 * 7 }} {% raw %} ${HOME} $(id) `id`",
    "'; DROP TABLE dcim_device; --",
    "../../etc/passwd",
    "!!python/name:os.system, - a: *b",
    "日本語 😀 %s {0} \\n",
    "null",
    "0",
)
STATUSES = ("active", "planned", "staged", "offline", "failed", "decommissioning")
KEYS = tuple(f"ssh-ed25519 AAAA{n}" for n in range(4))
REGIONS, SITES, TENANTS, TAGS = ("norr", "syd"), ("a", "b", "c"), ("t", "u"), ("lab", "dns", "x")
ROLES, PLATFORMS, TYPES, CLUSTERS = ("server", "switch"), ("debian", "junos"), ("box", "big-box"), ("kvm", "tierp-kvm")
SLUGS = {
    "regions": REGIONS,
    "sites": SITES,
    "tenants": TENANTS,
    "tags": TAGS,
    "device_roles": ROLES,
    "platforms": PLATFORMS,
    "device_types": TYPES,
    "clusters": CLUSTERS,
}


def seeded_random(number: int) -> Random:
    """The same choices for the same number, every time."""
    return Random(number)  # noqa: S311  not a secret


def wild_fleet(rng: Random) -> Fleet:
    """A fleet of some twenty hosts. It is whole (what it refers to is there), and no sound one."""

    def named(slugs: tuple[str, ...], **more: Any) -> list[dict[str, Any]]:
        return [
            {"slug": s, "name": f"{s.upper()} {rng.choice(TEXTS)}".strip(), "description": rng.choice(TEXTS)} | more
            for s in slugs
        ]

    vids = {site: rng.sample(range(1, 4095), 4) for site in SITES}
    data: dict[str, Any] = {
        "regions": [{"slug": s, "name": f"Region {s} {rng.choice(TEXTS)}".strip()} for s in REGIONS],
        "tenants": named(TENANTS),
        "sites": [
            {"slug": s, "name": f"Plats {s}", "tenant": rng.choice(TENANTS), "region": rng.choice(REGIONS)}
            | rng.choice(
                [{}, {"asns": [4_200_000_000 + n], "facility": "källare", "latitude": -59.123456, "longitude": 17.5}]
            )
            for n, s in enumerate(SITES)
        ],
        "platforms": [
            one | {"family": family} for one, family in zip(named(PLATFORMS), ("debian", "cli"), strict=True)
        ],
        "device_roles": named(ROLES),
        "manufacturers": named(("acme", "ymca")),
        "device_types": [{"slug": s, "manufacturer": rng.choice(("acme", "ymca")), "model": f"M {s}"} for s in TYPES],
        "cluster_types": named(("vm", "k8s")),
        "clusters": named(CLUSTERS, type=rng.choice(("vm", "k8s"))),
        "tags": named(TAGS),
        "vlans": [{"vid": v, "name": f"Nät {v}", "site": s} for s in SITES for v in vids[s]],
        "hosts": [_host(rng, n, vids) for n in range(20)],
    }
    data["prefixes"] = [
        {"prefix": f"10.{n}.0.0/16", "description": rng.choice(TEXTS)}
        | rng.choice(
            [{"region": rng.choice(REGIONS)}, {"site": s, "vlan": rng.choice(vids[s]), "gateway": f"10.{n}.0.1"}]
        )
        for n in range(8)
        for s in [rng.choice(SITES)]
    ]
    for site in data["sites"]:
        if rng.random() < 0.5:
            vlan = rng.choice(vids[site["slug"]])
            data["prefixes"].append({"prefix": f"172.16.{vlan % 256}.0/24", "region": site["region"], "vlan": vlan})
    data["prefixes"] = list({p["prefix"]: p for p in data["prefixes"]}.values())
    data["ranges"] = [
        {"start": f"10.{n}.{100 + i}.7", "end": f"10.{n}.{100 + i}.{rng.randint(8, 255)}"}
        | rng.choice([{}, {"description": rng.choice(TEXTS)}])
        for n in range(9)  # the last lies in no prefix
        for i in range(rng.randint(0, 2))
    ]
    data["config_contexts"] = [_context(rng, n) for n in range(12)]
    data["cables"] = _cables(rng, data["hosts"])
    return in_order(Fleet.model_validate(data))


def _host(rng: Random, n: int, vids: dict[str, list[int]]) -> dict[str, Any]:
    site, is_device = rng.choice(SITES), rng.random() < 0.6
    interfaces = [_interface(rng, n, i, is_device, vids[site]) for i in rng.sample(range(9), rng.randint(0, 5))]
    lags = [i["name"] for i in interfaces if i["type"] == "lag"]
    for interface in interfaces if lags else ():
        interface["lag"] = rng.choice([None, *lags])
    addresses = [a.partition("/")[0] for i in interfaces for a in i["addresses"]]
    return {
        "name": f"host-{n}" if n else "tie-Åäö host",
        "kind": "device" if is_device else "vm",
        "tenant": rng.choice(TENANTS),
        "site": site,
        "role": rng.choice(ROLES),
        "platform": rng.choice(PLATFORMS),
        "status": rng.choice((*STATUSES, "inventory" if is_device else "paused")),
        "device_type": rng.choice(TYPES) if is_device else None,
        "cluster": None if is_device else rng.choice(CLUSTERS),
        "serial": rng.choice(("", f"S/N {n}")),
        "description": rng.choice(TEXTS),
        "tags": rng.sample(TAGS, rng.randint(0, 3)),
        "interfaces": interfaces,
        "primary_address": rng.choice([None, *addresses]),
        "host_keys": rng.sample(KEYS, rng.randint(0, 3)),
        "wireguard_public_key": rng.choice(("", f"{n:043d}=")),
        "services": [
            {
                "name": name,
                "protocol": protocol,
                "ports": rng.sample(range(1, 65536), rng.randint(1, 4)),
                "description": rng.choice(TEXTS),
            }
            for name in rng.sample(["dns", "web sida", "ö"], rng.randint(0, 2))
            for protocol in rng.sample(["tcp", "udp", "sctp"], rng.randint(1, 2))
        ],
        "local_context": rng.choice([{}, _data(rng)]),
    }


def _interface(rng: Random, host: int, i: int, is_device: bool, vids: list[int]) -> dict[str, Any]:
    ends = rng.choice([(), (f"10.{host}.{i}.{2 * i + 1}/24",), (f"10.{host}.{i}.6/31", f"10.{host}.{i}.2/32")])
    mixed = rng.sample(vids, 3)
    vlans: dict[str, Any] = rng.choice(
        [
            {},
            {"untagged_vlan": mixed[0]},
            {"tagged_vlans": mixed[1:]},
            {"untagged_vlan": mixed[0], "tagged_vlans": mixed[1:]},
        ]
    )
    return {
        "name": f"{rng.choice(['ge-0/0/', 'eth', '1/1/'])}{i}" if i else "lan:0.å",
        "type": rng.choice(["1000base-t", "10gbase-x-sfpp", "lag", "other"]) if is_device else "virtual",
        "enabled": rng.random() < 0.7,
        "description": rng.choice(TEXTS),
        "addresses": rng.sample(ends, len(ends)),
    } | vlans


def _context(rng: Random, n: int) -> dict[str, Any]:
    assigned = {}
    for section in rng.sample([s for s in ASSIGNED_BY if s in SLUGS], rng.randint(0, 3)):
        assigned[section] = rng.sample(SLUGS[section], rng.randint(1, len(SLUGS[section])))
    return {
        "name": f"sammanhang {n}",
        "weight": rng.choice((0, 1000, 1000 + n, 32767)),
        "description": rng.choice(TEXTS),
        "is_active": rng.random() < 0.8,
        "data": _data(rng),
    } | assigned


def _data(rng: Random, depth: int = 0) -> dict[str, Any]:
    leaves: list[Any] = [None, True, False, 0, 1, -7, 2**60, 0.5, 1.0, *TEXTS, "rad\nrad", [], {}, [1, "a", None]]
    keys = rng.sample(["samdrift", "wave", "ö å", *TEXTS], rng.randint(1, 4))
    return {k: _data(rng, depth + 1) if depth < 2 and rng.random() < 0.4 else rng.choice(leaves) for k in keys}


def _cables(rng: Random, hosts: list[dict[str, Any]]) -> list[dict[str, str]]:
    ends = [f"{h['name']}:{i['name']}" for h in hosts if h["kind"] == "device" for i in h["interfaces"]]
    rng.shuffle(ends)
    return [{"a": a, "b": b} for a, b in zip(ends[0:12:2], ends[1:12:2], strict=False)]
