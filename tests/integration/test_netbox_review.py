"""A review beside a real NetBox: no host where that is as the snapshot; after an edit, the hosts that it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from inventory.netbox.client import NetBox
from inventory.snapshot import load
from tests.integration.test_netbox_pull import live, samdrift

__all__ = ["live", "samdrift"]

pytestmark = [pytest.mark.lab, pytest.mark.netbox, pytest.mark.long]

Samdrift = Callable[..., tuple[int, Any, str]]
SERVERS, HOST, OTHER = "virtualization/virtual-machines", "tie-web1", "tie-care1"


@pytest.fixture
def edited(live: NetBox) -> Iterator[None]:
    """Somebody gives one server's journal more room, and writes another one's description anew."""
    servers = {row["name"]: row for row in live.rows(SERVERS) if row["name"] in {HOST, OTHER}}
    before = [
        {"id": servers[HOST]["id"], "local_context_data": servers[HOST]["local_context_data"]},
        {"id": servers[OTHER]["id"], "description": servers[OTHER]["description"]},
    ]
    own = servers[HOST]["local_context_data"] or {}
    section = {**own.get("samdrift", {}), "base": {"journal_max": "3G"}}
    local = {**own, "samdrift": section}
    live.update(SERVERS, [{**before[0], "local_context_data": local}, {**before[1], "description": "Flyttad"}])
    yield
    live.update(SERVERS, before)


def test_no_host_changes_where_netbox_says_what_the_snapshot_says(live: NetBox, samdrift: Samdrift) -> None:
    code, review, _ = samdrift("review", "--against", "netbox")

    assert (code, review["against"], review["hosts"], review["differences"]) == (0, "netbox", [], [])
    assert review["compared"]["hosts"] == sum(h.is_managed for h in load().hosts)


def test_an_edit_is_the_host_that_it_changes_and_one_that_changes_none_is_not_told(
    edited: None, samdrift: Samdrift
) -> None:
    code, review, _ = samdrift("review", "--against", "netbox")
    assert (code, [(h["host"], h["how"]) for h in review["hosts"]]) == (2, [(HOST, "changed")])
    (difference,) = review["differences"]
    assert (difference["role"], difference["hosts"]) == ("base", [HOST])
    assert "-SystemMaxUse=3G" in difference["diff"].splitlines()

    code, other_way, _ = samdrift("review", "--source", "netbox", "--against", "./inventory/snapshot")
    assert (code, [h["host"] for h in other_way["hosts"]]) == (2, [HOST])
    assert "+SystemMaxUse=3G" in other_way["differences"][0]["diff"].splitlines()
