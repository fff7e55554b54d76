"""`samdrift history`, `history verify`, `end`, `sign-off`, `config`, `migrate`, `prune`: earlier runs, and their store.

No host is looked at. Not here: how a store is brought up to date and pruned (`store.earlier`, `store.pruning`).
"""

from __future__ import annotations

import re
import sys
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from deploy.cli.command import FILE, READABLE, WORDS, Common, WithDefault, answer, aside, command
from deploy.cli.running import holder
from deploy.cli.subject import backup_vault, fleet_of, options_of, state_of, stores_of
from deploy.model import clock
from deploy.model.kinds import Exit
from deploy.model.text import inline, several
from deploy.runs.caller import caller
from deploy.views.parts import municipalities, put
from inventory.errors import InventoryError, SamdriftError, UsageError

if TYPE_CHECKING:
    from deploy.store.database import Database


@click.group(
    "history",
    cls=WithDefault,
    options_metavar="[OPTIONS]",
    subcommand_metavar="[RECORD] | verify | end RECORD | sign-off RECORD | config HOST | part SLUG | migrate | prune",
)
def history() -> None:
    """List who did what, when, with which plan; or show one run.

    --last N says how many runs (20). `history verify` says whether they are as they were recorded, `history sign-off`
    is about an emergency, `history config HOST` about the configurations that a host had, `history part` about a
    municipality that leaves, `migrate` and `prune` about the store itself.
    """


@command("runs", of=history)
@click.argument("record_id", metavar="[RECORD]", required=False)
@click.option("--last", metavar="N", type=click.IntRange(min=1), default=20, show_default=True, help="How many runs.")
def history_runs(common: Common, record_id: str | None, last: int) -> int:
    """List who did what, when, with which plan; or show one run.

    Ends with 1 if a record in the list is damaged.
    """
    from deploy.runs.recording import is_lost
    from deploy.runs.sign_off import emergency_of, not_signed_off
    from deploy.views import approvals as approvals_view
    from deploy.views import records as view

    past = stores_of(common).history
    if record_id is not None:
        record = past.record(record_id)
        steps = past.progress(record_id)
        document = record.model_dump(mode="json") | {"begun": [s.model_dump(mode="json") for s in steps]}
        names = municipalities(fleet_of(common).fleet)
        standing = emergency_of(past, record_id) if record.emergency and record.ended else None
        of_emergency = approvals_view.standing(standing, names) if standing else ()
        answer(common, document, (*view.record(record, names, steps), *of_emergency))
        return Exit.OK
    runs = list(islice(past.runs(), last))
    faults = {run.id: fault for run in runs if (fault := past.fault(run.id))}
    lost = {run.id for run in runs if not run.ended and run.id not in faults and is_lost(past, run)}
    listed = [run.model_dump(mode="json") | {"fault": faults.get(run.id, ""), "lost": run.id in lost} for run in runs]
    emergencies = not_signed_off(past)
    document = {"records": listed, "emergencies": [run.model_dump(mode="json") for run in emergencies]}
    open_ones = approvals_view.open_emergencies(emergencies, options_of(common))
    answer(common, document, (*view.history(runs[::-1], faults, lost), *open_ones))
    return Exit.ERROR if faults else Exit.OK


@command("verify", of=history)
@click.option(
    "--witness",
    metavar="FILE",
    multiple=True,
    type=READABLE,
    help="What a log server kept of the journal, instead of the journal of this machine. Can be repeated.",
)
@click.option(
    "--part",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Ask this of what a municipality took along (history part).",
)
def history_verify(common: Common, witness: tuple[Path, ...], part: Path | None) -> int:
    """Say whether every run is as it was recorded: none changed, removed or put in.

    Ends with 1, naming each that is not.
    """
    from deploy.runs.evidence import verify_history
    from deploy.store.opening import stores_of
    from deploy.store.witness import heads_of_journal, heads_of_log
    from deploy.views import records as view

    heads = [h for path in witness for h in heads_of_log(path)] if witness else list(heads_of_journal())
    if part is not None:
        from deploy.cli.parting import judge_part
        from deploy.views.reports import claims_of_report

        claims = judge_part(part, heads)
        failed = any(c.holds is False for c in claims)
        answer(common, {"claims": [c.model_dump(mode="json") for c in claims]}, claims_of_report(claims))
        return Exit.ERROR if failed else Exit.OK
    database = _database(common)
    seen = verify_history(stores_of(database).history, heads, "" if common.lab else database.where)
    document = seen.model_dump(mode="json") | {"store": database.where, "exit_code": Exit.ERROR if seen.breaks else 0}
    answer(common, document, view.verified(seen.breaks, seen.model_dump(), database.where))
    return Exit.ERROR if seen.breaks else Exit.OK


