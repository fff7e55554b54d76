"""Write the schema of plan files, docs/plan-file.schema.json, anew: `python -m deploy.tools.plan_schema`."""

from __future__ import annotations

from deploy.model.plan_file import schema_text
from inventory.paths import CODE

PUBLISHED = CODE / "docs" / "plan-file.schema.json"

if __name__ == "__main__":
    PUBLISHED.write_text(schema_text(), encoding="utf-8")
