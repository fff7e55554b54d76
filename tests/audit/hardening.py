"""Read which rules docs/hardening.md gives a line to: the ids in backticks in the first cells of tables of rules."""

from __future__ import annotations

import re
from pathlib import Path

from inventory.paths import CODE

PAGE = CODE / "docs" / "hardening.md"
HEAD = "Rule"
ID = re.compile(r"`([A-Za-z0-9_-]+)`")


def waived(page: str) -> dict[str, str]:
    """Return each rule that has a line, and what its last cell says: why it is not followed."""
    found: dict[str, str] = {}
    is_of_rules = False
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        is_of_rules = line.startswith("|") and (is_of_rules or cells[0] == HEAD)
        if is_of_rules:
            found |= dict.fromkeys(ID.findall(cells[0]), cells[-1])
    return found


def waived_here(page: Path = PAGE) -> dict[str, str]:
    """Return what this house's own page has."""
    return waived(page.read_text(encoding="utf-8")) if page.exists() else {}
