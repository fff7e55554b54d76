"""Fortinet FortiOS.

It has no commit-confirm. `config system global`, `set cfg-save revert` comes nearest: changes that nobody saves with
`execute cfg save` are taken back after `cfg-revert-timeout` seconds, by a restart of the device with what it saved.
That cuts a school's internet for minutes because a check failed, takes back whatever anybody else had not saved, and
restarts every member of a cluster at once; so it is not used (`confirm` is None), and a plan says that nothing
restores this device by itself.

Each line is in force and saved when its block ends (`next`, `end`).

`show` prints what differs from the default (an option that has none of its default values as `unset …`), and `end`
leaves the whole block: the outermost one here.

What is said as it is anyway is not shown: on 7.4, a user of SNMP who has SHA and AES has no line about either. Values
of an option may come in any order where they are members of a set (addresses, services, ports), and in quotation marks
or without.

Who looks at the device with a browser gets dashboards (`config gui-dashboard`) that nobody typed.

The order of policies is meaning: the first that matches counts, whatever its number. A new one comes last, and `move 3
before 1` puts it elsewhere.

A LAG is made of ports that have no address and that no policy names; it needs its `vdom`, and LACP is active in it
unless it says otherwise. So it comes after its members, and a port with a network of its own becomes a member in two
changes: first the network is taken from it in NetBox.

Who may use the firewall itself is said three times: by `allowaccess` of the interface (`ip6-allowaccess` for IPv6), by
policies for itself (`local-in-policy`, `local-in-policy6`), of which the first that matches counts and which deny
unless they say otherwise, and by the trusted hosts of an administrator. Those of one family say nothing of the other:
without any of IPv6, everybody may log in by IPv6 (`ip6-trusthost1` is ::/0). A user of SNMPv3 has no list of who may
ask: `notify-hosts` are those that are told. So a local-in policy keeps others from it.

A policy has addresses of IPv4, of IPv6, or of both, each on both sides; `nat enable` would translate both.

`set mode reliable` sends the log over TCP, each message with its length before it (RFC 6587, octet counting), to the
same port as before; there are four such servers (`syslogd` to `syslogd4`).

Who has another profile than `super_admin` is not shown the administrators that have it. Since 7.4.2 a profile says
which commands there are at all (`cli-show`, …); before, it had no such words.

It encrypts a secret anew each time that it shows it (oxidized, `lib/oxidized/model/fortios.rb`, significant_changes).

With `set cfg-save manual` or `revert`, what is typed is in force and not saved: a restart takes it back. What a
FortiManager manages it may install anew, over whatever was typed (Fortinet Technical Tips 225438 and 212127).

A configuration begins with the model: `#config-version=FGT91G-7.4.7`, `FG5H1E` (501E), `FGVM64`; published ones.

Sources of the series: netbox-community/devicetype-library, Fortinet (models, part numbers).

Sources: FortiOS Administration Guide, "Subcommands" (`move`) and "Policies"; FortiOS CLI Reference 7.4 (each option's
default, and which take several values); published FortiGate-91G (7.4.7) of the oxidized project; `config system global`
(cfg-save, cfg-revert-timeout), `config log syslogd setting`; FortiOS Handbook, "Aggregate interfaces"; Fortinet
Technical Tip, "Configuration file save mode for configuration changes" (`execute cfg reload`: "Reboot to reload the
configs"); FortiOS CLI Reference 6.4 to 7.4, `config firewall local-in-policy`, `local-in-policy6`, `address6`, `config
router static6`, `config system interface` (`config ipv6`), `config system snmp user`, `mib-view` (from 7.2 on); New
Features 6.4, "Consolidated IPv4 and IPv6 policy configuration"; running configurations of homes and laboratories with
`config ip6-prefix-list`, of which the flags are on without being shown; CLI Reference, `get system status`, `get
hardware status` (what it is); Technical Tips "Prof_Admin admin profile will not be able to back up the Super_Admin" and
"Change in behavior of diagnose commands for non-super-admins".
"""

from __future__ import annotations

from typing import Literal

from roles.shared.device.letting_in import AccessLists, LettingIn
from roles.shared.device.looking import Looking
from roles.shared.device.question import Question
from roles.shared.device.series import Mode, Series
from roles.shared.device.vendor import Vendor

