"""Cisco IOS XE.

`configure terminal revert timer` needs the archive (`archive`, `path flash:…`) on the device: without one it refuses,
and nothing is changed. While the timer runs, `show archive config rollback timer` tells its settings, and otherwise
`%No Rollback Confirmed Change pending`.

What a port channel is told, its members are told by the device, and show: so the members' lines are the port channel's.
A new one is switched, as on the Catalyst 9000; that it is routed until told otherwise (4500) is not known here.

`show running-config` shows an account of a lower privilege level what that level may configure: nothing. `show
running-config view full` shows it everything, from 15.2 on only if `file privilege` is as low. To give a command to a
level gives it the beginnings of that command, too, and all of them are shown.

A line of the command line has at most 254 characters: a trunk of very many VLANs does not fit into one.

SNMPv3 users are not part of what `show running-config` prints (they are in a file of their own).

A log server stands with its transport (`logging host X transport tcp port 514`; the default port of TCP is 601): one
address can have several lines, each a session of its own.

A list for IPv6 judges who comes by a line of VTY with `ipv6 access-class`, which has no `vrf-also`: so over the port
for management, in its VRF, nobody comes in by IPv6. The entries of such a list are shown as `sequence 10 permit …`, or
without a number where it is the one that the device gives by itself; addresses are shown in capitals. A list here
permits, and denies what is left: its entries have no order.

How many lines of VTY a switch has differs (`0 4` and `5 15`; `16 31`, too, on many since 17), as published
configurations show. The port `GigabitEthernet0/0` is in `Mgmt-vrf` from the factory on.

`configuration mode exclusive auto` lets one session at a time configure, and says so to whoever enters:
"Configuration mode locked exclusively. The lock will be cleared once you exit out of configuration mode"; another one
is refused "by user 'x' process '88' from terminal '0'. Please try later." (Exclusive Configuration Change Access
feature guide; networklessons.com, ipnet.xyz and booches.nl, which quote both).

Sources: Cisco IOS XE 17, System Management Configuration Guide, "Configuration Replace and Configuration Rollback";
Catalyst 4500 Series IOS XE Command Reference, `channel-group`; Cisco IOS SNMP Support Command Reference, `snmp-server
user`; Cisco IOS Configuration Fundamentals, "Using the Command-Line Interface"; Cisco IOS Embedded Syslog Manager
Configuration Guide, "Reliable Delivery and Filtering for Syslog" (`logging host … transport`); Catalyst 9300 Security
Configuration Guide 17.15, "Restrictions for IPv6 ACLs" (`vrf-also` and IPv6's `access-class` exclude each other); Cisco
IOS IPv6 Command Reference; running configurations with `sequence 10 permit ipv6 …` and without; hier_config's rules for
IOS, which take the numbers away, too; vrnetlab, `cat9kv` (`ipv6 route vrf Mgmt-vrf ::/0`); Cisco IOS Configuration
Fundamentals Command Reference, `show version`, `show inventory` (what it is); Security Command Reference, `privilege`
(and "Privilege Levels Cannot See Complete Running Configuration"), `file privilege`; oxidized issues 677, 2604, 3661,
ansible-collections/cisco.ios issue 709.
"""

from __future__ import annotations

from roles.shared.device.catalysts import CATALYSTS
from roles.shared.device.ios_access_lists import ACCESS_LISTS
from roles.shared.device.letting_in import LettingIn
from roles.shared.device.looking import Looking
from roles.shared.device.question import Question
from roles.shared.device.vendor import CommitConfirm, Confirmation, NumberList, Spelling, Vendor

NEIGHBOURS = r"""Value PORT (\S+)
Value HOST (\S.*?)
Value Required ID (\S.*?)

Start
  ^Local Intf: -> Continue.Record
  ^Local Intf:\s+${PORT}\s*$$
  ^Chassis id:\s+${ID}\s*$$
  ^System Name:\s+${HOST}\s*$$
"""
"""What `show lldp neighbors detail` says: ntc-templates' own template refuses the whole answer for one line that it
does not know, of whatever a telephone may tell.
"""

SWITCHPORT = r"""Value Required PORT (\S+)
Value List VIDS ([\w,-]+)

Start
  ^Name: -> Continue.Record
  ^Name:\s+${PORT}\s*$$
  ^Trunking VLANs Enabled:\s+${VIDS}\s*$$ -> More

More
  ^\s+${VIDS}\s*$$
  ^. -> Start
"""
"""What `show interfaces switchport` says of trunks: ntc-templates' own template refuses private VLANs, and reads 22 at
most of the VLANs in a line.
"""

