"""What the watch of a management station is told: the file that role `drift_watch` writes, `watch.json`.

Not here: what a job does with it (`job`).
"""

from __future__ import annotations

from datetime import time
from pathlib import Path

from pydantic import Field, ValidationError

from deploy.notify.telling import Sender
from inventory.errors import SamdriftError
from inventory.frozen import Frozen

FILE = Path("/etc/samdrift-watch/watch.json")


class Watch(Frozen):
    """The watch of one station.

    Attributes:
        at: when each day's scan is to begin, by the clock in Sweden.
        program: samdrift, as it is installed.
        environment: all that its processes find in theirs: inventory, store, key for looks.
        state: the watch's own directory, where what was done is kept.
        metrics: the directory of what the node exporter reads.
        called: municipalities' names, by slug.
        sender: how people are told of what changed.
        pages: the directory of the pages that people browse, each municipality its own; None where nobody serves them.
    """

    at: time
    program: Path
    environment: dict[str, str]
    state: Path
    metrics: Path
    called: dict[str, str] = Field(default_factory=dict)
    sender: Sender = Sender()
    pages: Path | None = None

    def metrics_of(self, municipality: str) -> Path:
        """Return the file of a municipality's metrics."""
        return self.metrics / f"samdrift-drift-{municipality}.prom"


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
