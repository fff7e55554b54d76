"""What a snapshot remembers of the NetBox beside its fleet: whom it costs, and who is managed no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.source.known import dropped_since, from_snapshot, sourced
from inventory import snapshot
from inventory.errors import InventoryError, Problem
from inventory.fleet import Fleet
from inventory.left_out import counted
from inventory.order import in_order
from inventory.origin import Dropped, Origin, SourceProblem
from inventory.parts import parts
from inventory.scope import Scope
from tests.unit.inventory.fleets import GATEWAY, SERVER, SOUND, fleet, with_hosts

TOLD = Problem("netbox", "interface lan0, lag", "is another device's", "clear it", host="heb-gw1", municipality="heby")

AT_TIERP = {"site": SOUND["sites"][1]["slug"]}


def test_what_only_netbox_can_tell_of_a_host_is_known_of_the_snapshot_too(tmp_path: Path) -> None:
    made = parts(in_order(fleet()), reported=[TOLD])
    dropped = (Dropped(host="tie-old1", municipality="tierp", reason="its status is offline"),)
    said = Origin(
        netbox="https://n.example",
        at="2026-11-28T10:00:00Z",
        digest=made.fleet.digest,
        unsound=tuple(SourceProblem.of(p) for p in made.reported),
        dropped=dropped,
        left_out=counted(made.left_out),
    )
    snapshot.dump(made.fleet, tmp_path / "inventory", said)

    known = from_snapshot(tmp_path / "inventory", "x")

    assert known.fleet.digest == made.fleet.digest
    assert [(str(p), p.host, p.municipality) for p in known.problems] == [(str(TOLD), "heb-gw1", "heby")]
    assert (known.dropped, known.time) == (dropped, said.at)
    assert snapshot.origin(known.fleet, tmp_path / "inventory") == said


def test_it_stays_with_the_host_when_somebody_edits_the_snapshot(tmp_path: Path) -> None:
    said = Origin(netbox="x", at="t", digest="of another fleet", unsound=(SourceProblem.of(TOLD),))
    snapshot.dump(fleet(), tmp_path / "inventory", said)

    assert [p.host for p in from_snapshot(tmp_path / "inventory", "x").problems] == ["heb-gw1"]


@pytest.mark.parametrize(
    ("now", "reasons"),
    [
        (fleet(), []),
        (fleet(hosts=[GATEWAY | {"host_keys": []}, SERVER]), []),
        (fleet(hosts=[GATEWAY, SERVER, GATEWAY | {"name": "heb-gw2"}]), []),
        (with_hosts(SERVER), [("heb-gw1", "NetBox has no host of this name")]),
        (fleet(hosts=[GATEWAY | {"status": "offline"}, SERVER]), [("heb-gw1", None)]),
        (fleet(hosts=[GATEWAY | {"context": {}}, SERVER]), [("heb-gw1", None)]),
        (
            fleet(hosts=[GATEWAY | {"status": "offline", "site": SOUND["sites"][1]["slug"]}, SERVER]),
            [("heb-gw1", "its status is offline")],
        ),
    ],
)
def test_a_host_that_was_managed_and_is_not_is_told_with_the_reason(now: Fleet, reasons: list[tuple[str, str]]) -> None:
    live = sourced(parts(now), "netbox", "")

    found = dropped_since(fleet(), live)

    assert [d.host for d in found] == [host for host, _ in reasons]
    for one, (_, reason) in zip(found, reasons, strict=True):
        assert one.municipality == "heby"
        assert reason is None or one.reason == reason


def test_of_a_host_that_a_scope_may_have_left_out_unread_is_not_said_that_netbox_has_none() -> None:
    live = sourced(parts(with_hosts(SERVER)), "netbox", "")

    (found,) = dropped_since(fleet(), live, Scope(tenants=("tierp",)))

    assert found.reason == "NetBox has no host of this name in the scope (inventory/scope.yaml)"


def test_people_who_cannot_be_read_are_an_error_and_the_fleet_is_known_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "people.yaml").write_text("people: 1\n", encoding="utf-8")
    monkeypatch.setattr("inventory.people.PEOPLE", tmp_path / "people.yaml")

    with pytest.raises(InventoryError, match="people") as caught:
        from_snapshot(snapshot.DEFAULT, "snapshot")

    assert caught.value.fleet == snapshot.load()
