"""What the devices of `switch_fleet` say of their state where all is well: our own words, in the vendors' forms."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.roles.shared.device.switch_fleet import LAGS, PORTS


def junos(form: str, items: str, *entries: dict[str, Any]) -> str:
    """An answer of Junos in JSON, with these entries."""
    attributes = {"xmlns": "http://xml.juniper.net/junos/21.4R3/x", "junos:style": "brief"}
    document = {form: [{"attributes": attributes, **({items: list(entries)} if entries else {})}]}
    return json.dumps(document, indent=4, separators=(", ", " : ")) + "\n"


def data(text: str | None) -> list[dict[str, Any]]:
    """An element with a value."""
    return [{"data": [None] if text is None else text}]


def _ports(platform: str) -> tuple[str, ...]:
    return (*PORTS[platform][:-1], *LAGS[platform][1:])


JUNOS_LLDP = junos(
    "lldp-neighbors-information",
    "lldp-neighbor-information",
    *(
        {
            "lldp-local-port-id": data(port),
            "lldp-local-parent-interface-name": data("-"),
            "lldp-remote-chassis-id": data("00:fd:45:00:00:09"),
            "lldp-remote-system-name": data("heb-sw9.heby.example"),
        }
        for port in ("xe-0/2/0", "xe-0/2/1", "xe-0/2/2")
    ),
)
JUNOS_VLANS = junos(
    "l2ng-l2ald-vlan-instance-information",
    "l2ng-l2ald-vlan-instance-group",
    *(
        {
            "l2ng-l2rtb-vlan-name": data(f"v{vid}"),
            "l2ng-l2rtb-vlan-tag": data(str(vid)),
            "l2ng-l2rtb-vlan-member": [{"l2ng-l2rtb-vlan-member-interface": data(f"{port}.0*")} for port in ports],
        }
        for vid, ports in {
            101: ("ge-0/0/2", "ge-0/0/3", "xe-0/2/0", "ae0"),
            110: ("ge-0/0/1", "ge-0/0/3", "xe-0/2/0", "ae0"),
            120: ("xe-0/2/0", "ae0"),
        }.items()
    ),
)
JUNOS_INTERFACES = junos(
    "interface-information",
    "physical-interface",
    *(
        {
            "name": data(port),
            "oper-status": data("up"),
            "eth-switch-error": data("none"),
            "bpdu-error": data("none"),
            "logical-interface": [{"name": data(f"{port}.0")}],
        }
        for port in _ports("junos")
    ),
)
NTP = """     remote           refid      st t when poll reach   delay   offset  jitter
==============================================================================
*10.60.10.11     192.36.143.130   2 -   58   64  377    0.710    0.020   0.010
"""
IOS_LLDP = (
    "".join(
        f"""------------------------------------------------
Local Intf: {port}
Chassis id: 00fd.4500.0009
Port id: 1/1/1
Port Description: 1/1/1
System Name: heb-sw9.heby.example

System Description:
Aruba

Time remaining: 101 seconds
System Capabilities: B,R
Enabled Capabilities: B
Management Addresses:
    IP: 10.63.1.9
Auto Negotiation - supported, enabled
Vlan ID: - not advertised

"""
        for port in ("Gi1/1/1", "Gi1/1/2")
    )
    + "Total entries displayed: 2\n"
)
IOS_STATUS = "\nPort      Name               Status       Vlan       Duplex  Speed Type\n" + "".join(
    f"{port:<10}{'':<19}connected    trunk      a-full a-1000 10/100/1000BaseTX\n"
    for port in ("Gi1/0/1", "Gi1/0/2", "Gi1/0/3", "Gi1/1/1", "Gi1/1/2", "Gi1/1/3", "Po1")
)
IOS_SWITCHPORT = "".join(
    f"""Name: {port}
Switchport: Enabled
Administrative Mode: trunk
Operational Mode: trunk
Trunking Native Mode VLAN: 110 (Personal)
Trunking VLANs Enabled: {vids}
Pruning VLANs Enabled: 2-1001

"""
    for port, vids in (("Gi1/0/3", "101,110"), ("Gi1/1/1", "ALL"), ("Po1", "101,110,120"))
)
CX_LLDP = """
LLDP Neighbor Information
=========================

Total Neighbor Entries          : 2

""" + "".join(
    f"""Port                           : {port}
Neighbor Entries               : 1
Neighbor Chassis-Name          : heb-sw9.heby.example
Neighbor Chassis-Description   : Aruba
Neighbor Chassis-ID            : 00:fd:45:00:00:09
Neighbor Management-Address    : 10.63.1.9
Chassis Capabilities Available : Bridge, Router
Chassis Capabilities Enabled   : Bridge
Neighbor Port-ID               : 1/1/1
Neighbor Port-Desc             : 1/1/1
TTL                            : 120
------------------------------------------------------------
"""
    for port in ("1/1/25", "1/1/26")
)
CX_VLANS = """
-------------------------------------------------------------------------------------------
VLAN  Name           Status  Reason     Type      Interfaces
-------------------------------------------------------------------------------------------
1     DEFAULT_VLAN_1 up      ok         default   1/1/3,1/1/25
101   Enheter        up      ok         static    1/1/2-1/1/3,1/1/25,lag1
110   Personal       up      ok         static    1/1/1,1/1/3,1/1/25,lag1
120   Gast           up      ok         static    1/1/25,lag1
"""
CX_BRIEF = """
----------------------------------------------------------------------------------------------
Port      Native  Mode   Type           Enabled Status  Reason           Speed   Description
          VLAN                                                           (Mb/s)
----------------------------------------------------------------------------------------------
""" + "".join(
    f" {port:<9}110     access 1GbT           yes     up                       1000    --\n"
    for port in (*_ports("arubaos-cx"), "lag1")
)
CX_NTP = """----------------------------------------------------------------------
 ID            NAME          REMOTE          REF-ID ST LAST POLL REACH
----------------------------------------------------------------------
* 1  10.60.10.11  10.60.10.11  192.36.143.130  3   12   64   377
----------------------------------------------------------------------
"""
FORTIOS_NTP = (
    "synchronized: yes, ntpsync: enabled, server-mode: disabled\n\nipv4 server(10.60.10.11) 10.60.10.11 -- x\n"
)
FORTIOS_UP = "== [onboard]\n" + "".join(
    f"    ==[{port}]\n        mode: static\n        ip: 0.0.0.0 0.0.0.0\n        ipv6: ::/0\n        status: up\n"
    "        speed: 1000Mbps (Duplex: full)\n        FEC: none\n        FEC_cap: none\n"
    for port in ("internal4", "internal5", "wan1")
)

ANSWERS: dict[str, dict[str, str]] = {
    "junos": {"neighbours": JUNOS_LLDP, "trunks": JUNOS_VLANS, "time": NTP, "disabled": JUNOS_INTERFACES},
    "cisco-ios": {
        "neighbours": IOS_LLDP,
        "trunks": IOS_SWITCHPORT,
        "time": "Clock is synchronized, stratum 4, reference is 10.60.10.11\n",
        "disabled": IOS_STATUS,
    },
    "arubaos-cx": {"neighbours": CX_LLDP, "trunks": CX_VLANS, "time": CX_NTP, "disabled": CX_BRIEF},
    "fortios": {"time": FORTIOS_NTP, "up": FORTIOS_UP},
}
"""By platform, by what was asked."""