VENDOR = Vendor(
    platform="cisco-ios",
    name="Cisco IOS XE",
    netmiko="cisco_xe",
    hier_config="CISCO_IOS",
    show="show running-config",
    comment=r"^\s*!",
    volatile=(
        r"^Building configuration",
        r"^Current configuration ?:",
        r"^ntp clock-period ",
        r"^end$",
    ),
    secrets=(
        r"^(username \S+.*? (?:secret|password))\b",
        r"^(enable (?:secret|password))\b",
        r"^(snmp-server user \S+ \S+ v3(?: encrypted)? auth \S+) ",
        r"^(snmp-server community) ",
        (
            r"^(?!\s*(?:description|name|remark) )"
            r"(\s*(?:\S+ )*?(?:key|key-string|password|secret|pre-shared-key))(?: \d+)? \S+$"
        ),
    ),
    errors=(
        r"^% ?(?:Invalid|Incomplete|Ambiguous|Bad|Unknown|Error|Duplicate)",
        r"^%Error",
        r"^%No Rollback",
        r"^Command rejected",
        r"^Configuration mode (?:is )?locked (?!exclusively\. )",
        r"^%?\s*Rollback Confirmed Change already",
        r"^Turn config archive on before",
    ),
    warnings=(
        r"^.*%[A-Z][A-Z0-9_]*-(?:[A-Z0-9_]+-)?[0-7]-[A-Z0-9_]+:.*$",
        r"^%Warning: portfast should only be enabled[\s\S]*?Use with CAUTION$",
        r"^%Portfast has been configured on [\s\S]*?non-trunking mode\.$",
        r"^Configuration mode locked exclusively\. [\s\S]*?end/exit$",
        r"^% Access VLAN does not exist\. Creating vlan \d+$",
        r"^Creating a port-channel interface Port-channel ?\d+$",
        r"^% Applying VLAN changes may take few minutes\.  Please wait\.\.\.$",
        r"^% Not all config may be removed and may reappear after reactivating the sub-interface$",
        (
            r"^\s*WARNING: Command has been added to the configuration using a type [057] password\. However, "
            r"(?:type [057] passwords will soon be deprecated\. Migrate to a supported password type"
            r"|recommended to migrate to strong type-6 encryption)$"
        ),
        r"^Enter TEXT message\.  End with the character .*$",
        r"^% Generating \d+ bit RSA keys, keys will be (?:non-)?exportable\.\.\.(?:\s*\[OK\].*)?$",
    ),
    confirmations=(
        Confirmation(
            line=r"^\s*no username ",
            question=r"This operation will remove all username related configurations with same name",
            answer="",
        ),
    ),
    enter=("configure terminal",),
    leave=("end",),
    save=("write memory",),
    confirm=CommitConfirm(
        name="configure revert timer",
        enter=("configure terminal revert timer {minutes}",),
        leave=("end",),
        confirm=("configure confirm",),
        revert=("configure revert now",),
        pending="show archive config rollback timer",
        pending_pattern=r"^\s*(?:Time configured|Timer type|Timer value)\b.*:",
        idle_pattern=r"^%No Rollback Confirmed Change pending",
        minutes=(1, 120),
        source="Cisco IOS XE System Management Configuration Guide, Configuration Rollback Confirmed Change",
    ),
    syntax="indented",
    texts=(r"^banner \S+ (\^C|\S)",),
    replaces=(
        (r"^hostname ",),
        (r"^banner (\S+) ",),
        (r"^ip default-gateway ",),
        (r"^ip domain name ",),
        (r"^spanning-tree mode ",),
        (r"^(spanning-tree vlan \d+ (?:priority|hello-time|forward-time|max-age)) ",),
        (r"^snmp-server (?:location|contact) ",),
        (r"^logging (trap|facility|source-interface)\b",),
        (r"^(?:ntp|ip(?:v6)? tacacs) (source|source-interface) ",),
        (r"^username (\S+) ",),
        (r"^file privilege ",),
        (r"^privilege (\S+) (?:all )?level \d+ (.+)$",),
        (r"^(aaa (?:authentication|authorization|accounting) \S+ \S+) ",),
        (r"^snmp-server group (\S+) ",),
        (r"^vlan \d", r"^name "),
        (r"^interface ", r"^(description|switchport mode|switchport (?:access|voice) vlan) "),
        (r"^interface ", r"^(ip address|storm-control broadcast) (?!.* secondary$)"),
        (r"^interface ", r"^(switchport trunk (?:native|allowed)) vlan "),
        (r"^interface ", r"^(switchport trunk encapsulation) "),
        (r"^(?:tacacs|radius) server ", r"^(address|key|timeout)\b"),
        (r"^line ", r"^(access-class|ipv6 access-class|exec-timeout|transport input|login)\b"),
    ),
    whole=((r"^ip access-list ", r"^(\d+) "),),  # a number that is taken is refused
    shortened=(
        r"^banner \S+",
        r"^description",
        r"^\d+(?= (?:permit|deny) )",
        r"^channel-group",
        r"^name(?= )",
        r"^spanning-tree vlan \d+ (?:priority|hello-time|forward-time|max-age)",
        r"^username \S+",
        r"^file privilege",
        r"^snmp-server (?:location|contact)",
        r"^snmp-server group \S+ v3 \S+",
        r"^switchport (?:mode|access vlan|voice vlan|trunk native vlan|trunk allowed vlan)",
        r"^key",
    ),
    permanent=(
        (r"^interface (?!Vlan|Port-channel|Loopback|Tunnel)[A-Z]",),
        (r"^interface Vlan1$",),
        (r"^vlan 1$",),
        (r"^line ",),
    ),
    opens=(
        r"^(?:vlan|interface|line|ip(?:v6)? access-list|radius server|tacacs server|aaa group server) ",
        r"^ip ssh pubkey-chain$",
        r"^(?:ipv6 (?:nd raguard|dhcp guard) policy|spanning-tree mst configuration)",
    ),
    alike=(r"^line vty \d",),  # up to 15, or 31: by model and release
    last=(r"^ip(?:v6)? route ",),
    joins=(r"^channel-group\b",),
    lag=r"Port-channel([1-9]\d*)",
    out_of_band=r"GigabitEthernet0/0",
    management_vrf="Mgmt-vrf",
    out_of_band_families=(4,),
    lists=(
        NumberList(line=r"^(vlan )", each=True),
        NumberList(
            line=r"^(switchport trunk allowed vlan )(?:(?P<how>add|remove|except) )?",
            more="switchport trunk allowed vlan add ",
        ),
        NumberList(line=r"^((?:no )?ip dhcp snooping vlan )", each=True),
        NumberList(line=r"^((?:no )?ip arp inspection vlan )", each=True),
        NumberList(line=r"^((?:no )?spanning-tree vlan )", each=True),
    ),
    spellings=(
        Spelling(line=(r"^ip ssh pubkey-chain$", r"^username ", r"^(key-hash \S+ [0-9A-F]{32}) .*"), form=r"\1"),
        Spelling(line=(r"^logging (?=\d+\.|(?:ipv6 )?[\da-f]*:)",), form="logging host "),
        Spelling(line=(r"^(ip domain)-(name|lookup|list)",), form=r"\1 \2"),
        Spelling(line=(r"^(no ip domain)-(lookup)",), form=r"\1 \2"),
        Spelling(
            line=(r"^access-list (\d\d?|1[3-9]\d\d) (?=permit|deny|remark)",), form="ip access-list standard \\1\\n"
        ),
        Spelling(
            line=(r"^access-list (1\d\d|2[0-6]\d\d) (?=permit|deny|remark)",), form="ip access-list extended \\1\n"
        ),
        Spelling(line=(r"^ip access-list ", r"^((?:\d+ )?(?:permit|deny)) +"), form=r"\1 "),
        Spelling(line=(r"^ip access-list ", r" host (?=\d)"), form=" host "),
        Spelling(line=(r"^ipv6 access-list ", r"^sequence \d+ (?=permit|deny)"), form=""),
        Spelling(line=(r"^ipv6 access-list ", r"^((?:permit|deny) .*) sequence \d+$"), form=r"\1"),
        Spelling(line=(r"^logging host (?=[\da-f]*:)",), form="logging host ipv6 "),
    ),
    numbered=((r"^ip access-list (?:standard|extended) ", r"^(?:permit|deny) "),),
    defaults=(
        r"vlan 1\nname .*",
        r"vlan (?P<vid>\d+)\nname VLAN0*(?P=vid)",
        r"interface .*\n(?:no shutdown|no ip address|switchport|negotiation auto)",
        r"interface .*\nswitchport mode dynamic auto",
        r"interface .*\nswitchport (?:access|trunk native) vlan 1",
        r"interface .*\nswitchport trunk allowed vlan (?:all|1-4094)",
    ),
    given=(  # the beginnings of commands that a level was given
        r"privilege exec level \d+ show (?:running-config(?: view)?|archive(?: config(?: rollback)?)?)",
        r"privilege exec level \d+ configure",
        r"privilege interface level \d+ (?:no|switchport(?: access)?)",
    ),
    made_by="cisco(?:-systems)?",
    series=CATALYSTS,
    interface_after=r"(?i:(^(?:interface |\S.* source-interface ))([a-z-]+ ?\d\S*))",
    hidden=(r"^snmp-server user ",),
    printed_only=(
        r"^version ",
        r"^boot-(?:start|end)-marker$",
        r"^(?:license|platform|memory|switch \d+ provision|diagnostic) ",
        r"^crypto pki certificate chain ",
    ),
    ignored=(
        r"^version ",
        r"^service (?:timestamps|password-encryption|call-home|unsupported-transceiver)",
        r"^platform ",
        r"^boot-(?:start|end)-marker$",
        r"^vrf definition Mgmt-vrf$",
        r"^switch \d+ provision ",
        r"^license ",
        r"^diagnostic ",
        r"^memory ",
        r"^redundancy$",
        r"^transceiver type all$",
        r"^control-plane$",
        r"^call-home$",
        r"^crypto pki (?:trustpoint|certificate chain) (?:SLA-TrustPoint|TP-self-signed-\d+)$",
        r"^interface (?:Vlan1|GigabitEthernet0/0|AppGigabitEthernet\S+|Bluetooth0/\d+)$",
        r"^class-map match-any (?:system-cpp|non-client)",
        r"^policy-map system-cpp-policy$",
        r"^line con 0$",
        r"^ip forward-protocol nd$",
        r"^no (?:aaa new-model|ip domain lookup)$",
        r"^no device-tracking logging theft$",
        r"^spanning-tree extend system-id$",
    ),
    longest=200,
    longest_line=254,
    syslog="tcp",
    cuts_names=True,
    interface_names={
        "BD": "BDI",
        "F": "FastEthernet",
        "Fi": "FiveGigabitEthernet",
        "Fiv": "FiveGigabitEthernet",
        "Fif": "FiftyGigE",
        "Fou": "FourHundredGigE",
        "Hu": "HundredGigE",
        "Hun": "HundredGigE",
        "Po": "Port-channel",
        "TwoGigabitEthernet": "TwoGigabitEthernet",
        "Vl": "Vlan",
    },
    identifies=("show version", "show inventory"),
    asks={
        "neighbours": Question(
            command="show lldp neighbors detail",
            template=NEIGHBOURS,
            known=r"^Total entries displayed: (?P<count>\d+)(?![\s\S]*^Total entries displayed)",  # the last one
            always=("port",),
        ),
        "trunks": Question(
            command="show interfaces switchport",
            template=SWITCHPORT,
            known=r"^Name: \S",
            always=("port",),
        ),
        "time": Question(
            command="show ntp status",
            pattern=r"^Clock is synchronized",
            known=r"^(?:Clock is (?:un)?synchronized|%NTP is not enabled)",
        ),
        "disabled": Question(
            command="show interfaces status",  # of err-disabled ports alone it may say nothing at all
            pattern=(  # the last word before a VLAN, a duplex and a speed: a description is a person's
                r"^(?P<port>[A-Za-z]+\d\S*)\s.*\s(?:(?P<why>err-disabled)|[a-z]+)(?::(?:\s+[A-Z]+)?)?\s+"
                r"(?:\d[\d,]*|trunk|routed|unassigned|pvlan\s+\S+)\s+(?:a-)?(?:full|half|auto)\s"
            ),
            known=r"^Port\s+Name\s+Status\s+Vlan\s",
            every_port=True,
        ),
    },
    letting_in=LettingIn(
        account=(r"^username {user}(?= |$)(?: privilege (?P<level>\d+))?",),
        all_levels=("15",),
        key=(r"^ip ssh pubkey-chain / username {user} / key-hash \S+ (?P<key>[0-9A-F]{32})\b",),
        hashed_keys=True,
        most_keys=2,
        login=(r"^(?P<name>aaa (?:authentication login|authorization exec) \S+) (?P<methods>.+)$",),
        address=(
            r"^interface (?P<interface>\S+) / ip address (?P<ip>[\d.]+) (?P<mask>[\d.]+)(?: secondary)?$",
            r"^interface (?P<interface>\S+) / ipv6 address (?P<ip>[0-9A-Fa-f:]+/\d+)",
        ),
        down=(r"^interface {interface} / shutdown$",),
        unchanged=(r"^interface {interface} / (?:ip )?vrf forwarding (\S+)", r"^ip ssh port (\d+)"),
        vrf=(r"^interface {interface} / (?:ip )?vrf forwarding (?P<vrf>\S+)",),
        route=(
            r"^ip route (?:vrf (?P<vrf>\S+) )?(?P<ip>[\d.]+) (?P<mask>[\d.]+) (?P<hop>\S+)",
            r"^ip default-gateway (?P<hop>\S+)$",
            r"^ipv6 route (?:vrf (?P<vrf>\S+) )?(?P<to>\S+/\d+) (?P<hop>\S+)",
        ),
        service=(r"^(?P<at>line vty \d+(?: \d+)?) / transport input (?:\S+ )*(?:ssh|all)\b",),
        shut=(
            r"^no ip ssh(?: server authenticate user publickey)?$",
            r"^ip ssh server algorithm authentication (?!.*publickey)",
        ),
        lists=ACCESS_LISTS,
    ),
    looking=Looking(show="show running-config view full"),
)
