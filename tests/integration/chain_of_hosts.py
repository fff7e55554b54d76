"""Hosts in a row, each a network namespace with its own ruleset and routes, and packets sent from one end to another.

Run as root of a network namespace of its own; reads machines, links and packets from standard input and prints as JSON
the packets that came in at the last machine, behind its ruleset.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.integration.seen_packets import packets_in

SENDER = """\
import json, socket, struct, sys
def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff
for source, to, protocol, port in json.load(sys.stdin):
    kind = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM, "icmp": socket.SOCK_RAW}[protocol]
    with socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP if protocol == "icmp" else 0) as here:
        here.setsockopt(socket.IPPROTO_IP, 19, 1)  # IP_TRANSPARENT: as anybody
        here.setblocking(False)
        here.bind((source, 0))
        if protocol == "tcp":
            here.connect_ex((to, port))
        elif protocol == "udp":
            here.sendto(b"?", (to, port))
        else:
            empty = struct.pack("!BBHHH", 8, 0, 0, 7, 7)
            here.sendto(struct.pack("!BBHHH", 8, 0, checksum(empty), 7, 7), (to, 0))
"""
SEEN = """\
table ip seen {
  set ports { typeof ip saddr . ip daddr . meta l4proto . th dport; flags dynamic; size 65535; }
  set pings { typeof ip saddr . ip daddr; flags dynamic; size 65535; }
  chain in {
    type filter hook input priority 10; policy accept;
    icmp type echo-request update @pings { ip saddr . ip daddr }
    meta l4proto { tcp, udp } ct state new update @ports { ip saddr . ip daddr . meta l4proto . th dport }
  }
}
"""


class Machine:
    """A host in the row."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told
        self.process = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE)
        own = Path("/proc/self/ns/net").readlink()
        while Path(f"/proc/{self.process.pid}/ns/net").readlink() == own:
            time.sleep(0.01)

    def run(self, *argv: str, text: str | None = None) -> str:
        inside = ("nsenter", f"--net=/proc/{self.process.pid}/ns/net", "--", *argv)
        done = subprocess.run(inside, input=text, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{self.told['name']}: {' '.join(argv)}: {done.stderr}")
        return done.stdout

    def set_up(self) -> None:
        self.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter")
        for interface, address in self.told["addresses"]:
            self.run("ip", "address", "add", address, "dev", interface)
        for interface in dict.fromkeys(("lo", *(i for i, _ in self.told["addresses"]))):
            self.run("ip", "link", "set", interface, "up")
        for destination, via in self.told["routes"]:
            self.run("ip", "route", "add", destination, "via", via)
        if self.told["ruleset"]:
            self.run("nft", "-f", "-", text=self.told["ruleset"])

    def came(self) -> list[list[object]]:
        return packets_in(self.run("nft", "-j", "list", "table", "ip", "seen"))


def main() -> None:
    told = json.load(sys.stdin)
    machines = {m["name"]: Machine(m) for m in told["machines"]}
    try:
        for (a, at_a), (b, at_b) in told["links"]:
            one, other = (str(machines[name].process.pid) for name in (a, b))
            line = f"link add {at_a} netns {one} type veth peer name {at_b} netns {other}"
            subprocess.run(["ip", *line.split()], check=True)
        for machine in machines.values():
            machine.set_up()
        last = machines[told["to"]]
        last.run("nft", "-f", "-", text=SEEN)
        for _ in range(3):  # who sends first waits for ARP, and a queue of that is short
            machines[told["from"]].run(sys.executable, "-c", SENDER, text=json.dumps(told["packets"]))
            time.sleep(0.3)
        sys.stdout.write(json.dumps(last.came()))
    finally:
        for machine in machines.values():
            machine.process.kill()


main()
