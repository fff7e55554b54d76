"""Lay the lab's wires in the kernel, plug hosts in and out, and remove all of it again.

The bridges stand in a network namespace of their own, the *switch*, so that no firewall rule of the machine can touch
what lab hosts say to each other, and one unmount removes them all. Not here: which wires there are (`lab.wiring`).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import Any

from deploy.lab.machine import LabError, run
from deploy.lab.mounts import mounts
from deploy.lab.wiring import (
    INTERFACE_PREFIX,
    NFT_TABLE,
    RETURN_TABLE,
    Port,
    Wiring,
    controller_routes,
    nft_rules,
)

ALIAS = "samdrift lab "
"""What the alias of every interface of a lab begins with; its directory follows."""


class Switch:
    """The network of one lab, in the kernel. `handle` is the file that keeps the switch's namespace."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.handle = directory / "switch"
        self._alias = f"{ALIAS}{directory}"

    @property
    def exists(self) -> bool:
        """Tell whether the switch's namespace exists."""
        return bool(mounts(self.handle))

    def inside(self, *argv: str | Path) -> list[str | Path]:
        """Return a command, to be run in the switch's namespace."""
        return ["nsenter", f"--net={self.handle}", "--", *argv]

    def refuse_strangers(self, wiring: Wiring, nameserver: IPv4Address) -> None:
        """Raise LabError if another lab holds the network, or if the lab's network would cut the machine's own."""
        for name, alias in self._strangers():
            holder = alias.removeprefix(ALIAS) or f"interface {name}"
            raise LabError(f"another lab holds this network: {holder}", fix="take that one down first")
        for segment in wiring.segments:
            for address, interface in _machine_addresses():
                if address in segment.prefix:
                    raise LabError(
                        f"this machine is itself in {segment.prefix} ({address} on {interface})",
                        fix="run the lab on another machine",
                    )
            if nameserver in segment.prefix:
                raise LabError(f"this machine's nameserver {nameserver} is in the lab's {segment.prefix}")

    def lay(self, wiring: Wiring) -> None:
        """Make everything but the ports, or what is missing of it."""
        if not self.exists:
            self.handle.touch()
            run("unshare", f"--net={self.handle}", "true")
        self._lay_bridges(wiring)
        self._lay_controller(wiring)
        run("nft", "-f", "-", stdin=nft_rules(wiring))

    def _lay_bridges(self, wiring: Wiring) -> None:
        there = {link["ifname"] for link in self.links()}
        batch = [
            f"link add {s.name} address {_mac(s.name)} type bridge" for s in wiring.segments if s.name not in there
        ]
        self._batch([*batch, *(f"link set {s.name} up" for s in wiring.segments)])

    def _lay_controller(self, wiring: Wiring) -> None:
        there = {link["ifname"] for link in _links()}
        for segment in wiring.controller:
            name, far = segment.name, f"sdc{segment.name.removeprefix(INTERFACE_PREFIX)}"
            if name not in there:
                self._lay_cable(name, far)
            self._batch([f"link set {far} master {name}", f"link set {far} up"])
            Path(f"/proc/sys/net/ipv4/conf/{name}/rp_filter").write_text("2")  # answers may come by another way
            batch = [f"addr replace {address} dev {name}" for address in segment.controller]
            run("ip", "-batch", "-", stdin="\n".join([f"link set {name} addrgenmode none up", *batch, ""]))
        run("ip", "-batch", "-", stdin="".join(f"{line}\n" for line in controller_routes(wiring)))
        if wiring.way_in is not None and not _has_return_rule():
            # What comes back from outside takes the way that it went out, through the lab's own gateway, and not the
            # controller's short cut: a stateful firewall on the gateway would see half of each conversation.
            run("ip", "rule", "add", "not", "iif", "lo", "lookup", str(RETURN_TABLE), "pref", str(RETURN_TABLE))

    def _lay_cable(self, name: str, far: str) -> None:
        """The controller's interface `name` and its end in the switch.

        It comes out of the switch with its owner's name on it: one without, left by whoever was killed in between,
        would be nobody's, and hold the network for ever.
        """
        mac = _mac(f"controller {name}")  # the same after a crash, or hosts would keep the old one in mind
        unfinished = {link["ifname"] for link in self.links()} & {far}
        self._batch([f"link delete {end}" for end in unfinished])
        run(*self.inside("ip", "link", "add", far, "type", "veth", "peer", "name", "new", "address", mac))
        run(*self.inside("ip", "link", "set", "new", "alias", self._alias))
        run(*self.inside("ip", "link", "set", "new", "netns", f"/proc/{os.getpid()}/ns/net", "name", name))

    def attach(self, ports: Iterable[Port]) -> None:
        """Put ports on their bridges, as cables are plugged in."""
        self._batch([f"link set {p.name} master {p.bridge} up" for p in ports])

    def detach(self, ports: Iterable[Port]) -> None:
        """Take ports off their bridges, as cables are pulled out."""
        self._batch([f"link set {p.name} nomaster" for p in ports])

    def clear(self, ports: Iterable[Port]) -> None:
        """Remove ports of a host that has ended; by themselves they go later, and a new host could not have them."""
        there = {link["ifname"] for link in self.links()}
        for port in (p for p in ports if p.name in there):
            with suppress(LabError):  # it went by itself just now
                self._batch([f"link delete {port.name}"])

    def links(self) -> list[dict[str, Any]]:
        """Return every interface in the switch, as `ip` tells it; none where there is no switch."""
        return _links(self.inside) if self.exists else []

    def remove(self) -> None:
        """Remove everything that `lay` made, whole or half. The namespace itself goes when its mount does."""
        for name in self.interfaces():
            run("ip", "link", "delete", name)
        if self._table_is_ours():
            run("nft", "delete", "table", "ip", NFT_TABLE)
        while self._rule_is_ours():
            run("ip", "rule", "del", "pref", str(RETURN_TABLE))

    def traces(self) -> list[str]:
        """Return what this lab has in the machine's own network: interfaces, firewall table, routing rule."""
        found = [f"interface {name}" for name in self.interfaces()]
        found += [f"nft table {NFT_TABLE}"] if self._table_is_ours() else []
        found += [f"routing rule {RETURN_TABLE}"] if self._rule_is_ours() else []
        return found

    def interfaces(self) -> list[str]:
        """Return this lab's interfaces in the controller's own namespace."""
        return [link["ifname"] for link in _links() if link.get("ifalias") == self._alias]

    def addresses(self) -> list[IPv4Interface]:
        """Return the addresses that the lab has in the controller's own namespace."""
        there = json.loads(run("ip", "-json", "-4", "address", "show") or "[]")
        own = (a for link in there if link.get("ifalias") == self._alias for a in link.get("addr_info", ()))
        return [IPv4Interface((a["local"], a["prefixlen"])) for a in own]

    def others(self) -> list[Path]:
        """Return the directories of other labs that have this network."""
        aliases = {alias for _, alias in self._strangers() if alias.startswith(ALIAS)}
        return [Path(alias.removeprefix(ALIAS)) for alias in sorted(aliases)]

    def _strangers(self) -> Iterator[tuple[str, str]]:
        """Name and alias of every interface that is a lab's, and not this one's."""
        for link in _links():
            alias = link.get("ifalias", "")
            if link["ifname"].startswith(INTERFACE_PREFIX) and alias != self._alias:
                yield link["ifname"], alias

    def _others_are_here(self) -> bool:
        return any(True for _ in self._strangers())

    def _table_is_ours(self) -> bool:
        return f"table ip {NFT_TABLE}" in run("nft", "list", "tables").splitlines() and not self._others_are_here()

    def _rule_is_ours(self) -> bool:
        return _has_return_rule() and not self._others_are_here()

    def _batch(self, lines: Sequence[str]) -> None:
        if lines:
            run(*self.inside("ip", "-batch", "-"), stdin="".join(f"{line}\n" for line in lines))


def _links(wrap: Callable[..., list[str | Path]] = lambda *argv: list(argv)) -> list[dict[str, Any]]:
    links: list[dict[str, Any]] = json.loads(run(*wrap("ip", "-json", "link", "show")) or "[]")
    return links


def _machine_addresses() -> list[tuple[IPv4Address, str]]:
    """Return the machine's own addresses, without those of a lab."""
    return [
        (IPv4Address(address["local"]), link["ifname"])
        for link in json.loads(run("ip", "-json", "-4", "address", "show") or "[]")
        for address in link.get("addr_info", ())
        if not link["ifname"].startswith(INTERFACE_PREFIX)
    ]


def _has_return_rule() -> bool:
    rules = json.loads(run("ip", "-json", "rule", "show") or "[]")
    return any(rule.get("priority") == RETURN_TABLE for rule in rules)


def _mac(name: str) -> str:
    """Return a locally administered hardware address that is always the same for this name."""
    digest = hashlib.sha256(name.encode()).digest()
    return "02:" + ":".join(f"{byte:02x}" for byte in digest[:5])
