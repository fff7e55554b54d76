"""The house keeps its rooms: no module is too long to be read, and every package of `deploy/` says what it is for."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from inventory.paths import CODE

LONGEST = 400
MODULES = sorted(p for package in ("inventory", "roles", "deploy") for p in (CODE / package).rglob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda p: str(p.relative_to(CODE)))
def test_a_module_is_no_longer_than_can_be_read_and_says_first_what_it_is_for(module: Path) -> None:
    text = module.read_text(encoding="utf-8")

    assert text.count("\n") <= LONGEST
    assert ast.get_docstring(ast.parse(text))
