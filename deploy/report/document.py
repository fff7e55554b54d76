"""The report's values: how hosts stood when they were last looked at, and what nobody looked at.

They are the report's JSON document. Not here: how they are computed (`report.content`), and in which words and on
what page people read them (`report.words`, `report.page`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from deploy.model.findings import Finding
from deploy.model.record import CheckResult, Title
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
    findings: tuple[Finding, ...] = ()


class Municipality(Frozen):
    """One municipality's hosts in numbers."""

    slug: str
    name: str
    totals: Totals


class StepState(Frozen):
    """One step of a role, as last applied or looked at."""

    name: str
    differs: bool


class RoleState(Frozen):
    """One role of one host: its steps, checks, and whether anything of it is amiss (None: not looked at)."""

    name: str
    summary: str
    controls: tuple[str, ...] = ()
    steps: tuple[StepState, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    in_effect: bool | None = None


class HostState(Frozen):
    """One host, as the run saw it. `last_looked_at` is the latest time that any recorded run could look at it.

    Accepted differences are none of its `findings` and change no `state`; the roles that they are in are not in effect.
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
    findings: int = 0
    roles: tuple[RoleState, ...] = ()


class Control(Frozen):
    """A control, and on how many (host, role) pairs that answer it the role is in effect."""

    id: str
    title: Title | None
    roles: tuple[str, ...]
    in_effect: int
    not_in_effect: int
    not_looked_at: int
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

    `manifest_of` is which roles, summaries, controls and titles it shows: those that were in force in the `run`; or, if
    there is no run or one that is older than manifests, those of when the `report` was made.
    """

    format: Literal[1] = 1
    organisation: str
    scope: str
    made_at: str
    run: RunSummary | None
    checked: Checked | None = None
    old: bool
    emergencies: tuple[OpenEmergency, ...] = ()
    inventory: Inventory
    manifest_of: Literal["run", "report"]
    code_digest: str
    plan_digest: str
    totals: Totals
    municipalities: tuple[Municipality, ...]
    findings: tuple[Finding, ...]
    accepted: tuple[Finding, ...] = ()
    controls: tuple[Control, ...]
    rights: tuple[Right, ...] = ()
    duties: dict[str, Title] = Field(default_factory=dict, description="titles of duties, by `<role>.<duty>`")
    hosts: tuple[HostState, ...]
    strangers: tuple[str, ...]
    places: tuple[Place, ...]
    links: tuple[Link, ...]
    history: tuple[RunSummary, ...]
