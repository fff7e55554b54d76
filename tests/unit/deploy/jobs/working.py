"""A place with a queue in a real PostgreSQL, real worker processes, and stations that queue, for tests of both."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from deploy.jobs.given import Given
from deploy.jobs.queue import connected, in_queue
from deploy.jobs.queue_tables import prepare
from deploy.model.record import Record, Summary
from deploy.store.database import open_url
from deploy.store.opening import open_stores, stores_of
from deploy.store.place import Database
from inventory.paths import CODE
from tests.postgres import Server

WORKER, STATION = "samdrift_worker", "samdrift_station"
PACE = {"beat": 0.5, "fenced": 8, "silent": 12, "stops": 0.5}
PATIENCE = 300
"""Seconds after which a test gives up waiting. Where much else runs, Python alone takes a minute to begin."""
SCANNER = """\
#!/bin/sh
exec {python} -m tests.unit.deploy.jobs.scanner {place} "$@"
"""


def roles(server: Server, url: str) -> None:
    """Let roles of workers and of stations be, who may log in; whatever else they may, they are given."""
    for role in (WORKER, STATION):
        with psycopg.connect(url) as connection:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is None:
                connection.execute(f"CREATE ROLE {role} LOGIN".encode())


def database(server: Server, name: str) -> Database:
    """Make a database with today's store and an empty queue."""
    url = server.create(name)
    roles(server, url)
    store = open_url(Database(url), as_it_is=True)
    store.upgrade()
    stores_of(store).keep(EARLIER)  # what begins the chain of a store may name it: a worker may not
    store.engine.dispose()
    prepare(Database(url), (WORKER,), (STATION,))
    with psycopg.connect(url) as connection:  # as docs/store.md has it
        every = b"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO samdrift_station"
        connection.execute(every)
    return Database(url)


EARLIER = Record(
    id="20261101T030000.000Z-check-0001",
    command="check",
    who="anna@tie-adm1",
    started="2026-11-01T03:00:00.000Z",
    finished="2026-11-01T03:00:00.000Z",
    fleet_digest="f",
    fleet_source="snapshot",
    code_digest="c",
    exit_code=0,
)


class Place:
    """Where workers and stations of a test are, and what they say."""

    def __init__(self, directory: Path, url: Database, script: str = SCANNER) -> None:
        self.directory, self.url = directory, url
        self.started: list[subprocess.Popen[bytes]] = []
        scanner = directory / "scanner"
        scanner.write_text(script.format(python=sys.executable, place=directory), encoding="utf-8")
        scanner.chmod(0o755)

    def as_role(self, role: str) -> str:
        return str(self.url).replace("samdrift@", f"{role}@", 1)

    def watch(self, name: str, role: str) -> Path:
        """Write what a worker or a station is told; each is on a machine of its own, by its directory."""
        state = self.directory / name
        state.mkdir(exist_ok=True)
        watch = {
            "at": "00:00",
            "program": str(self.directory / "scanner"),
            "environment": {
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(CODE),
                "SAMDRIFT_STATE": self.as_role(role),
            },
            "state": str(state),
            "metrics": str(state),
            "queued": True,
            "pace": PACE,
        }
        file = state / "watch.json"
        file.write_text(json.dumps(watch), encoding="utf-8")
        return file

    def gate(self, *municipalities: str) -> None:
        """Have scans of these wait until a test lets them go on."""
        for municipality in municipalities:
            for end in ("begun", "go"):
                os.mkfifo(self.directory / f"{municipality}.{end}")

    def begun(self, municipality: str) -> str:
        """Wait until a scan has begun, and return what it says: by which process."""
        pipe = os.open(self.directory / f"{municipality}.begun", os.O_RDONLY | os.O_NONBLOCK)
        said = bytearray()

        def heard() -> bool:
            with contextlib.suppress(BlockingIOError):
                said.extend(os.read(pipe, 100))
            return said.endswith(b"\n")

        try:
            self.until(heard, f"the scan of {municipality} begins")
        finally:
            os.close(pipe)
        return said.decode().strip()

    def let(self, municipality: str, how: str) -> None:
        """Let a scan that waits go on."""

        def told() -> bool:
            try:
                pipe = os.open(self.directory / f"{municipality}.go", os.O_WRONLY | os.O_NONBLOCK)
            except OSError:  # nobody waits yet
                return False
            os.write(pipe, f"{how}\n".encode())
            os.close(pipe)
            return True

        self.until(told, f"the scan of {municipality} goes on")

    def worker(self, name: str, *municipalities: str) -> subprocess.Popen[bytes]:
        """Start a worker."""
        words = [sys.executable, "-c", "from deploy.jobs.command import worker; worker()", *municipalities]
        words += ["--watch", str(self.watch(name, WORKER))]
        with (self.directory / f"{name}.said").open("ab") as said:
            started = subprocess.Popen(words, cwd=CODE, stderr=said)
        self.started.append(started)
        return started

    def said(self, name: str) -> str:
        return (self.directory / f"{name}.said").read_text(encoding="utf-8")

    def queue(self, municipality: str, name: str = "station") -> tuple[int, str]:
        """Have a station ask whether a scan is due; its exit code, and what it said."""
        words = [sys.executable, "-m", "deploy.jobs.main", municipality, "--watch", str(self.watch(name, STATION))]
        done = subprocess.run(words, cwd=CODE, capture_output=True, text=True, timeout=PATIENCE, check=False)
        return done.returncode, done.stderr

    def at_the_station(self, municipality: str, name: str = "station") -> set[str]:
        """Return of which record people are told at a station, having seen that the node exporter is told, too."""
        state = self.directory / name
        metrics = (state / f"samdrift-drift-{municipality}.prom").read_text(encoding="utf-8")
        assert f'samdrift_run_exit_code{{command="drift",limit="{municipality}"}} 2' in metrics
        return {json.loads((state / f"{municipality}.outbox.json").read_text(encoding="utf-8"))["record"]}

    @property
    def scans(self) -> list[tuple[str, int]]:
        """Return the scans that were begun, and the process of each."""
        lines = (self.directory / "scans").read_text(encoding="utf-8").splitlines()
        return [(municipality, int(pid)) for municipality, pid in map(str.split, lines)]

    def jobs(self, municipality: str) -> tuple[Given, ...]:
        with connected(self.url) as connection:
            return in_queue(connection, municipality)

    def workers(self) -> int:
        """Return how many workers have told the database that they are there."""
        with connected(self.url) as connection:
            row = connection.execute("SELECT count(*) FROM procrastinate_workers").fetchone()
        return int(row[0]) if row else 0

    def records(self) -> list[Summary]:
        return list(open_stores(self.url).history.runs(("drift",)))

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until something holds."""
        for _ in range(PATIENCE * 5):
            if holds():
                return
            time.sleep(0.2)
        told = "\n".join(f"{f.name}: {f.read_text()}" for f in sorted(self.directory.glob("*.said")))
        raise AssertionError(f"{what}: not within {PATIENCE} s\n{told}")

    def until_made(self, *municipalities: str) -> None:
        def made() -> bool:
            return all(scan.status == "succeeded" for m in municipalities for scan in self.jobs(m))

        self.until(made, f"the scans of {', '.join(municipalities)} are made")

    def end(self) -> None:
        for process in self.started:
            process.send_signal(signal.SIGKILL)
            process.wait()


def is_gone(pid: int) -> bool:
    """Return whether a process has ended, also if nobody has asked how."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"
