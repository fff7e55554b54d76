"""Three workers scan the lab's real hosts by a real PostgreSQL; one is killed while it looks at its host."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.jobs.recorded import reason_of
from deploy.lab.place import lab_directory
from deploy.store.opening import open_stores
from tests.integration.lab import lab_fleet, program, samdrift
from tests.postgres import serving
from tests.unit.deploy.jobs.working import Place, database, is_gone

pytestmark = [pytest.mark.lab, pytest.mark.long]

GATEWAYS = {"alvkarleby": "alv-gw1", "heby": "heb-gw1", "knivsta": "kni-gw1"}
SCAN = """\
#!/bin/sh
# samdrift as a worker starts it, on the lab's hosts; it tells that it begins.
case "$*" in drift*)
    echo "$3 $$" >> {{place}}/scans
    [ ! -p {{place}}/$3.begun ] || echo $PPID > {{place}}/$3.begun ;;
esac
export HOME={home} SAMDRIFT_LAB_DIR={lab}
exec {samdrift} --lab "$@"
"""


@pytest.fixture
def place(machine: None, tmp_path: Path) -> Iterator[Place]:
    samdrift("lab", "up")
    script = SCAN.format(home=os.environ.get("HOME", "/root"), lab=lab_directory(), samdrift=program())
    with serving() as server:
        made = Place(tmp_path, database(server, "workers"), script)
        yield made
        made.end()


def test_of_three_workers_at_real_hosts_one_is_killed_and_each_municipality_is_scanned_once(place: Place) -> None:
    place.gate("heby")
    for municipality in GATEWAYS:
        code, said = place.queue(municipality)
        assert code == 0, said
    place.worker("one", "heby", "knivsta")
    place.worker("two", "knivsta", "alvkarleby", "heby")
    place.worker("three", "alvkarleby", "heby")

    killed = int(place.begun("heby"))
    (scan,) = [pid for municipality, pid in place.scans if municipality == "heby"]
    place.until(lambda: _talks(scan, "heb-gw1"), "the scan is at its host")
    os.kill(killed, signal.SIGKILL)
    place.until(lambda: is_gone(scan), "the scan ends with its worker")
    assert int(place.begun("heby")) != killed
    place.until_made(*GATEWAYS)

    history = open_stores(place.url).history
    records = {run.reason: history.record(run.id) for run in place.records()}
    assert len(place.records()) == len(GATEWAYS)
    for municipality, gateway in GATEWAYS.items():
        record = records[reason_of(municipality, place.jobs(municipality)[0].day)]
        (host,) = [h for h in record.hosts if h.host == gateway]
        assert host.outcome not in {"unknown", "skipped", "failed", "changed"}, host.detail
    assert sorted(m for m, _ in place.scans) == ["alvkarleby", "heby", "heby", "knivsta"]


def _talks(process: int, host: str) -> bool:
    """Return whether a process has a connection to a host."""
    address = lab_fleet().host(host).address
    shown = subprocess.run(["ss", "-tnpH", "dst", str(address)], capture_output=True, text=True, check=True).stdout
    return f"pid={process}," in shown
