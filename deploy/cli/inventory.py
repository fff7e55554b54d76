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

from deploy.cli.command import FILE, Common, InOrder, answer, aside, command
from deploy.cli.subject import fleet_of, from_netbox, intent_of, options_of, snapshot_directory, vault_of
from deploy.model.findings import Exit, exit_code
from deploy.model.text import inline, several
from deploy.source.known import NETBOX, SourcedFleet, dropped_since
from deploy.views.parts import municipalities, put
from inventory import snapshot
from inventory.errors import InventoryError, SamdriftError, UsageError
from inventory.fleet import Fleet
from inventory.origin import Origin, SourceProblem
from inventory.origin import read as read_origin


@click.group("inventory", cls=InOrder)
def inventory() -> None:
    """NetBox, and the snapshot of what it said last."""


@command("pull", of=inventory)
@click.option("--since-last", is_flag=True, help="Read only what changed since the last pull.")
@click.option("--out", metavar="DIR", type=FILE, help="Write here, and not where --source is.")
@click.option("--left-out", is_flag=True, help="Name every object that is left out, and not only count them.")
def inventory_pull(common: Common, since_last: bool, out: Path | None, left_out: bool) -> int:
    """Write what NetBox says to the snapshot: all that is managed or known.

    The snapshot is replaced as a whole, or not at all. Ends with 3 where the inventory of a managed host is not sound.
    """
    from deploy.model.inventory_findings import unsound
    from deploy.views import findings as findings_view
    from deploy.views import inventory as view
    from inventory.difference import difference
    from inventory.scope import of_the_project

    directory = out or snapshot_directory(common)
    live = from_netbox(common, since_last=since_last)
    problems = intent_of(live).all_problems()
    findings = tuple(f.with_options(options_of(common)) for f in unsound(problems, live.fleet))
    before = snapshot.read(directory).fleet if snapshot.is_there(directory) else Fleet()
    dropped = dropped_since(before, live, of_the_project())
    for line in view.not_managed(dropped, findings):
        aside(common, line)
    changed = difference(before, live.fleet)
    last = read_origin(directory)
    origin = Origin(
        netbox=live.source,
        at=live.time,
        digest=live.fleet.digest,
        unsound=tuple(SourceProblem.of(p) for p in live.reported),
        dropped=dropped,
        left_out=live.counts,
    )
    if changed or not snapshot.is_there(directory) or (last.unsound if last else ()) != origin.unsound:
        snapshot.dump(live.fleet, directory, origin)
    code = exit_code(findings, went_on=True)
    document = {
        "source": live.source,
        "time": live.time,
        "digest": live.fleet.digest,
        "directory": str(directory),
        "changed": [c.model_dump(mode="json", include={"section", "name", "kind"}) for c in changed],
        "dropped": [d.model_dump(mode="json") for d in dropped],
        "findings": [f.model_dump(mode="json") for f in findings],
        "left_out": [c.model_dump() for c in origin.left_out],
        **({"left_out_by_name": [one._asdict() for one in live.left_out]} if left_out else {}),
        "exit_code": code,
    }
    page = view.pulled(live.fleet, changed, str(directory), left_out=live.left_out, listed=left_out)
    answer(common, document, [*findings_view.findings(findings, municipalities(live.fleet)), *page])
    return code


@command("seed", of=inventory)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--objects", is_flag=True, help="Show every object and field that would be written.")
def inventory_seed(common: Common, yes: bool, objects: bool) -> None:
    """Write the snapshot to NetBox: what is not there, or says something else. All of it must be sound.

    Nothing is deleted. If it breaks off, run it again: it goes on where it stopped.
    """
    from deploy.source.netbox import SEEDING, connected
    from deploy.views import inventory as view
    from deploy.views.progress import observing
    from inventory.netbox import seed

    if not yes and not sys.stdin.isatty():
        raise UsageError("seed asks before it writes anything, and here is nobody to answer", fix="add --yes")
    kept = _snapshot(common)
    if kept.problems:  # what refers to nothing cannot be written
        raise InventoryError(kept.problems, kept.fleet)
    fleet, source = kept.fleet, kept.source
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

    known = _snapshot(common)
    kept, source, time = known.fleet, known.source, known.time
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
    return fleet_of(replace(common, source=source, lab=False))


@command("part", of=inventory)
@click.argument("municipality", metavar="MUNICIPALITY")
@click.option(
    "--out", metavar="DIR", type=FILE, required=True, help="Write DIR/rest, DIR/own and DIR/secrets; none may be there."
)
def inventory_part(common: Common, municipality: str, out: Path) -> None:
    """Write the inventory without a municipality, and what was its own; its secrets too, encrypted as they are.

    Nothing else is changed. What it would do: samdrift review --source DIR/rest --against ./inventory/snapshot
    """
    from deploy.cli.parting import take_secrets
    from inventory.leaving import parted

    fleet = fleet_of(common).fleet
    found = parted(fleet, municipality)
    places = {"rest": out / "rest", "own": out / "own"}
    secrets = out / "secrets"
    if there := [str(place) for place in (*places.values(), secrets) if place.exists()]:
        raise UsageError(f"{', '.join(there)} is there already", where="--out", fix="name another directory")
    out.mkdir(parents=True, exist_ok=True)
    snapshot.dump(found.rest, places["rest"])
    snapshot.dump(found.own, places["own"])
    hosts = {"rest": len(found.rest.hosts), "own": len(found.own.hosts)}
    document = {name: {"directory": str(place), "hosts": hosts[name]} for name, place in places.items()}
    lines = [Text(inline(f"{place}: {several(hosts[name], 'host')}")) for name, place in places.items()]
    if has_secrets := take_secrets(vault_of(common), municipality, secrets):
        lines.append(Text(inline(f"{secrets}: for those who can open them now")))
    answer(common, {"municipality": municipality, **document, "secrets": str(secrets) * has_secrets}, lines)
