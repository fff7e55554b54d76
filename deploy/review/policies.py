"""Ask the organisation's policies of both sides of a review: what is newly broken, what was before, what holds again.

They are asked by this checkout's code and file: a merge request that takes a policy out shows in the diff of its own
files, and is asked for approval there. Not here: what a policy is, and which there are (`inventory.policies`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from ipaddress import ip_network
from typing import Any

from deploy.model.review import Breach, PolicyResult, Review
from deploy.review.state import HostState, State
from deploy.review.texts import masked
from inventory.network import Network
from inventory.policies.policy import AskedPolicy, Broken
from inventory.policies.wanted import LetIn, Wanted, WantedHost, WantedNetwork


def judged(review: Review, before: State, after: State, asked: Sequence[AskedPolicy]) -> Review:
    """Return a review with what every policy has found."""
    if not asked:
        return review
    changing = {h.host: tuple(d.unguarded for d in h.differences if d.unguarded) for h in review.hosts}
    old, new = wanted(before, {}), wanted(after, changing)
    return replace(review, policies=tuple(_asked(one, old, new) for one in asked))


def _asked(asked: AskedPolicy, old: Wanted, new: Wanted) -> PolicyResult:
    try:
        now = _breaches(asked, new)
    except Exception as e:  # noqa: BLE001  whatever is wrong with one policy: it must not pass for one that holds
        why = str(e.args[0]) if isinstance(e, LookupError) and e.args else f"{type(e).__name__}: {e}"
        return PolicyResult(asked.id, asked.reason, fault=why)
    try:
        then = _breaches(asked, old)
    except Exception:  # noqa: BLE001  what it names was not there before: then all of it is new
        then = []
    was, is_ = Counter(then), Counter(now)
    return PolicyResult(
        asked.id,
        asked.reason,
        new=tuple((is_ - was).elements()),
        before=tuple((is_ & was).elements()),
        mended=tuple((was - is_).elements()),
    )


def _breaches(asked: AskedPolicy, of: Wanted) -> list[Breach]:
    return [_breach(asked.id, broken) for broken in asked.broken(of)]


def _breach(id_: str, broken: Broken) -> Breach:
    return Breach(id_, masked(broken.what), broken.host, broken.municipality)


def wanted(state: State, changing: dict[str, tuple[str, ...]]) -> Wanted:
    """Return what policies are asked about.

    Args:
        changing: the hosts that change, each with why a step of it is not guarded.
    """
    hosts = (host for host in state.every_host() if not host.problems)
    networks = tuple(
        WantedNetwork(ip_network(n.network), n.municipality, n.site, n.described, n.vlan) for n in state.networks
    )
    return Wanted(tuple(_host(host, state, changing) for host in hosts), networks)


def _host(host: HostState, state: State, changing: dict[str, tuple[str, ...]]) -> WantedHost:
    lets = json.loads(state.text(host.filter)) if host.filter else None
    return WantedHost(
        name=host.host,
        municipality=host.municipality,
        site=host.site,
        device_role=host.role,
        platform=host.platform,
        kind=host.kind,
        tags=host.tags,
        roles=host.roles,
        addresses=host.addresses,
        lets_in=tuple(map(_let, lets["in"])) if lets else None,
        lets_through=tuple(map(_let, lets["through"])) if lets else None,
        files=_files(host, state),
        packages=frozenset(name for step in host.steps for name in step.packages),
        groups={step.account: step.groups for step in host.steps if step.account},
        approvals=host.approvals,
        changes=host.host in changing,
        unguarded=changing.get(host.host, ()),
    )


def _files(host: HostState, state: State) -> dict[str, Callable[[], str]]:
    return {step.path: partial(state.text, step.text) for step in host.steps if step.path}


def _let(rule: dict[str, Any]) -> LetIn:
    return LetIn(
        sources=_networks(rule["sources"]),
        protocol=rule["protocol"] or "",
        port=rule["port"],
        why=rule["why"],
        destinations=_networks(rule["destinations"]),
        leaves_by=rule["leaves_by"],
    )


def _networks(texts: Iterable[str]) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)
