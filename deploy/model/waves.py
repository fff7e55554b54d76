"""The order of an apply: which hosts are changed together, and what must have held before. Pure.

The wave of a host is data (config context `samdrift.wave`): what others depend on comes first. A wave is changed in
batches: of a role that no host of the wave has proved yet, one host at a time, the *canary*; of hosts that stand in for
each other, one at a time; and never a gateway together with hosts that are reached through it. Not here: changing and
proving a batch (`engine.batch`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from deploy.model.plan import Plan
from inventory.fleet import Fleet, Host
from inventory.rules.gates import Gates
from roles.shared.network.redundancy import redundant_groups
from roles.shared.network.ways import Behind, hosts_behind


@dataclass(frozen=True)
class Candidate:
    """A host of a wave that was not begun yet, and the roles of which steps would change it; none: it is in sync."""

    host: Host
    roles: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Return the host's name."""
        return self.host.name

    @property
    def goes_first(self) -> bool:
        """Tell whether the host is the canary of its roles (config context `samdrift.canary: true`)."""
        return self.host.samdrift.get("canary") is True


@dataclass(frozen=True)
class Order:
    """What an apply goes by, made of the inventory and the organisation's gates.

    Attributes:
        redundant: host name to the groups of hosts that stand in for each other which it is one of.
        behind: name of a gateway to the hosts that are reached through it, each with its address.
    """

    gates: Gates = field(default_factory=Gates)
    redundant: Mapping[str, frozenset[str]] = field(default_factory=dict)
    behind: Behind = field(default_factory=dict)

    def batch(self, left: Collection[Candidate], proved: Collection[str]) -> tuple[Candidate, ...]:
        """Return the hosts to be changed next, of those of one wave that are left.

        Hosts that are in sync come with the last that are changed.

        Args:
            proved: the roles of which a host of this wave was changed and proved.
        """
        changing = sorted((c for c in left if c.roles), key=lambda c: (not c.goes_first, c.name))
        chosen: list[Candidate] = []
        taken: set[tuple[str, str]] = set()
        for candidate in changing:
            alone = self._alone(candidate, proved)
            if alone & taken or any(self._leads_to(candidate, other) for other in chosen):
                continue
            if self.gates.at_once and len(chosen) == self.gates.at_once:
                break
            chosen.append(candidate)
            taken |= alone
        if len(chosen) == len(changing):
            chosen += (c for c in left if not c.roles)
        return tuple(sorted(chosen, key=lambda c: c.name))

    def forecast(self, hosts: Sequence[Host], plan: Plan) -> tuple[tuple[str, ...], ...]:
        """Return which hosts a plan changes together, batch after batch, if all goes well."""
        found: list[tuple[str, ...]] = []
        for wave in waves([host for host in hosts if plan.host(host.name)]):
            left, proved = {host.name: Candidate(host, changing_roles(plan, host.name)) for host in wave}, set[str]()
            while left:
                batch = [left.pop(candidate.name) for candidate in self.batch(left.values(), proved)]
                proved.update(*(candidate.roles for candidate in batch))
                found.append(tuple(candidate.name for candidate in batch if candidate.roles))
        return tuple(names for names in found if names)

    def canaries(self, batch: Iterable[Candidate], proved: Collection[str]) -> tuple[str, ...]:
        """Return the hosts of a batch that are the first of a role."""
        return tuple(c.name for c in batch if self._unproved(c, proved))

    def waits_for(self, name: str, unwell: Collection[str]) -> tuple[str, ...]:
        """Return those of the hosts that are not well which this one stands in for: it must not be risked now."""
        own = self.redundant.get(name, frozenset())
        others = (other for other in unwell if other != name)
        return tuple(sorted(other for other in others if own & self.redundant.get(other, frozenset())))

    def _alone(self, candidate: Candidate, proved: Collection[str]) -> frozenset[tuple[str, str]]:
        """Return what only one host of a batch may have, of what this one has."""
        groups = self.redundant.get(candidate.name, frozenset())
        return frozenset({("role", r) for r in self._unproved(candidate, proved)} | {("group", g) for g in groups})

    def _unproved(self, candidate: Candidate, proved: Collection[str]) -> frozenset[str]:
        return candidate.roles - frozenset(proved) if self.gates.canaries else frozenset()

    def _leads_to(self, one: Candidate, other: Candidate) -> bool:
        """Tell whether one of two hosts is reached through the other."""
        ways = ((one.name, other.name), (other.name, one.name))
        return any(b in self.behind.get(a, {}) for a, b in ways)


def changing_roles(plan: Plan, name: str) -> frozenset[str]:
    """Return the roles of which a step would change a host, as planned."""
    planned = plan.host(name)
    return frozenset(step.role for step in planned.changes) if planned else frozenset()


def order_of(fleet: Fleet, gates: Gates) -> Order:
    """Return the order that a fleet and an organisation's gates ask for."""
    return Order(gates, redundant_groups(fleet), hosts_behind(fleet))


def waves(hosts: Sequence[Host]) -> tuple[tuple[Host, ...], ...]:
    """Return the hosts wave after wave, first wave first; by name within a wave."""
    ordered = sorted(hosts, key=lambda h: (h.wave, h.name))
    return tuple(tuple(group) for _, group in groupby(ordered, key=lambda h: h.wave))
