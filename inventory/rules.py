"""What makes a fleet sound: small rules, each with its reason, all asked in one go.

Not here: whether roles fit their hosts and have good options, which the roles know (`roles/shared/catalogue.py`).
"""

from __future__ import annotations

from inventory.errors import Problem
from inventory.fleet import Fleet
from inventory.places import Places


def problems(fleet: Fleet, places: Places = Places(), unread: frozenset[str] = frozenset()) -> tuple[Problem, ...]:
    """Everything wrong with the fleet, by place."""
    return ()
