"""The report's values: how hosts stood when they were last looked at, and what nobody looked at.

They are the report's JSON document. Not here: how they are computed (`report.content`), and in which words and on
what page people read them (`report.words`, `report.page`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field, computed_field

from deploy.model.evidence import Diff
from deploy.model.findings import Finding
from deploy.model.record import CheckResult, InSwedish, Standard, Title
from deploy.model.waived import Waived
from inventory.frozen import Frozen
from inventory.organisation import Employment


class State(StrEnum):
    """The state of a host, the most serious first."""

    UNKNOWN = "unknown"
    FAILED = "failed check"
    DIFFERS = "differs"
    IN_SYNC = "in sync"
    NOT_LOOKED_AT = "not looked at"


class Why(StrEnum):
    """The reason for which a host was not looked at."""

    NO_RUN = "no run is recorded"
    NOT_ACTIVE = "not in operation"
    NO_ROLES = "no samdrift roles"
    OUTSIDE = "outside the run"
    SKIPPED = "skipped in the run"


class Totals(Frozen):
    """Hosts by state, findings, accepted differences beside those, and checks by outcome."""

    hosts: int = 0
    unknown: int = 0
    failed: int = 0
    differs: int = 0
    in_sync: int = 0
    not_looked_at: int = 0
    findings: int = 0
    accepted: int = 0
    passed: int = 0
    failed_checks: int = 0
    not_applicable: int = 0


class RunSummary(Frozen):
    """One recorded run, as far as the report's hosts were in it."""

    id: str
    command: str
    argv: tuple[str, ...]
    who: str
    reason: str = ""
    started: str
    finished: str
    limit: str
    exit_code: int
    hosts: int
    outcomes: dict[str, int]
    findings: int
    passed: int
    failed_checks: int
    not_applicable: int


class OpenEmergency(Frozen):
    """An emergency of which nobody has signed off what it did to the report's hosts.

    `municipalities` are those of the report for which it is open, by name.
    """

    record: str
    who: str
    started: str
    reason: str
    hosts: tuple[str, ...]
    municipalities: tuple[str, ...]


class Inventory(Frozen):
    """Which inventory the report was made from, and whether the run saw the same one."""

    source: str
    digest: str
    run_digest: str = ""
    moved_since_run: bool = False


class Checked(Frozen):
    """The latest check of the inventory, and what is unsound of it, as far as it concerns the report's municipalities.

    `moved_since` if it was another inventory than the report was made from.
    """

    at: str
    who: str
    limit: str
    digest: str
    moved_since: bool
    findings: tuple[ReportedFinding, ...] = ()


class Municipality(Frozen):
    """One municipality's hosts in numbers."""

    slug: str
    name: str
    totals: Totals


class ReportedFinding(Finding):
    """A finding as a report tells it: where its words are masked, it is still known by the fingerprint that it has."""

    known_as: str = Field(default="", description="its fingerprint before anything was masked; else empty")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def fingerprint(self) -> str:
        """Return the finding's own identity, as every other report, run and waiver calls it."""
        return self.known_as or super().fingerprint

    @classmethod
    def of(cls, finding: Finding) -> ReportedFinding:
        """Return a finding as a report tells it: of private files, without what should not be there."""
        fields = {name: getattr(finding, name) for name in Finding.model_fields}
        evidence = tuple(e.for_a_report if isinstance(e, Diff) else e for e in finding.evidence)
        return cls.model_construct(**fields | {"evidence": evidence})


class StepState(Frozen):
    """One step of a role, as last applied or looked at; `waived` is the waiver that accepts its difference."""

    name: str
    differs: bool
    waived: Waived | None = None


