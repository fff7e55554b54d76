"""NetBox and snapshot: what each side says, and in numbers."""

from __future__ import annotations

from typing import Any

from deploy.views import inventory as inventory_view
from inventory.difference import difference
from inventory.netbox.write_types import WRITE_TYPES
from inventory.netbox.writes import writes
from tests.unit.deploy.views.shown import shown
from tests.unit.inventory import fleets


def test_differences_are_told_object_by_object_with_what_each_side_says() -> None:
    before = fleets.with_hosts(fleets.GATEWAY, fleets.SERVER)
    after = fleets.with_hosts(fleets.GATEWAY | {"status": "planned", "tags": []})

    text = shown(*inventory_view.differences(difference(before, after), "the snapshot", "NetBox", after))

    assert "~ host heb-gw1" in text
    assert "active → planned" in text
    assert "- host tie-dns1  only in the snapshot" in text
    assert "2 objects differ: 1 only in the snapshot, 1 changed." in text
    assert max(map(len, text.splitlines())) <= 100


def test_what_many_hosts_contexts_have_in_common_is_told_once() -> None:
    servers: list[dict[str, Any]] = [
        fleets.SERVER | {"name": f"tie-web{n}", "interfaces": [], "primary_address": None} for n in range(5)
    ]
    moved = [
        s | {"context": {"samdrift": {"roles": {"base": True, "dns_resolver": True}, "wave": 70}}} for s in servers
    ]
    before, after = fleets.with_hosts(*servers), fleets.with_hosts(*moved)

    text = shown(*inventory_view.differences(difference(before, after), "the snapshot", "NetBox", after))

    assert text.count("20 → 70") == 1
    assert "5 hosts: tie-web0, tie-web1, tie-web2, tie-web3, tie-web4" in " ".join(text.split())
    assert "5 objects differ" in text


def test_equal_fleets_are_said_to_be_so() -> None:
    fleet = fleets.fleet()

    assert "NetBox says what the snapshot says: 2 hosts" in shown(
        *inventory_view.differences((), "the snapshot", "NetBox", fleet)
    )


def test_a_seed_is_told_in_numbers_and_if_asked_object_by_object() -> None:
    nothing: dict[str, list[dict[str, Any]]] = {k.name: [] for k in WRITE_TYPES if not k.completes}
    plan = writes(nothing | {"site": [{"id": 1, "slug": "x", "name": "X"}]}, fleets.fleet())

    brief = shown(*inventory_view.seeding(plan, "https://netbox", objects=False))
    full = shown(*inventory_view.seeding(plan, "https://netbox", objects=True))

    assert "Left alone, since the snapshot does not have them: 1 × site." in brief
    assert f"https://netbox: {sum(w.creates for w in plan.writes)} to make, 2 to change" in brief
    assert "device heb-gw1" not in brief
    assert "+ device heb-gw1" in full
    assert max(map(len, full.splitlines())) <= 100
