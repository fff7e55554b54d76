"""Aruba AOS-CX (HPE).

`checkpoint auto MINUTES` is armed before the configuration is entered: what is typed until `checkpoint auto confirm` is
taken back when the time is over, and nothing documented takes it back sooner. HPE documents no command either that
tells whether the time runs; the checkpoints that `show checkpoint` lists are asked, and what it says is believed only
if it names a running one. Two minutes before the end the device warns in every session.

A port that joins a LAG loses what it was told before, and one that leaves it is shut (on the 8325); to move it to
another LAG, it has to leave the first. The device calls the LAG that is `interface lag 1` in its configuration `lag1`
where it tells its state.

A 6000 or 6100 (software PL) has ports that cannot route: it shows no `no routing`, and others show it on each port that
switches: published configurations of a 6000 (PL.10.13.0005), a CX6000-8G (PL.10.16.1010) and a 6410 (FL.10.10.1100).
Neither has a port for management alone. The software's first letters say the series, as each configuration begins:
besides those, an 8100 (LL.10.13.1050, published), an 8325 (GL.10.09.0010, handbook of Cray System Management) and an
8320 (TL, AOS-CX 10.06 Diagnostics and Supportability Guide); that 6200, 8400, 9300 and 10000 are ML, XL, CL and DL is
from memory.

Of two switches with VSX, the secondary takes from the primary what both are told to synchronise (`vsx-sync …`): "the
primary switch configuration is synced to the secondary switch". How it says so: `show running-config current-context`
in the 10.06 guide, and the secondaries in the tests of Cray-HPE/canu.

A list of VLANs on a trunk grows by what is typed, so that each VLAN of it is a setting of its own.

A log server is known by its address (`no logging ADDRESS`), whatever transport is behind it; the default port of TCP
is 1470.

Who is in a group of one's own (`user-group`) may do what its rules permit, first match first, and nothing else: `Cannot
execute command. Command not allowed.` What it may show is shown whole, secrets as ciphertext.

The web server is shown where it is on (`https-server vrf default`), and nothing is said where it is off. The port
`mgmt` is in the VRF `mgmt`. A LAG that two switches of a VSX share says so (`interface lag 1 multi-chassis`).

Sources of the series: netbox-community/devicetype-library, HPE and Aruba (models, part numbers, ports `mgmt`); AOS-CX
Layer 2 Bridging Guide, "RPVST guidelines" (trees); IP Services Guide of 6200, 6300, 83xx and 8400 (IPv6 guards: none of
6000 and 6100 was found); VSX Guide, "Configuration synchronization"; handbook of Cray System Management, "VSX".

Sources: HPE AOS-CX Command-Line Interface Guide, `checkpoint auto`, `checkpoint auto confirm`, `interface`,
`description`, `default interface`, `vlan trunk allowed`, `interface lag`, `lag`, `lacp mode`; AOS-CX Diagnostics and
Supportability Guide, `logging`; AOS-CX SNMP/MIB Guide, `snmpv3 user`; AOS-CX Command-Line Interface Guide, `show
version`, `show system` (what it is); AOS-CX Security Guide, `user-group`; the answer of OpenSwitch's vtysh, from which
AOS-CX comes.
"""

from __future__ import annotations

from roles.shared.device.letting_in import AccessLists, LettingIn
from roles.shared.device.question import Question
from roles.shared.device.series import Mode, Series
from roles.shared.device.vendor import CommitConfirm, Confirmation, NumberList, Spelling, Vendor

PORTS = {22: "ssh", 161: "snmp", 162: "snmp-trap", 443: "https"}
"""Ports that access lists are shown with by name, as far as published configurations have them."""

NEIGHBOURS = r"""Value Filldown PORT (\S+)
Value HOST (\S.*?)
Value Required ID (\S+)

Start
  ^(?:Port|Neighbor (?:Chassis|System)-Name)\s*: -> Continue.Record
  ^Port\s*:\s*${PORT}
  ^Neighbor (?:Chassis|System)-Name\s*:\s*${HOST}\s*$$
  ^Neighbor Chassis-ID\s*:\s*${ID}
"""
"""What `show lldp neighbor-info detail` says: several who are heard at one port stand below it one after the other, of
whom ntc-templates' own template reads one.
"""

