"""The board, purchasers and those who bring systems together each read what they decide on, and nothing made up."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from deploy.model.findings import Finding
from deploy.model.record import Record
from deploy.model.waived import Waived
from deploy.report.board import Board, Decision, board
from deploy.report.consolidation import consolidation
from deploy.report.procurement import Procurement, Standing, procurement
from deploy.report.reader_pages import reader_html
from inventory import lifecycle, snapshot
from inventory.errors import InventoryError
from inventory.lifecycle import Lifecycle, Support
from tests.unit.deploy.report.reports import report_of
from tests.unit.deploy.report.test_report import (
    DRIFT,
    DRIFT_RUN,
    FLEET,
    HOSTILE,
    TODAY,
    Page,
    check,
    checked,
    record,
    result,
)

AT, SINCE = "2026-12-01T00:00:00.000Z", "2026-11-01T00:00:00.000Z"
SHIPPED = snapshot.load(snapshot.DEFAULT)
DAY = date(2026, 12, 1)


def bought(known: Lifecycle | None = None) -> Procurement:
    return procurement(SHIPPED, SHIPPED.hosts, known or Lifecycle(), AT, DAY)


def until(day: str) -> Support:
    return Support(support_until=date.fromisoformat(day), source="https://example.org", read=DAY)


# --- the board ------------------------------------------------------------------------------------------------------


def of_board(*records: Record, then: bool = True) -> Board:
    now = report_of(FLEET, FLEET.hosts, records, AT, since=SINCE, today=TODAY, whole=True)
    earlier = report_of(FLEET, FLEET.hosts, [r for r in records if r.started < SINCE], SINCE, today=TODAY, whole=True)
    return board(now, earlier if then and earlier.run else None, bought())


OCTOBER = record(
    id="october",
    started="2026-10-20T06:00:00.000Z",
    hosts=(result("alv-gw1", "in sync"), result("tie-gw1", "differs")),
    checks=(check("it runs", "alv-gw1", "firewall"),),
)
NOVEMBER = record(
    id="november",
    started="2026-11-20T06:00:00.000Z",
    hosts=(result("alv-gw1", "differs"), result("tie-gw1", "in sync")),
    findings=(DRIFT.model_copy(update={"first_seen": "2026-10-25T00:00:00.000Z"}),),
    checks=(check("it runs", "tie-gw1", "firewall"),),
)


def test_the_board_reads_whether_it_is_in_order_and_what_became_of_it() -> None:
    made = of_board(OCTOBER, NOVEMBER)
    assert made.in_order is False
    assert {p.name: p.in_order for p in made.parts} == {"Tierp": True, "Älvkarleby": False, "Östhammar": None}
    assert (made.worse, made.better) == (("alv-gw1",), ("tie-gw1",))
    assert (made.found, made.mended) == (1, 0)
    page = reader_html(made)
    assert "Allt är inte i ordning." in page
    assert "förra tillfället" in page
    assert "förra tillfället" not in reader_html(of_board(NOVEMBER))


def test_that_nothing_was_checked_is_no_order() -> None:
    unchecked = {"hosts": (result("alv-gw1", "in sync"),), "findings": (), "checks": ()}
    nothing = of_board(NOVEMBER.model_copy(update=unchecked))
    assert nothing.in_order is None
    assert "Ingen vet om det är i ordning." in reader_html(nothing)
    assert of_board().in_order is None


def test_the_board_is_asked_what_nobody_decided() -> None:
    waived = Waived(name="w", owner="eva", reason="flytten", until="2027-01-15", standing="accepted")
    accepted = DRIFT.model_copy(update={"waived": waived, "step": "another"})
    run = NOVEMBER.model_copy(update={"findings": (*NOVEMBER.findings, accepted)})
    decided = [(d.what, d.municipality, d.about, d.when) for d in of_board(run).decisions]
    assert decided == [
        (Decision.WAIVER, "", "w (eva)", "2027-01-15"),
        (Decision.OLD_FINDING, "Älvkarleby", "", ""),
        (Decision.UNSEEN, "Östhammar", "", ""),
        (Decision.UNSEEN, "Tierp", "", ""),
    ]


def test_an_inventory_that_is_not_sound_and_a_support_that_ends_are_decisions() -> None:
    ending = bought(Lifecycle(models={"fortinet-fg-60f": until("2027-01-01")}))
    found = Finding.model_validate({"kind": "unsound inventory", "summary": "asn"})
    decided = board(checked(found), None, ending).decisions
    assert [(d.what, d.about, d.count) for d in decided if d.what in {Decision.UNSUPPORTED, Decision.INVENTORY}] == [
        (Decision.UNSUPPORTED, "FortiGate 60F", 4),
        (Decision.INVENTORY, "", 1),
    ]


def test_a_waiver_s_last_day_is_counted_from_the_day_that_people_live() -> None:
    """As it is 00:30 in Sweden, it is the day before in UTC."""
    waived = Waived(name="w", owner="eva", reason="flytten", until="2027-01-30", standing="accepted")
    run = NOVEMBER.model_copy(update={"findings": (DRIFT.model_copy(update={"waived": waived}),)})
    for at, asked in (("2026-11-30T22:30:00.000Z", False), ("2026-11-30T23:30:00.000Z", True)):
        now = report_of(FLEET, FLEET.hosts, [run], at, since=SINCE, today=TODAY, whole=True)
        assert (Decision.WAIVER in {d.what for d in board(now, None, bought()).decisions}) is asked


# --- procurement ----------------------------------------------------------------------------------------------------


def test_every_device_stands_with_model_and_serial_and_what_nobody_looked_up_is_not_called_supported() -> None:
    made = bought()
    assert {d.host for d in made.devices} == {h.name for h in SHIPPED.hosts if h.kind == "device"}
    assert all(d.serial and d.model for d in made.devices)
    assert {d.standing for d in made.devices} == {Standing.UNKNOWN}
    assert sum(m.count for m in made.models) == len(made.devices)
    assert sum(m.count for m in made.platforms) == len(SHIPPED.hosts)
    assert made.together == ()


@pytest.mark.parametrize(
    ("last", "standing"),
    [
        ("2026-11-30", Standing.ENDED),
        ("2026-12-01", Standing.SOON),
        ("2028-11-30", Standing.SOON),
        ("2028-12-01", Standing.SUPPORTED),
    ],
)
def test_support_ends_after_its_last_day(last: str, standing: Standing) -> None:
    made = bought(Lifecycle(models={"fortinet-fg-60f": until(last)}))
    assert {d.standing for d in made.devices if d.model == "fortinet-fg-60f"} == {standing}
    (of_model,) = (m for m in made.models if m.slug == "fortinet-fg-60f")
    assert (of_model.standing, of_model.support_until) == (standing, last)
    assert of_model.by_municipality == {"alvkarleby": 1, "heby": 1, "knivsta": 1, "osthammar": 1}
    bought_together = [t.by_municipality for t in made.together]
    assert bought_together == ([of_model.by_municipality] if standing is not Standing.SUPPORTED else [])


def test_a_device_that_is_old_is_to_be_planned_for_whatever_its_maker_says() -> None:
    serials = {h.name: h.serial for h in SHIPPED.hosts}
    old = {serials["heb-fw1"]: date(2019, 11, 1), serials["kni-fw1"]: date(2019, 12, 30)}
    made = {d.host: d for d in bought(Lifecycle(bought=old)).devices}
    assert (made["heb-fw1"].standing, made["heb-fw1"].years) == (Standing.OLD, 7.1)
    assert (made["kni-fw1"].standing, made["kni-fw1"].years) == (Standing.UNKNOWN, 6.9)


def test_what_is_shipped_of_support_says_where_it_was_read() -> None:
    shipped = lifecycle.read(Path(lifecycle.__file__).with_name(lifecycle.FILE))
    assert shipped.platforms.keys() <= {p.slug for p in SHIPPED.platforms}
    assert shipped.models.keys() <= {t.slug for t in SHIPPED.device_types}
    assert shipped.bought.keys() <= {h.serial for h in SHIPPED.hosts}
    assert all(s.source.startswith("https://") for s in (*shipped.platforms.values(), *shipped.models.values()))


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("models: {x: {support_until: '2027-13-01', source: s, read: '2026-11-30'}}", "support_until"),
        ("models: {x: {support_until: '2027-01-01', source: '', read: '2026-11-30'}}", "source"),
        ("modells: {}", "modells"),
        ("[", "lifecycle.yaml:1"),
    ],
)
def test_a_file_that_is_wrong_is_told_with_its_place(text: str, wrong: str, tmp_path: Path) -> None:
    (tmp_path / "lifecycle.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InventoryError) as told:
        lifecycle.read(tmp_path / "lifecycle.yaml")
    assert wrong in str(told.value)


def test_what_purchasers_of_one_municipality_read_holds_nothing_of_anothers() -> None:
    own = [h for h in SHIPPED.hosts if h.tenant == "heby"]
    made = procurement(SHIPPED, own, Lifecycle(models={"fortinet-fg-60f": until("2027-01-01")}), AT, DAY)
    text = reader_html(made) + made.model_dump_json()
    for host in SHIPPED.hosts:
        if host.tenant != "heby":
            assert not [word for word in (host.name, host.serial) if word and word in text]
    assert made.together == ()


def test_without_a_file_nothing_is_known(tmp_path: Path) -> None:
    assert lifecycle.read(tmp_path / "lifecycle.yaml") == Lifecycle()


# --- consolidation --------------------------------------------------------------------------------------------------


def test_what_all_use_what_each_has_and_what_one_has_alone() -> None:
    made = consolidation(SHIPPED, SHIPPED.hosts, (), AT, SINCE)
    shared = {h.name for h in SHIPPED.hosts if "shared" in h.tags and h.status == "active"}
    assert {name for s in made.shared for name in s.hosts} == shared
    assert "local_dns" in {s.role for s in made.separate}
    assert "dns_resolver" not in {s.role for s in made.separate}
    assert "base" not in {s.role for s in made.separate}
    assert "tie-school1" in {s.host for s in made.own}
    assert {e.site for e in made.edges} == {s.slug for s in SHIPPED.sites}
    assert made.moved is None
    assert "Ingen körning berättar hur det var då." in reader_html(made)


def test_how_it_moved_is_what_runs_saw_before() -> None:
    then = record(hosts=(result("alv-gw1", "in sync"), result("tie-gone1", "in sync", tenant="tierp")))
    moved = consolidation(FLEET, FLEET.hosts, (then,), AT, SINCE).moved
    assert moved is not None
    of_tierp = next(m for m in moved if m.municipality == "tierp")
    assert (of_tierp.then, of_tierp.gone) == (1, ("tie-gone1",))
    assert next(m for m in moved if m.municipality == "alvkarleby").new == ()


# --- pages ----------------------------------------------------------------------------------------------------------


def test_pages_are_well_formed_in_one_language_and_obey_nothing() -> None:
    hostile = SHIPPED.model_copy(
        update={"hosts": tuple(h.model_copy(update={"description": HOSTILE, "serial": HOSTILE}) for h in SHIPPED.hosts)}
    )
    documents = (
        of_board(OCTOBER, NOVEMBER.model_copy(update={"reason": HOSTILE})),
        procurement(hostile, hostile.hosts, Lifecycle(), AT, DAY),
        consolidation(hostile, hostile.hosts, (DRIFT_RUN,), AT, SINCE),
    )
    for document in documents:
        swedish, english = reader_html(document), reader_html(document, "en")
        assert swedish != english
        for page in (swedish, english):
            parsed = Page(page)
            assert parsed.open == []
            assert "<script" not in page
            assert "{{" not in page.replace("{{ 7*7 }}", "")
            ids = [a["id"] for _, a in parsed.tags if "id" in a]
            assert {i for _, a in parsed.tags for i in (a.get("aria-labelledby") or "").split()} <= set(ids)
