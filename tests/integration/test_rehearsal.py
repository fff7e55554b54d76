"""A plan is applied to twins first, in a lab that leaves the real hosts' addresses to the machine.

The hosts that play the real ones are those of the lab; their twins are in a lab of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.lab.lab import Lab
from deploy.source.known import with_people
from inventory.snapshot import load
from tests.integration.lab import by_hand, samdrift
from tests.integration.station import Station, prepared

pytestmark = [pytest.mark.lab, pytest.mark.long]

HOST, WAY_OUT = "tie-cache1", "tie-gw1"
CHANGED = "/etc/issue.net"
REHEARSED = ("--limit", HOST, "apply", "--rehearse", "--yes", "--reason", "a test")


@dataclass(frozen=True)
class House:
    station: Station
    inventory: Path


@pytest.fixture(scope="module")
def house(machine: None, image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    samdrift("lab", "up")
    samdrift("--lab", "--limit", HOST, "apply", "--yes")
    directory = tmp_path_factory.mktemp("station")
    station = Station(directory, Lab(), prepared(directory / "twins", image))
    inventory = station.inventory("inventory", with_people(load()), {HOST, WAY_OUT})
    try:
        station.boot(station.twins, inventory, "--like", HOST)
        yield House(station, inventory)
    finally:
        station.twins.down()


def test_a_plan_is_applied_to_the_twin_first_and_then_to_the_real_host(house: House) -> None:
    by_hand(HOST, f"echo by hand >> {CHANGED}")
    done = house.station.samdrift(house.inventory, *REHEARSED)
    assert done.returncode == 0, done.stderr
    assert "Rehearsed on 1 twin:" in done.stdout
    assert "by hand" not in by_hand(HOST, f"cat {CHANGED}")


def test_what_goes_wrong_on_the_twin_reaches_no_real_host(house: House) -> None:
    by_hand(HOST, f"echo by hand >> {CHANGED}")
    by_hand(HOST, f"rm {CHANGED}; mkdir {CHANGED}", house.station.twins)
    done = house.station.samdrift(house.inventory, *REHEARSED)
    assert "on the twins ended with" in done.stderr
    assert done.returncode != 0
    assert "by hand" in by_hand(HOST, f"cat {CHANGED}")
    samdrift("--lab", "--limit", HOST, "apply", "--yes")
