"""Backups of devices, by the real program and over real SSH: kept by each look, shown masked, restored as a plan.

On emulated devices, whose configurations the shipped fleet's roles have never seen: nothing of them is applied here.
"""

from __future__ import annotations

import re
import sqlite3
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import closing
from copy import deepcopy
from pathlib import Path

import pyrage
import pytest

from tests.emulator.device import Device
from tests.emulator.grammar import applied as applied_lines
from tests.integration.lab import program as samdrift
from tests.integration.test_device_checks import Program, program_in

CANARY = "Kan4rie-9"


@pytest.fixture
def program(tmp_path: Path) -> Iterator[tuple[Program, dict[str, Device]]]:
    with program_in(tmp_path) as running:
        yield running


def kept_in(state: Path) -> bytes:
    """All that a state directory holds, with what its database has compressed unpacked."""
    found: list[bytes] = []
    for file in [p for p in state.rglob("*") if p.is_file()]:
        found.append(file.read_bytes())
        if found[-1].startswith(b"SQLite format 3"):
            with closing(sqlite3.connect(file)) as database:
                dumped = [line for line in database.iterdump() if " VALUES(" in line]
            found += [
                unpacked(bytes.fromhex(value)) for line in dumped for value in re.findall(r"X'([0-9A-F]+)'", line)
            ]
    return b"\n".join(found)


def unpacked(value: bytes) -> bytes:
    try:
        return zlib.decompress(value)
    except zlib.error:
        return value


def by_hand(device: Device, *lines: str) -> None:
    device.running = applied_lines(device.platform, device.running, lines)


@pytest.mark.long
def test_a_change_by_hand_is_shown_masked_and_restored(program: tuple[Program, dict[str, Device]]) -> None:
    run, devices = program
    switch = devices["ost-sw1"]
    by_hand(switch, f"snmp-server community {CANARY}1 RO", "vlan 88", " name Before", "exit")
    look(run)
    before, first = deepcopy(switch.running), backups(run)
    assert len(first) == 1
    look(run)
    assert backups(run) == first  # nothing has changed

    by_hand(switch, f"no snmp-server community {CANARY}1 RO", f"snmp-server community {CANARY}2 RW", "no vlan 88")
    by_hand(switch, "vlan 89", "interface GigabitEthernet1/0/1", f" description password {CANARY}3", "exit")
    look(run)
    assert len(backups(run)) == 2
    shown = run("history", "config", "ost-sw1", "--diff", expect=0)
    assert CANARY not in str(shown)
    assert "-vlan 88" in shown["diff"]
    assert "+vlan 89" in shown["diff"]
    whole = run("history", "config", "ost-sw1", "--diff", "--unmasked", expect=0)
    assert f"-snmp-server community {CANARY}1 RO" in whole["diff"]
    assert f"+snmp-server community {CANARY}2 RW" in whole["diff"]

    taken = first[0]["taken"]
    record = run("restore", "ost-sw1", "--at", taken, "--yes", expect=0)
    assert [h["outcome"] for h in record["hosts"]] == ["changed"]
    assert CANARY not in str(record)
    assert switch.running == before  # lines may stand in another order
    again = run("restore", "ost-sw1", "--at", taken, "--yes", expect=0)
    assert [h["outcome"] for h in again["hosts"]] == ["in sync"]
    everything = kept_in(run.directory / "state")
    assert b"ost-sw1" in everything
    assert CANARY.encode() not in everything


@pytest.mark.long
def test_a_plan_of_a_restoration_says_apart_what_it_takes_away_and_types_no_mark(
    program: tuple[Program, dict[str, Device]],
) -> None:
    run, devices = program
    switch = devices["ost-sw1"]
    look(run)
    by_hand(switch, "vlan 89", "exit", f"snmp-server community {CANARY} RO")
    (taken,) = (b["taken"] for b in backups(run))
    page = said(run, "restore", "ost-sw1", "--at", taken, "--yes")
    assert "2 lines that take something away:" in page
    assert "- no vlan 89" in page
    assert CANARY not in page
    assert "vlan 89" not in switch.configuration
    assert CANARY not in switch.configuration


@pytest.mark.long
def test_without_the_key_of_the_municipality_nobody_reads_a_backup_or_restores_it(
    program: tuple[Program, dict[str, Device]],
) -> None:
    run, devices = program
    look(run)
    before = devices["ost-sw1"].configuration
    other = run.directory / "identity"
    other.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    assert len(backups(run)) == 1  # when, but not what
    for arguments in (
        ("history", "config", "ost-sw1", "--at", "2099", "--unmasked"),
        ("history", "config", "ost-sw1", "--at", "2099"),
        ("restore", "ost-sw1", "--at", "2099", "--yes"),
    ):
        refused = run(*arguments, expect=1)
        assert "not encrypted to the key" in refused["error"]["message"]
    assert devices["ost-sw1"].configuration == before


@pytest.mark.long
def test_a_firewall_that_cannot_take_a_change_back_is_restored_by_name_alone(
    program: tuple[Program, dict[str, Device]],
) -> None:
    run, devices = program
    firewall = devices["heb-fw1"]
    look(run)
    before = firewall.configuration
    by_hand(firewall, "config system global", 'set alias "somebody was here"', "end")
    (taken,) = (b["taken"] for b in backups(run, "heb-fw1"))
    run("restore", "heb-fw1", "--at", taken, "--yes", expect=64)
    assert firewall.configuration != before
    run("restore", "heb-fw1", "--at", taken, "--yes", "--no-rollback", expect=0)
    assert firewall.configuration == before


def backups(run: Program, host: str = "ost-sw1") -> list[dict[str, str]]:
    """What is known of a host's backups, newest first."""
    kept: list[dict[str, str]] = run("history", "config", host, expect=0)["backups"]
    return kept


def look(run: Program) -> None:
    """Plan. What the devices' roles make of them is none of these tests' business."""
    said(run, "plan")


def said(run: Program, *arguments: str) -> str:
    """What the program prints for people."""
    files = {"source": "fleet", "state": "state", "key": "key", "identity": "identity"}
    options = [text for name, file in files.items() for text in (f"--{name}", str(run.directory / file))]
    argv = [samdrift(), *options, "--limit", "ost-sw1 or heb-fw1", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout
