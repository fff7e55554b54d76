"""`samdrift inventory`: NetBox to snapshot, snapshot to NetBox, and how they differ.

Not here: how either is read (`source.known`, `source.netbox`), how they are compared, and how NetBox is written (in
`inventory`).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click
from rich.text import Text

from deploy.cli.command import FILE, Common, InOrder, answer, command
from deploy.cli.subject import fleet_of, from_netbox, options_of, snapshot_directory
from deploy.model.findings import Exit, exit_code
from deploy.model.text import inline, several
from deploy.source.known import NETBOX, SourcedFleet
from deploy.views.parts import put
from inventory import snapshot
from inventory.errors import InventoryError, SamdriftError, UsageError
from inventory.fleet import Fleet


@click.group("inventory", cls=InOrder)
def inventory() -> None:
    """NetBox, and the snapshot of what it said last."""


@command("pull", of=inventory)
@click.option("--since-last", is_flag=True, help="Read only what changed since the last pull.")
@click.option("--out", metavar="DIR", type=FILE, help="Write here, and not where --source is.")
def inventory_pull(common: Common, since_last: bool, out: Path | None) -> None:
    """Write what NetBox says to the snapshot, if it is sound.

    The snapshot is replaced as a whole, or not at all.
    """
    from deploy.views import inventory as view
    from inventory.difference import difference
    from roles.shared.catalogue import problems_of_roles

    directory = out or snapshot_directory(common)
    live = from_netbox(common, since_last=since_last)
    if problems := problems_of_roles(live.fleet):
        raise InventoryError(problems)
    before = snapshot.read(directory).fleet if snapshot.is_there(directory) else Fleet()
    changed = difference(before, live.fleet)
    if changed or not snapshot.is_there(directory):
        origin = snapshot.Origin(netbox=live.source, at=live.time, digest=live.fleet.digest)
        snapshot.dump(live.fleet, directory, origin)
    document = {
        "source": live.source,
        "time": live.time,
        "digest": live.fleet.digest,
        "directory": str(directory),
        "changed": [c.model_dump(mode="json", include={"section", "name", "kind"}) for c in changed],
        "exit_code": Exit.OK,
    }
    answer(common, document, view.pulled(live.fleet, changed, str(directory)))


@command("seed", of=inventory)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--objects", is_flag=True, help="Show every object and field that would be written.")
def inventory_seed(common: Common, yes: bool, objects: bool) -> None:
    """Write the snapshot to NetBox: what is not there, or says something else.

    Nothing is deleted. If it breaks off, run it again: it goes on where it stopped.
    """
    from deploy.source.netbox import SEEDING, connected
    from deploy.views import inventory as view
    from deploy.views.progress import observing
    from inventory.netbox import seed

    if not yes and not sys.stdin.isatty():
        raise UsageError("seed asks before it writes anything, and here is nobody to answer", fix="add --yes")
    fleet, source, _ = _snapshot(common)
    netbox = connected(common.netbox_url, common.netbox_ca, SEEDING)
    with observing(common.aside) as observer:
        observer.stage(f"reading {netbox.url}", ())
        plan = seed.planned(netbox, fleet)
        observer.rest()
        page = view.seeding(plan, netbox.url, objects=objects)
        put(common.aside if common.json else common.people, page)
        if plan.writes and not yes:
            question = f"Write {several(len(plan.writes), 'object')} to {inline(netbox.url)}?"
            if not click.confirm(question, err=True):
                raise SamdriftError("not approved: nothing was written")
        seed.carry_out(netbox, fleet, plan, observer)
    document = {
        "source": source,
        "digest": fleet.digest,
        "netbox": netbox.url,
        "written": [w.plain() for w in plan.writes],
        "left_alone": plan.left_alone,
        "unchanged": plan.unchanged,
        "exit_code": Exit.OK,
    }
    written = f"{several(len(plan.writes), 'object')} written, and read again."
    answer(common, document, [Text(written, "bold green")] if plan.writes else ())


@command("diff", of=inventory)
def inventory_diff(common: Common) -> int:
    """Compare NetBox with the snapshot, object by object, field by field."""
    from deploy.model.inventory_findings import findings_of
    from deploy.views import inventory as view
    from inventory.difference import difference

    kept, source, time = _snapshot(common)
    live = from_netbox(common)
    found = difference(kept, live.fleet)
    options = options_of(replace(common, lab=False))
    findings = [f.with_options(options) for f in findings_of(found, kept, live.fleet)]
    code = exit_code(findings)
    document = {
        "snapshot": {"source": source, "time": time, "digest": kept.digest},
        "netbox": {"source": live.source, "time": live.time, "digest": live.fleet.digest},
        "differences": [d.model_dump(mode="json") for d in found],
        "findings": [f.model_dump(mode="json") for f in findings],
        "exit_code": code,
    }
    answer(common, document, view.differences(found, "the snapshot", "NetBox", live.fleet))
    return code


def _snapshot(common: Common) -> SourcedFleet:
    """Load the snapshot's fleet, whatever the source is, and without the lab's overlay."""
    source = None if common.source == NETBOX else common.source
    return fleet_of(replace(common, source=source, lab=False), with_roles=False)
