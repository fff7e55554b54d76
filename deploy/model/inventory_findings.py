"""What it means that NetBox and the snapshot differ: a finding for each object. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from deploy.model.findings import Finding, Kind, Severity
from inventory.difference import ObjectDifference
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
