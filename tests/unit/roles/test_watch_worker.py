"""A worker of the watch: whose scans it makes, how it reaches store and hosts, and that its unit lets it do no more."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from deploy.engine.declare import declarations
from deploy.jobs.watch import Watch
from inventory import snapshot
from inventory.fleet import Fleet, Host
from roles.drift_watch import Settings as WatchSettings
from roles.drift_watch import asks as watch_asks
from roles.shared.intent import Intent
from roles.shared.parts.templates import render
from roles.shared.sandbox import exposure
from roles.shared.settings import SettingsError
from roles.watch_worker import ACCOUNT, HOME, UNIT, Options, Settings, asks, sandbox, ways_out
from tests.unit.roles.judging import judged, needs
from tests.unit.roles.test_drift_watch import GIVEN, watched

STORE = "postgresql://samdrift_worker@10.60.10.40:5433/samdrift?sslmode=verify-full"


def working(role: str = "management-station", also: tuple[str, ...] = (), **options: Any) -> tuple[Fleet, Host]:
    """The shipped fleet, in which Heby has a worker."""
    fleet = snapshot.load()
    station = fleet.host("tie-adm1")
    roles = dict.fromkeys(("base", "firewall", "node_metrics", "watch_worker", *also), True)
    context = {"roles": roles, "base": station.samdrift["base"], "watch_worker": {**GIVEN, "store": STORE, **options}}
    if "drift_watch" in also:
        context |= {"drift_watch": GIVEN}
    given = {"name": "heb-work1", "tenant": "heby", "role": role, "tags": ()}
    host = station.model_copy(update={**given, "context": {"samdrift": {"wave": 50, **context}}})
    return fleet.model_copy(update={"hosts": (*fleet.hosts, host)}), host


def made(**options: Any) -> Settings:
    fleet, host = working(**options)
    found = Intent(fleet).required(host, "watch_worker")
    assert isinstance(found, Settings)
    return found


def unit(**options: Any) -> str:
    return render(f"watch_worker/{UNIT}.j2", settings=made(**options), sandbox=sandbox())


def test_a_worker_makes_the_scans_of_the_municipality_that_owns_its_host_or_of_those_that_are_named() -> None:
    assert made().municipalities == ("heby",)
    assert made(municipalities=["heby", "knivsta"]).municipalities == ("heby", "knivsta")
    assert "samdrift-worker --watch /etc/samdrift-worker/watch.json heby knivsta\n" in unit(
        municipalities=["heby", "knivsta"]
    )


def test_the_worker_reads_what_the_role_tells_it() -> None:
    watch = Watch.model_validate_json(made().watch)

    assert watch.queued
    assert str(watch.database) == STORE
    assert watch.environment["SAMDRIFT_LOOK_KEY"] == f"{HOME}/look-key"
    assert "SAMDRIFT_KEY" not in watch.environment
    assert str(watch.program) == "/opt/samdrift/bin/samdrift"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"role": "server"}, "no host would let this worker in"),
        ({"also": ("drift_watch", "management_station")}, "a station that queues makes no scans itself"),
        ({"municipalities": ["heby", "uppsala"]}, "no such municipality: uppsala"),
    ],
)
def test_what_cannot_work_is_refused(more: dict[str, Any], says: str) -> None:
    fleet, host = working(**more)

    with pytest.raises(SettingsError, match=says):
        Intent(fleet).required(host, "watch_worker")


@pytest.mark.parametrize(
    "store",
    [
        "/var/lib/samdrift/store",
        "postgresql://worker:password@10.60.10.40/samdrift",
        "postgresql://worker@10.60.10.40/samdrift --evil",
        "postgresql://worker@10.60.10.40/samdrift\n",
        "postgresql://worker@$(evil)/samdrift",
        "mysql://worker@10.60.10.40/samdrift",
    ],
)
def test_a_store_that_cannot_be_a_workers_is_refused(store: str) -> None:
    with pytest.raises(ValidationError, match="store"):
        Options(**{**GIVEN, "store": store})


def test_gateways_let_worker_and_station_through_to_the_database_that_is_named_by_its_address() -> None:
    (ask,) = asks(made())
    assert (str(ask.destinations[0]), ask.port) == ("10.60.10.40/32", 5433)
    assert asks(made(store="postgresql://w@db.tierp.example/samdrift")) == ()
    assert [way.port for way in ways_out(made())] == [443]
    assert ways_out(made(index="https://pypi.norduppland.internal/simple")) == ()

    fleet, host = watched(store="postgresql://samdrift_station@[fd00::40]/samdrift", queued=True)
    station = Intent(fleet).required(host, "drift_watch")
    assert isinstance(station, WatchSettings)
    assert [(str(a.destinations[0]), a.port) for a in watch_asks(station)] == [("fd00::40/128", 5432)]
    told = Watch.model_validate_json(station.watch)
    assert (told.queued, told.tells, str(told.database)) == (True, True, station.store)


def test_a_station_without_a_database_cannot_queue() -> None:
    fleet, host = watched(queued=True)

    with pytest.raises(SettingsError, match="scans are queued in a store that several hosts use"):
        Intent(fleet).required(host, "drift_watch")


def test_the_password_of_the_store_stands_in_a_file_of_the_accounts_alone_unless_a_certificate_opens_it() -> None:
    fleet, host = working()
    (file,) = (f for f in declarations(host, Intent(fleet))[0] if f.path == f"{HOME}/.pgpass")

    assert (file.owner, file.mode) == (ACCOUNT, "600")
    assert made().store_password is not None
    assert made(store=f"{STORE}&sslcert=/var/lib/x.crt&sslkey=/var/lib/x.key").store_password is None
    assert "secret" not in made().watch


@needs("systemd-analyze")
def test_the_service_is_exposed_to_less_than_two_of_ten_and_systemd_understands_it(tmp_path: Path) -> None:
    file = tmp_path / UNIT
    text = unit().replace("/opt/samdrift/bin/samdrift-worker", "/bin/true").replace(f"={ACCOUNT}\n", "=root\n")
    file.write_text(text, encoding="utf-8")
    verified = subprocess.run(["systemd-analyze", "verify", str(file)], capture_output=True, text=True, check=False)
    assert [line for line in verified.stderr.splitlines() if ACCOUNT in line] == []

    file.write_text(unit(), encoding="utf-8")
    words = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(file)]
    analysed = subprocess.run(words, capture_output=True, text=True, check=False)
    assert exposure(analysed.stdout) < 2.0, analysed.stdout


@needs("sh", "python3", "ssh-keygen")
def test_every_file_is_accepted_by_the_program_that_reads_it() -> None:
    fleet, host = working()
    ours = [file for file in declarations(host, Intent(fleet))[0] if file.role == "watch_worker"]

    assert {file.path for file in ours} >= {"/usr/local/sbin/samdrift-install", "/etc/samdrift-worker/watch.json"}
    for file in ours:
        if file.validate_with:
            answer = judged(file.validate_with, file.path, file.content, mode=file.mode)
            assert answer.code == 0, answer
