"""The six stores: what runs leave behind for later ones, as protocols that say nothing of files or databases.

Whoever keeps them (`sql`, `sql_history`) passes `tests/unit/deploy/store/conformance.py`. Not here: what the values
mean (`model.record`, `model.findings`), and when a run writes which (`runs`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from deploy.model.backup import Backup
from deploy.model.chain import Head, Kept, Link
from deploy.model.findings import Exit, Finding
from deploy.model.outline import Outline
from deploy.model.record import AppliedStep, BegunStep, Process, Record, Summary
from deploy.model.step_id import StepId
from inventory.errors import SamdriftError
from inventory.frozen import Frozen


class StoreError(SamdriftError):
    """A store cannot be read or written, or what it holds is damaged: `where` names which part of it."""


class Damaged(StoreError):
    """What a store holds of one thing is damaged; whatever it holds of others is not."""


class Holder(Frozen):
    """The holder of a lock: who, since when (ISO 8601, UTC), and for which command line.

    `run` names the run among all others, and `process` the process that it is: whoever runs on the same machine can
    tell whether it is gone.
    """

    who: str
    since: str
    command: str
    run: str = ""
    process: Process | None = None

    @property
    def words(self) -> str:
        """Say who it is, on one line, whatever a host or a file says of it."""
        return " ".join(f"{self.who} since {self.since}, `{self.command}`".split())


class Locked(SamdriftError):
    """Another run holds the lock (exit code 4).

    Attributes:
        holder: that run; None if it has only just taken the lock, or is about to release it.
    """

    exit_code = int(Exit.LOCKED)

    def __init__(self, holder: Holder | None) -> None:
        self.holder = holder
        by = f": {holder.words}" if holder else ""
        super().__init__(f"another run holds the lock{by}", fix="wait until it has ended")


class Witness(Protocol):
    """An independent witness of a history, which is told the head of its chain after each change."""

    def tell(self, head: Head) -> None:
        """Tell it a head; it raises nothing."""


class History(Protocol):
    """The records of all runs. A record that has ended is never changed; its id sorts by the run's start.

    Everything that is recorded here is a link of one chain (`model.chain`), and a witness is told of it.
    """

    def save(self, record: Record) -> None:
        """Keep a record: of a run that has ended, or of one that is about to change hosts.

        Raises:
            StoreError: there is a record of this id, or it cannot be written.
        """

    def proceed(self, record_id: str, steps: Sequence[BegunStep]) -> None:
        """Note that a run that has not ended is about to carry out these steps.

        Raises:
            StoreError: it cannot be written.
        """

    def progress(self, record_id: str) -> tuple[BegunStep, ...]:
        """Return the steps that a run began, in that order, also once it has ended.

        Raises:
            StoreError: it cannot be read.
        """

    def end(self, record: Record) -> None:
        """Replace the record of a run that had not ended by this one, which has.

        Raises:
            StoreError: there is none of this id that has not ended, or it cannot be written.
        """

    def not_ended(self) -> tuple[Summary, ...]:
        """Return the runs that are at work or ended without a word, newest first.

        Raises:
            StoreError: it cannot be read.
        """

    def emergencies(self) -> tuple[Summary, ...]:
        """Return the emergencies that nobody has signed off for all whom they concern, newest first.

        Raises:
            StoreError: it cannot be read.
        """

    def sign_offs(self, record_id: str) -> tuple[Summary, ...]:
        """Return the sign-offs of an emergency, newest first.

        Raises:
            StoreError: it cannot be read.
        """

    def chain(self) -> str:
        """Return the name of the chain; empty before its first link."""

    def links(self) -> Iterator[Link]:
        """Yield the links of the chain, in order."""

    def kept(self) -> Iterator[Kept]:
        """Yield every record as it is kept, whether or not it can be read."""

    def runs(self, commands: Collection[str] = ()) -> Iterator[Summary]:
        """Yield what a list says of each run, newest first; of these commands, if any are named.

        No record is read, and no more of the list than is asked for.

        Raises:
            StoreError: it cannot be read.
        """

    def fault(self, record_id: str) -> str:
        """Return what is wrong with a record, without reading what it says; empty if it is as it was saved.

        Raises:
            StoreError: there is none.
        """

    def record(self, record_id: str) -> Record:
        """Return the record of this id.

        Raises:
            StoreError: there is none, or it is damaged.
        """

    def outline(self, record_id: str) -> Outline:
        """Return the outline of the record of this id, without reading the rest of it.

        Raises:
            StoreError: there is none, or it is damaged.
        """

    def latest(self, command: str) -> Record | None:
        """Return the newest record of a command; None before its first run.

        Raises:
            StoreError: it is damaged.
        """

    def about(self, hosts: Collection[str]) -> tuple[Summary, ...]:
        """Return the runs that tell most of these hosts, newest first: in which each was last looked at, and last given
        its steps.

        Raises:
            StoreError: it cannot be read.
        """


class Applied(Protocol):
    """The steps that each host was last given by a run in which it converged."""

    def last_applied(self, host: str) -> Mapping[StepId, AppliedStep]:
        """Return a host's steps by id, as last applied; empty if none ever were.

        Raises:
            Damaged: what is kept of this host is.
            StoreError: nothing can be read.
        """

    def remember(self, record: Record) -> None:
        """Keep the steps of every host that has any in this record, then note the record's id.

        A host's steps replace all that it had. Doing this again changes nothing.

        Raises:
            StoreError: they cannot be written; those of some hosts may have been, and the id is not noted.
        """

    def forget(self, host: str) -> None:
        """Keep nothing of a host, which was made anew and has nothing of what it was given.

        Raises:
            StoreError: it cannot be written.
        """

    def remembered(self) -> str:
        """Return the highest id of a record that was remembered whole; empty before the first.

        Raises:
            StoreError: it is damaged.
        """


class Known(Protocol):
    """Since when each finding is known."""

    def date(self, findings: Iterable[Finding], *, at: str, looked_at: Iterable[str] = ()) -> tuple[Finding, ...]:
        """Return the findings, each with its `first_seen`; new ones are known from `at`.

        Args:
            looked_at: hosts of which these are all findings; their other dates are forgotten, unless the host is
                unknown this time.

        Raises:
            StoreError: the dates are damaged, or cannot be written.
        """


class Journal(Protocol):
    """Which plan each host was last begun to be changed by, so that it can be resumed."""

    def begun(self, plan_digest: str) -> tuple[str, ...]:
        """Return the hosts that runs of this plan began to change, and of no other since, in that order.

        Raises:
            StoreError: the journal is damaged.
        """

    def begin(self, plan_digest: str, host: str) -> None:
        """Note that this plan is about to change a host. What was noted of it for another plan is dropped.

        Raises:
            StoreError: it cannot be written, so the host must not be changed.
        """


class Backups(Protocol):
    """The configurations that hosts had, each from the look at which it was first seen. Nothing here can read one."""

    def keep(self, backup: Backup) -> bool:
        """Keep a backup, unless the newest of its host and kind has the same digest. Returns whether it was kept.

        Raises:
            StoreError: it cannot be written.
        """

    def newest(self, host: str, what: str) -> str:
        """Return the digest of the newest backup of a host and kind; empty if there is none. No backup is read."""

    def of(self, host: str) -> tuple[Backup, ...]:
        """Return a host's backups, newest first; empty if there is none. A damaged one shows when it is opened."""


