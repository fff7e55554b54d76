"""What is wrong with what people are granted, that their file alone does not show: `check` says it. Pure.

A duty that no role declares, or a misspelled municipality, would be believed and let nobody do anything. (A fleet need
not have every municipality of the file: it may be a part of it, or somebody else's.)
"""

from __future__ import annotations

from collections.abc import Iterator

from inventory.errors import Problem
from inventory.fleet import Fleet
from inventory.organisation import ADMINISTER, ALL, JOINT, Person
from inventory.paths import PEOPLE
from inventory.people import RULE
from inventory.places import shown
from inventory.rules.rule import most_like
from roles.shared.catalogue import catalogue


def problems_of_people(fleet: Fleet) -> Iterator[Problem]:
    """Yield the duties that no role declares, and what is nearly called as a municipality of the fleet, each once."""
    duties = {ADMINISTER, *(name for role in catalogue().values() for name in role.duties)}
    granted = sorted({duty for person in fleet.people.everybody for grant in person.grants for duty in grant.duties})
    for duty in granted:
        if duty not in duties:
            what = f"no role declares the duty {duty}{most_like(duty, duties)}"
            yield Problem(RULE, shown(PEOPLE), what, f"one of: {', '.join(sorted(duties))}")
    known = {tenant.slug for tenant in fleet.tenants}
    named = {slug: person.name for person in fleet.people.everybody for slug in _municipalities(person)}
    for slug, person in sorted(named.items()):
        if slug not in known and (alike := most_like(slug, known)):
            what = f"{person}: there is no municipality {slug}{alike}"
            yield Problem(RULE, shown(PEOPLE), what, f"one of: {', '.join(sorted(known))}, {ALL}; as a home, {JOINT}")


def _municipalities(person: Person) -> Iterator[str]:
    yield from {person.home, *(slug for grant in person.grants for slug in grant.of)} - {ALL, JOINT}
