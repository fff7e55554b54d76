"""`samdrift waivers` and `check`: which differences are accepted, and that a file with a mistake in it accepts none."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.cli import main as cli
from deploy.model.findings import Finding, Kind
from deploy.model.messages import MessageId
from deploy.model.record import HostResult
from deploy.store.opening import open_stores
from inventory.paths import SNAPSHOT
from tests.unit.deploy.store.conformance import record

LATER = (date.today() + timedelta(days=300)).isoformat()
WAIVER = """\
motd:
  hosts: {hosts}
  role: base
  step: file /etc/motd
  seen: [0123456789abcdef]
  owner: anna-lindqvist
  reason: Says that the server room moves
  until: '{until}'
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    shutil.copytree(SNAPSHOT, tmp_path / "snapshot")
    return tmp_path / "snapshot"


def asked(capsys: pytest.CaptureFixture[str], inventory: Path, *words: str) -> tuple[int, dict[str, Any]]:
    state = inventory.parent / "state"
    code = cli._ended([*words, "--source", str(inventory), "--state", str(state), "--json"])
    said = capsys.readouterr()
    return code, json.loads(said.out) if said.out else {"error": said.err}


def accept(inventory: Path, hosts: str = "heb-gw1", until: str = LATER) -> None:
    (inventory.parent / "waivers.yaml").write_text(WAIVER.format(hosts=hosts, until=until))


def test_waivers_lie_beside_the_snapshot_and_each_tells_its_hosts(
    capsys: pytest.CaptureFixture[str], inventory: Path
) -> None:
    assert asked(capsys, inventory, "waivers") == (0, {"waivers": [], "findings": [], "exit_code": 0})
    accept(inventory, "heb-gw1 or tie-dns1")
    code, said = asked(capsys, inventory, "waivers")
    assert (code, [(w["name"], w["on"]) for w in said["waivers"]]) == (0, [("motd", ["heb-gw1", "tie-dns1"])])
    assert asked(capsys, inventory, "waivers", "--limit", "heby")[1]["waivers"][0]["on"] == ["heb-gw1"]
    assert asked(capsys, inventory, "waivers", "--limit", "knivsta")[1]["waivers"] == []


@pytest.mark.parametrize(("hosts", "until"), [("heb-gw1", "2026-01-31"), ("heb-gone9", LATER)])
def test_one_that_has_expired_or_is_about_no_host_ends_the_list_with_2(
    capsys: pytest.CaptureFixture[str], inventory: Path, hosts: str, until: str
) -> None:
    accept(inventory, hosts, until)
    code, said = asked(capsys, inventory, "waivers")
    assert (code, [f["kind"] for f in said["findings"]]) == (2, [Kind.WAIVER])


def test_a_mistake_in_the_file_is_told_by_check_with_its_line_and_stops_what_would_change_hosts(
    capsys: pytest.CaptureFixture[str], inventory: Path
) -> None:
    accept(inventory, until="soon")
    code, said = asked(capsys, inventory, "check", "--limit", "heb-sw1")
    assert (code, [f["kind"] for f in said["findings"] if f["kind"] != Kind.NOTICE]) == (1, [Kind.UNSOUND])
    assert "waivers.yaml:8: until" in said["findings"][-1]["summary"]
    code, said = asked(capsys, inventory, "plan", "--limit", "heb-gw1")
    assert code == 1
    assert "waivers.yaml:8: until" in said["error"]["message"]


def test_of_the_latest_drift_is_proposed_what_would_accept_it_and_the_same_of_two_hosts_once(
    capsys: pytest.CaptureFixture[str], inventory: Path
) -> None:
    assert "no drift of these hosts is recorded" in str(asked(capsys, inventory, "waivers", "propose"))
    hosts = ("heb-gw1", "tie-dns1")
    found = tuple(
        Finding(
            kind=Kind.DRIFT,
            host=name,
            role="base",
            step="file /etc/motd",
            message=MessageId.STEP_CHANGED_ON_HOST(step="file /etc/motd"),
            difference=f"{n}" * 16,
        )
        for n, name in enumerate(hosts)
    )
    looked = tuple(HostResult(host=name, municipality="heby", outcome="differs") for name in hosts)
    kept = record("2026-11-29T06:00:00.000Z", hosts=looked).model_copy(update={"command": "drift", "findings": found})
    open_stores(inventory.parent / "state").history.save(kept)
    _, said = asked(capsys, inventory, "waivers", "propose", "--limit", "heb-gw1")
    assert "hosts: heb-gw1\n" in said["waivers"]
    assert f"- '{'0' * 16}'" in said["waivers"]
    _, said = asked(capsys, inventory, "waivers", "propose")
    assert said["waivers"].count("hosts: heb-gw1 or tie-dns1\n") == said["waivers"].count("hosts:") == 1
