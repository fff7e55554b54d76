"""What a command is about, as its options say: which fleet, hosts, records and secrets, and a run on them.

Not here: what a command does with them.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from click import Abort

from deploy.cli.command import Common, aside
from deploy.model import clock
from deploy.model.kinds import Exit
from deploy.runs.caller import caller
from deploy.source.known import EMBEDDED, NETBOX, SourcedFleet, from_snapshot, with_people
from inventory import snapshot
from inventory.errors import InventoryError, Problem, UsageError
from inventory.fleet import Fleet, Host
from inventory.parts import is_asked_for

if TYPE_CHECKING:
    from deploy.model.findings import Finding
    from deploy.model.record import Record
    from deploy.model.waivers import Waivers
    from deploy.runs.invocation import Invocation
    from deploy.store.place import Database
    from deploy.store.ports import Holder, Stores
    from deploy.vault.age import AgeVault
    from deploy.vault.interface import Vault
    from deploy.views.progress import Telling
    from roles.shared.intent import Intent


def fleet_of(common: Common) -> SourcedFleet:
    """Load the fleet of this command line, and where it came from.

    Raises:
        InventoryError: it cannot be read; with everything that is wrong in what can, and with its roles.
    """
    try:
        known = _from_source(common)
    except InventoryError as e:
        from roles.shared.catalogue import problems_of_roles

        fleet = e.fleet
        if fleet is not None:
            with suppress(
                InventoryError
            ):  # of the people's file, which is among the problems, or comes when they are mended
                fleet = with_people(fleet)
        raise InventoryError((*e.problems, *problems_of_roles(fleet or Fleet())), fleet) from None
    known = known._replace(source=source_of(common))
    if not common.lab:
        return known
    from deploy.lab.lab import Lab

    return known._replace(fleet=Lab().overlay(known.fleet))


def intent_of(known: SourcedFleet) -> Intent:
    """Return what every host of a fleet should be, and everything that is wrong with each."""
    from roles.shared.intent import Intent, gateways_missing

    return Intent(known.fleet, (*known.problems, *gateways_missing(known.fleet)))


def source_of(common: Common) -> str:
    """Name the inventory of this command line, as plans, records and reports call it."""
    source = (common.netbox_url or NETBOX) if common.source == NETBOX else common.source or EMBEDDED
    return f"{source}, as in the lab" if common.lab else source


def _from_source(common: Common) -> SourcedFleet:
    """Load the fleet from `--source`."""
    if common.source == NETBOX:
        return from_netbox(common)
    return from_snapshot(snapshot_directory(common), common.source or EMBEDDED)


def from_netbox(common: Common, *, since_last: bool = True) -> SourcedFleet:
    """Read the fleet from NetBox; unless `since_last`, everything is read again."""
    from deploy.source.netbox import connected, from_netbox, instead
    from inventory.netbox.faults import NetBoxError

    netbox = connected(common.netbox_url, common.netbox_ca)
    cache = _cache(common)
    try:
        return from_netbox(netbox, cache, partial(aside, common), since_last=since_last)
    except NetBoxError as e:
        raise instead(e) if common.source == NETBOX else e from None


def snapshot_directory(common: Common) -> Path:
    """Return the snapshot's directory, whether or not it exists."""
    return snapshot.DEFAULT if common.source in {None, EMBEDDED, NETBOX} else Path(str(common.source))


def hosts_of(common: Common, fleet: Fleet) -> tuple[Host, ...]:
    """Select the hosts of --limit; with --lab, those of the lab."""
    among = fleet.hosts
    if common.lab:
        among = tuple(h for h in among if "lab" in h.tags)
    return _selected(common.limit, fleet, among) if common.limit else among


def about(common: Common, intent: Intent) -> tuple[tuple[Host, ...], tuple[Problem, ...]]:
    """Return the managed hosts of this command line that are sound, and what is wrong with the others.

    Raises:
        UsageError: no host is to be managed there.
    """
    asked_for = [h for h in hosts_of(common, intent.fleet) if is_asked_for(h)]
    sound = tuple(h for h in asked_for if not intent.problems(h))
    problems = [p for h in asked_for for p in intent.problems(h)]
    if not common.limit and not common.lab:
        problems += intent.nowhere()
    if not sound and not problems:
        where = f"--limit {common.limit!r}" if common.limit else "this inventory"
        raise UsageError("no host there is active and has roles", where=where, fix="see: samdrift hosts")
    return sound, tuple(problems)


def _selected(limit: str, fleet: Fleet, among: tuple[Host, ...]) -> tuple[Host, ...]:
    from inventory.selection import select

    return select(limit, fleet, among)


