"""What the watch of a management station is told: the file that role `drift_watch` writes, `watch.json`.

Not here: what a job does with it (`job`).
"""

from __future__ import annotations

from datetime import time
from pathlib import Path

from pydantic import Field, ValidationError

from deploy.jobs.job import Scanner
from deploy.notify.telling import Sender
from deploy.store.place import Database, place_of
from inventory.errors import SamdriftError
from inventory.frozen import Frozen

FILE = Path("/etc/samdrift-watch/watch.json")


class Pace(Frozen):
    """How a worker shows that it is at its scan. Seconds that really pass, by the machine that counts them.

    Attributes:
        beat: how often it tells the database.
        fenced: after how long without having been heard it ends its scan.
        silent: after how long without a beat another worker may take the scan: longer than `fenced`, so that the first
            has let go of it by then.
    """

    beat: float = 10
    fenced: float = 60
    silent: float = 120
    stops: float = 60


class Watch(Frozen):
    """The watch of one station, or of a worker.

    Attributes:
        at: when each day's scan is to begin, by the clock in Sweden.
        program: samdrift, as it is installed.
        environment: all that its processes find in theirs: inventory, store, key for looks.
        state: the watch's own directory, where what was done is kept.
        metrics: the directory of what the node exporter reads.
        limit: of a municipality's hosts, those that are scanned, as `--limit` names them; empty for all.
        called: municipalities' names, by slug.
        sender: how people are told of what changed.
        pages: the directory of the pages that people browse, each municipality its own; None where nobody serves them.
        queued: scans are put into the queue of the store's database, for workers, and not made by the station itself.
        tells: this station tells people what changed; of several, one does.
        pace: how its workers show that they are at a scan.
    """

    at: time
    program: Path
    environment: dict[str, str]
    state: Path
    metrics: Path
    limit: str = ""
    called: dict[str, str] = Field(default_factory=dict)
    sender: Sender = Sender()
    pages: Path | None = None
    queued: bool = False
    tells: bool = True
    pace: Pace = Pace()

    @property
    def database(self) -> Database:
        """Return the store, which is the database that the queue is in, too.

        Raises:
            SamdriftError: it is none that several machines share.
        """
        place = place_of(self.environment.get("SAMDRIFT_STATE", ""))
        if not isinstance(place, Database):
            fix = "name a store in PostgreSQL (option `store` of role drift_watch), or do without workers"
            raise SamdriftError("scans are queued in a store in PostgreSQL alone", where=str(place), fix=fix)
        return place

    def metrics_of(self, municipality: str) -> Path:
        """Return the file of a municipality's metrics."""
        return self.metrics / f"samdrift-drift-{municipality}.prom"

    def scanner_of(self, municipality: str) -> Scanner:
        """Return how a municipality's scan is started."""
        return Scanner((str(self.program),), self.environment, self.metrics_of(municipality), self.limit)


def read_watch(file: Path = FILE) -> Watch:
    """Read the file.

    Raises:
        SamdriftError: it cannot be read, or says something else.
    """
    try:
        return Watch.model_validate_json(file.read_bytes())
    except OSError as e:
        what = f"cannot be read: {e.strerror}"
    except ValidationError as e:
        first = e.errors()[0]
        what = f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"
    raise SamdriftError(what, where=str(file), fix="apply role drift_watch, which writes it")
