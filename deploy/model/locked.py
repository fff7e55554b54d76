"""What is found of hosts that another run is changing. Pure; what a lock is: `engine.lock_script`, `store.locks`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from deploy.model.evidence import Note
from deploy.model.findings import Finding, Kind, severity
from deploy.model.messages import MessageId, samdrift
from deploy.model.plan import HostPlan
from deploy.model.words import in_words


def locked_finding(host: str, municipality: str, holder: str, *, run: str, seconds: int, busy: bool) -> Finding:
    """Report that a host was left alone, since another run has it.

    Args:
        holder: who that is.
        run: the run's id, by which its lock can be taken over; empty where it cannot.
        seconds: until the lock expires unless it is renewed.
        busy: the run has ended or lost the lock, and one of its commands still runs there.
    """
    message = MessageId.COMMAND_STILL_RUNS(holder=holder) if busy else MessageId.BEING_CHANGED(holder=holder)
    take_over = samdrift("apply", "--limit", host, "--take-over", run)
    lasts = Note(message=MessageId.LOCK_LASTS(seconds=seconds))
    return Finding(
        kind=Kind.LOCKED,
        host=host,
        municipality=municipality,
        message=message,
        evidence=(lasts,) if seconds else (),
        advice=MessageId.WAIT_OR_TAKE_OVER(apply=take_over) if run and not busy else MessageId.WAIT_FOR_THE_RUN(),
        severity=severity(Kind.LOCKED, message.id),
    )


def changing_notices(hosts: Iterable[HostPlan]) -> Iterator[Finding]:
    """Yield of each host that another run was changing while it was looked at that this is so."""
    for host in (h for h in hosts if h.locked):
        message = MessageId.CHANGED_MEANWHILE(holder=host.locked)
        yield Finding(
            kind=Kind.NOTICE,
            host=host.host,
            municipality=host.municipality,
            message=message,
            severity=severity(Kind.NOTICE, message.id),
        )


def unknown_while_changed(host: HostPlan) -> HostPlan:
    """Return what may be said of a host's state: nothing, while another run is changing it."""
    if not host.locked or host.error:
        return host
    why = in_words(MessageId.CHANGED_MEANWHILE(holder=host.locked))
    return HostPlan(host=host.host, municipality=host.municipality, locked=host.locked, armed=host.armed, error=why)
