"""Which part of a fleet is samdrift's: what is *managed*, what is *known* because of it, and what is left out. Pure.

Managed is an active host in the scope whose config context gives it roles. Known are the hosts at a site where a host
with roles stands, whatever its status, those at the other end of a managed one's cables, and everything that these
refer to, stand in or are given. All else is left out, with the reason. What is wrong in what remains costs the managed
hosts that depend on it (`dependence.py`), and nobody else.

The same for every source: the part of a part is that part. Not here: what is wrong (`rules`), and how a fleet is read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from inventory import rules
from inventory.dependence import Dependence
from inventory.errors import InventoryError, Problem
from inventory.fleet import ACTIVE, Fleet, Host
from inventory.keys import KEYS
from inventory.left_out import LeftOut
from inventory.network import Prefix, Range, Vlan
from inventory.places import Places, called, noun, printable
from inventory.references import Assignment, Ref, References, reaches
from inventory.rules.contexts import alike_to, asks
from inventory.rules.house import of_the_project
from inventory.rules.references import key_of
from inventory.rules.rule import Fault
from inventory.scope import EVERYTHING, Scope
from inventory.scopes import EVERYWHERE, scoped_vlans

UNUSABLE = {
    "host-label": "its name makes no DNS label",
    "host-complete": "it has no tenant, site, device role or platform",
    "duplicate": "another has its name",
    "text": "a text of it has characters that cannot be printed",
    "secret-mark": "a text of it looks like a secret",
    "interface-name": "an interface has a name that no host gives one",
}
"""The rules that a host must keep so that others can be told of it. What else is wrong with one that is not managed is
nobody's trouble."""

NOT_THERE = "no host with roles stands at its site"
NOT_IN_SCOPE = "it is outside the scope"
NOT_REFERRED_TO = "nothing managed or known refers to it"
NOT_OURS = "it is of no place where a host with roles stands"
NOT_LENT = "it lies in no prefix of a place where a host with roles stands"
NOT_GIVEN = "no managed or known host is given it"
ONE_END = "an end of it is no managed or known host"


class Parts(NamedTuple):
    """A fleet's part that is samdrift's, and what is wrong with it.

    Attributes:
        fleet: what is managed and known.
        problems: each costs the one host that it names. That host is not managed while it has one.
        reported: those of them that the source alone can tell, and not the fleet.
        left_out: what is neither managed nor known.
    """

    fleet: Fleet
    problems: tuple[Problem, ...]
    reported: tuple[Problem, ...]
    left_out: tuple[LeftOut, ...]

    def sound(self) -> Fleet:
        """Return the fleet.

        Raises:
            InventoryError: a managed host of it has a problem.
        """
        if self.problems:
            raise InventoryError(self.problems, self.fleet)
        return self.fleet


def parts(
    fleet: Fleet,
    *,
    reported: Iterable[Problem] = (),
    left_out: Iterable[LeftOut] = (),
    places: Places | None = None,
    scope: Scope = EVERYTHING,
) -> Parts:
    """Return the part of a fleet that is samdrift's.

    Args:
        reported: what the source knows to be wrong with hosts, each named by its problem.
        left_out: what the source could make nothing of.
        places: where the fleet's parts came from.

    Raises:
        InventoryError: the house rules cannot be read.
    """
    if broken := of_the_project().problems:
        raise InventoryError(broken, fleet)
    part = _Part(fleet, scope)
    kept = part.fleet(part.hosts)
    found = list(rules.found(kept.fleet, places and places.reordered(kept.orders)))
    bound = {i for i, at in enumerate(kept.orders["hosts"]) if at in part.bound}
    if spoiled := _unusable(bound, found):
        part.unusable |= {kept.orders["hosts"][i]: reason for i, reason in spoiled.items()}
        kept = part.fleet([i for i in part.hosts if i not in part.unusable])
        found = list(rules.found(kept.fleet, places and places.reordered(kept.orders)))
    managed = [i for i, at in enumerate(kept.orders["hosts"]) if at in part.managed]
    known = {h.name for h in kept.fleet.hosts}
    ours = {kept.fleet.hosts[i].name for i in managed}
    own = tuple(p for p in reported if p.host in ours or p.host not in known)
    problems = dict.fromkeys((*own, *_costs(kept.fleet, managed, found)))
    return Parts(kept.fleet, tuple(problems), own, (*left_out, *part.left_out(kept.orders)))


def has_roles(host: Host) -> bool:
    """Tell whether a host is given roles, however badly its config context says so."""
    return bool(host.roles) or asks(host.context)


def is_asked_for(host: Host) -> bool:
    """Tell whether a host is to be managed: it has roles, and is active."""
    return host.status == ACTIVE and has_roles(host)


