"""Policies of a change itself: how far it goes, who must approve it, whether it can be undone.

Of a state that is compared with nothing, no host changes, and they hold.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from inventory.frozen import Frozen
from inventory.policies.policy import Broken, policy
from inventory.policies.wanted import Wanted, WhichHosts


class ApprovalsOf(Frozen):
    """A change of `hosts` needs at least so many `approvals` beside who makes the plan and who applies it."""

    hosts: WhichHosts
    approvals: int = Field(ge=1)


@policy("approvals-of", ApprovalsOf)
def approvals_of(wanted: Wanted, asked: ApprovalsOf) -> Iterator[Broken]:
    """Nobody changes what all stand on alone: the house rules ask for approvals there."""
    for host in wanted.of(asked.hosts):
        if host.approvals < asked.approvals:
            what = f"its changes need {host.approvals} approvals, and not {asked.approvals}: inventory/rules.yaml"
            yield Broken(what, host.name, host.municipality)


class Guarded(Frozen):
    """No change of `hosts` could cut one off without being undone by itself."""

    hosts: WhichHosts = WhichHosts()


@policy("guarded", Guarded)
def guarded(wanted: Wanted, asked: Guarded) -> Iterator[Broken]:
    """Ask that what may cut a host off is undone by itself, or is done by hand."""
    for host in wanted.of(asked.hosts):
        for why in host.unguarded if host.changes else ():
            yield Broken(why, host.name, host.municipality)


class LargeChange(Frozen):
    """A change is of no more than so many hosts, and of no more than so many municipalities."""

    hosts: int = Field(ge=1)
    municipalities: int | None = Field(default=None, ge=1, description="as many as there are, if it does not say")


@policy("large-change", LargeChange)
def large_change(wanted: Wanted, asked: LargeChange) -> Iterator[Broken]:
    """A change that reaches far is taken in parts."""
    changing = [host for host in wanted.hosts if host.changes]
    owners = {host.municipality for host in changing}
    if len(changing) > asked.hosts:
        yield Broken(f"{len(changing)} hosts change at once, and not {asked.hosts} at most")
    if asked.municipalities is not None and len(owners) > asked.municipalities:
        yield Broken(f"hosts of {len(owners)} municipalities change at once, and not of {asked.municipalities} at most")
