"""Follow a packet from hop to hop, and say at each which rule decides. Pure.

Several sources of one prefix are followed at once: at each hop those go on that it lets through. Where a hop is not
known, all of them are taken to go on, and the answer is *not known* unless it is closed to all later on: the routers
and the host at the destination's end are asked in any case. Not here: what the hosts say (`world`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from deploy.model.reach import Answer, Hop, Trace
from deploy.reach.world import Arrival, Exit, World, decides
from inventory.fleet import Host
from inventory.network import Network, Prefix
from roles.shared.filtering import Filter, Rule, Service, is_within
from roles.shared.traffic import networks

SHOWN = 3
"""Rules of one hop that are named where many let something through."""


@dataclass(frozen=True)
class Question:
    """What is asked: whether these sources, of one prefix, may use a service of a destination.

    `source_host` is who has the source, if that is one address; without a `prefix` the sources are outside the fleet.
    """

    called: str
    sources: tuple[Network, ...]
    prefix: Prefix | None
    source_host: Host | None
    destination: Network
    service: Service


def trace(question: Question, world: World) -> Trace:
    """Follow a packet on the way that it takes as a rule, and on those that it takes if a host or a link fails."""
    usual, replaceable = _followed(question, world, frozenset())
    others = dict.fromkeys(_followed(question, world, frozenset({one}))[0] for one in replaceable)
    alike = tuple(o.path for o in others if o.path != usual.path and _same(o, usual))
    return usual.model_copy(update={"alike": alike, "instead": tuple(o for o in others if not _same(o, usual))})


def _same(one: Trace, other: Trace) -> bool:
    return (one.answer, one.reaching) == (other.answer, other.reaching)


Part = tuple[str, str]
"""A host, and an interface that it sends by; without an interface, the whole host."""


def _followed(question: Question, world: World, failed: frozenset[Part]) -> tuple[Trace, tuple[Part, ...]]:
    """Return the way of a packet where some parts have failed, and the parts of it that another stands in for."""
    walk = _Walk(question, world, failed, remaining=question.sources)
    walk.go()
    end = world.holder(question.destination.network_address) if _is_one(question.destination) else None
    closed = bool(walk.hops) and walk.hops[-1].answer == "closed"
    answer: Answer = "closed" if closed else "not known" if any(h.answer == "not known" for h in walk.hops) else "open"
    found = Trace(
        host=end[0].name if end else "",
        source=question.source_host.name if question.source_host else question.called,
        source_host=question.source_host.name if question.source_host else "",
        asked=question.sources,
        reaching=() if closed else walk.remaining,
        destination=question.destination,
        service=question.service,
        answer=answer,
        hops=tuple(walk.hops),
    )
    return found, tuple(walk.replaceable)


@dataclass
class _Walk:
    """A walk from the source to the destination: where it is, who was met, and which sources are left."""

    question: Question
    world: World
    failed: frozenset[Part]
    remaining: tuple[Network, ...]
    hops: list[Hop] = field(default_factory=list)
    met: set[str] = field(default_factory=set)
    replaceable: dict[Part, None] = field(default_factory=dict)

    def go(self) -> None:
        """Go as far as the packet gets."""
        arrivals = self._first()
        while arrivals is not None:
            arrival = self._chosen(arrivals)
            if arrival.ends:
                self.hops.append(Hop(host="", does="lets in", answer="not known", why=arrival.why))
                return
            if arrival.host is None:
                arrivals = self._unknown(arrival.why)
            elif self._is_there(arrival.host):
                self._let_in(arrival.host, arrival.interface)
                return
            elif arrival.host.name in self.met:
                arrivals = self._unknown(f"the way leads to {arrival.host.name} a second time")
            else:
                self.met.add(arrival.host.name)
                arrivals = self._sent_on(arrival.host, arrival.interface)

    # Where it goes

    def _first(self) -> Sequence[Arrival] | None:
        """Return to whom the source sends."""
        asked, destination = self.question, self.question.destination
        if asked.source_host is not None:
            if self._is_there(asked.source_host):
                return (Arrival(asked.source_host, "lo"),)
            self.met.add(asked.source_host.name)
            exit_ = self._exit(asked.source_host)
            return exit_.arrivals if exit_ else self._unknown(f"where {asked.source_host.name} sends it")
        if asked.prefix is None:
            return self._unknown("what lies between the internet and the fleet, samdrift does not know")
        if is_within(destination, (asked.prefix.prefix,)):
            return (self.world.at(destination.network_address, asked.prefix.vrf),)
        return self.world.into(asked.prefix)

    def _exit(self, host: Host) -> Exit | None:
        """Return by which of its exits a host sends it: the preferred one that has not failed. None: not known."""
        exits = self.world.exits(host, self.question.destination)
        left = [e for e in exits if (host.name, e.interface) not in self.failed and not self._is_cut_off(e)]
        if len(left) > 1:
            self.replaceable[host.name, left[0].interface] = None
        return next(iter(left or exits), None)

    def _is_cut_off(self, exit_: Exit) -> bool:
        return bool(exit_.arrivals) and all(a.host and (a.host.name, "") in self.failed for a in exit_.arrivals)

    def _chosen(self, arrivals: Sequence[Arrival]) -> Arrival:
        left = [a for a in arrivals if a.host is None or (a.host.name, "") not in self.failed] or list(arrivals)
        if len(left) > 1 and (first := left[0].host) is not None:
            self.replaceable[first.name, ""] = None
        return left[0]

    def _unknown(self, why: str) -> Sequence[Arrival] | None:
        """Go past what nobody here knows, to the destination's end."""
        self.hops.append(Hop(host="", does="lies between", answer="not known", why=why))
        return self._at_the_end()

    def _at_the_end(self) -> Sequence[Arrival] | None:
        """Return the routers of the destination's prefix, by one of which it has to come; else the destination."""
        destination = self.question.destination
        prefix = self.world.fleet.prefix_of(destination.network_address)
        routers = (a.host for a in self.world.into(prefix)) if prefix else ()
        left = [r for r in routers if r is not None and r.name not in self.met and not self._is_there(r)]
        if known := [r for r in left if self.world.filter_of(r) is not None]:
            return tuple(Arrival(r, "") for r in known)
        found = self.world.holder(destination.network_address) if _is_one(destination) else None
        return (Arrival(found[0], ""),) if found is not None else None

    # What becomes of it there

    def _sent_on(self, host: Host, came_by: str) -> Sequence[Arrival] | None:
        """Let a host judge what passes through it, and return whom it sends it to; None if it is dropped."""
        judged = self.world.filter_of(host)
        exit_ = self._exit(host)
        by = (came_by, exit_.interface if exit_ else "")
        if judged is None:
            why = self.world.why_not_known(host)
            self.hops.append(Hop(host=host.name, does="lets through", answer="not known", why=why, by=by))
        elif not self._judged(host, judged, by, "lets through"):
            return self._at_the_end() if self._may_go_otherwise(host) else None
        if exit_ is None:
            return self._unknown(f"where {host.name} sends it")
        return exit_.arrivals or self._outside(host, exit_.interface)

    def _may_go_otherwise(self, host: Host) -> bool:
        """Tell whether the packet may take another way than past this host, as nobody knows where it was sent before.

        The destination's own routers it cannot get past.
        """
        prefix = self.world.fleet.prefix_of(self.question.destination.network_address)
        last = {r.name for r in self.world.routers(prefix)} if prefix else set[str]()
        return host.name not in last and any(h.answer == "not known" for h in self.hops)

    def _outside(self, host: Host, leaves_by: str) -> Sequence[Arrival] | None:
        """End where the packet leaves the fleet; of what is in the fleet, the way back into it is not known."""
        destination = self.question.destination
        if self.world.fleet.prefix_of(destination.network_address) is None:
            return None
        return self._unknown(f"{host.name} sends it out by {leaves_by}, and not to {destination.network_address}")

    def _let_in(self, host: Host, came_by: str) -> None:
        judged = self.world.filter_of(host)
        if came_by == "lo":
            self.hops.append(Hop(host=host.name, does="lets in", answer="open", why="it asks itself", by=(came_by, "")))
        elif judged is None:
            why = self.world.why_not_known(host)
            self.hops.append(Hop(host=host.name, does="lets in", answer="not known", why=why, by=(came_by, "")))
        else:
            self._judged(host, judged, (came_by, ""), "lets in")

    def _judged(self, host: Host, judged: Filter, by: tuple[str, str], does: str) -> bool:
        """Note what a host does with the packet; tell whether any of it goes on."""
        hop = Hop(host=host.name, does=does, answer="open", by=by)
        if (dropped := self._by_reverse_path(host, judged, by[0])) is not None:
            self.hops.append(hop.model_copy(update={"answer": "closed", **dropped}))
            return False
        through = does == "lets through"
        rules, admitted = self._admitted(judged.lets_through if through else judged.lets_in, by[1] if through else "")
        if admitted:
            self.remaining = admitted
            why = "; ".join(dict.fromkeys(r.why for r in rules[:SHOWN]))
            self.hops.append(hop.model_copy(update={"rules": tuple(r.text for r in rules[:SHOWN]), "why": why}))
            return True
        shuts = judged.shuts_through if through else decides(judged, self.question.service)
        if not shuts:
            why = judged.others_through if through else judged.others
            self.hops.append(hop.model_copy(update={"answer": "not known", "why": why}))
            return True
        drops = judged.dropped_through if through else judged.dropped_in
        why = f"no rule {does.replace('lets', 'lets it')}"
        self.hops.append(hop.model_copy(update={"answer": "closed", "rules": (drops,), "why": why}))
        return False

    def _admitted(self, rules: Sequence[Rule], leaves_by: str) -> tuple[list[Rule], tuple[Network, ...]]:
        """Return the rules that admit any of the sources that are left, and which."""
        asked = self.question
        parts = [(r, r.admits(self.remaining, asked.destination, asked.service, leaves_by)) for r in rules]
        return [r for r, part in parts if part], networks(n for _, part in parts for n in part)

    def _by_reverse_path(self, host: Host, judged: Filter, came_by: str) -> dict[str, object] | None:
        """Return why a host drops the sources, as it would answer them by another interface; None if it does not."""
        if not judged.by_reverse_path or came_by in {"", *judged.believed}:
            return None
        back = self.world.exits(host, self.remaining[0])
        if not back or back[0].interface == came_by:
            return None
        why = f"it reaches {self.remaining[0]} by {back[0].interface}, and not by {came_by}"
        return {"rules": (judged.dropped_source,), "why": why}

    def _is_there(self, host: Host) -> bool:
        destination = self.question.destination
        return _is_one(destination) and any(a.ip == destination.network_address for a in host.addresses)


def _is_one(network: Network) -> bool:
    return network.num_addresses == 1
