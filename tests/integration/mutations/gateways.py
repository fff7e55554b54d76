"""What breaks the checks of the roles of gateways: tunnels, routes, shared addresses, neighbours."""

from __future__ import annotations

from tests.integration.mutations.change import (
    CABLE,
    NOWHERE,
    Change,
    Changes,
    configured,
    disabled,
    edited,
    loosened,
    masked,
    stopped,
)

EDGE, HUBS = "heb-gw1", ("tie-gw1", "tie-gw2")
FRR = "/etc/frr/frr.conf"
READ_FRR = (
    f"/usr/lib/frr/frr-reload.py --reload --bindir /usr/bin --confdir /etc/frr --rundir /run/frr {FRR} > /dev/null 2>&1"
)
STRANGER = """python3 -c '
import os, socket, struct
port = socket.if_indextoname(int(os.environ["PORT"]))
tlv = lambda kind, value: struct.pack("!H", kind << 9 | len(value)) + value
known = tlv(1, bytes.fromhex("04020000000066")) + tlv(2, b"\\x05eth0") + tlv(3, struct.pack("!H", {ttl}))
name = tlv(5, b"stranger") if {ttl} else b""
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind((port, 0))
wire.send(bytes.fromhex("0180c200000e02000000006688cc") + known + name + tlv(0, b""))
'"""
"""A device that says its name by LLDP, for as many seconds; 0: it says that it is gone."""


def vtysh(*lines: str) -> str:
    """These lines of configuration, given to FRR."""
    return "vtysh " + " ".join(f"-c '{line}'" for line in ("configure terminal", *lines))


def told_frr(*lines: str) -> Change:
    """FRR was told something that its file does not say."""
    return Change(vtysh(*lines), READ_FRR)


LLDP: Changes = {
    "its service may do what it needs and nothing else": loosened("lldpd.service"),
    "lldpd runs and is enabled": (stopped("lldpd.service"), masked("lldpd.service")),
    "it says the name that netbox has for it": (
        Change("lldpcli configure system hostname mutation", f"lldpcli configure system hostname {EDGE}"),
    ),
    "it speaks at the ports of netbox and at no other": (
        Change(
            "ip link add mutation type veth peer name other && ip link set mutation up && ip link set other up && "
            "lldpcli configure system interface pattern '*'",
            "ip link del mutation && systemctl restart lldpd",
        ),
        Change("lldpcli configure system interface pattern lan0", "systemctl restart lldpd"),
    ),
    "every neighbour is where a cable of netbox leads": (
        Change(STRANGER.format(ttl=120), STRANGER.format(ttl=0), at=(CABLE,)),
    ),
}

WIREGUARD: Changes = {
    "its service may do what it needs and nothing else": loosened("wg-quick@.service", starts=False),
    "every tunnel is up and comes back at boot": (stopped("wg-quick@wg2"), disabled("wg-quick@wg2.service")),
    "the private key is its owners alone": (
        Change("chmod 640 /etc/wireguard/private.key", "chmod 600 /etc/wireguard/private.key"),
    ),
    "the fleet knows its public key": (
        Change(
            "cd /etc/wireguard && cp -a private.key kept.key && wg genkey > private.key",
            "cd /etc/wireguard && mv kept.key private.key",
        ),
    ),
    "every tunnel speaks by that key": (
        Change("wg genkey | wg set wg2 private-key /dev/stdin", "wg set wg2 private-key /etc/wireguard/private.key"),
        stopped("wg-quick@wg2"),
    ),
    "it has exactly the fleets peers and they may speak in exactly their own names": (
        Change(f"wg set wg2 peer $(wg genkey | wg pubkey) allowed-ips {NOWHERE}/32", "systemctl reload wg-quick@wg2"),
        Change(
            "wg set wg2 peer $(wg show wg2 peers) "
            f"allowed-ips $(wg show wg2 allowed-ips | cut -f 2 | tr ' ' ,),{NOWHERE}/32",
            "systemctl reload wg-quick@wg2",
        ),
    ),
    "who is there is spoken with": (
        Change("wg genkey | wg set wg2 private-key /dev/stdin", "wg set wg2 private-key /etc/wireguard/private.key"),
    ),
}

EDGE_GATEWAY: Changes = {
    "its service may do what it needs and nothing else": loosened("frr.service", starts=False),
    "frr runs and is enabled": (stopped("frr.service"), masked("frr.service")),
    "all its daemons are up": (configured("frr", "/etc/frr/daemons", "s/^bgpd=yes/bgpd=no/"),),
    "what runs is what is written": (
        told_frr(f"ip route {NOWHERE}/32 blackhole"),
        edited(FRR, f"$ a ip route {NOWHERE}/32 blackhole"),
    ),
    "it has exactly the fleets neighbours": (
        Change(
            f"{vtysh('router bgp ASN', f'neighbor {NOWHERE} remote-as 65000')}".replace(
                "'router bgp ASN'", "\"$(sed -n '/^router bgp/p' /etc/frr/frr.conf)\""
            ),
            READ_FRR,
        ),
    ),
    "it has a session with every neighbour that speaks bgp": (
        Change(
            vtysh("router bgp ASN", "neighbor 10.59.2.1 shutdown").replace(
                "'router bgp ASN'", "\"$(sed -n '/^router bgp/p' /etc/frr/frr.conf)\""
            ),
            READ_FRR,
        ),
    ),
    "its own prefixes are connected": (
        Change(
            "ip route del 10.63.10.0/24 dev lan0 proto kernel",
            "ip route add 10.63.10.0/24 dev lan0 proto kernel scope link src 10.63.10.1",
        ),
    ),
    "the kernel has the routes of every session by the preferred neighbour": (
        Change(
            f"{vtysh('route-map tie-gw1-wg1-in permit 10', 'set local-preference 1')} && "
            "vtysh -c 'clear bgp ipv4 unicast * soft in' && sleep 6",  # it waits for more changes before it acts
            READ_FRR,
        ),
    ),
    "bgp brought no route that is not the fleets": (
        Change(f"ip route add {NOWHERE}/32 dev lan0 proto bgp", f"ip route del {NOWHERE}/32 dev lan0 proto bgp"),
    ),
    "what bgp knows no way to is discarded": (told_frr("no ip route 10.60.10.0/24 blackhole 254"),),
    "the kernel forwards": (Change("sysctl -w net.ipv4.ip_forward=0", "sysctl -w net.ipv4.ip_forward=1"),),
}

KEEPALIVED: Changes = {
    "its service may do what it needs and nothing else": loosened("keepalived.service"),
    "keepalived runs and comes back at boot": (disabled("keepalived.service"), masked("keepalived.service")),
    "every shared address is held by somebody": (
        Change("systemctl stop keepalived", "systemctl start keepalived", at=HUBS),
    ),
    "the preferred one holds all if it reaches an edge": (stopped("keepalived.service"),),
}
