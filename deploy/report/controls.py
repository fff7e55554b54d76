"""Compute how each control came out, as a whole and on each host, from the roles and checks that answer it. Pure.

A control with no check that ran is *not checked*, and never passed. Not here: which checks answer which control
(`model.record.Manifest`), and how a host stood (`report.hosts`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from deploy.model.record import CheckResult, Manifest
from deploy.model.waived import Waived
from deploy.report.document import Control, ControlResult, HostState, Result, State, StepState


class Part(NamedTuple):
    """The part of a host's role that answers one control."""

    role: str
    in_effect: bool | None
    steps: tuple[StepState, ...]
    checks: tuple[CheckResult, ...]


def controls(states: Sequence[HostState], manifest: Manifest) -> Iterator[Control]:
    """Yield every control that a role or a check of these hosts answers, in the order of its number."""
    answers = {role: _answers(role, manifest) for role in {r.name for s in states for r in s.roles}}
    by_steps = {role: manifest.answered_by_steps(role) for role in answers}
    found = defaultdict[str, list[tuple[HostState, list[Part]]]](list)
    for state in states:
        for control, parts in _parts(state, answers, by_steps, manifest).items():
            found[control].append((state, parts))
    for control, on_hosts in sorted(found.items(), key=lambda item: by_number(item[0])):
        answering = [part for _, parts in on_hosts for part in parts]
        effect = Counter(part.in_effect for part in answering)
        outcomes = Counter(c.outcome for part in answering for c in part.checks)
        yield Control(
            id=control,
            title=manifest.titles.get(control),
            roles=tuple(sorted({part.role for part in answering})),
            in_effect=effect[True],
            not_in_effect=effect[False],
            not_looked_at=effect[None],
            passed=outcomes["passed"],
            failed=outcomes["failed"],
            not_applicable=outcomes["not applicable"],
            results=tuple(result_on(state, parts) for state, parts in on_hosts),
        )


Answers = Mapping[str, frozenset[str]]
"""The controls that each check of a role answers."""


def _answers(role: str, manifest: Manifest) -> Answers:
    promised = manifest.role(role)
    return {check: manifest.answered_by(role, check) for check in (*promised.checks, *promised.proves)}


def _parts(
    host: HostState, answers: Mapping[str, Answers], by_steps: Mapping[str, frozenset[str]], manifest: Manifest
) -> dict[str, list[Part]]:
    """Return, by control, the parts of a host's roles that it asks for: the checks that answer it, and a role's steps
    where the role answers it as a whole.
    """
    found = defaultdict[str, list[Part]](list)
    for role in host.roles:
        promised = by_steps[role.name]
        checks: dict[str, list[CheckResult]] = {control: [] for control in promised}
        checks |= {control: [] for some in answers[role.name].values() for control in some}
        for check in role.checks:
            name = check.name.partition(" [")[0]
            for control in answers[role.name].get(name) or manifest.answered_by(role.name, name):
                checks[control].append(check)
        for control, some in checks.items():
            steps = role.steps if control in promised else ()
            found[control].append(Part(role.name, role.in_effect, steps, tuple(some)))
    return found


def result_on(host: HostState, parts: Sequence[Part]) -> ControlResult:
    """Return how a control came out on a host, by the parts of roles that answer it there."""
    checks = tuple(c for part in parts for c in part.checks)
    outcomes = Counter(c.outcome for c in checks)
    counts = {"passed": outcomes["passed"], "failed": outcomes["failed"], "not_applicable": outcomes["not applicable"]}
    result = _result(host, parts, checks)
    waived = _waiver(parts, checks)
    if result in {Result.PASSED, Result.NOT_APPLICABLE, Result.NOT_CHECKED} and waived is not None:
        waiver = {"why": waived.reason, "until": waived.until, "by": waived.owner}
        return ControlResult(host=host.name, result=Result.WAIVED, **counts, **waiver)
    return ControlResult(host=host.name, result=result, **counts, why=_why(result, host, parts, checks))


def _waiver(parts: Sequence[Part], checks: Sequence[CheckResult]) -> Waived | None:
    """Return the waiver, of those that accept something here, that ends first."""
    of_checks = (c.waived for c in checks if c.outcome == "failed")
    of_steps = (s.waived for part in parts for s in part.steps)
    accepting = [w for w in (*of_checks, *of_steps) if w is not None and w.accepted]
    return min(accepting, key=lambda w: w.until, default=None)


def _differing(parts: Sequence[Part]) -> list[str]:
    """Return the steps that differ, and nobody has accepted that."""
    return [s.name for part in parts for s in part.steps if s.differs and s.waived is None]


def _result(host: HostState, parts: Sequence[Part], checks: Sequence[CheckResult]) -> Result:
    if host.state is State.UNKNOWN:
        return Result.UNKNOWN
    if host.state is State.NOT_LOOKED_AT:
        return Result.NOT_CHECKED
    if any(c.fails for c in checks) or _differing(parts):
        return Result.FAILED
    if any(c.outcome == "passed" for c in checks):
        return Result.PASSED
    return Result.NOT_APPLICABLE if checks else Result.NOT_CHECKED


def _why(result: Result, host: HostState, parts: Sequence[Part], checks: Sequence[CheckResult]) -> str:
    """Say in the words of checks and steps why a control did not pass; of a host that nobody saw, what is known."""
    match result:
        case Result.FAILED:
            return "; ".join(dict.fromkeys([*(c.name for c in checks if c.fails), *_differing(parts)]))
        case Result.NOT_APPLICABLE:
            return "; ".join(dict.fromkeys(c.detail for c in checks if c.detail))
        case Result.UNKNOWN:
            return host.reason
        case _:
            return ""


def by_number(control: str) -> tuple[str, list[int]]:
    """Make a sorting key: `ISO 27002:2022 8.9` comes before `ISO 27002:2022 8.20`."""
    standard, _, number = control.rpartition(" ")
    parts = number.split(".")
    return (standard, [int(p) for p in parts]) if all(p.isdecimal() for p in parts) else (control, [])
