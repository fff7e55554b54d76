"""Whether what a change lets in gets there: each opening followed through the fleet as it would be. Pure.

A host that lets more in is reached by nobody, where a gateway on the way shuts it out. What is asked is bounded; of
what was not asked, the opening alone is told. Not here: how a packet is followed (`deploy.reach`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from deploy.model.openings import Opening
from deploy.model.reach import Trace
from deploy.model.review import Reached, Review
from deploy.reach import ends, matrix
from deploy.reach.world import World
from deploy.review.texts import masked
from inventory.errors import UsageError
from inventory.network import Network
from roles.shared.filtering import Service

OPENINGS = 60
"""Openings that are followed."""
TRACES = 200
"""Ways of one opening that are followed."""


def followed(review: Review, world: World) -> Review:
    """Return the review with the answer to each of its openings, as far as they are asked."""
    asked = 0
    found = []
    for reached in review.reached:
        service = _service(reached.opening.service)
        if reached.opening.kind == "opens" and service is not None and asked < OPENINGS:
            asked += 1
            found.append(_answered(reached.opening, service, world))
        else:
            found.append(reached)
    return replace(review, reached=tuple(found))


def _answered(opening: Opening, service: Service, world: World) -> Reached:
    traces = list(islice(_traces(opening, service, world), TRACES))
    if not traces:
        return Reached(opening)
    counted = Counter(t.answer for t in traces)
    answer = next(iter(counted)) if len(counted) == 1 else ", ".join(f"{n} {a}" for a, n in sorted(counted.items()))
    deciding = dict.fromkeys(_decided(t) for t in traces if t.answer != "open")
    return Reached(opening, answer, "; ".join(islice(deciding, 3)) or "all the way")


def _decided(trace: Trace) -> str:
    hop = trace.decided_by
    return masked(f"{hop.host or 'on the way'}: {hop.why}")


def _traces(opening: Opening, service: Service, world: World) -> Iterator[Trace]:
    """Yield the ways from its sources: to the first of its hosts, or to whoever is where it lets through."""
    sources = [end for network in opening.sources for end in _sources(network, world)]
    if opening.destinations:
        to = [end for network in opening.destinations for end in _hosts_in(network, world)]
    else:
        to = [ends.End(name, world.fleet.host(name)) for name in opening.hosts[:1]]
    yield from matrix.asked(sources, to, service, world)


def _sources(network: Network, world: World) -> tuple[ends.End, ...]:
    return ends.sources(ends.ANYBODY if network.prefixlen == 0 else str(network), world.fleet)


def _hosts_in(network: Network, world: World) -> tuple[ends.End, ...]:
    try:
        return ends.destinations(str(network), world.fleet) if network.prefixlen else ()
    except UsageError:
        return ()  # no host of the inventory is there


def _service(text: str) -> Service | None:
    """Return the service of an opening; None if it is about more than one."""
    if text == "ping":
        return Service(protocol="icmp")
    protocol, _, port = text.partition("/")
    if protocol not in {"tcp", "udp"} or not port.isdecimal():
        return None
    return Service.model_validate({"protocol": protocol, "port": int(port)})
