"""Access switch: ports for people's equipment, VLANs of the site, and what keeps both from each other's mistakes.

Its whole configuration comes from NetBox: VLANs of the site, ports with their VLANs, descriptions from what the cables
lead to, LAGs (several cables that are one link, by LACP), interfaces with addresses. On ports with no switch behind
them, spanning tree's BPDU guard is on, and nobody announces a router or answers DHCP; DHCP answers are let in from
where the fleet's gateways and firewalls are. SSH comes from the management stations alone, SNMP from monitoring, over
IPv4 and IPv6: over one that the switch is not administered over, from nobody. Its
log goes to the log servers by TCP, port 514, from the address that it is administered at.

Ports that NetBox does not know are left alone, and told as unmanaged; what NetBox knows and no role writes (a routed
port, an interface in a VRF) is left alone too, and `check` says so.

Options (config context `samdrift.access_switch`): see `roles.shared.device.switch.SwitchOptions` and
`roles.shared.device.settings.Options`.
"""

from __future__ import annotations

from inventory.fleet import Fleet, Host
from roles.shared.device.configure import configuration
from roles.shared.device.sections import switch_sections
from roles.shared.device.settings import device_asks, device_listens, device_unserved
from roles.shared.device.switch import SwitchOptions as Options
from roles.shared.device.switch import SwitchSettings as Settings
from roles.shared.device.switch import switch_settings
from roles.shared.traffic import Ask, Listen

PLATFORMS = ("arubaos-cx", "cisco-ios", "junos")
CONTROLS = ("ISO 27002:2022 8.20", "ISO 27002:2022 8.21", "ISO 27002:2022 8.22")

__all__ = ["Options", "Settings"]


def settings(host: Host, fleet: Fleet, options: Options) -> Settings:
    """Compute ports, VLANs and servers from the fleet."""
    return switch_settings(host, fleet, options)


def listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve SSH and SNMP, each to those who need it."""
    return device_listens(settings)


def asks(settings: Settings) -> tuple[Ask, ...]:
    """Ask the servers that know who may log in."""
    return device_asks(settings)


def unserved(host: Host, fleet: Fleet) -> tuple[str, ...]:
    """Say which primary address of IPv6 it is not administered at, and which servers it is not told of."""
    return device_unserved(host, fleet)


def left(settings: Settings) -> tuple[str, ...]:
    """Say which interfaces stay as they are."""
    return settings.left


def deploy(settings: Settings) -> None:
    """Declare one configuration, in the vendor's own words."""
    configuration(
        template="access_switch",
        platform=settings.platform,
        series=settings.series,
        settings=settings,
        managed=switch_sections(settings),
        accounts=settings.accounts.own,
    )