@command("end", of=history)
@click.argument("record_id", metavar="RECORD")
@click.option("--yes", is_flag=True, help="Do not ask.")
def history_end(common: Common, record_id: str, yes: bool) -> None:
    """End the record of a run that never will: its machine is gone for good.

    Runs that were killed on a machine that is there end by the next apply or drift on it.
    """
    from deploy.runs.caller import is_over
    from deploy.runs.recording import end_lost
    from deploy.views import records as view

    past = stores_of(common).history
    record = past.record(record_id)
    if record.ended or record.process is None:
        raise UsageError("this run has ended", where=record_id, fix="see: samdrift history")
    process = record.process
    if (over := is_over(process)) is False:
        fix = f"stop it there: kill {process.pid}"
        raise UsageError(f"this run is at work on {process.machine}", where=record_id, fix=fix)
    if over is None and not yes:
        if not sys.stdin.isatty():
            fix = f"if {process.machine} is gone for good, add --yes"
            raise UsageError(f"only {process.machine} knows whether this run is at work", where=record_id, fix=fix)
        if not click.confirm(f"Is {process.machine}, on which it ran, gone for good?", err=True):
            raise SamdriftError("not approved: the record is as it was")
    ended = end_lost(past, record)
    answer(common, ended.model_dump(mode="json"), view.record(ended, _names(common), past.progress(record_id)))


@command("sign-off", of=history)
@click.argument("record_id", metavar="RECORD")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--comment", metavar="TEXT", type=WORDS, required=True, help="What came of it: it is signed, too.")
@click.option("--signing-key", metavar="FILE", type=READABLE, help="Sign with this SSH key. [the agent's, or ~/.ssh]")
def history_sign_off(common: Common, record_id: str, yes: bool, comment: str, signing_key: Path | None) -> None:
    """Sign an emergency off, with your SSH key.

    Shows its record, and asks. Each municipality is signed off for by somebody who may approve for it, and did not run
    it.
    """
    from deploy.runs import sign_off as runs
    from deploy.views import approvals as approvals_view
    from deploy.views import records as view

    if not yes and not sys.stdin.isatty():
        raise UsageError("sign-off asks before it signs anything, and here is nobody to answer", fix="add --yes")
    past, fleet = stores_of(common).history, fleet_of(common).fleet
    emergency, names = runs.emergency_of(past, record_id), municipalities(fleet)
    put(common.people, view.record(emergency.record, names))
    put(common.people, approvals_view.standing(emergency, names))
    signer = runs.signer_of(emergency, fleet, signing_key)
    whose = ", ".join(names.get(m, m) for m in signer.municipalities)
    question = f"Sign it off as {inline(signer.person.full_name)} ({signer.person.name}) for {inline(whose)}?"
    if not yes and not click.confirm(question, err=True):
        raise SamdriftError("nothing was signed")
    made = runs.sign_off(past, emergency, signer, who=caller().who, argv=tuple(sys.argv[1:]), comment=comment)
    now = runs.emergency_of(past, record_id)
    document = made.model_dump(mode="json") | {"open": list(now.open)}
    answer(common, document, approvals_view.standing(now, names))


