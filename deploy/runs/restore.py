"""Restore a device: make it as one of its backups says, by a plan that is shown, asked for and guarded as any other.

What its roles say counts no less than before: where the backup differs from that, the next plan says so. So their state
checks do not decide over a restoration, and what they last declared there is remembered as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from deploy.model.backup import DEVICE, Backup, as_of, of_kind
from deploy.model.plan import Configure, Plan
from deploy.model.record import Record
from deploy.runs.admission import admit_made
from deploy.runs.applying import carry_out, record_of, refuse_unguarded
from deploy.runs.backups import opened
from deploy.runs.invocation import Invocation
from inventory.errors import UsageError
from roles.shared.device.known import known_vendors
from roles.shared.device.restoring import Restoring


def backup_of(run: Invocation, at: str) -> Backup:
    """Return the backup of the run's one host as it was at a time.

    Raises:
        UsageError: the host is no device, or has none so old.
    """
    (host,) = run.hosts
    if host.platform not in known_vendors():
        fix = "what a server should be its roles say: restore the inventory, and apply"
        raise UsageError("only a device is restored from a backup", where=f"host {host.name}", fix=fix)
    return as_of(of_kind(run.stores.backups.of(host.name), DEVICE, host.name), at, host.name)


def restore(
    run: Invocation, backup: Backup, approve: Callable[[Plan], None], *, no_rollback: Collection[str] = ()
) -> Record:
    """Make the run's one host, a device, as this backup says.

    Args:
        approve: shown the plan before the device is changed; whatever it raises ends the run there.
        no_rollback: the hosts that may be changed though they cannot undo what cuts them off.

    Raises:
        SecretsError: whoever asks has no key that opens the backup.
    """
    (host,) = run.hosts
    restoring = Restoring(host.platform, opened(backup, run.vault, unmasked=True), backup.taken)
    run.settle()
    with run.session(restoring=restoring, changes=True) as session:
        admitted = admit_made(run, run.plan(session.look()))
        planned = admitted.plan
        approve(planned)
        refuse_unguarded(planned, [host.name], no_rollback)
        run.begin(planned, [host.name], admitted.approved, admitted.lacking)
        done = carry_out(run, session, planned, checked=False)
    hosts = tuple(h.model_copy(update={"steps": {}}) for h in done.hosts)  # no role was applied
    return record_of(run, planned, done.model_copy(update={"hosts": hosts}))


def taken_away(plan: Plan) -> tuple[str, ...]:
    """Return the lines of a plan that take something away, each after the sections in which it is typed."""
    found: list[str] = []
    for command in (c for host in plan.hosts for step in host.changes for c in step.commands):
        if isinstance(command, Configure):
            within: list[str] = []
            for entry in command.entries:
                depth = (len(entry) - len(entry.lstrip())) // 2
                within[depth:] = [entry.strip()]
                if entry.strip().startswith(("no ", "delete ", "unset ")):
                    found.append(" / ".join(within))
    return tuple(found)
