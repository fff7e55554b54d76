"""`samdrift hosts`, `show` and `check`: the fleet, offline.

No host is connected to. Not here: how a check judges (`check`), and what a host should be (`roles`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click

from deploy.cli.command import Common, answer, aside, command
from deploy.cli.outputs import Outputs, judged, output_options, put_outputs, sound, told_if_it_breaks_off
from deploy.cli.running import check_record
from deploy.cli.subject import fleet_of, hosts_of, intent_of, source_of, stores_of, waivers_of
from deploy.model import clock
from deploy.model.text import as_json
from deploy.source.known import SourcedFleet
from deploy.views import fleet as view
from deploy.views.parts import municipalities
from inventory.errors import InventoryError, UsageError
from inventory.fleet import Fleet, Host

if TYPE_CHECKING:
    from deploy.check.offline import Offline
    from deploy.model.findings import Finding
    from deploy.model.record import Record
    from roles.shared.parts.registration import ManagedConfiguration, ManagedFile


@command("hosts")
def hosts(common: Common) -> None:
    """List the hosts of the fleet."""
    known = fleet_of(common)
    fleet, source, time = known.fleet, known.source, known.time
    chosen = hosts_of(common, fleet)
    listed = [h.model_dump(mode="json") | {"roles": h.roles, "wave": h.wave} for h in chosen]
    answer(common, {"source": source, "time": time, "digest": fleet.digest, "hosts": listed}, view.hosts(fleet, chosen))


@command("show")
@click.argument("name", metavar="HOST")
@click.option("--files", is_flag=True, help="With the content of every file, or a device's configuration.")
@click.option("--file", metavar="PATH", help="Only the content of this file, as it is.")
@click.option("--configuration", is_flag=True, help="Only a device's intended configuration, as it is.")
def show(common: Common, name: str, files: bool, file: str | None, configuration: bool) -> None:
    """Show one host: data, roles, settings, files or configuration."""
    from deploy.engine.declare import declarations
    from roles.shared.catalogue import known_roles
    from roles.shared.device.known import known_vendors

    known = fleet_of(common)
    fleet, source, time = known.fleet, known.source, known.time
    host = _host(fleet, name)
    intent = intent_of(known)
    intent.require([host])
    rendered, configurations = declarations(host, intent)
    if file is not None:
        _put_file(common, rendered, file)
        return
    if configuration:
        _put_configuration(common, host, configurations)
        return
    settings = {role: s.model_dump(mode="json") for role, s in intent.settings(host).items()}
    overlay = _overlay(common, host) if common.lab else []
    document = {
        "source": source,
        "time": time,
        "host": host.model_dump(mode="json"),
        "settings": settings,
        "files": [f.model_dump(mode="json") for f in rendered],
        "configurations": [c.model_dump(mode="json") for c in configurations],
        "lab": [{"field": field, "fleet": before, "lab": after} for field, before, after in overlay],
    }
    summaries = {role.name: role.summary for role in known_roles(host)}
    page = view.host(
        fleet,
        host,
        settings=settings,
        summaries=summaries,
        vendors=known_vendors(),
        files=rendered,
        configurations=configurations,
        overlay=overlay,
        contents=files,
    )
    answer(common, document, page)


def _host(fleet: Fleet, name: str) -> Host:
    try:
        return fleet.host(name)
    except KeyError:
        near = get_close_matches(name, [h.name for h in fleet.hosts])
        fix = f"did you mean {' or '.join(near)}?" if near else "see: samdrift hosts"
        raise UsageError(f"there is no host {name!r}", fix=fix) from None


def _put_file(common: Common, rendered: Sequence[ManagedFile], path: str) -> None:
    found = next((f for f in rendered if f.path == path), None)
    if found is None:
        raise UsageError(f"no role declares {path!r} there", where="--file", fix="without it, show lists them")
    click.echo(as_json(found.model_dump(mode="json")) if common.json else found.content, nl=bool(common.json))


def _put_configuration(common: Common, host: Host, configurations: Sequence[ManagedConfiguration]) -> None:
    if not configurations:
        fix = "without it, show lists the files that its roles declare"
        raise UsageError(f"no role declares a configuration of {host.name}", where="--configuration", fix=fix)
    as_data = [c.model_dump(mode="json") for c in configurations]
    as_text = "".join(c.content for c in configurations)
    click.echo(as_json(as_data) if common.json else as_text, nl=bool(common.json))


def _overlay(common: Common, in_lab: Host) -> list[tuple[str, Any, Any]]:
    """Return every field of a host that the lab changes: its place, the value in the fleet, the value in the lab."""
    fleet = fleet_of(replace(common, lab=False)).fleet
    return list(_differences(fleet.host(in_lab.name).model_dump(mode="json"), in_lab.model_dump(mode="json")))


def _differences(before: object, after: object, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from _differences(before.get(key), after.get(key), f"{place}.{key}" if place else str(key))
    elif before != after:
        yield place, before, after


@command("check")
@output_options
def check(common: Common, outputs: Outputs) -> int:
    """Check inventory, settings and files, offline.

    Every file is judged by the program that will read it, where that is on this machine.
    """
    from deploy.views import findings as findings_view

    started = clock.now()
    with told_if_it_breaks_off(common, outputs, "check"):
        known, done, readable = _checked(common)
        record = check_record(common, known, done.findings, started, common.limit)
    record = _keep_check(common, record) if readable else record
    done = done.model_copy(update={"findings": record.findings})
    names = municipalities(known.fleet)
    cases = (*judged(done.judgements, known.fleet), *sound(done.hosts, record))
    code = put_outputs(common, outputs, record, names, cases).exit_code
    answer(common, done.model_dump(mode="json") | {"exit_code": code}, findings_view.offline(done, names))
    return code


def _checked(common: Common) -> tuple[SourcedFleet, Offline, bool]:
    """Check what this command line is about; the last part tells whether the inventory could be read."""
    from deploy.check.offline import Offline, check_offline
    from deploy.model.inventory_findings import unsound
    from deploy.views.progress import observing
    from inventory import recipients
    from inventory.rules import approvals

    try:
        known = fleet_of(common)
    except InventoryError as e:
        known = SourcedFleet(e.fleet or Fleet(), source_of(common), "")
        return known, Offline(findings=unsound(e.problems, known.fleet)), e.fleet is not None
    if known.left_out:
        kinds = ", ".join(f"{n} × {kind}" for kind, n in sorted(Counter(o.kind for o in known.left_out).items()))
        aside(common, f"Neither managed nor known, and left out of this inventory: {kinds}.")
    with observing(common.aside) as observer:
        done = check_offline(intent_of(known), hosts_of(common, known.fleet), observer)
    rule = approvals.asked(lab=False)
    of_approvals = approvals.problems(rule, known.fleet) if rule else ()
    amiss = unsound((*of_approvals, *recipients.problems(known.fleet)), known.fleet)
    found = (*done.findings, *_of_waivers(common, known.fleet), *amiss)
    return known, done.model_copy(update={"findings": found}), True


def _of_waivers(common: Common, fleet: Fleet) -> tuple[Finding, ...]:
    """Return what is wrong with the file of waivers; that one has expired is a drift's to say."""
    from deploy.model.inventory_findings import unsound

    try:
        waivers_of(common, fleet)
    except InventoryError as e:
        return unsound(e.problems, fleet)
    return ()


def _keep_check(common: Common, made: Record) -> Record:
    """Record a check if this person may: whoever may not write there can check all the same."""
    from deploy.model.history import dated
    from deploy.store.ports import StoreError, readable

    try:
        stores = stores_of(common)
        made = dated(made, next(readable(stores.history, stores.history.runs(("check",)), []), None))
        stores.keep(made)
    except StoreError as e:
        aside(common, f"The check is not recorded: {e}")
    return made
