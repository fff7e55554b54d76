"""Write a run's findings as SARIF 2.1.0 (OASIS), as GitHub, GitLab, Azure and editors read what analysers found.

What is analysed is hosts and not files, so a result's place is `municipality/host/role`, as scanners of container
images name the image; a reader that only takes files shows it as a path. A rule is a kind of finding. A result keeps
its fingerprint for as long as it is the same trouble at the same place. A run that could not look at all of its hosts
says `executionSuccessful: false`: what is missing in it is not mended. Not here: what is well (`run_junit`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from deploy.model.findings import Finding
from deploy.model.kinds import Exit, Kind, Severity
from deploy.model.record import Record
from deploy.model.text import inline, safe
from deploy.model.words import name
from deploy.report.cases import Case, Ended, counted, cut, short, text_of

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
WELL = frozenset({Exit.OK, Exit.DIFFERENCES})
"""The exit codes of a run that looked at all it was about."""


def sarif(record: Record, cases: Sequence[Case]) -> str:
    """Return the document."""
    kinds = sorted({finding.kind for finding in record.findings})
    run = {
        "tool": {"driver": _driver(record, kinds)},
        "automationDetails": {"id": _automation(record)},
        "invocations": [_invocation(record)],
        "columnKind": "unicodeCodePoints",
        "results": [_result(record, finding, kinds) for finding in record.findings],
        "properties": {
            "run": record.id,
            "limit": line(record.limit),
            "inventory": line(record.fleet_source),
            "inventoryDigest": record.fleet_digest,
            "hosts": len(record.hosts),
            "cases": {ended.value: counted(cases)[ended] for ended in Ended},
        },
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=True, indent=1) + "\n"


def _driver(record: Record, kinds: Sequence[Kind]) -> dict[str, Any]:
    version = record.commit.id if record.commit else record.code_digest
    rules = [
        {
            "id": _rule(kind),
            "name": "".join(word.capitalize() for word in kind.split()),
            "shortDescription": {"text": name("kind", kind)},
            "fullDescription": {"text": name("meaning", kind)},
            "help": {"text": name("remedy", kind) or name("meaning", kind)},
        }
        for kind in kinds
    ]
    return {"name": "samdrift", "version": version, "rules": rules}


def _rule(kind: Kind) -> str:
    return kind.replace(" ", "-")


def _automation(record: Record) -> str:
    """Name the sort of run that this is: results of another command or limit are not what was mended of this one."""
    return f"samdrift/{record.command}/{quote(safe(record.limit), safe='=*-') or 'all'}/{record.id}"


def _invocation(record: Record) -> dict[str, Any]:
    unknown = [host for host in record.hosts if host.outcome == "unknown"]
    return {
        "executionSuccessful": record.exit_code in WELL,
        "exitCode": record.exit_code,
        "startTimeUtc": record.started,
        "endTimeUtc": record.finished,
        "toolExecutionNotifications": [
            {
                "level": "error",
                "message": {
                    "text": f"{line(short(host.host))} is unknown: {_text(record, host.detail) or 'not looked at'}"
                },
                "locations": [location(host.municipality, host.host)],
            }
            for host in unknown
        ],
    }


def _result(record: Record, finding: Finding, kinds: Sequence[Kind]) -> dict[str, Any]:
    fails = finding.kind is not Kind.NOTICE
    place = f"{line(short(finding.host))}: " if finding.host else ""
    more = _text(record, text_of(finding))
    made: dict[str, Any] = {
        "ruleId": _rule(finding.kind),
        "ruleIndex": kinds.index(finding.kind),
        "kind": "fail" if fails else "informational",
        "level": LEVELS[finding.severity] if fails else "none",
        "message": {"text": f"{place}{line(cut(finding.summary, record.id))}" + (f"\n{more}" if more else "")},
        "locations": [location(finding.municipality, finding.host, finding.role, finding.step)],
        # The second is the name by which GitHub knows a result again; without it, it would look for a line of a file.
        "partialFingerprints": {
            "samdriftFinding/v1": finding.fingerprint,
            "primaryLocationLineHash": finding.fingerprint,
        },
        "properties": {
            "municipality": line(short(finding.municipality)),
            "severity": finding.severity.value,
            "controls": list(finding.controls),
            "firstSeen": finding.first_seen,
        },
    }
    if finding.waived is not None and finding.accepted:
        waived = finding.waived
        why = f"{waived.owner}, until {waived.until}: {waived.reason} (waiver {waived.name})"
        made["suppressions"] = [{"kind": "external", "status": "accepted", "justification": line(why)}]
    return made


def location(*place: str) -> dict[str, Any]:
    """Return where something is: as a path, which every reader shows, and as the parts that it is made of."""
    municipality, host, role, step = (*map(short, place), "", "")[:4]
    parts = [part for part in (municipality, host, role) if part] or ["inventory"]
    uri = "/".join(quote(safe(part), safe="-_") if part.strip(".") else "_" for part in parts)
    whole = "/".join(inline(part) for part in (municipality, host, role, step) if part)
    logical = [
        {"name": inline(part), "kind": kind, "fullyQualifiedName": whole}
        for part, kind in ((host, "module"), (role, "namespace"), (step, "member"))
        if part
    ]
    physical: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}}
    return physical | ({"logicalLocations": logical} if logical else {})


def line(text: str) -> str:
    """Return a text on one line of which no reader makes anything else."""
    return literal(inline(text))


def _text(record: Record, text: str) -> str:
    return literal(safe(cut(text, record.id)))


def literal(text: str) -> str:
    """Return a text of which no reader makes a link or a placeholder: messages may have `[text](place)` and `{0}`."""
    no_link = re.sub(r"(\\*)\]\(", r"\1\1\\](", text)
    return re.sub(r"\{(\d+)\}", r"{{\1}}", no_link)
