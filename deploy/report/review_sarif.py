"""Write a review as SARIF 2.1.0, for the forges' own views: broken policies, openings, unguarded and unknown hosts.

A result's place is `municipality/host/role`, as of a run (`run_sarif`). GitHub takes 25,000 results a run and shows
5,000: differences are told once with their hosts, and no more than `MOST` of anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from deploy.model.kinds import Exit
from deploy.model.review import Review, hosts_in_short
from deploy.model.text import inline, safe
from deploy.report.cases import cut, short
from deploy.report.run_sarif import SCHEMA, line, literal, location

MOST = 1000
RULES = {
    "policy-broken": ("error", "A policy of the organisation is newly broken."),
    "policy-broken-before": ("note", "A policy is broken, and was before."),
    "policy-fault": ("error", "A policy cannot be asked."),
    "host-unknown": ("error", "What a host should be cannot be computed: its inventory is not sound."),
    "not-guarded": ("warning", "A step could cut a host off, and nothing puts it back."),
    "opens": ("warning", "Somebody may reach what he could not before."),
    "closes": ("note", "Somebody may no longer reach what he could."),
    "change": ("note", "Hosts would change."),
}


@dataclass(frozen=True)
class _Result:
    rule: str
    what: str
    place: tuple[str, ...] = ()
    more: str = ""


def sarif(review: Review, version: str) -> str:
    """Return the document.

    Args:
        version: of samdrift's own code.
    """
    rules = list(RULES)
    found = [result for _, result in zip(range(MOST), _results(review), strict=False)]
    run = {
        "tool": {"driver": {"name": "samdrift", "version": version, "rules": [_rule(rule) for rule in rules]}},
        "automationDetails": {"id": "samdrift/review"},
        "invocations": [
            {
                "executionSuccessful": review.exit_code is not Exit.INCOMPLETE and review.compared[0] > 0,
                "exitCode": int(review.exit_code),
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": [_written(result, rules) for result in found],
        "properties": {
            "against": inline(review.against),
            "of": inline(review.of),
            "hosts": review.compared[0],
            "steps": review.compared[1],
        },
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=True, indent=1) + "\n"


def _results(review: Review) -> Iterator[_Result]:
    yield from _of_policies(review)
    for host in review.changed("unknown"):
        yield _Result("host-unknown", "; ".join(host.why), (host.municipality, host.host))
    for problem in review.nowhere:
        yield _Result("host-unknown", problem)
    for why, hosts in review.unguarded.items():
        yield _Result("not-guarded", f"{why} ({hosts_in_short(hosts)})", _place(review, hosts[0]))
    for reached in review.reached:
        if reached.opening.kind != "not known":
            ends = f" [{reached.answer}: {reached.decided_by}]" if reached.answer else ""
            first = reached.opening.hosts[0] if reached.opening.hosts else ""
            yield _Result(reached.opening.kind, f"{reached.opening.in_words}{ends}", _place(review, first))
    for found in review.alike:
        what = f"{found.first.role}: {found.shown('name')}, {found.first.how}: {hosts_in_short(found.hosts, 20)}"
        yield _Result("change", what, (*_place(review, found.hosts[0]), found.first.role), found.shown("diff"))


def _of_policies(review: Review) -> Iterator[_Result]:
    for policy in review.policies:
        if policy.fault:
            yield _Result("policy-fault", f"{policy.id}: {policy.fault}")
        for rule, breaches in (("policy-broken", policy.new), ("policy-broken-before", policy.before)):
            for breach in breaches:
                place = (breach.municipality, breach.host)
                yield _Result(rule, f"{policy.id}: {breach.what}", place, policy.reason)


def _place(review: Review, host: str) -> tuple[str, ...]:
    owner = next((h.municipality for h in review.hosts if h.host == host), "")
    return (owner, host)


def _rule(name: str) -> dict[str, Any]:
    level, what = RULES[name]
    named = "".join(word.capitalize() for word in name.split("-"))
    return {"id": name, "name": named, "shortDescription": {"text": what}, "defaultConfiguration": {"level": level}}


def _written(result: _Result, rules: list[str]) -> dict[str, Any]:
    fingerprint = sha256("\0".join((result.rule, *result.place, result.what)).encode(errors="replace")).hexdigest()
    more = f"\n{literal(safe(cut(result.more)))}" if result.more else ""
    municipality, host, role = (*map(short, result.place), "", "", "")[:3]
    return {
        "ruleId": result.rule,
        "ruleIndex": rules.index(result.rule),
        "level": RULES[result.rule][0],
        "message": {"text": f"{line(cut(result.what))}{more}"},
        "locations": [location(municipality, host, role)],
        "partialFingerprints": {"samdriftReview/v1": fingerprint, "primaryLocationLineHash": fingerprint},
    }