VENDOR = Vendor(
    platform="arubaos-cx",
    name="Aruba AOS-CX",
    netmiko="aruba_aoscx",
    hier_config="ARUBA_AOSCX",
    show="show running-config",
    comment=r"^\s*(?:!|#)",
    volatile=(r"^Current configuration:?", r"^end$"),
    secrets=(
        r"^(user \S+ group \S+ password)\b",
        r"^(snmpv3 user \S+ auth \S+ auth-pass)\b",
        r"^(snmp-server community) ",
        r"^((?:tacacs|radius)-server host \S+(?: vrf \S+)? key) ",
        r"^((?:tacacs|radius)-server key) ",
        r"^(ntp authentication-key \d+ \S+) ",
        r"^(?!\s*(?:description|name) )(\s*(?:\S+ )*?(?:password|key|secret)) (?:cipher|plain)text \S+",
    ),
    errors=(
        r"^Invalid input",
        r"^% ?(?:Unknown|Command incomplete|Ambiguous|Invalid)",
        r"^(?:Command incomplete|Ambiguous command)",
        r"^(?:Error|Failed|Operation not allowed)\b",
        r"^Cannot execute command\.",
    ),
    warnings=(r'^WARNING  Please "checkpoint auto confirm" within \d+ minutes?$',),
    confirmations=(
        Confirmation(
            line=r"^\s*no user \S+$", question=r"home directory and active sessions will be deleted", answer="y"
        ),
    ),
    enter=("configure terminal",),
    leave=("end",),
    save=("write memory",),
    confirm=CommitConfirm(
        name="checkpoint auto",
        arm=("checkpoint auto {minutes}",),
        enter=("configure terminal",),
        leave=("end",),
        confirm=("checkpoint auto confirm",),
        revert=(),
        pending="show checkpoint",
        pending_pattern=r"(?i)auto checkpoint mode expires in \d+",
        minutes=(1, 60),
        source="HPE AOS-CX Command-Line Interface Guide, checkpoint auto",
    ),
    syntax="indented",
    texts=(r"^banner \S+ (\^C|\S)",),
    replaces=(
        (r"^hostname ",),
        (r"^banner (\S+) ",),
        (r"^user (\S+) group ",),
        (r"^logging ([\da-f.:]+)(?: |$)",),
        (r"^snmpv3 user (\S+) ",),
        (r"^spanning-tree mode ",),
        (r"^(spanning-tree vlan \d+ (?:priority|hello-time|forward-delay|max-age)) ",),
        (r"^(aaa (?:authentication|authorization|accounting) \S+ \S+) ",),
        (r"^((?:tacacs|radius)-server host \S+) ",),
        (r"^(ssh access-list|snmp-server system-(?:location|contact)) ",),
        (r"^vlan \d", r"^(name|description) "),
        (r"^interface ", r"^(description|vlan access|vlan trunk native|rate-limit broadcast) "),
        (r"^interface ", r"^(ip address) (?!.* secondary$)"),
        (r"^interface mgmt$", r"^(ip static|default-gateway) [\d.]+(?:/|$)"),
        (r"^interface mgmt$", r"^(ip static|default-gateway) [\da-f]*:"),
        (r"^interface lag ", r"^(lacp mode) "),
    ),
    whole=((r"^interface ", r"^vlan (?:access|trunk) "), (r"^(?:access-list|user-group) ", r"^(\d+) ")),
    shortened=(
        r"^banner \S+",
        r"^description",
        r"^\d+(?: comment|(?= (?:permit|deny) ))",
        r"^name(?= )",
        r"^spanning-tree vlan \d+ (?:priority|hello-time|forward-delay|max-age)",
        r"^user \S+(?: authorized-key)?",
        r"^snmpv3 user \S+",
        r"^logging [\da-f.:]+(?= |$)",
        r"^(?:tacacs|radius)-server host \S+",
        r"^vlan (?:access|trunk native)(?= )",
    ),
    permanent=((r"^interface \d+/\d+/\d+",), (r"^interface mgmt$",), (r"^interface vlan 1$",), (r"^vlan 1$",)),
    opens=(r"^(?:vlan|interface|access-list|aaa group server|user-group) ",),
    last=(r"^ip(?:v6)? route ",),
    joins=(r"^lag \d+$",),
    joins_first=True,
    lag=r"lag([1-9]\d*)",
    multi_chassis=True,
    out_of_band=r"mgmt",
    management_vrf="mgmt",
    lists=(
        NumberList(line=r"^(vlan )", each=True),
        NumberList(line=r"^(vlan trunk allowed )", each=True),
        NumberList(line=r"^((?:no )?spanning-tree vlan )", each=True),
    ),
    together=(r"^user \S+ authorized-key ",),
    spellings=(
        Spelling(line=(r"^(user \S+ authorized-key \S+ AAAA\S+) .*",), form=r"\1"),
        Spelling(line=(r"^interface (vlan|lag|loopback|tunnel)(?=\d)",), form=r"interface \1 "),
        Spelling(line=(r"^access-list ip ", r"^((?:\d+ )?(?:permit|deny)) ip "), form=r"\1 any "),
        Spelling(line=(r"^access-list ip ", r"/32(?!\S)"), form=""),
        Spelling(line=(r"^access-list ipv6 ", r"^((?:\d+ )?(?:permit|deny)) ipv6 "), form=r"\1 any "),
        Spelling(line=(r"^access-list ipv6 ", r"/128(?!\S)"), form=""),
        *(
            Spelling(line=(r"^access-list ip(?:v6)? ", rf" (eq|gt|lt) {number}(?!\S)"), form=rf" \1 {name}")
            for number, name in PORTS.items()
        ),
    ),
    masks=True,
    numbered=((r"^(?:access-list (?:ip|ipv6|mac)|user-group) ", r"^(?:permit|deny) "),),
    defaults=(
        r"user admin group administrators password .*",
        r"interface .*\nvlan (?:access|trunk native) 1",
        r"no https-server vrf .*",
    ),
    made_by="aruba|hpe|hewlett-packard-enterprise|hpe-aruba.*|aruba-.*",
    series=(
        Series(
            name="CX 6000, 6100",
            types=r"(?<!\d)6[01]00(?!\d)|R8N8[5-9]A|JL67[5-9]A|R9Y03A",
            printed=r"^!Version \S+ PL\.",
            source="published 6000 (PL.10.13.0005), CX6000-8G (PL.10.16.1010); devicetype-library, HPE Aruba-6000",
            defaults=(r"interface [\dl].*\nno routing",),
            out_of_band="(?!)",
            management_vrf="",
            ipv6_guard=False,
        ),
        Series(
            name="CX 6200",
            types=r"(?<!\d)6200[FM]?(?!\d)|JL72[4-8][AB]",
            printed=r"^!Version \S+ ML\.",
            source="devicetype-library, HPE Aruba-6200F; AOS-CX IP Services Guide 6200, 6300",
        ),
        Series(
            name="CX 6300, 6400",
            types=r"(?<!\d)6(?:300[FLM]?|4(?:00|05|10))(?!\d)|JL6(?:5[89]|6[0-8])A|R0X2[4-7][AC]",
            printed=r"^!Version \S+ FL\.",
            source="published 6410 (FL.10.10.1100); devicetype-library; Layer 2 Bridging Guide, RPVST guidelines (64)",
            most_trees=64,
        ),
        Series(
            name="CX 8000, 9300, 10000",
            types=r"(?<!\d)(?:8(?:100|320|325|360|400)|9300|10000)(?!\d)|JL(?:479|579|581|62[4-7]|635)A|JL7\d\dC|R8P1[34]A",
            printed=r"^!Version \S+ (?:LL|GL|TL|XL|CL|DL)\.",
            source="published 8100 (LL.10.13.1050); devicetype-library; Layer 2 Bridging Guide, RPVST guidelines (254)",
            most_trees=254,
        ),
    ),
    ignored=(
        r"^!Version ",
        r"^led locator ",
        r"^vsf member \d+$",
        r"^profile ",
        r"^https-server ",
        r"^interface (?:mgmt|vlan 1)$",
        r"^vlan 1$",
        r"^spanning-tree$",
    ),
    longest=64,
    syslog="tcp",
    most_log_servers=4,
    caveats=(
        Mode(
            command="show running-config",
            pattern=r"^vsx$(?:\n .*)*?\n +role secondary$",
            why="this is the secondary of a VSX, and takes from the primary whatever `vsx-sync` names; what is typed "
            "here and not there does not stay: let both be applied together",
            source="AOS-CX VSX Guide, Configuration synchronization; Diagnostics and Supportability Guide 10.06",
        ),
    ),
    identifies=("show version", "show system"),
    asks={
        "neighbours": Question(
            command="show lldp neighbor-info detail",
            template=NEIGHBOURS,
            known=r"^Total Neighbor Entries\s*: (?P<count>\d+)",
            always=("port",),
        ),
        "trunks": Question(
            command="show vlan",
            template=("aruba_aoscx", "show vlan"),
            fields={"vids": "vlan_id", "port": "interfaces"},
            known=r"^VLAN\s+Name\s+Status\s",
        ),
        "time": Question(
            command="show ntp associations",
            pattern=r"^\s*\*\s*\d+\s",
            known=r"^\s*ID\s+NAME\s+REMOTE\s",
        ),
        "disabled": Question(
            command="show interface brief",
            pattern=(  # a reason, a speed, and no more: a description is a person's
                r"(?i)^\s*(?P<port>\d+/\d+/\d+|lag\d+)\s+\S+\s+\S+\s+\S+\s+"
                r"(?:yes\s+down\s+(?P<why>(?:\S+ )*?\S*(?:bpdu|guard|fault|err)\S*(?: \S+)*?)"
                r"|(?:yes|no)\s+(?:up|down)\b.*?)\s+(?:\d+|--)(?:\s|$)"
            ),
            known=r"^\s*Port\s+Native\s+Mode\s",
            every_port=True,
        ),
    },
    letting_in=LettingIn(
        account=(r"^user {user} group (?P<level>\S+)",),
        all_levels=("administrators",),
        key=(r"^user {user} authorized-key (?P<key>.+)$",),
        most_keys=32,
        login=(r"^(?P<name>aaa (?:authentication login|authorization commands) \S+) (?P<methods>.+)$",),
        address=(
            r"^interface (?P<interface>\S+(?: \d+)?) / ip (?:address|static) (?P<ip>[\da-f.:]+/\d+)",
            r"^interface (?P<interface>\S+(?: \d+)?) / ipv6 address (?P<ip>[\da-f.:]+/\d+)",
        ),
        down=(r"^interface {interface} / shutdown$",),
        unchanged=(r"^interface {interface} / vrf attach (\S+)", r"^ssh server port (\d+)"),
        vrf=(
            r"^interface {interface} / vrf attach (?P<vrf>\S+)",
            r"^interface (?P<vrf>mgmt)(?<=interface {interface})$",
        ),
        no_vrf="default",
        route=(
            r"^ip(?:v6)? route (?P<to>\S+/\d+) (?P<hop>\S+)(?:.* vrf (?P<vrf>\S+))?",
            r"^interface (?P<vrf>mgmt) / default-gateway (?P<hop>\S+)$",
        ),
        service=(r"^ssh server vrf {vrf}$",),
        shut=(r"^no ssh server vrf {vrf}$", r"^no ssh (?:server|public-key-authentication)$"),
        lists=(
            AccessLists(
                family=4,
                bound=(
                    r"^apply access-list ip (?P<list>\S+) control-plane vrf {vrf}$",
                    r"^(?P<at>interface {interface}) / apply access-list ip (?P<list>\S+) (?:routed-)?in$",
                ),
                listed=(r"^access-list ip (?P<list>\S+) / (?!no |(?:\d+ )?comment )",),
                rule=(
                    (
                        r"^access-list ip (?P<list>\S+) / (?:(?P<n>\d+) )?(?P<action>permit|deny) (?P<protocol>\S+) "
                        r"(?:(?P<source>any|[\d.]+(?:/[\d.]+)?)|(?P<named>\S+)) (?P<to>any|[\d.]+(?:/[\d.]+)?)"
                        r"(?: eq (?P<port>\S+))?(?: log| count)*$"
                    ),
                    (
                        r"^access-list ip (?P<list>\S+) / (?:(?P<n>\d+) )?(?P<action>permit|deny) (?P<protocol>\S+) "
                        r"(?P<other>.*)$"
                    ),
                ),
                sources=(r"^object-group ip address (?P<list>\S+) / (?:\d+ )?(?P<source>[\d.]+(?:/[\d.]+)?)$",),
            ),
            AccessLists(
                family=6,
                bound=(
                    r"^apply access-list ipv6 (?P<list>\S+) control-plane vrf {vrf}$",
                    r"^(?P<at>interface {interface}) / apply access-list ipv6 (?P<list>\S+) (?:routed-)?in$",
                ),
                listed=(r"^access-list ipv6 (?P<list>\S+) / (?!no |(?:\d+ )?comment )",),
                rule=(
                    (
                        r"^access-list ipv6 (?P<list>\S+) / (?:(?P<n>\d+) )?(?P<action>permit|deny) (?P<protocol>\S+) "
                        r"(?:(?P<source>any|[\da-f.]*:[\da-f:.]*(?:/\d+)?)|(?P<named>\S+)) "
                        r"(?P<to>any|[\da-f.]*:[\da-f:.]*(?:/\d+)?)(?: eq (?P<port>\S+))?(?: log| count)*$"
                    ),
                    (
                        r"^access-list ipv6 (?P<list>\S+) / (?:(?P<n>\d+) )?(?P<action>permit|deny) (?P<protocol>\S+) "
                        r"(?P<other>.*)$"
                    ),
                ),
                sources=(
                    r"^object-group ipv6 address (?P<list>\S+) / (?:\d+ )?(?P<source>[\da-f.]*:[\da-f:.]*(?:/\d+)?)$",
                ),
            ),
        ),
    ),
)
