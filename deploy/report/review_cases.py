"""What a review asked, as cases for JUnit: every policy, and of every host that differs whether it could be compared.

That a host changes is no failure: it is what a merge request is for. A policy that is newly broken fails, one that was
broken before is *accepted* and shown as skipped, and a host of which nobody knows what it should be is an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deploy.model.review import PolicyResult, Review
from deploy.report.cases import Case, Ended


@dataclass(frozen=True)
class AboutReview:
    """What a JUnit document says of a review, of which there is no record."""

    started: str
    fleet_source: str
    command: str = "review"
    id: str = ""
    limit: str = ""
    fleet_digest: str = ""


def cases_of_review(review: Review) -> tuple[Case, ...]:
    """Return the cases."""
    hosts, steps = review.compared
    ended = Ended.PASSED if hosts else Ended.UNKNOWN
    first = Case(name=f"{hosts} hosts and {steps} steps were compared", ended=ended, kind="" if hosts else "unknown")
    return (first, *(c for policy in review.policies for c in _of_policy(policy)), *_of_hosts(review))


def _of_policy(policy: PolicyResult) -> Iterator[Case]:
    def case(ended: Ended, what: str = "", host: str = "", municipality: str = "") -> Case:
        return Case(
            host=host,
            municipality=municipality,
            role="policies",
            name=policy.id,
            ended=ended,
            kind="" if ended is Ended.PASSED else "policy",
            summary=what,
            detail=policy.reason,
        )

    if policy.fault:
        yield case(Ended.UNKNOWN, policy.fault)
    for breach in policy.new:
        yield case(Ended.FAILED, breach.what, breach.host, breach.municipality)
    for breach in policy.before:
        yield case(Ended.ACCEPTED, f"broken before, too: {breach.what}", breach.host, breach.municipality)
    if not (policy.fault or policy.new or policy.before):
        yield case(Ended.PASSED)


def _of_hosts(review: Review) -> Iterator[Case]:
    for host in review.hosts:
        unknown = host.how == "unknown"
        yield Case(
            host=host.host,
            municipality=host.municipality,
            name="it can be compared",
            ended=Ended.UNKNOWN if unknown else Ended.PASSED,
            kind="unknown" if unknown else "",
            summary=host.why[0] if host.why else "",
            detail="\n".join(host.why),
        )
    for problem in review.nowhere:
        yield Case(name="it is sound", ended=Ended.UNKNOWN, kind="unknown", summary=problem)
