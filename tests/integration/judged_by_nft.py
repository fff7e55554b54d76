"""The rulesets of hosts, one after another in one kernel, and packets sent at them: which of them came in or through.

Run inside a network namespace of its own, as its root; reads cases from standard input and prints as JSON, for each,
the packets (source, destination, protocol, port) that the ruleset let in, or through. A second namespace sends them.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

from tests.integration.seen_packets import packets_in

SENDER = """\
import json, os, socket, struct, sys
AS_ANYBODY = {4: (socket.IPPROTO_IP, 19), 6: (socket.IPPROTO_IPV6, 75)}  # IP_TRANSPARENT

def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff

def echo(version):
    if version == 6:
        return struct.pack("!BBHHH", 128, 0, 0, 7, 7)  # the kernel sums it up
    return struct.pack("!BBHHH", 8, 0, checksum(struct.pack("!BBHHH", 8, 0, 0, 7, 7)), 7, 7)

def send(source, to, protocol, port):
    version = 6 if ":" in to else 4
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    icmp = socket.IPPROTO_ICMPV6 if version == 6 else socket.IPPROTO_ICMP
    kinds = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM, "icmp": socket.SOCK_RAW}
    kind, number = kinds[protocol], icmp if protocol == "icmp" else 0
    with socket.socket(family, kind, number) as here:
        here.setsockopt(*AS_ANYBODY[version], 1)
        here.setblocking(False)
        here.bind((source, 0))
        if protocol == "tcp":
            here.connect_ex((to, port))
        else:
            here.sendto(echo(version) if protocol == "icmp" else b"?", (to, port or 0))

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # the kernel then takes them up in this order
for line in sys.stdin:
    for packet in json.loads(line):
        try:
            send(*packet)
        except OSError as e:
            sys.exit(f"{packet}: {e}")
    print("sent", flush=True)
"""
TO_HERE, TO_HERE6, HERE, THERE = "169.254.9.1", "fe80::1", "02:00:00:00:00:01", "02:00:00:00:00:02"

LAST = ("192.0.2.1", TO_HERE, "udp", 9)
"""A packet for nobody: it only shows that those before it have arrived."""


def run(*argv: str, text: str | None = None) -> str:
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(argv)}: {done.stderr}")
    return done.stdout


def ip(text: str) -> None:
    run("ip", *text.split())


def set_up() -> subprocess.Popen[str]:
    """Lay a wire to a second namespace, from which everything is sent to this host; start what sends there."""
    other = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE)
    own = Path("/proc/self/ns/net").readlink()
    while Path(f"/proc/{other.pid}/ns/net").readlink() == own:
        time.sleep(0.01)
    there = ("nsenter", f"--net=/proc/{other.pid}/ns/net", "--")
    for key in ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.conf.all.rp_filter=0"):
        name, _, value = key.partition("=")
        Path("/proc/sys", *name.split(".")).write_text(value)
    ip(f"link add in0 address {HERE} type veth peer name peer0 address {THERE}")
    ip(f"link set peer0 netns {other.pid}")
    for line in (
        "link set lo up",
        f"address add {TO_HERE}/30 dev in0",
        "link set in0 up",
        f"-6 address add {TO_HERE6}/64 dev in0 nodad",
        f"neigh replace 169.254.9.2 lladdr {THERE} dev in0 nud permanent",
        f"-6 neigh replace fe80::2 lladdr {THERE} dev in0 nud permanent",
        "route add default via 169.254.9.2",
        "-6 route add default via fe80::2 dev in0",
    ):
        ip(line)
    for name in ("out0", "hub0"):
        ip(f"link add {name} type veth peer name {name}-end")
        ip(f"link set {name}-end up")
        ip(f"link set {name} up arp off")
    for line in (
        "link set lo up",
        "address add 169.254.9.2/30 dev peer0",
        "link set peer0 up",
        "-6 address add fe80::2/64 dev peer0 nodad",
        f"neigh replace {TO_HERE} lladdr {HERE} dev peer0 nud permanent",
        f"-6 neigh replace {TO_HERE6} lladdr {HERE} dev peer0 nud permanent",
        f"route add default via {TO_HERE}",
        f"-6 route add default via {TO_HERE6} dev peer0",
    ):
        run(*there, "ip", *line.split())
    return subprocess.Popen(
        [*there, sys.executable, "-c", SENDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


SEEN = """\
table inet seen {
  set four { typeof ip saddr . ip daddr . meta l4proto . th dport; flags dynamic; size 65535; }
  set six { typeof ip6 saddr . ip6 daddr . meta l4proto . th dport; flags dynamic; size 65535; }
  set ping4 { typeof ip saddr . ip daddr; flags dynamic; size 65535; }
  set ping6 { typeof ip6 saddr . ip6 daddr; flags dynamic; size 65535; }
  chain come {
    icmp type echo-request update @ping4 { ip saddr . ip daddr } return
    icmpv6 type echo-request update @ping6 { ip6 saddr . ip6 daddr } return
    meta l4proto { tcp, udp } meta nfproto ipv4 update @four { ip saddr . ip daddr . meta l4proto . th dport }
    meta l4proto { tcp, udp } meta nfproto ipv6 update @six { ip6 saddr . ip6 daddr . meta l4proto . th dport }
  }
  chain arrive { type filter hook prerouting priority -500; policy accept; iifname in0 udp dport 9 counter; }
  chain in { type filter hook input priority 10; policy accept; iifname in0 jump come; }
  chain through { type filter hook forward priority 10; policy accept; iifname in0 jump come; }
}
"""


def came() -> list[list[object]]:
    """The packets that came behind the ruleset's own chains."""
    return packets_in(run("nft", "-j", "list", "table", "inet", "seen"))


