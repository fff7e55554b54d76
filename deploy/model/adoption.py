"""Adoption: what taking over a host that already runs would mean, role by role. Pure.

A view of an ordinary plan, beside what was seen on the host. Not here: how the host is looked at (`runs.adopt`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from deploy.model.plan import Configure, HostPlan, Run, Step, Unmanaged
from inventory.frozen import Frozen
from roles.shared.survey import Loss

NEGATIONS = ("no ", "delete ", "unset ")
"""Beginnings of lines by which devices take something away."""


SHOWN = 3
"""So many of a file's lines that go are named; the diff has all."""


class RoleAdoption(Frozen):
    """What one role would do to the host. `unjudged` says why that is not known; then the rest is empty."""

    role: str
    summary: str
    changes: tuple[Step, ...] = ()
    losses: tuple[Loss, ...] = ()
    unmanaged: tuple[Unmanaged, ...] = ()
    unjudged: tuple[str, ...] = ()


class Proposed(Frozen):
    """An object that the inventory lacks, or that it says differently, and what it would say."""

    what: str
    fields: tuple[str, ...]


class Adoption(Frozen):
    """What taking over a host would mean.

    Attributes:
        seen: what was seen on the host, a line each.
        stays: what runs there and no role touches.
        unknown: what could not be known, and why.
        proposed: what the inventory would say more, so that the difference is as small as here.
        asked: the commands that the host was asked besides the look of a plan.
    """

    host: str
    municipality: str
    platform: str
    known: bool
    seen: tuple[str, ...] = ()
    roles: tuple[RoleAdoption, ...] = ()
    stays: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    proposed: tuple[Proposed, ...] = ()
    asked: tuple[str, ...] = ()

    @property
    def losses(self) -> tuple[Loss, ...]:
        """Return what would go, over all roles."""
        return tuple(loss for role in self.roles for loss in role.losses)


def role_adoptions(
    plan: HostPlan, summaries: Mapping[str, str], losses: Mapping[str, Sequence[Loss]]
) -> tuple[RoleAdoption, ...]:
    """Group a host's plan by role, each with what would go.

    Args:
        summaries: the roles, in the order in which they are applied, with what each is for.
        losses: by role, what goes besides what its steps say.
    """
    removed = {s.name.removeprefix("no file ") for s in plan.changes if s.name.startswith("no file ")}
    return tuple(
        RoleAdoption(
            role=role,
            summary=summary,
            changes=tuple(s for s in plan.changes if s.role == role),
            losses=(*losses.get(role, ()), *(loss for s in plan.changes if s.role == role for loss in lost_by(s))),
            unmanaged=tuple(u for u in plan.unmanaged if u.role == role and u.path not in removed),
        )
        for role, summary in summaries.items()
    )


TEXTS = ("file ", "certificate ")
"""How steps are called of which it is said what is no more: lines of a file, or whose certificate it was."""


def lost_by(step: Step) -> Iterator[Loss]:
    """Yield what a step replaces or takes away, as far as the step itself says it."""
    change = step.change
    if sessions := [c for c in step.commands if isinstance(c, Configure)]:
        # A new value in place of an old one is a change, and stands in the diff.
        wanted = frozenset(line.strip() for line in (change.after or "").splitlines()) if change else frozenset()
        yield from (
            Loss(kind="line", what=line) for session in sessions for line in taken_away(session.entries, wanted)
        )
    elif change is not None and change.before:
        if step.name.startswith("no file "):
            yield Loss(kind="file", what=f"{change.what} is removed")
        elif step.name.startswith("user "):
            now = ", ".join((change.after or "").splitlines())
            yield Loss(kind="account", what=f"{step.name}: {', '.join(change.before.splitlines())} becomes {now}")
        elif (
            step.name.startswith(TEXTS) and not change.due and (gone := _lines_gone(change.before, change.after or ""))
        ):
            more = f" … ({len(gone)} lines)" if len(gone) > SHOWN else ""
            yield Loss(kind="file", what=f"{change.what} loses: {'; '.join(gone[:SHOWN])}{more}")
    elif not step.handler:
        stopped = [
            c.text
            for c in step.commands
            if isinstance(c, Run) and c.text.startswith(("systemctl stop", "systemctl disable"))
        ]
        yield from (Loss(kind="service", what=text.removeprefix("systemctl ")) for text in stopped)


def taken_away(entries: Iterable[str], wanted: Collection[str] = ()) -> list[str]:
    """Return the lines of a configuration session that take something away, each below the section that it is in.

    Args:
        wanted: lines of the intended configuration; one that begins with `no` and stands there is a setting.
    """
    found, section = [], ""
    for entry in entries:
        line = entry.split("\n", 1)[0].strip()
        if line.startswith(NEGATIONS) and line not in wanted:
            found.append(f"{section} / {line}" if section and entry.startswith(" ") else line)
        elif not entry.startswith(" "):
            section = line
    return found


def _lines_gone(before: str, after: str) -> list[str]:
    """Return the lines that are not there afterwards, but for comments: the order of lines means nothing here."""
    kept = {line.strip() for line in after.splitlines()}
    lines = (line.strip() for line in before.splitlines())
    return [line for line in lines if line and not line.startswith(("#", ";", "//")) and line not in kept]
