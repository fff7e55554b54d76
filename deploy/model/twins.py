"""How a plan went on the twins of its hosts in the lab, step by step. Pure; rehearsing it is `runs.rehearsing`'s."""

from __future__ import annotations

from deploy.model.plan import HostPlan, Plan
from deploy.model.step_id import StepId
from inventory.frozen import Frozen


class Twin(Frozen):
    """How the changes of one host went on its twin.

    Attributes:
        same: the twin was changed by the same step, and is to be the same.
        otherwise: the twin was changed by this step, and is to be otherwise: by what differs in the lab.
        already: the twin had already what this step is to bring.
        not_tried: the twin has no such step.
        more: only the twin was changed: it had not all that the host has.
    """

    host: str
    same: tuple[StepId, ...] = ()
    otherwise: tuple[StepId, ...] = ()
    already: tuple[StepId, ...] = ()
    not_tried: tuple[StepId, ...] = ()
    more: tuple[StepId, ...] = ()


class Rehearsed(Frozen):
    """A plan that was rehearsed on twins: of each, how it went; and the hosts that have none.

    Attributes:
        at: when it had ended, ISO 8601, UTC.
        record: what the twins' apply is recorded as in the lab's own store; empty where it came to none.
        failed: what went wrong, so that no real host was changed; empty if all went well.
    """

    twins: tuple[Twin, ...]
    without: tuple[str, ...] = ()
    at: str = ""
    record: str = ""
    failed: str = ""


def compared(real: Plan, rehearsed: Plan) -> Rehearsed:
    """Compare the changes of real hosts with those of their twins."""
    changing = [host for host in real.hosts if host.changes]
    twins = [(host, twin) for host in changing if (twin := rehearsed.host(host.host)) is not None]
    having = {host.host for host, _ in twins}
    return Rehearsed(
        twins=tuple(_compared(host, twin) for host, twin in twins),
        without=tuple(host.host for host in changing if host.host not in having),
    )


def _compared(host: HostPlan, twin: HostPlan) -> Twin:
    steps = {step.id: step for step in twin.steps}
    found: dict[str, list[StepId]] = {"same": [], "otherwise": [], "already": [], "not_tried": []}
    for step in host.changes:
        other = steps.get(step.id)
        if other is None:
            found["not_tried"].append(step.id)
        elif other.intent != step.intent:
            found["otherwise"].append(step.id)
        else:
            found["same" if other.changes else "already"].append(step.id)
    own = {step.id for step in host.changes}
    more = tuple(step.id for step in twin.changes if step.id not in own)
    return Twin(host=host.host, more=more, **{name: tuple(ids) for name, ids in found.items()})
