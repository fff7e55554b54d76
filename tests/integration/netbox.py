"""What tests do to a real NetBox, whichever it is."""

from __future__ import annotations

from deploy.model.observer import Quiet
from inventory.fleet import Fleet
from inventory.netbox import seed
from inventory.netbox.client import NetBox
from inventory.netbox.write_types import WRITE_TYPES
from inventory.netbox.writes import Writes
from tests.integration.lab import NetBoxServer, given_netbox

_kept: set[str] = set()
"""The digests of the fleets that this run has seeded and kept: what an earlier one kept may be of other code."""


def empty(netbox: NetBox) -> None:
    """Delete everything that a fleet could mean, object by object: that is possible on any NetBox, and slow."""
    for kind in reversed([k for k in WRITE_TYPES if not k.completes]):
        netbox.delete(kind.endpoint, [row["id"] for row in netbox.rows(kind.endpoint, fields=("id",))])


def seeded(netbox: NetBox, fleet: Fleet) -> Writes:
    """Make it say what the fleet says; what was written for that."""
    plan = seed.planned(netbox, fleet)
    seed.carry_out(netbox, fleet, plan, Quiet())
    return plan


def emptied(netbox: NetBox, server: NetBoxServer) -> None:
    """Make it say nothing; at once where it is the lab's."""
    if given_netbox():
        empty(netbox)
    else:
        server.empty()


def say_as_shipped(netbox: NetBox, server: NetBoxServer, fleet: Fleet) -> None:
    """Make it say what this fleet says, and no more: the lab's is seeded once a run, and brought back from then on."""
    if fleet.digest in _kept and server.bring_back("shipped"):
        return
    emptied(netbox, server)
    seeded(netbox, fleet)
    if not given_netbox():
        server.keep("shipped")
        _kept.add(fleet.digest)


def ids(netbox: NetBox, endpoint: str) -> list[int]:
    """The ids of all objects there."""
    return [row["id"] for row in netbox.rows(endpoint, fields=("id",))]


NAMED_BY_OTHERS = {"manufacturer juniper", "platform cisco-ios", "device role access-switch", "device role core-switch"}
"""What the demo data has, too, by the same slug and another name: everybody's words keep the name that they have."""
