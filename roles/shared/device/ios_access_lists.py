"""Cisco IOS XE's access lists that judge who comes by SSH: of IPv4 and of IPv6, at lines and at interfaces. Values.

Sources: Cisco IOS Security Command Reference, `access-class`, `ip access-list`; IPv6 Command Reference, `ipv6
access-class`, `ipv6 traffic-filter`, `ipv6 access-list`. Not here: the rest of the vendor (`vendors.cisco_ios`).
"""

from __future__ import annotations

from roles.shared.device.letting_in import AccessLists

ACCESS_LISTS: tuple[AccessLists, ...] = (
    AccessLists(
        family=4,
        bound=(
            r"^(?P<at>line vty \d+(?: \d+)?) / access-class (?P<list>\S+) in\b",
            r"^(?P<at>interface {interface}) / ip access-group (?P<list>\S+) in$",
        ),
        listed=(
            r"^ip access-list \S+ (?P<list>\S+) / (?!no |(?:\d+ )?remark )",
            r"^access-list (?P<list>\d+) (?!remark )",
        ),
        rule=(
            (
                r"^(?:ip access-list standard (?P<list>\S+) / (?:(?P<n>\d+) )?)(?P<action>permit|deny) +"
                r"(?P<source>any|(?:host )?[\d.]+)(?:,? (?:wildcard bits )?(?P<wild>[\d.]+))?(?: log)?$"
            ),
            (
                r"^access-list (?P<list>\d+) (?P<action>permit|deny) +"
                r"(?P<source>any|(?:host )?[\d.]+)(?: (?P<wild>[\d.]+))?(?: log)?$"
            ),
            (
                r"^ip access-list extended (?P<list>\S+) / (?:(?P<n>\d+) )?(?P<action>permit|deny) "
                r"(?P<protocol>\S+) (?P<source>any|host [\d.]+|[\d.]+ [\d.]+) "
                r"(?P<to>any|host [\d.]+|[\d.]+ [\d.]+)(?: eq (?P<port>\S+))?(?: log)?$"
            ),
            (
                r"^ip access-list extended (?P<list>\S+) / (?:(?P<n>\d+) )?(?P<action>permit|deny) "
                r"(?P<protocol>\S+) (?P<other>.*)$"
            ),
            r"^access-list (?P<list>\d+) (?P<action>permit|deny) (?P<other>.*)$",
        ),
    ),
    AccessLists(
        family=6,
        bound=(
            r"^(?P<at>line vty \d+(?: \d+)?) / ipv6 access-class (?P<list>\S+) in\b",
            r"^(?P<at>interface {interface}) / ipv6 traffic-filter (?P<list>\S+) in$",
        ),
        listed=(r"^ipv6 access-list (?P<list>\S+) / (?!no |(?:\d+ )?remark )",),
        rule=(
            (
                r"^ipv6 access-list (?P<list>\S+) / (?:(?P<n>\d+) )?(?P<action>permit|deny) (?P<protocol>\S+) "
                r"(?P<source>any|host \S+|\S+/\d+) (?P<to>any|host \S+|\S+/\d+)(?: eq (?P<port>\S+))?(?: log)?$"
            ),
            (
                r"^ipv6 access-list (?P<list>\S+) / (?:(?P<n>\d+) )?(?P<action>permit|deny) (?P<protocol>\S+) "
                r"(?P<other>.*)$"
            ),
        ),
    ),
)
