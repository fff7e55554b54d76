"""The watch on a real management station: its timer has hosts scanned, by a key that looks, and nginx shows what came.

Its hosts are the lab's, after the main job (`test_main_job`) has deployed them; each test leaves them as it found them.
"""

from __future__ import annotations

import http.client
import json
import ssl
from pathlib import Path
from typing import Any

import pytest

from deploy.lab.lab import Lab
from deploy.lab.place import STATE
from deploy.model.record import Record
from deploy.store.opening import open_stores
from deploy.tools.demo import ELAPSES
from inventory.fleet import Fleet
from inventory.snapshot import dump, load
from roles.drift_watch import ACCOUNT, KEY, METRICS
from roles.shared.look_program import NOT_LET
from roles.shared.people import LOOKS_AS
from roles.watch_pages import TLS
from tests.integration.lab import by_hand, samdrift
from tests.unit.roles.test_watch_pages import CN, Authority

pytestmark = [pytest.mark.lab, pytest.mark.long]

STATION, EDGE = "tie-adm1", "heb-gw1"


@pytest.fixture(scope="module")
def lab(empty_lab: Fleet) -> Fleet:
    """The lab, in which the main job has deployed the station and what it scans."""
    return empty_lab


@pytest.fixture(scope="module")
def scan(lab: Fleet) -> Record:
    """What the scan recorded for which the timer of Heby elapsed, while a line of a file there was another."""
    by_hand(EDGE, "echo 'PermitTunnel yes' >> /etc/ssh/sshd_config")
    try:
        ended = by_hand(STATION, f"(\n{ELAPSES.format(municipality='heby')}\n); echo ended with $?")
    finally:
        samdrift("--lab", "--limit", EDGE, "apply", "--yes")
    assert ended.splitlines()[-1] == "ended with 2", ended
    record = open_stores(Lab().directory / STATE).history.latest("drift")
    assert record is not None
    assert f"in record {record.id}" in ended
    return record


def test_the_timers_scan_finds_what_was_changed_by_hand_and_knows_what_was_applied(scan: Record) -> None:
    assert (scan.who, scan.limit, scan.exit_code) == (f"{ACCOUNT}@{STATION}", "heby and (tag=lab)", 2)
    assert [(host.host, host.looked_as) for host in scan.hosts] == [(EDGE, LOOKS_AS)]
    assert [(f.kind, f.host, f.step) for f in scan.findings] == [("drift", EDGE, "file /etc/ssh/sshd_config")]
    assert all(check.outcome != "failed" for check in scan.checks if check.role != "base")


def test_its_record_is_whole_and_the_stations_journal_is_its_witness(scan: Record, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.write_text(by_hand(STATION, "journalctl -t samdrift-history -o short-iso"))

    seen = samdrift("--lab", "history", "verify", "--witness", str(journal))

    assert scan.id in journal.read_text()
    assert seen["breaks"] == []


def test_the_node_exporter_tells_what_the_scan_found(scan: Record) -> None:
    name = "samdrift-drift-heby.prom"
    text = by_hand(STATION, f"cat /var/lib/prometheus/node-exporter/{name}")

    assert by_hand(STATION, f"cat {METRICS}/{name}") == text
    assert 'samdrift_run_exit_code{command="drift",limit="heby and (tag=lab)"} 2' in text
    assert f'host="{EDGE}"' in text


def test_asked_again_that_day_it_makes_no_second_scan(scan: Record) -> None:
    said = by_hand(STATION, f"(\n{ELAPSES.format(municipality='heby')}\n); echo ended with $?")

    assert "has been made" in said
    assert said.splitlines()[-1] == "ended with 0"
    since = (run for run in samdrift("--lab", "history", "--last", "50")["records"] if run["started"] >= scan.started)
    assert [run["id"] for run in since if run["who"] == scan.who] == [scan.id]  # `make demo` may have made one before


def test_whoever_has_the_watchs_key_changes_nothing(scan: Record) -> None:
    def tried(user: str, command: str) -> int:
        ssh = f"ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i {KEY}"
        as_watch = f"runuser -u {ACCOUNT} -- {ssh} {user}@{{address}} '{command}' > /dev/null 2>&1; echo $?"
        return int(by_hand(STATION, as_watch.format(address=load().host(EDGE).address)))

    assert tried(LOOKS_AS, "sudo touch /etc/changed; touch /tmp/changed") == NOT_LET
    assert tried("samdrift", "true") == 255
    assert by_hand(EDGE, "ls /etc/changed /tmp/changed 2> /dev/null || true") == ""
    assert by_hand(STATION, f"find /var/lib/samdrift-runs -name key -user {ACCOUNT}") == ""


def test_people_read_their_own_pages_over_tls_by_a_certificate_and_nobody_without_one(
    scan: Record, tmp_path: Path
) -> None:
    authority = Authority("people of the lab")
    fleet = load()
    host = fleet.host(STATION)
    section = {**host.samdrift, "watch_pages": {**host.samdrift["watch_pages"], "authority": authority.pem}}
    believing = host.model_copy(update={"context": {**host.context, "samdrift": section}})
    hosts = tuple(believing if h.name == STATION else h for h in fleet.hosts)
    dump(fleet.model_copy(update={"hosts": hosts}), tmp_path / "inventory")
    only_pages = ("--limit", STATION, "apply", "--role", "watch_pages", "--yes")
    heby = authority.certificate(tmp_path, (CN, "elif-demir"))
    ca = tmp_path / "pages.crt"
    ca.write_text(by_hand(STATION, f"cat {TLS.certificate}"))

    samdrift("--lab", "--source", str(tmp_path / "inventory"), *only_pages)
    try:
        answers = {path: asked(str(host.address), path, ca, heby) for path in ("/heby/", "/tierp/", "/all/")}
        refused = asked(str(host.address), "/heby/", ca)
    finally:
        samdrift("--lab", *only_pages)

    assert {path: status for path, (status, _) in answers.items()} == {"/heby/": 200, "/tierp/": 403, "/all/": 403}
    assert EDGE in answers["/heby/"][1]
    assert refused[0] == 400


def asked(address: str, path: str, ca: Path, certificate: Path | None = None) -> tuple[int, str]:
    """Status and body of the answer, over TLS that the station's own certificate proves."""
    trust = ssl.create_default_context(cafile=str(ca))
    if certificate is not None:
        trust.load_cert_chain(certificate)
    asks = http.client.HTTPSConnection(address, context=trust, timeout=20)
    asks.request("GET", path)
    got = asks.getresponse()
    return got.status, got.read().decode()


def test_what_it_did_left_the_station_as_roles_have_it(scan: Record) -> None:
    hosts: list[dict[str, Any]] = samdrift("--lab", "--limit", f"{STATION} or {EDGE}", "plan")["plan"]["hosts"]

    assert [(h["host"], s["name"]) for h in hosts for s in h["steps"] if s["commands"]] == []
    assert json.dumps([h["unmanaged"] for h in hosts]) == "[[], []]"
