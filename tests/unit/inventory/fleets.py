"""A small sound fleet for tests to break: two sites, two hosts, and one of everything else."""

from __future__ import annotations

import base64
from ipaddress import IPv4Address, ip_interface
from typing import Any

from inventory.fleet import Fleet, Host
from inventory.keys import KEYS
from inventory.order import in_order
from inventory.parts import parts

KEY_A = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEkvWkLtwvfpPBKb0TbSOPsW4Jr20flw+H3DAZr2dxxK"
KEY_B = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICuSmZJRKOB4PJKRyHvq3Y8kxESKUrilNhIosQZ9GIlz"
WIREGUARD_KEY = "7Rl0k7V0rSLeaFG8bFzPs0eN8bFzW7a1Kk1xk0ZJ3Wk="

GATEWAY = {
    "name": "heb-gw1",
    "kind": "device",
    "tenant": "heby",
    "site": "heby-kommunhus",
    "role": "edge-gateway",
    "platform": "debian-13",
    "device_type": "router",
    "tags": ["lab"],
    "interfaces": [
        {"name": "wan0", "addresses": ["10.59.0.63/24"]},
        {"name": "lan0", "untagged_vlan": 10, "addresses": ["10.63.10.1/24"]},
    ],
    "primary_address": "10.59.0.63",
    "host_keys": [KEY_A],
    "wireguard_public_key": WIREGUARD_KEY,
    "context": {"samdrift": {"roles": {"base": True, "edge_gateway": True}, "wave": 30, "base": {"apt_proxy": True}}},
}

SERVER = {
    "name": "tie-dns1",
    "kind": "vm",
    "tenant": "tierp",
    "site": "tierp-datahall",
    "role": "server",
    "platform": "debian-13",
    "cluster": "kvm",
    "interfaces": [{"name": "eth0", "type": "virtual", "addresses": ["10.60.10.11/24"]}],
    "primary_address": "10.60.10.11",
    "host_keys": [KEY_B],
    "context": {"samdrift": {"roles": {"base": True, "dns_resolver": True}, "wave": 20}},
}

SOUND: dict[str, list[dict[str, Any]]] = {
    "regions": [{"slug": "norra-uppland", "name": "Norra Uppland"}],
    "tenants": [{"slug": "heby", "name": "Heby"}, {"slug": "tierp", "name": "Tierp"}],
    "sites": [
        {
            "slug": "heby-kommunhus",
            "name": "Heby kommunhus",
            "tenant": "heby",
            "region": "norra-uppland",
            "asns": [64603],
        },
        {
            "slug": "tierp-datahall",
            "name": "Tierp datahall",
            "tenant": "tierp",
            "region": "norra-uppland",
            "asns": [64600],
            "latitude": 60.34,
            "longitude": 17.51,
        },
    ],
    "platforms": [
        {"slug": "arubaos-cx", "name": "ArubaOS-CX", "family": "cli"},
        {"slug": "debian-13", "name": "Debian 13 (trixie)", "family": "debian"},
    ],
    "device_roles": [{"slug": "edge-gateway", "name": "Kantrouter"}, {"slug": "server", "name": "Server"}],
    "manufacturers": [{"slug": "acme", "name": "Acme"}],
    "device_types": [{"slug": "router", "manufacturer": "acme", "model": "R1"}],
    "cluster_types": [{"slug": "kvm", "name": "KVM"}],
    "clusters": [{"slug": "kvm", "name": "KVM", "type": "kvm"}],
    "tags": [{"slug": "lab", "name": "Labb"}],
    "vlans": [{"vid": 10, "name": "Personal", "site": "heby-kommunhus"}],
    "prefixes": [
        {"prefix": "10.59.0.0/24", "region": "norra-uppland", "gateway": "10.59.0.63"},
        {"prefix": "10.60.10.0/24", "site": "tierp-datahall"},
        {"prefix": "10.63.10.0/24", "site": "heby-kommunhus", "vlan": 10, "gateway": "10.63.10.1"},
    ],
    "ranges": [{"start": "10.63.10.100", "end": "10.63.10.199", "description": "Arbetsplatser"}],
    "config_contexts": [
        {"name": "gateways", "device_roles": ["edge-gateway"], "tags": ["lab"], "data": {"samdrift": {"wave": 30}}}
    ],
    "hosts": [GATEWAY, SERVER],
    "cables": [{"a": "heb-gw1:wan0", "b": "heb-gw1:lan0"}],
}


