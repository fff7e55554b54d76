"""Computes one order of roles from what each says it comes after. Pure, and knows no role by name.

Not here: which roles there are, and what each says (`catalogue.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush

from inventory.errors import SamdriftError

EVERY_OTHER = "*"
"""In a role's `AFTER`: every role but those that come after this one."""

After = Mapping[str, tuple[str, ...] | None]
"""For every role, the names of roles that it comes after; None if it does not say."""


def in_order(after: After) -> tuple[str, ...]:
    """Sort roles so that each comes after those that it names.

    Of the roles that could be next, those that say what they come after go before those that do not say; among equals,
    the alphabet decides. So a role that says nothing comes after all that other roles are built on.

    Raises:
        SamdriftError: a role names one that there is not, or roles come after each other in a cycle.
    """
    sorter = TopologicalSorter(_before(after))
    try:
        sorter.prepare()
    except CycleError as e:
        raise _cycle(e.args[1]) from None
    found: list[str] = []
    ready: list[tuple[bool, str]] = []
    while sorter.is_active():
        for name in sorter.get_ready():
            heappush(ready, (after[name] is None, name))
        found.append(heappop(ready)[1])
        sorter.done(found[-1])
    return tuple(found)


def _before(after: After) -> dict[str, tuple[str, ...]]:
    """Return for every role the roles that must come before it, with `EVERY_OTHER` spelled out."""
    named = {name: tuple(sorted({*(listed or ())} - {EVERY_OTHER})) for name, listed in sorted(after.items())}
    for name, others in named.items():
        for other in others:
            if other not in named:
                raise SamdriftError(
                    f"it says that it comes after {other!r}, and there is no role of this name",
                    where=f"roles/{name}.py, AFTER",
                    fix=f"one of: {', '.join(named)}, {EVERY_OTHER}",
                )
    last = {name for name, listed in after.items() if EVERY_OTHER in (listed or ())}
    return {
        name: tuple(n for n in named if n not in {name, *_behind(name, named)}) if name in last else others
        for name, others in named.items()
    }


def _behind(name: str, before: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Return the roles that come after this one, by way of others too."""
    found: set[str] = set()
    looking = [name]
    while looking:
        one = looking.pop()
        behind = {n for n, others in before.items() if one in others} - found
        found |= behind
        looking += sorted(behind)
    return found


def _cycle(cycle: list[str]) -> SamdriftError:
    """Return the error that names a cycle, of which each role must come before the next, and the last is the first."""
    start = cycle.index(min(cycle))
    turned = [*cycle[start:-1], *cycle[:start], cycle[start]]
    return SamdriftError(
        f"roles come after each other in a cycle: {' after '.join(reversed(turned))}",
        where=f"roles/{turned[0]}.py, AFTER",
        fix="take one of these names out of the AFTER of the role before it",
    )
