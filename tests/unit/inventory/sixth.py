"""The sixth municipality of docs/add-a-municipality.md, added to the shipped fleet as the page says."""

from __future__ import annotations

import re
from typing import Any

import yaml

from inventory.fleet import Fleet
from inventory.order import in_order
from inventory.paths import CODE
from inventory.snapshot import load

PAGE = CODE / "docs" / "add-a-municipality.md"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGwvWkLtwvfpPBKb0TbSOPsW4Jr20flw+H3DAZr2dxxK"


def with_a_sixth() -> Fleet:
    """Return the shipped fleet, and what the page adds to it."""
    fleet = load().model_dump(mode="json")
    for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL):
        added: dict[str, list[dict[str, Any]]] = yaml.safe_load(block)
        for section, items in added.items():
            fleet[section] += items
    new = fleet["hosts"][-1]
    heby = next(h for h in fleet["hosts"] if h["name"] == "heb-gw1")
    fleet["hosts"][-1] = new | {"host_keys": [HOST_KEY], "context": heby["context"]}
    return in_order(Fleet.model_validate(fleet))
