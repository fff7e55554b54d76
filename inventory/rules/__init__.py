"""What makes a fleet sound: small rules, each with its reason, all asked in one go.

What every managed host needs always holds; house rules (`house_rules.py`) hold where the organisation asks for them
(`house.py`). Each other module here has the rules of one subject. Not here: whether roles fit their hosts and have
good options, which the roles know (`roles/shared/catalogue.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from inventory.errors import Problem
from inventory.fleet import Fleet
from inventory.places import Places, in_words, owner, printable
from inventory.rules import addresses, contexts, interfaces, names, references, sites_and_hosts
from inventory.rules.house import HOUSE_RULES, House, of_the_project
from inventory.rules.rule import Fault, Rule

__all__ = ["HOUSE_RULES", "RULES", "House", "found", "problems"]

SUBJECTS = (names, interfaces, references, addresses, sites_and_hosts, contexts)
RULES = {rule.id: rule for subject in SUBJECTS for rule in vars(subject).values() if isinstance(rule, Rule)}
"""Every rule that always holds, by its id, in the order in which they are asked."""


def problems(
    fleet: Fleet,
    places: Places | None = None,
    unread: frozenset[str] = frozenset(),
    house: House | None = None,
) -> tuple[Problem, ...]:
    """Return everything that is wrong with the fleet, rule by rule, and with the house rules themselves.

    Args:
        places: where the fleet's parts came from; without, places are said in NetBox's words.
        unread: sections of which something could not be read.
        house: the house rules; without, those of the project.
    """
    house = house or of_the_project()
    return (*house.problems, *(problem for _, problem in found(fleet, places, unread, house)))


def found(
    fleet: Fleet,
    places: Places | None = None,
    unread: frozenset[str] = frozenset(),
    house: House | None = None,
) -> Iterator[tuple[Fault, Problem]]:
    """Yield every fault of the fleet, and the problem that it is; arguments as of `problems`."""
    places, house = places or Places(), house or of_the_project()
    for rule in (*RULES.values(), *house.rules()):
        for fault in rule.faults(fleet):
            if unread.isdisjoint(fault.needs):
                yield fault, _problem(fleet, places, rule, fault)


def _problem(fleet: Fleet, places: Places, rule: Rule, fault: Fault) -> Problem:
    where, about = printable(places.of(fleet, fault.path)), printable(in_words(fleet, fault.path))
    host, municipality = owner(fleet, fault.path)
    return Problem(rule.id, where, printable(fault.what), rule.fix, about=about, host=host, municipality=municipality)
