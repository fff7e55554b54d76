"""Findings and checks are shown in full, by Swedish names, and each reason once."""

from __future__ import annotations

from rich.text import Text

from deploy.check.judge import Judgement
from deploy.check.offline import Offline
from deploy.model.evidence import Commands, Diff, Error, FailedCheck, Note
from deploy.model.findings import Finding, Kind
from deploy.model.messages import MessageId, as_written, samdrift
from deploy.views import findings as findings_view
from tests.unit.deploy.views.shown import NAMES, check, record_of, shown


def test_checks_are_counted_by_outcome_and_reasons_given_once() -> None:
    hosts = [f"heb-gw{n}" for n in range(30)]
    checks = [check(h, "not applicable", "a container") for h in hosts] + [check("heb-gw1", "failed", "it does not")]

    text = shown(*findings_view.verified(record_of(*checks), NAMES, 100))

    assert max(map(len, text.splitlines())) <= 100
    assert "31 checks on 30 hosts: 1 failed, 30 not applicable." in text
    assert text.count("a container") == 1
    assert "it does not" in text


def test_who_is_heard_and_nobody_knows_is_shown_beside_checks_that_passed() -> None:
    finding = Finding(
        kind=Kind.NOTICE,
        host="ost-sw1",
        municipality="osthammar",
        role="access_switch",
        step="its neighbours",
        message=MessageId.STRANGERS_HEARD(ports="Gi1/0/20"),
        evidence=(Note(message=MessageId.HEARD_AT(port="Gi1/0/20", name="tel\x1b[2J")),),
    )
    seen = record_of(check("ost-sw1", "passed", "")).model_copy(update={"findings": (finding,)})

    text = shown(*findings_view.verified(seen, NAMES, 100))

    for words in ("NOTICE  ost-sw1", "at Gi1/0/20 somebody is heard", r"tel\x1b[2J at Gi1/0/20", "1 passed"):
        assert words in text


def test_no_check_at_all_is_said_and_not_called_passed() -> None:
    assert "0 checks on 0 hosts: none ran." in shown(*findings_view.verified(record_of(), NAMES, 100))


def test_findings_name_the_municipality_in_swedish_with_diff_and_remedy() -> None:
    finding = Finding(
        kind=Kind.DRIFT,
        host="ost-gw1",
        municipality="osthammar",
        role="base",
        step="file /etc/x",
        message=as_written("file /etc/x: changed"),
        evidence=(Diff(text="@@ -1 +1 @@\n-a\n+b"),),
        advice=MessageId.APPLY(apply=samdrift("apply", "--limit", "ost-gw1")),
    )

    text = shown(*findings_view.findings([finding], NAMES))

    for words in ("DRIFT  ost-gw1 · Östhammar · role base", "-a", "+b", "→ samdrift apply --limit ost-gw1"):
        assert words in text


def test_a_finding_of_no_host_names_the_municipality_whose_it_is() -> None:
    message = as_written("AS 1 is not private")
    found = Finding(kind=Kind.UNSOUND, municipality="alvkarleby", step="asn site x", message=message)

    assert shown(*findings_view.findings([found], {"alvkarleby": "Älvkarleby"})).startswith(
        "1. UNSOUND INVENTORY  Älvkarleby"
    )


def test_a_check_counts_files_and_devices_by_role_and_says_why_some_were_not_judged() -> None:
    done = Offline(
        hosts=3,
        settings=4,
        files=9,
        configurations=2,
        judgements=(
            Judgement(role="base", path="/etc/x", hosts=("a", "b"), outcome="not applicable", detail="x is not here"),
            Judgement(kind="configuration", role="access_switch", path="it", hosts=("c",), outcome="accepted"),
            Judgement(kind="configuration", role="access_switch", path="it", hosts=("d",), outcome="refused"),
        ),
    )

    text = shown(*findings_view.offline(done, NAMES))

    assert any(line.split() == ["access_switch", "1", "1", "·"] for line in text.splitlines())
    assert "x is not here  /etc/x" in text
    said = " ".join(text.split())
    assert "3 hosts, 4 roles' settings, 9 files, 2 configurations of devices." in said
    assert "Of 1 different file with a judge and these configurations: 1 accepted, 1 refused, 1 not applicable." in said


def test_each_sort_of_evidence_has_a_look_of_its_own_whatever_its_lines_begin_with() -> None:
    finding = Finding(
        kind=Kind.UNKNOWN,
        message=as_written("s"),
        evidence=(
            Commands(lines=("cat <<E\n+ no diff\nE",)),
            Error(text="- no diff\n@@ nor this"),
            FailedCheck(name="answers [red]{}%s", detail="+ nor this"),
            Note(message=MessageId.A_STEP_MOVED()),
            Diff(text="--- live\n+++ wanted\n@@ -1 +1 @@\n--- was a comment\n+$ a\n same\n"),
        ),
    )

    text = [line for part in findings_view.findings([finding], {}) if isinstance(part, Text) for line in part.split()]

    assert [(line.plain, _style(line)) for line in text[2:-1]] == [
        ("      $ cat <<E", "dim"),
        ("        + no diff", "dim"),
        ("        E", "dim"),
        ("      - no diff", ""),
        ("      @@ nor this", ""),
        ("      ✗ check failed: answers [red]{}%s", "bold red"),
        ("        + nor this", ""),
        ("      a step differs", ""),
        ("      --- live", "bold"),
        ("      +++ wanted", "bold"),
        ("      @@ -1 +1 @@", "cyan"),
        ("      --- was a comment", "red"),
        ("      +$ a", "green"),
        ("       same", ""),
    ]


def _style(line: Text) -> str:
    """The first style on a line."""
    return next((str(s.style) for s in line.spans if str(s.style)), "") or str(line.style)