def _unusable(bound: Container[int], found: Iterable[tuple[Fault, Problem]]) -> dict[int, str]:
    """Return the hosts that others cannot be told of, and why, by index; but for those that must stay."""
    spoiled: dict[int, str] = {}
    for fault, problem in found:
        for section, index, *_ in (fault.path, *fault.also):
            if section == "hosts" and problem.rule in UNUSABLE and index not in bound:
                spoiled.setdefault(int(index), UNUSABLE[problem.rule])
    return spoiled


def _costs(fleet: Fleet, managed: Sequence[int], found: Iterable[tuple[Fault, Problem]]) -> Iterator[Problem]:
    """Yield every problem once for each managed host that depends on what it is about."""
    dependence = Dependence(fleet, managed)
    tenants = {s.slug: s.tenant for s in fleet.sites}
    for fault, problem in found:
        for i in sorted(set().union(*(dependence.on(path) for path in (fault.path, *fault.also)))):
            host = fleet.hosts[i]
            yield problem.of(host.name, host.tenant or tenants.get(host.site, ""))


class _Kept(NamedTuple):
    """What is kept of a fleet: by section, the indices that it has in the whole one."""

    fleet: Fleet
    orders: Mapping[str, Sequence[int]]


class _Part:
    """Decides what of one fleet is kept.

    Attributes:
        managed: the managed hosts, by index.
        hosts: those and the known ones, in order.
        bound: the hosts that must stay, by index: those with roles, and those at the far ends of managed ones' cables.
        unusable: why hosts that would be known cannot be, by index.
    """

    def __init__(self, fleet: Fleet, scope: Scope) -> None:
        self._whole = fleet
        self._references, self._assignment = References(fleet), Assignment(fleet)
        inside = [scope is EVERYTHING or scope.holds(self._assignment.values(h)) for h in fleet.hosts]
        given = {alike_to(h.context): h for h in fleet.hosts}
        having = {alike for alike, h in given.items() if has_roles(h)}
        with_roles = [i for i, h in enumerate(fleet.hosts) if inside[i] and alike_to(h.context) in having]
        self.managed = frozenset(i for i in with_roles if fleet.hosts[i].status == ACTIVE)
        self._outside = frozenset(i for i, is_in in enumerate(inside) if not is_in)
        names = {fleet.hosts[i].name for i in self.managed}
        ends = [(a.partition(":")[0], b.partition(":")[0]) for a, b in ((c.a, c.b) for c in fleet.cables)]
        cabled = frozenset[str]().union(*(pair for pair in ends if not names.isdisjoint(pair))) - names
        self.bound = frozenset(with_roles) | {i for i, h in enumerate(fleet.hosts) if h.name in cabled}
        self._sites = frozenset(site for i in with_roles if (site := fleet.hosts[i].site))
        self.hosts = [i for i, h in enumerate(fleet.hosts) if i in self.bound or (inside[i] and h.site in self._sites)]
        self.unusable: dict[int, str] = {}

    def fleet(self, hosts: Sequence[int]) -> _Kept:
        """Return the fleet with these hosts, and what they refer to, stand in and are given."""
        fleet, kept = self._whole, {"hosts": hosts}
        of_hosts = [fleet.hosts[i] for i in hosts]
        names = {h.name for h in of_hosts}
        kept["cables"] = [i for i, c in enumerate(fleet.cables) if self._is_kept(c.a, c.b, names)]
        kept["prefixes"] = list(self._prefixes(of_hosts))
        kept["ranges"] = self._ranges(kept["prefixes"])
        kept["vlans"] = list(self._vlans(of_hosts, [fleet.prefixes[i] for i in kept["prefixes"]]))
        kept["config_contexts"] = self._contexts(of_hosts)
        refs: set[Ref] = {("sites", site) for site in self._sites}
        for section, indices in kept.items():
            items = getattr(fleet, section)
            refs |= self._references.of(section, *(items[i] for i in indices))
        wanted = self._references.closure(refs)
        for section in KEYS:
            if section not in kept:
                items = getattr(fleet, section)
                kept[section] = [i for i, item in enumerate(items) if (section, key_of(item)) in wanted]
        less = {
            s: tuple(getattr(fleet, s)[i] for i in of) for s, of in kept.items() if len(of) < len(getattr(fleet, s))
        }
        return _Kept(fleet.model_copy(update=less) if less else fleet, kept)

    def _is_kept(self, a: str, b: str, names: set[str]) -> bool:
        """Tell whether a cable is kept: both its ends are, or one is a managed host's, whose trouble it is then."""
        ends = {a.partition(":")[0], b.partition(":")[0]}
        return ends <= names or any(name in self._managed_names for name in ends)

    @cached_property
    def _managed_names(self) -> frozenset[str]:
        return frozenset(self._whole.hosts[i].name for i in self.managed)

    @cached_property
    def _scopes(self) -> frozenset[tuple[str, str]]:
        """Return the places where hosts with roles stand: sites, their locations, and what they lie in."""
        of_site = (self._whole.scopes_of.get(site, {}).keys() for site in self._sites)
        return frozenset[tuple[str, str]]().union(*of_site) - EVERYWHERE.keys()

    def _prefixes(self, hosts: Sequence[Host]) -> Iterator[int]:
        """Yield the prefixes of our places; of those of no place, the ones that an address of these hosts lies in."""
        addresses = _addresses(hosts)
        for i, prefix in enumerate(self._whole.prefixes):
            if prefix.scope in self._scopes or (prefix.scope in EVERYWHERE and _holds_any(prefix, addresses)):
                yield i

    def _ranges(self, prefixes: Iterable[int]) -> list[int]:
        """Return the ranges that lie in a prefix of our places, or nearest in one of these that is of no place."""
        whole = self._whole
        kept = [whole.prefixes[i] for i in prefixes]
        ours = [p for p in kept if p.scope not in EVERYWHERE]

        def is_kept(lent: Range) -> bool:
            return any(p.vrf == lent.vrf and lent.start in p.prefix for p in ours) or (
                whole.prefix_of(lent.start, lent.vrf) in kept
            )

        return [i for i, lent in enumerate(whole.ranges) if is_kept(lent)]

    def _vlans(self, hosts: Sequence[Host], prefixes: Sequence[Prefix]) -> Iterator[int]:
        """Yield the VLANs of our places; of those of no place, the ones that a number in use may mean."""
        used: dict[str, set[int | None]] = defaultdict(set)
        for site in self._sites:
            used[site] |= {p.vlan for p in prefixes if self._whole.serves(p, site)}
        for host in hosts:
            for interface in host.interfaces:
                used[host.site].update((interface.untagged_vlan, *interface.tagged_vlans))
        meant: dict[int, set[Vlan | None]] = defaultdict(set)
        for site, vids in used.items():
            for vid in (v for v in vids if v is not None):
                meant[vid].add(self._whole.vlan_at(site, vid))
        for i, (vlan, scope) in enumerate(scoped_vlans(self._whole.vlans, self._whole.vlan_groups)):
            if scope in self._scopes or (scope in EVERYWHERE and {vlan, None} & meant.get(vlan.vid, set())):
                yield i

    def _contexts(self, hosts: Sequence[Host]) -> list[int]:
        having = list({id(values): values for h in hosts for values in (self._assignment.values(h),)}.values())
        contexts = enumerate(self._whole.config_contexts)
        return [i for i, context in contexts if any(reaches(context, values) for values in having)]

    # What is not kept

    def left_out(self, orders: Mapping[str, Sequence[int]]) -> Iterator[LeftOut]:
        """Yield what is not kept, with the reason."""
        for section in KEYS:
            items, kept = getattr(self._whole, section), set(orders[section])
            for i in range(len(items)) if len(kept) < len(items) else ():
                if i not in kept:
                    kind = noun(section) if section != "hosts" else _kind_of(items[i])
                    yield LeftOut(kind, printable(called(items[i])), self._why(section, i))

    def _why(self, section: str, index: int) -> str:
        if section == "hosts":
            return NOT_IN_SCOPE if index in self._outside else self.unusable.get(index, NOT_THERE)
        return WHY.get(section, NOT_REFERRED_TO)


WHY = {
    "prefixes": NOT_OURS,
    "vlans": NOT_OURS,
    "ranges": NOT_LENT,
    "config_contexts": NOT_GIVEN,
    "cables": ONE_END,
}


def _kind_of(host: Host) -> str:
    return "device" if host.kind == "device" else "virtual machine"


def _addresses(hosts: Iterable[Host]) -> dict[tuple[str, int], list[int]]:
    """Return the addresses of hosts as numbers in order, by VRF and family."""
    found: dict[tuple[str, int], set[int]] = {}
    for host in hosts:
        for interface in host.interfaces:
            for address in interface.all_addresses:
                found.setdefault((interface.vrf, address.version), set()).add(int(address))
    return {key: sorted(numbers) for key, numbers in found.items()}


def _holds_any(prefix: Prefix, addresses: Mapping[tuple[str, int], Sequence[int]]) -> bool:
    numbers = addresses.get((prefix.vrf, prefix.prefix.version), ())
    at = bisect_left(numbers, int(prefix.prefix.network_address))
    return at < len(numbers) and numbers[at] <= int(prefix.prefix.broadcast_address)
