"""Read a YAML file of the organisation as one value, or say everything that is wrong in it, each with its line.

Not here: YAML itself (`yaml_source.py`), and files of which one entry holds whatever is wrong with another.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from inventory.errors import InventoryError, Problem
from inventory.frozen import Frozen
from inventory.places import shown
from inventory.yaml_source import Document, schema_problem

T = TypeVar("T", bound=Frozen)


def opened(file: Path, rule: str, fix: str = "mend it, or remove it") -> Document:
    """Read a file; what is wrong in it as YAML is among the document's problems.

    Args:
        rule: what its problems are of.
        fix: what to do about a file that cannot be read.

    Raises:
        InventoryError: it cannot be read.
    """
    name = shown(file)
    try:
        return Document(file.read_text(encoding="utf-8"), name)
    except (OSError, UnicodeDecodeError) as e:
        why = e.strerror if isinstance(e, OSError) else "it is no UTF-8"
        raise InventoryError((Problem(rule, name, f"cannot be read: {why}", fix),)) from e


def document_in(file: Path, rule: str, fix: str = "mend it, or remove it") -> Document:
    """Read a file of which nothing is wrong as YAML; arguments as of `opened`.

    Raises:
        InventoryError: it cannot be read, or is no YAML as an inventory may be written.
    """
    document = opened(file, rule, fix)
    if document.problems:
        raise InventoryError(tuple(document.problems))
    return document


def value_of(document: Document, model: type[T], rule: str) -> T:
    """Return what a document says, as this model has it.

    Raises:
        InventoryError: with everything that the model refuses.
    """
    try:
        return model.model_validate_json(json.dumps(document.data), strict=True)
    except ValidationError as e:
        found = (schema_problem(x, f"{document.name}:{document.line_of(x['loc'])}", rule=rule) for x in e.errors())
        raise InventoryError(tuple(found)) from e
