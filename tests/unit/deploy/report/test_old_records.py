"""A report of an old record says what was in force then, whatever became of roles, controls and their titles since."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.cli import main as cli
from deploy.model.findings import Exit
from deploy.model.record import HostResult, Manifest, Record, RoleManifest, Title
from deploy.report.document import Report
from deploy.report.page import html
from deploy.runs.manifest import manifest_now
from deploy.store.opening import open_stores
from inventory import snapshot
from roles.shared import controls
from roles.shared.catalogue import catalogue
from roles.shared.intent import Intent
from tests.unit.deploy.report.reports import report_of
from tests.unit.deploy.report.test_report import FLEET, MADE_AT, record, result
from tests.unit.deploy.runs.test_runs import run_of
from tests.unit.deploy.store.places import rewrite

CLOCKS = "ISO 27002:2022 8.17"
NOTE = "de som visas gäller när rapporten görs"


@pytest.fixture
def recorded(tmp_path: Path) -> Record:
    """A drift of some of the project's own hosts, kept in a store."""
    fleet = snapshot.load(snapshot.DEFAULT)
    hosts = tuple(h for h in fleet.hosts if h.roles)[:6]
    run = dataclasses.replace(run_of(), intent=Intent(fleet), hosts=hosts, stores=open_stores(tmp_path / "state"))
    results = [HostResult(host=h.name, municipality=h.tenant, outcome="in sync") for h in hosts]
    return run.save(hosts=results, findings=(), code=Exit.OK)


@pytest.fixture
def report(
    recorded: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], tuple[bytes, bytes]]:
    """Write a report by the command, at one time of day; its two files."""
    monkeypatch.setattr("deploy.model.clock.now", lambda: recorded.finished)

    def written(name: str) -> tuple[bytes, bytes]:
        out = tmp_path / name
        assert cli._ended(["report", "--state", str(tmp_path / "state"), "--out", str(out)]) == 0
        capsys.readouterr()
        return (out / "report.html").read_bytes(), (out / "report.json").read_bytes()

    return written


@pytest.fixture
def change_roles(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Change a role's summary, controls and place among the others, and the title of a control."""

    def change() -> None:
        monkeypatch.setattr("roles.time.__doc__", "Quite another summary.")
        monkeypatch.setattr("roles.time.SWEDISH", "Något helt annat.")
        monkeypatch.setattr("roles.time.CONTROLS", ["ISO 27002:2022 8.24"])
        monkeypatch.setattr("roles.time.AFTER", ["firewall"])
        monkeypatch.setitem(dict_of(controls.STANDARD), CLOCKS, ("En annan titel", "Another title"))
        catalogue.cache_clear()

    yield change
    monkeypatch.undo()
    catalogue.cache_clear()


def dict_of(mapping: object) -> dict[str, object]:
    assert isinstance(mapping, dict)
    return mapping


def test_a_report_does_not_change_by_a_byte_when_a_role_does(
    report: Callable[[str], tuple[bytes, bytes]], change_roles: Callable[[], None]
) -> None:
    before = report("before")
    assert b"Klocksynkronisering" in before[0]
    now = manifest_now()

    change_roles()

    assert report("after") == before
    assert manifest_now() != now


def test_a_report_of_a_record_from_before_manifests_shows_what_is_in_force_today_and_says_so(
    recorded: Record, report: Callable[[str], tuple[bytes, bytes]], change_roles: Callable[[], None], tmp_path: Path
) -> None:
    def as_it_was(document: dict[str, Any]) -> None:
        del document["manifest"]
        for host in document["hosts"]:
            del host["roles"]

    rewrite(tmp_path / "state", recorded.id, as_it_was)
    before = report("before")

    change_roles()

    after = report("after")
    assert NOTE in before[0].decode()
    assert json.loads(before[1])["manifest_of"] == "report"
    assert "Något helt annat." in after[0].decode()
    assert b"Quite another summary." in after[1]
    assert NOTE in after[0].decode()


def test_a_record_keeps_every_role_its_checks_and_the_title_of_every_control(recorded: Record, tmp_path: Path) -> None:
    kept = open_stores(tmp_path / "state").history.record(recorded.id).manifest
    assert kept == manifest_now()
    assert kept is not None
    assert [r.name for r in kept.roles] == list(catalogue())
    assert kept.titles.keys() == {c for r in kept.roles for c in kept.answered(r.name)}
    assert all(set(r.proves) == set(r.checks) for r in kept.roles)
    assert all(r.checks for r in kept.roles)


# --- roles that came or went since ---------------------------------------------------------------------------------

THEN = Manifest(
    roles=(
        RoleManifest(name="firewall", summary="Then.", controls=("X 1",)),
        RoleManifest(name="time", summary="Clocks, then.", controls=("X 2",)),
    ),
    titles={"X 1": Title(swedish="Ett", english="One")},
)
TODAY = Manifest(roles=(RoleManifest(name="time", summary="Today.", controls=("X 3",)),))


def made(*results: HostResult, manifest: Manifest | None = THEN) -> Report:
    run = record(hosts=results, manifest=manifest)
    return report_of(FLEET, FLEET.hosts, [run], MADE_AT, today=TODAY)


def roles_of(report: Report, host: str) -> dict[str, bool | None]:
    return {r.name: r.in_effect for r in next(h for h in report.hosts if h.name == host).roles}


def test_a_role_that_a_host_was_given_since_was_not_looked_at() -> None:
    report = made(result("alv-gw1", "in sync", roles=("firewall",)))
    assert roles_of(report, "alv-gw1") == {"firewall": True, "time": None}


def test_a_role_that_was_taken_from_a_host_since_stands_as_it_was_seen() -> None:
    report = made(result("alv-gw1", "in sync", roles=("firewall", "time", "dns_resolver")))
    assert roles_of(report, "alv-gw1") == {"firewall": True, "time": True, "dns_resolver": True}


def test_a_host_outside_the_run_has_the_roles_of_the_inventory_in_the_run_s_words() -> None:
    report = made(result("alv-gw1", "in sync", roles=("firewall",)))
    gateway = next(h for h in report.hosts if h.name == "tie-gw1")
    assert [(r.name, r.summary, r.in_effect) for r in gateway.roles] == [
        ("firewall", "Then.", None),
        ("time", "Clocks, then.", None),
    ]


def test_controls_and_titles_are_those_of_the_run() -> None:
    report = made(result("alv-gw1", "in sync", roles=("firewall", "time")))
    assert [(c.id, c.title.swedish if c.title else None) for c in report.controls] == [("X 1", "Ett"), ("X 2", None)]
    assert report.manifest_of == "run"
    assert NOTE not in html(report)


def test_without_a_run_the_roles_are_today_s_and_there_is_nothing_to_note() -> None:
    report = report_of(FLEET, FLEET.hosts, [], MADE_AT, today=TODAY)
    assert report.manifest_of == "report"
    assert [c.id for c in report.controls] == ["X 3"]
    assert NOTE not in html(report)
