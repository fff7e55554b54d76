"""A NetBox that others use: the community's demo data. It stops nothing, and nothing of it is touched.

`netbox-demo/` has the data, migrated to the NetBox of the lab, and its licence.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inventory.difference import difference
from inventory.netbox.custom_fields import CUSTOM_FIELDS
from inventory.snapshot import load
from tests.integration.lab import NETBOX, NetBoxServer, program
from tests.integration.netbox import NAMED_BY_OTHERS

pytestmark = [pytest.mark.lab, pytest.mark.netbox, pytest.mark.long]

NOTED = {"users_token", "users_user", "django_session", "core_objectchange", "core_job"}
"""Tables in which NetBox notes who comes and what is done, and not what is."""
COUNTED = {"lft", "rght", "tree_id", "level", "path", "sort_path"}
"""Columns in which NetBox counts what lies in what, anew with each addition; so are those in _count or after _."""


def samdrift(server: NetBoxServer, state: Path, *arguments: str) -> Any:
    """Run the real program on this NetBox; its JSON document, if it ends well."""
    environment = os.environ | {
        "SAMDRIFT_NETBOX_URL": server.url,
        "SAMDRIFT_NETBOX_TOKEN": server.reading,
        "SAMDRIFT_NETBOX_SEED_TOKEN": server.seeding,
        "SAMDRIFT_NETBOX_CA": str(server.ca),
        "SAMDRIFT_STATE": str(state),
    }
    argv = [program(), "--json", *arguments]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{arguments} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr}"
    return json.loads(done.stdout)


def what_is(server: NetBoxServer) -> set[str]:
    """Return every row that says what is, without what NetBox counts by itself.

    When a custom field is made, NetBox adds it to all objects of the kind, empty: samdrift's are taken away.
    """
    found = set()
    for table, row in server.rows():
        if table in NOTED:
            continue
        kept = {k: v for k, v in row.items() if k not in COUNTED and not k.startswith("_") and not k.endswith("_count")}
        fields = kept.get("custom_field_data")
        if isinstance(fields, dict):
            kept["custom_field_data"] = {k: v for k, v in fields.items() if k not in OWN_FIELDS or v is not None}
        found.add(f"{table} {json.dumps(kept, sort_keys=True)}")
    return found


OWN_FIELDS = {field.name for field in CUSTOM_FIELDS}


@pytest.fixture
def others(lab_netbox: NetBoxServer) -> Iterator[NetBoxServer]:
    """The lab's NetBox with the demo data in it, and nothing else."""
    lab_netbox.with_demo_data()
    yield lab_netbox
    lab_netbox.empty()
    lab_netbox.forget()


def test_a_netbox_that_others_use_is_pulled_as_it_is(others: NetBoxServer, tmp_path: Path) -> None:
    alone = samdrift(others, tmp_path, "inventory", "pull", "--out", str(tmp_path / "alone"))

    left_out = {kind: sum(c["count"] for c in alone["left_out"] if c["kind"] == kind) for kind in KINDS}
    assert alone["findings"] == []
    assert left_out["device"] >= 60
    assert left_out["virtual machine"] == 180


@pytest.mark.soak
def test_the_five_municipalities_live_beside_it(others: NetBoxServer, tmp_path: Path) -> None:
    before = what_is(others)

    samdrift(others, tmp_path, "inventory", "seed", "--yes")
    assert before - what_is(others) == set()

    both = samdrift(others, tmp_path, "inventory", "pull", "--out", str(tmp_path / "both"))
    assert both["findings"] == []
    pulled = load(tmp_path / "both")
    assert {d.title for d in difference(load(), pulled)} == NAMED_BY_OTHERS
    since = samdrift(others, tmp_path, "inventory", "pull", "--since-last", "--out", str(tmp_path / "since"))
    assert since["digest"] == both["digest"]

    ours = ("--source", str(tmp_path / "both"))
    assert samdrift(others, tmp_path, *ours, "inventory", "diff")["differences"] == []
    for source in ((), ours):
        assert samdrift(others, tmp_path, *source, "inventory", "seed", "--yes")["written"] == []
    assert samdrift(others, tmp_path, "--source", "netbox", "--limit", "heby", "check")["exit_code"] == 0
    planned = samdrift(others, tmp_path, "--source", "netbox", "--lab", "--limit", NETBOX, "plan")
    assert [host["host"] for host in planned["plan"]["hosts"]] == [NETBOX]
    assert before - what_is(others) == set()


KINDS = ("device", "virtual machine")
