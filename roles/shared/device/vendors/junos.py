"""Juniper Junos, in the form of `display set`.

A change is made in a private draft of one's own (`configure exclusive` shuts others out) and is in force from
`commit` on, all of it or nothing; so no order of lines can cut a change in two. After `commit confirmed MINUTES`
the device goes back to what it had unless a second `commit` comes in time.

To restore it sooner would be `rollback 1` and `commit`; but typed a moment after the device did so by itself, they
bring back the very change. So it is left to the device.

`show system commit` keeps the words "commit confirmed, rollback in 5mins" on a commit for good: only `rollback
pending` below the newest commit (0) says that the time runs.

A statement is a path of words. Some words only announce a name (`unit 0`, `family inet`): without the name they cannot
be deleted, so they are sections that can be emptied and not removed.

There are as many LAGs (`ae0`, `ae1`, …) as `chassis aggregated-devices ethernet device-count` says.

The device's own log (`system syslog host`) is sent in datagrams: `transport` stands below it since 21.2R1 alone, and a
release from before would refuse the whole commit.

Most statements have no order. Where what matches first counts (terms, policies, rules, methods of authentication,
chains of policies), a new one is put last unless it is inserted (`insert … before …`).

A static route has as many next hops as were set ("all the next-hop addresses configured for the static route"): another
one does not take the place of the first.

An account gets a number of the device's own (`uid`) unless it is told one.

Who has no permission `secret` is shown `/* SECRET-DATA */` in the place of each secret, and of public keys of accounts;
who may not see a statement at all, `/* ACCESS-DENIED */`.

What is deactivated stays and counts for nothing; `display set` shows it with a line `deactivate …` behind.

What it is asked of its state, it answers in JSON (`| display json`, since 14.2) where its answer has a structure at
all: an element of the answer's own name, `multi-routing-engine-results` around it, or a text in `output`. Of NTP there
is the text alone. A neighbour's port is `lldp-local-port-id`, or `lldp-local-interface`; where both stand, the first is
a number. A port that BPDU protection has shut has `bpdu-error` *Detected* and not *none*; VLANs are shown by the name
of another element before ELS. That `eth-switch-error` is *none* on a sound port is published, what else it says is not.

By NETCONF a change is loaded as the same statements (`load-configuration action="set"`) and committed by
`commit-configuration`, whose time is in minutes and which any later commit confirms, as on the command line. RFC 6241's
own `commit` is not used for that: with a `confirm-timeout` many releases go back at once (ncclient#37, #238;
ansible#40626; netconf-perl#7), and what it makes persist does not outlive its session (nemith/netconf#26). The
configuration is shown as statements since 15.1.

Switches from before Enhanced Layer 2 Software (EX2200, 3200, 3300, 4200, 4500, 4550, 6200, 8200) say `port-mode`,
`vlan.101` and `ethernet-switching-options` where others say `interface-mode`, `irb.101` and `switch-options`: as people
publish them.

A member of a virtual chassis and a node of a chassis cluster say before each prompt which they are: `{master:0}`,
`{backup:1}`, `{linecard:2}`, `{primary:node0}`, `{secondary:node1}`. Only the master of a virtual chassis is told
anything. A cluster edits in private ("Clustering enabled; using private edit"), where Junos refuses to wait for a
confirmation: "error: commit confirmed not supported for private configuration" (Juniper/py-junos-eznc#954).

Sources of the series: netbox-community/devicetype-library, Juniper; Ethernet Switching User Guide, "Getting Started
with Enhanced Layer 2 Software"; of the prompts, Virtual Chassis User Guide and Chassis Cluster User Guide.

Of firewalls, see `roles.shared.device.srx`.

Sources: Junos CLI User Guide, `commit`, `configure`, `show system commit`, `rollback`, `insert`, `deactivate`; Junos
`display set`; Ethernet Switching User Guide, "Aggregated Ethernet Interfaces"; Routing Options, "Qualified Next Hops";
statement `uid`; Network Management and Monitoring Guide, "Configure Syslog over TLS" (21.2R1), and the statement
`syslog` of 12.2, which has no transport; Junos CLI Reference, `show version` (what it is); Junos XML Protocol Developer
Guide, "Map Junos OS Command Output to JSON in the CLI"; Juniper's YANG models of 21.2R1, `junos-ex-rpc-spanning-tree`,
`-lldp` and `-ntp` (the forms of answers); "Checking and Clearing MAC Rewrite Error Conditions" (`BPDU Error`); answers
of QFX of 19.4 in JSON (netenglabs/suzieq, tests/integration) and of others in XML (napalm's mocks of junos); User
Access Guide, "Login Classes", permission flags `secret` and `view-configuration`, and what people show of sessions of
such a class; NETCONF XML Management Protocol Developer Guide (`lock`, `load-configuration`, `commit-configuration`,
`get-configuration`, `command`, `rpc-error`, "Configure RFC-Compliant NETCONF Sessions"); statement `netconf`.
"""

