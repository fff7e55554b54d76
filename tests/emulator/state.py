"""What devices say of their state, in each vendor's printed form: made of what they are configured to and plugged into.

The forms are those of the vendors' documents and of ntc-templates' samples. A port is up if something is plugged into
it, its configuration does not shut it, and the device has not shut it for a fault. Not here: configurations, sessions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import IPv4Network

from tests.emulator.device import Device
from tests.emulator.grammar import Tree, numbers, ranges

Form = Callable[[Device, "re.Match[str]"], str]
FORMS: dict[str, list[tuple[re.Pattern[str], Form]]] = {}
CHASSIS = "00:fd:45:00:00:01"
SHORT = {"GigabitEthernet": "Gi", "TenGigabitEthernet": "Te", "TwoGigabitEthernet": "Tw", "Port-channel": "Po"}


def state(device: Device, line: str) -> str | None:
    """What a device says to a line that asks for its state; None if this line does not."""
    for pattern, form in FORMS.get(device.platform, ()):
        if found := pattern.fullmatch(line):
            return form(device, found)
    return None


def _asked(platform: str, expression: str) -> Callable[[Form], Form]:
    def mark(form: Form) -> Form:
        FORMS.setdefault(platform, []).append((re.compile(expression), form))
        return form

    return mark


def _up(device: Device, port: str, *, shut: bool) -> bool:
    return port in device.plugged and not shut and port not in device.faulty


# Those that look like Cisco's.


def _sections(device: Device, pattern: str) -> Iterator[tuple[str, Tree]]:
    """The sections whose first line matches: what its group 1 is, and what stands below."""
    for line, below in device.running.items():
        if found := re.fullmatch(pattern, line):
            yield found[1], below


def _value(section: Iterable[str], pattern: str) -> str:
    """Group 1 of the first line that matches; nothing if none does."""
    return next((found[1] for line in section if (found := re.fullmatch(pattern, line))), "")


def _neighbours(device: Device, pattern: str, shut: Callable[[Tree], bool]) -> Iterator[tuple[str, str]]:
    for port, section in _sections(device, pattern):
        if device.plugged.get(port) and _up(device, port, shut=shut(section)):
            yield port, device.plugged[port]


def _short(port: str) -> str:
    found = re.match(r"\D+", port)
    return SHORT.get(found[0], found[0]) + port[found.end() :] if found else port


IOS_PORT = r"interface (\w*Ethernet\S+|Port-channel\d+)"


def _ios_shut(section: Tree) -> bool:
    return "shutdown" in section


@_asked("cisco-ios", "show lldp neighbors detail")
def _ios_neighbours(device: Device, _: re.Match[str]) -> str:
    if "lldp run" not in device.running:
        return "% LLDP is not enabled\n"
    entries = [
        f"{'-' * 48}\nLocal Intf: {_short(port)}\nChassis id: 00fd.4500.0001\nPort id: Gi1/0/1\n"
        f"Port Description: GigabitEthernet1/0/1\nSystem Name: {name}.example\n\nSystem Description: \n"
        "Cisco IOS Software [Cupertino], Catalyst L3 Switch Software\n\nTime remaining: 101 seconds\n"
        "System Capabilities: B,R\nEnabled Capabilities: B\nManagement Addresses:\n    IP: 10.0.0.1\n"
        "Auto Negotiation - supported, enabled\nPhysical media capabilities:\n    1000baseT(FD)\n"
        "Media Attachment Unit type: 30\nVlan ID: 1\n\n"
        for port, name in _neighbours(device, IOS_PORT, _ios_shut)
    ]
    return "\n" + "".join(entries) + f"\nTotal entries displayed: {len(entries)}\n"


@_asked("cisco-ios", "show interfaces switchport")
def _ios_trunks(device: Device, _: re.Match[str]) -> str:
    said = ""
    for port, section in _sections(device, IOS_PORT):
        mode = _value(section, r"switchport mode (\S+)")
        works = _up(device, port, shut=_ios_shut(section))
        access = _value(section, r"switchport access vlan (\d+)") or "1 (default)"
        allowed = _value(section, r"switchport trunk allowed vlan (\S+)") or "ALL"
        native = _value(section, r"switchport trunk native vlan (\d+)") or "1"
        said += (
            f"Name: {_short(port)}\nSwitchport: Enabled\n"
            f"Administrative Mode: {'trunk' if mode == 'trunk' else 'static access'}\n"
            f"Operational Mode: {(mode or 'static access') if works else 'down'}\n"
            "Administrative Trunking Encapsulation: dot1q\nNegotiation of Trunking: Off\n"
            f"Access Mode VLAN: {access}\n"
            f"Trunking Native Mode VLAN: {native}\nAdministrative Native VLAN tagging: enabled\nVoice VLAN: none\n"
            f"Trunking VLANs Enabled: {allowed}\n"
            "Pruning VLANs Enabled: 2-1001\nCapture Mode Disabled\nCapture VLANs Allowed: ALL\n\n"
            "Protected: false\nAppliance trust: none\n\n"
        )
    return said


@_asked("cisco-ios", "show ntp status")
def _ios_time(device: Device, _: re.Match[str]) -> str:
    server = _value(device.running, r"ntp server (\S+).*")
    if not server or not device.hears_time:
        return "Clock is unsynchronized, stratum 16, no reference clock\n"
    return f"Clock is synchronized, stratum 4, reference is {server}\nnominal freq is 250.0000 Hz\n"


@_asked("cisco-ios", "show interfaces status")
def _ios_status(device: Device, _: re.Match[str]) -> str:
    said = "\nPort      Name               Status       Vlan       Duplex  Speed Type\n"
    for port, section in _sections(device, IOS_PORT):
        shut = _ios_shut(section)
        works = _up(device, port, shut=shut)
        faulty = "err-disabled" if port in device.faulty else "notconnect"
        status = "connected" if works else "disabled" if shut else faulty
        trunk = _value(section, "switchport mode (.*)") == "trunk"
        vlan = "trunk" if trunk else _value(section, r"switchport access vlan (\d+)") or "1"
        duplex, speed = ("a-full", "a-1000") if works else ("auto", "auto")
        said += (
            f"{_short(port):<10}{_value(section, 'description (.*)')[:18]:<19}{status:<13}{vlan:<11}"
            f"{duplex:>6} {speed:>6} 10/100/1000BaseTX\n"
        )
    return said


CX_PORT = r"interface (\d+/\d+/\d+)"
CX_SWITCHED = r"interface (\d+/\d+/\d+|lag \d+)"


def _cx_shut(section: Tree) -> bool:
    return "no shutdown" not in section


@_asked("arubaos-cx", "show lldp neighbor-info detail")
def _cx_neighbours(device: Device, _: re.Match[str]) -> str:
    found = list(_neighbours(device, CX_PORT, _cx_shut))
    said = (
        f"\nLLDP Neighbor Information \n{'=' * 25}\n\nTotal Neighbor Entries          : {len(found)}\n"
        "Total Neighbor Entries Deleted  : 0\nTotal Neighbor Entries Dropped  : 0\n"
        f"Total Neighbor Entries Aged-Out : 0\n{'-' * 80}\n"
    )
    for port, name in found:
        said += (
            f"Port                           : {port}\nNeighbor Entries               : 1\n"
            "Neighbor Entries Deleted       : 0\nNeighbor Entries Dropped       : 0\n"
            f"Neighbor Entries Aged-Out      : 0\nNeighbor Chassis-Name          : {name}.example\n"
            f"Neighbor Chassis-Description   : Aruba\nNeighbor Chassis-ID            : {CHASSIS}\n"
            "Neighbor Management-Address    : 10.0.0.1\nChassis Capabilities Available : Bridge, Router\n"
            "Chassis Capabilities Enabled   : Bridge\nNeighbor Port-ID               : 1/1/1\n"
            "Neighbor Port-Desc             : 1/1/1\nNeighbor Port VLAN ID          : \n"
            f"TTL                            : 120\n{'-' * 80}\n"
        )
    return said


@_asked("arubaos-cx", "show vlan")
def _cx_trunks(device: Device, _: re.Match[str]) -> str:
    rule = "-" * 114
    said = f"{rule}\nVLAN  Name{' ' * 30}Status  Reason{' ' * 18}Type        Interfaces\n{rule}\n"
    for vid, section in _sections(device, r"vlan (\d+)"):
        name = _value(section, "name (.*)") or ("DEFAULT_VLAN_1" if vid == "1" else f"VLAN{vid}")
        members = [port for port, of in _sections(device, CX_SWITCHED) if int(vid) in _cx_vids(of)]
        physical = ranges(int(m.split("/")[2]) for m in members if m.startswith("1/1/"))
        shown = [m.replace(" ", "") for m in members if not m.startswith("1/1/")]
        shown += [re.sub(r"(\d+)", r"1/1/\1", part) for part in physical.split(",") if part]
        lines = [",".join(shown[i : i + 3]) for i in range(0, len(shown), 3)]
        first, *more = lines or [""]
        kind = "default" if vid == "1" else "static"
        said += f"{vid:<6}{name:<34}up      ok{' ' * 22}{kind:<12}{first}{',' if more else ''}\n"
        said += "".join(f"{' ' * 84}{line}{',' if number < len(more) else ''}\n" for number, line in enumerate(more, 1))
    return said


def _cx_vids(section: Tree) -> set[int]:
    if _value(section, r"lag (\d+)"):
        return set()  # what a member carries is the LAG's
    allowed = _value(section, r"vlan trunk allowed (\d\S*)")
    if not allowed:
        return {int(_value(section, r"vlan access (\d+)") or 1)}
    return set(numbers(allowed))


@_asked("arubaos-cx", "show ntp associations")
def _cx_time(device: Device, _: re.Match[str]) -> str:
    rule = "-" * 70
    said = f"{rule}\n ID            NAME          REMOTE          REF-ID ST LAST POLL REACH\n{rule}\n"
    servers = [found[1] for line in device.running if (found := re.fullmatch(r"ntp server (\S+).*", line))]
    for number, server in enumerate(servers if "ntp enable" in device.running else [], 1):
        follows = "*" if device.hears_time and number == 1 else "+" if device.hears_time else " "
        rest = "192.36.143.130  3   12   64   377" if device.hears_time else ".INIT. 16    -   64     0"
        said += f"{follows}{number:>2}  {server}  {server}  {rest}\n"
    return f"{said}{rule}\n"


@_asked("arubaos-cx", "show interface brief")
def _cx_disabled(device: Device, _: re.Match[str]) -> str:
    rule = "-" * 98
    said = (
        f"{rule}\nPort      Native  Mode   Type           Enabled Status  Reason                  Speed   Description\n"
        f"          VLAN                                                                  (Mb/s)\n{rule}\n"
    )
    for port, section in _sections(device, CX_PORT):
        shut = _cx_shut(section)
        works = _up(device, port, shut=shut)
        why = "" if works else "Administratively down" if shut else device.faulty.get(port, "Waiting for link")
        mode = "trunk" if _value(section, r"vlan trunk allowed (.*)") else "access"
        native = _value(section, r"vlan (?:access|trunk native) (\d+)") or "1"
        said += (
            f" {port:<9}{native:<8}{mode:<7}{'1GbT':<15}{'no' if shut else 'yes':<8}{'up' if works else 'down':<8}"
            f"{why:<24}{'1000' if works else '--':<8}{_value(section, 'description (.*)') or '--'}\n"
        )
    return said


# Junos.


def _at(tree: Tree, *path: str) -> Tree:
    """What stands below these words; nothing if they are not there."""
    for word in path:
        tree = tree.get(word, {})
    return tree


def _junos_up(device: Device, port: str) -> bool:
    return _up(device, port, shut="disable" in _at(device.running, "interfaces", port))


def _junos_json(form: str, namespace: str, items: str, entries: Iterable[Mapping[str, object]]) -> str:
    """What `| display json` prints: each element in a list, each value in `data` (Juniper, Junos XML Protocol Developer
    Guide, "Map Junos OS Command Output to JSON in the CLI"; answers of QFX of 19.4 in netenglabs/suzieq).
    """
    of = [_element(entry) for entry in entries]
    attributes = {"xmlns": f"http://xml.juniper.net/junos/21.4R3/{namespace}", "junos:style": "brief"}
    document = {form: [{"attributes": attributes} | ({items: of} if of else {})]}
    return json.dumps(document, indent=4, separators=(", ", " : "), ensure_ascii=False) + "\n"


def _element(entry: Mapping[str, object]) -> dict[str, object]:
    def value(of: object) -> list[object]:
        return [_element(e) for e in of] if isinstance(of, list) else [{"data": of}]

    return {name: value(of) for name, of in entry.items()}


@_asked("junos", r"show lldp neighbors \| display json")
def _junos_neighbours(device: Device, _: re.Match[str]) -> str:
    """Elements as napalm's mocks of junos and PyEZ's table of LLDP neighbours have them, by the same names in JSON."""
    speaks = "all" in _at(device.running, "protocols", "lldp", "interface")
    entries = [
        {
            "lldp-local-port-id": port,
            "lldp-local-parent-interface-name": "-",
            "lldp-remote-chassis-id-subtype": "Mac address",
            "lldp-remote-chassis-id": CHASSIS,
            "lldp-remote-port-id-subtype": "Interface name",
            "lldp-remote-port-id": "1/1/1",
            "lldp-remote-port-description": "1/1/1",
            "lldp-remote-system-name": f"{name}.example",
        }
        for port, name in device.plugged.items()
        if name and speaks and _junos_up(device, port)
    ]
    return _junos_json("lldp-neighbors-information", "junos-l2cpd", "lldp-neighbor-information", entries)


@_asked("junos", r"show vlans \| display json")
def _junos_trunks(device: Device, _: re.Match[str]) -> str:
    """Elements of ELS, as netenglabs/suzieq's QFX have them; a VLAN without ports has an empty member (napalm)."""
    entries: list[dict[str, object]] = []
    for name, vlan in device.running.get("vlans", {}).items():
        members: list[dict[str, object]] = [
            {"l2ng-l2rtb-vlan-member-interface": f"{port}.0{'*' if _junos_up(device, port) else ''}"}
            for port, section in device.running.get("interfaces", {}).items()
            if name in _at(section, "unit", "0", "family", "ethernet-switching", "vlan", "members")
        ]
        entries.append(
            {
                "l2ng-l2rtb-name": "default-switch",
                "l2ng-l2rtb-vlan-name": name,
                "l2ng-l2rtb-vlan-tag": next(iter(_at(vlan, "vlan-id")), "NA"),
                "l2ng-l2rtb-vlan-member": members or [{"l2ng-l2rtb-vlan-member-interface": None}],
            }
        )
    form, items = "l2ng-l2ald-vlan-instance-information", "l2ng-l2ald-vlan-instance-group"
    return _junos_json(form, "junos-l2al", items, entries)


