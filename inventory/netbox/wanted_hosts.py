"""What a fleet wants of NetBox's hosts: devices, stacks, virtual machines, interfaces, addresses, links. Pure.

A stack is a virtual chassis of devices, each with its own interfaces. Not here: networks (`wanted_network.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from inventory.fleet import Fleet, Host, Interface
from inventory.netbox.custom_fields import HOST_KEYS, WIREGUARD_KEY
from inventory.netbox.wanted import Json, Key, Ref, Termination, Wanted, given, ref, refs
from inventory.netbox.wanted_network import vlan_ref

MODELS = {
    "device": "dcim.device",
    "virtual machine": "virtualization.virtualmachine",
    "interface": "dcim.interface",
    "virtual interface": "virtualization.vminterface",
}
"""NetBox's own names of kinds, where a field can refer to more than one."""


def hosts(fleet: Fleet, kind: str) -> Iterator[Wanted]:
    """Want the devices or the virtual machines, still without primary address."""
    for host in fleet.hosts:
        if host.kind != kind:
            continue
        fields: dict[str, Any] = {
            "name": host.name,
            "tenant": ref("tenant", host.tenant),
            "site": ref("site", host.site),
            "role": ref("device role", host.role),
            "platform": ref("platform", host.platform),
            "status": host.status,
            "serial": host.serial,
            "description": host.description,
            "tags": refs("tag", host.tags),
            "local_context_data": Json(host.local_context or None),
            "custom_fields": {
                HOST_KEYS.name: "\n".join(host.host_keys) or None,
                WIREGUARD_KEY.name: host.wireguard_public_key or None,
            },
        }
        if kind == "vm":
            yield Wanted((host.name,), fields | {"cluster": ref("cluster", host.cluster)})
            continue
        fields |= {"device_type": ref("device type", host.device_type)} | given(host, {"location": "location"})
        yield Wanted((host.name,), fields | _in_stack(host, host.name))
        needed = {name: fields[name] for name in ("tenant", "site", "role", "platform", "status")}
        for member in host.members:
            if member.name not in {host.name, ""}:
                own = {
                    "name": member.name,
                    "serial": member.serial,
                    "device_type": ref("device type", member.device_type),
                }
                yield Wanted((member.name,), own | _in_stack(host, member.name), needed)


def _in_stack(host: Host, device: str) -> dict[str, Any]:
    """Return what a device of a stack says of it."""
    position = next((m.position for m in host.members if m.name == device), None)
    stack = Ref("virtual chassis", (host.name,))
    return {} if position is None else {"virtual_chassis": stack, "vc_position": position}


def stacks(fleet: Fleet) -> Iterator[Wanted]:
    """Want the virtual chassis, each known by its master, still without it."""
    for host in fleet.hosts:
        if host.members:
            yield Wanted((host.name,), {}, {"name": host.name})


def masters(fleet: Fleet) -> Iterator[Wanted]:
    """Want each stack to have its master."""
    for host in fleet.hosts:
        if host.members:
            yield Wanted((host.name,), {"master": Ref("device", (host.name,))})


def _kind_of(host: Host) -> str:
    return "device" if host.kind == "device" else "virtual machine"


def _key(host: Host, interface: Interface) -> Key:
    """Return what an interface is known by: the device that has it, which in a stack may be another than the master."""
    of = next((m.name for m in host.members if m.position == interface.member), host.name)
    return of, interface.name


def _ref(host: Host, interface: Interface) -> Ref:
    return Ref("interface" if host.kind == "device" else "virtual interface", _key(host, interface))


def _known(host: Host) -> Iterator[tuple[Interface, Ref]]:
    """Yield the interfaces of a host; not those of a stack's device that has no name, which only NetBox can know."""
    for interface in host.interfaces:
        at = _ref(host, interface)
        if at.key[0]:
            yield interface, at


