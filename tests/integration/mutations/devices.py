"""What breaks the checks of the roles of devices: changes of emulated ones, each of which says what it was about."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network

from inventory.fleet import Host
from tests.emulator.device import Device
from tests.emulator.grammar import applied as applied_lines

NEIGHBOURS = "its neighbours are those that the cables lead to"
TRUNKS = "its trunks carry the vlans that they should"
TIME = "its clock follows a time server"
DISABLED = "no port is shut for a fault"
UP = "the ports that it serves are up"
ROUTES = "its routes to those that it speaks with are in force"
ZONES = "each interface is in its zone"
POLICIES = "its policies are in force"

UPLINKS = {"alv-sw1": "1/1/25", "heb-sw1": "xe-0/2/0", "ost-sw1": "GigabitEthernet1/1/1", "tie-core1": "1/1/56"}
"""A port of each switch that leads to another one."""
TRUNKED = UPLINKS | {"tie-core1": "lag 1"}
"""The trunk that it is, or is a member of, as the device calls it."""
WITHOUT_A_VLAN = {
    "arubaos-cx": ("interface {port}", "no vlan trunk allowed 110"),
    "cisco-ios": ("interface {port}", "switchport trunk allowed vlan 101,120,130"),
    "junos": ("delete interfaces {port} unit 0 family ethernet-switching vlan members v110",),
}
"""How somebody takes VLAN 110 from a trunk."""
FAULTS = {"arubaos-cx": "Disabled by BPDU guard", "cisco-ios": "bpduguard", "junos": "Detected"}
"""What a device says of a port that it has shut, since somebody has connected a switch to it."""


def a_stranger(device: Device, host: Host) -> str:
    """Someone has connected a telephone, to a port to which NetBox knows no cable: no check fails for it.

    Returns:
        Which port that is.
    """
    free = next(i.name for i in host.interfaces if i.type != "virtual" and i.name not in device.plugged)
    device.plugged[free] = "stranger1"
    return free


def a_wrong_neighbour(device: Device, host: Host) -> str:
    """A cable leads to another switch than NetBox says."""
    device.plugged[UPLINKS[host.name]] = "other-sw9"
    return "other-sw9"


def no_neighbour(device: Device, host: Host) -> str:
    """A cable between two switches has been pulled out."""
    del device.plugged[UPLINKS[host.name]]
    return UPLINKS[host.name]


def no_time(device: Device, _host: Host) -> str:
    """No time server answers it."""
    device.hears_time = False
    return ""


def a_shut_port(device: Device, host: Host) -> str:
    """Someone has connected a switch to a port for people's equipment, and the device has shut it."""
    port = next(i.name for i in host.interfaces if i.type != "virtual" and i.name not in device.plugged)
    device.faulty[port] = FAULTS[host.platform]
    return port


def a_trunk_without_a_vlan(device: Device, host: Host) -> str:
    """Someone has taken a VLAN from a trunk."""
    port = TRUNKED[host.name]
    lines = [line.format(port=port) for line in WITHOUT_A_VLAN[host.platform]]
    device.running = applied_lines(host.platform, device.running, lines)
    return "110"


INSIDE = {"fortios": "internal1", "junos": "ge-0/0/1"}
"""The port of a firewall that leads to the municipality's own network."""


def a_port_without_a_link(device: Device, host: Host) -> str:
    """The cable to the municipality's own network has been pulled out."""
    port = INSIDE[host.platform]
    del device.plugged[port]
    return port


def a_network_without_a_route(device: Device, host: Host) -> str:
    """Someone has taken away the route to the servers."""
    if host.platform == "junos":
        network = next(iter(device.running["routing-options"]["static"]["route"]))
        lines = [f"delete routing-options static route {network}"]
    else:
        routes = device.running["config router static"]
        number, route = next((n, r) for n, r in routes.items() if any(line.startswith("set dst") for line in r))
        dst = next(line for line in route if line.startswith("set dst")).split()
        network = str(IPv4Network(f"{dst[2]}/{dst[3]}"))
        lines = ["config router static", f"delete {number.removeprefix('edit ')}", "end"]
    device.running = applied_lines(host.platform, device.running, lines)
    return network


def an_interface_in_another_zone(device: Device, host: Host) -> str:
    """Someone has taken an interface out of its zone."""
    zones = device.running["security"]["zones"]["security-zone"]
    zone, unit = next((zone, unit) for zone, of in zones.items() for unit in of.get("interfaces", {}))
    lines = [f"delete security zones security-zone {zone} interfaces {unit}"]
    device.running = applied_lines(host.platform, device.running, lines)
    return unit


def a_policy_that_is_gone(device: Device, host: Host) -> str:
    """Someone has deleted the policy that denies the rest, and has it logged."""
    name = next(iter(device.running["security"]["policies"]["global"]["policy"]))
    lines = [f"delete security policies global policy {name}"]
    device.running = applied_lines(host.platform, device.running, lines)
    return name


DeviceChange = Callable[[Device, Host], str]
SWITCH: dict[str, tuple[DeviceChange, ...]] = {
    NEIGHBOURS: (a_wrong_neighbour, no_neighbour),
    TRUNKS: (a_trunk_without_a_vlan,),
    TIME: (no_time,),
    DISABLED: (a_shut_port,),
}
DEVICE_CHANGES: dict[str, dict[str, tuple[DeviceChange, ...]]] = {
    "access_switch": SWITCH,
    "core_switch": SWITCH,
    "edge_firewall": {
        TIME: (no_time,),
        UP: (a_port_without_a_link,),
        ROUTES: (a_network_without_a_route,),
        ZONES: (an_interface_in_another_zone,),
        POLICIES: (a_policy_that_is_gone,),
    },
}
OF_SOME = {ZONES: "junos", POLICIES: "junos"}
"""Checks that apply to one platform alone."""
