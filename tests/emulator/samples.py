"""Configurations of emulated devices, as their vendors print them: a small one each, and one of any length."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """A configuration, a change of it, line by line, and a line that every device of this kind refuses.

    `changed` are lines that the configuration has afterwards, `replaced` such as it has no more. `port` is one more
    port, with `{number}` in it.
    """

    configuration: str
    change: tuple[str, ...]
    changed: tuple[str, ...]
    replaced: tuple[str, ...]
    refused: str
    port: str


MODELS = {
    "aruba-6200f-24g": "ML",
    "aruba-6300m-48g": "FL",
    "aruba-8325-48y8c": "GL",
    "fortinet-fg-60f": "FGT60F",
    "fortinet-fg-200f": "FG200F",
}
"""How the configurations of the shipped fleet's devices say their models, by device type: HPE names software and its
images so, and FortiOS its short names (published 8325, 91G, 501E)."""

CISCO_PORT = "interface GigabitEthernet1/0/{number}\n description Plats {number}\n switchport access vlan 20\n"
ARUBA_PORT = "interface 1/1/{number}\n    description Plats {number}\n    vlan access 20\n"
FRR_PORT = "interface eth{number}\n description Plats {number}\n ip address 10.9.{number}.1/24\n"
JUNOS_PORT = "set interfaces ge-0/0/{number} description plats{number}\nset interfaces ge-0/0/{number} mtu 1514\n"
FORTIOS_PORT = '    edit "port{number}"\n        set alias "Plats {number}"\n        set status up\n    next\n'

SAMPLES = {
    "cisco-ios": Sample(
        configuration="hostname sw1\nvlan 20\n name Elever\n" + CISCO_PORT.format(number=1),
        change=("interface GigabitEthernet1/0/1", "description Sal 4", "exit", "vlan 30", "name Personal", "exit"),
        changed=(" description Sal 4", "vlan 30", " name Personal"),
        replaced=(" description Plats 1",),
        refused="interfäce 1",
        port=CISCO_PORT,
    ),
    "arubaos-cx": Sample(
        configuration="hostname sw1\nvlan 1\nvlan 20\n    name Elever\n" + ARUBA_PORT.format(number=1),
        change=("interface 1/1/1", "description Sal 4", "exit", "vlan 30", "name Personal", "exit"),
        changed=("    description Sal 4", "vlan 30", "    name Personal"),
        replaced=("    description Plats 1",),
        refused="vlann 4",
        port=ARUBA_PORT,
    ),
    "frr": Sample(
        configuration="hostname sw1\n" + FRR_PORT.format(number=1),
        change=("interface eth1", "description Sal 4", "exit", "ip route 10.0.0.0/8 10.9.1.2"),
        changed=(" description Sal 4", "ip route 10.0.0.0/8 10.9.1.2"),
        replaced=(" description Plats 1",),
        refused="router-bgp 1",
        port=FRR_PORT,
    ),
    "junos": Sample(
        configuration="set system host-name sw1\n" + JUNOS_PORT.format(number=1),
        change=("set interfaces ge-0/0/1 description sal4", "set vlans personal vlan-id 30"),
        changed=("set interfaces ge-0/0/1 description sal4", "set vlans personal vlan-id 30"),
        replaced=("set interfaces ge-0/0/1 description plats1",),
        refused="set systemm host-name x",
        port=JUNOS_PORT,
    ),
    "fortios": Sample(
        configuration=(
            'config system global\n    set hostname "sw1"\nend\nconfig system interface\n'
            f"{FORTIOS_PORT.format(number=1)}end\n"
        ),
        change=("config system interface", 'edit "port1"', 'set alias "Sal 4"', "next", "end"),
        changed=('        set alias "Sal 4"',),
        replaced=('        set alias "Plats 1"',),
        refused="konfig system global",
        port=FORTIOS_PORT,
    ),
}
"""By the slug of the platform."""


def long_configuration(platform: str, name: str, lines: int) -> str:
    """A configuration of about so many lines."""
    sample = SAMPLES[platform]
    each = sample.port.count("\n")
    ports = "".join(sample.port.format(number=number) for number in range(2, 2 + lines // each))
    text = sample.configuration.replace("sw1", name)
    if platform == "fortios":
        return text.removesuffix("end\n") + ports + "end\n"
    return text + ports
