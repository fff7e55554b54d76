"""Retention: what goes, what stays whatever its age, and that nothing goes untold."""

from __future__ import annotations

import pytest

from deploy.model.record import HostResult, Removed
from deploy.store.database import Database
from deploy.store.opening import stores_of
from deploy.store.pruning import PRUNE, remove, select_older
from tests.unit.deploy.store.conformance import backup, converged, drift_at, record, records_of
from tests.unit.deploy.store.places import InDirectory, OnServer

BEFORE = "2026-01-01T00:00:00.000Z"


@pytest.fixture
def database(place: InDirectory | OnServer) -> Database:
    return place.database()


LOOKED = HostResult(host="heb-gw1", municipality="heby", outcome="differs")
BOTH = (LOOKED, HostResult(host="tie-dns1", municipality="tierp", outcome="in sync"))


def test_old_records_go_and_are_told_by_command_and_municipality(database: Database) -> None:
    stores = stores_of(database)
    old = [record(f"2025-06-0{day}T06:00:00.000Z", hosts=BOTH) for day in (1, 2, 3)]
    new = record("2026-02-01T06:00:00.000Z", hosts=BOTH)
    for one in (*old, new):
        stores.history.save(one)
    chosen = select_older(database, stores.history, BEFORE)
    first, last = old[0].started, old[2].started
    assert chosen.removed == tuple(
        Removed(kind="drift records", municipality=whose, count=3, first=first, last=last)
        for whose in ("heby", "tierp")
    )
    assert (len(chosen.records), chosen.kept) == (3, 0)
    assert len(records_of(stores.history)) == 4  # until it is asked for
    remove(database, chosen, BEFORE)
    assert records_of(stores.history) == (new,)


def test_what_says_how_a_host_stands_and_since_when_a_finding_is_open_stays(database: Database) -> None:
    stores = stores_of(database)
    applied = record("2025-06-01T06:00:00.000Z", "apply", hosts=(converged("heb-gw1"),))
    found = record("2025-06-02T06:00:00.000Z", hosts=(LOOKED,))
    between = record("2025-06-03T06:00:00.000Z", hosts=(LOOKED,))
    looked = record("2025-06-04T06:00:00.000Z", hosts=(LOOKED,))
    later = record("2026-02-01T06:00:00.000Z", "drift", hosts=(BOTH[1],))
    for one in (applied, found, between, looked, later):
        stores.keep(one)
    stores.known.date([drift_at("heb-gw1")], at=found.started)
    chosen = select_older(database, stores.history, BEFORE)
    assert (chosen.records, chosen.kept) == ((between.id,), 3)
    remove(database, chosen, BEFORE)
    assert {r.id for r in records_of(stores.history)} == {applied.id, found.id, looked.id, later.id}
    assert stores.applied.last_applied("heb-gw1") == converged("heb-gw1").steps


def test_the_check_that_found_what_is_still_wrong_stays_and_so_does_what_a_pruning_says_of_itself(
    database: Database,
) -> None:
    stores = stores_of(database)
    first, second, third = (record(f"2025-06-0{day}T06:00:00.000Z", "check") for day in (1, 2, 3))
    open_since = drift_at("heb-gw1").model_copy(update={"first_seen": first.started})
    latest = third.model_copy(update={"findings": (open_since,)})
    pruning = record("2025-06-02T07:00:00.000Z", PRUNE)
    newer_pruning = record("2026-06-02T07:00:00.000Z", PRUNE)
    for one in (first, second, latest, pruning, newer_pruning):
        stores.history.save(one)
    assert select_older(database, stores.history, BEFORE).records == (second.id,)


def test_of_each_host_and_kind_the_configuration_stays_that_it_had_at_that_time(database: Database) -> None:
    stores = stores_of(database)
    old = [backup(f"{n}").model_copy(update={"taken": f"2025-06-0{n}T06:00:00.000Z"}) for n in (1, 2, 3)]
    new = backup("4").model_copy(update={"taken": "2026-02-01T06:00:00.000Z"})
    other = backup("5", what="FRR").model_copy(update={"taken": "2025-06-01T06:00:00.000Z"})
    for one in (*old, new, other):
        stores.backups.keep(one)
    chosen = select_older(database, stores.history, BEFORE)
    assert chosen.removed == (
        Removed(kind="backups", municipality="heby", count=2, first=old[0].taken, last=old[1].taken),
    )
    remove(database, chosen, BEFORE)
    assert stores.backups.of("heb-sw1") == (new, old[2], other)


def test_an_emergency_stays_until_it_is_signed_off_and_its_sign_off_no_shorter(database: Database) -> None:
    stores = stores_of(database)
    applied = [record(f"2025-06-0{day}T06:00:00.000Z", "apply", emergency=True) for day in (1, 2)]
    plain = record("2025-06-03T06:00:00.000Z", "apply")
    signed = record("2025-06-04T06:00:00.000Z", "sign-off", signs_off=applied[0].id, closes=True)
    latest = [record("2026-02-01T06:00:00.000Z", command) for command in ("apply", "sign-off")]
    for one in (*applied, plain, signed, *latest):
        stores.history.save(one)
    for gone in ((applied[0].id, plain.id), (signed.id,), ()):
        chosen = select_older(database, stores.history, BEFORE)
        assert chosen.records == gone
        remove(database, chosen, BEFORE)
    assert [run.id for run in stores.history.emergencies()] == [applied[1].id]


def test_nothing_old_is_nothing_to_remove(database: Database) -> None:
    chosen = select_older(database, stores_of(database).history, BEFORE)
    assert (chosen.records, chosen.backups, chosen.kept, chosen.removed) == ((), (), 0, ())
