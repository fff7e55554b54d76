from __future__ import annotations

import pytest

from deploy.model.record import HostResult, Record
from deploy.source.write_back import LONGEST_LIST, entries, is_of_the_lab
from tests.unit.deploy.lab_fleet import host


def a_record(*hosts: HostResult, command: str = "apply") -> Record:
    return Record(
        id=f"20261125T040000.000Z-{command}-ab12",
        command=command,
        who="anna-lindqvist@tie-adm1",
        started="2026-11-25T04:00:00.000Z",
        finished="2026-11-25T04:03:00.000Z",
        fleet_digest="f" * 64,
        fleet_source="netbox",
        code_digest="c" * 64,
        plan_digest="p" * 64,
        hosts=hosts,
        exit_code=0,
    )


def a_host(outcome: str, *changed: str) -> HostResult:
    return HostResult.model_validate(
        {"host": "heb-gw1", "municipality": "heby", "outcome": outcome, "changed": changed}
    )


def test_a_host_that_was_changed_gets_when_by_whom_which_plan_and_a_journal_entry_that_says_what() -> None:
    (entry,) = entries(a_record(a_host("changed", "time: chrony.service running")))
    assert entry.fields == {
        "samdrift_state": "changed",
        "samdrift_applied_at": "2026-11-25T04:03:00.000Z",
        "samdrift_applied_by": "anna-lindqvist@tie-adm1",
        "samdrift_plan": "p" * 64,
    }
    assert entry.journal_kind == "success"
    assert "by anna\\-lindqvist@tie\\-adm1: changed, 1 steps" in entry.journal
    assert f"Plan `{'p' * 64}`" in entry.journal
    assert "- time: chrony.service running" in entry.journal


def test_a_host_that_broke_off_keeps_when_it_was_last_applied_and_its_journal_says_what_was_done() -> None:
    (entry,) = entries(a_record(a_host("failed", "base: package locales")))
    assert entry.fields == {"samdrift_state": "failed"}
    assert entry.journal_kind == "danger"
    assert "base: package locales" in entry.journal


def test_a_look_changes_the_state_alone_and_writes_nothing_in_the_journal() -> None:
    hosts = (a_host("differs"), a_host("in sync"), a_host("unknown"))
    told = entries(a_record(*hosts, command="drift"))
    assert [e.fields for e in told] == [{"samdrift_state": h.outcome} for h in hosts]
    assert {e.journal for e in told} == {""}


def test_a_host_that_was_skipped_is_not_spoken_of() -> None:
    assert entries(a_record(a_host("skipped"))) == ()


def test_a_journal_entry_stays_short_and_says_how_much_it_leaves_out() -> None:
    (entry,) = entries(a_record(a_host("changed", *(f"base: file {i}" for i in range(LONGEST_LIST + 3)))))
    assert entry.journal.endswith("- and 3 more")


def test_what_a_step_is_called_is_no_markdown_in_netbox() -> None:
    (entry,) = entries(a_record(a_host("changed", "base: file /etc/<b>[x](javascript:y)\n# z")))
    assert entry.journal.splitlines()[-1] == r"- base: file /etc/\<b\>\[x\]\(javascript:y\) \# z"


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("http://127.0.0.1:8000", True),
        ("https://[::1]", True),
        ("https://10.60.10.16", True),
        ("https://10.60.10.17", False),
        ("https://netbox.example.org", False),
    ],
)
def test_what_the_lab_rehearses_is_told_to_no_netbox_but_its_own(url: str, own: bool) -> None:
    assert is_of_the_lab(url, [host("tie-netbox1", ("eth0", "10.60.10.16/24"))]) is own
