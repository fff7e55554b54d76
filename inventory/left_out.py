"""What of a source is no part of the fleet, each with the reason, and how it is counted. Pure.

Not here: what is left out (`parts.py` decides it, and `netbox/assemble.py` of what no fleet can hold).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from inventory.frozen import Frozen


class LeftOut(NamedTuple):
    """An object that is no part of the fleet.

    Attributes:
        kind: what it is, in NetBox's words, in the singular.
        name: how NetBox calls it.
        reason: why it is left out.
    """

    kind: str
    name: str
    reason: str


class Count(Frozen):
    """How many objects of a kind are left out for a reason."""

    kind: str
    reason: str
    count: int


def counted(left_out: Iterable[LeftOut]) -> tuple[Count, ...]:
    """Count by kind and reason; of each kind, the most frequent reason first."""
    counts = Counter((one.kind, one.reason) for one in left_out)
    ordered = sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
    return tuple(Count(kind=kind, reason=reason, count=count) for (kind, reason), count in ordered)