def forget_connections() -> None:
    """Have the kernel forget whom it knows (ctnetlink): the next ruleset would take them for established."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as netfilter:
        netfilter.send(struct.pack("=IHHIIBBH", 20, (1 << 8) | 2, 0x5, 1, 0, 0, 0, 0))
        (error,) = struct.unpack_from("=i", netfilter.recv(4096), 16)
    if error:
        sys.exit(f"connections could not be forgotten: error {-error}")


def last_arrived() -> bool:
    """Whether the packet that was sent behind all others has arrived, and so have they."""
    listed = json.loads(run("nft", "-j", "list", "chain", "inet", "seen", "arrive"))["nftables"]
    counters = (e["counter"]["packets"] for x in listed if "rule" in x for e in x["rule"]["expr"] if "counter" in e)
    return any(counters)


def main() -> None:
    sender = set_up()
    assert sender.stdin is not None
    assert sender.stdout is not None
    answers = []
    for case in json.load(sys.stdin):
        run("nft", "-f", "-", text=case["ruleset"])
        run("nft", "-f", "-", text=SEEN)
        for address in case["own"]:
            ip(f"address add {address} dev lo{' nodad' if ':' in address else ''}")
            while not run("ip", "route", "get", address).startswith("local "):
                time.sleep(0.01)  # of IPv6, the kernel makes it its own a little later
        for destination in case["beyond"]:
            ip(f"route add {destination} dev {case['leaves_by']}")
        sender.stdin.write(json.dumps([*case["packets"], LAST]) + "\n")
        sender.stdin.flush()
        if sender.stdout.readline() != "sent\n":
            sys.exit("the packets could not be sent")
        while not last_arrived():
            time.sleep(0.01)
        answers.append(came())
        for address in case["own"]:
            ip(f"address del {address} dev lo")
        for destination in case["beyond"]:
            ip(f"route del {destination} dev {case['leaves_by']}")
        run("nft", "flush", "ruleset")
        forget_connections()
    sys.stdout.write(json.dumps(answers))
    sender.kill()


main()
