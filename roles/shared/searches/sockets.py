"""Ports at which somebody listens, and that no role serves. Pure.

The kernel tells of each socket in which unit it was made. Behind loopback and for answers over UDP, a port is expected
if it is a service's: which services there are, other searches tell. A port that others can reach must be a role's.
Not here: whether the firewall lets anybody to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address

from inventory.frozen import Frozen
from roles.shared.searches.search import Declarations, Found, Search

LISTENING = "ss -H -ltun --cgroup"
EPHEMERAL = 32768
"""From here on, the kernel gives ports to who asks for any (ip_local_port_range): at each start another one."""
CLIENTS = frozenset({("udp", 68), ("udp", 546)})
"""Where every DHCP client is answered."""


class Listening(Frozen):
    """A socket at which somebody listens; `unit` is empty where it is not a unit of systemd's that it was made in."""

    protocol: str
    port: int
    address: str
    unit: str = ""

    @property
    def is_local(self) -> bool:
        """Tell whether only the host itself can reach it."""
        try:
            return ip_address(self.address).is_loopback
        except ValueError:
            return False

    @property
    def name(self) -> str:
        """Name it as people do; behind loopback, with its address; by its unit, where the port is another one soon."""
        if self.port >= EPHEMERAL and self.unit:
            return f"{self.protocol}/any {self.unit}"
        return f"{self.protocol}/{self.port}" + (f" {self.address}" if self.is_local else "")


def read(answer: str) -> Iterator[Listening]:
    """Yield the sockets that `ss` tells of."""
    for line in filter(str.strip, answer.splitlines()):
        words = line.split()
        address, _, port = words[4].rpartition(":")
        address = re.sub(r"[\[\]]|%.*", "", address)
        group = next((word.removeprefix("cgroup:") for word in words[6:] if word.startswith("cgroup:")), None)
        if group is None:
            raise ValueError("ss tells no cgroups")
        unit = group.rpartition("/")[2]
        is_unit = group.startswith("/system.slice/") and unit.endswith((".service", ".socket"))
        yield Listening(protocol=words[0], port=int(port), address=address, unit=_named(unit) if is_unit else "")


def _named(unit: str) -> str:
    return re.sub(r"\\x([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), unit)


def undeclared(answer: str, declared: Declarations) -> Iterator[Found]:
    """Yield the ports that somebody listens at and no role serves."""
    served = {(listen.protocol, listen.port) for listen in declared.listens} | CLIENTS
    services = {unit.partition("@")[0].removesuffix(".service") for unit in declared.units}
    for one in read(answer):
        service = one.unit.partition("@")[0].removesuffix(".service")
        if one.is_local and one.unit:
            continue
        if not one.is_local and (one.protocol, one.port) in served:
            continue
        if one.protocol == "udp" and service in services:  # where it waits for answers
            continue
        yield Found(name=one.name, state=f"{one.address} {one.unit}".strip())


PORTS = Search(kind="port", question=LISTENING, undeclared=undeclared)
