"""The shipped fleet, as if its firewalls were Juniper's: each FortiGate an SRX with the same networks and cables."""

from __future__ import annotations

import re

from inventory.fleet import Fleet, Host
from inventory.network import Cable
from inventory.order import in_order


def with_srx(fleet: Fleet, *which: str) -> Fleet:
    """The fleet, each FortiGate of which is an SRX; or these alone."""
    names = set(which) or {h.name for h in fleet.hosts if "edge_firewall" in h.roles}
    return in_order(
        fleet.model_copy(
            update={
                "hosts": tuple(_as_srx(h) if h.name in names else h for h in fleet.hosts),
                "cables": tuple(
                    Cable(**dict(c) | {"a": _end(c.a, names), "b": _end(c.b, names)}) for c in fleet.cables
                ),
            }
        )
    )


def _end(end: str, names: set[str]) -> str:
    host, _, interface = end.partition(":")
    return f"{host}:{_port(interface)}" if host in names else end


def _port(name: str) -> str:
    """`wan1` and `port1` are the first, and `mgmt` the last one."""
    number = re.search(r"\d+$", name)
    place = 0 if name.startswith("wan") else 7 if number is None else int(number[0]) - name.startswith("port")
    return f"ge-0/0/{place}"


def _as_srx(host: Host) -> Host:
    interfaces = tuple(i.model_copy(update={"name": _port(i.name)}) for i in host.interfaces)
    samdrift = host.samdrift | {"edge_firewall": {}}
    return host.model_copy(
        update={
            "platform": "junos",
            "device_type": None,
            "interfaces": interfaces,
            "context": host.context | {"samdrift": samdrift},
        }
    )
