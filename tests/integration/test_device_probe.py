"""Probing devices by the real program and over real SSH: what is asked, judged and written. On emulated devices."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from inventory import snapshot
from roles.shared.device.known import known_vendors
from roles.shared.device.transcript import commands_of, from_yaml
from tests.emulator.grammar import applied as applied_lines
from tests.integration.test_device_checks import Program, in_the_rack


@pytest.mark.long
def test_a_device_is_asked_and_not_changed_and_its_transcript_says_nothing_of_whom_it_is(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: the devices must listen on port 22")
    with in_the_rack(("ost-sw1", "heb-fw1"), tmp_path / "key", 22) as (fleet, devices):
        snapshot.dump(fleet, tmp_path / "fleet")
        run, switch = Program(tmp_path), devices["ost-sw1"]
        lines = ("hostname ost-sw1", "snmp-server community Kanarie RO", "lldp run")
        switch.running = applied_lines(switch.platform, switch.running, lines)
        before = switch.configuration
        out = tmp_path / "probe.yaml"

        answered = run("probe", "ost-sw1", "--out", str(out), expect=0)

        outcomes = {j["about"]: j["outcome"] for j in answered["judgements"]}
        assert outcomes["configuration: show running-config"] == "ok"
        assert outcomes["timer: show archive config rollback timer"] == "ok"
        assert outcomes["the transcript says what the device did"] == "ok"
        assert set(outcomes.values()) <= {"ok", "not seen"}
        vendor = known_vendors()["cisco-ios"]
        transcript = from_yaml(out.read_text())
        assert tuple(said.typed for said in transcript.exchanges) == commands_of(vendor)
        assert [said.refused for said in transcript.exchanges if said.typed in vendor.identifies] == [True, True]
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
        assert not re.search(r"(?i)kanarie|ost-sw1|östervåla|127\.[1-9]", out.read_text())
        assert switch.configuration == before
        assert not [line for line in switch.typed if line.startswith("conf")]

        assert run("probe", "tie-adm1", expect=64)["error"]["message"].startswith("host tie-adm1")
        switch.shows["show ntp status"] = "% Invalid input detected at '^' marker.\n"
        refused = run("probe", "ost-sw1", "--out", str(out), expect=1)
        assert {"about": "time: show ntp status", "outcome": "refused", "detail": ""} in refused["judgements"]