def interfaces(fleet: Fleet, kind: str) -> Iterator[Wanted]:
    """Want the interfaces of the devices or of the virtual machines, still without what they are parts of."""
    for host in fleet.hosts:
        for interface, at in _known(host) if host.kind == kind else ():
            tagged = (vlan_ref(fleet, vid, host.site) for vid in interface.tagged_vlans)
            fields = {
                "device" if kind == "device" else "virtual_machine": Ref(_kind_of(host), at.key[:1]),
                "name": interface.name,
                "enabled": interface.enabled,
                "description": interface.description,
                "mode": interface.carries,
                "untagged_vlan": vlan_ref(fleet, interface.untagged_vlan, host.site),
                "tagged_vlans": frozenset(vlan for vlan in tagged if vlan is not None),
                "vrf": ref("VRF", interface.vrf),
            }
            if kind == "device":
                fields |= {"type": interface.type, "mgmt_only": interface.mgmt_only}
            yield Wanted(at.key, fields)


def parts(fleet: Fleet, kind: str) -> Iterator[Wanted]:
    """Want interfaces to be members of their LAGs, sub-interfaces of their parents, and bridged where they are."""
    for host in fleet.hosts:
        if host.kind != kind:
            continue
        known = {interface.name: at for interface, at in _known(host)}
        for interface, at in _known(host):
            names = ("parent", "bridge", "lag") if kind == "device" else ("parent", "bridge")
            yield Wanted(at.key, {name: known.get(getattr(interface, name) or "") for name in names})


def addresses(fleet: Fleet) -> Iterator[Wanted]:
    """Want the addresses of the interfaces, their own and those that they share."""
    for host in fleet.hosts:
        for interface, at in _known(host):
            held = {"vrf": ref("VRF", interface.vrf), "assigned_object_type": MODELS[at.kind], "assigned_object_id": at}
            for address in interface.addresses:
                key = "", str(address.ip), interface.vrf
                yield Wanted((*key, *at.key), held | {"address": str(address)}, like=key)
            for shared in interface.shared_addresses:
                key = shared.role, str(shared.address.ip), interface.vrf
                yield Wanted((*key, *at.key), held | {"address": str(shared.address), "role": shared.role})


def primaries(fleet: Fleet, kind: str) -> Iterator[Wanted]:
    """Want the primary addresses of the devices or of the virtual machines.

    None of IPv6, and none out of band, is asked for where the fleet says none.
    """
    for host in fleet.hosts:
        if host.kind != kind:
            continue
        of = {str(a.ip): (i, at) for i, at in _known(host) for a in i.addresses}

        def address(ip: object, of: dict[str, tuple[Interface, Ref]] = of) -> Ref | None:
            interface, at = of.get(str(ip), (None, None))
            return None if interface is None or at is None else Ref("address", ("", str(ip), interface.vrf, *at.key))

        found = {"primary_ip4": address(host.primary_address)} if host.primary_address in {None, *_ips(host)} else {}
        more = {"primary_ip6": host.primary_address6} | ({"oob_ip": host.oob_address} if kind == "device" else {})
        yield Wanted((host.name,), found | {name: at for name, ip in more.items() if (at := address(ip)) is not None})


def _ips(host: Host) -> frozenset[object]:
    return frozenset(a.ip for a in host.addresses)


def cables(fleet: Fleet) -> Iterator[Wanted]:
    """Want the links between interfaces of devices, each as a cable if NetBox has no path that says it."""
    at = {f"{h.name}:{i.name}": where for h in fleet.hosts if h.kind == "device" for i, where in _known(h)}
    for cable in fleet.cables:
        if cable.a in at and cable.b in at:
            a, b = sorted((at[cable.a], at[cable.b]), key=lambda end: end.key)
            yield Wanted((*a.key, *b.key), {}, {"a_terminations": Termination(a), "b_terminations": Termination(b)})


def services(fleet: Fleet) -> Iterator[Wanted]:
    """Want the services of the hosts."""
    for host in fleet.hosts:
        for service in host.services:
            kind = _kind_of(host)
            fields = {
                "parent_object_type": MODELS[kind],
                "parent_object_id": Ref(kind, (host.name,)),
                "name": service.name,
                "port_mappings": frozenset(f"{service.protocol}/{port}" for port in service.ports),
                "description": service.description,
            }
            yield Wanted((host.name, service.name, service.protocol), fields)
