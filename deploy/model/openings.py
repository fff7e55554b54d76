"""What a plan opens and closes: its rulesets before and after, as who may use what then, and could before. Pure.

Rules that are only written otherwise (merged, split, in another order) open and close nothing. A part that another rule
lets in as well is neither opened nor closed with one of them. What cannot be read as such is told as it stands, and
never as open or closed. Not here: how a listing is read (`nft_listing`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple, Protocol

from deploy.model.nft_listing import listing
from deploy.model.plan import Configure, Plan, Step
from inventory.frozen import Frozen
from inventory.network import Network
from roles.shared.filtering import Rule, Service, common, without
from roles.shared.traffic import ANYWHERE, ANYWHERE4, ANYWHERE6, networks

RULESET = "nftables ruleset"
"""What a change of one is called (`roles.shared.parts.ruleset`)."""
NOTHING_FILTERED = "before, nothing was filtered there: everything that it does not name is shut"
NOT_LISTED = "whether anything was filtered there before: there is no nft"
OTHERS_RULES = "what else was open before: others' rules were in force"
OF_A_DEVICE = "what the configuration opens and closes: read its lines"


class Opening(Frozen):
    """Traffic that a change opens or closes on some hosts; of what is `not known`, only what it is about.

    Attributes:
        service: `tcp/443`, `ping`; a protocol alone is all of it.
        destinations: where it goes if it passes through; empty if the hosts themselves let it in.
    """

    kind: Literal["opens", "closes", "not known"]
    hosts: tuple[str, ...]
    service: str = ""
    sources: tuple[Network, ...] = ()
    destinations: tuple[Network, ...] = ()
    why: str = ""

    @property
    def in_words(self) -> str:
        """Return the line that people read."""
        if self.kind == "not known":
            return f"not known on {', '.join(self.hosts)}: {self.why}"
        place = "through" if self.destinations else "on"
        to = f" to {_in_words(self.destinations)}" if self.destinations else ""
        why = f" ({self.why})" if self.why else ""
        return f"{self.kind}: {self.service} {place} {', '.join(self.hosts)} from {_in_words(self.sources)}{to}{why}"


def openings(plan: Plan) -> tuple[Opening, ...]:
    """Return what the plan's changes open, what they close, and what is not known, the same of many hosts once."""
    hosts: dict[Opening, list[str]] = {}
    for host in plan.hosts:
        for step in host.changes:
            for opening in _of_step(step):
                hosts.setdefault(opening, []).append(host.host)
    order = {"opens": 0, "closes": 1, "not known": 2}
    found = (o.model_copy(update={"hosts": tuple(dict.fromkeys(names))}) for o, names in hosts.items())
    return tuple(sorted(found, key=lambda o: (order[o.kind], o.service, o.hosts)))


def _of_step(step: Step) -> Iterator[Opening]:
    change = step.change
    if any(isinstance(command, Configure) for command in step.commands):
        yield Opening(kind="not known", hosts=(), why=OF_A_DEVICE)
    if change is None or change.what != RULESET or change.after is None:
        return
    if change.before is None:
        yield Opening(kind="not known", hosts=(), why=NOT_LISTED)
        return
    before, after = listing(change.before), listing(change.after)
    if before.is_empty:
        yield Opening(kind="closes", hosts=(), service="everything else", sources=ANYWHERE, why=NOTHING_FILTERED)
        return
    if not before.drops_the_rest:
        yield Opening(kind="not known", hosts=(), why=OTHERS_RULES)
    yield from compared(before, after)
    for why, one, other in (("goes", before, after), ("comes", after, before)):
        for line in one.unread:
            if line not in other.unread:
                yield Opening(kind="not known", hosts=(), why=f"a rule {why}: {line}")


class Rules(Protocol):
    """What lets in and through, however it is known: a listing, what roles declare."""

    @property
    def lets_in(self) -> Sequence[Rule]:
        """Return the rules of what comes in."""

    @property
    def lets_through(self) -> Sequence[Rule]:
        """Return the rules of what passes."""


def compared(before: Rules, after: Rules) -> Iterator[Opening]:
    """Yield what one ruleset opens, and what it closes, that another did not, or did."""
    chains = ((before.lets_in, after.lets_in, False), (before.lets_through, after.lets_through, True))
    for old, new, through in chains:
        for kind, more, less in (("opens", new, old), ("closes", old, new)):
            for service, sources, destinations, why in _gained(more, less):
                to = destinations if through else ()
                yield Opening.model_validate(
                    {"kind": kind, "hosts": (), "service": service, "sources": sources, "destinations": to, "why": why}
                )


class _Gain(NamedTuple):
    service: str
    sources: tuple[Network, ...]
    destinations: tuple[Network, ...]
    why: str


def _gained(more: Sequence[Rule], less: Sequence[Rule]) -> Iterator[_Gain]:
    """Yield the traffic that some rules admit, and others do not: by service and reason, with as few networks."""
    kept = {(r.sources, r.destinations, r.protocol, r.port, r.leaves_by) for r in less}
    parts: dict[tuple[str, str, tuple[Network, ...]], list[Network]] = {}
    for rule in (one for of in more for one in _by_protocol(of)):
        if (rule.sources, rule.destinations, rule.protocol, rule.port, rule.leaves_by) in kept:
            continue
        covering = [r for r in less if _covers(r, rule)]
        for sources, destinations in _rest(rule, covering):
            parts.setdefault((_service(rule), rule.why, sources), []).extend(destinations)
    for (service, why, sources), reached in parts.items():
        yield _Gain(service, sources, networks(reached), why)


def _by_protocol(rule: Rule) -> tuple[Rule, ...]:
    """Return a rule of one protocol each, where it is about a port of both that have ports."""
    if rule.protocol is not None or rule.port is None:
        return (rule,)
    return tuple(rule.model_copy(update={"protocol": protocol}) for protocol in ("tcp", "udp"))


def _rest(rule: Rule, covering: Iterable[Rule]) -> Iterator[tuple[tuple[Network, ...], tuple[Network, ...]]]:
    """Yield what of a rule's traffic no other rule admits: sources and destinations, each pair of them apart."""
    rest: list[tuple[tuple[Network, ...], tuple[Network, ...]]] = [(rule.sources, rule.destinations)]
    for other in covering:
        left = []
        for sources, destinations in rest:
            reached = common(destinations, other.destinations)
            if untouched := without(destinations, reached):
                left.append((sources, untouched))
            if reached and (alone := without(sources, other.sources)):
                left.append((alone, reached))
        rest = left
    yield from rest


def _covers(rule: Rule, other: Rule) -> bool:
    """Tell whether a rule is about all services that another is about, and leaves by the same or any interface."""
    if rule.leaves_by not in {"", other.leaves_by}:
        return False
    if rule.protocol is None and rule.port is not None:
        return rule.port == other.port and other.protocol in {None, "tcp", "udp"}
    return rule.protocol in {None, other.protocol} and rule.port in {None, other.port}


def _service(rule: Rule) -> str:
    by = f" out by {rule.leaves_by}" if rule.leaves_by else ""
    if rule.protocol is None:
        return f"everything{by}"
    return f"{Service(protocol=rule.protocol, port=rule.port)}{by}"


def _in_words(of: tuple[Network, ...]) -> str:
    everywhere = {ANYWHERE: "anywhere", (ANYWHERE4,): "anywhere over IPv4", (ANYWHERE6,): "anywhere over IPv6"}
    return everywhere.get(of) or ", ".join(str(n.network_address if n.num_addresses == 1 else n) for n in of)
