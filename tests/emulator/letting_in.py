"""Whom a device lets in by SSH: who stands in its running configuration, by which key, from where. Pure.

Written from the vendors' documents and not from samdrift's data, each rule with its source; so that whoever takes his
own key away does not get in again.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from tests.emulator.grammar import Tree


@dataclass(frozen=True)
class Caller:
    """Somebody who knocks: as whom, with which public key (`type base64`), from where, and at which address."""

    user: str
    key: str
    source: str
    at: str

    @property
    def by_ipv6(self) -> bool:
        return ":" in self.source


def lets_in(platform: str, running: Tree, caller: Caller, *, needs_address: bool = False) -> bool:
    """Whether a device with this configuration lets somebody in.

    Args:
        needs_address: whether the address that is called must stand in the configuration (on loopback, it may not).
    """
    return RULES[platform](running, caller) and (not needs_address or has_address(running, caller.at))


def serves_netconf(platform: str, running: Tree) -> bool:
    """Whether a device with this configuration has a NETCONF server (Juniper, statement `netconf`)."""
    return platform == "junos" and _has(running, "system", "services", "netconf", "ssh")


def first_setup(platform: str, user: str, key: str) -> tuple[str, ...]:
    """What a person types on the console of a new device, so that samdrift gets in (docs/devices.md)."""
    kind, body = key.split()[:2]
    junos_kind = "ssh-ecdsa" if kind.startswith("ecdsa") else kind
    return {
        "arubaos-cx": (
            f"user {user} group administrators password plaintext first",
            f"user {user} authorized-key {kind} {body}",
            "ssh server vrf default",
        ),
        "cisco-ios": (
            f"username {user} privilege 15 secret first",
            "ip ssh pubkey-chain",
            f"username {user}",
            f"key-hash {kind} {_md5(key)}",
            "exit",
            "exit",
            "line vty 0 4",
            "transport input ssh",
            "exit",
        ),
        "junos": (
            f"set system login user {user} class super-user",
            f'set system login user {user} authentication {junos_kind} "{kind} {body}"',
            "set system services ssh",
        ),
        "fortios": (
            "config system admin",
            f'edit "{user}"',
            'set accprofile "super_admin"',
            'set vdom "root"',
            f'set ssh-public-key1 "{kind} {body}"',
            "next",
            "end",
        ),
        "frr": (),
    }[platform]


def _md5(key: str) -> str:
    return hashlib.md5(base64.b64decode(key.split()[1]), usedforsecurity=False).hexdigest().upper()


def _lines(tree: Tree, *path: str) -> Iterator[str]:
    """What stands below these sections, each a pattern for the whole line."""
    if not path:
        yield from tree
        return
    for line, below in tree.items():
        if re.fullmatch(path[0], line):
            yield from _lines(below, *path[1:])


def _has(tree: Tree, *path: str) -> bool:
    *above, last = path
    return any(re.fullmatch(last, line) for line in _lines(tree, *above))


def has_address(running: Tree, address: str) -> bool:
    """Whether the address stands somewhere as an interface's: with a length, with a mask, or below `address`; that of
    IPv6 in small letters or in capitals.
    """
    written = re.compile(rf"(?i)(?:^|\s){re.escape(address)}(?:[/ ]|$)")
    return any(written.search(line) for line in _everything(running))


def _everything(tree: Tree) -> Iterator[str]:
    for line, below in tree.items():
        yield line
        yield from _everything(below)


def _permits(rules: Iterable[tuple[bool, str, bool]], source: str) -> bool:
    """The first rule that is about SSH and this source decides; without one, nobody comes in (implicit deny).

    Each rule is: whether it permits, its source (`any`, an address, with a length, a mask or a wildcard), whether it is
    about SSH.
    """
    for permits, of, about_ssh in rules:
        words = of.replace("/", " ").replace("host ", "").split()
        network = "/".join(words)
        if network.endswith("/0.0.0.0"):
            network = words[0]
        if about_ssh and (words == ["any"] or ip_address(source) in ip_network(network, strict=False)):
            return permits
    return False


def _cx(running: Tree, caller: Caller) -> bool:
    """HPE AOS-CX Security Guide, `user authorized-key`, `ssh server vrf`; ACLs and Classifier Policies Guide, `apply
    access-list … control-plane`: rules in the order of their numbers, at the end an implicit deny; a list of IPv4
    (`ip`) says nothing of IPv6 (`ipv6`).
    """
    user, (kind, body) = re.escape(caller.user), caller.key.split()
    if not _has(running, f"user {user} group .*"):
        return False
    if not _has(running, f"user {user} authorized-key {kind} {re.escape(body)}( .*)?"):
        return False
    if not _has(running, "ssh server vrf .*"):
        return False
    for line in running:
        family = "ipv6" if caller.by_ipv6 else "ip"
        bound = re.fullmatch(rf"apply access-list {family} (\S+) control-plane vrf default", line)
        if bound and not _permits(_cx_rules(running, family, bound[1]), caller.source):
            return False
    return True


def _cx_rules(running: Tree, family: str, name: str) -> list[tuple[bool, str, bool]]:
    found = []
    for line in _lines(running, f"access-list {family} {re.escape(name)}"):
        rule = re.fullmatch(r"(\d+) (permit|deny) (\S+) (\S+) (\S+)(?: eq (\S+))?.*", line)
        if rule:
            about_ssh = rule[3] in {"any", "ip", "ipv6", "tcp"} and rule[6] in {None, "ssh", "22"}
            found.append((int(rule[1]), (rule[2] == "permit", rule[4], about_ssh)))
    return [rule for _, rule in sorted(found)]


def _ios(running: Tree, caller: Caller) -> bool:
    """Cisco IOS XE 17 Secure Shell Configuration Guide, "Configuring the Cisco IOS SSH Server to Perform RSA-Based User
    Authentication" (the MD5 of the key, in capitals); IP Addressing, `access-class` (a line takes whoever its list
    permits; a list that is not there permits all); IPv6 Command Reference, `ipv6 access-class` (without one, everybody
    may come by IPv6, whatever `access-class` says); Terminal Services Command Reference, `transport input`.
    """
    user, kind = re.escape(caller.user), caller.key.split()[0]
    if not _has(running, rf"username {user}( .*)?"):
        return False
    if not _has(running, "ip ssh pubkey-chain", f"username {user}", f"key-hash {kind} {_md5(caller.key)}( .*)?"):
        return False
    return any(
        any(re.fullmatch(r"transport input (.* )?(ssh|all)( .*)?", one) for one in below)
        and _line_takes(running, below, caller)
        for line, below in running.items()
        if line.startswith("line vty ")
    )


def _line_takes(running: Tree, below: Tree, caller: Caller) -> bool:
    if caller.by_ipv6:
        names = [m[1] for line in below if (m := re.fullmatch(r"ipv6 access-class (\S+) in.*", line))]
        there = [n for n in names if f"ipv6 access-list {n}" in running]
        return all(_permits(_ios_rules6(running, name), caller.source) for name in there)
    names = [m[1] for line in below if (m := re.fullmatch(r"access-class (\S+) in.*", line))]
    there = [n for n in names if f"ip access-list standard {n}" in running]
    return all(_permits(_ios_rules(running, name), caller.source) for name in there)


def _ios_rules(running: Tree, name: str) -> list[tuple[bool, str, bool]]:
    found = []
    for place, line in enumerate(_lines(running, f"ip access-list standard {re.escape(name)}")):
        rule = re.fullmatch(r"(\d+ )?(permit|deny) +((?:host )?\S+(?: [\d.]+)?)", line)
        if rule:
            found.append((int(rule[1] or place), (rule[2] == "permit", rule[3], True)))
    return [rule for _, rule in sorted(found)]


def _ios_rules6(running: Tree, name: str) -> Iterator[tuple[bool, str, bool]]:
    for line in _lines(running, f"ipv6 access-list {re.escape(name)}"):
        rule = re.fullmatch(r"(?:sequence \d+ )?(permit|deny) (\S+) ((?:host )?\S+) any( eq \S+)?", line)
        if rule:
            yield rule[1] == "permit", rule[3], rule[2] in {"ipv6", "tcp"} and rule[4] in {None, " eq 22"}


def _junos(running: Tree, caller: Caller) -> bool:
    """Junos CLI Reference, `authentication (login)`, `ssh (system services)`, `root-login`; Routing Policies, Firewall
    Filters User Guide: a filter on lo0 judges what is for the device, term by term, and discards the rest; a
    term without an action accepts. A filter of `family inet` judges no IPv6, in which the protocol is the `next-header`
    ("Firewall Filter Match Conditions for IPv6 Traffic"). Of firewalls: Security Zones Guide, `host-inbound-traffic`.
    """
    user, (kind, body) = re.escape(caller.user), caller.key.split()
    of = ("system", "login", "user", user)
    statement = "ssh-ecdsa" if kind.startswith("ecdsa") else kind
    key = rf'"?{kind} {re.escape(body)}( .*)?"?'
    if not _has(running, *of, "class") or not _has(running, *of, "authentication", statement, key):
        return False
    if not _has(running, "system", "services", "ssh") or _has(running, "system", "services", "ssh", "no-public-keys"):
        return False
    if not _zone_takes_ssh(running, caller.at):
        return False
    family = "inet6" if caller.by_ipv6 else "inet"
    filters = list(_lines(running, "interfaces", "lo0", "unit", "0", "family", family, "filter", "input"))
    return all(_permits(_junos_rules(running, family, name), caller.source) for name in filters)


def _zone_takes_ssh(running: Tree, address: str) -> bool:
    """Whether the zone of the interface with an address lets SSH in to the device: where there are zones, an interface
    in none takes nothing, but for the port of management; what is said of an interface counts before its zone's.
    """
    zones = running.get("security", {}).get("zones", {}).get("security-zone", {})
    for port, of in running.get("interfaces", {}).items() if zones else ():
        for unit, below in of.get("unit", {}).items():
            here = any(a.partition("/")[0] == address for a in _lines(below, "family", "inet6?", "address"))
            if here and not port.startswith(("fxp", "lo")):
                holds = [zone for zone in zones.values() if f"{port}.{unit}" in zone.get("interfaces", {})]
                own = [zone["interfaces"][f"{port}.{unit}"] for zone in holds]
                counts = [level for level in (*own, *holds) if "host-inbound-traffic" in level]
                services = list(_lines(counts[0], "host-inbound-traffic", "system-services")) if counts else []
                return bool({"ssh", "all", "any-service"} & {*services})
    return True


def _junos_rules(running: Tree, family: str, name: str) -> Iterator[tuple[bool, str, bool]]:
    terms = ("firewall", "family", family, "filter", re.escape(name), "term")
    for term in _lines(running, *terms):
        of = (*terms, re.escape(term))
        protocols = list(_lines(running, *of, "from", "protocol|next-header"))
        ports = list(_lines(running, *of, "from", "destination-port"))
        about_ssh = (not protocols or "tcp" in protocols) and (not ports or bool({"ssh", "22"} & set(ports)))
        for source in list(_lines(running, *of, "from", "source-address")) or ["any"]:
            yield not _has(running, *of, "then", "discard|reject"), source, about_ssh


def _fortios(running: Tree, caller: Caller) -> bool:
    """FortiOS CLI Reference, `config system admin` (`ssh-public-key1` to `3`; `trusthost1` to `10` and `ip6-trusthost1`
    to `10`: without any of a family, everybody of it) and `config system interface` (`allowaccess`, and
    `ip6-allowaccess` below `config ipv6`, of the interface that has the address).
    """
    of = ("config system admin", rf'edit "?{re.escape(caller.user)}"?')
    if not _has(running, *of, r"set ssh-public-key[123] \"" + re.escape(caller.key) + r'( .*)?"'):
        return False
    host = r"set ip6-trusthost\d+ (\S+)" if caller.by_ipv6 else r"set trusthost\d+ (\S+ \S+)"
    trusted = [m[1] for line in _lines(running, *of) if (m := re.fullmatch(host, line))]
    if trusted and not _permits([(True, "any" if t == "0.0.0.0 0.0.0.0" else t, True) for t in trusted], caller.source):
        return False
    at = re.escape(caller.at)
    for entry, below in running.get("config system interface", {}).items():
        says = below.get("config ipv6", {}) if caller.by_ipv6 else below
        if any(re.fullmatch(rf"set (?:ip|ip6-address) {at}(?: \S+|/\d+)", line) for line in says):
            opens = _has(says, r"set (?:ip6-)?allowaccess (.* )?ssh( .*)?") and "set status down" not in below
            return opens and _local_in(running, caller, entry.removeprefix("edit ").strip('"'))
    return True


def _local_in(running: Tree, caller: Caller, interface: str) -> bool:
    """FortiOS Administration Guide, "Local-in policy": the first policy that matches decides, and it denies if it says
    nothing else; what none matches, the interface's access decides.
    """
    family = "6" if caller.by_ipv6 else ""
    for policy in running.get(f"config firewall local-in-policy{family}", {}).values():
        said = {
            key: [word.strip('"') for word in words]
            for _, key, *words in (line.split() for line in policy if line.startswith("set "))
        }
        if said.get("status") == ["disable"] or not {"any", interface} & set(said.get("intf", ["any"])):
            continue
        if not {"ALL", "SSH"} & set(said.get("service", ["ALL"])):
            continue
        if any(name == "all" or _in_object(running, family, name, caller.source) for name in said.get("srcaddr", [])):
            return said.get("action") == ["accept"]
    return True


def _in_object(running: Tree, family: str, name: str, source: str) -> bool:
    says = _lines(running, f"config firewall address{family}", rf'edit "?{re.escape(name)}"?')
    networks = (m[1].replace(" ", "/") for line in says if (m := re.fullmatch(r"set (?:subnet|ip6) (.+)", line)))
    return any(ip_address(source) in ip_network(network, strict=False) for network in networks)


def _frr(_running: Tree, _caller: Caller) -> bool:
    """FRR User Manual, VTY shell: vtysh is a program; who may log in to the host is not in its configuration."""
    return True


RULES: dict[str, Callable[[Tree, Caller], bool]] = {
    "arubaos-cx": _cx,
    "cisco-ios": _ios,
    "fortios": _fortios,
    "frr": _frr,
    "junos": _junos,
}
