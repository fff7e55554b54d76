"""Compute how each control came out, as a whole and on each host, from the roles and checks that answer it. Pure.

A control with no check that ran is *not checked*, and never passed. Not here: which checks answer which control
(`model.record.Manifest`), and how a host stood (`report.hosts`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from deploy.model.record import CheckResult, Manifest
from deploy.model.waived import Waived
from deploy.report.document import Control, ControlResult, HostState, Result, RoleState, State


def controls(states: Sequence[HostState], manifest: Manifest) -> Iterator[Control]:
    """Yield every control that a role of these hosts answers, in the order of its number."""
    for control in sorted({c for s in states for r in s.roles for c in r.controls}, key=by_number):
        answering = [(s, r) for s in states for r in s.roles if control in r.controls]
        effect = Counter(r.in_effect for _, r in answering)
        outcomes = Counter(c.outcome for _, r in answering for c in r.checks)
        yield Control(
            id=control,
            title=manifest.titles.get(control),
            roles=tuple(sorted({r.name for _, r in answering})),
            in_effect=effect[True],
            not_in_effect=effect[False],
            not_looked_at=effect[None],
            passed=outcomes["passed"],
            failed=outcomes["failed"],
            not_applicable=outcomes["not applicable"],
            results=tuple(
                result_on(state, [r for r in state.roles if control in r.controls])
                for state in states
                if any(control in r.controls for r in state.roles)
            ),
        )


def result_on(host: HostState, roles: Iterable[RoleState]) -> ControlResult:
    """Return how a control came out on a host, by the roles that answer it there."""
    roles = tuple(roles)
    checks = tuple(c for r in roles for c in r.checks)
    outcomes = Counter(c.outcome for c in checks)
    counts = {"passed": outcomes["passed"], "failed": outcomes["failed"], "not_applicable": outcomes["not applicable"]}
    result = _result(host, roles, checks)
    waived = _waiver(roles, checks)
    if result in {Result.PASSED, Result.NOT_APPLICABLE, Result.NOT_CHECKED} and waived is not None:
        waiver = {"why": waived.reason, "until": waived.until, "by": waived.owner}
        return ControlResult(host=host.name, result=Result.WAIVED, **counts, **waiver)
    return ControlResult(host=host.name, result=result, **counts, why=_why(result, host, roles, checks))


def _waiver(roles: Sequence[RoleState], checks: Sequence[CheckResult]) -> Waived | None:
    """Return the waiver, of those that accept something here, that ends first."""
    of_checks = (c.waived for c in checks if c.outcome == "failed")
    of_steps = (s.waived for r in roles for s in r.steps)
    accepting = [w for w in (*of_checks, *of_steps) if w is not None and w.accepted]
    return min(accepting, key=lambda w: w.until, default=None)


def _differing(roles: Sequence[RoleState]) -> list[str]:
    """Return the steps that differ, and nobody has accepted that."""
    return [s.name for r in roles for s in r.steps if s.differs and s.waived is None]


def _result(host: HostState, roles: Sequence[RoleState], checks: Sequence[CheckResult]) -> Result:
    if host.state is State.UNKNOWN:
        return Result.UNKNOWN
    if host.state is State.NOT_LOOKED_AT:
        return Result.NOT_CHECKED
    if any(c.fails for c in checks) or _differing(roles):
        return Result.FAILED
    if any(c.outcome == "passed" for c in checks):
        return Result.PASSED
    return Result.NOT_APPLICABLE if checks else Result.NOT_CHECKED


def _why(result: Result, host: HostState, roles: Sequence[RoleState], checks: Sequence[CheckResult]) -> str:
    """Say in the words of checks and steps why a control did not pass; of a host that nobody saw, what is known."""
    match result:
        case Result.FAILED:
            return "; ".join(dict.fromkeys([*(c.name for c in checks if c.fails), *_differing(roles)]))
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