class Locks(Protocol):
    """The locks of what has none of its own that a run could hold: devices. A host with a shell has its own."""

    def hold(self, holder: Holder, names: Collection[str]) -> AbstractContextManager[Mapping[str, Holder | None]]:
        """Hold the locks of these names that no other run holds, for as long as the context is open.

        They end with the process, too, however that ends.

        Returns:
            Who holds the others; None where another run has only just taken the lock, or is about to release it.

        Raises:
            StoreError: they cannot be taken.
        """


@dataclass(frozen=True)
class Stores:
    """The six stores of one place, and the order in which a run's record and what it applied are written."""

    history: History
    applied: Applied
    known: Known
    journal: Journal
    locks: Locks
    backups: Backups
    shared: bool = False
    """Whether it is a server's, which may come back by itself."""

    def keep(self, record: Record, *, begun: bool = False) -> None:
        """Save a record of a run that has ended, or end it, and then remember what its hosts were given.

        Args:
            begun: the record is there, as that of a run that has not ended.

        In this order: what was applied can be read in the record if the run ends between the two (`settle`); a host
        that remembers what no record tells of would contradict the history for good.

        Raises:
            StoreError: the record is not kept, or (the record being kept) what was applied is not all remembered.
        """
        (self.history.end if begun else self.history.save)(record)
        if any(host.steps for host in record.hosts) and self.applied.remembered() != record.id:
            self.applied.remember(record)

    def settle(self) -> None:
        """Remember what the latest apply's record says, if its run ended before it could.

        One record is enough to look at: only an apply gives hosts anything, and every apply settles first.
        """
        latest = next((run for run in self.history.runs(("apply",)) if run.ended), None)
        if latest is not None and latest.id > self.applied.remembered():
            self.applied.remember(self.history.record(latest.id))


def readable(history: History, runs: Iterable[Summary], faults: list[StoreError]) -> Iterator[Record]:
    """Yield the records of these runs; what is wrong with one that cannot be read is added to `faults`."""
    for run in runs:
        try:
            yield history.record(run.id)
        except StoreError as e:
            faults.append(e)
