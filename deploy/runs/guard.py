"""What a host is about to undo: seen, undone at once, or left as it is. Of one host, by whoever is in charge of it.

Not here: what is asked before, and how it looks (`cli.guard`, `views.guard`); how a run guards what it changes
(`engine.guarding`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from deploy.engine.session import Session
from deploy.model.drift import armed_finding
from deploy.model.evidence import Note
from deploy.model.findings import Finding, Kind, severity
from deploy.model.guard_state import Seen, Standing, Where
from deploy.model.kinds import Exit
from deploy.model.messages import MessageId, as_written, samdrift
from deploy.model.plan import HostPlan
from deploy.model.record import HostResult, Record
from deploy.runs.invocation import Invocation
from deploy.store.ports import Holder, Locked
from deploy.transport.ssh import HostLost
from inventory.errors import SamdriftError
from roles.shared.intent import Intent


class NotSeen(SamdriftError):
    """The host cannot be reached, so that nobody knows (exit code 3)."""

    exit_code = int(Exit.INCOMPLETE)


class AtWork(Locked):
    """Another run has the host, and confirms or undoes its change itself, unless it is gone."""

    def __init__(self, holder: Holder | None) -> None:
        super().__init__(holder)
        take_over = f": --take-over {holder.run}" if holder and holder.run else ""
        self.fix = (
            f"stop that run, or wait until its lock has expired; if it is gone for good, take its lock{take_over}"
        )
        self.args = (str(self),)


class NothingPending(SamdriftError):
    """The host is not about to undo anything."""


def show(run: Invocation) -> Seen:
    """Ask the run's one host how its guard stands."""
    with _host(run) as (session, name):
        standing, kept = session.guards.stands(name)
    return Seen(host=name, standing=standing, kept=kept)


def restore(run: Invocation) -> Record:
    """Have the run's one host undo at once what was not confirmed, whoever changed it.

    Raises:
        AtWork: another run has locked the host.
    """
    with _host(run) as (session, name):
        before = _pending(session, name)
        _lock(run, session, name)
        after = session.guards.restore_by_hand(name)
    if after.where is not Where.RESTORING:
        return _record(run, "rolled back", after.text or before.text)
    return _record(run, "failed", after.text, _still_restoring(run, after))


def clear(run: Invocation) -> Record:
    """Take the guard of the run's one host away, whoever armed it, and leave the host as it is.

    Raises:
        AtWork: another run has locked the host.
    """
    with _host(run) as (session, name):
        before = _pending(session, name)
        _lock(run, session, name)
        session.guards.clear(name)
    armed = HostPlan(host=name, municipality=run.hosts[0].tenant, armed=before.text)
    return _record(run, "differs", before.text, armed_finding(armed))


@contextmanager
def _host(run: Invocation) -> Iterator[tuple[Session, str]]:
    """Connect to the run's one host. None of its roles is asked for: whatever is wrong with them does not matter here.

    Raises:
        NotSeen: it cannot be reached.
    """
    (host,) = run.hosts
    bare = host.model_copy(update={"context": {}, "local_context": {}})
    others = (h for h in run.fleet.hosts if h.name != host.name)
    intent = Intent(run.fleet.model_copy(update={"hosts": (*others, bare)}))
    about = [intent.fleet.host(host.name)]
    with Session(intent, about, run.access, run.observer, writer=run.writer) as session:
        if why := session.unreachable.get(host.name):
            raise NotSeen(why, where=f"host {host.name}", fix="it may be putting itself back: try again")
        try:
            yield session, host.name
        except HostLost as e:
            raise NotSeen(e.what, where=e.where, fix="it may be putting itself back: try again") from e


def _lock(run: Invocation, session: Session, name: str) -> None:
    """Take the host's lock, so that nobody else writes to it meanwhile, and record that it is about to be changed.

    What others begin later is refused. A host that cannot be locked (its disk is full, a command of a lost run still
    runs there) is put back all the same.
    """
    refused = session.lock([name]).get(name)
    if refused and not refused.busy and not refused.error:
        raise AtWork(refused.holder)
    run.begin_without_plan()


def _pending(session: Session, name: str) -> Standing:
    standing, _ = session.guards.stands(name)
    if standing.where not in {Where.ARMED, Where.RESTORING}:
        raise NothingPending("it is not about to undo anything", where=f"host {name}", fix="see: samdrift guard show")
    return standing


def _still_restoring(run: Invocation, after: Standing) -> Finding:
    (host,) = run.hosts
    return Finding(
        kind=Kind.FAILED_STEP,
        host=host.name,
        municipality=host.tenant,
        message=MessageId.STILL_RESTORING(),
        evidence=(Note(message=as_written(after.text)),),
        advice=MessageId.SEE_GUARD(show=samdrift("guard", "show", host.name)),
        severity=severity(Kind.FAILED_STEP, MessageId.STILL_RESTORING),
    )


def _record(run: Invocation, outcome: str, detail: str, *findings: Finding) -> Record:
    (host,) = run.hosts
    result = HostResult.model_validate(
        {"host": host.name, "municipality": host.tenant, "outcome": outcome, "detail": detail}
    )
    return run.save(hosts=[result], findings=findings, code=run.code(findings))
