"""What NetBox 4.4, 4.5, 4.6 and 4.7 really answered about one fleet is that fleet.

The answers in `netbox_recorded` are whole rows of real NetBoxes, each seeded with the fleet by samdrift and then
recorded (`tests/integration/record_netbox.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from inventory.fleet import Fleet
from inventory.netbox import seed
from inventory.netbox.assemble import assembled
from inventory.netbox.client import NetBox
from inventory.netbox.faults import NetBoxError
from inventory.netbox.pull import pull
from inventory.netbox.versions import NEWEST, VERSIONS, Version
from inventory.order import in_order
from tests.unit.inventory.fleets import without_merged
from tests.unit.inventory.netbox_server import TOKEN

RECORDED = Path(__file__).with_name("netbox_recorded")


def recorded_fleet() -> Fleet:
    """What the recorded NetBoxes hold."""
    return in_order(Fleet.model_validate_json((RECORDED / "fleet.json").read_bytes()))


class Recorded:
    """A session of a NetBox that answers what a real one of this version did; GraphQL is switched off."""

    url = "https://netbox.example.org"

    def __init__(self, version: Version) -> None:
        self.is_of, self.version = version, NEWEST
        self.of = json.loads((RECORDED / f"{version}.json").read_text(encoding="utf-8"))

    def send(
        self, _method: str, endpoint: str, _document: Any = None, params: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        if endpoint == "graphql":
            raise NetBoxError("there is no such page", status=404)
        asked = params or {}
        self.version = self.is_of
        start = asked.get("start" if self.is_of.starts_lists else "id__gte", 0)
        rows = [row for row in self.of.get(endpoint, ()) if row["id"] >= start]
        names = asked["fields"].split(",")
        return {"next": None, "results": [{name: row[name] for name in names} for row in rows]}


@pytest.fixture(params=VERSIONS, ids=str)
def recorded(request: pytest.FixtureRequest) -> NetBox:
    netbox = NetBox(Recorded.url, TOKEN)
    netbox._session = Recorded(request.param)  # type: ignore[assignment]
    return netbox


def test_what_a_real_netbox_answered_is_the_fleet_that_it_was_given(recorded: NetBox) -> None:
    made = assembled(pull(recorded).rows)

    assert made.problems == ()
    assert without_merged(made.fleet) == without_merged(recorded_fleet())


def test_seed_finds_nothing_to_write_to_it(recorded: NetBox) -> None:
    plan = seed.planned(recorded, recorded_fleet())

    assert [write.title for write in plan.writes] == []
