"""Records: what a run did and saw, and which roles were in force, as it is stored for history, drift and reports; and
what a list of runs says of each.

Values only; see `store`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from deploy.model.approval import Approval, Approved, Lacking
from deploy.model.code import Commit
from deploy.model.findings import Finding
from deploy.model.step_id import StepId
from deploy.model.twins import Rehearsed
from deploy.model.waived import Waived
from inventory.frozen import Frozen
from inventory.left_out import Count
from roles.shared.device.heard import Heard


class CheckResult(Frozen):
    """The outcome of one state check on one host. `not applicable` always has its reason in `detail`.

    `strangers` are those whom a device hears at its ports and no cable of NetBox leads to: nothing fails for them.
    `restarts` names what runs code that an update has replaced, the host itself as `reboot`: nothing fails for it.
    `waived` is the waiver about its failure.
    """

    host: str
    municipality: str
    role: str
    name: str
    outcome: Literal["passed", "failed", "not applicable"]
    detail: str = ""
    strangers: tuple[Heard, ...] = ()
    restarts: tuple[str, ...] = ()
    seconds: float = 0.0
    waived: Waived | None = None

    @property
    def fails(self) -> bool:
        """Tell whether it failed, and nobody has accepted that."""
        return self.outcome == "failed" and not (self.waived and self.waived.accepted)


class AppliedStep(Frozen):
    """A step as last applied: its intent, and for a file its digest as it was left.

    `declared` is the configuration of a device, secrets by name: what samdrift may remove from it later.
    """

    intent: str
    after: str = ""
    declared: str = ""


class HostResult(Frozen):
    """One host in one run. `steps` is every step as last applied (only of a host that converged).

    `roles` are the host's roles when the run was made, in the order in which they are applied; empty in records that
    are older than this field. `looked_as` is the account by which a run that changes nothing looked at the host.
    """

    host: str
    municipality: str
    roles: tuple[str, ...] = ()
    outcome: Literal["in sync", "changed", "differs", "failed", "rolled back", "stale", "unknown", "skipped"]
    changed: tuple[StepId, ...] = ()
    detail: str = ""
    steps: dict[StepId, AppliedStep] = Field(default_factory=dict)
    execs: int = 0
    seconds: float = 0.0
    looked_as: str = ""


class BegunStep(Frozen):
    """A step that a run began to carry out; the steps of its host that were begun before are done."""

    at: str
    host: str
    step: StepId


class Title(Frozen):
    """The title of a control, in both languages."""

    swedish: str
    english: str


class InSwedish(Frozen):
    """What a role and its checks are called in Swedish; empty where nobody has said it."""

    summary: str = ""
    checks: dict[str, str] = Field(default_factory=dict, description="by the name of the check")

    def check(self, name: str) -> str:
        """Return what a check is called, with the parameters that it was repeated for; empty if nobody has said it."""
        check, repeated, parameters = name.partition(" [")
        called = self.checks.get(check, "")
        return called and f"{called}{repeated}{parameters}"


class RoleManifest(Frozen):
    """A role as it was in force when a run was made.

    `controls` is what auditors ask for that the role answers; `checks` are its state checks by name, each once, without
    the parameters that it may be repeated for; `proves` is by check the topics that it proves. Records before
    2026-11-30 did not keep what it is called in Swedish.
    """

    name: str
    summary: str = ""
    swedish: InSwedish = InSwedish()
    controls: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    proves: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class Standard(Frozen):
    """What controls are of, whether it is law or guidance to a municipality, and what to know of it."""

    title: Title
    binds: Literal["law", "guidance"]
    note: Title


class Manifest(Frozen):
    """All roles that were in force when a run was made, in the order in which they are applied; titles of controls, the
    standards that they are of, and which of them each topic answers.
    """

    roles: tuple[RoleManifest, ...] = ()
    titles: dict[str, Title] = Field(default_factory=dict)
    topics: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    standards: dict[str, Standard] = Field(default_factory=dict)
    duties: dict[str, Title] = Field(default_factory=dict, description="titles of duties, by `<role>.<duty>`")

    def role(self, name: str) -> RoleManifest:
        """Return what a role promised; of a role that was not in force, only the name."""
        return next((role for role in self.roles if role.name == name), RoleManifest(name=name))

    def answered_by(self, role: str, check: str) -> frozenset[str]:
        """Return the controls that a check of a role answers; where nothing says what it proves, those of the role."""
        promised = self.role(role)
        topics = promised.proves.get(check.partition(" [")[0])
        if topics is None:
            return frozenset(promised.controls)
        return frozenset(control for topic in topics for control in self.topics.get(topic, ()))

    def answered_by_steps(self, role: str) -> frozenset[str]:
        """Return the controls that a role answers as a whole, so that a step that differs fails them: those that it
        names, and whatever else the same topics of its checks answer in other standards.
        """
        promised = self.role(role)
        topics = {topic for proved in promised.proves.values() for topic in proved}
        alike = (self.topics.get(topic, ()) for topic in topics)
        return frozenset(promised.controls) | {c for some in alike if {*some} & {*promised.controls} for c in some}

    def answered(self, role: str) -> tuple[str, ...]:
        """Return every control that a role answers: those that it names, and those that its checks do."""
        promised = self.role(role)
        by_checks = (c for check in promised.proves for c in sorted(self.answered_by(role, check)))
        return tuple(dict.fromkeys((*promised.controls, *by_checks)))

    def in_order(self, names: Iterable[str]) -> tuple[str, ...]:
        """Put names of roles in the order in which roles are applied; those of roles not in force stand last."""
        order = {role.name: number for number, role in enumerate(self.roles)}
        return tuple(sorted(names, key=lambda name: order.get(name, len(order))))


class Removed(Frozen):
    """What `history prune` removed of one kind and one municipality: records of a command, or backups."""

    kind: str = Field(description="`drift records`, `backups`")
    municipality: str = Field(description="empty for records that are about no host")
    count: int
    first: str = Field(description="when the oldest was made, ISO 8601, UTC")
    last: str


class Process(Frozen):
    """The process of a run that has not ended, as its own machine knows it: `since` is the kernel's, in ticks."""

    machine: str
    boot: str
    pid: int
    since: int


