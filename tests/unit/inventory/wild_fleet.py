"""Fleets that use everything that a Fleet can say, and texts that mean something to every program but NetBox."""

from __future__ import annotations

from random import Random
from typing import Any, get_args

from inventory.fleet import Fleet
from inventory.network import SharedRole
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
REGIONS, SITES, TENANTS, TAGS = ("norr", "syd", "langst-norr"), ("a", "b", "c"), ("t", "u"), ("lab", "dns", "x")
ROLES, PLATFORMS, TYPES, CLUSTERS = ("server", "switch"), ("debian", "junos"), ("box", "big-box"), ("kvm", "tierp-kvm")
GROUPS, VRFS = ("skolor", "grundskolor", "gymnasier"), ("", "Gäst", "prod/dmz")
PLACES = tuple(f"{site}/{slug}" for site in SITES for slug in ("plan-1", "rum-7"))
SLUGS = {
    "regions": REGIONS,
    "site_groups": GROUPS,
    "tenant_groups": GROUPS,
    "cluster_groups": GROUPS,
    "cluster_types": ("vm", "k8s"),
    "sites": SITES,
    "locations": PLACES,
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

    def nested(slugs: tuple[str, ...]) -> list[dict[str, Any]]:
        """Each lies in nothing, or in one before it: `skolor` may have children that are made before it."""
        names = list(slugs)
        rng.shuffle(names)
        return [
            {"slug": s, "name": f"{s} {rng.choice(TEXTS)}".strip(), "parent": rng.choice([None, *names[:n]])}
            for n, s in enumerate(names)
        ]

    def named(slugs: tuple[str, ...], **more: Any) -> list[dict[str, Any]]:
        return [
            {"slug": s, "name": f"{s.upper()} {rng.choice(TEXTS)}".strip(), "description": rng.choice(TEXTS)} | more
            for s in slugs
        ]

    vids = {site: rng.sample(range(1, 4095), 4) for site in SITES}
    data: dict[str, Any] = {
        "regions": nested(REGIONS),
        "site_groups": nested(GROUPS),
        "tenant_groups": nested(GROUPS),
        "tenants": [one | {"group": rng.choice([None, *GROUPS])} for one in named(TENANTS)],
        "locations": [
            {"site": s, "slug": slug, "name": f"Plats {slug}", "parent": parent}
            for s in SITES
            for slug, parent in (("plan-1", None), ("rum-7", rng.choice([None, "plan-1"])))
        ],
        "vrfs": [
            {"name": v, "rd": rng.choice([None, f"65000:{n}"]), "description": rng.choice(TEXTS)}
            for n, v in enumerate(VRFS)
            if v
        ],
        "vlan_groups": [{"slug": f"g{n}", "name": f"Grupp {n}"} | _scope(rng) for n in range(3)],
        "cluster_groups": named(GROUPS),
        "sites": [
            {"slug": s, "name": f"Plats {s}", "tenant": rng.choice(TENANTS), "region": rng.choice(REGIONS)}
            | {"group": rng.choice([None, *GROUPS])}
            | rng.choice(
                [
                    {},
                    {"asns": [65000, 4_200_000_000 + n]},
                    {"asns": [4_200_000_000 + n], "facility": "källare", "latitude": -59.123456, "longitude": 17.5},
                ]
            )
            for n, s in enumerate(SITES)
        ],
        "platforms": [
            one | {"family": family, "parent": parent}
            for one, family, parent in zip(
                named(PLATFORMS), ("debian", "cli"), rng.choice([(None, None), ("junos", None)]), strict=True
            )
        ],
        "device_roles": [
            one | {"parent": parent}
            for one, parent in zip(
                named(ROLES), rng.choice([(None, None), (None, "server"), ("switch", None)]), strict=True
            )
        ],
        "manufacturers": named(("acme", "ymca")),
        "device_types": [
            {"slug": s, "manufacturer": rng.choice(("acme", "ymca")), "model": f"M {s}", "part_number": part}
            for s, part in zip(TYPES, ("", *(f"P/N {s}" for s in TYPES[1:])), strict=True)
        ],
        "cluster_types": named(("vm", "k8s")),
        "clusters": named(CLUSTERS, type=rng.choice(("vm", "k8s")), group=rng.choice([None, *GROUPS])),
        "tags": named(TAGS),
        "vlans": [
            {"vid": v, "name": f"Nät {v}", "site": s, "role": (None, "voice", "data")[v % 3]}
            for s in SITES
            for v in vids[s]
        ]
        + [{"vid": v, "name": f"Gruppnät {v}", "group": f"g{n}"} for n in range(3) for v in (7, 8 + n)],
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
    data["prefixes"] += [
        {"prefix": f"2001:db8:{n:x}::/64", "vrf": vrf, "gateway": rng.choice([None, f"2001:db8:{n:x}::1"])}
        | _scope(rng)
        for n in range(4)
        for vrf in rng.sample(VRFS, 2)
    ]
    data["ranges"] = [
        {"start": f"10.{n}.{100 + i}.7", "end": f"10.{n}.{100 + i}.{rng.randint(8, 255)}"}
        | rng.choice([{}, {"description": rng.choice(TEXTS)}])
        for n in range(9)  # the last lies in no prefix
        for i in range(rng.randint(0, 2))
    ]
    data["ranges"] += [{"start": "2001:db8:1::100", "end": "2001:db8:1::1ff", "vrf": vrf} for vrf in VRFS]
    data["config_contexts"] = [_context(rng, n) for n in range(12)]
    data["cables"] = _cables(rng, data["hosts"])
    return in_order(Fleet.model_validate(data))


def _scope(rng: Random) -> dict[str, Any]:
    """Anything that a prefix or a VLAN group can be scoped to, or nothing."""
    kinds = {"site": SITES, "location": PLACES, "region": REGIONS, "site_group": GROUPS}
    return rng.choice([{}, *({kind: rng.choice(slugs)} for kind, slugs in kinds.items())])


def _host(rng: Random, n: int, vids: dict[str, list[int]]) -> dict[str, Any]:
    site, is_device = rng.choice(SITES), rng.random() < 0.6
    members = rng.randint(1, 3) if is_device and rng.random() < 0.3 else 0
    interfaces = [_interface(rng, n, i, is_device, vids[site]) for i in rng.sample(range(9), rng.randint(0, 5))]
    lags = [i["name"] for i in interfaces if i["type"] == "lag"]
    for interface in interfaces:
        others = [i["name"] for i in interfaces if i is not interface]
        interface["bridge"] = rng.choice([None, None, *others])
        if interface["type"] == "virtual":
            physical = [i["name"] for i in interfaces if i["type"] != "virtual"]
            interface["parent"] = rng.choice([None, *(physical if is_device else others[:1])])
        elif interface["type"] != "lag":
            interface["lag"] = rng.choice([None, *lags])
        if members:
            interface["member"] = rng.randint(1, members)
    interfaces.sort(key=lambda i: i.get("member", 0))
    addresses = [a.partition("/")[0] for i in interfaces for a in i["addresses"]]
    addresses4 = [a for a in addresses if ":" not in a]
    addresses6 = [a for a in addresses if ":" in a]
    device_type, serial = rng.choice(TYPES), rng.choice(("", f"S/N {n}"))
    return {
        "name": f"host-{n}" if n else "tie-Åäö host",
        "kind": "device" if is_device else "vm",
        "tenant": rng.choice(TENANTS),
        "site": site,
        "role": rng.choice(ROLES),
        "platform": rng.choice(PLATFORMS),
        "status": rng.choice((*STATUSES, "inventory" if is_device else "paused")),
        "device_type": device_type if is_device else None,
        "cluster": None if is_device else rng.choice(CLUSTERS),
        "serial": serial,
        "description": rng.choice(TEXTS),
        "tags": rng.sample(TAGS, rng.randint(0, 3)),
        "interfaces": interfaces,
        "members": [
            {
                "name": (f"host-{n}" if n else "tie-Åäö host") if m == members else f"host-{n}-{m}",
                "position": m,
                "device_type": device_type if m == members else rng.choice(TYPES),
                "serial": serial if m == members else f"M {m}",
            }
            for m in range(1, members + 1)
        ],
        "location": rng.choice([None, f"{site}/plan-1", f"{site}/rum-7"]) if is_device else None,
        "primary_address": rng.choice([None, *addresses4]),
        "primary_address6": rng.choice([None, *addresses6]),
        "oob_address": rng.choice([None, *addresses]) if is_device else None,
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
    ends += rng.choice([(), (f"2001:db8:{host:x}::{i + 1:x}/64",)])
    shared = ("10.99.9.1/24", "2001:db8:ffff::1/64", f"10.{host}.77.{i + 1}/24")
    mixed = rng.sample(vids, 3)
    vlans: dict[str, Any] = rng.choice(
        [
            {},
            {"untagged_vlan": mixed[0]},
            {"tagged_vlans": mixed[1:]},
            {"untagged_vlan": mixed[0], "tagged_vlans": mixed[1:]},
            {"mode": "access"},
            {"mode": "tagged", "untagged_vlan": mixed[0]},
            {"mode": "tagged-all", "untagged_vlan": mixed[0]},
            {"mode": "q-in-q"},
        ]
    )
    return {
        "name": f"{rng.choice(['ge-0/0/', 'eth', '1/1/'])}{i}" if i else "lan:0.å",
        "type": rng.choice(["1000base-t", "10gbase-x-sfpp", "lag", "other", "virtual"]) if is_device else "virtual",
        "enabled": rng.random() < 0.7,
        "description": rng.choice(TEXTS),
        "mgmt_only": is_device and rng.random() < 0.2,
        "vrf": rng.choice(VRFS),
        "addresses": rng.sample(ends, len(ends)),
        "shared_addresses": [
            {"address": a, "role": rng.choice(get_args(SharedRole))}
            for a in rng.sample(shared, rng.choice([0, 0, 1, 3]))
        ],
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
    ends = [
        f"{h['name']}:{i['name']}"
        for h in hosts
        for i in h["interfaces"]
        if h["kind"] == "device" and i["type"] not in {"virtual", "lag"}
    ]
    rng.shuffle(ends)
    return [{"a": a, "b": b} for a, b in zip(ends[0:12:2], ends[1:12:2], strict=False)]