def stores_of(common: Common) -> Stores:
    """Open the stores where runs are recorded."""
    from deploy.store.opening import open_stores

    return open_stores(state_of(common))


def state_of(common: Common) -> Path | Database:
    """Return the directory or database that --state names, or else the lab's own, the system's, or this person's."""
    from deploy.store.place import default_directory, place_of

    if common.state is not None:
        return place_of(common.state)
    return _of_the_lab(common) or default_directory()


def _cache(common: Common) -> Path:
    """Return a directory for what can be read again: beside the store, unless that is a database or shared."""
    from deploy.store.place import SYSTEM, own_directory, private_directory

    place = state_of(common)
    if not isinstance(place, Path):
        place = _of_the_lab(common) or own_directory()
    return private_directory(own_directory() if place == SYSTEM else place)


def _of_the_lab(common: Common) -> Path | None:
    """Return the directory of the lab's own store; None if the run is not about the lab."""
    if not common.lab:
        return None
    from deploy.lab.place import lab_directory

    return lab_directory() / "state"


def waivers_of(common: Common, fleet: Fleet) -> Waivers:
    """Return the waivers beside the snapshot, as they are today.

    Raises:
        InventoryError: their file cannot be read whole.
    """
    from datetime import date

    from deploy.model import waivers
    from inventory.waivers import FILE, read

    found = read(snapshot_directory(common).absolute().parent / FILE)
    return waivers.waivers_of(found, fleet, date.fromisoformat(clock.now()[:10]))


def vault_of(common: Common) -> AgeVault:
    """Return the vault: the age files beside the snapshot. Nothing is opened before a value is needed."""
    from deploy.vault.age import AgeVault

    return AgeVault(snapshot_directory(common).absolute().parent / "secrets", common.identity)


def backup_vault(common: Common) -> Vault:
    """Return the vault whose keys open the backups of these hosts: in the lab, its own."""
    if not common.lab:
        return vault_of(common)
    from deploy.lab.lab import Lab

    return Lab().vault()


@contextmanager
def running(
    common: Common,
    command: str,
    *,
    only_roles: tuple[str, ...] = (),
    remove: tuple[tuple[str, str], ...] = (),
    reason: str = "",
    take_over: tuple[str, ...] = (),
    adopting: Callable[[Fleet], Host] | None = None,
    emergency: bool = False,
    **access_too: object,
) -> Iterator[tuple[Invocation, Telling]]:
    """Make a run on the selected hosts that are managed and sound, and an observer of it.

    What is wrong with the others, and which hosts are managed no more, is told first.

    Args:
        only_roles: the roles that it is limited to, and so to the hosts that have any of them; all if it is empty.
        remove: devices, each with a line of it that is to be removed.
        reason: why it is run, in the caller's words.
        take_over: runs that are gone, whose locks on hosts it takes over.
        adopting: finds or makes the one host that the run is about, managed or not; its fleet is the real one, also in
            the lab.
        emergency: it waits for no approval, canary or rehearsal.
        access_too: what this command says of how hosts are accessed, by the names in `Access`.
    """
    from deploy.lab.lab import Lab
    from deploy.model.inventory_findings import unsound
    from deploy.runs.invocation import Invocation
    from deploy.runs.permission import asking, require_leave
    from deploy.runs.recording import Recording
    from deploy.transport.ssh import Access
    from deploy.views.inventory import not_managed
    from deploy.views.progress import observing
    from inventory.rules.approvals import asked

    if common.lab:
        Lab().require_up()
        Lab().enter()
    known = fleet_of(replace(common, lab=False) if adopting else common)
    intent = intent_of(known)
    hosts, problems = ((adopting(known.fleet),), ()) if adopting else about(common, intent)
    require_leave(known.fleet.people, asking(), command, hosts)
    _refuse_other_devices(remove, hosts)
    left = unsound(problems, known.fleet)
    for line in not_managed(known.dropped, left):
        aside(common, line)
    access = Lab().access() if common.lab else Access()
    own = {
        "user": common.user,
        "key_file": common.key,
        "look_user": look_user(common, access.user),
        "look_key_file": common.look_key,
        "reason": reason,
        **access_too,
    }
    by = caller()
    with observing(common.aside) as observer:
        run = Invocation(
            command=command,
            argv=tuple(sys.argv[1:]),
            intent=intent,
            hosts=_having(only_roles, hosts),
            unsound=left,
            source=known.source,
            fleet_time=known.time,
            left_out=known.counts,
            limit=common.limit or "",
            access=access.model_copy(update={k: v for k, v in own.items() if v is not None}),
            vault=backup_vault(common),
            stores=stores_of(common),
            observer=observer,
            who=by.who,
            account=by.account,
            claimed=by.claimed,
            recording=Recording(reason=reason),
            waivers=waivers_of(common, known.fleet),
            options=options_of(common),
            only_roles=only_roles,
            take_over=take_over,
            approvals=asked(lab=bool(common.lab)),
            emergency=emergency,
            remove={device: tuple(line for named, line in remove if named == device) for device, _ in remove},
        )
        with _recording(common, run):
            yield run, observer
    for why in run.not_backed_up:
        aside(common, f"warning: not backed up: {why}")


