"""One job is one process, and whoever is killed at any moment neither loses the day's scan nor makes it twice.

The scanner is a script that does as a test says: it tells by one pipe that it has begun, and waits at another.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.jobs.journal import JobFiles, Journal
from deploy.model.record import Record
from inventory.paths import CODE

RECORD = Record(
    id="20261129T030000.000Z-drift-0001",
    command="drift",
    who="samdrift-watch@tie-adm1",
    started="2026-11-29T03:00:00.000Z",
    finished="2026-11-29T03:01:00.000Z",
    fleet_digest="f",
    fleet_source="snapshot",
    code_digest="c",
    exit_code=2,
)
SCANNER = """\
#!/bin/sh
[ "$1" = hosts ] && {{ echo '{{"hosts": []}}'; exit 0; }}
[ "$1" = pages ] && {{ echo "$@" >> {place}/pages; [ ! -e {place}/broken ]; exit; }}
echo "$@" >> {place}/scans
echo begun > {place}/begun
read -r how < {place}/go
case "$how" in
    answer) cat {place}/record; exit 2 ;;
    error) echo '{{"error": {{"message": "no"}}, "exit_code": 1}}'; exit 1 ;;
    half) head -c 100 {place}/record; exit 2 ;;
    answer-and-stay) cat {place}/record; echo answered > {place}/begun; read -r how < {place}/go; exit 2 ;;
esac
"""


class Place:
    """The watch's directory, with a scanner that does as it is told."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.files = JobFiles(directory, "heby")
        self.begun, self.go = directory / "begun", directory / "go"
        self.started: list[subprocess.Popen[bytes]] = []
        os.mkfifo(self.begun)
        os.mkfifo(self.go)
        (directory / "record").write_text(RECORD.model_dump_json(), encoding="utf-8")
        scanner = directory / "scanner"
        scanner.write_text(SCANNER.format(place=directory), encoding="utf-8")
        scanner.chmod(0o755)
        watch = {
            "at": "00:00",
            "program": str(scanner),
            "environment": {"PATH": os.environ["PATH"]},
            "state": str(directory),
            "metrics": str(directory),
            "pages": "/srv/pages",
        }
        (directory / "watch.json").write_text(json.dumps(watch), encoding="utf-8")

    def start(self) -> subprocess.Popen[bytes]:
        """Start a job, in a group of its own."""
        words = [sys.executable, "-m", "deploy.jobs.main", "heby", "--watch", str(self.directory / "watch.json")]
        with self.said_by(len(self.started)).open("wb") as said:  # a pipe would be the scanner's, too
            job = subprocess.Popen(words, cwd=CODE, stderr=said, start_new_session=True)
        self.started.append(job)
        return job

    def said_by(self, number: int) -> Path:
        return self.directory / f"said-{number}"

    def wait(self) -> str:
        """Wait until the scanner tells how far it is."""
        return self.begun.read_text(encoding="ascii").strip()

    def let(self, how: str) -> None:
        self.go.write_text(f"{how}\n", encoding="ascii")

    def end(self, job: subprocess.Popen[bytes]) -> tuple[int, str]:
        """Wait for the end of a job; return its exit code, and what it said."""
        code = job.wait(timeout=300)
        return code, self.said_by(self.started.index(job)).read_text(encoding="utf-8")

    def run(self, how: str) -> tuple[int, str]:
        job = self.start()
        self.wait()
        self.let(how)
        return self.end(job)

    @property
    def scans(self) -> list[str]:
        file = self.directory / "scans"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    @property
    def pages(self) -> list[str]:
        """How the pages were written, each time."""
        file = self.directory / "pages"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    @property
    def journal(self) -> Journal:
        return self.files.read()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    for job in made.started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(job.pid, signal.SIGKILL)
        job.wait()


def test_a_job_is_one_process_that_is_about_one_municipality_and_ends_with_its_code(place: Place) -> None:
    code, said = place.run("answer")

    assert code == 2
    assert RECORD.id in said
    assert place.scans == [f"drift --limit heby --json --prometheus {place.directory}/samdrift-drift-heby.prom"]
    assert [scan.record for scan in place.journal.ended] == [RECORD.id]


