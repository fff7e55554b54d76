"""Edge firewall: the schools' and guests' own way to the internet, which leads past the fleet's network.

Each inside network may reach the internet through the municipality's own provider, with its address translated, and
nothing else: not another inside network, and not the fleet. From the internet nothing is let in. The device is
administered over its management port, from the management stations alone, and reaches the fleet's servers there.

FortiOS restores nothing by itself, so a change of it needs to be asked for by name: see
`roles.shared.device.vendors.fortios`.

Options (config context `samdrift.edge_firewall`), besides those of `roles.shared.device.settings.Options`:

- `outside`: the port towards the internet provider.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from inventory.fleet import Fleet, Host
from roles.shared.device import settings as shared
from roles.shared.device.configure import configuration
from roles.shared.device.sections import port_names
from roles.shared.device.settings import Port, device_asks, device_listens, device_settings, device_unserved
from roles.shared.lineage import Section
from roles.shared.settings import SettingsError
from roles.shared.traffic import Ask, Listen

PLATFORMS = ("fortios",)
CONTROLS = ("ISO 27002:2022 8.20", "ISO 27002:2022 8.22", "ISO 27002:2022 8.23")


class Options(shared.Options):
    """What a config context may set for this role; see the module's text."""

    outside: Annotated[str, Field(pattern=r"^[a-z]+[0-9]*$")] = "wan1"
    secrets: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")] = "firewall"


class Settings(shared.Settings):
    """The ports of one firewall: one of them is outside, and the others are inside."""

    outside: str
    inside: tuple[Port, ...]


def settings(host: Host, fleet: Fleet, options: Options) -> Settings:
    """Compute ports and servers from the fleet. Every port with a network, except the management's, is inside."""
    device = device_settings(host, fleet, options)
    if options.outside not in {p.name for p in device.ports}:
        field = "config context samdrift.edge_firewall.outside"
        raise SettingsError(f"there is no port {options.outside}", field=field, fix="name a port of the device")
    inside = tuple(
        p for p in device.ports if p.addresses and p.name not in {options.outside, device.management_interface}
    )
    return Settings(**dict(device), outside=options.outside, inside=inside)


def sections(settings: Settings) -> tuple[Section, ...]:
    """Return the sections of the configuration that are the role's."""
    names = port_names(settings)
    return (
        ("config system global", "set hostname .*"),
        ("config system interface", f'edit "({names})"'),
        ("config system admin", f'edit "{re.escape(settings.accounts.admin)}"'),
        ("config system ntp",),
        ("config log syslogd[234]? setting",),
        ("config system snmp (sysinfo|user)",),
        ("config firewall address", 'edit "net-.*"'),
        ("config firewall policy",),
        ("config router static", r"edit 1\d\d"),
    )


def listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve SSH and SNMP, each to those who need it."""
    return device_listens(settings)


def asks(settings: Settings) -> tuple[Ask, ...]:
    """Ask the servers that know who may log in."""
    return device_asks(settings)


def unserved(host: Host, fleet: Fleet) -> tuple[str, ...]:
    """Say that a device is configured for IPv4 alone."""
    return device_unserved(host, fleet)


def deploy(settings: Settings) -> None:
    """Declare one configuration, in the vendor's own words."""
    configuration(template="edge_firewall", platform=settings.platform, settings=settings, managed=sections(settings))
