"""The names of state checks, and what they prove: read from their files, for records, without running any.

Not here: what became of a check (`verify.plugin`).
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from inventory.paths import CHECKS

PROVES = "PROVES"
"""What a file of checks calls what they prove: names of checks, in words, by topic."""
SWEDISH = "SWEDISH"
"""What it calls their names in Swedish, by name."""


def in_words(function: str) -> str:
    """Return the name of a check, from that of its test function."""
    return function.removeprefix("test_").replace("_", " ")


def checks_of(role: str, directory: Path = CHECKS) -> tuple[str, ...]:
    """Return the names of a role's state checks, in the order of its file; none if the file is not there or no Python.

    Such a file stops every run of checks, and is told there.
    """
    functions = (node.name for node in _statements(role, directory) if isinstance(node, ast.FunctionDef))
    return tuple(in_words(name) for name in functions if name.startswith("test_"))


def proves_of(role: str, directory: Path = CHECKS) -> Mapping[str, tuple[str, ...]]:
    """Return the topics that each of a role's state checks proves; empty where its file does not say it."""
    found: dict[str, tuple[str, ...]] = {}
    for topic, checks in _mapping(PROVES, role, directory).items():
        found |= {check: (*found.get(check, ()), topic) for check in checks}
    return found


def swedish_of(role: str, directory: Path = CHECKS) -> Mapping[str, str]:
    """Return what a role's state checks are called in Swedish, by name; empty where its file does not say it."""
    return _mapping(SWEDISH, role, directory)


def _mapping(name: str, role: str, directory: Path) -> dict[str, Any]:
    """Return what a role's file has under a name, a mapping; empty if there is none."""
    for node in _statements(role, directory):
        if isinstance(node, ast.Assign) and [getattr(t, "id", "") for t in node.targets] == [name]:
            return dict(ast.literal_eval(node.value))
    return {}


def _statements(role: str, directory: Path) -> list[ast.stmt]:
    try:
        return _parsed((directory / f"test_{role}.py").read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []


@cache
def _parsed(source: bytes) -> list[ast.stmt]:
    """Parse a file once, whatever is asked of it: a manifest asks three times of each role."""
    return ast.parse(source).body
