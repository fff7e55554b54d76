"""The command line: parse, load, call, show, exit. What commands do is in `runs`, how it looks in `render`.

Whatever pyinfra or paramiko stands behind is imported by the command that needs it, when it does: listing the
hosts must not wait for it.
"""

from __future__ import annotations

import os
import socket
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
import gevent
from pydantic import ValidationError
from rich.console import Console, RenderableType
from rich.text import Text

from deploy import clock, render
from deploy.findings import Exit, Finding, exit_code
from deploy.progress import Telling, observing
from deploy.sources import EMBEDDED, NETBOX, Known, from_snapshot
from deploy.store import Store, StoreError, default_directory, person
from inventory import snapshot
from inventory.errors import InventoryError, Problem, SamdriftError, UsageError
from inventory.fleet import Fleet, Host
from inventory.secrets import Secret
from inventory.selection import select

if TYPE_CHECKING:
    from deploy.plan import Plan
    from deploy.record import Record
    from deploy.runs import Run
    from deploy.vault import AgeVault
    from inventory.netbox.client import NetBox
    from roles.shared.registration import ManagedFile

INTERRUPTED = 130
"""What a shell calls the end by Ctrl-C."""


@dataclass(frozen=True)
class Common:
    """The options that every command takes, before or after its name."""

    limit: str | None = None
    source: str | None = None
    lab: bool | None = None
    state: Path | None = None
    json: bool | None = None
    debug: bool | None = None
    user: str | None = None
    key: Path | None = None
    identity: Path | None = None
    netbox_url: str | None = None
    netbox_ca: Path | None = None

    def over(self, given: dict[str, Any]) -> Common:
        """These options, or what `given` says instead where it says something; takes them out of `given`."""
        said = {f.name: given.pop(f.name) for f in fields(self)}
        return replace(self, **{name: value for name, value in said.items() if value is not None})

    @property
    def people(self) -> Console:
        """Where what people read goes: stdout, unless that is kept for one JSON document."""
        return render.screen(sys.stderr if self.json else sys.stdout)

    @property
    def aside(self) -> Console:
        """Where progress and questions go."""
        return render.screen(sys.stderr)


class _Words(click.ParamType[str]):
    """A text that says something: `--limit "$WHICH"` with WHICH not set must not mean every host."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value:
            self.fail("it is empty", param, ctx)
        return str(value)


class _File(click.Path):
    """A path that says something: an empty one would mean the directory one happens to be in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        if not value:
            self.fail("it is empty", param, ctx)
        return Path(os.fsdecode(super().convert(value, param, ctx)))


WORDS = _Words()
FILE = _File()
READABLE = _File(exists=True, dir_okay=False, readable=True)