def test_asked_again_on_the_same_day_it_does_nothing_and_says_why(place: Place) -> None:
    place.run("answer")

    code, said = place.end(place.start())

    assert code == 0
    assert "has been made" in said
    assert len(place.scans) == 1


def test_after_a_scan_the_pages_are_written_once(place: Place) -> None:
    place.run("answer")
    place.end(place.start())

    assert place.pages == ["pages /srv/pages"]


def test_pages_that_could_not_be_written_are_written_the_next_time(place: Place) -> None:
    (place.directory / "broken").touch()
    code, said = place.run("answer")
    assert code == 1
    assert "samdrift pages ended with 1" in said
    (place.directory / "broken").unlink()

    assert [place.end(place.start())[0] for _ in range(2)] == [0, 0]
    assert place.pages == ["pages /srv/pages"] * 2


def test_a_scan_that_failed_writes_no_pages(place: Place) -> None:
    place.run("error")

    assert place.pages == []


def test_while_a_scan_is_at_work_no_other_begins(place: Place) -> None:
    first = place.start()
    place.wait()

    code, said = place.end(place.start())

    assert (code, said.strip()) == (0, "heby: a scan is at work already")
    place.let("answer")
    assert place.end(first)[0] == 2
    assert len(place.scans) == 1


def test_a_scan_whose_job_was_killed_goes_on_alone_and_its_answer_is_taken(place: Place) -> None:
    """The lock is its own, too: nobody begins beside it. Once it has answered, that is the day's scan."""
    killed = place.start()
    place.wait()
    killed.kill()
    place.end(killed)

    assert place.end(place.start())[1].strip() == "heby: a scan is at work already"
    place.let("answer-and-stay")
    assert place.wait() == "answered"
    assert place.end(place.start())[1].strip() == "heby: a scan is at work already"
    place.let("end")

    ends = [place.end(place.start()) for _ in range(3)]
    while "at work" in ends[0][1]:  # until the kernel has ended the process that has the lock
        ends = [*ends[1:], place.end(place.start())]
    assert RECORD.id in ends[0][1]
    assert len(place.scans) == 1
    assert [scan.record for scan in place.journal.ended] == [RECORD.id]


def test_a_scan_that_was_killed_with_its_job_is_made_again(place: Place) -> None:
    """As by a power cut, or by systemd, which ends all of a unit."""
    killed = place.start()
    place.wait()
    os.killpg(killed.pid, signal.SIGKILL)
    place.end(killed)
    assert place.journal.begun is not None

    assert place.run("answer")[0] == 2

    assert len(place.scans) == 2
    assert [t.why for t in place.journal.tried] == ["its process was killed"]
    assert place.journal.begun is None


@pytest.mark.long
@pytest.mark.parametrize("how", ["error", "half"])
def test_a_scan_without_a_whole_answer_is_none_and_is_tried_three_times_a_day(place: Place, how: str) -> None:
    assert [place.run(how)[0] for _ in range(3)] == [1, 1, 1]

    code, said = place.end(place.start())

    assert code == 0
    assert "never came to its end" in said
    assert len(place.scans) == 3
    assert not place.journal.ended


def test_a_damaged_journal_is_named_with_what_to_do(place: Place) -> None:
    place.files.journal.write_text("{", encoding="utf-8")

    code, said = place.end(place.start())

    assert code == 1
    assert str(place.files.journal) in said
    assert "remove the file" in said
    assert place.scans == []


@pytest.mark.long
def test_what_is_no_municipality_is_refused(place: Place) -> None:
    words = [sys.executable, "-m", "deploy.jobs.main", "../heby", "--watch", str(place.directory / "watch.json")]
    refused = subprocess.run(words, cwd=CODE, capture_output=True, text=True, check=False)

    assert refused.returncode == 64
    assert "../heby" in refused.stderr
