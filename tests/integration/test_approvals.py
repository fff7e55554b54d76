"""Approvals and an emergency on two real gateways, by the real program, in a house that asks for an approval there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from deploy.model.plan_file import read_plan_file
from inventory.organisation import Grant, People, Person
from inventory.paths import CODE
from tests.integration.lab import by_hand, samdrift
from tests.sshd import keygen

pytestmark = [pytest.mark.lab, pytest.mark.long]

HEBY, KNIVSTA = "heb-gw1", "kni-gw1"
NEEDED = "role=package_cache or (tierp and role=edge_gateway)"
FILE = "/etc/lldpd.conf"
BY_HAND = "# by hand"

PROGRAM = '''"""The real program, in a house that asks for approvals in the lab, and of people whose keys a test has."""
import sys
from deploy.cli import entry
sys.argv[0] = "samdrift"
entry.make_cooperative(sys.argv[1:])
from inventory import people
from inventory.organisation import People
from inventory.rules import approvals
from inventory.rules.house_rules import Approvals

with open({people!r}, encoding="utf-8") as file:
    known = People.model_validate_json(file.read())
people.of_the_project = lambda today: known
approvals.asked = lambda lab: Approvals(needed={{"device_role=edge-gateway": 1}}, in_the_lab=True)
from deploy.cli.main import main
main()
'''


@dataclass(frozen=True)
class House:
    """The program, people who may approve, and their keys."""

    place: Path

    def samdrift(self, *arguments: object, expect: int = 0) -> Any:
        """Run the program in the lab; its JSON document."""
        command = [sys.executable, str(self.place / "program.py"), "--lab", "--json", *map(str, arguments)]
        done = subprocess.run(
            command, cwd=CODE, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(CODE)}
        )
        assert done.returncode == expect, f"{arguments} ended with {done.returncode}:\n{done.stderr}\n{done.stdout}"
        return json.loads(done.stdout)

    def key(self, name: str) -> Path:
        return self.place / name


@pytest.fixture(scope="module", autouse=True)
def lab(machine: None) -> None:
    """The gateways as they should be: as the main job left them, or else applied for these tests."""
    samdrift("lab", "up")
    try:
        by_hand(HEBY, f"test -e {FILE}")
        by_hand(KNIVSTA, f"test -e {FILE}")
    except subprocess.CalledProcessError:
        samdrift("--lab", "--limit", f"{NEEDED} or {HEBY} or {KNIVSTA}", "apply", "--yes")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    since = date(2019, 1, 1)

    def person(name: str, *of: str) -> Person:
        grant = Grant(function="f", runs=("plan", "apply", "approve"), of=of, since=since)
        key = keygen(tmp_path / name)
        return Person(name=name, full_name=name.title(), home="joint", since=since, keys=(key,), grants=(grant,))

    known = People(everybody=(person("anna", "all"), person("elif", "heby")))
    (tmp_path / "people.json").write_text(known.model_dump_json(), encoding="utf-8")
    (tmp_path / "program.py").write_text(PROGRAM.format(people=str(tmp_path / "people.json")), encoding="utf-8")
    yield House(tmp_path)
    for host in (HEBY, KNIVSTA):  # whatever went wrong, the next test finds them as they should be
        by_hand(host, f"sed -i '/^{BY_HAND}$/d' {FILE}")


def test_a_host_is_changed_as_somebody_of_its_municipality_approved_or_in_an_emergency_that_is_signed_off(
    house: House, tmp_path: Path
) -> None:
    plan, of_both = tmp_path / "plan.json", ("--limit", f"{HEBY} or {KNIVSTA}")
    for host in (HEBY, KNIVSTA):
        by_hand(host, f"echo '{BY_HAND}' >> {FILE}")
    digest = house.samdrift(*of_both, "plan", "--role", "lldp", "--out", plan)["digest"]
    assert set(read_plan_file(plan).plan.changing) == {HEBY, KNIVSTA}

    house.samdrift(*of_both, "apply", plan, "--yes", expect=1)
    told = house.samdrift("approve", plan, "--yes", "--signing-key", house.key("elif"))
    assert [one["hosts"] for one in told["lacking"]] == [[KNIVSTA]]
    house.samdrift(*of_both, "apply", plan, "--yes", "--digest", digest, expect=1)
    assert [BY_HAND in by_hand(host, f"cat {FILE}") for host in (HEBY, KNIVSTA)] == [True, True]

    record = house.samdrift("--limit", HEBY, "apply", plan, "--yes", "--digest", digest)
    assert [(a["by"], a["municipalities"]) for a in record["approvals"]] == [("elif", ["heby"])]
    assert [BY_HAND in by_hand(host, f"cat {FILE}") for host in (HEBY, KNIVSTA)] == [False, True]

    urgent = ("apply", "--role", "lldp", "--yes", "--emergency", "--reason", "larm 4711")
    record = house.samdrift("--limit", KNIVSTA, *urgent)
    assert BY_HAND not in by_hand(KNIVSTA, f"cat {FILE}")
    assert (record["emergency"], [one["hosts"] for one in record["lacking"]]) == (True, [[KNIVSTA]])
    assert record["checks"], "an emergency is verified as any other run"
    assert record["id"] in {run["id"] for run in house.samdrift("history")["emergencies"]}

    comment = ("--comment", "rätt så", "--signing-key")
    refused = house.samdrift("history", "sign-off", record["id"], "--yes", *comment, house.key("elif"), expect=1)
    assert "elif may approve for none of: knivsta" in refused["error"]["message"]
    signed = house.samdrift("history", "sign-off", record["id"], "--yes", *comment, house.key("anna"))
    assert (signed["closes"], signed["open"]) == (True, [])
    assert record["id"] not in {run["id"] for run in house.samdrift("history")["emergencies"]}
