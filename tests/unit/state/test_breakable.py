"""Every state check has a change by which it must fail (`tests/integration/mutations`), or stands where none can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.mutations import CHANGES, NOTHING_BREAKS
from tests.integration.mutations.devices import DEVICE_CHANGES
from tests.unit.state.conftest import Hosts

DOCS = Path(__file__).parents[3] / "docs" / "add-a-check.md"


@pytest.mark.long
def test_every_check_has_a_change_that_breaks_it(hosts: Hosts) -> None:
    breakable = {
        (role, check) for table in (CHANGES, DEVICE_CHANGES) for role, checks in table.items() for check in checks
    }
    assert not breakable & NOTHING_BREAKS.keys()
    assert breakable | NOTHING_BREAKS.keys() == {(c.role, c.name) for c in hosts.checks(None)}


@pytest.mark.parametrize("table", [CHANGES, DEVICE_CHANGES], ids=["servers", "devices"])
def test_no_check_has_an_empty_list_of_changes(table: dict[str, dict[str, tuple[object, ...]]]) -> None:
    assert [check for checks in table.values() for check, changes in checks.items() if not changes] == []


def test_the_docs_list_the_checks_that_nothing_breaks() -> None:
    said = DOCS.read_text(encoding="utf-8")
    for (role, check), why in NOTHING_BREAKS.items():
        assert f"| `{role}` | {check} | {why} |" in said
