"""The names of state checks, without running any: read from the check files, so that a record can say which there were.

Not here: what became of a check (`verify.plugin`).
"""

from __future__ import annotations

import ast
from pathlib import Path

from inventory.paths import CHECKS


def in_words(function: str) -> str:
    """Return the name of a check, from that of its test function."""
    return function.removeprefix("test_").replace("_", " ")


def checks_of(role: str, directory: Path = CHECKS) -> tuple[str, ...]:
    """Return the names of a role's state checks, in the order of its file; none if the file is not there or no Python.

    Such a file stops every run of checks, and is told there.
    """
    try:
        module = ast.parse((directory / f"test_{role}.py").read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ()
    functions = (node.name for node in module.body if isinstance(node, ast.FunctionDef))
    return tuple(in_words(name) for name in functions if name.startswith("test_"))
