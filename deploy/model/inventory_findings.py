"""Make findings of what is wrong with the inventory, and of what NetBox and the snapshot say differently. Pure.

Not here: the rules of the inventory (`inventory.rules`), and how fleets are compared (`inventory.difference`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from deploy.model.evidence import Note
from deploy.model.findings import Finding, Kind, severity
from deploy.model.messages import MessageId, as_written, samdrift
from inventory.difference import ObjectDifference
from inventory.errors import Problem
from inventory.fleet import Fleet

FOUND = {
    "added": MessageId.ONLY_IN_NETBOX,
    "removed": MessageId.ONLY_IN_SNAPSHOT,
    "changed": MessageId.NETBOX_DIFFERS,
}


def findings_of(found: Iterable[ObjectDifference], snapshot: Fleet, netbox: Fleet) -> tuple[Finding, ...]:
    """Return a pending finding for each object: NetBox is what should be, and the snapshot does not say it (yet).

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
            message=FOUND[one.kind](object=one.title),
            evidence=_fields(one),
            advice=MessageId.PULL_OR_SEED(pull=samdrift("inventory", "pull"), seed=samdrift("inventory", "seed")),
            severity=severity(Kind.PENDING, FOUND[one.kind]),
        )
        for one in found
    )


def _fields(one: ObjectDifference) -> tuple[Note, ...]:
    """Return the fields in which an object that both have differs."""
    fields = one.fields if one.kind == "changed" else ()
    return tuple(Note(message=as_written(" › ".join(field.path))) for field in fields)


def unsound(problems: Iterable[Problem], fleet: Fleet) -> tuple[Finding, ...]:
    """Return problems of an inventory as findings, each with its municipality if the fleet has it.

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
                message=MessageId.RULE_BROKEN(where=problem.where, what=problem.what, rule=problem.rule),
                advice=as_written(problem.fix) if problem.fix else None,
                severity=severity(Kind.UNSOUND, MessageId.RULE_BROKEN),
            )
        )
    return tuple(found)


def _host_in(where: str) -> str:
    """Return the host that a place to mend (`host tie-dns1, field …`) speaks of; empty if it speaks of none."""
    found = re.match(r"host ([^\s,:]+)", where)
    return found[1] if found else ""
