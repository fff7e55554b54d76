"""The sections of a device's configuration that are its role's, by platform. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from roles.shared.device.known import known_vendors
from roles.shared.device.settings import Settings
from roles.shared.lineage import Section


def port_names(settings: Settings) -> str:
    """Return a regular expression for the names of the ports that NetBox knows: no other is the role's."""
    vendor = known_vendors()[settings.platform]
    return _any_of(vendor.whole_name(p.name) for p in settings.ports)


def _any_of(names: Iterable[object]) -> str:
    return "|".join(re.escape(str(name)) for name in names) or "(?!)"


def switch_sections(settings: Settings) -> tuple[Section, ...]:
    """Return the sections of a switch's configuration that are the role's, by its platform."""
    names, numbers = port_names(settings), _any_of(p.group for p in settings.lags)
    admin = re.escape(settings.accounts.admin)
    managed = (*SECTIONS[settings.platform], *(WITH_LAGS.get(settings.platform, ()) if settings.lags else ()))
    return tuple(
        tuple(p.replace("PORTS", names).replace("GROUPS", numbers).replace("ADMIN", admin) for p in section)
        for section in managed
    )


SECTIONS: dict[str, tuple[Section, ...]] = {
    "arubaos-cx": (
        ("hostname .*",),
        ("user .*",),
        (r"(no )?logging [\da-f.:]+( .*)?",),
        ("ntp (server|enable|vrf).*",),
        ("snmpv3 user .*",),
        ("tacacs-server .*",),
        ("aaa authentication login .*",),
        ("dhcpv4-snooping",),
        ("spanning-tree( (mode|vlan) .*)?",),
        ("access-list ip MANAGEMENT",),
        ("apply access-list ip .* control-plane vrf default",),
        (r"vlan (?!1$)\d+",),
        (r"interface (PORTS|lag (GROUPS))",),
        (r"interface vlan (?!1$)\d+",),
        (r"ip route 0\.0\.0\.0/0 .*",),
    ),
    "cisco-ios": (
        ("hostname .*",),
        ("username .*",),
        ("aaa (new-model|authentication login default|authorization exec default).*",),
        ("(no )?ip http (server|secure-server)",),
        ("ip ssh version .*",),
        ("ip ssh pubkey-chain", "username ADMIN"),
        ("ip dhcp snooping( vlan .*)?",),
        ("spanning-tree (mode|vlan) .*",),
        ("lldp run",),
        ("archive",),
        (r"vlan \d+",),
        (r"interface (PORTS)",),
        (r"interface Vlan(?!1$)\d+",),
        ("ip default-gateway .*",),
        ("logging (host|source-interface) .*",),
        ("ip access-list standard MANAGEMENT",),
        ("snmp-server (group|user) .*",),
        ("tacacs server .*",),
        ("ntp server .*",),
        (r"line vty .*",),
    ),
    "junos": (
        ("system", "host-name"),
        ("system", "login", "user"),
        ("system", "(services)", "ssh"),
        ("system", "ntp", "server"),
        ("system", "syslog", "host"),
        ("system", "authentication-order|tacplus-server"),
        ("snmp", "v3|view"),
        ("vlans", "v.*"),
        ("interfaces", "PORTS|irb|lo0"),
        ("firewall", "family", "inet", "filter", "MANAGEMENT"),
        ("routing-options", "static", "route", "0.0.0.0/0"),
        ("protocols", "rstp|lldp"),
    ),
}
"""What a switch's role manages of its configuration; NetBox knows the `PORTS`, and LAGs of the numbers `GROUPS`;
`ADMIN` is samdrift's account.
"""
WITH_LAGS: dict[str, tuple[Section, ...]] = {"junos": (("chassis", "aggregated-devices", "ethernet", "device-count"),)}
"""And where NetBox knows LAGs."""
