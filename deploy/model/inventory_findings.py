"""Make findings of what is wrong with the inventory, and of what NetBox and the snapshot say differently. Pure.

Not here: the rules of the inventory (`inventory.rules`), and how fleets are compared (`inventory.difference`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from deploy.model.findings import Finding, Kind, Severity
from inventory.difference import ObjectDifference
from inventory.errors import Problem
from inventory.fleet import Fleet

REMEDY = "samdrift inventory pull takes NetBox's word into the snapshot; samdrift inventory seed writes the snapshot's"


def findings_of(found: Iterable[ObjectDifference], snapshot: Fleet, netbox: Fleet) -> tuple[Finding, ...]:
    """A pending finding for each object: NetBox is what should be, and the snapshot does not say it (yet).

    Args:
        found: what the two say differently, the snapshot first.
    """
    tenants = {h.name: h.tenant for fleet in (snapshot, netbox) for h in fleet.hosts}
    return tuple(
        Finding(
            kind=Kind.PENDING,
            host=one.name if one.section == "hosts" else "",
            municipality=tenants.get(one.name, "") if one.section == "hosts" else "",
            step=one.title,
            summary=f"{one.title}: {SAID[one.kind]}",
            detail="\n".join(" › ".join(f.path) for f in one.fields) if one.kind == "changed" else "",
            remedy=REMEDY,
            severity=Severity.LOW,
        )
        for one in found
    )


SAID = {
    "added": "in NetBox, and not in the snapshot",
    "removed": "in the snapshot, and not in NetBox",
    "changed": "NetBox says something else than the snapshot",
}


def unsound(problems: Iterable[Problem], fleet: Fleet) -> tuple[Finding, ...]:
    """Problems of an inventory as findings, each of the municipality whose it is, if the fleet has that municipality.

    Args:
        fleet: the inventory, or what could be read of it.
    """
    owners = {h.name: h.tenant for h in fleet.hosts}
    known = {t.slug for t in fleet.tenants}
    found = []
    for problem in problems:
        host = problem.host or _host_in(problem.where)
        municipality = problem.municipality or owners.get(host, "")
        found.append(
            Finding(
                kind=Kind.UNSOUND,
                host=host,
                municipality=municipality if municipality in known else "",
                step=f"{problem.rule} {problem.about or problem.where}",
                summary=f"{problem.where}: {problem.what} [{problem.rule}]",
                remedy=problem.fix,
                severity=Severity.HIGH,
            )
        )
    return tuple(found)


def _host_in(where: str) -> str:
    """The host that a place to mend (`host tie-dns1, field …`) speaks of; empty if it speaks of none."""
    found = re.match(r"host ([^\s,:]+)", where)
    return found[1] if found else ""
