"""Read which rules docs/hardening.md gives a line to: the ids in backticks in the first cell of its tables' rows."""

from __future__ import annotations

import re
from pathlib import Path

from inventory.paths import CODE

PAGE = CODE / "docs" / "hardening.md"
ID = re.compile(r"`([A-Za-z0-9_-]+)`")


def waived(page: str) -> dict[str, str]:
    """Return each rule that has a line, and what its last cell says: why it is not followed."""
    found: dict[str, str] = {}
    for line in page.splitlines():
        if line.startswith("|"):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            found |= dict.fromkeys(ID.findall(cells[0]), cells[-1])
    return found


def waived_here(page: Path = PAGE) -> dict[str, str]:
    """Return what this house's own page has."""
    return waived(page.read_text(encoding="utf-8")) if page.exists() else {}
