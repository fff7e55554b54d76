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

from datetime import date
from pathlib import Path

from pydantic import Field

from inventory.frozen import Frozen
from inventory.yaml_file import document_in, value_of

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
    if not file.exists():
        return Lifecycle()
    document = document_in(file, "lifecycle")
    return value_of(document, Lifecycle, "lifecycle") if document.data else Lifecycle()
