"""How many approvals hosts need before a plan changes them: the house rule `approvals`, asked of a fleet.

Not here: what an approval is, and who applies a plan (`deploy.model.approval`, `deploy.runs.admission`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from inventory.errors import Problem, UsageError
from inventory.fleet import Fleet, Host
from inventory.rules.house import of_the_project
from inventory.rules.house_rules import Approvals

WHERE = "inventory/rules.yaml, approvals"


def asked(*, lab: bool) -> Approvals | None:
    """Return the rule as this project asks for it; None where no approvals are asked for: in the lab, say."""
    rule = of_the_project().of(Approvals)
    return rule if rule is None or rule.in_the_lab or not lab else None


def needed(rule: Approvals, fleet: Fleet, hosts: Sequence[Host]) -> dict[str, int]:
    """Return how many approvals each of these hosts needs, if it needs any: the most that an expression asks for it.

    Raises:
        UsageError: an expression says something that the fleet does not know. It is not taken for nothing: a typing
            error would let everybody through.
    """
    found: dict[str, int] = {}
    for expression, number in rule.needed.items():
        for host in _meant(expression, fleet, hosts):
            found[host.name] = max(number, found.get(host.name, 0))
    return {host: number for host, number in found.items() if number}


def problems(rule: Approvals, fleet: Fleet) -> Iterator[Problem]:
    """Yield what is wrong with the rule as it is asked of this fleet: an expression, or too few who may approve."""
    try:
        need = needed(rule, fleet, fleet.hosts)
    except UsageError as e:
        yield Problem("approvals", WHERE, e.what, e.fix)
        return
    by_tenant: dict[str, int] = {}
    for host in fleet.hosts:
        if host.is_managed and host.name in need:
            by_tenant[host.tenant] = max(need[host.name], by_tenant.get(host.tenant, 0))
    for tenant, number in sorted(by_tenant.items()):
        if (there := len(fleet.people.who_may("approve", tenant))) <= number:
            what = f"hosts of {tenant} need {number} to approve beside who applies, and {there} may approve"
            fix = "let more people approve for it in inventory/people.yaml, or ask for fewer"
            yield Problem("approvals", WHERE, what, fix, municipality=tenant)


def _meant(expression: str, fleet: Fleet, hosts: Sequence[Host]) -> tuple[Host, ...]:
    from inventory.selection import matching  # noqa: PLC0415  its grammar is slow to load, and few commands ask

    try:
        return matching(expression, fleet, hosts)
    except UsageError as e:
        raise UsageError(f"{expression!r}: {e.what}", where=WHERE, fix=e.fix) from e
