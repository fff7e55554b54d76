"""The sections of a device's configuration that are its role's, by platform. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from roles.shared.device.firewall import LAST, FirewallSettings, unit_of
from roles.shared.device.helpers import GROUP
from roles.shared.device.known import known_vendors
from roles.shared.device.settings import Settings
from roles.shared.device.switch import SwitchSettings
from roles.shared.lineage import Section


def port_names(settings: Settings) -> str:
    """Return a regular expression for the names of the ports that NetBox knows: no other is the role's."""
    vendor = known_vendors()[settings.platform]
    return _any_of(vendor.whole_name(p.name) for p in settings.ports)


def _any_of(names: Iterable[object]) -> str:
    return "|".join(re.escape(str(name)) for name in names) or "(?!)"


def switch_sections(settings: SwitchSettings) -> tuple[Section, ...]:
    """Return the sections of a switch's configuration that are the role's, by its platform."""
    management = (settings.management_interface,) if settings.out_of_band else ()
    names = {
        "PORTS": _any_of(p.name for p in settings.ports),
        "GROUPS": _any_of(p.group for p in settings.lags),
        "VLANS": _any_of(at.number for at in settings.addressed if at.kind == "vlan"),
        "LOOPBACKS": _any_of(at.number for at in settings.addressed if at.kind == "loopback"),
        "MGMT": _any_of(management),
        "ADMIN": re.escape(settings.accounts.admin),
        "HELPERS": _any_of(helper.name for helper in settings.accounts.helpers),
        "LOOK": re.escape(settings.accounts.look.name) if settings.accounts.look else "(?!)",
    }
    managed = (
        *SECTIONS[settings.platform],
        *(WITH_LAGS.get(settings.platform, ()) if settings.lags else ()),
        *(WITH_LOOK[settings.platform] if settings.accounts.look else ()),
        *(WITH_HELPERS[settings.platform] if settings.accounts.helpers else ()),
    )
    return tuple(tuple(NAMES.sub(lambda m: names[m[0]], line) for line in section) for section in managed)


NAMES = re.compile(r"PORTS|GROUPS|VLANS|LOOPBACKS|MGMT|ADMIN|LOOK|HELPERS")
ADMINISTRATION: tuple[Section, ...] = (
    ("system", "host-name"),
    ("system", "login", "user"),
    ("system", "(services)", "ssh|netconf"),
    ("system", "ntp", "server"),
    ("system", "syslog", "host"),
    ("system", "authentication-order|tacplus-server"),
    ("snmp", "v3|view"),
)
"""What every role of Junos manages: `system` of `templates/shared/junos.j2`."""
SECTIONS: dict[str, tuple[Section, ...]] = {
    "arubaos-cx": (
        ("hostname .*",),
        ("user .*",),
        (r"(no )?logging [\da-f.:]+( .*)?",),
        ("ntp (server|enable|vrf).*",),
        ("snmpv3 user .*",),
        ("tacacs-server .*",),
        ("aaa authentication login .*",),
        ("(ssh server|snmp-server) vrf .*",),
        ("(no )?https-server vrf (default|mgmt)",),
        ("dhcpv[46]-snooping|nd-snooping enable",),
        ("spanning-tree( (mode|vlan|priority|config-name) .*)?",),
        ("access-list (ip MANAGEMENT|ipv6 MANAGEMENT6)",),
        ("apply access-list (ip|ipv6) .* control-plane vrf (default|mgmt)",),
        (r"vlan (?!1$)\d+",),
        (r"interface (PORTS|lag (GROUPS)( multi-chassis)?|MGMT)",),
        (r"interface vlan (VLANS)",),
        (r"interface loopback (LOOPBACKS)",),
        (r"ip route 0\.0\.0\.0/0 .*|ipv6 route ::/0 .*",),
    ),
    "cisco-ios": (
        ("hostname .*",),
        ("username .*",),
        ("aaa (new-model|authentication login default|authorization (console|exec default)).*",),
        (r"aaa group server tacacs\+ SAMDRIFT",),
        ("(no )?ip http (server|secure-server)",),
        ("ip ssh version .*",),
        ("ip ssh pubkey-chain", "username ADMIN"),
        ("ip dhcp snooping( vlan .*)?",),
        ("ipv6 (nd raguard|dhcp guard) policy SAMDRIFT",),
        ("spanning-tree (mode|vlan|mst) .*",),
        ("lldp run",),
        ("archive",),
        (r"vlan \d+",),
        (r"interface (PORTS|MGMT)",),
        (r"interface (Vlan(VLANS)|Loopback(LOOPBACKS))",),
        ("ip default-gateway .*",),
        (r"ip route vrf Mgmt-vrf 0\.0\.0\.0 0\.0\.0\.0 .*|ipv6 route (vrf Mgmt-vrf )?::/0 .*",),
        ("logging (host|source-interface) .*",),
        ("ip access-list standard (MANAGEMENT|MONITORING)|ipv6 access-list (MANAGEMENT6|MONITORING6)",),
        ("snmp-server (group|user) .*|snmp-server view samdrift .*",),
        ("tacacs server .*",),
        ("ip(v6)? tacacs source-interface .*",),
        ("ntp (server|source) .*",),
        (r"line vty .*",),
    ),
    "junos": (
        *ADMINISTRATION,
        ("vlans", "v.*"),
        ("vlans", "default", "forwarding-options|l3-interface"),
        ("switch-options", "voip"),
        ("forwarding-options", "access-security"),
        ("forwarding-options", "storm-control-profiles", "samdrift"),
        ("interfaces", "PORTS|MGMT"),
        ("interfaces", "irb", "unit", "VLANS"),
        ("interfaces", "lo0", "unit", "0|LOOPBACKS"),
        ("firewall", "family", "inet", "filter", "MANAGEMENT"),
        ("firewall", "family", "inet6", "filter", "MANAGEMENT6"),
        ("routing-options", "static", "route", "0.0.0.0/0"),
        ("routing-options", "rib", r"inet6\.0", "static", "route", "::/0"),
        ("protocols", "rstp|vstp|mstp|lldp|lldp-med"),
    ),
}
"""What a switch's role manages of its configuration.

NetBox knows the `PORTS`, LAGs of the numbers `GROUPS`, interfaces of `VLANS`, `LOOPBACKS`, and `MGMT`, the port for
management alone; `ADMIN` is samdrift's account.
"""
WITH_LAGS: dict[str, tuple[Section, ...]] = {"junos": (("chassis", "aggregated-devices", "ethernet", "device-count"),)}
"""And where NetBox knows LAGs."""
WITH_LOOK: dict[str, tuple[Section, ...]] = {
    "arubaos-cx": (("user-group LOOK",),),
    "cisco-ios": (
        ("ip ssh pubkey-chain", "username LOOK"),
        ("file privilege .*",),
        (r"privilege exec level \d+ show( running-config( view( full)?)?)?",),
        (r"privilege exec level \d+ show archive( config( rollback( timer)?)?)?",),
    ),
    "junos": (("system", "login", "class", "LOOK"),),
}
"""And where there is `LOOK`, the account that may only look: its rights."""
WITH_HELPERS: dict[str, tuple[Section, ...]] = {
    "arubaos-cx": ((f"user-group {GROUP}",),),
    "cisco-ios": (
        ("ip ssh pubkey-chain", "username (HELPERS)"),
        (r"privilege interface level \d+ (no( (shutdown|description))?|shutdown|description)",),
        (r"privilege interface level \d+ switchport( access( vlan)?)?",),
        (r"privilege configure level \d+ interface",),
        (r"privilege exec level \d+ configure( terminal)?",),
        (r"privilege exec level 1 show",),
    ),
    "junos": (("system", "login", "class", GROUP),),
}
"""And where there are `HELPERS`: their rights."""


