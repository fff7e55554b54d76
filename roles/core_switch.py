"""Core switch: what the access switches, the servers and the gateway of a site meet in.

It is configured as an access switch is (`roles.access_switch`), and is to be the root of the site's spanning tree:
traffic between two access switches then takes no way through a third.

Options (config context `samdrift.core_switch`): see `roles.shared.switching.Options`.
"""

from __future__ import annotations

from inventory.fleet import Fleet, Host
from roles.shared import switching
from roles.shared.cli import configuration
from roles.shared.switching import Options, Settings, device_listens, device_settings, switch_sections
from roles.shared.traffic import Listen

PLATFORMS = ("arubaos-cx", "cisco-ios", "junos")
CONTROLS = ("ISO 27002:2022 8.20", "ISO 27002:2022 8.21", "ISO 27002:2022 8.22")

__all__ = ["Options", "Settings"]


def settings(host: Host, fleet: Fleet, options: switching.Options) -> Settings:
    """Ports, VLANs and servers, all from the fleet."""
    return device_settings(host, fleet, options)


def listens(settings: Settings) -> tuple[Listen, ...]:
    """SSH and SNMP, each from those who need it."""
    return device_listens(settings)


def deploy(settings: Settings) -> None:
    """One configuration, in the vendor's own words."""
    configuration(
        template="core_switch", platform=settings.platform, settings=settings, managed=switch_sections(settings)
    )
