"""Write a situation report as OSCAL assessment results (NIST), for programs that read audits of many tools. Pure.

A finding for each control, an observation for each control on each host. A control is *satisfied* where it passed on
some host and on none failed, was waived, unknown or not checked; anything else is *not satisfied*, with the reason.
There is no assessment plan of this form: the one that is imported says so. Not here: what a report says
(`report.content`).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any
from uuid import UUID, uuid5

from deploy.model.text import inline
from deploy.report.document import Control, ControlResult, HostState, Report, Result

VERSION = "1.2.1"

OURS = UUID("6f1c2c55-6f5b-4a0e-9d0e-5a6d64726966")
"""The namespace of names made here: the same report has the same ones."""

NAMESPACE = "https://samdrift.invalid/ns/oscal"
"""The namespace of properties made here; it leads nowhere."""

SATISFIED = frozenset({Result.PASSED, Result.NOT_APPLICABLE})


def assessment_results(report: Report) -> dict[str, Any]:
    """Return a report, which has some control, as OSCAL's `assessment-results`."""
    plan = _id(report, "plan")
    looked = [h.last_looked_at for h in report.hosts if h.last_looked_at]
    hosts = {h.name: h for h in report.hosts}
    selected = [{"control-id": control_id(c.id)} for c in report.controls]
    result: dict[str, Any] = {
        "uuid": _id(report, "result"),
        "title": _line(f"Situation report {report.scope}"),
        "description": "How each control came out on each host, by samdrift's state checks and looks.",
        "start": min(looked, default=report.at),
        "end": report.at,
        "reviewed-controls": {"control-selections": [{"include-controls": selected}]},
        "local-definitions": {"inventory-items": [_item(report, host) for host in report.hosts]},
        "observations": [_observation(report, c, r, hosts[r.host]) for c in report.controls for r in c.results],
        "findings": [_finding(report, control) for control in report.controls],
    }
    return {
        "assessment-results": {
            "uuid": _id(report, "document"),
            "metadata": {
                "title": _line(f"samdrift: {report.scope}"),
                "last-modified": report.at,
                "version": report.at,
                "oscal-version": VERSION,
            },
            "import-ap": {"href": f"#{plan}"},
            "results": [result],
            "back-matter": {
                "resources": [{"uuid": plan, "description": "There is no assessment plan in OSCAL's form."}]
            },
        }
    }


def control_id(control: str) -> str:
    """Return the name of a control as OSCAL lets names be: `ISO-27002-2022-8.9`."""
    name = re.sub(r"[^A-Za-z0-9._-]", "-", control)
    return name if re.match("[A-Za-z_]", name) else f"_{name}"


def _item(report: Report, host: HostState) -> dict[str, Any]:
    properties = {"asset-id": host.name, "municipality": host.municipality, "state": host.state}
    return {
        "uuid": _id(report, "host", host.name),
        "description": host.description or host.name,
        "props": [_property(name, value) for name, value in properties.items() if value.strip()],
    }


def _observation(report: Report, control: Control, result: ControlResult, host: HostState) -> dict[str, Any]:
    made: dict[str, Any] = {
        "uuid": _id(report, "observation", control.id, result.host),
        "title": _line(f"{control.id} on {result.host}: {result.result}"),
        "description": result.why or str(result.result),
        "props": [
            _property("result", result.result),
            *(_property(n, str(getattr(result, n))) for n in ("passed", "failed", "not_applicable")),
        ],
        "methods": ["TEST"],
        "subjects": [{"subject-uuid": _id(report, "host", result.host), "type": "inventory-item"}],
        "collected": host.checked_at or host.last_looked_at or report.at,
    }
    if result.until:
        made["remarks"] = f"accepted until {result.until} by {result.by}"
    return made


def _finding(report: Report, control: Control) -> dict[str, Any]:
    counted = Counter(r.result for r in control.results)
    satisfied = counted[Result.PASSED] > 0 and not counted.keys() - SATISFIED
    reason = "pass" if satisfied else "fail" if counted[Result.FAILED] else "other"
    status = {"state": "satisfied" if satisfied else "not-satisfied", "reason": reason}
    title = control.title.english if control.title else control.id
    return {
        "uuid": _id(report, "finding", control.id),
        "title": _line(f"{control.id} {title}"),
        "description": ", ".join(f"{result} on {n}" for result, n in sorted(counted.items())),
        "target": {"type": "objective-id", "target-id": control_id(control.id), "status": status},
        "related-observations": [
            {"observation-uuid": _id(report, "observation", control.id, r.host)} for r in control.results
        ],
    }


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": name.replace("_", "-"), "ns": NAMESPACE, "value": _line(value)}


def _line(text: str) -> str:
    """Return a text on one line, with no blanks around it."""
    return inline(text).strip() or "-"


def _id(report: Report, *of: str) -> str:
    """Name something of a report: the same in the same report, and nowhere else."""
    return str(uuid5(OURS, "\0".join((report.scope, report.at, *of))))
