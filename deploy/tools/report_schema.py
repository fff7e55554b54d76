"""Write the schema of a report's documents, docs/report.schema.json, anew: `python -m deploy.tools.report_schema`."""

from __future__ import annotations

import json

from pydantic.json_schema import models_json_schema

from deploy.report.board import Board
from deploy.report.bundle import Evidence
from deploy.report.consolidation import Consolidation
from deploy.report.document import Report
from deploy.report.procurement import Procurement
from inventory.paths import CODE

PUBLISHED = CODE / "docs" / "report.schema.json"

DOCUMENTS = (Report, Board, Procurement, Consolidation, Evidence)


def schema_text() -> str:
    """Return the JSON Schema of what `report.json` and `evidence.json` may be."""
    of_each, shared = models_json_schema([(document, "serialization") for document in DOCUMENTS])
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "samdrift report: report.json (Report, Board, Procurement, Consolidation), evidence.json (Evidence)",
        "oneOf": [of_each[document, "serialization"] for document in DOCUMENTS],
        "$defs": shared["$defs"],
    }
    return json.dumps(schema, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    PUBLISHED.write_text(schema_text(), encoding="utf-8")
