"""The Plan: per host, the steps that would change it, with the exact commands and file diffs. A value.

Not here: the file that a plan is written to (`plan_file`), how a plan is made (`engine.looking`) and carried out
(`engine.apply`).
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from itertools import takewhile
from typing import Annotated, Literal

from pydantic import Field

from deploy.model.approval import canonical
from deploy.model.code import Commit
from deploy.model.step_id import StepId
from deploy.model.waived import Waived
from inventory.frozen import Frozen
from roles.shared.certificates import Order
from roles.shared.change import Change, Removal
from roles.shared.device.letting_in import LostPart
from roles.shared.guard import Guard

FORMAT: Literal[10] = 10
"""Of plan files; a new one whenever an older samdrift would misread a plan, or this one an older plan."""


class Run(Frozen):
    """Run a shell command."""

    kind: Literal["run"] = "run"
    text: str

    def __str__(self) -> str:
        return self.text


class Upload(Frozen):
    """Write a text to a path."""

    kind: Literal["upload"] = "upload"
    path: str
    content: str

    def __str__(self) -> str:
        return f"upload {len(self.content.encode())} bytes to {self.path}"


class Configure(Frozen):
    """Configure a device in one session, in its platform's syntax.

    An entry is what the device takes as one: a line, or a text of several (a banner, a certificate). `rollback` are the
    entries that would take the change back.
    """

    kind: Literal["configure"] = "configure"
    platform: str
    entries: tuple[str, ...]
    rollback: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join(self.entries)


class Sign(Frozen):
    """Have the host make a request, sign it where samdrift runs, and write the certificate to a path.

    `request` is the command that prints the request; what is signed is what was ordered, whatever the request says.
    """

    kind: Literal["sign"] = "sign"
    path: str
    request: str
    order: Order

    def __str__(self) -> str:
        return self.order.carried_out(self.request, self.path)


HostCommand = Annotated[Run | Upload | Configure | Sign, Field(discriminator="kind")]
"""One command, as it will be sent to a host, secrets by name; as text, as people are shown it."""


class Step(Frozen):
    """One operation of one role on one host.

    `intent` is the digest of what the role declares, whatever the host looks like; `wanted` the SHA-256 of the
    text that a managed file should hold, empty for other steps; `handler` marks a restart or reload, which is
    never a difference by itself; `guard` is how the host undoes a change that could cut it off, and `unguarded` why it
    has no way to. A step that `shuts_out` samdrift, as it takes away these parts of the way by which it came in, is not
    carried out. `waived` is the waiver about its change; while that holds, what is on the host is left as it is.
    """

    role: str
    name: str
    intent: str
    wanted: str = ""
    commands: tuple[HostCommand, ...] = ()
    change: Change | None = None
    handler: bool = False
    guard: Guard | None = None
    unguarded: str = ""
    shuts_out: tuple[LostPart, ...] = ()
    waived: Waived | None = None

    @property
    def id(self) -> StepId:
        """Return `role: name`, unique on its host."""
        return StepId(self.role, self.name)

    @property
    def removals(self) -> tuple[Removal, ...]:
        """Return the lines of a device that the step takes away, and puts nothing in the place of."""
        return self.change.removals if self.change else ()

    @property
    def changes(self) -> bool:
        """Tell whether the step would do something, and is to."""
        return bool(self.commands) and not self.held

    @property
    def held(self) -> bool:
        """Tell whether the step would do something, and a waiver leaves what is there as it is."""
        return bool(self.commands) and self.waived is not None and self.waived.holds


class Unmanaged(Frozen):
    """A thing that no role declares: a file in a directory that a role owns, a line of a device's configuration, or
    what a search found: a package, a unit, a port …

    `kind` is the search's, and empty of the other two; without a `name`, the search itself was not answered. `state` is
    what tells the thing from another of its name: of a file, its type, mode, owner, size and digest. `remove` are the
    words of a command that would remove it. `waived` is the waiver about it.
    """

    role: str
    path: str = ""
    line: str = ""
    kind: str = ""
    name: str = ""
    state: str = ""
    remove: tuple[str, ...] = ()
    waived: Waived | None = None

    @property
    def what(self) -> str:
        """Return the path, the kind and name, or the line and what stands below it, as one."""
        named = f"{self.kind} {self.name}" if self.name else f"{self.kind}: {self.state}" if self.kind else ""
        return self.path or named or " / ".join(line.strip() for line in self.line.splitlines())

    @property
    def section(self) -> str:
        """Return the line by which all of it is named; empty of a file."""
        first, *more = self.line.splitlines() or [""]
        if first.startswith("set ") and more:  # statements: what they have in common
            return " ".join(first.split(" ")[:3])
        if more and more[0].strip().startswith("edit "):
            return f"{first.strip()} / {more[0].strip()}"
        text = takewhile(lambda line: not line.startswith(" "), more)  # of several lines, as a banner is
        return " / ".join(line.strip() for line in (first, *text))


class HostPlan(Frozen):
    """Every step of one host, changing or not, from one look at it. With `error` set the host is unknown.

    `looked_as` is the account by which it was looked at, and `concealed` are declared lines of which this account
    was not shown whether the device has them: the steps take them to be there. `armed` says whose change the host was
    about to undo when it was looked at; empty where it was none's. `locked` says which
    other run was changing it then. `caveats` are what to know of how the host works:
    what is typed there may not stay.
    """

    host: str
    municipality: str
    steps: tuple[Step, ...] = ()
    unmanaged: tuple[Unmanaged, ...] = ()
    looked_as: str = ""
    concealed: tuple[str, ...] = ()
    execs: int = 0
    seconds: float = 0.0
    error: str = ""
    armed: str = ""
    locked: str = ""
    caveats: tuple[str, ...] = ()

    @property
    def changes(self) -> tuple[Step, ...]:
        """Return the steps that would do something."""
        return tuple(s for s in self.steps if s.changes)

    @property
    def held(self) -> tuple[Step, ...]:
        """Return the steps that would do something, and that a waiver holds back."""
        return tuple(s for s in self.steps if s.held)

    @property
    def in_short(self) -> str:
        """Return in a line why the host is unknown, or what would change and what nobody was shown."""
        hidden = f"not shown to {self.looked_as}: {', '.join(self.concealed)}" if self.concealed else ""
        return self.error or "; ".join(filter(None, (", ".join(s.id for s in self.changes), hidden)))

    @property
    def guards(self) -> tuple[Guard, ...]:
        """Return how the host undoes those of its changes that could cut it off, in the order of the steps."""
        return tuple(s.guard for s in self.changes if s.guard)

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of what the plan says about the host; noise in facts does not reach it."""
        changes = [s.model_dump(mode="json", exclude={"intent", "waived"}) for s in self.changes]
        return hashlib.sha256(json.dumps(changes, sort_keys=True).encode()).hexdigest()


