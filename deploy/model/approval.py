"""Approvals: what somebody signed of a plan or of a record, what counts of it, and what is lacking. Pure.

Not here: how a text is signed and a signature verified (`runs.signing`), and which hosts need how many approvals
(the house rule `approvals`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Literal

from pydantic import Field

from deploy.model.text import several
from inventory.frozen import Frozen
from inventory.organisation import People, Person

Subject = Literal["plan", "record"]
"""What is signed: a plan before it is applied, the record of an emergency after it."""

VALID_HOURS = 72
"""A plan may be applied for so long, if nobody says otherwise: over a weekend."""

LONGEST_COMMENT = 500

MOST_NAMED = 6
"""More hosts than these are counted, and not named."""


class Approval(Frozen):
    """A signed statement that somebody read a plan, or the record of an emergency, and answers for it.

    Signed is `statement`: everything here but the signature itself.
    """

    subject: Subject
    digest: str = Field(description="SHA-256 of the plan, or of the record, hexadecimal", max_length=64)
    by: str = Field(description="account name of the person, as the inventory has it", max_length=64)
    municipalities: tuple[str, ...] = Field(description="slugs of the municipalities that it is given for, sorted")
    at: str = Field(description="ISO 8601, UTC")
    comment: str = Field(default="", max_length=LONGEST_COMMENT)
    signature: str = Field(
        default="", description="OpenSSH's (`ssh-keygen -Y sign`), over the statement", max_length=8192
    )

    @property
    def statement(self) -> str:
        """Return the text that is signed: JSON with sorted keys and nothing between them."""
        return canonical(self.model_dump(mode="json", exclude={"signature"}))


class Approved(Frozen):
    """An approval that counted, as the record of the apply keeps it."""

    by: str
    full_name: str
    municipalities: tuple[str, ...]
    at: str
    comment: str = ""
    key: str = Field(default="", description="public key by which it was signed")


class Lacking(Frozen):
    """Hosts of one municipality that would be changed and have fewer approvals than they need."""

    municipality: str
    hosts: tuple[str, ...]
    needed: int
    given: tuple[str, ...]

    def __str__(self) -> str:
        hosts = ", ".join(self.hosts) if len(self.hosts) <= MOST_NAMED else several(len(self.hosts), "host")
        have = f"has that of {', '.join(self.given)}" if self.given else "has none"
        return f"{hosts} of {self.municipality}: needs {several(self.needed, 'approval')}, {have}"


def canonical(document: object) -> str:
    """Write a document as JSON in one way: keys sorted, nothing between them, letters as they are."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def key_of(line: str) -> str:
    """Return type and base64 of a public key, without its comment."""
    return " ".join(line.split()[:2])


def discounted(approval: Approval, people: People, involved: Mapping[str, str]) -> str:
    """Return why an approval does not count, whoever's signature it has; empty if it does.

    Args:
        involved: account names of those whose own work it is, and what they do: nobody approves that.
    """
    if approval.by in involved:
        return f"{approval.by} {involved[approval.by]}, and approves nothing of one's own"
    person = people.person(approval.by)
    if person is None or person.employment != "now":
        return f"{approval.by} is nobody of today"
    if not _for(approval, person):
        return f"{approval.by} may approve for none of: {', '.join(approval.municipalities) or 'no municipality'}"
    return ""


def approved(approval: Approval, person: Person, key: str) -> Approved:
    """Return an approval as a record keeps it: for the municipalities that it was given for and that may be today."""
    return Approved(
        by=approval.by,
        full_name=person.full_name,
        municipalities=_for(approval, person),
        at=approval.at,
        comment=approval.comment,
        key=key,
    )


def _for(approval: Approval, person: Person) -> tuple[str, ...]:
    return tuple(m for m in sorted(set(approval.municipalities)) if person.may("approve", m))


def lacking(
    changing: Mapping[str, str], needed: Mapping[str, int], approved: Collection[Approved]
) -> tuple[Lacking, ...]:
    """Return which hosts have too few approvals, by municipality and by how many they need.

    Args:
        changing: municipality of each host that would be changed.
        needed: how many approvals a host needs; one that is not named needs none.
    """
    found: dict[tuple[str, int], list[str]] = {}
    for host, municipality in changing.items():
        if len(_given(municipality, approved)) < needed.get(host, 0):
            found.setdefault((municipality, needed[host]), []).append(host)
    return tuple(
        Lacking(municipality=m, hosts=tuple(sorted(hosts)), needed=number, given=_given(m, approved))
        for (m, number), hosts in sorted(found.items())
    )


def _given(municipality: str, approved: Collection[Approved]) -> tuple[str, ...]:
    """Return who approved for a municipality, each once."""
    return tuple(sorted({a.by for a in approved if municipality in a.municipalities}))
