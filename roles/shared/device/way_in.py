"""What a change of a device would take away of the way by which samdrift itself came in. Pure.

Compared are the running configuration and the one that there would be once all was typed: what held before must hold
after. What was not found to hold before is none of the way in (an account that a server knows, a route that BGP has),
and is not judged. The path below IP (the VLAN of an uplink, spanning tree) is not judged either: against that stands
the vendor's own commit-confirm.

Not here: which statements let somebody in (`letting_in`, and each vendor's data), what is typed (`difference`), and who
refuses to type it (`deploy.engine.batch`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from functools import cached_property
from ipaddress import IPv4Address, IPv4Interface, IPv6Interface, ip_interface, ip_network
from itertools import product
from typing import Literal

from roles.shared.device.access_list import Asked, Record, names_in, permits, records
from roles.shared.device.letting_in import AccessLists, CameIn, LettingIn, LostPart, Part
from roles.shared.device.lines import Lines, Path, paths
from roles.shared.device.typed import after, all_lines
from roles.shared.device.vendor import Vendor
from roles.shared.people import OwnAccount

AnyInterface = IPv4Interface | IPv6Interface


def way_in_lost(
    vendor: Vendor, running: str, entries: Sequence[str], came_in: CameIn, accounts: Sequence[OwnAccount] = ()
) -> tuple[LostPart, ...]:
    """Return the parts of samdrift's own ways in that a device would not have any more after these entries.

    Args:
        accounts: those by which samdrift logs in at other times, from the same place.
    """
    if not entries:
        return ()
    has = all_lines(vendor, running)
    before, there = _statements(vendor, has), _statements(vendor, after(vendor, has, entries))
    others = (came_in.model_copy(update={"user": a.user, "key": key}) for a in accounts for key in a.keys)
    ways = dict.fromkeys((came_in, *others))
    return tuple(dict.fromkeys(lost for way in ways for lost in _lost_of(vendor, before, there, way)))


def has_account(vendor: Vendor, configuration: str, user: str) -> bool:
    """Tell whether a configuration has an account."""
    patterns = [pattern.replace("{user}", re.escape(user)) for pattern in vendor.letting_in.account]
    statements = _statements(vendor, all_lines(vendor, configuration))
    return any(re.search(pattern, statement) for statement in statements for pattern in patterns)


def _lost_of(vendor: Vendor, before: tuple[str, ...], there: tuple[str, ...], came_in: CameIn) -> Iterator[LostPart]:
    now = _Ways(vendor.letting_in, came_in, before)
    then = _Ways(vendor.letting_in, came_in, there, now)
    yield from (
        *_account(now, then),
        *_key(now, then),
        *_login(now, then),
        *_interface(now, then),
        *_route(now, then),
        *_service(now, then),
        *_access(now, then),
    )


def _statements(vendor: Vendor, lines: Lines) -> tuple[str, ...]:
    if vendor.syntax == "set":
        return tuple(" ".join(path) for path in _whole(lines))
    return tuple(" / ".join(path) for path in paths(lines))


def _whole(lines: Lines, above: Path = ()) -> Iterator[Path]:
    """Yield the statements with all their words."""
    for word, below in lines.items():
        yield from _whole(below, (*above, word)) if below else ((*above, word),)


class _Ways:
    """The statements of one configuration that could let samdrift in as it came.

    Args:
        now: the ways that there are now, if these are those that there would be: interface and VRF are its.
    """

    def __init__(
        self, rules: LettingIn, came_in: CameIn, statements: tuple[str, ...], now: _Ways | None = None
    ) -> None:
        self.rules, self.came_in, self.statements = rules, came_in, statements
        self.everything = frozenset(statements)
        self._now = now

    def filled(self, patterns: Iterable[str]) -> list[re.Pattern[str]]:
        """Put the account, the interface, its VRF and its zone into patterns."""
        fill: dict[str, Callable[[], str]] = {
            "{user}": lambda: self.came_in.user,
            "{interface}": lambda: self.interface,
            "{called}": lambda: self.interface.replace(*self.rules.called),
            "{vrf}": lambda: self.vrf,
            "{zone}": lambda: self.zone,
        }
        return [
            re.compile(re.sub("|".join(map(re.escape, fill)), lambda m: re.escape(fill[m[0]]()), p)) for p in patterns
        ]

    def matches(self, patterns: Iterable[str]) -> Iterator[re.Match[str]]:
        """Yield the matches of patterns in statements."""
        compiled = self.filled(patterns)
        return (match for statement in self.statements for p in compiled if (match := p.search(statement)))

    def records(self, patterns: Iterable[str]) -> list[Record]:
        """Return the records that patterns find."""
        return records([p.pattern for p in self.filled(patterns)], self.statements)

    @property
    def family(self) -> Literal[4, 6]:
        """Return the version of IP by which samdrift came in."""
        return 4 if isinstance(self.came_in.source, IPv4Address) else 6

    @cached_property
    def interface(self) -> str:
        """Return the name of the interface with the address that was come to; empty if there is none."""
        if self._now is not None:
            return self._now.interface
        return next((name for name, address, _ in self.addresses if address.ip == self.came_in.address), "")

    @cached_property
    def vrf(self) -> str:
        """Return the VRF of that interface."""
        return self._now.vrf if self._now is not None else self._vrf_of(self.interface)

    def _vrf_of(self, interface: str) -> str:
        wanted = (re.sub(r"\{interface\}", lambda _: re.escape(interface), p) for p in self.rules.vrf)
        found = (re.search(p, s) for p in wanted for s in self.statements)
        return next((m["vrf"] for m in found if m), self.rules.no_vrf)

    @cached_property
    def zone(self) -> str:
        """Return the zone that this interface is in; empty if it is in none."""
        return next((m["zone"] for m in self.matches(self.rules.zone)), "")

    @cached_property
    def admitted(self) -> str:
        """Return the statement by which that interface, in its zone, lets SSH in; empty if none does."""
        for there, lets_in in self.rules.admits if self.zone else ():
            if any(self.matches([there])):
                return next((m.string for m in self.matches([lets_in])), "")
        return ""

    @cached_property
    def addresses(self) -> list[tuple[str, AnyInterface, str]]:
        """Return each address of an interface: whose, which, and the statement."""
        found = []
        for record in records(self.rules.address, self.statements):
            interface = _interface_of("/".join((record["ip"][0], *record.get("mask", ()))))
            if interface is not None:
                found.append((record["interface"][0], interface, record["line"][0]))
        return found

    @cached_property
    def levels(self) -> dict[str, str]:
        """Return what the account may do, each with its statement; empty if there is no such account."""
        found = {m.groupdict().get("level") or "": m.string for m in self.matches(self.rules.account)}
        return {level: line for level, line in found.items() if level} or found

    @cached_property
    def keys(self) -> list[str]:
        """Return the statements with the key that was used."""
        ours = self.rules.shown(self.came_in.key)
        return [m.string for m in self.matches(self.rules.key) if ours in m["key"].replace('"', " ").split()]

    @cached_property
    def routes(self) -> list[tuple[int, str, str]]:
        """Return the most precise ways to where samdrift came from: length of the prefix, next hop, and statement.

        What is connected has the interface for a next hop.
        """
        source = self.came_in.source
        connected = [
            (address.network.prefixlen, name, line)
            for name, address, line in self.addresses
            if source in address.network and self._vrf_of(name) == self.vrf
        ]
        routed = [
            (ip_network(to, strict=False).prefixlen, hop, record["line"][0])
            for record in self.records(self.rules.route)
            if (record.get("vrf") or [self.rules.no_vrf])[0] == self.vrf
            for to in [_target(record)]
            if to and source in ip_network(to, strict=False)
            for hop in record.get("hop", ())
        ]
        longest = max((length for length, _, _ in (*connected, *routed)), default=-1)
        nearest = [way for way in connected if way[0] == longest]
        return nearest or [way for way in routed if way[0] == longest]

    def reaches(self, hop: str) -> bool:
        """Tell whether a next hop is in a network of an interface."""
        at = _interface_of(hop)
        return at is not None and any(at.ip in address.network for _, address, _ in self.addresses)

    @property
    def kinds(self) -> Iterator[AccessLists]:
        """Yield the kinds of access lists that judge who comes by this family of IP."""
        return (kind for kind in self.rules.lists if kind.family == self.family)

    def bound(self, kind: AccessLists) -> dict[str, dict[str, str]]:
        """Return the access lists at each door, each with the statement that binds it: the last, or all of a chain."""
        found: dict[str, dict[str, str]] = {}
        for match in self.matches(kind.bound):
            groups = match.groupdict()
            at = groups.get("at") or ""
            found[at] = {**(found.get(at, {}) if groups.get("chain") else {}), match["list"]: match.string}
        return found

    def listed(self, kind: AccessLists, names: Iterable[str]) -> tuple[str, ...]:
        """Return the statements of access lists, and of the lists of sources that they name."""
        named = {name for rule in self._rules_of(kind, names) for name in names_in(rule, "named")}
        of = ((kind.listed, set(names)), (kind.sources, named))
        return tuple(m.string for patterns, lists in of for m in self.matches(patterns) if m["list"] in lists)

    def _rules_of(self, kind: AccessLists, names: Iterable[str]) -> list[Record]:
        """Return the rules of access lists that are asked in turn."""
        rules = self.records(kind.rule)
        return [rule for name in names for rule in rules if rule["list"][0] == name]

    def lets_in(self, kind: AccessLists, names: Iterable[str], ports: Set[str]) -> bool | None:
        """Tell whether access lists permit a port of SSH from where samdrift came; None if that is not clear."""
        sources, services = self._by_list(kind.sources, "source"), self._by_list(kind.services, "ports")
        asked = Asked(self.came_in, self.interface, ports, sources, services, self._passed)
        return permits(kind, self._rules_of(kind, names), asked)

    def _passed(self, rule: Record) -> bool:
        """Tell whether a rule stands now as it would then, and so does what it names: samdrift came in past it."""
        now = self._now
        return (
            now is not None
            and now.everything.issuperset(rule["line"])
            and all(now.naming(name) == self.naming(name) for name in names_in(rule, "named"))
        )

    def naming(self, name: str) -> list[str]:
        """Return the statements in which a name stands."""
        return [statement for statement in self.statements if name in statement]

    def _by_list(self, patterns: Iterable[str], group: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for match in self.matches(patterns):
            found.setdefault(match["list"], []).append(match[group])
        return found


def _interface_of(text: str) -> AnyInterface | None:
    try:
        return ip_interface(text)
    except ValueError:
        return None


def _target(record: Record) -> str:
    """Return the network that a route leads to: without one, the whole of its next hop's family."""
    if "to" in record:
        to = record["to"][0]
        return to if _interface_of(to) else ""
    if "ip" in record:
        text = "/".join((record["ip"][0], *record.get("mask", ())))
        return text if _interface_of(text) else ""
    hop = _interface_of(record["hop"][0]) if "hop" in record else None
    return "::/0" if isinstance(hop, IPv6Interface) else "0.0.0.0/0"


