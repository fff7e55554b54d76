"""Real workers and a real PostgreSQL: whoever is killed, whatever the database does, each day's scan is made once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import psycopg
import pytest

from deploy.jobs import queue
from deploy.jobs.given import Given, Queueing
from deploy.jobs.queue import connected, queue_if_due
from deploy.jobs.recorded import reason_of
from deploy.jobs.schedule import Moment
from deploy.store.place import Database
from tests.postgres import Server, serving
from tests.unit.deploy.jobs.working import STATION, Place, database, is_gone


@pytest.fixture
def place(tmp_path: Path, server: Server, request: pytest.FixtureRequest) -> Iterator[Place]:
    name = f"workers_{abs(hash(request.node.name))}"
    made = Place(tmp_path, database(server, name))
    yield made
    made.end()


def reasons(place: Place, *municipalities: str) -> list[str]:
    return sorted(reason_of(m, place.jobs(m)[-1].day) for m in municipalities)


@pytest.mark.long
def test_of_three_workers_one_is_killed_at_its_scan_and_every_municipality_is_scanned_once(place: Place) -> None:
    every = ("heby", "knivsta", "tierp")
    place.gate("heby")
    for municipality in every:
        code, said = place.queue(municipality)
        assert (code, "is queued" in said) == (0, True), said
    place.worker("one", "heby", "tierp")
    place.worker("two", "knivsta", "heby")
    place.worker("three", "tierp", "knivsta")

    killed = int(place.begun("heby"))
    assert killed in {worker.pid for worker in place.started}
    os.kill(killed, signal.SIGKILL)
    (scan,) = [pid for municipality, pid in place.scans if municipality == "heby"]
    place.until(lambda: is_gone(scan), "the scan ends with its worker")
    assert place.begun("heby") != str(killed)
    place.let("heby", "answer")
    place.until_made(*every)

    assert sorted(record.reason for record in place.records()) == reasons(place, *every)
    assert sorted(m for m, _ in place.scans) == ["heby", "heby", "knivsta", "tierp"]
    assert [scan.tries for m in every for scan in place.jobs(m)] == [2, 1, 1]
    for municipality in every:
        code, said = place.queue(municipality)
        assert (code, "has been made" in said) == (0, True), said
        assert place.at_the_station(municipality) == {r.id for r in place.records() if r.limit == municipality}
    assert len(place.scans) == 4


@pytest.mark.long
def test_a_worker_that_was_killed_after_its_scan_was_recorded_costs_no_second_one(place: Place) -> None:
    place.gate("heby")
    place.queue("heby")
    place.worker("one", "heby")
    place.begun("heby")
    place.let("heby", "record-and-stay")
    assert place.begun("heby") == "recorded"
    place.started[0].kill()
    place.worker("two", "heby")
    place.until_made("heby")

    (record,) = place.records()
    assert len(place.scans) == 1
    assert record.id in place.said("two")


def test_stations_that_queue_the_same_scan_at_once_queue_one(place: Place) -> None:
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda _: queue_if_due(place.url, "heby", time(0, 0)), range(12)))

    assert [f.day is not None for f in found].count(True) == 1
    assert {f.why for f in found if f.day is None} == {f"the scan of {place.jobs('heby')[0].day} waits for a worker"}
    assert len(place.jobs("heby")) == 1


@pytest.mark.long
def test_what_can_pass_goes_back_to_the_queue_for_a_while_and_what_cannot_is_given_up_and_told(place: Place) -> None:
    place.gate("heby", "tierp")
    place.queue("heby")
    place.queue("tierp")
    place.worker("one", "heby", "tierp")
    place.begun("heby")
    place.let("heby", "1")
    place.begun("tierp")
    place.let("tierp", "64")
    place.until(lambda: place.jobs("tierp")[0].status == "failed", "the scan of tierp is given up")

    with psycopg.connect(str(place.url)) as connection:
        asked = "SELECT status::text, attempts, scheduled_at FROM queue.procrastinate_jobs WHERE queue_name = 'heby'"
        (row,) = connection.execute(asked).fetchall()
    assert row[:2] == ("todo", 1)
    assert timedelta(minutes=8) < row[2] - datetime.now(UTC) < timedelta(minutes=11)
    assert "samdrift ended with 1; again in 10 minutes" in place.said("one")
    assert "samdrift ended with 64; it is given up" in place.said("one")
    code, said = place.queue("tierp")
    assert code == 1
    assert "was begun 1 time and never came to its end" in said
    assert place.records() == []


@pytest.mark.long
def test_a_worker_that_is_told_to_stop_gives_its_scan_back_and_another_makes_it(place: Place) -> None:
    place.gate("heby")
    place.queue("heby")
    first = place.worker("one", "heby")
    place.begun("heby")
    first.terminate()

    assert first.wait(timeout=30) == 0
    assert place.jobs("heby")[0].status == "todo"
    place.worker("two", "heby")
    place.begun("heby")
    place.let("heby", "answer")
    place.until_made("heby")
    assert len(place.records()) == 1


@pytest.fixture
def away(tmp_path: Path) -> Iterator[tuple[Server, Place]]:
    """A place whose server a test may stop."""
    with serving() as own:
        made = Place(tmp_path, database(own, "away"))
        yield own, made
        made.end()


@pytest.mark.long
def test_a_database_that_goes_away_and_comes_back_ends_no_worker_and_loses_no_scan(away: tuple[Server, Place]) -> None:
    """Away for a moment, the scan goes on; for longer, its worker ends it, since another might have been given it."""
    server, place = away
    place.gate("heby")
    worker = place.worker("one", "heby")
    place.until(lambda: place.workers() == 1, "the worker is there")
    server.stop()
    place.until(lambda: "is tried again" in place.said("one"), "the idle worker finds out")
    assert place.queue("heby")[0] == 1
    server.start()
    place.queue("heby")

    place.begun("heby")
    server.stop()
    server.start()
    place.let("heby", "answer")
    place.until_made("heby")
    assert len(place.scans) == 1

    with psycopg.connect(str(place.url)) as connection:  # the next day
        connection.execute("TRUNCATE queue.procrastinate_jobs, public.runs CASCADE")
    place.queue("heby")
    place.begun("heby")
    scan = place.scans[-1][1]
    server.stop()
    place.until(lambda: is_gone(scan), "a worker that is not heard ends its scan")
    server.start()
    place.begun("heby")
    place.let("heby", "answer")
    place.until_made("heby")

    assert len(place.records()) == 1
    assert worker.poll() is None


def test_a_station_whose_clock_is_apart_from_the_databases_queues_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "_time_there", lambda _: datetime.now(UTC) + timedelta(days=1))

    with pytest.raises(Exception, match="this machine's clock says"):
        queue.queue_if_due(place.url, "heby", time(0, 0))
    assert place.jobs("heby") == ()


def test_a_station_may_queue_by_its_own_role_and_forgets_what_is_long_ago(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = iter(range(4))

    def always(moment: Moment, at: time, given: Sequence[Given]) -> Queueing:
        return Queueing(moment.wall.date() + timedelta(days=next(days)))

    monkeypatch.setattr(queue, "KEPT", 2)
    monkeypatch.setattr(queue, "to_queue", always)
    station = Database(place.as_role(STATION))
    for _ in range(4):
        assert queue_if_due(station, "heby", time(0, 0)).day is not None
        with connected(place.url) as connection:
            connection.execute("UPDATE queue.procrastinate_jobs SET status = 'succeeded'")

    with psycopg.connect(str(place.url)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM queue.procrastinate_jobs").fetchone() or (0,)
    assert count == 3