class Record(Frozen):
    """One run of one command. Times are ISO 8601 UTC.

    A run that changes hosts is recorded before its first change. Until it has ended, `ended` is False, `finished` is
    when it began, `process` is at it, and what it has begun the store tells (`History.progress`).

    `who` is who logged in, as the kernel says, and where; `account` is the account that it ran as, and `claimed` whom
    the caller's environment names, where these are others. `reason` is why it was run, in the caller's words.

    `fleet_time` is when NetBox said what the fleet is; empty where that is not known. `left_out` is what its source has
    beside the fleet. `only_roles` are the roles that the run was limited to; empty if it was about all: how a host
    stands as a whole, a limited run does not say. `manifest` is what was in force; None in records that are older than
    manifests.
    """

    id: str
    command: str
    argv: tuple[str, ...] = ()
    who: str
    account: str = ""
    claimed: str = ""
    reason: str = ""
    started: str
    finished: str
    ended: bool = True
    process: Process | None = None
    limit: str = ""
    only_roles: tuple[str, ...] = ()
    fleet_digest: str
    fleet_source: str
    fleet_time: str = ""
    left_out: tuple[Count, ...] = ()
    code_digest: str
    commit: Commit | None = Field(default=None, description="git's, of the code that ran")
    plan_digest: str = ""
    approvals: tuple[Approved, ...] = Field(default=(), description="of the plan, those that counted")
    lacking: tuple[Lacking, ...] = Field(default=(), description="approvals that an emergency did without")
    rehearsed: Rehearsed | None = Field(default=None, description="how its plan went on twins, before; None: on none")
    emergency: bool = Field(default=False, description="it waited for no approval, canary or rehearsal")
    signs_off: str = Field(default="", description="of a `sign-off`: the record of the emergency that it is about")
    sign_off: Approval | None = Field(default=None, description="what was signed of that record")
    closes: bool = Field(default=False, description="of a `sign-off`: nothing of the emergency is left to sign off")
    hosts: tuple[HostResult, ...] = ()
    findings: tuple[Finding, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    exit_code: int
    manifest: Manifest | None = None
    removed: tuple[Removed, ...] = Field(default=(), description="of a `prune`: what it took out of the store")

    @property
    def hosts_checked(self) -> frozenset[str]:
        """Return the hosts on which state checks ran."""
        return frozenset(c.host for c in self.checks)


class Summary(Frozen):
    """What a list of runs says of one: the store answers it without reading the record."""

    id: str
    command: str
    who: str
    reason: str = ""
    started: str
    ended: bool = Field(default=True, description="False: it is at work, or ended without a word")
    limit: str = ""
    of_some_roles: bool = Field(default=False, description="limited to some roles: says of no host how it stands")
    fleet_source: str = ""
    emergency: bool = False
    signs_off: str = ""
    closes: bool = False
    hosts: int = 0
    changed: int = 0
    findings: int = 0
    exit_code: int


def summary_of(record: Record) -> Summary:
    """Return what a list of runs says of this one."""
    return Summary(
        id=record.id,
        command=record.command,
        who=record.who,
        reason=record.reason,
        started=record.started,
        ended=record.ended,
        limit=record.limit,
        of_some_roles=bool(record.only_roles),
        fleet_source=record.fleet_source,
        emergency=record.emergency,
        signs_off=record.signs_off,
        closes=record.closes,
        hosts=len(record.hosts),
        changed=sum(host.outcome == "changed" for host in record.hosts),
        findings=len(record.findings),
        exit_code=record.exit_code,
    )
