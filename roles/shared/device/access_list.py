"""Whether an access list lets an address in by SSH, as far as its rules can be read. Pure.

Not here: which list judges who may come (`AccessLists.bound`), and how rules are written (`AccessLists.rule`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from roles.shared.device.letting_in import AccessLists, CameIn
from roles.shared.device.words import bare, words_of

Record = Mapping[str, Sequence[str]]
"""Values by the names of groups; several where several statements are one record."""

ANY_PROTOCOL = frozenset({"any", "ip", "ipv4", "ipv6", "tcp", "6"})
ANY_PORT = frozenset({"all", "all_tcp"})
"""Names of services that every port of TCP is a part of, in small letters."""
EVERYBODY = frozenset({"all", "any"})


@dataclass(frozen=True)
class Asked:
    """Somebody who comes in at an interface; and what the names in rules mean.

    Attributes:
        ports: what rules call the port that was come to.
        sources: by the names of lists of them.
        services: the ports of services, by their names.
        passed: tells of a rule that cannot be read whether they came in past it already: it let them in, or was not
            about them.
    """

    came_in: CameIn
    interface: str
    ports: Set[str]
    sources: Mapping[str, Sequence[str]]
    services: Mapping[str, Sequence[str]]
    passed: Callable[[Record], bool]


def records(patterns: Iterable[str], statements: Iterable[str]) -> list[Record]:
    """Read the records that statements make up; those with the same `of` are one. Each has its statements as `line`."""
    found: dict[tuple[str, ...], dict[str, list[str]]] = {}
    compiled = [re.compile(pattern) for pattern in patterns]
    for number, statement in enumerate(statements):
        for pattern in compiled:
            match = pattern.search(statement)
            if match is None:
                continue
            groups = {name: value for name, value in match.groupdict().items() if value is not None}
            key = (groups.get("list", ""), groups["of"]) if "of" in groups else (str(number),)
            record = found.setdefault(key, {})
            for name, value in (*groups.items(), ("line", statement)):
                record.setdefault(name, []).append(value)
            break
    return list(found.values())


def permits(kind: AccessLists, rules: Sequence[Record], asked: Asked) -> bool | None:
    """Tell whether rules of this kind of list permit SSH from where somebody came; None where that cannot be read."""
    if not rules:
        return None
    numbered = all("n" in rule for rule in rules)
    for rule in sorted(rules, key=lambda r: int(r["n"][0])) if numbered else rules:
        matches = "off" not in rule and _matches(rule, asked)
        if matches is None and not asked.passed(rule):
            return None
        if matches:
            return not {"deny", "discard", "reject"} & set(rule.get("action", (kind.unsaid,)))
    return kind.unmatched == "permit"


def _matches(rule: Record, asked: Asked) -> bool | None:
    """Tell whether a rule is about somebody; None where that cannot be read."""
    came_in, wild, mask = asked.came_in, rule.get("wild", ()), rule.get("mask", ())
    if not _is_about_port(rule, asked):
        return False
    sources = [f"{s}/{mask[0]}" if mask else _network(" ".join((s, *wild))) for s in rule.get("source", ())]
    for name in names_in(rule, "named"):
        if name not in asked.sources and name not in EVERYBODY:
            return None
        sources += [_network(s) for s in asked.sources.get(name, ("any",))]
    try:
        is_about = not sources or any(_holds(network, str(came_in.source)) for network in sources)
        targets = [_network(t) for t in rule.get("to", ())]
        is_about &= not targets or any(_holds(network, str(came_in.address)) for network in targets)
    except ValueError:
        return None
    return None if is_about and "other" in rule else is_about


def _is_about_port(rule: Record, asked: Asked) -> bool:
    """Tell whether a rule is about the port and the interface that somebody comes in at."""
    return (
        ("protocol" not in rule or bool(ANY_PROTOCOL & set(rule["protocol"])))
        and ("port" not in rule or any(_is_of(port, asked) for port in names_in(rule, "port")))
        and ("interface" not in rule or bool({"any", asked.interface} & set(names_in(rule, "interface"))))
    )


def names_in(rule: Record, group: str) -> list[str]:
    """Return the words of what a rule says in a group, without their quotation marks."""
    return [bare(word) for text in rule.get(group, ()) for word in words_of(text)]


def _is_of(port: str, asked: Asked) -> bool:
    """Tell whether a port, or a service of this name, is the one that was come to."""
    spans = [span.partition("-") for text in asked.services.get(port, ()) for span in text.split()]
    numbers = [int(name) for name in asked.ports if name.isdecimal()]
    return port.lower() in asked.ports | ANY_PORT or any(
        int(low) <= number <= int(high or low) for low, _, high in spans for number in numbers
    )


def _network(text: str) -> str:
    """Return what is written as `any` (then nothing), `host A`, `A`, `A/length`, `A/mask`, or `A W`, W a wildcard."""
    address, *wild = text.removeprefix("host ").split()
    if address == "any":
        return ""
    return address if wild in ([], ["0.0.0.0"]) else f"{address}/{wild[0]}"  # noqa: S104  a wildcard: this one alone


def _holds(network: str, address: str) -> bool:
    """Tell whether a network holds an address; the network without a name holds all."""
    return not network or ip_address(address) in ip_network(network, strict=False)