def record_of(common: Common, run: Callable[[], Record]) -> Record:
    """Run. A record that could not be kept is still the answer, since it may be nowhere else; then it ends with 1."""
    from deploy.runs.invocation import NotAllKept

    try:
        return run()
    except NotAllKept as e:
        aside(common, f"error: {e}")
        return e.record.model_copy(update={"exit_code": Exit.ERROR})


@contextmanager
def _recording(common: Common, run: Invocation) -> Iterator[None]:
    """Record a run that ends before its own record is kept: another holds the lock, somebody stopped it, it failed."""
    from deploy.store.ports import StoreError

    try:
        yield
    except BaseException as e:
        if isinstance(e, UsageError | InventoryError | StoreError | GeneratorExit):
            raise
        stopped = isinstance(e, KeyboardInterrupt | Abort)
        why = f"stopped by {str(e) or 'Ctrl-C'}" if stopped else str(e) or type(e).__name__
        code = Exit.INTERRUPTED if stopped else int(getattr(e, "exit_code", Exit.ERROR))
        try:
            run.broke_off(why, code)
        except StoreError as lost:
            aside(common, f"error: this run could not be recorded: {lost}")
        raise


def look_user(common: Common, usual: str) -> str | None:
    """Return whom devices are looked at as; None: each by its own account for that.

    Who names a user or a key, and none for looks, means it for everything.
    """
    if common.look_user or common.look_key or not (common.user or common.key):
        return common.look_user
    return common.user or usual


def _refuse_other_devices(remove: tuple[tuple[str, str], ...], hosts: tuple[Host, ...]) -> None:
    """Refuse to remove lines of what the run is not about, or of what has none; and a line that quotes a secret, as it
    would stand in the plan.

    Raises:
        UsageError: such a host is named, or such a line.
    """
    from roles.shared.device.known import known_vendors
    from roles.shared.device.masking import masked

    devices = {h.name for h in hosts if h.platform in known_vendors()}
    for name, line in remove:
        if (shown := masked(line)) != line:
            what, fix = "the line quotes what may be a secret", f"name it as it is shown: {shown!r}"
            raise UsageError(what, where=f"--remove {name}", fix=fix)
        if name not in devices:
            known = any(h.name == name for h in hosts)
            what = "it is no device: lines of files are not removed" if known else "the run is not about this host"
            raise UsageError(what, where=f"--remove {name}", fix="name a device, and see --limit")


def _having(only_roles: tuple[str, ...], hosts: tuple[Host, ...]) -> tuple[Host, ...]:
    """Return the hosts that have any of these roles; all, if none is named.

    Raises:
        UsageError: there is no role of a name, or no host has any of them.
    """
    from roles.shared.catalogue import catalogue

    if unknown := sorted(set(only_roles) - catalogue().keys()):
        raise UsageError("there is no such role", where=f"--role {unknown[0]}", fix=f"one of: {', '.join(catalogue())}")
    if not only_roles:
        return hosts
    having = tuple(h for h in hosts if not set(only_roles).isdisjoint(h.roles))
    if not having:
        raise UsageError(
            "no host there has it", where=" ".join(f"--role {r}" for r in only_roles), fix="see: samdrift hosts"
        )
    return having


def options_of(common: Common) -> tuple[str, ...]:
    """Return the options that an advised command needs to be about the same hosts, inventory and records."""
    lab = ("--lab",) if common.lab else ()
    source = ("--source", common.source) if common.source else ()
    state = ("--state", common.state) if common.state else ()
    return (*lab, *source, *state)


def check_record(
    common: Common, known: SourcedFleet, findings: Iterable[Finding], started: str, limit: str | None = None
) -> Record:
    """Make the record of an offline check by this command, which began at `started`."""
    from deploy.runs import commands as runs

    return runs.offline_record(
        known.fleet,
        findings,
        source=known.source,
        fleet_time=known.time,
        left_out=known.counts,
        argv=tuple(sys.argv[1:]),
        limit=limit or "",
        who=caller().who,
        started=started,
        options=options_of(common),
    )


def holder() -> Holder:
    """Return who holds a lock, for whoever finds it held: this command line."""
    from deploy.store.ports import Holder

    return Holder(who=caller().who, since=clock.now(), command=shlex.join(("samdrift", *sys.argv[1:])))