class Plan(Frozen):
    """The steps that would change hosts, with the inventory and the code that they were computed from.

    `fleet_time` is when NetBox said what the fleet is; empty where that is not known. `commit` is git's of the code;
    None where samdrift was installed without it. After `expires` nobody applies it. `only_roles` are the roles whose
    steps it has; empty if it has those of all. `remove` has by device the lines that a person wants removed.
    """

    format: Literal[10] = FORMAT
    fleet_digest: str
    fleet_source: str
    fleet_time: str = ""
    code_digest: str
    commit: Commit | None = None
    made_at: str = Field(description="ISO 8601, UTC")
    made_by: str = Field(description="account@machine, as the one who made it says")
    expires: str = Field(default="", description="ISO 8601, UTC; a plan file that does not say so is not applied")
    limit: str = ""
    only_roles: tuple[str, ...] = ()
    remove: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    hosts: tuple[HostPlan, ...]

    @cached_property
    def digest(self) -> str:
        """Return the SHA-256 of the whole plan, as JSON with sorted keys and nothing between them."""
        return hashlib.sha256(canonical(self.model_dump(mode="json")).encode(errors="surrogatepass")).hexdigest()

    @property
    def changing(self) -> dict[str, str]:
        """Return the municipality of each host that would be changed, by its name."""
        return {h.host: h.municipality for h in self.hosts if h.changes}

    @property
    def idle_removals(self) -> tuple[tuple[str, str], ...]:
        """Return the devices and lines in `remove` by which nothing would go."""
        named = {(h.host, n) for h in self.hosts for s in h.changes for r in s.removals for n in r.named}
        hosts = {h.host for h in self.hosts if not h.error}
        return tuple(
            (host, line)
            for host, lines in self.remove.items()
            for line in lines
            if host in hosts and (host, line) not in named
        )

    def host(self, name: str) -> HostPlan | None:
        """Return the plan of one host; None if the plan does not have it."""
        return next((h for h in self.hosts if h.host == name), None)