def fleet(**changed: list[dict[str, Any]]) -> Fleet:
    """The sound fleet, with these sections instead of its own."""
    return Fleet.model_validate({section: (SOUND | changed).get(section, ()) for section in KEYS})


def first(section: str, **fields: Any) -> dict[str, Any]:
    """The sound fleet with other fields in the first object of a section."""
    head, *rest = SOUND[section]
    return {section: [head | fields, *rest]}


def key(number: int) -> str:
    """An SSH host key of its own for each number."""
    kind = b"ssh-ed25519"
    blob = len(kind).to_bytes(4, "big") + kind + (32).to_bytes(4, "big") + number.to_bytes(32, "big")
    return f"ssh-ed25519 {base64.b64encode(blob).decode()}"


def with_hosts(*hosts: dict[str, Any], **sections: list[dict[str, Any]]) -> Fleet:
    """The sound fleet with these hosts and sections, no cables, and no gateways but theirs."""
    held = {str(a).partition("/")[0] for h in hosts for x in h["interfaces"] for a in x.get("addresses", ())}
    prefixes = [p if p.get("gateway") in held else p | {"gateway": None} for p in SOUND["prefixes"]]
    ranges = SOUND["ranges"] if "10.63.10.1" in held else []
    return fleet(**{"hosts": list(hosts), "cables": [], "prefixes": prefixes, "ranges": ranges} | sections)


def host(name: str, **fields: Any) -> Host:
    """A host like the sound fleet's server."""
    return Host.model_validate(SERVER | {"name": name} | fields)


def ours(fleet: Fleet) -> Fleet:
    """The part of a fleet that is managed or known."""
    return parts(in_order(fleet)).fleet


def without_merged(fleet: Fleet) -> Fleet:
    """The fleet without the contexts that only NetBox can merge."""
    return fleet.model_copy(update={"hosts": tuple(h.model_copy(update={"context": {}}) for h in fleet.hosts)})


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
        "host_keys": [key(int(IPv4Address(address)))],
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


def with_hosts_and(prefix: dict[str, Any], *more: dict[str, Any]) -> Fleet:
    """The sound fleet with one more prefix, and more hosts and prefixes."""
    hosts = [x for x in more if "prefix" not in x]
    return fleet(
        hosts=[GATEWAY, SERVER, *hosts],
        prefixes=[*SOUND["prefixes"], prefix, *(x for x in more if "prefix" in x)],
        vrfs=[{"name": "cameras"}],
    )


NOBODY: dict[str, Any] = {"primary_address": None, "wireguard_public_key": ""}
"""A host without an address of its own and without tunnels."""


def cameras(site: str, **fields: Any) -> dict[str, Any]:
    """The network that somebody built the same way at every site."""
    return {"prefix": "192.168.100.0/24", "site": site, "gateway": "192.168.100.1", **fields}


def camera(site: str, number: int, vrf: str = "") -> dict[str, Any]:
    """A host of this site that is the gateway of its cameras, and has an address of its own elsewhere."""
    own = {"name": "wan1", "addresses": [f"10.59.0.{200 + number}/24"]}
    lan = {"name": "lan1", "addresses": ["192.168.100.1/24"], "vrf": vrf}
    tenant = site.partition("-")[0]
    return GATEWAY | {
        "name": f"{tenant[:3]}-cam{number}",
        "tenant": tenant,
        "site": site,
        "interfaces": [own, lan],
        "primary_address": f"10.59.0.{200 + number}",
        "host_keys": [key(number)],
        "wireguard_public_key": "",
    }


def both_families(*addresses: str, only: bool = False, **fields: Any) -> Fleet:
    """The sound fleet, the server of which has these addresses of IPv6, too, or only."""
    own = interfaces(*([] if only else ["10.60.10.11/24"]), *addresses)
    primary = {"primary_address6": addresses[0].partition("/")[0]} | ({"primary_address": None} if only else {})
    found = sorted({str(ip_interface(a).network) for a in addresses})
    prefixes_ = [{"prefix": "2001:db8:10::/64" if p.endswith("/64") else p, "site": "tierp-datahall"} for p in found]
    hosts = [GATEWAY, SERVER | {"interfaces": own} | primary | fields]
    return fleet(hosts=hosts, prefixes=[*SOUND["prefixes"], *prefixes_])
