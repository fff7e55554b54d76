"""Record what a NetBox of some version answers about a small fleet, for tests/unit/inventory/test_netbox_recorded.py.

Run by hand against an empty NetBox that nobody else uses, with SAMDRIFT_NETBOX_URL and SAMDRIFT_NETBOX_TOKEN set:
`python -m tests.integration.record_netbox`. It seeds the fleet, and writes whole rows, so that a field that samdrift
reads later is in the recording already.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from deploy.source.netbox import connected
from inventory.netbox.client import NetBox
from inventory.netbox.read_types import READ_TYPES
from inventory.netbox.write_types import WRITE_TYPES
from tests.integration.netbox import seeded
from tests.unit.inventory.test_netbox_recorded import RECORDED, recorded_fleet

LEFT_OUT = {"url", "display_url", "created", "last_updated"}
"""They say where and when it was recorded, and nothing else."""


def main() -> None:
    """Seed the NetBox, and write its answers."""
    netbox = connected(os.environ.get("SAMDRIFT_NETBOX_URL"), None)
    seeded(netbox, recorded_fleet())
    endpoints = {kind.endpoint for kind in READ_TYPES} | {kind.endpoint for kind in WRITE_TYPES}
    of = {endpoint: in_its_own_words(netbox, endpoint) for endpoint in endpoints}
    file = RECORDED / f"{netbox.version}.json"
    file.write_text(json.dumps(of, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write(f"{file}\n")


def in_its_own_words(netbox: NetBox, endpoint: str) -> list[Any]:
    """All rows of an endpoint, whole, as this version says them; the client would translate."""
    rows = netbox._session.send("GET", endpoint, params={"limit": 1000})["results"]
    return sorted((short(row) for row in rows), key=lambda row: int(row["id"]))


def short(value: Any) -> Any:
    """An answer without the fields that are left out."""
    if isinstance(value, dict):
        return {k: short(v) for k, v in value.items() if k not in LEFT_OUT}
    return [short(v) for v in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
