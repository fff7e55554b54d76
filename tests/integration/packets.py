"""A host with a ruleset, another machine on its link, and a client behind a narrow router: three network namespaces.

Run inside a network namespace of its own, as its root; reads the ruleset from standard input and prints as JSON what
came of each packet. It needs no root of this machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

HOST, STATION, NEIGHBOUR = "2001:db8:60:10::11", "2001:db8:60:10::250", "2001:db8:60:10::99"
STRANGER, SPOOFED, FAR = "2001:db8:bad::1", "2001:db8:59::5", "2001:db8:60:20::7"
HOST4, STATION4, STRANGER4 = "10.60.10.11", "10.60.10.250", "10.99.0.1"
LINK_LOCAL = "fe80::99"
OPEN, CLOSED = 22, 25

TCP = """\
import socket, sys
source, to, port, family = sys.argv[1], sys.argv[2], int(sys.argv[3]), socket.AF_INET6
with socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET) as asking:
    asking.settimeout(1)
    asking.bind((source, 0))
    asking.connect((to, port))
    total = 0
    while part := asking.recv(65536):
        total += len(part)
    print(total)
"""
SERVER = """\
import socket, sys, threading
def serve(family, port):
    with socket.socket(family) as here:
        here.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            here.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        here.bind(("", port))
        here.listen()
        while True:
            caller, _ = here.accept()
            with caller:
                caller.sendall(bytes(200_000))
for family in (socket.AF_INET, socket.AF_INET6):
    for port in map(int, sys.argv[1:]):
        threading.Thread(target=serve, args=(family, port)).start()
"""
ICMP = """\
import socket, sys
source, to, hops, message = sys.argv[1], sys.argv[2], int(sys.argv[3]), bytes.fromhex(sys.argv[4])
scope = socket.if_nametoindex("peer0")
with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as raw:
    raw.settimeout(1)
    raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
    raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, hops)
    raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, scope)
    if message[0] in {130, 131, 132, 143}:  # for routers as well: a hop-by-hop header says so (RFC 2710)
        raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, bytes.fromhex("0000050200000100"))
    raw.bind((source, 0, 0, scope if source.startswith("fe80") else 0))
    raw.sendto(message, (to, 0, 0, scope))
    while message[0] == 128 and raw.recv(2048)[0] != 129:
        pass
"""


def run(*argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=check)


class Machine:
    """A network namespace beside this one."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE)
        own = Path("/proc/self/ns/net").readlink()
        while Path(f"/proc/{self.process.pid}/ns/net").readlink() == own:
            time.sleep(0.01)

    def run(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return run("nsenter", f"--net=/proc/{self.process.pid}/ns/net", "--", *argv, check=check)

    def python(self, script: str, *argv: str) -> str:
        """What a script prints here; empty if it failed."""
        return self.run(sys.executable, "-c", script, *argv, check=False).stdout.strip()

    def sent(self, *argv: str) -> bool:
        """Whether an ICMPv6 message could be sent and, if it was a ping, was answered."""
        return self.run(sys.executable, "-c", ICMP, *argv, check=False).returncode == 0


def ip(text: str) -> None:
    run("ip", *text.split())


def laid(peer: Machine, client: Machine) -> None:
    """The wires: this host and its neighbour on one link; the neighbour routes to a client, over a narrow link."""
    ip("link set lo up")
    ip("link add host0 type veth peer name peer0")
    ip(f"link set peer0 netns {peer.process.pid}")
    ip("link set host0 up")
    for address in (f"{HOST}/64 nodad", f"{HOST4}/24", "fe80::11/64 nodad"):
        ip(f"address add {address} dev host0")
    inside = [f"address add {a}/64 dev peer0 nodad" for a in (STATION, NEIGHBOUR, STRANGER, LINK_LOCAL)]
    inside += [f"address add {SPOOFED}/64 dev lo nodad", f"address add {STATION4}/24 dev peer0"]
    inside += [f"address add {STRANGER4}/24 dev peer0", "link set peer0 up"]
    inside += ["link add narrow0 type veth peer name client0", f"link set client0 netns {client.process.pid}"]
    inside += ["address add 2001:db8:60:20::1/64 dev narrow0 nodad", "link set narrow0 mtu 1280 up"]
    for line in inside:
        peer.run("ip", *line.split())
    peer.run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding")
    for line in (f"address add {FAR}/64 dev client0 nodad", "link set client0 up"):
        client.run("ip", *line.split())
    client.run("ip", "-6", "route", "add", "default", "via", "2001:db8:60:20::1")
    for line in (f"-6 route add default via {NEIGHBOUR}", f"route add default via {STATION4}"):
        ip(line)
    ip("-6 route add 2001:db8:59::/64 dev lo")  # so that nobody on the link has one of these


def counted(rules: list[str]) -> list[int]:
    """How many packets that the ruleset let in each of these rules has seen."""
    listed = json.loads(run("nft", "-j", "list", "table", "inet", "seen").stdout)["nftables"]
    found = [x["rule"]["expr"] for x in listed if "rule" in x]
    assert len(found) == len(rules)
    return [next(e["counter"]["packets"] for e in expr if "counter" in e) for expr in found]


def main() -> None:
    ruleset, cases = json.load(sys.stdin)
    peer, client = Machine(), Machine()
    laid(peer, client)
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(OPEN), str(CLOSED)])
    try:
        subprocess.run(["nft", "-f", "-"], input=ruleset, text=True, check=True)
        rules = [f"ip6 saddr {c['source']} ip6 hoplimit {c['hops']} icmpv6 type {c['type']} counter" for c in cases]
        chain = "\n".join(["type filter hook input priority 10; policy accept;", *rules])
        seen = f"table inet seen {{\nchain after {{\n{chain}\n}}\n}}\n"
        subprocess.run(["nft", "-f", "-"], input=seen, text=True, check=True)
        while peer.python(TCP, STATION4, HOST4, str(OPEN)) != "200000":
            time.sleep(0.05)
        came = []
        for number, case in enumerate(cases):
            before = counted(rules)[number]
            sent = peer.sent(case["source"], case["to"], str(case["hops"]), case["message"])
            came.append(counted(rules)[number] > before or (case["type"] == 128 and sent))
        tcp = {
            f"{name} {port}": machine.python(TCP, source, to, str(port)) == "200000"
            for port in (OPEN, CLOSED)
            for name, machine, source, to in (
                ("station", peer, STATION, HOST),
                ("station4", peer, STATION4, HOST4),
                ("neighbour", peer, NEIGHBOUR, HOST),
                ("stranger", peer, STRANGER, HOST),
                ("stranger4", peer, STRANGER4, HOST4),
                ("far", client, FAR, HOST),
            )
        }
        sys.stdout.write(json.dumps({"icmp": came, "tcp": tcp}))
    finally:
        for process in (server, peer.process, client.process):
            process.kill()


main()
