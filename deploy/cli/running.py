"""Make a run of what a command is about: its hosts, how they are reached, who watches, and where it is recorded.

Not here: the fleet, the hosts and the stores themselves (`subject`), and what a run does (`deploy.runs`).
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from click import Abort

from deploy.cli.command import Common, aside
from deploy.model import clock
from deploy.model.kinds import Exit
from deploy.runs.caller import caller
from deploy.source.known import SourcedFleet
from inventory.errors import InventoryError, UsageError
from inventory.fleet import Fleet, Host

if TYPE_CHECKING:
    from deploy.model.findings import Finding
    from deploy.model.record import Record
    from deploy.runs.invocation import Invocation
    from deploy.store.ports import Holder
    from deploy.transport.ssh import Bastion
    from deploy.views.progress import Telling
from deploy.cli.subject import about, backup_vault, fleet_of, intent_of, options_of, stores_of, waivers_of

SHOWN = 5
"""How many hosts are named where any number may be meant."""


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
    if common.lab and command == "apply":
        Lab().hand_over(intent)
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
        "through": bastion(common.through, known.fleet),
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
    if run.not_by_look:
        aside(common, _not_by_look(tuple(run.not_by_look)))


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
        try:
            run.broke_off(*why_it_broke_off(e))
        except StoreError as lost:
            aside(common, f"error: this run could not be recorded: {lost}")
        raise


def why_it_broke_off(error: BaseException) -> tuple[str, int]:
    """Return in words why a run ended before its work was done, and its exit code."""
    if isinstance(error, KeyboardInterrupt | Abort):
        return f"stopped by {str(error) or 'Ctrl-C'}", Exit.INTERRUPTED
    return str(error) or type(error).__name__, int(getattr(error, "exit_code", Exit.ERROR))


def look_user(common: Common, usual: str) -> str | None:
    """Return whom devices are looked at as; None: each by its own account for that.

    Who names a user or a key, and none for looks, means it for everything.
    """
    if common.look_user or common.look_key or not (common.user or common.key):
        return common.look_user
    return common.user or usual


def bastion(name: str | None, fleet: Fleet) -> Bastion | None:
    """Return the bastion of this name; None: hosts are reached straight.

    Raises:
        UsageError: the fleet has no such host, or none that could be believed.
    """
    from deploy.transport.ssh import Bastion

    if name is None:
        return None
    found = next((h for h in fleet.hosts if h.name == name), None)
    if found is None:
        raise UsageError(f"there is no host {name!r} in the fleet", where="--through", fix="name it as NetBox does")
    if not found.host_keys or not (found.primary_address or found.primary_address6):
        fix = "enter its address and its SSH host keys in NetBox, read at its own console"
        raise UsageError(f"{name} has no address or no host key in the inventory", where="--through", fix=fix)
    return Bastion(host=found)


def _not_by_look(hosts: tuple[str, ...]) -> str:
    """Return the line that says which hosts were looked at with more rights than a look needs, and until when."""
    some = ", ".join(hosts[:SHOWN]) + (f" and {len(hosts) - SHOWN} more" if len(hosts) > SHOWN else "")
    return f"note: looked at as the account that changes hosts, until samdrift apply gives them one for looks: {some}"


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
