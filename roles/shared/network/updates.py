"""When a host installs its updates by itself: of hosts that stand in for each other, never two in the same hour. Pure.

Not here: what is installed, and that nothing is restarted for it (role `base`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from roles.shared.intent import Intent
from roles.shared.network.redundancy import redundant_groups

HOURS = (1, 2, 3, 4, 0, 23, 22, 21)
"""At night in Sweden, the best first. Of UTC, in which no hour is left out or comes twice."""


def update_hours(intent: Intent) -> Mapping[str, int]:
    """Return the hour of every host that stands in for others; hosts that do not take the first.

    It stays as it is while the same hosts stand in for each other. Of more than there are hours, some share one.
    """
    found: dict[str, int] = {}
    taken: dict[str, list[int]] = defaultdict(list)
    groups = redundant_groups(intent.fleet)
    for name in sorted(groups):
        used = [hour for group in groups[name] for hour in taken[group]]
        found[name] = min(HOURS, key=lambda hour: (used.count(hour), HOURS.index(hour)))
        for group in groups[name]:
            taken[group].append(found[name])
    return found


def update_hour(name: str, intent: Intent) -> int:
    """Return the hour of one host."""
    return intent.derive(update_hours).get(name, HOURS[0])
