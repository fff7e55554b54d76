"""The six stores in memory, for tests of whoever uses them. They pass the conformance suite, as the databases do."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from pydantic import ValidationError

from deploy.model.backup import Backup
from deploy.model.chain import Entry, Event, Kept, Link, hash_of
from deploy.model.findings import Finding, Kind
from deploy.model.outline import Outline
from deploy.model.record import AppliedStep, BegunStep, Record, Summary, summary_of
from deploy.model.step_id import StepId
from deploy.store.ports import Damaged, Holder, StoreError, Stores


def in_memory() -> Stores:
    """Open stores that end with the test."""
    return Stores(MemoryHistory(), MemoryApplied(), MemoryKnown(), MemoryJournal(), MemoryLocks(), MemoryBackups())


NAME = "0123456789abcdef"
"""The chain's."""


class MemoryHistory:
    """Records as text, by id: what cannot be written down cannot be kept."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.summaries: dict[str, Summary] = {}
        self.of_chain: list[Link] = []

    def save(self, record: Record) -> None:
        if record.id in self.texts:
            raise StoreError("there is a record of this id already", where=f"record {record.id}")
        self._put(record, Event.KEPT if record.ended else Event.BEGUN)

    def proceed(self, record_id: str, steps: Sequence[BegunStep]) -> None:
        for s in steps:
            self._link(Entry(event=Event.STEP, record=record_id, at=s.at, host=s.host, step=s.step))

    def progress(self, record_id: str) -> tuple[BegunStep, ...]:
        entries = (x.entry for x in self.of_chain if x.entry.record == record_id and x.entry.event == Event.STEP)
        return tuple(BegunStep(at=e.at, host=e.host, step=StepId.read(e.step)) for e in entries)

    def end(self, record: Record) -> None:
        if record.id not in self.texts or self.summaries[record.id].ended:
            raise StoreError("there is no such run that has not ended", where=f"record {record.id}")
        self._put(record, Event.ENDED)

    def not_ended(self) -> tuple[Summary, ...]:
        return tuple(run for run in self.runs() if not run.ended)

    def emergencies(self) -> tuple[Summary, ...]:
        closed = {run.signs_off for run in self.runs() if run.closes}
        return tuple(run for run in self.runs() if run.emergency and run.id not in closed)

    def sign_offs(self, record_id: str) -> tuple[Summary, ...]:
        return tuple(run for run in self.runs() if run.signs_off == record_id)

    def chain(self) -> str:
        return NAME if self.of_chain else ""

    def links(self) -> Iterator[Link]:
        yield from self.of_chain

    def kept(self) -> Iterator[Kept]:
        for record_id, text in self.texts.items():
            yield Kept(record=record_id, digest=hashlib.sha256(text.encode()).hexdigest())

    def _put(self, record: Record, event: Event) -> None:
        text = record.model_dump_json()
        self.texts[record.id], self.summaries[record.id] = text, summary_of(record)
        digest = hashlib.sha256(text.encode()).hexdigest()
        self._link(Entry(event=event, record=record.id, at=record.finished, digest=digest))

    def _link(self, entry: Entry) -> None:
        made = hash_of(self.of_chain[-1].hash if self.of_chain else NAME, entry)
        self.of_chain.append(Link(number=len(self.of_chain) + 1, entry=entry, hash=made))

    def runs(self, commands: Collection[str] = ()) -> Iterator[Summary]:
        for record_id in sorted(self.texts, reverse=True):
            command = record_id.partition("-")[2].rpartition("-")[0]
            if not commands or command in commands:
                yield self.summaries[record_id]

    def fault(self, record_id: str) -> str:
        try:
            self.record(record_id)
        except StoreError as e:
            if record_id not in self.texts:
                raise
            return str(e)
        return ""

    def record(self, record_id: str) -> Record:
        try:
            return Record.model_validate_json(self.texts[record_id])
        except KeyError:
            raise StoreError(f"there is no record {record_id!r}") from None
        except ValidationError as e:
            raise StoreError("this record is damaged", where=f"record {record_id}") from e

    def outline(self, record_id: str) -> Outline:
        self.record(record_id)
        return Outline.model_validate_json(self.texts[record_id])

    def latest(self, command: str) -> Record | None:
        return next((self.record(run.id) for run in self.runs((command,))), None)

    def about(self, hosts: Collection[str]) -> tuple[Summary, ...]:
        found = dict[tuple[str, str], str]()
        for record_id in sorted(self.texts):
            for result in self.record(record_id).hosts:
                if result.outcome not in {"unknown", "skipped"}:
                    found[result.host, "looked"] = record_id
                if result.steps:
                    found[result.host, "given"] = record_id
        wanted = {i for (host, _), i in found.items() if host in hosts}
        return tuple(self.summaries[i] for i in sorted(wanted, reverse=True))


class MemoryApplied:
    """Steps by host."""

    def __init__(self) -> None:
        self.steps: dict[str, Mapping[StepId, AppliedStep]] = {}
        self.damaged: set[str] = set()
        self.latest = ""

    def last_applied(self, host: str) -> Mapping[StepId, AppliedStep]:
        if host in self.damaged:
            raise Damaged("it is damaged", where=f"applied to {host}")
        return self.steps.get(host, {})

    def remember(self, record: Record) -> None:
        given = {host.host: host.steps for host in record.hosts if host.steps}
        self.steps |= given
        self.damaged -= given.keys()
        self.latest = max(self.latest, record.id)

    def forget(self, host: str) -> None:
        self.steps.pop(host, None)
        self.damaged.discard(host)

    def remembered(self) -> str:
        return self.latest


class MemoryKnown:
    """Host and date by fingerprint."""

    def __init__(self) -> None:
        self.dates: dict[str, tuple[str, str]] = {}

    def date(self, findings: Iterable[Finding], *, at: str, looked_at: Iterable[str] = ()) -> tuple[Finding, ...]:
        found = tuple(findings)
        settled = set(looked_at) - {f.host for f in found if f.kind is Kind.UNKNOWN}
        now = {f.fingerprint: (f.host, at) for f in found}
        earlier = {key: value for key, value in self.dates.items() if key in now or value[0] not in settled}
        self.dates = now | earlier
        return tuple(f.model_copy(update={"first_seen": self.dates[f.fingerprint][1]}) for f in found)


class MemoryJournal:
    """The plan that began to change each host last."""

    def __init__(self) -> None:
        self.plans: dict[str, str] = {}

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(self.plans)

    def begun(self, plan_digest: str) -> tuple[str, ...]:
        return tuple(host for host, plan in self.plans.items() if plan == plan_digest)

    def begin(self, plan_digest: str, host: str) -> None:
        if self.plans.get(host) != plan_digest:
            self.plans.pop(host, None)  # in the order in which this plan began them
            self.plans[host] = plan_digest


class MemoryBackups:
    """Backups as they came."""

    def __init__(self) -> None:
        self.kept: list[Backup] = []

    def keep(self, backup: Backup) -> bool:
        newest = next((b for b in self.of(backup.host) if b.what == backup.what), None)
        if newest is not None and newest.digest == backup.digest:
            return False
        self.kept.append(backup)
        return True

    def newest(self, host: str, what: str) -> str:
        return next((b.digest for b in self.of(host) if b.what == what), "")

    def of(self, host: str) -> tuple[Backup, ...]:
        in_order = sorted((b for b in self.kept if b.host == host), key=lambda b: b.taken)
        return tuple(reversed(in_order))  # of one moment, the one that was kept last is the newest


class MemoryLocks:
    """Who holds which lock."""

    def __init__(self) -> None:
        self.holders: dict[str, Holder] = {}

    @contextlib.contextmanager
    def hold(self, holder: Holder, names: Collection[str]) -> Iterator[Mapping[str, Holder | None]]:
        refused = {name: self.holders[name] for name in names if name in self.holders}
        mine = [name for name in names if name not in refused]
        self.holders |= dict.fromkeys(mine, holder)
        try:
            yield refused
        finally:
            for name in mine:
                del self.holders[name]
