"""What tells IOS, AOS-CX and FRR apart where lines are indented (`grammar_indented.Habits`), each rule with its source.

Cisco IOS XE
- `deny   any`, `no ip address`, `no snmp trap link-status`, `negotiation auto` and its `no`: the running configurations
  of a C9200L (17.09.04a) and a C9800-L (17.06.05) that oxidized publishes (`spec/model/data`).
- Two VLANs in a row with a comma (`2,3`): the same C9200L, `switchport trunk allowed vlan 2,3`.
- `vlan` is there by being typed, and `name VLAN0020` and VLAN 1's name are none: Catalyst 9200 VLAN Configuration
  Guide, "Default VLAN Configuration"; what it says to `name` in VLAN 1: course notes and exam questions that quote it.
- `ip dhcp snooping vlan` and `spanning-tree vlan … priority` grow by what is typed: Cisco IOS Security and LAN
  Switching Command References. A trunk's list is replaced, unless `add`, `remove` or `except` is said: the same,
  `switchport trunk`.
- Addresses of IPv6 are shown in capitals, and entries of IPv6's lists as `sequence 10 permit …`: running configurations
  of a C3725, a C2960 and Catalysts that people publish; `ipv6 access-class` beside `access-class` at a line: the same.
- Entries of access lists get 10, 20, 30: "IP Access List Entry Sequence Numbering"; a remark shares its entry's number:
  ntc-templates' capture of `show running-config partition access-list`, which fakenos brings.
- `privilege exec level 5 show running-config view full` gives the level the beginnings of the command, too, unless they
  have one of their own, and each is shown: Security Command Reference, `privilege`; oxidized issue 677; running
  configurations of a university in Utah (`show` at level 1 is shown).
- `channel-group` makes the port channel, and members are told what it is told: Layer 2 Configuration Guide.

- A port of a 3750 refuses to be a trunk before it is told which kind: Catalyst 3750-X and 3560-X Guide (OL-21521),
  "Encapsulation Types", and what people who ask about it quote (`IOS_3750`).

Aruba AOS-CX
- `vlan access 1` is shown on a port that says nothing of VLANs, `no routing` on a switched one: a 6410
  (FL.10.10.1100), a 6000 (PL.10.13.0005) and a CX6000-8G (10.16.1010) that oxidized publishes; `routing` is silent: an
  8325 (GL.10.09.0010) in the handbook of Cray System Management, "BI-CAN Aruba/Arista Configuration". A 6410 shows it
  (`AOS_CX_6400`).
- Access lists are shown with masks of four numbers and names of ports, typed as `10.254.0.0/17` and `eq 22`: the same
  handbook has both. `ip` is another word for `any`, a comment shares its entry's number: AOS-CX 10.06 ACLs and
  Classifier Policies Guide, `access-list ip`.
- A LAG has to be there before its members, which lose what they were told of VLANs and routing: AOS-CX Link
  Aggregation Guide, `lag`; description, MTU, speed and state stay: they stand before `lag` in every running
  configuration above.
- `vlan trunk allowed` grows by what is typed: AOS-CX Layer 2 Bridging Guide.

FRR: User Manual, "Basic Commands", "BGP", "Filtering".
"""

from __future__ import annotations

from dataclasses import replace

from tests.emulator.grammar_indented import Habits
from tests.emulator.language import set_of

