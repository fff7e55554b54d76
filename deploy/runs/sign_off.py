"""Signing an emergency off: somebody who was not part of it has read its record, and answers for it afterwards.

Each municipality answers for its own: an emergency is closed when it is signed off for all whose hosts it may have
changed. Not here: how a text is signed (`runs.signing`), and what an emergency does without (`runs.admission`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from deploy.model import clock
from deploy.model.emergency import SIGN_OFF, Emergency, concerned, digest_of, left_open
from deploy.model.record import Record, Summary
from deploy.runs.admission import NotApproved
from deploy.runs.approving import Signer, signed, signer_for
from deploy.store.place import record_id
from deploy.store.ports import History, StoreError
from inventory.errors import UsageError
from inventory.fleet import Fleet


def emergency_of(history: History, wanted: str) -> Emergency:
    """Return the emergency of this record, and how it stands.

    Raises:
        UsageError: it was none, or is not over.
        StoreError: there is no such record, or one is damaged.
    """
    record = history.record(wanted)
    if not record.emergency:
        raise UsageError("it was no emergency", where=f"record {wanted}", fix="see: samdrift history")
    if not record.ended:
        raise UsageError("it has not ended", where=f"record {wanted}", fix="wait until it has")
    return _standing(history, record)


def emergencies_of(history: History, faults: list[StoreError]) -> Iterator[Emergency]:
    """Yield the emergencies that are not signed off; what is wrong with an unreadable one is added to `faults`."""
    for run in history.emergencies():
        try:
            found = _standing(history, history.record(run.id))
        except StoreError as e:
            faults.append(e)
        else:
            if not found.closed:
                yield found


def not_signed_off(history: History) -> tuple[Summary, ...]:
    """Return the emergencies that are not signed off, in short; one that cannot be read is among them."""

    def is_closed(run: Summary) -> bool:
        try:
            return _standing(history, history.record(run.id)).closed
        except StoreError:
            return False

    return tuple(run for run in history.emergencies() if not is_closed(run))


def _standing(history: History, record: Record) -> Emergency:
    sign_offs = tuple(history.record(one.id) for one in reversed(history.sign_offs(record.id)))
    return Emergency(record, sign_offs, left_open(record, sign_offs))


def signer_of(emergency: Emergency, fleet: Fleet, file: Path | None) -> Signer:
    """Find the person whose key is at hand, and for which of the municipalities that are open.

    Raises:
        UsageError: nothing is open.
        NotApproved: nobody whose key is at hand may sign it off.
    """
    if concerned(emergency.record) and not emergency.open:
        raise UsageError("it is signed off already", where=f"record {emergency.record.id}")
    signer = signer_for(emergency.open or sorted({t.slug for t in fleet.tenants}), fleet, file)
    if signer.person.name == emergency.record.who.partition("@")[0]:
        why = f"{signer.person.name} ran it, and signs off nothing of one's own"
        raise NotApproved(why, fix="ask somebody else to")
    return signer


def sign_off(
    history: History, emergency: Emergency, signer: Signer, *, who: str, argv: tuple[str, ...], comment: str
) -> Record:
    """Sign an emergency off, and record that.

    Raises:
        SigningError: it cannot be signed.
        StoreError: it cannot be recorded.
    """
    started = clock.now()
    given = signed("record", digest_of(emergency.record), signer, started, comment)
    record = Record(
        id=record_id(started, SIGN_OFF),
        command=SIGN_OFF,
        argv=argv,
        who=who,
        reason=comment,
        started=started,
        finished=clock.now(),
        fleet_digest="",
        fleet_source=emergency.record.fleet_source,
        code_digest="",
        exit_code=0,
        signs_off=emergency.record.id,
        sign_off=given,
        closes=not set(emergency.open) - set(signer.municipalities),
    )
    history.save(record)
    return record