@_asked("junos", "show ntp associations no-resolve")
def _junos_time(device: Device, _: re.Match[str]) -> str:
    said = f"     remote           refid      st t when poll reach   delay   offset  jitter\n{'=' * 78}\n"
    for number, server in enumerate(_at(device.running, "system", "ntp", "server")):
        if device.hears_time:
            said += (
                f"{' ' if number else '*'}{server:<15} 192.36.143.130   2 -   58   64  377    0.710    0.020   0.010\n"
            )
        else:
            said += f" {server:<15} .INIT.          16 -    -   64    0    0.000    0.000 4000.00\n"
    return said


@_asked("junos", r"show interfaces \| display json")
def _junos_disabled(device: Device, _: re.Match[str]) -> str:
    """Elements as netenglabs/suzieq's QFX of 19.4 has them; a blocked port is down, and its BPDU error is *Detected*
    (Juniper, "Checking and Clearing MAC Rewrite Error Conditions on an Interface").
    """
    entries = []
    for port, section in device.running.get("interfaces", {}).items():
        works = _junos_up(device, port)
        entries.append(
            {
                "name": port,
                "admin-status": "down" if "disable" in section else "up",
                "oper-status": "up" if works else "down",
                **({"description": text} if (text := next(iter(_at(section, "description")), "").strip('"')) else {}),
                "link-level-type": "Ethernet",
                "mtu": "1514",
                "eth-switch-error": "none",
                "bpdu-error": device.faulty.get(port, "none"),
                "ld-pdu-error": "none",
                "l2pt-error": "none",
                "loopback": "disabled",
                "logical-interface": [{"name": f"{port}.0", "local-index": "550", "if-config-flags": None}],
            }
        )
    return _junos_json("interface-information", "junos-interface", "physical-interface", entries)


