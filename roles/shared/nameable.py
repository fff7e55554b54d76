"""Which hosts of a fleet others can be told of: those whose name makes a DNS label and the name of a file. Pure.

A host at the other end of a cable is known whatever it is called, and a managed one with such a name is no longer
managed, until it is mended: neither may take the resolvers and the log server from all others.
"""

from __future__ import annotations

from inventory.fleet import Fleet, Host
from inventory.rules.names import LABEL


def nameable(fleet: Fleet) -> tuple[Host, ...]:
    """Return the hosts that are not on their way out, whose name and tenant can be written anywhere."""
    return tuple(
        h
        for h in fleet.hosts
        if h.status != "decommissioning" and LABEL.fullmatch(h.name) and LABEL.fullmatch(h.tenant)
    )