def _common_options(prefix: str | None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The common options, as a decorator; with a prefix, the environment may give them too."""

    def option(name: str, meaning: str, **more: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        variable = f"{prefix}_{name.upper().replace('-', '_')}" if prefix else None
        return click.option(f"--{name}", default=None, envvar=variable, help=meaning, **more)

    options = (
        option("limit", "Which hosts: heby, role=time, tie-*, combined with and, or, not.", metavar="EXPR", type=WORDS),
        option(
            "source",
            "The inventory: snapshot (the project's own), netbox, or a directory.",
            metavar="SOURCE",
            type=WORDS,
        ),
        option("lab", "The lab's hosts, and no others.", is_flag=True),
        option("state", "Where runs are recorded.", metavar="DIR", type=FILE),
        option("json", "One JSON document on stdout, everything else on stderr.", is_flag=True),
        option("debug", "Show where in the code an error comes from.", is_flag=True),
        option("user", "Log in to hosts as this user.", metavar="NAME", type=WORDS),
        option("key", "Log in with this private key.", metavar="FILE", type=READABLE),
        option("identity", "Open secrets with this age identity.", metavar="FILE", type=FILE),
        option("netbox-url", "The NetBox that --source netbox means.", metavar="URL", type=WORDS),
        option("netbox-ca", "The authorities to trust for it.", metavar="FILE", type=READABLE),
    )

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for add in reversed(options):
            function = add(function)
        return function

    return decorate


class _InOrder(click.Group):
    """A group that lists its commands as a day's work goes, not as the alphabet does."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(self.commands)


EXIT_CODES = """\b
Exit codes:
  0  all well               5  the plan is stale
  1  error                  6  a change was rolled back
  2  differences            7  a verification failed after a change
  3  a host is unknown      64 wrong usage
  4  another run is on      130 interrupted
"""


@click.group(
    cls=_InOrder,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_CODES,
)
@click.version_option(package_name="samdrift", message="samdrift %(version)s")
@_common_options("SAMDRIFT")
@click.pass_context
def cli(ctx: click.Context, /, **given: Any) -> None:
    """Joint operations of five municipalities: what every host should be, and what it is.

    The options here may also stand after a command, or in the environment: SAMDRIFT_LIMIT and so on.
    """
    ctx.obj = Common().over(given)


def _command(group: click.Group, name: str) -> Callable[[Callable[..., int | None]], click.Command]:
    """Make a function a command: it gets the common options first, and its own by name."""

    def decorate(body: Callable[..., int | None]) -> click.Command:
        @wraps(body)
        def invoke(**given: Any) -> int:
            common = click.get_current_context().ensure_object(Common)
            return body(common.over(given), **given) or Exit.OK

        return group.command(name)(_common_options(None)(invoke))

    return decorate


# --- what a command is about ------------------------------------------------------------------------------------


def _fleet(common: Common, *, with_roles: bool = True) -> Known:
    """The fleet, and where it came from. All that is wrong with it, or with what it says of roles, is told at once."""
    try:
        known = _from_source(common)
    except InventoryError as e:
        raise InventoryError((*e.problems, *_role_problems(e.fleet or Fleet())), e.fleet) from None
    if with_roles and (problems := _role_problems(known.fleet)):
        raise InventoryError(problems, known.fleet)
    known = known._replace(source=_source(common))
    if not common.lab:
        return known
    from deploy.lab import Lab  # noqa: PLC0415  see the module's docstring

    return known._replace(fleet=Lab().overlay(known.fleet))


def _source(common: Common) -> str:
    """What plans, records and reports call the inventory that is meant."""
    source = (common.netbox_url or NETBOX) if common.source == NETBOX else common.source or EMBEDDED
    return f"{source}, as in the lab" if common.lab else source


def _from_source(common: Common) -> Known:
    """The fleet as its source says it."""
    if common.source == NETBOX:
        return _from_netbox(common)
    return from_snapshot(_snapshot_directory(common), common.source or EMBEDDED)


def _from_netbox(common: Common, *, since_last: bool = True) -> Known:
    from deploy import live  # noqa: PLC0415  see the module's docstring
    from inventory.netbox.client import NetBoxError  # noqa: PLC0415  likewise

    netbox = live.connected(common.netbox_url, common.netbox_ca)
    try:
        return live.from_netbox(netbox, _store(common).path, partial(_aside, common), since_last=since_last)
    except NetBoxError as e:
        raise live.instead(e) if common.source == NETBOX else e from None


def _snapshot_directory(common: Common) -> Path:
    """Where the snapshot is that is meant, or would be."""
    return snapshot.DEFAULT if common.source in {None, EMBEDDED, NETBOX} else Path(str(common.source))


def _role_problems(fleet: Fleet) -> tuple[Problem, ...]:
    """What is wrong with the roles of hosts whatever the rest of the fleet is."""
    from roles.shared.catalogue import problems_of, problems_of_contexts  # noqa: PLC0415  see the module's docstring

    return (*problems_of_contexts(fleet), *(p for host in fleet.hosts for p in problems_of(host, None)))


def _chosen(common: Common, fleet: Fleet, *, live: bool = False) -> tuple[Host, ...]:
    """The hosts that --limit means; with --lab, those of the lab; if `live`, those that are active and have roles."""
    among = fleet.hosts
    if common.lab:
        among = tuple(h for h in among if "lab" in h.tags)
    chosen = select(common.limit, fleet, among) if common.limit else among
    if not live:
        return chosen
    alive = tuple(h for h in chosen if h.roles and h.status == "active")
    if not alive:
        where = f"--limit {common.limit!r}" if common.limit else "this inventory"
        raise UsageError("no host there is active and has roles", where=where, fix="see: samdrift hosts")
    return alive


def _store(common: Common) -> Store:
    if common.state is not None:
        return Store(common.state)
    if common.lab:
        from deploy.lab import lab_directory  # noqa: PLC0415  see the module's docstring

        return Store(lab_directory() / "state")
    return Store(default_directory())


def _vault(common: Common) -> AgeVault:
    """The age files beside the snapshot. Nothing is opened before a value is needed."""
    from deploy.vault import AgeVault  # noqa: PLC0415  see the module's docstring

    return AgeVault(_snapshot_directory(common).absolute().parent / "secrets", common.identity)


@contextmanager
def _run(common: Common, command: str) -> Iterator[tuple[Run, Telling]]:
    """A run on the hosts that are meant, are active and have roles; how it goes is told meanwhile."""
    from deploy.lab import Lab  # noqa: PLC0415  see the module's docstring
    from deploy.runs import Run  # noqa: PLC0415  likewise
    from deploy.transport import Access  # noqa: PLC0415  likewise

    if common.lab:
        Lab().require_up()
    fleet, source, said = _fleet(common)
    access = Lab().access() if common.lab else Access()
    own = {"user": common.user, "key_file": common.key}
    with observing(common.aside) as observer:
        run = Run(
            command=command,
            argv=tuple(sys.argv[1:]),
            fleet=fleet,
            hosts=_chosen(common, fleet, live=True),
            source=source,
            fleet_time=said,
            limit=common.limit or "",
            access=access.model_copy(update={k: v for k, v in own.items() if v is not None}),
            vault=Lab().vault() if common.lab else _vault(common),
            store=_store(common),
            observer=observer,
            who=_who(),
            options="--lab" if common.lab else "",
        )
        yield run, observer


def _answer(common: Common, document: object, parts: Iterable[RenderableType]) -> None:
    """The answer: one JSON document, or what people read."""
    if common.json:
        click.echo(render.as_json(document))
    else:
        render.put(common.people, parts)


def _aside(common: Common, line: str) -> None:
    """Something that is worth knowing and is not the answer."""
    render.put(common.aside, [Text(render.inline(line))])


def _plain(record: Record) -> dict[str, Any]:
    return record.model_dump(mode="json")


# --- the fleet, offline -----------------------------------------------------------------------------------------


@_command(cli, "hosts")
def hosts(common: Common) -> None:
    """List the hosts of the fleet."""
    fleet, source, said = _fleet(common, with_roles=False)
    chosen = _chosen(common, fleet)
    listed = [h.model_dump(mode="json") | {"roles": h.roles, "wave": h.wave} for h in chosen]
    _answer(
        common, {"source": source, "time": said, "digest": fleet.digest, "hosts": listed}, render.hosts(fleet, chosen)
    )


@_command(cli, "show")
@click.argument("name", metavar="HOST")
@click.option("--files", is_flag=True, help="With the content of every file.")
@click.option("--file", metavar="PATH", help="Only the content of this file, as it is.")
def show(common: Common, name: str, files: bool, file: str | None) -> None:
    """Show one host: data, roles, settings and files."""
    from deploy.planner import declared_files  # noqa: PLC0415  see the module's docstring
    from roles.shared.catalogue import catalogue, problems_of, settings_of  # noqa: PLC0415  likewise

    fleet, source, said = _fleet(common)
    host = _host(fleet, name)
    if problems := problems_of(host, fleet):
        raise InventoryError(tuple(problems))
    rendered = declared_files(host, fleet)
    if file is not None:
        _put_file(common, rendered, file)
        return
    settings = {role: s.model_dump(mode="json") for role, s in settings_of(host, fleet).items()}
    overlay = _overlay(common, host) if common.lab else []
    document = {
        "source": source,
        "time": said,
        "host": host.model_dump(mode="json"),
        "settings": settings,
        "files": [f.model_dump(mode="json") for f in rendered],
        "lab": [{"field": field, "fleet": before, "lab": after} for field, before, after in overlay],
    }
    summaries = {role: catalogue()[role].summary for role in host.roles}
    page = render.host(
        fleet, host, settings=settings, summaries=summaries, files=rendered, overlay=overlay, contents=files
    )
    _answer(common, document, page)


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
    click.echo(render.as_json(found.model_dump(mode="json")) if common.json else found.content, nl=bool(common.json))


def _overlay(common: Common, in_lab: Host) -> list[tuple[str, Any, Any]]:
    """Every field of a host that the lab changes: its place, the value in the fleet, the value in the lab."""
    fleet = _fleet(replace(common, lab=False)).fleet
    return list(_differences(fleet.host(in_lab.name).model_dump(mode="json"), in_lab.model_dump(mode="json")))


def _differences(before: object, after: object, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from _differences(before.get(key), after.get(key), f"{place}.{key}" if place else str(key))
    elif before != after:
        yield place, before, after


@_command(cli, "check")
def check(common: Common) -> int:
    """Check inventory, settings and files, offline.

    Every file is judged by the program that will read it, where that is on this machine.
    """
    from deploy.check import Offline, check_offline, unsound  # noqa: PLC0415  see the module's docstring

    started, readable = clock.now(), True
    try:
        fleet = _fleet(common).fleet
    except InventoryError as e:
        fleet, readable = e.fleet or Fleet(), e.fleet is not None
        done = Offline(findings=unsound(e.problems, fleet))
    else:
        with observing(common.aside) as observer:
            done = check_offline(fleet, _chosen(common, fleet), observer)
    if readable:
        kept = _keep_check(common, _check_record(common, fleet, done.findings, started, common.limit))
        done = done.model_copy(update={"findings": kept.findings})
    code = exit_code(done.findings)
    names = render.municipalities(fleet)
    _answer(common, done.model_dump(mode="json") | {"exit_code": code}, render.offline(done, names))
    return code


def _check_record(
    common: Common, fleet: Fleet, findings: Iterable[Finding], started: str, limit: str | None = None
) -> Record:
    from deploy import runs  # noqa: PLC0415  see the module's docstring

    return runs.check(
        fleet,
        findings,
        source=_source(common),
        argv=tuple(sys.argv[1:]),
        limit=limit or "",
        who=_who(),
        started=started,
    )


def _keep_check(common: Common, made: Record) -> Record:
    """Record a check if this person may: whoever may not write there can check all the same."""
    from deploy import runs  # noqa: PLC0415  see the module's docstring

    try:
        store = _store(common)
        made = runs.dated(made, store.latest("check"))
        store.save(made)
    except StoreError as e:
        _aside(common, f"The check is not recorded: {e}")
    return made


def _who() -> str:
    return f"{person()}@{socket.gethostname()}"


# --- the hosts, live --------------------------------------------------------------------------------------------


@_command(cli, "plan")
@click.option("--out", metavar="FILE", type=FILE, help="Write the plan here, for apply.")
@click.option("--brief", is_flag=True, help="A line a step, without diffs.")
@click.option("--commands", is_flag=True, help="Every command, also of steps that show a diff.")
@click.option("--detailed-exitcode", is_flag=True, help="End with 2 where something would change.")
def plan(common: Common, out: Path | None, brief: bool, commands: bool, detailed_exitcode: bool) -> int:
    """Show what would change, with diffs."""
    from deploy import runs  # noqa: PLC0415  see the module's docstring
    from deploy.plan import write_plan  # noqa: PLC0415  likewise

    if out is not None:
        _refuse_unwritable(out)
    with _run(common, "plan") as (run, _):
        made, record = runs.plan(run, detailed=detailed_exitcode)
    if out is not None:
        write_plan(made, out)
    document = {
        "digest": made.digest,
        "plan": made.model_dump(mode="json"),
        "findings": _plain(record)["findings"],
        "exit_code": record.exit_code,
    }
    _answer(common, document, render.plan(made, render.municipalities(run.fleet), brief=brief, commands=commands))
    if out is not None:
        lab_too = "--lab " if common.lab else ""
        _aside(common, f"The plan is in {out}. To carry it out: samdrift {lab_too}apply {out}")
    return record.exit_code


def _refuse_unwritable(out: Path) -> None:
    """Say so before any host is asked, and not after."""
    try:
        why = _unwritable(out, out.absolute().parent)
    except OSError as e:
        why = str(e.strerror)
    if why:
        raise SamdriftError(f"cannot write the plan: {why}", where=str(out), fix="choose another --out")


def _unwritable(out: Path, parent: Path) -> str:
    """Why this file cannot be written, or nothing."""
    if out.is_dir():
        return "it is a directory"
    if not parent.is_dir():
        return f"there is no directory {parent}"
    return "" if os.access(out if out.exists() else parent, os.W_OK) else "not permitted"


def _write_back_option(function: Callable[..., Any]) -> Callable[..., Any]:
    meaning = "Tell NetBox how each host stands, and what was changed."
    return click.option("--write-back", is_flag=True, envvar="SAMDRIFT_WRITE_BACK", help=meaning)(function)


def _netbox_to_tell(common: Common, fleet: Fleet) -> NetBox:
    """The NetBox that --write-back means; said to be missing before any host is connected to."""
    from deploy import live  # noqa: PLC0415  see the module's docstring
    from deploy.write_back import is_of_the_lab  # noqa: PLC0415  likewise

    netbox = live.connected(common.netbox_url, common.netbox_ca)
    if common.lab and not is_of_the_lab(netbox.url, fleet):
        fix = "leave out --write-back, or name the address of the lab's own NetBox"
        raise UsageError("what the lab does is told to no other NetBox than its own", where=netbox.url, fix=fix)
    return netbox


def _tell_netbox(common: Common, netbox: NetBox | None, record: Record) -> None:
    """Write back, if that was asked for; what NetBox could not be told is a warning."""
    from deploy.write_back import write_back  # noqa: PLC0415  see the module's docstring

    for warning in write_back(netbox, record) if netbox else ():
        _aside(common, f"warning: {warning}")


@_command(cli, "apply")
@click.argument("planfile", metavar="[PLANFILE]", required=False, type=FILE)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--brief", is_flag=True, help="Show the plan a line a step.")
@_write_back_option
def apply(common: Common, planfile: Path | None, yes: bool, brief: bool, write_back: bool) -> int:
    """Change the hosts as planned, in waves, and verify them.

    Without PLANFILE, makes a plan, shows it and asks. With it, carries out exactly that plan.
    """
    from deploy import runs  # noqa: PLC0415  see the module's docstring
    from deploy.plan import read_plan  # noqa: PLC0415  likewise

    if not yes and not sys.stdin.isatty():
        raise UsageError("apply asks before it changes anything, and here is nobody to answer", fix="add --yes")
    planned = read_plan(planfile) if planfile else None
    with _run(common, "apply") as (run, observer):
        names = render.municipalities(run.fleet)
        netbox = _netbox_to_tell(common, run.fleet) if write_back else None

        def approve(made: Plan) -> None:
            observer.rest()
            shown = render.plan(made, names, brief=brief) if planned is None else [Text(render.plan_summary(made))]
            render.put(common.people, shown)
            changing = sum(bool(h.changes) for h in made.hosts)
            if changing and not yes and not click.confirm(f"Change {render.several(changing, 'host')}?", err=True):
                raise SamdriftError("not approved: no host was changed")

        record = runs.apply(run, approve, planned)
    _tell_netbox(common, netbox, record)
    _answer(common, _plain(record), render.applied(record, names))
    return record.exit_code


@_command(cli, "verify")
def verify(common: Common) -> int:
    """Run the state checks of every role against the real hosts."""
    from deploy import runs  # noqa: PLC0415  see the module's docstring

    with _run(common, "verify") as (run, _):
        record = runs.verify(run)
    names = render.municipalities(run.fleet)
    _answer(common, _plain(record), render.verified(record, names, common.people.width))
    return record.exit_code


@_command(cli, "drift")
@_write_back_option
def drift(common: Common, write_back: bool) -> int:
    """Compare the hosts with what was last applied; change nothing."""
    from deploy import runs  # noqa: PLC0415  see the module's docstring

    with _run(common, "drift") as (run, _):
        netbox = _netbox_to_tell(common, run.fleet) if write_back else None
        record = runs.drift(run)
    _tell_netbox(common, netbox, record)
    _answer(common, _plain(record), render.drift(record, render.municipalities(run.fleet)))
    return record.exit_code


# --- what was ---------------------------------------------------------------------------------------------------


@_command(cli, "history")
@click.argument("record_id", metavar="[RECORD]", required=False)
@click.option("--last", metavar="N", type=click.IntRange(min=1), default=20, show_default=True, help="How many runs.")
def history(common: Common, record_id: str | None, last: int) -> None:
    """List who did what, when, with which plan; or show one run."""
    store = _store(common)
    if record_id is None:
        records = store.records(last)
        _answer(common, {"records": [_plain(r) for r in records]}, render.history(records[::-1]))
    else:
        record = store.record(record_id)
        fleet = _fleet(common, with_roles=False).fleet
        _answer(common, _plain(record), render.record(record, render.municipalities(fleet)))


@_command(cli, "report")
@click.option(
    "--out",
    metavar="DIR",
    type=FILE,
    default=Path("report"),
    show_default=True,
    help="Where report.html and report.json go.",
)
def report(common: Common, out: Path) -> None:
    """Write what auditors read: how the hosts stood when last looked at."""
    from deploy.check import unsound  # noqa: PLC0415  see the module's docstring
    from deploy.report import latest_check, latest_look, situation, verdict, write  # noqa: PLC0415  likewise
    from deploy.runs import dated  # noqa: PLC0415  likewise

    source, now = _source(common), clock.now()
    records = _store(common).records()
    checked = latest_check(records, source)
    try:
        fleet = _fleet(common).fleet
    except InventoryError as e:
        if e.fleet is None:
            raise
        # Not sound, and that is what the report has to say: what it needs to know is known, so no check is asked for.
        fleet = e.fleet
        checked = dated(_check_record(common, fleet, unsound(e.problems, fleet), now), checked)
        if common.limit and not fleet.hosts:
            raise
    # The whole fleet, also with --lab: what nobody looked at belongs in the report.
    about = select(common.limit, fleet, fleet.hosts) if common.limit else fleet.hosts
    look, whole = latest_look(records), not common.limit
    made = situation(fleet, about, look, records, now, check=checked, source=source, whole=whole)
    page, document = write(made, out)
    said = [Text(verdict(made).english, "bold"), Text(f"Read it: {page}"), Text(f"As data: {document}")]
    _answer(common, made.model_dump(mode="json"), said)


# --- secrets ----------------------------------------------------------------------------------------------------


@cli.group("secrets", cls=_InOrder)
def secrets() -> None:
    """What only hosts may know: one encrypted file for each municipality."""


@_command(secrets, "edit")
@click.argument("municipality")
@click.argument("name")
@click.option("--generate", is_flag=True, help="A random value, which nobody need know.")
@click.option("--remove", is_flag=True, help="Take the secret out of the file.")
def secrets_edit(common: Common, municipality: str, name: str, generate: bool, remove: bool) -> None:
    """Give a secret a value, asked for without echo.

    Without a terminal, all of stdin is the value, but for a newline at its end.
    """
    from deploy import secret_commands  # noqa: PLC0415  see the module's docstring
    from deploy.vault import random_value  # noqa: PLC0415  likewise

    if generate and remove:
        raise UsageError("--generate and --remove are two things", fix="choose one")
    fleet = _with_secrets(common, municipality)
    secret = _secret(municipality, name)
    value = None if remove else random_value() if generate else _asked(secret)
    done = secret_commands.edit(_vault(common), secret, value)
    _answer(common, done.model_dump(mode="json"), render.secrets_written(done, render.municipalities(fleet)))


def _asked(secret: Secret) -> str:
    """A value, from a person who types it twice, or from a pipe."""
    if sys.stdin.isatty():
        asked = f"{secret.name} of {secret.municipality}"
        return str(click.prompt(asked, hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.read().removesuffix("\n")


@_command(secrets, "rotate")
@click.argument("municipality")
@click.argument("names", metavar="[NAME]...", nargs=-1)
def secrets_rotate(common: Common, municipality: str, names: tuple[str, ...]) -> None:
    """Encrypt to the recipients as they are now.

    With names, these secrets get new random values too.
    """
    from deploy import secret_commands  # noqa: PLC0415  see the module's docstring

    fleet = _with_secrets(common, municipality)
    done = secret_commands.rotate(_vault(common), municipality, names)
    _answer(common, done.model_dump(mode="json"), render.secrets_written(done, render.municipalities(fleet)))


@_command(secrets, "check")
def secrets_check(common: Common) -> int:
    """Check that each file opens, for whom, and holds what roles need."""
    from deploy import secret_commands  # noqa: PLC0415  see the module's docstring
    from roles.shared.catalogue import needed_secrets, problems_of, settings_of  # noqa: PLC0415  likewise

    fleet = _with_secrets(common)
    if problems := [p for h in fleet.hosts for p in problems_of(h, fleet)]:
        raise InventoryError(tuple(problems))
    needed = needed_secrets({h.name: settings_of(h, fleet) for h in fleet.hosts})
    vault, about = _vault(common), {h.tenant for h in _chosen(common, fleet)}
    files = {m for m in vault.municipalities() if m in about or common.limit is None}
    found = secret_commands.check(vault, needed, files | about)
    code = exit_code(found)
    document = {"files": len(files), "findings": [f.model_dump(mode="json") for f in found], "exit_code": code}
    _answer(common, document, render.secrets_checked(len(files), found, render.municipalities(fleet)))
    return code


def _with_secrets(common: Common, municipality: str | None = None) -> Fleet:
    """The fleet that has these secrets; refuses the lab, and a municipality that it has not."""
    if common.lab:
        raise UsageError("the lab makes up its secrets itself", where="--lab", fix="leave it out")
    fleet = _fleet(common, with_roles=False).fleet
    known = sorted(t.slug for t in fleet.tenants)
    if municipality is not None and municipality not in known:
        raise UsageError(f"there is no municipality {municipality!r}", fix=f"one of: {', '.join(known)}")
    return fleet


def _secret(municipality: str, name: str) -> Secret:
    try:
        return Secret(name=name, municipality=municipality)
    except ValidationError:
        raise UsageError(f"{name!r} is no name of a secret", fix="a-z, 0-9 and _, a letter first") from None


# --- NetBox and snapshot ----------------------------------------------------------------------------------------


@cli.group("inventory", cls=_InOrder)
def inventory() -> None:
    """NetBox, and the snapshot of what it said last."""


@_command(inventory, "pull")
@click.option("--since-last", is_flag=True, help="Read only what changed since the last pull.")
@click.option("--out", metavar="DIR", type=FILE, help="Write here, and not where --source is.")
def inventory_pull(common: Common, since_last: bool, out: Path | None) -> None:
    """Write what NetBox says to the snapshot, if it is sound.

    The snapshot is replaced as a whole, or not at all.
    """
    from inventory.difference import difference  # noqa: PLC0415  see the module's docstring

    directory = out or _snapshot_directory(common)
    live = _from_netbox(common, since_last=since_last)
    if problems := _role_problems(live.fleet):
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
    _answer(common, document, render.pulled(live.fleet, changed, str(directory)))


@_command(inventory, "seed")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--objects", is_flag=True, help="Show every object and field that would be written.")
def inventory_seed(common: Common, yes: bool, objects: bool) -> None:
    """Write the snapshot to NetBox: what is not there, or says something else.

    Nothing is deleted. If it breaks off, run it again: it goes on where it stopped.
    """
    from deploy import live  # noqa: PLC0415  see the module's docstring
    from inventory.netbox import seed  # noqa: PLC0415  likewise

    if not yes and not sys.stdin.isatty():
        raise UsageError("seed asks before it writes anything, and here is nobody to answer", fix="add --yes")
    fleet, source, _ = _snapshot(common)
    netbox = live.connected(common.netbox_url, common.netbox_ca)
    with observing(common.aside) as observer:
        observer.stage(f"reading {netbox.url}", ())
        plan = seed.planned(netbox, fleet)
        observer.rest()
        page = render.seeding(plan, netbox.url, objects=objects)
        render.put(common.aside if common.json else common.people, page)
        if plan.writes and not yes:
            question = f"Write {render.several(len(plan.writes), 'object')} to {render.inline(netbox.url)}?"
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
    written = f"{render.several(len(plan.writes), 'object')} written, and read again."
    _answer(common, document, [Text(written, "bold green")] if plan.writes else ())


@_command(inventory, "diff")
def inventory_diff(common: Common) -> int:
    """Compare NetBox with the snapshot, object by object, field by field."""
    from deploy.differences import findings_of  # noqa: PLC0415  see the module's docstring
    from inventory.difference import difference  # noqa: PLC0415  likewise

    kept, source, said = _snapshot(common)
    live = _from_netbox(common)
    found = difference(kept, live.fleet)
    findings = findings_of(found, kept, live.fleet)
    code = exit_code(findings)
    document = {
        "snapshot": {"source": source, "time": said, "digest": kept.digest},
        "netbox": {"source": live.source, "time": live.time, "digest": live.fleet.digest},
        "differences": [d.model_dump(mode="json") for d in found],
        "findings": [f.model_dump(mode="json") for f in findings],
        "exit_code": code,
    }
    _answer(common, document, render.differences(found, "the snapshot", "NetBox", live.fleet))
    return code


def _snapshot(common: Common) -> Known:
    """The fleet of the snapshot, whatever else the source may be; the lab is no matter here."""
    source = None if common.source == NETBOX else common.source
    return _fleet(replace(common, source=source, lab=False), with_roles=False)


# --- the lab ----------------------------------------------------------------------------------------------------


@cli.group("lab", cls=_InOrder)
def lab() -> None:
    """Real hosts to rehearse on, on this machine."""


@_command(lab, "up")
@click.argument("hosts", nargs=-1)
def lab_up(common: Common, hosts: tuple[str, ...]) -> None:
    """Boot the hosts that have the tag lab, or those of them that do not run; and HOSTS too, until the lab is down."""
    from deploy.lab import Lab  # noqa: PLC0415  see the module's docstring

    fleet = _fleet(replace(common, lab=False), with_roles=False).fleet
    with observing(common.aside) as observer:
        Lab().up(fleet, observer, hosts)
    _lab_status(common)


@_command(lab, "down")
@click.option("--purge", is_flag=True, help="Remove its image, keys, package cache and records too.")
def lab_down(common: Common, purge: bool) -> None:
    """Remove everything that the lab has on this machine, also after a crash."""
    from deploy.lab import Lab  # noqa: PLC0415  see the module's docstring

    Lab().down(purge=purge)
    _lab_status(common)


@_command(lab, "status")
def lab_status(common: Common) -> None:
    """Show which lab hosts run, and what a crash left behind."""
    _lab_status(common)


@_command(lab, "cut")
@click.argument("host")
def lab_cut(common: Common, host: str) -> None:
    """Pull a host's cables out: it runs on, and nobody reaches it."""
    from deploy.lab import Lab  # noqa: PLC0415  see the module's docstring

    Lab().cut_off(host)
    _lab_status(common)


@_command(lab, "mend")
@click.argument("host")
def lab_mend(common: Common, host: str) -> None:
    """Plug a host's cables in again."""
    from deploy.lab import Lab  # noqa: PLC0415  see the module's docstring

    Lab().mend(host)
    _lab_status(common)


def _lab_status(common: Common) -> None:
    from deploy.lab import Lab  # noqa: PLC0415  see the module's docstring

    status = Lab().status()
    _answer(common, status.model_dump(mode="json"), render.lab(status))


# --- how it ends ------------------------------------------------------------------------------------------------


def main() -> NoReturn:
    """The entry point: run the command, and exit with what it means."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a real stream, or a test's file
    sys.exit(_ended(sys.argv[1:]))


def _ended(arguments: Sequence[str]) -> int:
    """Run a command line; however it ends, that is an exit code and, where it failed, a clear line."""
    if "--debug" not in arguments:
        gevent.get_hub().exception_stream = None  # what fails in a greenlet is raised where it is waited for, too
    try:
        code = cli.main(arguments, prog_name="samdrift", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more when it ends
        return Exit.ERROR
    except Exception as e:  # noqa: BLE001  the last resort: whatever it is, it is told in a line
        # Looked for by hand: an error in the command line itself must be told as it asks, too.
        return _failed(e, as_json="--json" in arguments, debug="--debug" in arguments)
    return int(code or 0)


def _failed(error: Exception, *, as_json: bool, debug: bool) -> int:
    """Tell an error: a line on stderr, and with --json a document on stdout."""
    if debug:
        traceback.print_exception(error)
    message, code = _told(error)
    if as_json:
        problems = [str(p) for p in error.problems] if isinstance(error, InventoryError) else []
        said = {"message": message, "problems": problems} if problems else {"message": message}
        click.echo(render.as_json({"error": said, "exit_code": code}))
    start = "\n" if isinstance(error, click.Abort) and sys.stderr.isatty() else ""  # below the ^C
    shown = Text.assemble(start, ("error: ", "bold red"), render.safe(message))
    render.put(render.screen(sys.stderr), [shown])
    return code


def _told(error: Exception) -> tuple[str, int]:
    """What an error says to people, and the exit code that it means."""
    if isinstance(error, SamdriftError):
        return str(error), int(error.exit_code)
    if isinstance(error, click.Abort):
        return "interrupted (run it again: it goes on where it stopped)", INTERRUPTED
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return f"no command was given\n\n{error.format_message()}", Exit.USAGE
    if isinstance(error, click.ClickException):
        context = error.ctx if isinstance(error, click.UsageError) else None
        command = context.command_path if context else "samdrift"
        return f"{error.format_message().rstrip('.')} (see: {command} --help)", Exit.USAGE
    said = f"{type(error).__name__}: {error}".rstrip(": ")
    return f"internal error: {said} (run it again with --debug, and tell whoever looks after samdrift)", Exit.ERROR


if __name__ == "__main__":
    main()
