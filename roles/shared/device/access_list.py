"""Whether an access list lets an address in by SSH, as far as its rules can be read. Pure.

Not here: which list judges who may come (`LettingIn.bound`), and how rules are written (`LettingIn.rule`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from ipaddress import ip_address, ip_network

from roles.shared.device.letting_in import SSH, CameIn

Record = Mapping[str, Sequence[str]]
"""Values by the names of groups; several where several statements are one record."""

ANY_PROTOCOL = frozenset({"any", "ip", "ipv4", "tcp", "6"})


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


def permits(
    rules: Sequence[Record], named: Mapping[str, Sequence[str]], came_in: CameIn, ports: Set[str] = SSH
) -> bool | None:
    """Tell whether rules permit SSH from where somebody came; None where that cannot be read.

    Args:
        named: the lists of sources that rules may name.
        ports: what rules call the port that was come to.
    """
    if not rules:
        return None
    numbered = all("n" in rule for rule in rules)
    for rule in sorted(rules, key=lambda r: int(r["n"][0])) if numbered else rules:
        try:
            matches = _matches(rule, named, came_in, ports)
        except ValueError:
            return None
        if matches:
            return None if "other" in rule else not {"deny", "discard", "reject"} & set(rule.get("action", ()))
    return False


def _matches(rule: Record, named: Mapping[str, Sequence[str]], came_in: CameIn, ports: Set[str]) -> bool:
    wild, mask = rule.get("wild", ()), rule.get("mask", ())
    sources = [f"{s}/{mask[0]}" if mask else _network(" ".join((s, *wild))) for s in rule.get("source", ())]
    for name in rule.get("named", ()):
        if name not in named:
            raise ValueError(f"there is no list {name}")
        sources += [_network(s) for s in named[name]]
    targets = [_network(t) for t in rule.get("to", ())]
    return (
        (not sources or any(_holds(network, str(came_in.source)) for network in sources))
        and (not targets or any(_holds(network, str(came_in.address)) for network in targets))
        and ("protocol" not in rule or bool(ANY_PROTOCOL & set(rule["protocol"])))
        and ("port" not in rule or not ports.isdisjoint(rule["port"]))
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
