"""Write a run as JUnit XML, as Jenkins, GitLab, Azure and others read it: a suite a host, a case each thing asked.

A case fails, is in *error* where it is unknown, or is *skipped* where it was not applicable or a waiver accepts it. Not
here: what is a case (`report.cases`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol
from xml.etree import ElementTree as ET

from deploy.model.text import inline, safe
from deploy.report.cases import Case, Ended, counted, cut, short


class About(Protocol):
    """What a document says of the run that it is of: a record does, and what has none can."""

    @property
    def command(self) -> str:
        """Return which command ran."""

    @property
    def id(self) -> str:
        """Return the id of its record; empty if it has none."""

    @property
    def started(self) -> str:
        """Return when it began (ISO 8601, UTC)."""

    @property
    def limit(self) -> str:
        """Return what it was limited to."""

    @property
    def fleet_source(self) -> str:
        """Return which inventory it was about."""

    @property
    def fleet_digest(self) -> str:
        """Return the inventory's digest."""


NO_XML = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML can hold, not even escaped."""
INVENTORY = "inventory"
"""The suite of what is about no host."""
SHOWN_AS = {
    Ended.FAILED: "failure",
    Ended.UNKNOWN: "error",
    Ended.ACCEPTED: "skipped",
    Ended.NOT_APPLICABLE: "skipped",
}


def junit(record: About, cases: Sequence[Case]) -> str:
    """Return the document."""
    whole = ET.Element("testsuites", {"name": _attribute(f"samdrift {record.command}"), **_numbers(cases)})
    suites: dict[str, list[Case]] = {}
    for case in cases:
        suites.setdefault(case.host, []).append(case)
    for host, of_host in suites.items():
        whole.append(_suite(record, host, of_host))
    ET.indent(whole)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(whole, encoding="unicode")}\n'


def _suite(record: About, host: str, cases: Sequence[Case]) -> ET.Element:
    shown = sum(case.ended in {Ended.ACCEPTED, Ended.NOT_APPLICABLE} for case in cases)
    at = {"timestamp": record.started[:19], "skipped": str(shown)}
    suite = ET.Element("testsuite", {"name": _attribute(short(host) or INVENTORY), **_numbers(cases), **at})
    facts = {
        "municipality": next((case.municipality for case in cases), ""),
        "run": record.id,
        "limit": record.limit,
        "inventory": record.fleet_source,
        "inventory digest": record.fleet_digest,
    }
    properties = ET.SubElement(suite, "properties")
    for name, value in facts.items():
        ET.SubElement(properties, "property", name=name, value=_attribute(value))
    suite.extend(_case(record, case) for case in cases)
    return suite


def _case(record: About, case: Case) -> ET.Element:
    """Write a case; the name of its class, which readers take for a path at its dots, is whose it is and where."""
    place = (short(part).replace(".", "_") for part in (case.municipality, case.host or INVENTORY, case.role) if part)
    made = ET.Element(
        "testcase", name=_attribute(short(case.name)), classname=_attribute(".".join(place)), time=_time(case)
    )
    if case.ended in SHOWN_AS:
        attributes = {"type": _attribute(case.kind), "message": _attribute(cut(case.summary, record.id))}
        shown = ET.SubElement(made, SHOWN_AS[case.ended], attributes)
        shown.text = _text(cut(case.detail, record.id))
    return made


def _numbers(cases: Sequence[Case]) -> dict[str, str]:
    ended = counted(cases)
    return {
        "tests": str(len(cases)),
        "failures": str(ended[Ended.FAILED]),
        "errors": str(ended[Ended.UNKNOWN]),
        "time": f"{sum(case.seconds for case in cases):.3f}",
    }


def _time(case: Case) -> str:
    return f"{case.seconds:.3f}"


def _attribute(text: str) -> str:
    return _escaped(inline(text))


def _text(text: str) -> str:
    return _escaped(safe(text))


def _escaped(text: str) -> str:
    """Show as an escape what XML cannot hold and no terminal minds: U+FFFE and U+FFFF."""
    return NO_XML.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
