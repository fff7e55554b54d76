"""Propose the objects that a fleet lacks of a host that already runs: the host itself, its VLANs and prefixes. Pure.

Not here: what is seen on a host (`roles.shared.survey`, `roles.shared.device.found`), and which rules the proposal must
keep (`inventory.rules`, which judge it as any other fleet).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from inventory.fleet import Fleet, Host, Interface, Service
from inventory.merging import merged, merged_context
from inventory.network import Prefix, Vlan
from inventory.order import in_order


def placed(fleet: Fleet, host: Host) -> Fleet:
    """Return the fleet with this host, in place of one of its name, its config context merged as NetBox would."""
    others = tuple(h for h in fleet.hosts if h.name != host.name)
    given = host.model_copy(update={"context": merged_context(host, fleet)})
    return in_order(fleet.model_copy(update={"hosts": (*others, given)}))


def with_options(host: Host, options: Mapping[str, Any]) -> Host:
    """Return a host whose own config context says this of samdrift, too."""
    return host.model_copy(update={"local_context": merged(host.local_context, {"samdrift": dict(options)})})


def with_interfaces(host: Host, seen: Iterable[Interface]) -> Host:
    """Return a host with the interfaces that were seen, too. What the inventory says of one it knows already stays,
    but for addresses that it lacks.
    """
    known = {i.name: i for i in host.interfaces}
    for interface in seen:
        has = known.get(interface.name)
        if has is None:
            known[interface.name] = interface
        else:
            more = tuple(a for a in interface.addresses if a not in has.addresses)
            known[interface.name] = has.model_copy(update={"addresses": (*has.addresses, *more)})
    return host.model_copy(update={"interfaces": tuple(known.values())})


def with_services(host: Host, seen: Iterable[Service]) -> Host:
    """Return a host with the services that were seen, too; a port that the inventory names already is no new one."""
    known = {(s.protocol, port) for s in host.services for port in s.ports}
    new = tuple(s for s in seen if not {(s.protocol, port) for port in s.ports} <= known)
    return host.model_copy(update={"services": (*host.services, *new)})


def with_networks(fleet: Fleet, host: Host, vlans: Mapping[int, str]) -> Fleet:
    """Return the fleet with the VLANs of a host's site, and with a prefix for each of its addresses that is in none.

    Args:
        vlans: number to name, as the host says it; a VLAN that the site has keeps its name.
    """
    used = {vid for i in host.interfaces for vid in (*i.tagged_vlans, *filter(None, (i.untagged_vlan,)))}
    missing = sorted(vid for vid in {*vlans, *used} if fleet.vlan_at(host.site, vid) is None)
    new = tuple(Vlan(vid=vid, name=_name(vlans.get(vid, "")) or f"vlan-{vid}", site=host.site) for vid in missing)
    nets: dict[object, Prefix] = {}
    for interface in host.interfaces:
        for address in interface.addresses:
            is_network = address.network.prefixlen < address.max_prefixlen - 1
            if is_network and fleet.prefix_of(address.ip, interface.vrf) is None:
                given = {
                    "prefix": address.network,
                    "vrf": interface.vrf,
                    "site": host.site,
                    "vlan": interface.untagged_vlan,
                }
                nets.setdefault((interface.vrf, address.network), Prefix.model_validate(given))
    more = {"vlans": (*fleet.vlans, *new), "prefixes": (*fleet.prefixes, *nets.values())}
    return in_order(fleet.model_copy(update=more))


def _name(text: str) -> str:
    """Return a device's name of a VLAN as one that NetBox and the usual rules take; empty if nothing is left of it."""
    plain = " ".join(re.sub(r"[^\w .,:()/+-]", " ", text).split())
    return re.sub(r"^\W+", "", plain)[:64]


def usual_roles(fleet: Fleet, host: Host) -> tuple[str, ...]:
    """Return the roles that every managed host of the host's device role and platform has; by platform, if none is."""
    managed = [h for h in fleet.hosts if h.is_managed and h.name != host.name]
    like = [h for h in managed if h.platform == host.platform and h.role == host.role]
    like = like or [h for h in managed if h.platform == host.platform] or [h for h in managed if h.role == host.role]
    return tuple(sorted(set.intersection(*(set(h.roles) for h in like)))) if like else ()