def _lost(part: Part, line: str, instead: str = "") -> Iterator[LostPart]:
    yield LostPart(part=part, line=line, instead=instead)


def _account(now: _Ways, then: _Ways) -> Iterator[LostPart]:
    for level, line in now.levels.items():
        if not then.levels:
            yield from _lost("account", line)
        elif level not in then.levels and not then.levels.keys() <= set(now.rules.all_levels):
            yield from _lost("privilege", line, next(iter(then.levels.values())))


def _key(now: _Ways, then: _Ways) -> Iterator[LostPart]:
    if now.keys and not then.keys:
        others = [m.string for m in then.matches(then.rules.key)]
        yield from _lost("key", now.keys[0], others[0] if others else "")


def _login(now: _Ways, then: _Ways) -> Iterator[LostPart]:
    """Find lists of methods that asked the device itself, and ask others alone from now on."""
    asked = {m["name"]: m for m in then.matches(then.rules.login)}
    for was in now.matches(now.rules.login):
        new = asked.get(was["name"])
        if new is not None and "local" in was["methods"].split() and "local" not in new["methods"].split():
            yield from _lost("login", was.string, new.string)


def _interface(now: _Ways, then: _Ways) -> Iterator[LostPart]:
    here = now.interface
    at = now.came_in.address
    for name, address, line in now.addresses:
        if address.ip == at and not any(n == name and a.ip == at for n, a, _ in then.addresses):
            others = [new for n, _, new in then.addresses if n == name]
            yield from _lost("address", line, others[0] if others else "")
    if not here:
        return
    was_down = {m.string for m in now.matches(now.rules.down)}
    for match in then.matches(then.rules.down):
        if match.string not in was_down:
            line = next(line for name, address, line in now.addresses if name == here and address.ip == at)
            yield from _lost("interface", line, match.string)


