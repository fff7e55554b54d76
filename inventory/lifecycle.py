"""How long makers support what the organisation has: `lifecycle.yaml` beside the snapshot, if there is one.

    models:                             # by the slug of NetBox's device type
      acme-sw24:
        support_until: '2031-05-31'     # the last day with security updates
        source: https://…               # where that was read, and when
        read: '2026-11-29'
    platforms: {}                       # likewise, by slug: operating systems
    bought: {ABC123: '2021-03-01'}      # by serial number, where it is known

What is not in the file is not known, and never taken for supported. Not here: what follows for what is to be bought
(`deploy.report.procurement`).
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from pydantic import Field, ValidationError

from inventory.errors import InventoryError, Problem
from inventory.frozen import Frozen
from inventory.places import shown
from inventory.yaml_source import Document, schema_problem

FILE = "lifecycle.yaml"
"""Its name, beside the snapshot's directory."""


class Support(Frozen):
    """Until when a maker supports something, and where that was read.

    `support_until` is the last day with security updates for everybody; `extended_until` with those that others make or
    that cost more.
    """

    support_until: date
    extended_until: date | None = None
    source: str = Field(min_length=1)
    read: date
    note: str = ""


class Lifecycle(Frozen):
    """What is known of makers' support, and of when devices were bought."""

    models: dict[str, Support] = Field(default_factory=dict)
    platforms: dict[str, Support] = Field(default_factory=dict)
    bought: dict[str, date] = Field(default_factory=dict, description="by serial number")


def read(file: Path) -> Lifecycle:
    """Read what is known; nothing is, if there is no such file.

    Raises:
        InventoryError: with everything that is wrong in the file.
    """
    name = shown(file)
    try:
        document = Document(file.read_text(encoding="utf-8"), name)
    except FileNotFoundError:
        return Lifecycle()
    except (OSError, UnicodeDecodeError) as e:
        why = e.strerror if isinstance(e, OSError) else "it is no UTF-8"
        raise InventoryError((Problem("lifecycle", name, f"cannot be read: {why}", "mend it, or remove it"),)) from e
    if document.problems:
        raise InventoryError(tuple(document.problems))
    try:
        return Lifecycle.model_validate_json(json.dumps(document.data or {}, default=str), strict=True)
    except ValidationError as e:
        wrong = (
            schema_problem(error, f"{name}:{document.line_of(error['loc'])}", rule="lifecycle") for error in e.errors()
        )
        raise InventoryError(tuple(wrong)) from e
