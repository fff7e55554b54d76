"""What a review says of a change is what real plans say: the same steps of the same hosts, and no other.

The hosts are the lab's, as they should be; so what a look at them would change is the change that is reviewed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from deploy.lab.lab import Lab
from deploy.review.comparing import SEARCH, review
from deploy.review.sides import Side, rendered
from deploy.review.state import State
from deploy.source.known import with_people
from inventory.fleet import Fleet
from inventory.paths import CODE
from inventory.snapshot import load
from tests.integration.lab import samdrift
from tests.integration.station import Station
from tests.unit.deploy.review.changes import OF_A_HOST, OF_THE_CODE, tree_with
from tests.unit.deploy.review.renders import DAY, with_host

pytestmark = [pytest.mark.lab, pytest.mark.long]

HOSTS = ("tie-cache1", "tie-gw1", "tie-dns1")
NEEDED = "role=package_cache or role=dns_resolver or role=log_server or (tierp and role=edge_gateway)"

SEEDS = (0, 3, 4, 8, 21)
"""Of these, each kind of change is there: of options, ports and kernels, of templates, packages and modes."""

Steps = set[tuple[str, str, str]]
"""Steps of hosts that differ: host, role, name."""


@dataclass(frozen=True)
class House:
    """A station for which the lab's hosts are real, its inventory, and what a review makes of that."""

    station: Station
    fleet: Fleet
    inventory: Path
    before: State

    def reviewed(self, inventory: Path, code: Path, directory: Path) -> Steps:
        """What a review says that differs on these hosts."""
        (after,) = rendered([Side(code, inventory, "after")], directory, DAY)
        hosts = [h for h in review(self.before, after, "before", "after").hosts if h.host in HOSTS]
        assert {h.how for h in hosts} <= {"changed"}
        return {(h.host, d.role, d.name) for h in hosts for d in h.differences if d.kind not in {"restart", SEARCH}}

    def planned(self, inventory: Path, code: Path = CODE) -> Steps:
        """What would change on these hosts, as a look at them says."""
        limit = " or ".join(HOSTS)
        done = self.station.samdrift(inventory, "--json", "--limit", limit, "plan", code=code)
        assert done.returncode == 0, done.stderr
        hosts = json.loads(done.stdout)["plan"]["hosts"]
        assert {h["host"] for h in hosts if not h["error"]} == set(HOSTS)
        return {(h["host"], s["role"], s["name"]) for h in hosts for s in _changing(h["steps"])}


def _changing(steps: Iterable[dict[str, object]]) -> Iterable[dict[str, str]]:
    return (s for s in steps if s["commands"] and not s["handler"])  # type: ignore[misc]  # words, all of them


@pytest.fixture(scope="module")
def house(machine: None, tmp_path_factory: pytest.TempPathFactory) -> House:
    """The hosts as they should be: as the main job left them, or else applied for these tests."""
    samdrift("lab", "up")
    directory = tmp_path_factory.mktemp("review")
    station, fleet = Station(directory, Lab(), Lab()), with_people(load())
    inventory = station.inventory("before", fleet, HOSTS)
    (before,) = rendered([Side(CODE, inventory, "before")], directory, DAY)
    made = House(station, fleet, inventory, before)
    if made.planned(inventory):
        samdrift("--lab", "--limit", NEEDED, "apply", "--yes")
        assert made.planned(inventory) == set(), "nothing is to be compared with hosts that are not as they should be"
    return made


@pytest.mark.parametrize("seed", SEEDS)
def test_the_steps_that_a_review_names_are_those_that_a_look_at_real_hosts_would_change(
    seed: int, house: House, tmp_path: Path
) -> None:
    random = Random(seed)  # noqa: S311  which change it is is no secret
    fleet = house.fleet
    inventory_changes = {name: random.choice(sorted(OF_A_HOST)) for name in random.sample(HOSTS, 2)}
    for name, change in inventory_changes.items():
        fleet = with_host(fleet, name, OF_A_HOST[change])
    code_change = random.choice(sorted(OF_THE_CODE))
    inventory = house.station.inventory(f"after-{seed}", fleet, HOSTS)
    tree = tree_with(code_change, tmp_path / "tree")

    said = house.reviewed(inventory, tree, tmp_path)

    assert said, "each of these seeds is a change of some host"
    assert said == house.planned(inventory, tree), (inventory_changes, code_change)
