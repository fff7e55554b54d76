"""What Junos finds wrong with a draft of a firewall when it is committed, as then none of it comes into force. Pure.

Each rule names its source:

- ZONES: Junos OS Security Zones Guide ("an interface can belong to one zone", `host-inbound-traffic`); a knowledge base
  article of Juniper on zones that are called `management`.
- POLICIES: Junos OS Security Policies Guide (zones, addresses and applications that a policy names are there; `any` and
  `junos-…` are predefined); google/capirca#35: the global address book and books of zones exclude one another.
- NAT: Junos OS NAT Guide, "Understanding Source NAT Rules" ("you cannot configure the same from and to contexts for
  different rule sets").
- IFACES: Junos OS Interfaces Guide (`vlan-id` needs `vlan-tagging` or `flexible-vlan-tagging`; no untagged unit then;
  a unit that switches has no other family).
- FILTERS: Junos OS Routing Policies and Firewall Filters Guide (a filter that is bound is there).

Not here: what a line alone does (`grammar_junos`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.emulator.language import Tree

NO_NAMES = {"management", "junos-host", "junos-global"}
PREDEFINED = r"any(-ipv[46])?|junos-.*"


def wrong_in(draft: Tree) -> str:
    """The first thing that is wrong; empty if nothing is."""
    return next((f"error: {said}" for said in _wrong(draft)), "")


def at(tree: Tree, *path: str) -> Tree:
    """What stands below these words; nothing if they are not there."""
    for word in path:
        tree = tree.get(word, {})
    return tree


def _wrong(draft: Tree) -> Iterator[str]:
    yield from _zones(draft)
    yield from _policies(draft)
    yield from _books(draft)
    yield from _nat(draft)
    yield from _units(draft)
    yield from _filters(draft)


def _zones(draft: Tree) -> Iterator[str]:
    zones = at(draft, "security", "zones", "security-zone")
    held: dict[str, str] = {}
    for name, zone in zones.items():
        if name in NO_NAMES:
            yield f"security-zone name '{name}' is reserved"
        for interface in at(zone, "interfaces"):
            other = held.setdefault(interface, name)
            if other != name:
                yield f"interface {interface} is in zone {other} and in zone {name}"
        for screen in at(zone, "screen"):
            if screen not in at(draft, "security", "screen", "ids-option"):
                yield f"screen {screen} of zone {name} is not defined"


def _policies(draft: Tree) -> Iterator[str]:
    policies = at(draft, "security", "policies")
    zones = {*at(draft, "security", "zones", "security-zone"), "junos-host", "any"}
    for one, to in at(policies, "from-zone").items():
        for other, of in at(to, "to-zone").items():
            if not {one, other} <= zones:
                yield f"policies from {one} to {other}: there is no such zone"
            yield from _names(draft, at(of, "policy"), zones)
    yield from _names(draft, at(policies, "global", "policy"), zones)


def _books(draft: Tree) -> Iterator[str]:
    of_zones = [n for n, z in at(draft, "security", "zones", "security-zone").items() if "address-book" in z]
    if of_zones and at(draft, "security", "address-book"):
        yield f"zone {of_zones[0]} has an address book, and there is a global one"


def _names(draft: Tree, policies: Tree, zones: set[str]) -> Iterator[str]:
    books = at(draft, "security", "address-book").values()
    addresses = {name for book in books for kind in ("address", "address-set") for name in at(book, kind)}
    applications = {n for kind in ("application", "application-set") for n in at(draft, "applications", kind)}
    known = {
        "source-address": addresses,
        "destination-address": addresses,
        "application": applications,
        "from-zone": zones,
        "to-zone": zones,
    }
    for name, policy in policies.items():
        for what, there in known.items():
            if what in {"source-address", "destination-address", "application"} and not at(policy, "match", what):
                yield f"policy {name}: mandatory statement {what} is missing"
            for named in at(policy, "match", what):
                if named not in there and not re.fullmatch(PREDEFINED, named):
                    yield f"policy {name}: {what} {named} is not defined"
        if not at(policy, "then"):
            yield f"policy {name}: mandatory statement then is missing"


def _nat(draft: Tree) -> Iterator[str]:
    contexts: dict[str, str] = {}
    for name, rules in at(draft, "security", "nat", "source", "rule-set").items():
        context = f"{sorted(_leaves(at(rules, 'from')))} {sorted(_leaves(at(rules, 'to')))}"
        if not at(rules, "from") or not at(rules, "to"):
            yield f"rule-set {name}: its context is missing"
        other = contexts.setdefault(context, name)
        if other != name:
            yield f"rule-set {other} and {name} have the same context"


def _leaves(tree: Tree) -> Iterator[str]:
    for word, below in tree.items():
        yield from (f"{word} {leaf}" for leaf in _leaves(below)) if below else (word,)


def _units(draft: Tree) -> Iterator[str]:
    for name, interface in at(draft, "interfaces").items():
        tags = {"vlan-tagging", "flexible-vlan-tagging"} & set(interface)
        if len(tags) > 1:
            yield f"interface {name}: vlan-tagging and flexible-vlan-tagging are mutually exclusive"
        for number, unit in at(interface, "unit").items():
            if "ethernet-switching" in at(unit, "family") and len(at(unit, "family")) > 1:
                yield f"interface {name}.{number}: family ethernet-switching excludes any other family"
            if at(unit, "vlan-id") and not tags:
                yield f"interface {name}.{number}: vlan-id needs vlan-tagging"
            if "vlan-tagging" in interface and not at(unit, "vlan-id"):
                yield f"interface {name}.{number}: vlan-id is missing on a port with vlan-tagging"


def _filters(draft: Tree) -> Iterator[str]:
    for interface in at(draft, "interfaces").values():
        for unit in at(interface, "unit").values():
            for family, of in at(unit, "family").items():
                filters = {*at(draft, "firewall", "family", family, "filter"), *at(draft, "firewall", "filter")}
                for way in ("input", "output"):
                    yield from (f"filter {f} is not defined" for f in at(of, "filter", way) if f not in filters)
