"""People hear of transitions alone, each once, whoever dies when; in a quiet time nothing, and then all as one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.model.kinds import Kind, Severity
from deploy.model.waived import Waived
from deploy.notify.outbox import TRIES, Letter, Outbox, OutboxFile
from deploy.notify.sending import End, Outcome
from deploy.notify.telling import Sender, Teller
from inventory.recipients import Quiet, Recipients, WhoHears
from tests.unit.deploy.notify.fleets import finding, host, record

A, B = host("heb-gw1", "heby", "10.61.1.1/24"), host("heb-sw1", "heby", "10.61.1.2/24")
HEARS = WhoHears(municipalities={"heby": Recipients(email=("a@heby.example", "b@heby.example"))})
ONE = WhoHears(municipalities={"heby": Recipients(email=("a@heby.example",))})


class Dead(BaseException):
    """The process is killed."""


class Inboxes:
    """What each recipient got, in order; `answers` says how each handing over ends: at last, delivered."""

    smtp = True

    def __init__(self, answers: list[str] | None = None) -> None:
        self.got: dict[str, list[Letter]] = {}
        self.answers = list(answers or [])

    def hand(self, letter: Letter, handing_over: Callable[[], None]) -> Outcome:
        answer = self.answers.pop(0) if self.answers else "delivered"
        if answer == "dies before":
            raise Dead
        if answer == "later":
            return Outcome(End.LATER)
        handing_over()
        if answer == "dies while":
            raise Dead
        if answer in {"delivered", "doubt", "dies after"}:
            self.got.setdefault(letter.to, []).append(letter)
        if answer == "dies after":
            raise Dead
        return Outcome(End(answer))

    def heard(self, to: str = "a@heby.example") -> list[list[tuple[str, str]]]:
        """What changed as a recipient heard it, notice after notice."""
        return [[(t.change, t.finding.english) for t in letter.notice.transitions] for letter in self.got.get(to, [])]


class MortalFile(OutboxFile):
    """A file whose writer dies at one of its writings: before it, or after it."""

    def __init__(self, file: Path, dies_at: int | None = None, before: bool = False) -> None:
        super().__init__(file)
        self.dies_at, self.before, self.writings = dies_at, before, 0

    def write(self, outbox: Outbox) -> Outbox:
        self.writings += 1
        dies = self.writings == self.dies_at
        if dies and self.before:
            raise Dead
        super().write(outbox)
        if dies:
            raise Dead
        return outbox


def teller(file: OutboxFile, inboxes: Inboxes, hears: WhoHears = ONE, at: str = "2026-11-21T12:00") -> Teller:
    now = datetime.fromisoformat(at).replace(tzinfo=UTC)
    return Teller(file, "heby", "Heby", hears=hears, sender=cast("Sender", inboxes), now=lambda: now)


@pytest.fixture
def file(tmp_path: Path) -> OutboxFile:
    return OutboxFile(tmp_path / "outbox.json")


def test_what_stays_is_told_once_and_what_changes_or_goes_is_told(file: OutboxFile) -> None:
    inboxes = Inboxes()
    told = teller(file, inboxes)
    for number, found in enumerate(
        [
            (finding(A, "one"), finding(A, "two")),
            (finding(A, "one"), finding(A, "two")),
            (finding(A, "one"), finding(A, "two", severity=Severity.HIGH)),
            (finding(A, "one"),),
            (),
            (finding(A, "one"),),
        ],
        start=1,
    ):
        told.take_in(record(number, found, A), (A,))
        assert told.tell() == ()

    assert [sorted(notice) for notice in inboxes.heard()] == [
        [("new", "one"), ("new", "two")],
        [("changed", "two")],
        [("gone", "two")],
        [("gone", "one")],
        [("new", "one")],
    ]


def test_what_a_host_had_is_not_gone_because_it_could_not_be_looked_at(file: OutboxFile) -> None:
    inboxes = Inboxes()
    told = teller(file, inboxes)
    lost = finding(A, "no way to it", kind=Kind.UNKNOWN)
    told.take_in(record(1, (finding(A, "one"), finding(B, "two")), A, B), (A, B))
    told.tell()
    told.take_in(record(2, (lost,), A, B, unknown=(A.name,)), (A, B))
    told.tell()
    told.take_in(record(3, (), A, B), (A, B))
    told.tell()

    assert inboxes.heard()[1:] == [
        [("new", "no way to it"), ("gone", "two")],
        [("gone", "no way to it"), ("gone", "one")],
    ]


def test_what_a_host_had_that_is_managed_no_more_is_gone(file: OutboxFile) -> None:
    inboxes = Inboxes()
    told = teller(file, inboxes)
    told.take_in(record(1, (finding(A, "one"),), A), (A,))
    told.tell()
    told.take_in(record(2, (), B), (B,))
    told.tell()

    assert inboxes.heard()[1:] == [[("gone", "one")]]


def test_what_a_waiver_accepts_is_told_as_that_and_notices_and_others_findings_never(file: OutboxFile) -> None:
    inboxes = Inboxes()
    told = teller(file, inboxes)
    found = finding(A, "one")
    told.take_in(
        record(1, (found, finding(A, "seen", kind=Kind.NOTICE), finding(host("tie-db1", "tierp"), "theirs")), A), (A,)
    )
    told.tell()
    accepted = found.model_copy(
        update={"waived": Waived(name="w", owner="anna", reason="r", until="2027-01-01", standing="accepted")}
    )
    told.take_in(record(2, (), A).model_copy(update={"findings": (accepted,)}), (A,))
    told.tell()

    assert inboxes.heard() == [[("new", "one")], [("accepted", "one")]]


def test_in_a_quiet_time_nothing_is_told_and_after_it_what_is_left_of_all_as_one(file: OutboxFile) -> None:
    quiet = Quiet(of=("heby",), since=datetime(2026, 11, 21, 22), until=datetime(2026, 11, 22, 4), why="nytt nät")
    hears = ONE.model_copy(update={"quiet": (quiet,)})
    inboxes = Inboxes()
    teller(file, inboxes, hears, "2026-11-21T20:59").take_in(record(1, (finding(A, "before"),), A), (A,))
    teller(file, inboxes, hears, "2026-11-21T20:59").tell()
    during = teller(file, inboxes, hears, "2026-11-21T21:00")  # in Sweden an hour more
    during.take_in(record(2, (finding(A, "before"), finding(A, "passing")), A), (A,))
    during.tell()
    during.take_in(record(3, (finding(A, "stays"),), A), (A,))
    during.tell()
    assert len(inboxes.heard()) == 1

    teller(file, inboxes, hears, "2026-11-22T03:00").tell()

    assert [sorted(notice) for notice in inboxes.heard()[1:]] == [[("gone", "before"), ("new", "stays")]]


def test_who_begins_to_hear_hears_of_all_that_is_open(file: OutboxFile) -> None:
    inboxes = Inboxes()
    nobody = teller(file, inboxes, WhoHears())
    nobody.take_in(record(1, (finding(A, "one"),), A), (A,))
    nobody.tell()

    teller(file, inboxes).tell()

    assert inboxes.heard() == [[("new", "one")]]


def test_a_station_without_a_mail_server_tells_all_that_is_open_once_it_has_one(file: OutboxFile) -> None:
    inboxes = Inboxes()
    inboxes.smtp = False
    without = teller(file, inboxes)
    without.take_in(record(1, (finding(A, "one"),), A), (A,))
    assert without.tell() == ()
    assert without.unreachable == ("a@heby.example",)

    inboxes.smtp = True
    teller(file, inboxes).tell()

    assert inboxes.heard() == [[("new", "one")]]


def test_a_message_is_tried_for_three_days_and_then_given_up_and_the_next_one_says_so(file: OutboxFile) -> None:
    inboxes = Inboxes(["later"] * TRIES)
    told = teller(file, inboxes)
    told.take_in(record(1, (finding(A, "one"),), A), (A,))
    wrong = [told.tell() for _ in range(TRIES)]
    assert all("not delivered yet" in lines[0] for lines in wrong[:-1])
    assert "given up" in wrong[-1][0]
    assert told.tell() == ()

    told.take_in(record(2, (), A), (A,))
    told.tell()
    (letter,) = inboxes.got["a@heby.example"]
    assert letter.notice.lost == ("20261121T030000.000Z-drift-0001",)
    assert "20261121T030000.000Z-drift-0001" in letter.notice.text("sv")


ANSWERS = ["delivered", "later", "refused", "doubt", "dies before", "dies while", "dies after"]
SCANS = st.lists(st.sets(st.sampled_from(["one", "two", "three"])), min_size=1, max_size=5)
DEATHS = st.tuples(st.integers(1, 25), st.booleans())


def run_to_the_end(scans: list[set[str]], inboxes: Inboxes, death: tuple[int | None, bool]) -> set[str]:
    """Let jobs be asked again and again, scan by scan; return the records whose notices are said to be lost."""
    lost: set[str] = set()
    last = len(scans)
    with tempfile.TemporaryDirectory() as directory:
        file = MortalFile(Path(directory) / "outbox.json", *death)
        for number, open_now in enumerate(scans, start=1):
            scan = record(number, tuple(finding(A, text) for text in sorted(open_now)), A)
            while True:
                try:
                    told = teller(file, inboxes, HEARS)
                    if not told.knows(scan.id):
                        told.take_in(scan, (A,))
                    told.tell()
                except Dead:
                    continue
                finally:
                    lost |= {*file.read().lost}
                if number < last or not file.read().letters:
                    break  # the next scan may come while messages wait
    return lost


@given(SCANS, st.lists(st.sampled_from(ANSWERS), max_size=12), DEATHS)
def test_whoever_dies_when_nobody_hears_anything_twice_and_what_may_be_lost_is_known(
    scans: list[set[str]], answers: list[str], death: tuple[int, bool]
) -> None:
    inboxes = Inboxes(answers)

    lost = run_to_the_end(scans, inboxes, death)

    for to in ("a@heby.example", "b@heby.example"):
        letters = inboxes.got.get(to, [])
        heard = [
            (letter.notice.record, t.change, t.fingerprint) for letter in letters for t in letter.notice.transitions
        ]
        assert len({*heard}) == len(heard)
        if not lost:
            assert as_heard(letters) == scans[-1]


@pytest.mark.long
@given(SCANS, st.lists(st.sampled_from(["delivered", "later", "dies before"]), max_size=12))
def test_where_nobody_dies_while_a_message_is_on_its_way_nothing_is_lost(
    scans: list[set[str]], answers: list[str]
) -> None:
    inboxes = Inboxes(answers)

    assert run_to_the_end(scans, inboxes, (None, False)) == set()

    for to in ("a@heby.example", "b@heby.example"):
        assert as_heard(inboxes.got.get(to, [])) == scans[-1]


def as_heard(letters: list[Letter]) -> set[str]:
    """What is open, as somebody knows who read these letters in their order."""
    known: set[str] = set()
    for letter in letters:
        for t in letter.notice.transitions:
            assert (t.finding.english in known) == (t.change != "new")
            (known.add if t.change == "new" else known.discard)(t.finding.english)
    return known
