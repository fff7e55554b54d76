"""Apply, from the look to the record: carry out a plan that was approved, and record what was done and found.

In which order hosts are changed is `engine.apply`'s; what a person is shown and asked is the command's (`cli.runs`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from deploy.engine.apply import Apply
from deploy.engine.results import ApplyResult
from deploy.engine.session import Session
from deploy.model.device_models import unnamed_models
from deploy.model.kinds import Exit
from deploy.model.plan import Plan
from deploy.model.record import CheckResult, Record
from deploy.model.waves import order_of
from deploy.runs.admission import Admitted, admit_made
from deploy.runs.invocation import Invocation, NotAllKept, controls_in_force
from deploy.runs.stopping import stopping
from deploy.store.ports import StoreError
from inventory.errors import UsageError
from inventory.rules.gates import Gates
from inventory.rules.house import of_the_project


def apply(
    run: Invocation,
    approve: Callable[[Plan], None],
    planned: Admitted | None = None,
    *,
    no_rollback: Collection[str] = (),
    max_failures: int | None = None,
) -> Record:
    """Carry out a plan that was made before, on those of its hosts that the run is about; without one, make one.

    A plan that was limited to some roles limits the run to them, and what was named for removal in it is removed.
    One that is made here must be admitted, too.

    Args:
        approve: shown the plan before any host is changed; whatever it raises ends the run there.
        no_rollback: the hosts that may be changed though they cannot undo what cuts them off.
        max_failures: how many hosts may end badly before the rest is left alone; None: as the organisation's gates say.
    """
    hosts = run.hosts
    if planned is not None:
        run = replace(run, only_roles=planned.plan.only_roles, remove=planned.plan.remove)
        hosts = tuple(h for h in hosts if planned.plan.host(h.name))
        if not hosts:
            raise UsageError("the plan speaks of none of these hosts", where=f"--limit {run.limit}", fix="leave it out")
    run.settle()
    with run.session(hosts, changes=True) as session:
        admitted = planned or admit_made(run, run.plan(session.look()))
        plan, names = admitted.plan, [h.name for h in hosts]
        approve(plan)
        refuse_unguarded(plan, names, no_rollback)
        run.begin(plan, names, admitted.approved, admitted.lacking)
        gates = gates_in_force(max_failures, lab=run.lab, emergency=run.emergency)
        return record_of(run, plan, carry_out(run, session, plan, gates=gates))


def gates_in_force(max_failures: int | None = None, *, lab: bool, emergency: bool = False) -> Gates:
    """Return the organisation's gates, with what a person asked for otherwise; an emergency waits for no canary."""
    gates = of_the_project().of(Gates) or Gates()
    if emergency or (lab and not gates.in_the_lab):
        gates = gates.without_canaries()
    return gates if max_failures is None else gates.model_copy(update={"max_failures": max_failures})


def refuse_unguarded(plan: Plan, about: Collection[str], no_rollback: Collection[str]) -> None:
    """Change no host that could be cut off and cannot undo that, unless it was named."""
    for host in (h for h in plan.hosts if h.host in about and h.host not in no_rollback):
        if why := next((s.unguarded for s in host.changes if s.unguarded), ""):
            fix = f"if somebody is on the spot: --no-rollback {host.host}"
            raise UsageError(f"it could be cut off, and could not undo that: {why}", where=f"host {host.host}", fix=fix)


def carry_out(
    run: Invocation, session: Session, planned: Plan, *, checked: bool = True, gates: Gates | None = None
) -> ApplyResult:
    """Change hosts as planned; of unknown models, those that are named. Whatever ends the run early is recorded.

    Args:
        checked: their roles' state checks prove it.
        gates: what must hold before it goes on; the organisation's if not given.
    """

    def prove(names: Sequence[str]) -> tuple[CheckResult, ...]:
        return run.checks(session, names, to_come=change.to_come) if checked else ()

    change = Apply(
        session,
        planned,
        prove,
        run.stores.journal,
        run.stores.applied,
        controls=controls_in_force(),
        unnamed=unnamed_models(run.fleet, session.hosts, (run.limit, planned.limit)),
        order=order_of(run.fleet, gates or gates_in_force(lab=run.lab)),
        observer=run.observer,
        stopped=run.stop.why,
    )
    try:
        with stopping(run.stop, lambda text: run.observer.stage(text, ())):
            result = change.go()
    except KeyboardInterrupt as e:
        run.stop.asked = run.stop.asked or str(e) or "Ctrl-C"
        return change.broken_off(f"{run.stop.why()}, at once")
    except BaseException as e:  # hosts were changed: history must know, whatever it was that ended the run
        record_of(run, planned, change.broken_off(str(e) or type(e).__name__))
        raise
    return change.broken_off(run.stop.why()) if run.stop.asked else result


def record_of(run: Invocation, planned: Plan, applied: ApplyResult) -> Record:
    """Record what an apply did and found."""
    findings, troubles = (*run.unsound, *applied.findings), list[StoreError]()
    try:
        # What else may be known of these hosts, apply did not look for: nothing is forgotten here.
        findings = run.recording.patiently(
            run.stores, lambda: run.stores.known.date((*run.unsound, *applied.findings), at=run.started)
        )
    except StoreError as e:  # told below: what was done is recorded first
        troubles.append(e)
    try:
        record = run.save(
            hosts=applied.hosts,
            findings=findings,
            checks=applied.checks,
            plan_digest=planned.digest,
            code=Exit.INTERRUPTED
            if run.stop.asked
            else run.code(applied.findings, after_change=any(r.changed for r in applied.hosts)),
        )
    except NotAllKept as e:
        raise NotAllKept(e.record, [*troubles, *e.troubles]) from e
    if troubles:
        raise NotAllKept(record, troubles)
    return record
