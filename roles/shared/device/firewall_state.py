"""What firewalls say of their zones, policies and routes, and what they are to say, in one form for any vendor. Pure.

Not here: how a vendor is asked (`Vendor.asks`), what every device says (`state`), and the checks (`tests/state/`).
"""

from __future__ import annotations

from roles.shared.device.answers import rows
from roles.shared.device.firewall import LAST, FirewallSettings
from roles.shared.device.vendor import Vendor

NamedPolicy = tuple[str, str, str]
"""From which zone, to which zone, and the policy; a policy of no two zones has none."""


def zones(vendor: Vendor, output: str) -> dict[str, str]:
    """Return the zone that each interface is in."""
    found: dict[str, str] = {}
    zone = ""
    for row in rows(vendor, "zones", output):
        if row["zone"]:
            zone = row["zone"]
        else:
            found[row["port"]] = zone
    return found


def wanted_zones(settings: FirewallSettings) -> dict[str, str]:
    """Return the zone that each interface is to be in."""
    return {str(unit): zone.name for zone in settings.security_zones for unit in zone.units}


def policies(vendor: Vendor, output: str) -> set[NamedPolicy]:
    """Return the policies that are in force."""
    found: set[NamedPolicy] = set()
    between = ("", "")
    for row in rows(vendor, "policies", output):
        if row["policy"]:
            found |= {(*between, row["policy"])} if row["state"] == "enabled" else set()
        else:
            between = (row["one"] or "", row["other"] or "")
    return found


def wanted_policies(settings: FirewallSettings) -> set[NamedPolicy]:
    """Return the policies that are to be in force."""
    return {("", "", LAST), *((p.zone, settings.outside_zone, p.name) for p in settings.zone_policies)}


def networks(vendor: Vendor, output: str) -> set[str]:
    """Return the networks to which a static route is in force."""
    return {row["network"] for row in rows(vendor, "routes", output)}


def wanted_networks(settings: FirewallSettings) -> set[str]:
    """Return the networks to which one is to be."""
    hosts = settings.transit.sources if settings.transit else ()
    reached = settings.reached if settings.gateway else ()
    return {*map(str, reached), *(f"{host}/32" for host in hosts)}
