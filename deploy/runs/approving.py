"""Approving a plan: whose key signs, for which municipalities, and the file with the approval in it.

Not here: how a text is signed (`runs.signing`), and whether a plan may be carried out (`runs.admission`).
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from deploy.model.approval import Approval, Subject, key_of, lacking
from deploy.model.plan import Plan
from deploy.model.plan_file import PlanError, PlanFile, write_plan_file
from deploy.runs.admission import Admitted, NotApproved, counted, involved_in, refuse_if_stale
from deploy.runs.signing import SigningError, keys_at_hand, public_key, sign, verify
from inventory.errors import UsageError
from inventory.fleet import Fleet
from inventory.organisation import Person
from inventory.rules.approvals import needed
from inventory.rules.house_rules import Approvals


@dataclass(frozen=True)
class Signer:
    """A person with a key at hand, and the municipalities that he or she approves for."""

    person: Person
    municipalities: tuple[str, ...]
    key: str
    file: Path | None


def standing(file: PlanFile, fleet: Fleet, rule: Approvals | None, now: str) -> Admitted:
    """Return how a plan stands: the approvals that count, what is lacking for all of its hosts, what does not count.

    Raises:
        StalePlan: it is one of another time, and nobody applies it any more.
    """
    plan = file.plan
    refuse_if_stale(plan, fleet.digest, now)
    hosts = [h for h in fleet.hosts if h.name in plan.changing]
    counts, not_counted = counted(plan, file.approvals, fleet.people, involved_in(plan), now)
    missing = lacking(plan.changing, needed(rule, fleet, hosts) if rule else {}, counts)
    return Admitted(plan, counts, missing, not_counted)


def signer_of(plan: Plan, fleet: Fleet, file: Path | None, who: str) -> Signer:
    """Find the person whose key is at hand, and for whom he or she approves this plan.

    Args:
        file: the key to sign with; without, the agent's, or one in ~/.ssh.
        who: who runs this (`account@machine`).

    Raises:
        NotApproved: nobody whose key is at hand may approve it.
    """
    if not plan.changing:
        raise UsageError("the plan changes no host: there is nothing to approve")
    signer = signer_for(set(plan.changing.values()), fleet, file)
    involved = involved_in(plan)
    if signer.person.name in involved:
        why = f"{signer.person.name} {involved[signer.person.name]}, and approves nothing of one's own"
        raise NotApproved(why, fix="ask somebody else to")
    account = who.partition("@")[0]
    if account != signer.person.name and fleet.people.person(account) is not None:
        raise NotApproved(f"{account} would sign with the key of {signer.person.name}", fix="sign with your own key")
    return signer


def signer_for(municipalities: Collection[str], fleet: Fleet, file: Path | None) -> Signer:
    """Find the person whose key is at hand, and which of these municipalities he or she may approve for.

    Raises:
        NotApproved: there is no such person, or none of these.
    """
    known = known_keys(fleet, file)
    for key, place, person in known:
        if may := tuple(m for m in sorted(municipalities) if person.may("approve", m)):
            return Signer(person, may, key, place)
    names, whom = ", ".join(dict.fromkeys(p.name for _, _, p in known)), ", ".join(sorted(municipalities))
    raise NotApproved(f"{names} may approve for none of: {whom}", fix="who may: inventory/people.yaml")


def known_keys(fleet: Fleet, file: Path | None) -> list[tuple[str, Path | None, Person]]:
    """Return the keys at hand that are somebody's of the inventory: each with its file, if it is in one, and whose.

    Raises:
        NotApproved: there is none.
    """
    people = {key_of(key): person for person in fleet.people.everybody for key in person.keys}
    at_hand = [(public_key(file), file)] if file is not None else list(keys_at_hand())
    known = [(key, place, people[key]) for key, place in at_hand if key in people]
    if not known:
        fix = "--signing-key FILE; keys and people: inventory/people.yaml"
        what = "nobody of the inventory has this key" if at_hand else "there is no SSH key at hand"
        raise NotApproved(what, fix=fix)
    return known


def approve(file: PlanFile, signer: Signer, now: str, comment: str) -> PlanFile:
    """Return the file with an approval by this person, in place of one that he or she gave earlier.

    Raises:
        SigningError: it cannot be signed.
    """
    given = signed("plan", file.digest, signer, now, comment)
    others = tuple(a for a in file.approvals if a.by != given.by)
    return file.model_copy(update={"approvals": (*others, given)})


def signed(subject: Subject, digest: str, signer: Signer, now: str, comment: str) -> Approval:
    """Sign what has this digest; the signature is verified before anybody relies on it.

    Raises:
        SigningError: it cannot be signed.
    """
    statement = Approval(
        subject=subject,
        digest=digest,
        by=signer.person.name,
        municipalities=signer.municipalities,
        at=now,
        comment=comment,
    )
    given = statement.model_copy(update={"signature": sign(statement.statement, subject, signer.key, signer.file)})
    if verify(given, signer.person) != signer.key:
        raise SigningError("another key signed than the one that was chosen")
    return given


def taken(file: PlanFile, copies: Collection[PlanFile]) -> PlanFile:
    """Return the file with the approvals of its copies.

    Raises:
        PlanError: one of them is a copy of another plan.
    """
    if other := next((c for c in copies if c.digest != file.digest), None):
        raise PlanError(f"that is another plan, not a copy of this one: its digest is {other.digest}")
    every = [a for one in (file, *copies) for a in one.approvals]
    return file.model_copy(update={"approvals": tuple(dict.fromkeys(every))})


def write(approved: PlanFile, path: Path, out: Path | None) -> None:
    """Write an approved plan over the file that it was read from, for the same readers; or as a file of its own.

    Raises:
        PlanError: it cannot be written.
    """
    if out is not None:
        write_plan_file(approved, out)
        return
    try:
        readers: os.stat_result | None = path.stat()
    except OSError:
        readers = None
    try:
        write_plan_file(approved, path, readers=readers)
    except PlanError as e:
        raise PlanError(e.what, where=str(path), fix="write a copy, and have it taken: --out COPY") from e