IOS = Habits(
    indent=1,
    sections=(
        (r"vlan \d+$",),
        (r"interface \S",),
        (r"line \S",),
        (r"ip access-list (?:standard|extended) ",),
        (r"ipv6 access-list ",),
        (r"(?:tacacs|radius) server ",),
        (r"aaa group server ",),
        (r"ip ssh pubkey-chain$",),
        (r"ip ssh pubkey-chain$", r"username \S+$"),
        (r"ipv6 (?:nd raguard|dhcp guard) policy ",),  # IPv6 First-Hop Security Configuration Guide, IOS XE 17
        (r"spanning-tree mst configuration$",),  # Catalyst 9000 Layer 2 Configuration Guide, "Configuring MSTP"
        (r"archive$",),
        (r"vrf definition ",),
        (r"vrf definition ", r"address-family "),
        (r"aaa server radius dynamic-author$",),
        (r"transceiver type all$",),
        (r"snmp mib expression owner ",),
        (r"(?:wlan|ap profile|class-map|policy-map) ",),
        (r"policy-map ", r"class "),
        (r"router \S",),
        (r"router \S", r"address-family "),
        (r"(?:route-map|class-map|call-home|ip prefix-list) ?",),
        (r"call-home$", r"profile "),
        (r"crypto pki (?:certificate chain|trustpoint) ",),
        (r"(?:control-plane|redundancy)$",),
    ),
    single=(
        r"^hostname ",
        r"^ip default-gateway ",
        r"^ip domain name ",
        r"^spanning-tree mode ",
        r"^snmp-server (?:location|contact) ",
        r"^logging (?:trap|facility|source-interface)\b",
        r"^username \S+ ",
        r"^file privilege ",
        r"^snmp-server group \S+ ",
        r"^aaa (?:authentication|authorization|accounting) \S+ \S+ ",
        r"^name ",
        r"^(?:description|switchport mode|switchport (?:access|voice) vlan) ",
        r"^ip address (?!.* secondary$)",  # IP Addressing Command Reference, `ip address … secondary`
        r"^storm-control broadcast ",
        r"^ntp source ",
        r"^ip(?:v6)? tacacs source-interface ",
        r"^switchport trunk (?:native|allowed) vlan ",
        r"^channel-group ",
        r"^(?:access-class|ipv6 access-class|exec-timeout|transport input|login)\b",
        r"^(?:address|key|timeout)\b",
    ),
    fixed=(r"^interface (?:\S*Ethernet|\S*GigE)",),
    off=(
        r"^ip (?:http server|http secure-server|domain lookup|address|redirects|proxy-arp)$",
        r"^ip dhcp snooping information option$",
        r"^(?:logging console|aaa accounting system guarantee-first|platform punt-keepalive disable-kernel-core)$",
        r"^(?:snmp trap link-status|negotiation auto|mop (?:enabled|sysid))$",
    ),
    silent=(
        r"^ip (?:domain lookup|redirects|proxy-arp|dhcp snooping information option)$",
        r"^(?:logging console|aaa accounting \S.*|platform punt.*|snmp trap link-status|mop \S+)$",
    ),
    growing=(
        r"^(ip dhcp snooping vlan )",
        r"^(spanning-tree vlan )",
    ),
    verbs=(r"^(switchport trunk allowed vlan )",),
    comma=True,
    printed=(
        (r"^logging (?=\d+\.)", "logging host "),
        (r"^(ip domain)-(name|lookup)", r"\1 \2"),
        (r"^((?:\d+ )?deny) +(?=\S)(?!ipv6 )", r"\1   "),
    ),
    unsaid=(
        r"vlan (?P<vid>\d+)\nname VLAN0*(?P=vid)",
        r"interface .*\nswitchport mode dynamic auto",
        r"interface .*\nswitchport (?:access|trunk native) vlan 1",
        r"interface .*\nswitchport trunk allowed vlan (?:all|1-4094)",
    ),
    refused=((r"vlan 1\nname .*", "%Default VLAN 1 may not have its name changed."),),
    numbered=(r"ip access-list (?:standard|extended) .*\n(?:permit|deny) .*",),
    sequenced=(r"ipv6 access-list .*\n(?:permit|deny) .*",),
    capitals=True,
    hidden=(r"^snmp-server user ",),
    encoded=(
        (r"(?P<head>^username \S+ .*\bsecret) (?!9 )(?:0 )?(?P<secret>\S+)$", r"\g<head> 9 $9$HASH"),
        (r"(?P<head>^key) (?!7 )(?:0 )?(?P<secret>\S+)$", r"\g<head> 7 HASH"),
    ),
    levels=r"(privilege (?:exec|configure|interface) level )(\d+) (.+)$",
    member=r"channel-group (\d+) mode ",
    lag="interface Port-channel{}",
    pushed=(r"switchport ", r"spanning-tree ", r"ip dhcp snooping ", r"shutdown$"),
    words=(
        set_of(
            """hostname vlan interface line ip tacacs radius aaa archive router spanning-tree snmp-server logging ntp
            username banner service errdisable lldp clock enable ipv6 version boot-start-marker
            boot-end-marker boot platform vrf switch login vtp transceiver snmp subscriber wlan ap
            netconf-yang privilege file crypto class-map policy-map cdp system power udld route-map call-home
            multilink license diagnostic redundancy control-plane access-list alias mac network-clock
            virtual-service memory restconf"""
        ),
        set_of(
            """name description ip switchport spanning-tree shutdown channel-group access-class exec-timeout transport
            login permit deny remark address key timeout server path neighbor network
            exit-address-family lldp username key-hash ipv6 authentication length power speed duplex mtu
            maximum vrf negotiation snmp client monitoring security dot1x bgp set call redistribute
            neighbor profile contact-email-addr destination active transport-method standby
            synchronization auto-summary mop write-memory mode certificate enrollment subject-name
            revocation-check rsakeypair quit mgmtuser expression load-interval storm-control
            device-tracking cdp access-session mab service-policy match class police priority rd
            address-family route-target stopbits logging exec privilege password encapsulation
            passive-interface area router-id sequence"""
        ),
    ),
)