@command("config", of=history)
@click.argument("host")
@click.option("--at", metavar="TIME", type=WORDS, help="As it was then: 2026-11-29, 2026-11-29T07:30 (UTC).")
@click.option("--diff", "as_diff", is_flag=True, help="What changed with the newest, or with the one of --at.")
@click.option("--of", "what", metavar="WHAT", type=WORDS, help="Of a gateway: FRR, nftables.")
@click.option("--unmasked", is_flag=True, help="With its secrets, for whoever holds the municipality's key.")
def history_config(  # noqa: PLR0917  click tells options by name
    common: Common, host: str, at: str | None, as_diff: bool, what: str | None, unmasked: bool
) -> None:
    """List the configurations that a host had; or show one, or what changed.

    To read one takes an age identity that opens the municipality's secrets.
    """
    from deploy.model.backup import as_of, of_kind
    from deploy.runs.backups import changed, opened
    from deploy.views import backups as view

    kept = stores_of(common).backups.of(host)
    if at is None and not as_diff:
        if unmasked:
            raise UsageError("a list has nothing to withhold", where="--unmasked", fix="add --at TIME, or --diff")
        chosen = [b for b in kept if what in {None, b.what}]
        listed = [b.model_dump(mode="json", exclude={"sealed"}) for b in chosen]
        answer(common, {"host": host, "backups": listed}, view.listed(chosen[::-1], host))
        return
    versions = of_kind(kept, what or "", host)
    one = as_of(versions, at or "", host)
    vault = backup_vault(common)
    document = one.model_dump(mode="json", exclude={"sealed"}) | {"masked": not unmasked}
    if as_diff:
        before = next((b for b in versions if b.taken < one.taken), None)
        what_changed = changed(before, one, vault, unmasked=unmasked)
        answer(
            common,
            document | {"before": before.taken if before else "", "diff": what_changed},
            view.changed(one, before, what_changed),
        )
    else:
        text = opened(one, vault, unmasked=unmasked)
        answer(common, document | {"text": text}, view.text(one, text))


@command("part", of=history)
@click.argument("municipality", metavar="MUNICIPALITY")
@click.option("--out", metavar="DIR", type=FILE, required=True, help="Write it here; nothing may be there.")
def history_part(common: Common, municipality: str, out: Path) -> int:
    """Write what a municipality takes along: of each run the part about its hosts, the links, and its backups.

    Whatever names others is masked, and the store stays as it is. Ends with 1 if a record is damaged: it is told, and
    not in it. Whether a copy is as it was written: samdrift history verify --part DIR
    """
    from deploy.cli.parting import take_along
    from deploy.store.ports import StoreError

    if out.exists():
        raise UsageError("it is there already", where=f"--out {out}", fix="name another directory")
    fleet = fleet_of(common).fleet
    if municipality not in (known := [t.slug for t in fleet.tenants]):
        raise UsageError(f"there is no municipality {municipality!r}", fix=f"known: {', '.join(known)}")
    faults: list[StoreError] = []
    index = take_along(stores_of(common), fleet, municipality, out, faults)
    masked = sum(one.masked for one in index.records)
    line = (
        f"{out}: {several(len(index.records), 'run')}, {several(len(index.own_links), 'link')}; {masked} words masked"
    )
    answer(common, {"directory": str(out), **index.model_dump(mode="json")}, [Text(inline(line))])
    for fault in faults:
        aside(common, f"warning: {fault}")
    return Exit.ERROR if faults else Exit.OK


def _database(common: Common, *, as_it_is: bool = False) -> Database:
    """Open the database of this command line, whatever lies beside it."""
    from deploy.store.database import open_directory, open_url

    place = state_of(common)
    return open_directory(place) if isinstance(place, Path) else open_url(place, as_it_is=as_it_is)


MIGRATE = "history migrate"
"""The name of the lock that one taking over holds."""


