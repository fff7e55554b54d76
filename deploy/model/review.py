"""A review: what a proposed change does to which hosts. Values, and what is made of them alone.

Not here: how two states are rendered and compared (`deploy.review`), and how a review is shown (`views.review`,
`report.review_*`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from deploy.model.alike import Alike, alike
from deploy.model.difference import Difference
from deploy.model.kinds import Exit
from deploy.model.openings import Opening
from deploy.model.text import several

HostChange = Literal["new", "gone", "changed", "unknown"]
"""What becomes of a host. *Gone*: samdrift manages it no more, and removes nothing from it. *Unknown*: what it should
be cannot be computed, as its inventory is not sound."""


@dataclass(frozen=True)
class ReviewedHost:
    """A host on which something differs."""

    host: str
    municipality: str
    how: HostChange
    differences: tuple[Difference, ...] = ()
    controls: tuple[str, ...] = ()
    why: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reached:
    """An opening, and whether what it lets in gets there: in the words of `samdrift reach`."""

    opening: Opening
    answer: str = ""
    decided_by: str = ""


@dataclass(frozen=True)
class SettingChange:
    """A setting of a role that differs on some hosts, and what of it people read."""

    role: str
    field: str
    before: str
    after: str
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class Breach:
    """A policy that does not hold, on a host or for all."""

    policy: str
    what: str
    host: str = ""
    municipality: str = ""


@dataclass(frozen=True)
class PolicyResult:
    """What a policy has found: what is broken now and was not, what was broken before, what is mended."""

    id: str
    reason: str
    new: tuple[Breach, ...] = ()
    before: tuple[Breach, ...] = ()
    mended: tuple[Breach, ...] = ()
    fault: str = ""


@dataclass(frozen=True)
class Review:
    """What lies between two states.

    Attributes:
        against, of: what the two sides are called.
        compared: how many hosts, and how many steps of them, were compared.
        looks: hosts of which a look searches for something else, which changes nothing there.
        code_moved: operations whose code differs, with nothing else different: what they do on a host that is neither
            empty nor as it should be, nobody here knows.
    """

    against: str
    of: str
    compared: tuple[int, int]
    hosts: tuple[ReviewedHost, ...] = ()
    reached: tuple[Reached, ...] = ()
    settings: tuple[SettingChange, ...] = ()
    policies: tuple[PolicyResult, ...] = ()
    looks: tuple[ReviewedHost, ...] = ()
    code_moved: tuple[str, ...] = ()
    nowhere: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    municipalities: Mapping[str, str] = field(default_factory=dict)

    @property
    def new_breaches(self) -> tuple[Breach, ...]:
        """Return what breaks a policy now and did not before."""
        return tuple(breach for policy in self.policies for breach in policy.new)

    @property
    def exit_code(self) -> Exit:
        """Return how the command ends: 7 where a policy is newly broken, 3 where a host is unknown, 2 where any
        changes.
        """
        if self.new_breaches or any(policy.fault for policy in self.policies):
            return Exit.VERIFY_FAILED
        if self.nowhere or any(host.how == "unknown" for host in self.hosts):
            return Exit.INCOMPLETE
        return Exit.DIFFERENCES if self.hosts else Exit.OK

    @cached_property
    def alike(self) -> tuple[Alike[Difference], ...]:
        """Return the differences of hosts that change, each once with its hosts. Of a new host, its steps are all new:
        they are counted, and not told one by one.
        """
        return alike([h for h in self.hosts if h.how == "changed"], lambda host: host.differences, self.names)

    @property
    def looks_in_short(self) -> str:
        """Say in a line of which roles a look searches otherwise, and on how many hosts; empty if of none."""
        if not self.looks:
            return ""
        roles = ", ".join(sorted({d.role for h in self.looks for d in h.differences}))
        return f"A look searches otherwise on {several(len(self.looks), 'host')} ({roles}): it may tell other things."

    def changed(self, how: HostChange) -> tuple[ReviewedHost, ...]:
        """Return the hosts of which this becomes."""
        return tuple(host for host in self.hosts if host.how == how)

    @property
    def by_municipality(self) -> dict[str, tuple[ReviewedHost, ...]]:
        """Return the hosts that differ by municipality, in the order of slugs."""
        slugs = sorted({host.municipality for host in self.hosts})
        return {slug: tuple(h for h in self.hosts if h.municipality == slug) for slug in slugs}

    def name_of(self, slug: str) -> str:
        """Return a municipality's name."""
        return self.municipalities.get(slug, slug) or "–"

    @property
    def guarded(self) -> dict[str, tuple[str, ...]]:
        """Return what is guarded of what differs, with its hosts."""
        return _hosts_by((d.guard and f"{d.role}: {d.name}", h.host) for h in self.hosts for d in h.differences)

    @property
    def unguarded(self) -> dict[str, tuple[str, ...]]:
        """Return why what differs is not guarded where it might cut off its host, with the hosts."""
        return _hosts_by((d.unguarded, h.host) for h in self.hosts for d in h.differences)

    @property
    def restarts(self) -> dict[str, tuple[str, ...]]:
        """Return what restarts, with its hosts."""
        return _hosts_by((r, h.host) for h in self.hosts for d in h.differences for r in d.restarts)

    @property
    def secrets(self) -> dict[str, tuple[str, ...]]:
        """Return the secrets that stand in what differs, with the hosts."""
        return _hosts_by((s, h.host) for h in self.hosts for d in h.differences for s in d.secrets)

    @property
    def controls(self) -> dict[str, tuple[str, ...]]:
        """Return the controls that the roles answer of which a step differs, with the hosts."""
        found = _hosts_by((c, h.host) for h in self.hosts for c in h.controls)
        return dict(sorted(found.items(), key=lambda item: _number_of(item[0])))


def _number_of(control: str) -> tuple[str, tuple[int, ...]]:
    name, _, number = control.rpartition(" ")
    return name, tuple(int(part) for part in number.split(".") if part.isdecimal())


def _hosts_by(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for what, host in pairs:
        if what:
            found.setdefault(what, {})[host] = None
    return {what: tuple(hosts) for what, hosts in sorted(found.items())}


def hosts_in_short(hosts: Collection[str], most: int = 6) -> str:
    """Name hosts; of many, the first and how many more there are."""
    named = list(hosts)
    if len(named) <= most + 1:
        return ", ".join(named)
    return f"{', '.join(named[:most])} and {len(named) - most} more"


def breaches_in_lines(breaches: Iterable[Breach]) -> list[str]:
    """Say what breaks a policy, the same of several hosts once."""
    hosts: dict[str, list[str]] = {}
    for breach in breaches:
        hosts.setdefault(breach.what, []).append(breach.host)
    return [
        f"{what} ({short})" if (short := hosts_in_short([*filter(None, of)])) else what for what, of in hosts.items()
    ]