from __future__ import annotations

from typing import Literal

from roles.shared.device.letting_in import AccessLists, LettingIn
from roles.shared.device.looking import Looking
from roles.shared.device.netconf import CANDIDATE, CONFIRMED_COMMIT, Netconf
from roles.shared.device.question import Question, Structure
from roles.shared.device.series import Mode, Series
from roles.shared.device.srx import ADMITS, CALLED, FIREWALL_ASKS, FIREWALL_VALUES, SHUT, ZONE
from roles.shared.device.vendor import CommitConfirm, Spelling, Vendor

VALUES = (
    "host-name|domain-name|time-zone|description|mtu|speed|vlan-id|native-vlan-id|l3-interface|interface-mode|"
    "full-name|uid|allow-commands|deny-commands|encrypted-password|plain-text-password-value|location|contact|transport|storm-control|"
    "bandwidth-percentage|configuration-name|mark-interface|"
    "security-model|security-level|notify-view|read-view|write-view|authentication-key|authentication-password|"
    "privacy-key|privacy-password|secret|802\\.3ad|device-count|bridge-priority|connection-limit|"
    "default-policy|redundant-parent|reth-count|"
    "alarm-threshold|attack-threshold|source-threshold|destination-threshold"
)
"""Statements with one value: a new one takes the place of the old."""
OF_SERVERS = "port|timeout|retry|source-address"
"""And those of a server; below `from` in a term of a filter they are lists."""

ELS = r"^set interfaces \S+ unit \d+ family ethernet-switching interface-mode "
"""How a switch with Enhanced Layer 2 Software says what a port is."""
NAMING = (
    "unit|family|user|file|host|server|address|route|term|filter|policy-statement|prefix-list|group|neighbor|view|oid|"
    "tacplus-server|radius-server|interface|community|usm-user|security-name|context-prefix|members|name-server|vlan|"
    "from-zone|to-zone|policy|pool|area|routing-instance|rule|rule-set|security-zone|functional-zone|ids-option|"
    "address-book|address-set|application|application-set|stream|zone|redundancy-group|rib"
)
"""Words that announce a name."""

PARTS = "multi-routing-engine-item"
"""What stands around the answer of each member of a virtual chassis, or of each routing engine."""
PROMPT = r"(?:master|backup|linecard|primary|secondary|hold|disabled|lost|ineligible)[^}\n]*"
"""Which member of a virtual chassis or cluster one speaks with."""

FAMILIES: tuple[tuple[Literal[4, 6], str, str, str, str], ...] = (
    (4, "inet", "(?:family inet )?", r"[\d.]+", "protocol"),
    (6, "inet6", "family inet6 ", r"[\da-f.]*:[\da-f.:]*", "(?:next-header|payload-protocol)"),
)
"""Of each family of IP: its name, where its filters are, an address, and how a filter calls the protocol."""