@_asked("junos", "show interfaces terse")
def _junos_terse(device: Device, _: re.Match[str]) -> str:
    """A line for each port, and one for each unit of it (CLI Reference, `show interfaces terse`)."""
    said = "Interface               Admin Link Proto    Local                 Remote\n"
    for name, section in device.running.get("interfaces", {}).items():
        members = [
            port
            for port, of in device.running["interfaces"].items()
            if name in {*_at(of, "ether-options", "802.3ad"), *_at(of, "gigether-options", "redundant-parent")}
        ]
        works = name == "irb" or any(_junos_up(device, port) for port in (members or [name]))
        admin, link = ("down" if "disable" in section else "up"), ("up" if works else "down")
        said += f"{name:<24}{admin:<6}{link}\n"
        for number, unit in _at(section, "unit").items():
            address = next(iter(_at(unit, "family", "inet", "address")), "")
            said += f"{name + '.' + number:<24}{admin:<6}{link:<5}{'inet':<9}{address}\n"
    return said


@_asked("junos", "show security zones")
def _junos_zones(device: Device, _: re.Match[str]) -> str:
    """The form of the CLI Reference's sample output."""
    said = ""
    for name, zone in _at(device.running, "security", "zones", "security-zone").items():
        bound = list(_at(zone, "interfaces"))
        said += (
            f"\nSecurity zone: {name}\n  Zone ID: 7\n  Send reset for non-SYN session TCP packets: Off\n"
            f"  Policy configurable: Yes  \n  Interfaces bound: {len(bound)}\n  Interfaces:\n"
            + "".join(f"    {interface}\n" for interface in bound)
            + "  Advanced-connection-tracking timeout: 1800\n"
        )
    return said


