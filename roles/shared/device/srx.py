"""What a Junos firewall (SRX) has besides what every Junos has, as data of its vendor (`vendors.junos`). Values only.

A firewall's interface is a unit of a port and is in one zone; what comes in to the device itself is what the zone's
`host-inbound-traffic` lets in, or the interface's own, which takes its place. Two sets of rules of NAT cannot be
between the same zones. A port of VLANs is told `vlan-tagging`; one that is told `flexible-vlan-tagging` takes frames
with one tag, too. What a member of a LAG is told stands in `ether-options` or in `gigether-options`, by the model. The
prompt of a cluster's member says which it is (`{primary:node0}`).

Sources: Security Zones Guide; Security Policies Guide, "Global Security Policies"; NAT Guide, "Understanding
Source NAT Rules"; Interfaces Guide, `flexible-vlan-tagging`; Chassis Cluster Guide; the published SRX300 (22.4) of the
oxidized project.
"""

from __future__ import annotations

from roles.shared.device.question import Question
from roles.shared.lineage import LinePattern

FIREWALL_VALUES: tuple[LinePattern, ...] = (
    (r"^security-zone$", r"", r"^screen$", r""),
    (r"^redundant-ether-options$", r"^redundancy-group$", r""),
    (r"^family$", r"", r"^filter$", r"^(?:input|output)$", r""),
    (r"^log$", r"^(?:mode|format|source-address|source-interface)$", r""),
    (r"^stream$", r"", r"^(?:format|severity)$", r""),
    (r"^stream$", r"", r"^host$", r"^[\da-f.:]+$"),
    (r"^syn-flood$", r"^timeout$", r""),
    (r"^inet6$", r"^mode$", r""),
    (r"^address-book$", r"", r"^address$", r"", r"^[\da-f.:]+/\d+$"),
    (r"^application$", r"", r"^(?:protocol|destination-port|source-port|inactivity-timeout|icmp-type|icmp-code)$", r""),
    (r"^policy$", r"", r"^then$", r"^(?:permit|deny|reject)$"),
    (r"^then$", r"^source-nat$", r"^(?:interface|pool|off)$"),
)
"""Statements with one value, by those above them."""
FIREWALL_ASKS = {
    "up": Question(
        command="show interfaces terse",
        pattern=r"^(?P<port>(?:[a-z]{2}-\d+/\d+/\d+|ae\d+|reth\d+|fxp\d|irb\.\d+)\S*)\s+\S+\s+(?P<state>up|down)\b",
        known=r"^Interface\s+Admin\s+Link\b",
    ),
    "zones": Question(
        command="show security zones",
        pattern=r"^Security zone: (?P<zone>\S+)|^ +(?P<port>[a-z]\S*\.\d+)\s*$",
        known=r"^Security zone: ",
        of_some=True,
    ),
    "policies": Question(
        command="show security policies",
        pattern=(
            r"^From zone: (?P<one>\S+), To zone: (?P<other>\S+)|^(?P<any>Global policies):"
            r"|^  Policy: (?P<policy>[^,]+), State: (?P<state>\w+)"
        ),
        known=r"^(?:Default policy|From zone|Global policies):",
        of_some=True,
    ),
    "routes": Question(
        command="show route protocol static",
        pattern=r"^(?P<network>[\d.]+/\d+)\s+\*\[Static/\d+",
        known=r"^inet\.0: \d+ destinations",
    ),
}
"""Questions about a firewall's state; ports alone are any Junos'."""
INBOUND = r"host-inbound-traffic system-services"
CALLED = (" unit ", ".")
"""An interface is `ge-0/0/1 unit 0` where it is configured, and `ge-0/0/1.0` in zones."""
ZONE = (r"^security zones (?P<zone>(?:security|functional)-zone \S+) interfaces {called}(?: |$)",)
ADMITS = (
    (
        r"^security zones {zone} interfaces {called} host-inbound-traffic\b",
        rf"^security zones {{zone}} interfaces {{called}} {INBOUND} (?:ssh|all|any-service)$",
    ),
    (r"^security zones {zone} ", rf"^security zones {{zone}} {INBOUND} (?:ssh|all|any-service)$"),
)
SHUT = (
    rf"^security zones {{zone}} (?:interfaces {{called}} )?{INBOUND} ssh except$",
    r"^security policies from-zone \S+ to-zone junos-host policy \S+ then (?:deny|reject)\b",
)
"""What lets SSH in no more."""