@command("migrate", of=history)
@click.argument("directory", metavar="[DIR]", required=False, type=FILE)
def migrate(common: Common, directory: Path | None) -> int:
    """Bring the store up to this samdrift, and take over the files that an earlier one left in DIR.

    Without DIR, takes over those beside the store, if there are any. The files stay as they are. It can be run again.
    """
    from deploy.store.earlier import is_there, take_over
    from deploy.store.locks import held_file
    from deploy.store.opening import earlier_directories, stores_of
    from deploy.store.ports import Locked

    if directory is not None and not is_there(directory):
        raise UsageError("there are no files of an earlier samdrift's", where=str(directory), fix="name another DIR")
    database = _database(common, as_it_is=True)
    upgraded = database.upgrade()
    beside = earlier_directories(database.directory) if database.directory else ()
    sources = [directory] if directory else [d for d in beside if is_there(d)]
    lines, taken, faults = [f"The tables of {database.where} are {'brought ' if upgraded else ''}up to date."], [], []
    for source in sources:
        with ExitStack() as held:
            others = held.enter_context(stores_of(database).locks.hold(holder(), [MIGRATE]))
            if MIGRATE in others:
                raise Locked(others[MIGRATE])
            if (source / "lock").exists():  # an earlier samdrift's own
                held.enter_context(held_file(source / "lock", holder()))
            done = take_over(source, database, clock.now())
        taken.append({"directory": str(source), "found": done.found, "known": done.known, "faults": done.faults})
        faults += done.faults
        counts = ", ".join(f"{n} {kind} ({done.known[kind]} were there)" for kind, n in done.found.items())
        lines.append(f"Taken over from {source}, and read again: {counts}. The files are as they were.")
    answer(common, {"store": database.where, "upgraded": upgraded, "taken_over": taken}, map(Text, lines))
    for fault in faults:
        aside(common, f"error: not taken over: {fault}")
    return Exit.ERROR if faults else Exit.OK


@command("prune", of=history)
@click.option("--older-than", metavar="AGE", required=True, type=WORDS, help="Days (400d), or a date (2025-01-01).")
@click.option("--yes", is_flag=True, help="Do not ask.")
def prune(common: Common, older_than: str, yes: bool) -> None:
    """Remove old records and backups, having shown which.

    What says how a host stands, or since when a finding is open, is kept. The pruning is recorded before it begins.
    """
    from deploy.model.record import Record
    from deploy.store.opening import stores_of
    from deploy.store.place import record_id
    from deploy.store.pruning import PRUNE, remove, select_older
    from deploy.views import records as view

    started, before = clock.now(), _time_before(older_than)
    database = _database(common)
    past = stores_of(database).history
    chosen = select_older(database, past, before)
    names = _names(common)
    put(common.people, view.removed(chosen.removed, names))
    number = several(len(chosen.records), "record") + " and " + several(len(chosen.backups), "backup")
    put(
        common.people, [Text(f"{number} from before {before[:10]}; {several(chosen.kept, 'record')} as old must stay.")]
    )
    going = bool(chosen.records or chosen.backups)
    document = {"before": before, "kept": chosen.kept, "removed": [r.model_dump(mode="json") for r in chosen.removed]}
    if going and not yes:
        if not sys.stdin.isatty():
            fix = "if that is what you want, add --yes"
            raise UsageError("nothing is removed that nobody asked for, and here is nobody to answer", fix=fix)
        if not click.confirm(f"Remove {number}?", err=True):
            raise SamdriftError("not approved: nothing was removed")
    if going:
        by = caller()
        record = Record(
            id=record_id(started, PRUNE),
            command=PRUNE,
            argv=tuple(sys.argv[1:]),
            who=by.who,
            account=by.account,
            claimed=by.claimed,
            started=started,
            finished=clock.now(),
            fleet_digest="",
            fleet_source="",
            code_digest="",
            exit_code=Exit.OK,
            removed=chosen.removed,
        )
        past.save(record)
        remove(database, chosen, clock.now())
        document |= {"record": record.id}
    answer(common, document, [Text(f"Removed. The record of it: {document['record']}")] if going else [])


def _time_before(age: str) -> str:
    """Return the time until which to prune, as records say times.

    Raises:
        UsageError: it is no age and no date, or not past.
    """
    fix = "an age in days, 400d, or a date, 2025-01-01"
    today = datetime.now(UTC).date()
    try:
        days = re.fullmatch(r"(\d{1,6})d?", age)
        day = today - timedelta(days=int(days[1])) if days else date.fromisoformat(age)
    except (ValueError, OverflowError):
        raise UsageError(f"{age!r} is no time", where="--older-than", fix=fix) from None
    if day >= today:
        raise UsageError("that is everything until now", where="--older-than", fix=fix)
    return f"{day.isoformat()}T00:00:00.000Z"


def _names(common: Common) -> dict[str, str]:
    """Return what municipalities are called, if the inventory can be read: a pruning needs none."""
    try:
        return municipalities(fleet_of(common).fleet)
    except InventoryError as e:
        return municipalities(e.fleet) if e.fleet else {}
    except SamdriftError:
        return {}
