"""The words of samdrift: what the glossary names exists, what it retired is gone, docstrings begin with a verb."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from inventory.paths import CODE

GLOSSARY = CODE / "docs" / "glossary.md"
RETIRED = frozenset(
    {
        "Lineage",
        "Meeting",
        "NO_ROLES_SECTION",
        "Passage",
        "Proof",
        "Proven",
        "Told",
        "Verdict",
        "Way",
        "_Amiss",
        "_Of",
        "_amiss",
        "_as_called",
        "_said",
        "_told",
        "_told_to_nft",
        "hub_of",
        "proofs",
        "said",
        "situation",
        "spoken_with",
        "told",
    }
)
"""Names that stood for several things, or for nothing that a stranger could guess: each has a better one."""
ALONE = frozenset({"Kind", "CheckResult", "Known", "Verdict", "Guard", "Headline"})
"""Names of which there is one class at most, wherever it is."""
RIDDLES = frozenset(
    {
        "Everything",
        "How",
        "It",
        "Nothing",
        "Somebody",
        "These",
        "This",
        "Those",
        "What",
        "Whatever",
        "Where",
        "Whether",
        "Which",
        "Who",
        "Whoever",
        "Whom",
        "Whose",
        "Why",
    }
)
"""First words by which a docstring says what something is in a clause, and not what a function does."""


@cache
def modules() -> tuple[tuple[Path, ast.Module], ...]:
    """Parse every module of the three packages."""
    found = sorted(p for room in ("deploy", "inventory", "roles") for p in (CODE / room).rglob("*.py"))
    return tuple((p, ast.parse(p.read_text(encoding="utf-8"))) for p in found)


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield every name that a module gives to something of its own, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id


def terms() -> list[tuple[str, str]]:
    """Return every term of the glossary with its places in code."""
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| ([^|]+) \|$", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE)
    return [(term, place) for term, places in rows for place in re.findall(r"`([a-z_][\w.]*)`", places)]


def resolve(dotted: str) -> object:
    """Return what a dotted name leads to: a module, or what is in one; AttributeError or ImportError if nothing."""
    parts = dotted.split(".")
    for n in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:n]))
        except ModuleNotFoundError:
            continue
        for part in parts[n:]:
            fields = getattr(found, "model_fields", {}) or getattr(found, "__dataclass_fields__", {})
            found = fields[part] if part in fields else getattr(found, part)
        return found
    raise ModuleNotFoundError(dotted)


def test_the_glossary_has_terms_and_each_names_its_place_in_code() -> None:
    lines = [x for x in GLOSSARY.read_text(encoding="utf-8").splitlines() if x.startswith("| ")]
    rows = [x for x in lines if not x.startswith("| Term |")]
    assert len(rows) > 50
    assert len({term for term, _ in terms()}) == len(rows)


@pytest.mark.parametrize(("term", "place"), terms())
def test_what_a_term_names_in_code_is_there(term: str, place: str) -> None:
    assert resolve(place) is not None, term


def test_a_retired_name_is_given_to_nothing() -> None:
    found = ((p, line, name) for p, tree in modules() for line, name in names(tree) if name in RETIRED)
    assert [f"{p.relative_to(CODE)}:{line} {name}" for p, line, name in found] == []


def test_a_name_that_means_one_thing_is_one_class() -> None:
    classes = [n.name for _, tree in modules() for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]
    assert {name: classes.count(name) for name in ALONE if classes.count(name) > 1} == {}


def test_a_function_s_docstring_begins_with_a_verb_and_not_with_a_clause() -> None:
    riddles = []
    for path, tree in modules():
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef) or _is_read_by_people(node):
                continue
            first = (ast.get_docstring(node) or "-").split()[0].rstrip(",.:;")
            if first in RIDDLES:
                riddles.append(f"{path.relative_to(CODE)}:{node.lineno} {node.name}: {first}")
    assert not riddles


def _is_read_by_people(function: ast.FunctionDef) -> bool:
    """Tell whether a docstring is shown to people: the reason for a rule of a sound fleet, or the help of a command."""
    shown = {"rule", "command", "group"}
    calls = (d.func for d in function.decorator_list if isinstance(d, ast.Call))
    return any(getattr(c, "attr", getattr(c, "id", "")) in shown for c in calls)
