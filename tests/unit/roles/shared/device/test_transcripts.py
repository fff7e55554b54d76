"""What devices answered when they were probed, read as it is today: a transcript that is sent in becomes a test.

Put it into `transcripts/` when you have read it. What its `note` says of where it comes from is what it proves.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from roles.shared.device.known import known_vendors
from roles.shared.device.transcript import (
    Exchange,
    Transcript,
    as_yaml,
    commands_of,
    from_yaml,
    judged,
    kept_secret,
    series_of,
)

FILES = sorted((Path(__file__).parent / "transcripts").glob("*.yaml"))
IOS = known_vendors()["cisco-ios"]
PENDING = "show archive config rollback timer"
CONFIGURATION = "hostname name-1\nvlan 20\n name text-1\n"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_a_device_answered_is_as_believed(file: Path) -> None:
    transcript = from_yaml(file.read_text(encoding="utf-8"))
    vendor = known_vendors()[transcript.platform]
    found = (*judged(vendor, transcript), kept_secret(transcript))
    assert [j for j in found if j.outcome not in {"ok", "not seen"}] == []
    running = transcript.answer(vendor.show)
    assert running is not None
    assert series_of(vendor, running.answer) == transcript.series
    assert transcript.note


def test_there_is_one_of_each_vendor_whose_devices_are_managed() -> None:
    assert {from_yaml(f.read_text(encoding="utf-8")).platform for f in FILES} >= {
        "arubaos-cx", "cisco-ios", "fortios", "junos",
    }  # fmt: skip


def test_every_command_that_is_asked_only_shows_something() -> None:
    for vendor in known_vendors().values():
        assert all(c.split()[0] in {"show", "get", "diagnose"} for c in commands_of(vendor)), vendor.platform


def outcomes(**answers: str | None) -> dict[str, str]:
    """What is judged of a switch of IOS that answered this, and all else as it should; None is a refusal."""
    commands = {"show": IOS.show, "pending": PENDING} | {asked: q.command for asked, q in IOS.asks.items()}
    usual = {"show": CONFIGURATION, "pending": "%No Rollback Confirmed Change pending\n"}
    said = [
        Exchange(typed=command, answer=answer or "", seconds=0, refused=answer is None or answer.startswith("%"))
        for what, command in commands.items()
        if (answer := answers.get(what, usual.get(what, ""))) is not None or what in answers
    ]
    found = judged(IOS, Transcript(code="", taken="", platform="cisco-ios", exchanges=tuple(said)))
    return {j.about.split(":")[0]: j.outcome for j in found}


def test_a_configuration_that_is_not_read_is_not_as_believed() -> None:
    assert outcomes()["configuration"] == "ok"
    assert outcomes(show="\n")["configuration"] == "not as believed"
    assert outcomes(show=None)["configuration"] == "refused"


def test_a_device_that_counts_or_says_it_otherwise_is_not_as_believed() -> None:
    assert outcomes()["timer"] == "ok"
    assert outcomes(pending="Time configured(or reconfigured): 10\n")["timer"] == "not as believed"
    assert outcomes(pending="There is no rollback\n")["timer"] == "not as believed"
    assert outcomes(pending="% Invalid input detected\n")["timer"] == "refused"


def test_an_answer_of_many_lines_of_which_none_is_understood_is_not_as_believed() -> None:
    assert outcomes(neighbours="Total entries displayed: 0\n")["neighbours"] == "not seen"
    assert outcomes(neighbours="LLDP says\nsomething\nof another\nform\n")["neighbours"] == "not as believed"
    assert outcomes(neighbours=None)["neighbours"] == "refused"
    assert outcomes(time="Clock is synchronized, stratum 2\n")["time"] == "ok"


def test_a_secret_that_is_left_is_told_without_it() -> None:
    said = Exchange(typed="show x", answer="snmp-server community Kanarie RO\n", seconds=0)
    found = kept_secret(Transcript(code="", taken="", platform="cisco-ios", exchanges=(said,)))
    assert found.outcome == "not as believed"
    assert "Kanarie" not in found.detail


def test_a_transcript_is_read_as_it_was_written() -> None:
    said = Exchange(typed="show x", answer=" a\n\nå: ‹withheld›\n# no: comment\n", seconds=0.1)
    one = Transcript(code="c", taken="t", platform="cisco-ios", note="n", exchanges=(said,))
    assert from_yaml(as_yaml(one)) == one
