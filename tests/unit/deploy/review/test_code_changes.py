"""Changes of templates and roles, held against what pyinfra itself registers by the code of both trees."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.review.comparing import review
from deploy.review.sides import Side, rendered
from deploy.review.state import State
from inventory.paths import CODE
from tests.unit.deploy.review.changes import OF_THE_CODE, tree_with
from tests.unit.deploy.review.renders import DAY

HOSTS = ("tie-care1", "heb-gw1", "tie-dns1", "heb-sw1", "tie-cache1")
REGISTERS = """
import json, sys
from datetime import date
from deploy.engine.declare import register
from inventory import people, snapshot
from roles.shared.intent import Intent
fleet = snapshot.load()
fleet = fleet.model_copy(update={"people": people.of_the_project(date.fromisoformat(sys.argv[1]))})
intent = Intent(fleet)
found = {}
for name in sys.argv[2:]:
    host = fleet.host(name)
    declared = register([host], {name: intent.settings(host)})[name]
    found[name] = [[op.id, op.intent] for op in declared.operations if not op.handler]
print(json.dumps(found))
"""


def registered(tree: Path) -> dict[str, list[list[str]]]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", REGISTERS, DAY.isoformat(), *HOSTS]
    done = subprocess.run(command, env=environment, cwd=tree, capture_output=True, text=True, check=True, timeout=200)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def before() -> dict[str, list[list[str]]]:
    return registered(CODE)


@pytest.mark.long
@pytest.mark.parametrize("change", OF_THE_CODE)
def test_a_review_has_the_hosts_for_which_pyinfra_registers_otherwise_and_no_others(
    change: str, before: dict[str, list[list[str]]], shipped: State, tmp_path: Path
) -> None:
    tree = tree_with(change, tmp_path / "tree")
    (after,) = rendered([Side(tree, tree / "inventory" / "snapshot", "tree")], tmp_path, DAY)
    made = review(shipped, after, "before", "after")
    now = registered(tree)
    assert {h.host for h in made.hosts} & set(HOSTS) == {name for name in HOSTS if now[name] != before[name]}