IOS_3750 = replace(
    IOS,
    single=(*IOS.single, r"^switchport trunk encapsulation "),
    needs=(
        (
            r"interface .*\nswitchport mode trunk",
            "switchport trunk encapsulation dot1q",
            'Command rejected: An interface whose trunk encapsulation is "Auto" can not be configured to "trunk" mode.',
        ),
    ),
)

OFF = (r"^lldp trap enable$", r"^split-recovery$", r"^ip icmp redirect$")
"""What an AOS-CX has on, and shows where it is off."""
AOS_CX = Habits(
    indent=4,
    sections=(
        (r"vlan \d+$",),
        (r"interface \S",),
        (r"access-list (?:ip|ipv6) ",),
        (r"vsf member ",),
        (r"(?:vsx|aruba-central|cli-session)$",),
        (r"(?:router \S|evpn$|route-map |class |policy )",),
        (r"router \S", r"(?:address-family|area|vrf) ?"),
        (r"evpn$", r"(?:vlan|arp)"),
        (r"interface vxlan ", r"vni "),
        (r"interface vxlan ", r"vni ", r"vlan "),
        (r"router \S", r"vrf ", r"address-family "),
        (r"(?:logging filter|mirror session|port-access role|mac-group|snmp-server community) ",),
        (r"interface ", r"port-access port-security$"),
        (r"aaa group server ",),
        (r"user-group ",),  # Security Guide, `user-group`
    ),
    single=(
        r"^hostname ",
        r"^user \S+ group ",
        r"^logging \d\S*",  # Diagnostics and Supportability Guide, logging: `no logging ADDRESS`, and no transport
        r"^snmpv3 user \S+ ",
        r"^aaa (?:authentication|authorization|accounting) \S+ \S+ ",
        r"^(?:tacacs|radius)-server host \S+ ",
        r"^(?:ssh access-list|snmp-server system-(?:location|contact)) ",
        r"^name ",
        r"^(?:description|vlan access|vlan trunk native|lag|lacp mode|rate-limit broadcast) ",
        r"^(?:ip static|default-gateway) (?=\d+\.)",  # Command-Line Interface Guide, `ip static`: of each family one
        r"^(?:ip static|default-gateway) (?=[\da-f]*:)",
        r"^ip address (?!.* secondary$)",  # Command-Line Interface Guide, `ip address … secondary`
    ),
    fixed=(r"^interface \d+/\d+/\d+", r"^interface mgmt$", r"^vlan 1$"),
    off=(r"^shutdown$", r"^routing$", r"^ip dhcp$", r"^ipv6 dhcp$", r"^ip ospf passive$", *OFF),
    silent=(r"^routing$", *OFF),
    growing=(r"^(vlan trunk allowed )", r"^(spanning-tree vlan )"),
    printed=(
        (r"^((?:\d+ )?(?:permit|deny)) ip ", r"\1 any "),
        (r" eq 22(?!\S)", " eq ssh"),
        (r" eq 443(?!\S)", " eq https"),
        (r" eq 161(?!\S)", " eq snmp"),
        (r" eq 162(?!\S)", " eq snmp-trap"),
    ),
    masks=True,
    numbered=(r"(?:access-list|user-group) .*\n(?:permit|deny) .*",),  # Security Guide, `user-group`, SEQ-NUM
    unsaid=(r"interface .*\nvlan (?:access|trunk native) 1",),
    always=(
        (r"interface (?:\d+/\d+/\d+|lag .*)$", r"", r"vlan |lag |ip address |routing$|vrf ", "vlan access 1"),
        (r"interface (?:\d+/\d+/\d+|lag .*)$", r"vlan trunk allowed ", r"vlan trunk native ", "vlan trunk native 1"),
    ),
    hidden=(),
    encoded=(
        (
            r"(?P<head>auth-pass) plaintext (?P<secret>\S+) (?P<mid>priv \S+ priv-pass) plaintext \S+$",
            r"\g<head> ciphertext HASH \g<mid> ciphertext HASH",
        ),
        (r"(?P<head>\b(?:password|key)) plaintext (?P<secret>\S+)", r"\g<head> ciphertext HASH"),
    ),
    member=r"lag (\d+)$",
    lag="interface lag {}",
    own=(r"^lag \d+$", r"^(?:no )?shutdown$", r"^description ", r"^mtu ", r"^speed ", r"^lacp "),
    words=(
        set_of(
            """hostname vlan interface access-list vsf aaa user user-group snmpv3 snmp-server logging ntp spanning-tree
            ssh tacacs-server radius-server dhcpv4-snooping dhcpv6-snooping nd-snooping banner ip lldp
            https-server clock apply alias module profile vrf cli-session aruba-central qos vsx mirror
            nae-script port-access mac-group led route-map router evpn system class policy virtual-mac
            ipv6 loop-protect loop-protection sflow allow-unsupported-transceiver job schedule
            configuration-lockout"""
        ),
        set_of(
            """name description ip vlan shutdown routing lag lacp spanning-tree dhcpv4-snooping dhcpv6-snooping
            nd-snooping rate-limit apply permit deny voice mtu speed loop-protect server lldp disable
            enable timeout vrf vsx-sync access-level ipv6 destination source system-mac
            inter-switch-link role keepalive port-access client-limit active-gateway ipv6
            linkup-delay-timer speed comment router-id passive-interface redistribute area neighbor
            address-family match set rd route-target vni network arp default-gateway bgp maximum-paths
            persona qos exit-address-family active-active timers distance default-information
            split-recovery redistribute-host-route inter-vxlan-bridging-mode virtual-mac trap max-metric
            graceful-restart"""
        ),
    ),
    needs_vlan=(r"^vlan access (\d+)$", r"^vlan trunk native (\d+)", r"^vlan trunk allowed (\d[\d,-]*)$"),
    numbered_once=False,
    refusal="Invalid input: line",
)

AOS_CX_6400 = replace(AOS_CX, silent=OFF)

FRR = Habits(
    indent=1,
    sections=((r"interface \S",), (r"router \S",), (r"route-map ",), (r"router \S", r"address-family "), (r"vrf ",)),
    single=(
        r"^hostname ",
        r"^description ",
        r"^bgp router-id ",
        r"^neighbor \S+ (?:remote-as|description|timers|update-source)\b",
        r"^log (?:file|syslog|stdout)\b",
    ),
    fixed=(r"^interface ",),
    off=(),
    silent=(),
    growing=(),
    hidden=(),
    encoded=(),
    words=(
        set_of("hostname interface router route-map ip ipv6 log vrf service frr password enable line bfd"),
        set_of(
            """description ip ipv6 bgp neighbor network redistribute address-family exit-address-family match set call
            maximum-paths timers passive-interface area shutdown"""
        ),
    ),
    refusal="% Unknown command",
)