def _route(now: _Ways, then: _Ways) -> Iterator[LostPart]:
    hops = {hop for _, hop, _ in then.routes}
    if not now.routes or any(hop in hops and (then.reaches(hop) or not now.reaches(hop)) for _, hop, _ in now.routes):
        return
    line = now.routes[0][2]
    yield from _lost("route", line, next((new for _, _, new in then.routes if new != line), ""))


def _service(now: _Ways, then: _Ways) -> Iterator[LostPart]:
    netconf = now.rules.netconf if now.came_in.netconf_port else ()
    for pattern in (*now.rules.service, *now.rules.served.get(now.family, ()), *netconf):
        doors = {m.groupdict().get("at") for m in then.matches([pattern])}
        for match in now.matches([pattern]):
            if match.groupdict().get("at") not in doors:
                yield from _lost("service", match.string)
    for pattern in now.rules.unchanged:
        values, new = _values(now, pattern), _values(then, pattern)
        if values.keys() != new.keys():
            one = next(iter(new.values()), "")
            yield from _lost("service", next(iter(values.values()), now.interface), one)
    if now.admitted and not then.admitted:
        yield from _lost("service", now.admitted, next((m.string for m in then.matches(then.rules.zone)), ""))
    ends = (*now.rules.shut, *now.rules.shut_for.get(now.came_in.user, ()))
    for match in then.matches(ends):
        if match.string not in now.everything:
            yield from _lost("service", "SSH", match.string)


def _values(ways: _Ways, pattern: str) -> Mapping[str, str]:
    return {m[1]: m.string for m in ways.matches([pattern])}


def _access(now: _Ways, then: _Ways) -> Iterator[LostPart]:
    """Find doors at which samdrift was let in, and an access list does not let it in any more, or nobody can tell."""
    for kind, ports in product(now.kinds, now.came_in.ports):
        doors = now.bound(kind)
        for door, lists in then.bound(kind).items():
            before = doors.get(door, {})
            lets_in, rules = then.lets_in(kind, lists, ports), then.listed(kind, lists)
            if lets_in or ([*before] == [*lists] and now.listed(kind, before) == rules):
                continue
            if lets_in is False and before and now.lets_in(kind, before, ports) is False:
                continue  # it was not by this door that samdrift came in
            gone = [*(old for old in now.listed(kind, before) if old not in rules), *before.values()]
            yield from _lost("access", gone[0] if gone else "SSH", next(iter(lists.values())))
