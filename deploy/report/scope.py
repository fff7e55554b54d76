"""Whom a report is about: the organisation and its municipalities, by their names and in Swedish order. Pure.

Not here: which hosts a report has (`report.content`), nor which part of a NetBox is ours (`inventory.scope`).
"""

from __future__ import annotations

from collections.abc import Iterable

from inventory.fleet import Fleet


def organisation(fleet: Fleet) -> str:
    """Return the name of the organisation: its regions, in Swedish order."""
    return " · ".join(sorted((r.name for r in fleet.regions), key=swedish))


def municipalities(fleet: Fleet, slugs: Iterable[str]) -> dict[str, str]:
    """Return the names of these municipalities by slug, in Swedish order; one that the fleet has not is its slug."""
    called = {t.slug: t.name for t in fleet.tenants}
    names = {slug: called.get(slug, slug) for slug in {*slugs}}
    return dict(sorted(names.items(), key=lambda named: (swedish(named[1]), named[0])))


def swedish(name: str) -> str:
    """Return a key by which names sort as in Swedish: å, ä and ö after z, in this order, and no case."""
    return name.casefold().translate(str.maketrans("åäö", "{|}"))