FAMILIES: tuple[tuple[Literal[4, 6], str, str, str, str], ...] = (
    (4, "", r"set trusthost\d+ ", r"(?P<source>[\d.]+) (?P<mask>[\d.]+)$", r"set subnet (?P<source>\S+ \S+)$"),
    (6, "6", r"set ip6-trusthost\d+ ", r"(?P<source>\S+/\d+)$", r"set ip6 (?P<source>\S+/\d+)$"),
)
"""Of each family of IP: what its tables' names end with, how lines begin that say from where an administrator may come,
what stands behind, and what an address object says.
"""

VENDOR = Vendor(
    platform="fortios",
    name="Fortinet FortiOS",
    netmiko="fortinet",
    hier_config="FORTINET_FORTIOS",
    show="show",
    comment=r"^\s*#",
    volatile=(r"^\s*set (?:uuid|last-login|snmp-index) ",),
    encrypted_anew=(r"^\s*(set \S+) ENC ", r"^\s*(set private-?key) "),
    secrets=(
        r"^\s*(set (?:\S+-)?(?:password|passwd|passphrase|secret|key|psksecret|private-key|auth-pwd|priv-pwd)) ",
        r"^\s*(set \S+) ENC ",
    ),
    errors=(
        r"^Command fail\. Return code",
        r"^command parse error before",
        r"^value parse error before",
        r"^Unknown action \d",
        r"^(?:node_check_object|object set operator error|object check operator error)",
        r"^entry not found in datasource",
    ),
    warnings=(r"^new entry '.*' added$",),
    enter=(),
    leave=(),
    abort=("abort",),
    confirm=None,
    syntax="blocks",
    replaces=((r"^(?:un)?set (\S+)",),),
    permanent=((r"^config ",),),
    ordered=(
        (r"config firewall (?:policy|policy46|policy64|policy6|consolidated policy|security-policy|proxy-policy)",),
        (r"config firewall (?:local-in-policy6?|multicast-policy6?|interface-policy6?|DoS-policy6?|shaping-policy)",),
        (r"config firewall (?:central-snat-map|ttl-policy)",),
        (r"config router policy6?",),
        (r"config system (?:sdwan|virtual-wan-link)", r"config service"),
    ),
    ignored=(
        r'^config firewall address edit "(?:none|all|FIREWALL_AUTH_PORTAL_ADDRESS|FABRIC_DEVICE|SSLVPN_TUNNEL_ADDR1)"',
        r'^config firewall address edit "(?:login\.|gmail\.com|wildcard\.|\S+ address$)',
        r'^config system interface edit "(?:modem|ssl\.root|l2t\.root|naf\.root|fortilink)"',
        r"^config system (?:accprofile|storage|np6xlite|npu|ha|password-policy|sso-admin|object-tagging)",
        r"^config (?:wireless-controller|switch-controller|webfilter|dlp|ips|antivirus|application|voip|waf|icap)\b",
        r"^config (?:vpn certificate|certificate|endpoint-control|report|videofilter|emailfilter|ssh-filter)\b",
        r"^config (?:system replacemsg|firewall internet-service|firewall ssh|firewall ssl|firewall profile-protocol)",
        r"^config (?:firewall service|firewall schedule|firewall wildcard-fqdn|user setting|log threat-weight)\b",
        r"^config system (?:fortiguard|autoupdate|email-server|session-helper|sms-server|settings|central-management)",
    ),
    unordered=(
        r"(?:src|dst)(?:intf|addr6?)|(?:internet-service|service)(?:-name|-group)?|groups|users|fsso-groups",
        r"(?:mgmt|exclude-|source-|associated-)?(?:member|interfaces?)|allowaccess|ip6-allowaccess|events|notify-hosts6?",
    ),
    defaults=(
        r"config system snmp user\nedit [^\n]+\nset (?:auth-proto sha|priv-proto aes|status enable|queries enable)",
        r"config system snmp sysinfo\nset status disable",
        r"config system interface\nedit [^\n]+\nset (?:status up|mode static|role undefined|lacp-mode active)",
        r"config firewall policy\nedit [^\n]+\nset (?:status enable|action deny|nat disable|logtraffic utm)",
        r"config firewall address\nedit [^\n]+\nset type ipmask",
        r"config firewall address6\nedit [^\n]+\nset type ipprefix",
        r"config firewall local-in-policy6?\nedit [^\n]+\nset (?:status enable|action deny)",
        r"config router static6?\nedit [^\n]+\nset (?:status enable|distance 10)",
        (
            r"config system interface\nedit [^\n]+\nconfig ipv6\n"
            r"set (?:ip6-mode static|ip6-(?:send-adv|manage-flag|other-flag) disable|dhcp6-relay-service disable"
            r"|dhcp6-relay-type regular)"
        ),
        (
            r"config system interface\nedit [^\n]+\nconfig ipv6\nconfig ip6-prefix-list\nedit [^\n]+\n"
            r"set (?:autonomous|onlink)-flag enable"
        ),
        r"config log syslogd\d? setting\nset (?:status disable|mode udp|port 514|format default)",
        r"config system ntp\nset (?:type fortiguard|syncinterval 60)",
    ),
    own_interfaces=(r"fortilink", r"modem", r"(?:ssl|naf|l2t)\..+", r"npu\d+_vlink\d+"),
    longest_interface=15,
    given=(r"config system admin\nedit [^\n]+\n(?:config gui-dashboard|set gui-(?:ignore|default)\S+ .*)",),
    longest=63,
    ascii_only=False,
    special="<>()#'",
    syslog="tcp",
    most_log_servers=4,
    lag=r"[A-Za-z][A-Za-z0-9-]{0,14}",
    made_by="fortinet",
    series=(
        Series(
            name="FortiGate 30 to 91",
            types=r"(?:FG|FWF|FortiGate|FortiWiFi)[ -]?(?:R-?)?[3-9]\d[A-G](?![A-Z\d]*VM)",
            printed=r"^#config-version=F(?:GT|GR|WF)[3-9]\d[A-Z]",
            source="published FortiGate-91G (7.4.7); devicetype-library, FG-30E to FG-90G",
        ),
        Series(
            name="FortiGate 100 to 7000",
            types=r"(?:FG|FortiGate)[ -]?[1-9]\d\d\d?[A-G]",
            printed=r"^#config-version=FG(?!T?VM|[TR][3-9]\d[A-Z])",
            source="published FortiGate-501E (7.4.8, `FG5H1E`) and -3001F; devicetype-library, FG-100D to FG-4400F",
        ),
        Series(
            name="FortiGate-VM",
            types=r"(?:FG|FGT|FortiGate)[ -]?VM",
            printed=r"^#config-version=FG(?:T)?VM",
            source="published FortiGate-VM64 (6.4.4; batfish/lab-validation); devicetype-library, FG-VM64",
        ),
    ),
    refused_modes=(
        Mode(
            command="show",
            pattern=r"^config system global$(?:\n .*)*?\n +set cfg-save (?:manual|revert)$",
            why="what is typed would be in force and not saved, and a restart would take it back; first "
            "`set cfg-save automatic`",
            source="FortiOS CLI Reference, config system global, cfg-save",
        ),
        Mode(
            command="get system status",
            pattern=r"^Virtual domain configuration: (?!disable)",
            why="this firewall is divided into virtual domains, and a configuration of the whole of it would go wrong; "
            "let it be configured by hand, or take its role away in NetBox",
            source="FortiOS Administration Guide, Virtual domains; published FortiGate-501E of the oxidized project",
        ),
        Mode(
            command="get system status",
            pattern=r"(?i)^Current HA mode: .*\b(?:secondary|backup|slave)\b",
            why="this is the secondary of a cluster, which takes its configuration from the primary; let NetBox have "
            "the address at which the primary is managed",
            source="FortiOS Administration Guide, HA; `get system status` of 6.4 (backup) and 7.4 (secondary)",
        ),
    ),
    caveats=(
        Mode(
            command="show",
            pattern=r"^config system central-management$(?:\n .*)*?\n +set type fortimanager$",
            why="a FortiManager manages this firewall, and may install over what is typed here: import it there",
            source="Fortinet Technical Tips 225438, 212127; config system central-management",
        ),
    ),
    identifies=("get system status", "get hardware status"),
    asks={
        "time": Question(
            command="diagnose sys ntp status", pattern=r"^synchronized: yes", known=r"^synchronized: (?:yes|no)\b"
        ),
        "up": Question(
            command="get system interface physical",
            template=("fortinet", "get system interface physical"),
            fields={"port": "name", "state": "status"},
            known=r"^\s*==\s?\[",
        ),
        "routes": Question(
            command="get router info routing-table static",
            pattern=r"^S\*?\s+(?P<network>[\d.]+/\d+)\s",
            known=r"^(?:Routing table for VRF|Codes: |No route available)",
        ),
    },
    letting_in=LettingIn(
        account=(r'^(?:config global / )?config system admin / edit "?{user}"? / set accprofile "?(?P<level>[^"]+)',),
        all_levels=("super_admin",),
        key=(r'^(?:config global / )?config system admin / edit "?{user}"? / set ssh-public-key\d (?P<key>.+)$',),
        most_keys=3,
        address=(
            (
                r'^(?:config global / )?config system interface / edit "?(?P<interface>[^"/]+)"? / '
                r"set ip (?P<ip>[\d.]+) (?P<mask>[\d.]+)$"
            ),
            (
                r'^(?:config global / )?config system interface / edit "?(?P<interface>[^"/]+)"? / config ipv6 / '
                r"(?:set ip6-address|config ip6-extra-addr / edit) (?P<ip>[\da-f.:]+/\d+)$"
            ),
        ),
        down=(r'config system interface / edit "?{interface}"? / set status down$',),
        unchanged=(
            r'config system interface / edit "?{interface}"? / set vdom (\S+)$',
            r'config system interface / edit "?{interface}"? / set vlanid (\S+)$',
            r'config system interface / edit "?{interface}"? / set interface (\S+)$',
            r"config system global / set admin-ssh-port (\d+)$",
        ),
        route=(
            (
                r"config router (?P<of>static / edit \S+) / "
                r"set (?:dst (?P<ip>[\d.]+) (?P<mask>[\d.]+)|gateway (?P<hop>[\d.]+)|device .*)$"
            ),
            (
                r"config router (?P<of>static6 / edit \S+) / "
                r"set (?:dst (?P<to>[\da-f.:]+/\d+)|gateway (?P<hop>[\da-f.:]+)|device .*)$"
            ),
        ),
        served={
            4: (r'config system interface / edit "?{interface}"? / set allowaccess .*\bssh\b',),
            6: (r'config system interface / edit "?{interface}"? / config ipv6 / set ip6-allowaccess .*\bssh\b',),
        },
        lists=tuple(
            kind
            for family, n, trusted, network, at in FAMILIES
            for kind in (
                AccessLists(
                    family=family,
                    bound=(rf'config system admin / edit "?(?P<list>{{user}})"? / {trusted}',),
                    listed=(rf'config system admin / edit "?(?P<list>{{user}})"? / {trusted}',),
                    rule=(rf'config system admin / edit "?(?P<list>{{user}})"? / {trusted}{network}',),
                ),
                AccessLists(
                    family=family,
                    bound=(rf"^config firewall (?P<list>local-in-policy{n}) / edit ",),
                    listed=(rf"^config firewall (?P<list>local-in-policy{n}) / edit \S+ / set (?!comments|uuid)",),
                    rule=(
                        (
                            rf"^config firewall (?P<list>local-in-policy{n}) / edit (?P<of>\S+) / set "
                            r"(?:srcaddr (?P<named>.+)|service (?P<port>.+)|intf (?P<interface>.+)"
                            r"|action (?P<action>\S+)|status (?P<off>disable)"
                            r'|(?:dstaddr "?all"?|schedule "?always"?|(?:comments|uuid|logtraffic) .*))$'
                        ),
                        (
                            rf"^config firewall (?P<list>local-in-policy{n}) / edit (?P<of>\S+) / "
                            r"(?:set status enable|(?P<other>.*))$"
                        ),
                    ),
                    sources=(rf'^config firewall address{n} / edit "?(?P<list>[^"]+?)"? / {at}',),
                    services=(
                        (
                            r'^config firewall service custom / edit "?(?P<list>[^"]+?)"? / '
                            r"set tcp-portrange (?P<ports>\d[\d -]*)"
                        ),
                    ),
                    unsaid="deny",
                    unmatched="permit",
                ),
            )
        ),
    ),
    looking=Looking(
        left_out=(("config system admin", "edit .*", 'set accprofile "?super_admin"?'),),
        asked_for="releases before 7.4.2 refuse its rights, when half of a change is in force already",
    ),
)