def zoned_sections(settings: FirewallSettings) -> tuple[Section, ...]:
    """Return the sections of a firewall's configuration that are the role's, where each interface is in a zone.

    Of zones and what stands between them all are, as one that NetBox has no more is to go whole.
    """
    units = [unit_of(i.name) for i in settings.routed]
    sources = settings.transit.sources if settings.transit else ()
    routes = (*settings.reached, *(f"{source}/32" for source in sources))
    return (
        *ADMINISTRATION,
        *([("system", "login", "class", re.escape(settings.accounts.look.name))] if settings.accounts.look else []),
        ("system", "(services)", "dns", "dns-proxy", "interface", _any_of(units)),
        *(WITH_LAGS["junos"] if settings.lags else ()),
        ("interfaces", "|".join((port_names(settings), _any_of(unit.port for unit in units)))),
        ("interfaces", "lo0", "unit", "0", "family", "inet6?", "filter"),
        ("firewall", "family", "inet6?", "filter", "MANAGEMENT6?"),
        ("routing-options", "static", "route", _any_of(routes)),
        ("routing-options", "rib", r"inet6\.0", "static", "route", _any_of(settings.reached6)),
        ("protocols", "router-advertisement", "interface", _any_of(units)),
        ("applications", "application", r"samdrift-(tcp|udp|icmp)-\d+"),
        ("security", "log", "mode|source-address"),
        ("security", "log", "stream", r"samdrift-\d+"),
        ("security", "forwarding-options", "family", "inet6" if settings.speaks_ipv6 else "(?!)", "mode"),
        ("security", "address-book", "global", "address", r"net6?-[A-Za-z0-9-]+|host-[\d-]+"),
        ("security", "screen", "ids-option", "untrust-screen"),
        ("security", "nat", "source", "rule-set", f".+-to-{settings.outside_zone}"),
        ("security", "policies", "from-zone", ".+", "to-zone", settings.outside_zone),
        ("security", "policies", "global", "policy", LAST),
        ("security", "zones", "security-zone", ".+"),
    )