VENDOR = Vendor(
    platform="junos",
    name="Juniper Junos",
    netmiko="juniper_junos",
    hier_config="JUNIPER_JUNOS",
    show="show configuration | display set",
    comment=r"^\s*(?:#|/\*)",
    volatile=(r"^## Last (?:changed|commit):", rf"^\{{{PROMPT}\}}", r"^set version "),
    secrets=(
        r"^(?!.*\bdescription )(.*\bauthentication) (?:encrypted-password|plain-text-password-value) ",
        (
            r"^(?!.*\bdescription )"
            r"(.*\busm local-engine user \S+ (?:authentication|privacy)-\S+) (?:\S+)-(?:key|password) "
        ),
        r"^(?!.*\bdescription )(.*\b(?:secret|pre-shared-key|ascii-text|hexadecimal|authentication-key|password)) ",
        r"^((?:set )?snmp community) ",
    ),
    errors=(
        r"^\s*(?:syntax error|unknown command|missing argument|invalid value|missing mandatory)",
        r"^error: ",
        r"^The configuration has been changed but not committed",
        r"^\s*\^$",
    ),
    warnings=(r"^warning: statement not found$", r"^\[edit[^\]\n]*\]$", rf"^\{{{PROMPT}\}}$"),
    enter=("configure exclusive",),
    leave=("commit{remark} and-quit",),
    remark=' comment "{text}"',
    abort=("rollback 0", "exit configuration-mode"),
    confirm=CommitConfirm(
        name="commit confirmed",
        enter=("configure exclusive",),
        leave=("commit confirmed {minutes}{remark}", "exit configuration-mode"),
        confirm=("configure exclusive", "commit{remark}", "exit configuration-mode"),
        revert=(),
        pending="show system commit",
        pending_pattern=r"^\s*rollback pending\s*$",
        minutes=(1, 65535),
        source="Junos CLI User Guide, commit (confirmed) and show system commit",
    ),
    netconf=Netconf(
        needs=(CANDIDATE, CONFIRMED_COMMIT, "http://xml.juniper.net/netconf/junos/1.0"),
        to_have="on its command line: set system services netconf ssh (Junos 15.1 or later), and TCP 830 let in",
        ask='<command format="text">{text}</command>',
        show='<get-configuration database="committed" format="set"/>',
        answers=("output", "configuration-set"),
        parts=("banner", "re-name"),
        load=(
            '<load-configuration action="set" format="text"><configuration-set>{text}</configuration-set>'
            "</load-configuration>"
        ),
        commit="<commit-configuration>{remark}</commit-configuration>",
        remark="<log>{text}</log>",
        commit_confirmed=(
            "<commit-configuration><confirmed/><confirm-timeout>{minutes}</confirm-timeout>{remark}</commit-configuration>"
        ),
        confirm="<commit-configuration>{remark}</commit-configuration>",
        confirms_in_lock=True,
        revert="",
        pending_by_lock=False,
        warnings=(r"^(?:warning: )?statement not found\b",),
        source="Junos NETCONF XML Management Protocol Developer Guide",
    ),
    syntax="set",
    replaces=(
        (rf"^(?:{VALUES})$", r""),
        (r"^user$", r"", r"^class$", r""),
        (r"^(?:tacplus-server|radius-server|host|server)$", r"", rf"^(?:{OF_SERVERS})$", r""),
        *FIREWALL_VALUES,
    ),
    whole=(
        (r"^match$", r"^(?:source-address|destination-address|application|from-zone|to-zone)$", r""),
        (r"^ethernet-switching$", r"^vlan$", r"^members$", r""),
        (r"^term$", r"", r"^from$", r"", r""),
        (r"^route$", r"", r"^next-hop$", r""),
        (r"^system$", r"^authentication-order$", r""),
    ),
    permanent=((r"^(?!permissions$)", rf"^(?:{NAMING})$"), (r"^login$", r"^class$")),  # `permissions view` names none
    ignored=(
        r"^chassis\b",
        r"^interfaces (?:vme|em\d|fxp\d|me\d|bme\d)\b",
        r"^poe\b",
        r"^system commit\b",
        r"^system processes\b",
        r"^system auto-snapshot\b",
        r"^system ports console\b",
        r"^system root-authentication\b",
    ),
    ordered=(
        ("apply-groups",),
        ("system", "authentication-order"),
        ("access", "profile", ".*", "authentication-order"),
        ("firewall", "filter", ".*", "term"),
        ("firewall", "family", ".*", "filter", ".*", "term"),
        ("policy-options", "policy-statement", ".*", "term"),
        ("protocols", "bgp|ospf|ospf3|isis|rip", "import|export"),
        ("protocols", "bgp", "group", ".*", "import|export"),
        ("protocols", "bgp", "group", ".*", "neighbor", ".*", "import|export"),
        ("security", "policies", "global", "policy"),
        ("security", "policies", "from-zone", ".*", "to-zone", ".*", "policy"),
        ("security", "nat", "source|destination|static", "rule-set", ".*", "rule"),
    ),
    once=((r"^zones$", r"^(?:security|functional)-zone$", r"", r"^interfaces$", r"^(.+)$"),),
    spellings=(
        Spelling(line=(r"^interfaces$", r"", r"^flexible-vlan-tagging$"), form="vlan-tagging"),
        Spelling(line=(r"^interfaces$", r"", r"^gigether-options$"), form="ether-options"),
    ),
    units=True,
    switched=r"irb\.\d+",
    given=(r"system\nlogin\nuser\n[^\n]+\nuid\n\d+",),
    longest=80,
    special="|;{}",
    hashed_logins=True,
    syslog="udp",
    made_by="juniper(?:-networks)?",
    series=(
        Series(
            name="SRX",
            types=r"SRX\d+",
            printed=r"^set security (?:zones|policies|nat|screen) ",
            source="published SRX300 (22.4); devicetype-library, SRX300 to SRX4600",
            out_of_band=r"fxp\d",
        ),
        Series(
            name="EX without ELS",
            types=r"EX(?:22|32|33|42|45|62|82)\d\d",
            printed=r"^set (?:ethernet-switching-options |interfaces \S+ unit 0 family ethernet-switching port-mode )",
            source="devicetype-library, EX2200 to EX4550; published configurations with `port-mode`",
            unmanaged="it is from before Enhanced Layer 2 Software, and is told everything in other words "
            "(`port-mode`), which no role writes",
        ),
        Series(
            name="EX",
            types=r"EX(?:2300|3400|4000|4100|4300|44\d\d|4600|4650|92\d\d)",
            printed=ELS,
            source="devicetype-library, EX2300 to EX9214; Getting Started with Enhanced Layer 2 Software",
            out_of_band=r"(?:me|em)\d|vme|fxp0",
        ),
        Series(
            name="QFX",
            types=r"QFX(?:5|10)\d+",
            printed=ELS,
            source="devicetype-library, QFX5100 to QFX10016",
            out_of_band=r"(?:em|fxp)\d|vme",
        ),
    ),
    refused_modes=(
        Mode(
            command="",
            pattern=r"^(?:\{\w+:node\d+\}|node\d+)$",  # by NETCONF, each node's answer has its name
            why="this is a node of a chassis cluster, which edits in private and waits for no confirmation; let it be "
            "configured by hand",
            source="Chassis Cluster User Guide; Juniper/py-junos-eznc#954",
        ),
        Mode(
            command="",
            pattern=r"^\{(?:backup|linecard)(?::[^}]*)?\}$",
            why="this is not the master of its virtual chassis; let NetBox have the address of the whole (vme, irb)",
            source="Virtual Chassis User Guide, Understanding the Roles",
        ),
    ),
    lag=r"(?:ae|reth)(\d+)",
    out_of_band=r"(?:me|fxp|em)\d|vme",
    identifies=("show version",),
    asks={
        "neighbours": Question(
            command="show lldp neighbors | display json",
            structure=Structure(
                forms=("lldp-neighbors-information",),
                parts=PARTS,
                items=("lldp-neighbor-information",),
                fields={
                    "port": ("lldp-local-interface", "lldp-local-port-id"),
                    "host": ("lldp-remote-system-name",),
                    "id": ("lldp-remote-chassis-id",),
                },
            ),
            always=("port",),
        ),
        "trunks": Question(
            command="show vlans | display json",
            structure=Structure(
                forms=("l2ng-l2ald-vlan-instance-information", "vlan-information"),
                parts=PARTS,
                items=("l2ng-l2ald-vlan-instance-group", "vlan"),
                fields={
                    "vids": ("l2ng-l2rtb-vlan-tag", "vlan-tag"),
                    "port": ("l2ng-l2rtb-vlan-member-interface", "vlan-member-interface"),
                },
            ),
        ),
        "time": Question(
            command="show ntp associations no-resolve", pattern=r"^\*\S+", known=r"^\s*remote\s+refid\s+st\s"
        ),
        "disabled": Question(
            command="show interfaces | display json",
            structure=Structure(
                forms=("interface-information",),
                parts=PARTS,
                items=("physical-interface",),
                fields={"port": ("name",)},
                faults=("bpdu-error", "ld-pdu-error", "eth-switch-error"),
                nothing="|none",
            ),
            always=("port",),
        ),
        **FIREWALL_ASKS,
    },
    letting_in=LettingIn(
        account=(r"^system login user {user} class (?P<level>\S+)$",),
        all_levels=("super-user",),
        key=(r"^system login user {user} authentication (?:ssh|ecdsa)-\S+ (?P<key>.+)$",),
        address=(r"^interfaces (?P<interface>\S+ unit \S+) family inet6? address (?P<ip>\S+/\d+)",),
        down=(r"^interfaces {interface} disable$",),
        unchanged=(r"^system services ssh port (\d+)$",),
        route=(r"^routing-options (?:rib \S+ )?static route (?P<to>\S+) next-hop (?P<hop>\S+)",),
        service=(r"^system services ssh\b",),
        netconf=(r"^system services netconf ssh\b(?: port (?P<at>\d+))?",),
        called=CALLED,
        zone=ZONE,
        admits=ADMITS,
        shut=(r"^system services ssh no-public-keys$", *SHUT),
        shut_for={"root": (r"^system services ssh root-login deny$",)},
        lists=tuple(
            AccessLists(
                family=family,
                bound=(
                    (
                        rf"^interfaces (?P<at>lo0 unit \d+|{{interface}}) family {inet} "
                        r"filter input(?P<chain>-list)? (?P<list>\S+)$"
                    ),
                ),
                listed=(rf"^firewall {of}filter (?P<list>\S+) term \S+ (?!then (?:count|log|syslog)\b)",),
                rule=(
                    (
                        rf"^firewall {of}filter (?P<list>\S+) term (?P<of>\S+) (?:from (?:source-address "
                        rf"(?P<source>{address}(?:/\d+)?)|source-prefix-list (?P<named>\S+)"
                        rf"|{protocol} (?P<protocol>\S+)|destination-port (?P<port>\S+))"
                        r"|then (?P<action>accept|discard|reject)\b.*|then (?:count|log|syslog)\b.*)$"
                    ),
                    rf"^firewall {of}filter (?P<list>\S+) term (?P<of>\S+) (?P<other>.*)$",
                ),
                sources=(rf"^policy-options prefix-list (?P<list>\S+) (?P<source>{address}/\d+)$",),
            )
            for family, inet, of, address, protocol in FAMILIES
        ),
    ),
    looking=Looking(mask=r"/\* (?:SECRET-DATA|ACCESS-DENIED) \*/", needs_password=False),
)