@_asked("junos", "show security policies")
def _junos_policies(device: Device, _: re.Match[str]) -> str:
    """The form of the CLI Reference's sample output, global policies last."""
    policies = _at(device.running, "security", "policies")
    said = "Default policy: deny-all\nDefault policy log Profile ID: 0\nPre ID default policy: permit-all\n"
    for one, to in _at(policies, "from-zone").items():
        for other, of in _at(to, "to-zone").items():
            said += f"From zone: {one}, To zone: {other}\n" + _policies(_at(of, "policy"), "    ")
    if of_all := _at(policies, "global", "policy"):
        said += "Global policies:\n" + _policies(of_all, "    ")
    return said


def _policies(of: Tree, indent: str) -> str:
    return "".join(
        f"  Policy: {name}, State: {'disabled' if 'inactive:' in policy else 'enabled'}, Index: {number}, "
        f"Scope Policy: 0, Sequence number: {number}, Log Profile ID: 0\n"
        f"{indent}Source addresses: {', '.join(_at(policy, 'match', 'source-address'))}\n"
        f"{indent}Action: {', '.join(word for word in _at(policy, 'then') if word != 'log')}\n"
        for number, (name, policy) in enumerate(of.items(), 1)
    )


@_asked("junos", "show route protocol static")
def _junos_routes(device: Device, _: re.Match[str]) -> str:
    """The form of the CLI Reference's sample output."""
    routes = _at(device.running, "routing-options", "static", "route")
    said = f"\ninet.0: {len(routes)} destinations, {len(routes)} routes ({len(routes)} active, 0 holddown, 0 hidden)\n"
    said += "+ = Active Route, - = Last Active, * = Both\n\n"
    for network, of in routes.items():
        hop = next(iter(_at(of, "next-hop")), "")
        said += f"{network:<19}*[Static/5] 1d 02:03:04\n                    >  to {hop} via ge-0/0/3.0\n"
    return said


