"""Policies of who may reach what: over what hosts let in and through, whatever role or option opens it."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from inventory.frozen import Frozen
from inventory.policies.policy import Broken, policy
from inventory.policies.wanted import LetIn, Wanted, WantedHost, WhichHosts, beyond, overlap


class ReachedOnlyBy(Frozen):
    """`hosts` let `ports` (all, if none are named) be used by nobody but `by`."""

    hosts: WhichHosts
    by: tuple[str, ...]
    ports: tuple[int, ...] = ()
    besides: tuple[int, ...] = Field(default=(), description="ports that others may use, too: 22, 9100")


@policy("reached-only-by", ReachedOnlyBy)
def reached_only_by(wanted: Wanted, asked: ReachedOnlyBy) -> Iterator[Broken]:
    """Nobody reaches a system but those who are to."""
    allowed = wanted.called(asked.by)
    for host in wanted.of(asked.hosts):
        for let in _of_ports(host, asked.ports, asked.besides):
            if others := beyond(let.sources, allowed):
                yield _broken(host, let, f"is open to {', '.join(map(str, others[:5]))}")


class ClosedTo(Frozen):
    """Nothing is open to `networks`, in or through, on any of `hosts`, but `ports`."""

    networks: tuple[str, ...]
    hosts: WhichHosts = WhichHosts()
    but_ports: tuple[int, ...] = ()
    pings: bool = Field(default=True, description="whether pings are let be")
    own_way_out: bool = Field(default=True, description="whether what passes to one interface alone is let be")


@policy("closed-to", ClosedTo)
def closed_to(wanted: Wanted, asked: ClosedTo) -> Iterator[Broken]:
    """No rule opens anything to these networks: guests, schools."""
    closed = wanted.called(asked.networks)
    for host in wanted.of(asked.hosts):
        for let in (*(host.lets_in or ()), *(host.lets_through or ())):
            is_let_be = (asked.pings and let.protocol == "icmp") or (asked.own_way_out and let.leaves_by)
            if is_let_be or (let.port is not None and let.port in asked.but_ports):
                continue
            if overlap([n for n in let.sources if n.prefixlen], closed):
                yield _broken(host, let, "is open to a network that nothing may be open to")


class ClosedToTheInternet(Frozen):
    """No port of `hosts` is open to everybody, but `but_ports`."""

    hosts: WhichHosts = WhichHosts()
    but_ports: tuple[int, ...] = ()


@policy("closed-to-the-internet", ClosedToTheInternet)
def closed_to_the_internet(wanted: Wanted, asked: ClosedToTheInternet) -> Iterator[Broken]:
    """No port is open to everybody."""
    for host in wanted.of(asked.hosts):
        for let in _of_ports(host, (), asked.but_ports):
            if any(n.prefixlen == 0 for n in let.sources):
                yield _broken(host, let, "is open to everybody")


class ManagedFrom(Frozen):
    """`ports` (SSH, if none are named) are let in from `by` alone, everywhere."""

    by: tuple[str, ...]
    ports: tuple[int, ...] = (22,)
    hosts: WhichHosts = WhichHosts()


@policy("managed-from", ManagedFrom)
def managed_from(wanted: Wanted, asked: ManagedFrom) -> Iterator[Broken]:
    """Hosts are administered from these places alone."""
    allowed = wanted.called(asked.by)
    for host in wanted.of(asked.hosts):
        for let in _of_ports(host, asked.ports, ()):
            if others := beyond(let.sources, allowed):
                yield _broken(host, let, f"is let in from {', '.join(map(str, others[:5]))}")


class Apart(Frozen):
    """What is one municipality's own is not open to another's networks; hosts in `shared` are for all."""

    shared: WhichHosts
    but_ports: tuple[int, ...] = ()


@policy("apart", Apart)
def apart(wanted: Wanted, asked: Apart) -> Iterator[Broken]:
    """Municipalities' own hosts are apart from each other."""
    for host in wanted.hosts:
        if asked.shared.takes(host) or not host.municipality:
            continue
        foreign = [n.network for n in wanted.networks if n.municipality not in {host.municipality, ""}]
        for let in _of_ports(host, (), asked.but_ports):
            if any(overlap((n,), foreign) and n.prefixlen for n in let.sources):
                yield _broken(host, let, "is open to another municipality's network")


def _of_ports(host: WantedHost, ports: tuple[int, ...], besides: tuple[int, ...]) -> Iterator[LetIn]:
    """Yield what a host lets in at these ports, or at all; pings and routers' own protocols are no ports."""
    for let in host.lets_in or ():
        is_service = let.protocol not in {"icmp", "vrrp"}
        named = not ports or let.port is None or let.port in ports
        if is_service and named and (let.port is None or let.port not in besides):
            yield let


def _broken(host: WantedHost, let: LetIn, what: str) -> Broken:
    why = f" ({let.why})" if let.why else ""
    return Broken(f"{let.service} {what}{why}", host.name, host.municipality)
