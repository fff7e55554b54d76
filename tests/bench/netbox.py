"""How long it takes to read 2,000 devices out of NetBox, beside pynetbox as it comes: same server, same run.

They stand in a NetBox that others use, too: the community's demo data is in it first.

Run by `make bench`: deploys the lab's NetBox and fills it first, which the first time takes some ten minutes and
then none, since the lab keeps it among its caches. Prints seconds and ratios. What is timed of samdrift ends with a
sound Fleet: reading, keeping what was read for the next time, every rule. What is timed of pynetbox are the lists of
devices, virtual machines, their interfaces and addresses, no more. As they come, samdrift asks two requests at a time
and pynetbox one. Both come with the token for reading, whose rights NetBox looks up; a superuser's it does not. What
NetBox does after each write by itself (its search index) rests meanwhile, or it would be timed, too.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TypeVar

import pynetbox

from deploy.source.netbox import from_netbox
from deploy.views.parts import screen
from deploy.views.progress import observing
from inventory.difference import difference
from inventory.fleet import Fleet
from inventory.netbox import seed
from inventory.netbox.client import NetBox
from roles.netbox import VERSION
from tests.bench.large import large_fleet
from tests.integration.lab import KEPT, NetBoxServer, deploy_netbox, netbox_in_lab
from tests.integration.netbox import NAMED_BY_OTHERS

T = TypeVar("T")

RUNS = 3
EDITS = {
    "dcim/devices": 4,
    "virtualization/virtual-machines": 2,
    "dcim/interfaces": 2,
    "ipam/vlans": 1,
    "ipam/prefixes": 1,
}
DELETIONS = 2
WANTED_WHOLE, WANTED_SINCE = 4.0, 40.0


def main() -> int:
    """Measure both, alternating, and print the ratios of the medians."""
    with tempfile.TemporaryDirectory() as scratch:
        deploy_netbox()
        return measure(netbox_in_lab(Path(scratch)), Path(scratch))


def measure(server: NetBoxServer, state: Path) -> int:
    """Fill the NetBox, and time who reads it. `state` is where samdrift keeps what it read."""
    netbox, reader = (NetBox(server.url, token, ca=server.ca) for token in (server.token, server.reading))
    fleet = large_fleet()
    name = f"netbox-{VERSION}-{fleet.digest[:16]}-demo"
    if server.bring_back(name):
        server.forget()
    else:
        server.rest()
        server.with_demo_data()
        with observing(screen(sys.stderr)) as observer:
            seed.carry_out(netbox, fleet, seed.planned(netbox, fleet), observer)
        server.keep(name)

    def read(*, since_last: bool) -> Fleet:
        told: list[str] = []
        found = from_netbox(reader, state, told.append, since_last=since_last).fleet
        if told:
            sys.exit(f"this was not read as it should be: {told}")
        return found

    if others := {d.title for d in difference(fleet, read(since_last=False))} - NAMED_BY_OTHERS:
        about = f"{len(others)} objects, as {', '.join(sorted(others)[:5])}"
        sys.exit(f"NetBox says something else than it was given, of {about}; remove {KEPT}/{name} of its host")
    whole: list[float] = []
    since: list[float] = []
    theirs: list[float] = []
    for run in range(RUNS):
        whole.append(seconds(lambda: read(since_last=False))[0])
        gc.collect()
        gc.freeze()  # nor does pynetbox have to look for garbage among what samdrift has read
        theirs.append(seconds(lambda: read_by_pynetbox(server))[0])
        edit(netbox, run)
        took, changed = seconds(lambda: read(since_last=True))
        since.append(took)
        if changed.digest != read(since_last=False).digest:
            sys.exit("what changed since was not all read: nothing to compare")
        print(f"  whole {whole[-1]:.2f} s, pynetbox {theirs[-1]:.2f} s, since last {since[-1]:.2f} s", flush=True)

    full, part = median(theirs) / median(whole), median(theirs) / median(since)
    edits, interfaces = sum(EDITS.values()), sum(len(h.interfaces) for h in fleet.hosts)
    print(f"hosts and interfaces         {len(fleet.hosts):8,} and {interfaces:,}")
    print(f"samdrift, everything         {median(whole):8.2f} s  (to the sound fleet, median of {RUNS})")
    print(f"samdrift, --since-last       {median(since):8.2f} s  ({edits} edits and {DELETIONS} deletions, likewise)")
    print(f"pynetbox, default            {median(theirs):8.2f} s  (its lists alone, likewise)")
    print(f"pynetbox / everything        {full:8.1f} times (wanted: at least {WANTED_WHOLE:g})")
    print(f"pynetbox / --since-last      {part:8.1f} times (wanted: at least {WANTED_SINCE:g})")
    return 0 if full >= WANTED_WHOLE and part >= WANTED_SINCE else 1


def seconds(work: Callable[[], T]) -> tuple[float, T]:
    """How long this took, and what came of it."""
    started = time.monotonic()
    found = work()
    return time.monotonic() - started, found


def read_by_pynetbox(server: NetBoxServer) -> int:
    """What its documentation shows first: `all()` of each list."""
    api = pynetbox.api(server.url, token=server.reading)
    if server.ca:
        api.http_session.verify = str(server.ca)
        api.http_session.trust_env = False  # or authorities that the environment names would take its place
    lists = (
        api.dcim.devices,
        api.virtualization.virtual_machines,
        api.dcim.interfaces,
        api.virtualization.interfaces,
        api.ipam.ip_addresses,
    )
    return sum(len(list(each.all())) for each in lists)


def edit(netbox: NetBox, run: int) -> None:
    """A day's work: ten edits, of hosts and what belongs to them, and two devices deleted; of others in each run."""
    for endpoint, count in EDITS.items():
        for number in ours(netbox, endpoint)[run * count :][:count]:
            netbox.update(endpoint, [{"id": number, "description": f"Ändrad, {run}"}])
    netbox.delete("dcim/devices", ours(netbox, "dcim/devices")[100:][:DELETIONS])


def ours(netbox: NetBox, endpoint: str) -> list[int]:
    """The ids of the newer half of all objects there: it is the fleet's, and nothing else refers to its devices."""
    ids = sorted(row["id"] for row in netbox.rows(endpoint, fields=("id",)))
    return ids[len(ids) // 2 :]


if __name__ == "__main__":
    sys.exit(main())
