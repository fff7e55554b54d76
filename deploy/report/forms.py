"""Give a report the forms that it is handed over in: a page, OSCAL, tables. Pure.

Not here: how each is written (`report.page`, `report.reader_pages`, `report.oscal`, `report.tables`), and what makes a
bundle of them (`report.bundle`).
"""

from __future__ import annotations

import json

from deploy.model.words import Language
from deploy.report.document import Report
from deploy.report.open_version import AnyReport
from deploy.report.oscal import assessment_results
from deploy.report.page import html
from deploy.report.procurement import Procurement
from deploy.report.reader_pages import reader_html
from deploy.report.tables import tables
from inventory.errors import UsageError


def page_of(document: AnyReport, language: Language) -> str:
    """Return the page of a document."""
    return html(document, language) if isinstance(document, Report) else reader_html(document, language)


def oscal_of(document: AnyReport) -> bytes:
    """Return a situation report as OSCAL has it.

    Raises:
        UsageError: it is of no control: OSCAL knows of nothing else.
    """
    if not isinstance(document, Report):
        raise UsageError("OSCAL is about controls", where="--oscal", fix="--for operations, or auditor")
    if not document.controls:
        raise UsageError("no role of these hosts answers a control", where="--oscal", fix="choose other hosts")
    return (json.dumps(assessment_results(document), ensure_ascii=False, indent=1) + "\n").encode()


def tables_of(document: AnyReport, language: Language) -> dict[str, bytes]:
    """Return a report as tables.

    Raises:
        UsageError: it has none.
    """
    if not isinstance(document, Report | Procurement):
        raise UsageError("this report has no tables", where="--csv", fix="--for operations, auditor or procurement")
    return tables(document, language)
