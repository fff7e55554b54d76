"""Waves: in which order hosts are changed. Pure.

The wave of a host is data (config context `samdrift.wave`): what others depend on comes first, and a wave that
goes wrong stops those after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from inventory.fleet import Host


def waves(hosts: Sequence[Host]) -> tuple[tuple[Host, ...], ...]:
    """Return the hosts in groups to be changed together, first group first; by name within a group."""
    ordered = sorted(hosts, key=lambda h: (h.wave, h.name))
    return tuple(tuple(group) for _, group in groupby(ordered, key=lambda h: h.wave))
