"""Core switch: what the access switches, the servers and the gateway of a site meet in.

It is configured as an access switch is (`roles.access_switch`), and is to be the root of the site's spanning tree:
traffic between two access switches then takes no way through a third.

Options (config context `samdrift.core_switch`): see `roles.access_switch`.
"""

from __future__ import annotations

from roles.access_switch import CONTROLS, PLATFORMS, Options, Settings, asks, filters, left, listens, settings, unserved
from roles.shared.device.configure import configuration
from roles.shared.device.sections import switch_sections

SWEDISH = "Kärnväxel: där platsens åtkomstväxlar, servrar och gateway möts."
REDUNDANT = "site"

__all__ = [
    "CONTROLS",
    "PLATFORMS",
    "Options",
    "Settings",
    "asks",
    "deploy",
    "filters",
    "left",
    "listens",
    "settings",
    "unserved",
]


def deploy(settings: Settings) -> None:
    """Declare one configuration, in the vendor's own words."""
    configuration(
        template="core_switch",
        platform=settings.platform,
        series=settings.series,
        settings=settings,
        managed=switch_sections(settings),
        accounts=settings.accounts.own,
    )
