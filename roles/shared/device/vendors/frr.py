"""FRR's own command line: vtysh, here as a login shell.

It has no commit-confirm: its daemons run each line as it is typed, and `configure terminal` keeps nothing to return to
(`confirm` is None). FRR's transactions (`--tcli`) are no part of the packages in Debian, and cover one daemon of many.

The role `edge_gateway` does not use this: it writes FRR's file on the host, and guards it there.

Sources: FRR User Manual, VTY shell, Basic Commands (`service integrated-vtysh-config`, `write`), Northbound (`--tcli`).
"""

from __future__ import annotations

from roles.shared.device.letting_in import LettingIn
from roles.shared.device.vendor import Vendor

VENDOR = Vendor(
    platform="frr",
    name="FRR",
    netmiko="cisco_ios",
    hier_config="GENERIC",
    show="show running-config",
    comment=r"^\s*!",
    volatile=(r"^Building configuration", r"^Current configuration:", r"^end$", r"^frr version "),
    secrets=(
        r"^((?:enable )?password)\b",
        r"^(\s*neighbor \S+ password) ",
        r"^(?!.*\bdescription )(\s*(?:\S+ )*?(?:key-string|md5)) \S+",
    ),
    errors=(r"^% ?\S", r"^line \d+:"),
    enter=("configure terminal",),
    leave=("end",),
    save=("write memory",),
    confirm=None,
    syntax="indented",
    texts=(),
    replaces=(
        (r"^hostname ",),
        (r"^log (file|syslog|stdout)",),
        (r"^interface ", r"^(description) "),
        (r"^router bgp ", r"^(bgp router-id) "),
        (r"^router bgp ", r"^(neighbor \S+ (?:remote-as|description|timers|update-source)) "),
        (r"^router ospf", r"^(ospf router-id) "),
    ),
    shortened=(r"^description", r"^neighbor \S+ description"),
    permanent=((r"^interface \S+$",),),
    opens=(r"^(?:interface|router|route-map|vrf) ",),
    last=(r"^ip route ",),
    ignored=(r"^frr defaults ", r"^service integrated-vtysh-config$", r"^log syslog", r"^no (?:ip|ipv6) forwarding$"),
    longest=80,
    letting_in=LettingIn(
        address=(r"^interface (?P<interface>\S+)(?: vrf \S+)? / ip(?:v6)? address (?P<ip>\S+/\d+)",),
        down=(r"^interface {interface} / shutdown$",),
        route=(r"^ip(?:v6)? route (?P<to>\S+/\d+) (?P<hop>\S+)(?:.* vrf (?P<vrf>\S+))?",),
    ),
)