class RoleState(Frozen):
    """One role of one host: its steps, checks, and whether anything of it is amiss (None: not looked at)."""

    name: str
    summary: str
    controls: tuple[str, ...] = ()
    steps: tuple[StepState, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    in_effect: bool | None = None


class Change(Frozen):
    """The latest change of a host by samdrift: who made it, when, why, by which plan, and who approved that."""

    record: str
    at: str
    command: str
    who: str
    reason: str = ""
    plan_digest: str = ""
    approved_by: tuple[str, ...] = ()
    emergency: bool = False
    steps: int = 0


class HostChange(Frozen):
    """One change of one host."""

    host: str
    municipality: str
    change: Change


class Trouble(Frozen):
    """Something that was not as it should be: when it was found and, empty while it is there, first seen to be gone."""

    finding: ReportedFinding
    found: str
    gone: str = ""
    seconds: float | None = Field(default=None, description="from `found` to `gone`")


class Period(Frozen):
    """What happened to the report's hosts between two moments; `unseen` are those that no run looked at in it."""

    since: str
    until: str
    runs: int
    changes: tuple[HostChange, ...]
    troubles: tuple[Trouble, ...]
    unseen: tuple[str, ...]


class HostState(Frozen):
    """One host, as it stood by the newest look at it, and by the newest checks that still hold.

    `last_looked_at` is the latest time that a recorded run could look at it; `look` and `checks_of` name the runs, and
    `checked_at` is when the checks ran, empty if none did. `changed_since` if it was changed after that look. Accepted
    differences are none of its `findings` and change no `state`; the roles that they are in are not in effect.
    """

    name: str
    municipality: str
    site: str
    platform: str
    device_role: str
    address: str
    description: str
    state: State
    why: Why | None = None
    reason: str = ""
    last_looked_at: str = ""
    look: str = ""
    checks_of: str = ""
    checked_at: str = ""
    changed: Change | None = None
    changed_since: bool = False
    findings: int = 0
    roles: tuple[RoleState, ...] = ()


class Result(StrEnum):
    """How a control came out on a host, the most serious first."""

    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_CHECKED = "not checked"
    WAIVED = "waived"
    NOT_APPLICABLE = "not applicable"
    PASSED = "passed"


class ControlResult(Frozen):
    """How a control came out on one host: of how many checks, and why not, or until when and by whom it is waived."""

    host: str
    result: Result
    passed: int = 0
    failed: int = 0
    not_applicable: int = 0
    why: str = ""
    until: str = ""
    by: str = ""


class Control(Frozen):
    """A control, on how many (host, role) pairs that answer it the role is in effect, and its result on each host."""

    id: str
    title: Title | None
    roles: tuple[str, ...]
    in_effect: int
    not_in_effect: int
    not_looked_at: int
    passed: int
    failed: int
    not_applicable: int
    results: tuple[ControlResult, ...] = ()


class SharedService(Frozen):
    """A server that all municipalities use and another one owns: what it is for and how it stood, and nothing else."""

    description: str
    roles: tuple[str, ...]
    state: State
    last_looked_at: str
    passed: int
    failed: int
    not_applicable: int


class Right(Frozen):
    """What a person may do for a municipality: by a function, or because a host's config context says so.

    Attributes:
        person: the name of the account.
        home: a municipality, or `joint`; empty where a config context alone names the person.
        function: its title; empty as above.
        duties: what it lets do on hosts: `administer`, or `<role>.<duty>`.
        runs: what it lets have samdrift do.
        hosts: those of the report that the person may log in to by it.
        since: the first day, `until` the last one; empty where that is not known.
    """

    municipality: str
    person: str
    full_name: str
    home: str
    function: str
    duties: tuple[str, ...]
    runs: tuple[str, ...]
    hosts: tuple[str, ...]
    since: str
    until: str
    employment: Employment


class Place(Frozen):
    """A site on the picture."""

    slug: str
    name: str
    municipality: str
    latitude: float | None
    longitude: float | None


class Link(Frozen):
    """Two sites that share a prefix whose gateway stands at the first."""

    a: str
    b: str
    prefix: str


class Report(Frozen):
    """The whole situation: the JSON document.

    `at` is the moment that it is about. `run` is the newest look at any of its hosts, and `looks` are all that tell how
    one of them stood, `old` those of them that are a day older than `at`. `manifest_of` is which roles, summaries,
    controls and titles it shows: those that were in force in the `run`; or, if there is no run or one that is older
    than manifests, those of when the `report` was made. `services` are those that its municipalities use and do not
    own. `masked` is how many times another municipality was masked, as `masking.MASK`.
    """

    format: Literal[2] = 2
    organisation: str
    scope: str
    at: str
    run: RunSummary | None
    looks: tuple[RunSummary, ...] = ()
    checked: Checked | None = None
    old: int
    emergencies: tuple[OpenEmergency, ...] = ()
    inventory: Inventory
    manifest_of: Literal["run", "report"]
    code_digest: str
    plan_digest: str
    totals: Totals
    municipalities: tuple[Municipality, ...]
    findings: tuple[ReportedFinding, ...]
    accepted: tuple[ReportedFinding, ...] = ()
    controls: tuple[Control, ...]
    rights: tuple[Right, ...] = ()
    standards: dict[str, Standard] = Field(default_factory=dict, description="by what names of controls begin with")
    duties: dict[str, Title] = Field(default_factory=dict, description="titles of duties, by `<role>.<duty>`")
    swedish: dict[str, InSwedish] = Field(default_factory=dict, description="what roles are called in it, by role")
    hosts: tuple[HostState, ...]
    strangers: tuple[str, ...]
    services: tuple[SharedService, ...] = ()
    period: Period | None = None
    masked: int = 0
    open: bool = Field(default=False, description="it is the version for anybody: what may serve an attacker is masked")
    places: tuple[Place, ...]
    links: tuple[Link, ...]
    history: tuple[RunSummary, ...]