# FortiOS.


@_asked("fortios", "get router info routing-table static")
def _fortios_routes(device: Device, _: re.Match[str]) -> str:
    """The form of the Administration Guide, "Viewing the routing table"."""
    said = "Routing table for VRF=0\n"
    for entry in device.running.get("config router static", {}).values():
        to, hop = _value(entry, "set dst (.*)") or "0.0.0.0 0.0.0.0", _value(entry, "set gateway (.*)")
        network = IPv4Network(to.replace(" ", "/"))
        port = _value(entry, 'set device "?([^"]*)"?')
        said += f"S{' ' if network.prefixlen else '*'}      {network} [10/0] via {hop}, {port}, [1/0]\n"
    return said


@_asked("fortios", "diagnose sys ntp status")
def _fortios_time(device: Device, _: re.Match[str]) -> str:
    of = device.running.get("config system ntp", {})
    servers = of.get("config ntpserver", {}) if "set ntpsync enable" in of else {}
    follows = bool(servers) and device.hears_time
    asks = "enabled" if servers else "disabled"
    said = f"synchronized: {'yes' if follows else 'no'}, ntpsync: {asks}, server-mode: disabled\n\n"
    for entry in servers.values():
        server = _value(entry, r'set server "(.*)"')
        reach = "reachable(0xff) S:1 T:9 selected" if device.hears_time else "unreachable(0x0) S:0 T:9"
        said += f"ipv4 server({server}) {server} -- {reach}\n"
    return said


@_asked("fortios", "get system interface physical")
def _fortios_up(device: Device, _: re.Match[str]) -> str:
    said = "== [onboard]\n"
    for line, section in device.running.get("config system interface", {}).items():
        name = line.removeprefix("edit ").strip('"')
        address = _value(section, "set ip (.*)") or "0.0.0.0 0.0.0.0"
        works = _up(device, name, shut="set status down" in section)
        said += (
            f"    ==[{name}]\n        mode: static\n        ip: {address}\n        ipv6: ::/0\n"
            f"        status: {'up' if works else 'down'}\n"
            f"        speed: {'1000Mbps (Duplex: full)' if works else 'n/a'}\n"
            "        FEC: none\n        FEC_cap: none\n"
        )
    return said
