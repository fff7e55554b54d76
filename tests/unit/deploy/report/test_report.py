"""The report says what was seen and what was not, about its own hosts only, and nothing on its page is obeyed."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.model.evidence import Commands, Diff, Error, FailedCheck, Note
from deploy.model.findings import Finding, Kind, Severity
from deploy.model.history import Runs, checks_of
from deploy.model.inventory_findings import unsound as findings_of_problems
from deploy.model.messages import MessageId, as_written, samdrift
from deploy.model.record import AppliedStep, CheckResult, HostResult, Manifest, Record, RoleManifest, summary_of
from deploy.model.step_id import StepId
from deploy.model.text import diff_lines
from deploy.model.waived import Waived
from deploy.model.words import Language, in_words, name
from deploy.report.bundle import as_json
from deploy.report.document import Place, Report, ReportedFinding, Result, State, Why
from deploy.report.page import ReportError, headline, html, write
from deploy.report.picture import picture
from deploy.runs.manifest import manifest_now
from inventory.fleet import Fleet, Host, Interface
from inventory.network import Prefix
from inventory.organisation import Platform, Region, Site, Tenant
from inventory.rules import problems
from roles.shared.catalogue import catalogue
from roles.shared.change import Change
from tests.unit.deploy.report.reports import report_of
from tests.unit.inventory.test_rules import BROKEN

MADE_AT = "2026-11-23T22:20:00.000Z"
TODAY = manifest_now()
HOSTILE = "<script>alert('x')</script>\"&\u202egnp.exe\x1b[31m{{ 7*7 }}"


def host(name: str, tenant: str, site: str, address: str, *roles: str, **more: object) -> Host:
    """A Debian host with one interface and these samdrift roles."""
    return Host.model_validate(
        {
            "name": name,
            "kind": "vm",
            "tenant": tenant,
            "site": site,
            "role": "server",
            "platform": "debian-13",
            "interfaces": (Interface(name="eth0", addresses=(IPv4Interface(f"{address}/24"),)),),
            "primary_address": IPv4Address(address),
            "context": {"samdrift": {"roles": dict.fromkeys(roles, True)}} if roles else {},
            **more,
        }
    )


FLEET = Fleet(
    regions=(Region(slug="norra-uppland", name="Norra Uppland"),),
    tenants=(
        Tenant(slug="alvkarleby", name="Älvkarleby"),
        Tenant(slug="osthammar", name="Östhammar"),
        Tenant(slug="tierp", name="Tierp"),
    ),
    sites=(
        Site(slug="alv", name="Skutskär", tenant="alvkarleby", region="norra-uppland", latitude=60.63, longitude=17.41),
        Site(slug="ost", name="Östhammar", tenant="osthammar", region="norra-uppland", latitude=60.26, longitude=18.37),
        Site(slug="tie", name="Datahall", tenant="tierp", region="norra-uppland", latitude=60.34, longitude=17.51),
    ),
    platforms=(Platform(slug="debian-13", name="Debian 13", family="debian"),),
    prefixes=(
        Prefix(prefix=IPv4Network("10.59.0.0/24"), region="norra-uppland", gateway=IPv4Address("10.59.0.1")),
        Prefix(prefix=IPv4Network("10.60.10.0/24"), site="tie"),
    ),
    hosts=(
        host("alv-gw1", "alvkarleby", "alv", "10.59.0.61", "firewall", "time"),
        host("ost-gw1", "osthammar", "ost", "10.59.0.62", "firewall", "time"),
        host("ost-old1", "osthammar", "ost", "10.59.0.63", "firewall", status="offline"),
        host("tie-dns1", "tierp", "tie", "10.60.10.11", "firewall", "dns_resolver"),
        host("tie-gw1", "tierp", "tie", "10.59.0.1", "firewall", "time"),
        host("tie-new1", "tierp", "tie", "10.60.10.99", "firewall"),
        host("tie-sw1", "tierp", "tie", "10.60.10.2"),
    ),
)

STEPS = {
    StepId("firewall", "file /etc/nftables.conf"): AppliedStep(intent="i"),
    StepId("time", "chrony running"): AppliedStep(intent="i"),
}
DRIFT = Finding(
    kind=Kind.DRIFT,
    host="alv-gw1",
    municipality="alvkarleby",
    role="firewall",
    step="file /etc/nftables.conf",
    message=MessageId.STEP_CHANGED_ON_HOST(step="file /etc/nftables.conf"),
    evidence=(
        Diff(text="--- live\n+++ wanted\n@@ -1 +0,0 @@\n-tcp dport 4444 accept\n"),
        Commands(lines=("systemctl reload nftables",)),
        FailedCheck(name="drops by default", detail="assert 1 == 2"),
        Note(message=MessageId.A_STEP_MOVED()),
    ),
    advice=MessageId.PUT_BACK(apply=samdrift("apply", "--limit", "alv-gw1")),
    severity=Severity.HIGH,
    controls=("ISO 27002:2022 8.20",),
    first_seen="2026-11-23T22:10:00.000Z",
)
UNKNOWN = Finding(
    kind=Kind.UNKNOWN,
    host="ost-gw1",
    municipality="osthammar",
    message=MessageId.NOT_LOOKED_AT(),
    evidence=(Error(text="cannot connect to 10.59.0.62 port 22: timed out"),),
    severity=Severity.HIGH,
)


def check(name: str, where: str, role: str, outcome: str = "passed", detail: str = "") -> CheckResult:
    return CheckResult.model_validate(
        {
            "host": where,
            "municipality": FLEET.host(where).tenant,
            "role": role,
            "name": name,
            "outcome": outcome,
            "detail": detail,
        }
    )


def result(name: str, outcome: str, tenant: str = "", **more: object) -> HostResult:
    municipality = tenant or FLEET.host(name).tenant
    return HostResult.model_validate({"host": name, "municipality": municipality, "outcome": outcome, **more})


def record(**more: object) -> Record:
    return Record.model_validate(
        {
            "id": "20261123T221400.000Z-drift-9f2c",
            "command": "drift",
            "argv": ("--lab", "drift"),
            "who": "anna.lind",
            "started": "2026-11-23T22:14:00.000Z",
            "finished": "2026-11-23T22:14:19.000Z",
            "fleet_digest": FLEET.digest,
            "fleet_source": "inventory/snapshot",
            "code_digest": "c" * 64,
            "exit_code": 3,
            **more,
        }
    )


DRIFT_RUN = record(
    hosts=(
        result("alv-gw1", "differs"),
        result("ost-gw1", "unknown"),
        result("tie-dns1", "in sync"),
        result("tie-gw1", "in sync", steps=STEPS),
        result("tie-gone1", "in sync", tenant="tierp"),
    ),
    findings=(DRIFT, UNKNOWN),
    checks=(
        check("the ruleset is loaded", "alv-gw1", "firewall"),
        check("unbound answers", "tie-dns1", "dns_resolver", "failed", "no answer"),
        check("the clock is right", "tie-gw1", "time", "not applicable", "a container may not set the clock"),
    ),
)
EARLIER = record(
    id="20261123T200000.000Z-apply-1111",
    command="apply",
    started="2026-11-23T20:00:00.000Z",
    finished="2026-11-23T20:04:00.000Z",
    hosts=(result("alv-gw1", "changed", steps=STEPS), result("ost-gw1", "changed", steps=STEPS)),
    exit_code=0,
)


def whole(run: Record | None = DRIFT_RUN, fleet: Fleet = FLEET) -> Report:
    return report_of(fleet, fleet.hosts, [run, EARLIER] if run else [], MADE_AT, today=TODAY, whole=True)


def states(made: Report) -> dict[str, State]:
    return {h.name: h.state for h in made.hosts}


# --- what it says -----------------------------------------------------------------------------------------------


def test_each_host_has_the_most_serious_state_the_run_saw() -> None:
    assert states(whole()) == {
        "alv-gw1": State.DIFFERS,
        "ost-gw1": State.UNKNOWN,
        "ost-old1": State.NOT_LOOKED_AT,
        "tie-dns1": State.FAILED,
        "tie-gw1": State.IN_SYNC,
        "tie-new1": State.NOT_LOOKED_AT,
        "tie-sw1": State.NOT_LOOKED_AT,
    }


def test_a_host_nobody_looked_at_says_why() -> None:
    assert {h.name: h.why for h in whole().hosts if h.why} == {
        "ost-old1": Why.NOT_ACTIVE,
        "tie-new1": Why.OUTSIDE,
        "tie-sw1": Why.NO_ROLES,
    }


def test_totals_count_every_host_and_check_once() -> None:
    made = whole()
    totals = made.totals
    assert totals.hosts == len(FLEET.hosts)
    assert totals.in_sync + totals.differs + totals.failed + totals.unknown + totals.not_looked_at == totals.hosts
    assert (totals.passed, totals.failed_checks, totals.not_applicable) == (1, 1, 1)
    for field in type(totals).model_fields:
        assert sum(getattr(m.totals, field) for m in made.municipalities) == getattr(totals, field)


def test_municipalities_stand_in_swedish_order() -> None:
    assert [m.name for m in whole().municipalities] == ["Tierp", "Älvkarleby", "Östhammar"]


def test_an_unknown_host_is_dated_and_keeps_the_steps_of_its_last_good_run() -> None:
    lost = next(h for h in whole().hosts if h.name == "ost-gw1")
    assert lost.last_looked_at == EARLIER.started
    assert lost.reason == UNKNOWN.detail
    assert {r.name: [s.name for s in r.steps] for r in lost.roles}["time"] == ["chrony running"]
    assert all(r.in_effect is None for r in lost.roles)


def test_roles_of_a_host_stand_in_the_order_in_which_they_are_applied() -> None:
    odd = host("tie-x1", "tierp", "tierp-datahall", "10.60.10.99", "time", "firewall", "base", "edge_gateway", "lldp")

    (said,) = (
        h for h in whole(fleet=FLEET.model_copy(update={"hosts": (*FLEET.hosts, odd)})).hosts if h.name == odd.name
    )

    assert [r.name for r in said.roles] == ["base", "firewall", "time", "lldp", "edge_gateway"]


def test_a_role_is_in_effect_only_where_nothing_of_it_is_amiss() -> None:
    roles = {(h.name, r.name): r.in_effect for h in whole().hosts for r in h.roles}
    assert roles["alv-gw1", "firewall"] is False
    assert roles["alv-gw1", "time"] is True
    assert roles["tie-dns1", "dns_resolver"] is False
    assert roles["tie-new1", "firewall"] is None


def test_a_control_counts_roles_in_effect_and_those_nobody_looked_at() -> None:
    clocks = next(c for c in whole().controls if c.id == "ISO 27002:2022 8.17")
    assert (clocks.in_effect, clocks.not_in_effect, clocks.not_looked_at) == (2, 0, 1)
    assert clocks.not_applicable == 1


def test_every_control_that_a_role_answers_has_a_title() -> None:
    answered = {control for role in catalogue() for control in TODAY.answered(role)}

    assert answered - TODAY.titles.keys() == set()


def test_controls_stand_in_the_order_of_their_numbers() -> None:
    for standard in ("ISO 27002:2022 ", "CIS v8 "):
        numbers = [c.id.removeprefix(standard) for c in whole().controls if c.id.startswith(standard)]
        assert len(numbers) > 3
        assert numbers == sorted(numbers, key=lambda n: [int(p) for p in n.split(".")])


def test_without_a_run_nothing_is_claimed() -> None:
    made = whole(None)
    assert set(states(made).values()) == {State.NOT_LOOKED_AT}
    assert not made.findings
    assert made.run is None
    assert "Ingen körning är registrerad" in html(made)
    assert headline(made).swedish == "Ingen värd har granskats."


def test_a_report_of_one_municipality_says_nothing_of_the_others() -> None:
    own = [h for h in FLEET.hosts if h.tenant == "alvkarleby"]
    made = report_of(FLEET, own, [DRIFT_RUN, EARLIER], MADE_AT, today=TODAY)
    text = html(made) + made.model_dump_json()
    for foreign in ("Östhammar", "ost-gw1", "tie-gw1", "tie-gone1", "10.59.0.62"):
        assert foreign not in text
    assert made.history[0].hosts == 1
    assert made.history[0].findings == 1


def test_a_host_that_left_the_inventory_is_named() -> None:
    assert whole().strangers == ("tie-gone1",)


def listing(*records: Record) -> Runs:
    """List these runs as a store does."""
    newest_first = sorted(records, key=lambda r: r.started, reverse=True)
    return lambda commands: (summary_of(r) for r in newest_first if not commands or r.command in commands)


def test_a_host_that_an_apply_left_out_was_not_looked_at() -> None:
    run = record(command="apply", hosts=(result("alv-gw1", "skipped"),))
    made = report_of(FLEET, FLEET.hosts, [run], MADE_AT, today=TODAY, whole=True)
    left_out = next(h for h in made.hosts if h.name == "alv-gw1")
    assert (left_out.state, left_out.why) == (State.NOT_LOOKED_AT, Why.SKIPPED)

    again = whole(run)
    assert states(again)["alv-gw1"] is State.IN_SYNC
    assert next(h for h in again.hosts if h.name == "alv-gw1").last_looked_at == EARLIER.started


def test_an_old_run_is_called_old() -> None:
    late = report_of(FLEET, FLEET.hosts, [DRIFT_RUN], "2026-11-25T00:00:00.000Z", today=TODAY, whole=True)
    assert late.old
    assert "Gammalt" in html(late)
    assert not whole().old


def test_an_inventory_that_moved_since_the_run_is_told() -> None:
    moved = whole(record(fleet_digest="0" * 64, hosts=DRIFT_RUN.hosts))
    assert moved.inventory.moved_since_run
    assert "Inventariet har ändrats" in html(moved)


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        (["in sync"], "Den granskade värden är som den ska."),
        (["in sync", "changed"], "Alla 2 granskade värdar är som de ska."),
        (["in sync", "differs"], "1 av 2 granskade värdar är inte som den ska."),
        (["in sync", "unknown"], "Den granskade värden är som den ska; 1 kunde inte nås."),
        (["unknown"], "Ingen värd kunde nås."),
    ],
)
def test_the_verdict_says_what_is_wrong_and_what_nobody_knows(outcomes: list[str], said: str) -> None:
    run = record(hosts=tuple(result(h, o) for h, o in zip(("tie-gw1", "alv-gw1"), outcomes, strict=False)))
    seen = any(o != "unknown" for o in outcomes)
    made = report_of(FLEET, FLEET.hosts, [run], MADE_AT, today=TODAY, whole=True)
    assert headline(made).swedish == said + " Inga kontroller har körts." * seen


def test_that_nothing_failed_is_not_said_to_mean_much_where_nothing_was_checked() -> None:
    made = report_of(
        FLEET, FLEET.hosts, [record(hosts=(result("tie-gw1", "in sync"),))], MADE_AT, today=TODAY, whole=True
    )
    assert headline(made).english == "The one host looked at is as it should be. No checks have been run."
    results = {r.result for c in made.controls for r in c.results if r.host == "tie-gw1"}
    assert results == {Result.NOT_CHECKED}
    assert {c.passed for c in made.controls} == {0}


# --- private files ----------------------------------------------------------------------------------------------


@given(st.lists(st.text("abcd", min_size=3), min_size=1, unique=True), st.data())
def test_of_a_file_that_not_everybody_may_read_only_wanted_lines_are_told(
    lines: list[str], data: st.DataObject
) -> None:
    live, wanted = (
        data.draw(st.lists(st.sampled_from([f"{number} {line}" for number, line in enumerate(lines)]), min_size=1))
        for _ in ("live", "wanted")
    )
    for mode, is_private in (("640", True), ("600", True), ("644", False)):
        before, after = ("".join(f"{line}\n" for line in some) for some in (live, wanted))
        change = Change(what="/etc/x", before=before, after=after, meta_before=f"root:root {mode}")
        found = DRIFT.model_copy(update={"evidence": (Diff(text=change.diff, private=change.is_private),)})
        told = ReportedFinding.of(found)
        assert change.is_private is is_private
        assert told.fingerprint == found.fingerprint
        told_lines = {line.lstrip("+- ") for line in told.detail.splitlines()}
        assert (not told_lines & ({*live} - {*wanted})) or not is_private
        gone = [line for part, line in diff_lines(change.diff) if part == "old"]
        assert told.detail.count("-‹withheld›") == is_private * len(gone)


def test_a_file_that_is_not_there_is_not_private() -> None:
    assert not Change(what="/etc/x", before=None, after="a", meta_after="root:root 600").is_private
    assert not Change(what="/etc/x", before=None, after=None, meta_before="directory").is_private


# --- what the inventory has wrong --------------------------------------------------------------------------------


def unsound(rule: str, municipality: str = "", on: str = "", **more: str) -> Finding:
    return Finding.model_validate(
        {
            "kind": Kind.UNSOUND,
            "host": on,
            "municipality": municipality,
            "step": f"{rule} {on}",
            "summary": f"{rule} of {municipality or 'all'} is wrong",
            "severity": Severity.HIGH,
            **more,
        }
    )


def checked(*findings: Finding, hosts: tuple[Host, ...] = FLEET.hosts, **more: object) -> Report:
    check = record(
        command="check",
        started="2026-11-23T22:18:00.000Z",
        finished="2026-11-23T22:18:01.000Z",
        findings=findings,
        exit_code=1,
        **more,
    )
    return report_of(FLEET, hosts, [check, DRIFT_RUN], MADE_AT, today=TODAY, check=check, whole=hosts == FLEET.hosts)


def test_the_latest_check_stands_beside_the_latest_look_with_when_it_was_made() -> None:
    made = checked(unsound("asn", "tierp"), unsound("host-key", "tierp", "tie-dns1"))
    page = Page(html(made)).text

    assert made.run is not None
    assert made.run.command == "drift"
    assert made.checked is not None
    assert made.checked.at == "2026-11-23T22:18:01.000Z"
    assert "Kontrollerat 2026-11-23 23:18 CET" in page
    assert "asn of tierp is wrong" in page
    assert headline(made).swedish.endswith(" Inventariet har 2 fel.")
    assert not made.checked.moved_since


def test_an_inventory_that_nobody_checked_is_not_called_sound() -> None:
    assert whole().checked is None
    assert "Inventariet är inte kontrollerat" in html(whole())
    assert "Inga fel" not in html(whole())
    assert "Inga fel" in html(checked())


def test_an_inventory_that_moved_since_it_was_checked_is_told() -> None:
    made = checked(fleet_digest="0" * 64)
    assert made.checked is not None
    assert made.checked.moved_since
    assert "Inventariet har ändrats sedan dess" in html(made)


def test_a_report_of_one_municipality_has_its_own_problems_those_of_all_and_no_others() -> None:
    own = tuple(h for h in FLEET.hosts if h.tenant == "alvkarleby")
    problems = (
        unsound("asn", "osthammar"),
        unsound("asn", "alvkarleby"),
        unsound("host-key", "osthammar", "ost-gw1"),
        unsound("host-key", "alvkarleby", "alv-gw1"),
        unsound("schema"),
    )
    made = checked(*problems, hosts=own)
    text = html(made) + made.model_dump_json()

    assert made.checked is not None
    assert {(f.municipality, f.host) for f in made.checked.findings} == {
        ("", ""),
        ("alvkarleby", ""),
        ("alvkarleby", "alv-gw1"),
    }
    assert "osthammar" not in text
    assert "ost-gw1" not in text
    assert next(r for r in made.history if r.command == "check").findings == 3


def test_a_report_on_everything_has_the_problems_of_municipalities_without_hosts_too() -> None:
    hosts = tuple(h for h in FLEET.hosts if h.tenant != "osthammar")
    fleet = FLEET.model_copy(update={"hosts": hosts})
    check = record(command="check", findings=(unsound("schema", "osthammar"),))

    for whole_, wanted in ((True, 1), (False, 0)):
        made = report_of(fleet, hosts, [check], MADE_AT, today=TODAY, check=check, whole=whole_)
        assert made.checked is not None
        assert len(made.checked.findings) == made.history[0].findings == wanted


def test_a_check_is_no_look_and_one_of_another_inventory_is_no_check_of_this() -> None:
    older, newer = (record(command="check", started=f"2026-11-23T2{n}:00:00.000Z") for n in (1, 2))
    other = record(command="check", started="2026-11-23T23:00:00.000Z", fleet_source="/elsewhere")

    runs = listing(older, newer, other, DRIFT_RUN)
    assert list(checks_of(runs, "inventory/snapshot")) == [summary_of(newer), summary_of(older)]
    assert list(checks_of(listing(other, DRIFT_RUN), "inventory/snapshot")) == []


@pytest.mark.long
@pytest.mark.parametrize("broken", [b[1] for b in BROKEN], ids=[f"{b[0]} {b[2]}" for b in BROKEN])
def test_an_inventory_that_is_not_sound_has_a_report_that_says_so(broken: Fleet) -> None:
    found = findings_of_problems(problems(broken), broken)
    check = record(command="check", findings=found)
    made = report_of(broken, broken.hosts, [], MADE_AT, today=TODAY, check=check, whole=True)
    page = Page(html(made))

    assert page.open == []
    assert made.checked is not None
    assert set(made.checked.findings) == set(map(ReportedFinding.of, found))
    assert len(made.hosts) == len(broken.hosts)


# --- the page ---------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """A page's tags, attributes, and the text between."""

    VOID = frozenset({"meta"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text, self.prose = "", ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if not {"code", "style"} & {*self.open}:
            self.prose += data


def test_every_host_finding_and_check_is_on_the_page() -> None:
    text = Page(html(whole(), "en")).text
    for wanted in [h.name for h in FLEET.hosts] + [c.name for c in DRIFT_RUN.checks]:
        assert wanted in text
    for finding in DRIFT_RUN.findings:
        assert finding.summary in text
        assert finding.fingerprint in text
        assert all(line in text for line in finding.detail.splitlines())
    assert "a container may not set the clock" in text


def test_the_page_needs_nothing_else_and_runs_nothing() -> None:
    page = html(whole())
    tags = Page(page).tags
    assert not {t for t, _ in tags} & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    assert not re.search(r"url\(|@import|https?://", page)
    assert all((a.get("href") or "#").startswith("#") for _, a in tags)
    assert not [name for _, a in tags for name in a if name.startswith("on")]


def test_the_page_is_well_formed_and_every_reference_leads_somewhere() -> None:
    page = Page(html(whole()))
    assert page.open == []
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    referred = {(a.get("href") or "")[1:] for _, a in page.tags if a.get("href")}
    referred |= {i for _, a in page.tags for i in (a.get("aria-labelledby") or "").split()}
    assert referred <= set(ids)


def test_what_a_finding_says_is_told_in_one_language_at_a_time() -> None:
    assert DRIFT.advice is not None
    swedish = in_words(DRIFT.message, "sv"), in_words(DRIFT.advice, "sv")
    english = DRIFT.summary, DRIFT.remedy
    languages: tuple[tuple[Language, tuple[str, str], tuple[str, str]], ...]
    languages = ("sv", swedish, english), ("en", english, swedish)
    for language, told, not_told in languages:
        page = Page(html(whole(), language)).text
        assert all(text in page for text in told)
        assert not any(text in page for text in not_told)
        assert f'<html lang="{language}">' in html(whole(), language)


def test_a_finding_of_an_old_record_says_in_swedish_what_all_of_its_kind_do_and_quotes_what_was_written() -> None:
    for kind in Kind:
        stored = {"kind": kind, "host": "alv-gw1", "summary": "as it was", "detail": "+ d", "remedy": "mend it"}
        page = html(whole(record(hosts=DRIFT_RUN.hosts, findings=(Finding.model_validate(stored),))))
        told = (
            f"<p>{name('meaning', kind, 'sv')}</p>",
            '<p class="about" lang="en">as it was</p>',
            "+ d",
            name("remedy", kind, "sv"),
            '<small lang="en">mend it</small>',
        )
        assert sorted(told, key=page.index) == list(told)


SWEDISH = re.compile(
    r"\b(och|inte|är|som|värd|värdar|kontroller|godkänd|underkänd|åtgärd|sedan|granskad|ändrad|av|till|från|har|vad)\b",
    re.IGNORECASE,
)
ENGLISH = re.compile(
    r"\b(and|not|is|the|host|hosts|checks|passed|failed|control|since|looked|changed|by|from|has|what|who|may)\b",
    re.IGNORECASE,
)


def test_a_page_is_in_one_language_but_for_what_it_quotes() -> None:
    bare = FLEET.model_copy(update={"regions": (), "hosts": tuple(h for h in FLEET.hosts if h.roles)})
    nothing = Manifest(roles=tuple(RoleManifest(name=r.name, controls=r.controls) for r in TODAY.roles))
    for run in (None, DRIFT_RUN.model_copy(update={"findings": (), "checks": ()})):
        records = [run] if run else []
        made = report_of(bare, bare.hosts, records, MADE_AT, today=nothing, whole=True)
        swedish, english = Page(html(made, "sv")).prose, Page(html(made, "en")).prose
        assert len(SWEDISH.findall(swedish)) > 20
        assert len(ENGLISH.findall(english)) > 20
        assert ENGLISH.findall(swedish) == []
        assert SWEDISH.findall(english) == []


def test_roles_and_checks_have_their_own_names_in_each_language() -> None:
    failed = Finding(
        kind=Kind.FAILED_CHECK,
        host="tie-dns1",
        municipality="tierp",
        role="dns_resolver",
        step="answers over tcp",
        message=MessageId.CHECK_FAILED(check="answers over tcp"),
        severity=Severity.HIGH,
    )
    checks = (
        check("everything is dropped that no rule accepts [inet]", "alv-gw1", "firewall"),
        check("answers over tcp", "tie-dns1", "dns_resolver", "failed", "no answer"),
        check("the clock is right", "tie-gw1", "time", "not applicable", "the outer machine's"),
        check("a check of tomorrow", "tie-gw1", "time", "not applicable", "not yet"),
    )
    made = whole(DRIFT_RUN.model_copy(update={"findings": (DRIFT, failed), "checks": checks}))
    swedish, english = html(made, "sv"), html(made, "en")
    for called in ("allt som ingen regel släpper in kastas [inet]", "svarar över TCP", "klockan går rätt"):
        assert called in swedish
        assert called not in english
    for called in ("everything is dropped that no rule accepts", "the clock is right"):
        assert called in english
        assert called not in swedish
    assert "svarar över TCP" in Page(swedish).prose
    assert '<span lang="en">a check of tomorrow</span>' in swedish
    assert catalogue()["time"].swedish in swedish
    assert catalogue()["time"].summary not in swedish


def test_evidence_is_shown_as_what_it_is_and_not_as_what_its_lines_look_like() -> None:
    finding = DRIFT.model_copy(
        update={"evidence": (Error(text="- no diff\n+ nor this"), Commands(lines=("a\n- b",)), *DRIFT.evidence)}
    )
    page = html(whole(record(hosts=DRIFT_RUN.hosts, findings=(finding,))))
    assert '<pre class="error">- no diff\n+ nor this</pre>' in page
    assert '<pre class="commands"><span>$ a</span>\n<span>  - b</span>\n</pre>' in page
    assert '<span class="head">--- live</span>' in page
    assert '<span class="old">-tcp dport 4444 accept</span>' in page
    assert "underkänd kontroll: drops by default" in page
    assert "ett steg skiljer sig" in page


def test_nothing_hides_what_print_should_show() -> None:
    assert all("open" in attributes for tag, attributes in Page(html(whole())).tags if tag == "details")


def test_hostile_text_is_shown_and_not_obeyed() -> None:
    finding = DRIFT.model_copy(
        update={
            "step": HOSTILE,
            "message": MessageId.STEP_GONE(step=HOSTILE),
            "evidence": (
                Diff(text=HOSTILE),
                Commands(lines=(HOSTILE,)),
                Error(text=HOSTILE),
                FailedCheck(name=HOSTILE, detail=HOSTILE),
                Note(message=as_written(HOSTILE)),
            ),
            "advice": as_written(HOSTILE),
        }
    )
    hostile = FLEET.model_copy(
        update={
            "hosts": (
                *(h.model_copy(update={"description": HOSTILE}) for h in FLEET.hosts),
                host(HOSTILE, "tierp", "tie", "10.60.10.66", "firewall", HOSTILE),
            ),
            "tenants": tuple(t.model_copy(update={"name": HOSTILE + t.slug}) for t in FLEET.tenants),
            "sites": tuple(s.model_copy(update={"name": HOSTILE}) for s in FLEET.sites),
        }
    )
    run = record(
        hosts=(result("alv-gw1", "differs"), result(HOSTILE, "unknown", tenant="tierp", detail=HOSTILE)),
        findings=(finding,),
        checks=(check(HOSTILE, "alv-gw1", "firewall", "failed", HOSTILE),),
        who=HOSTILE,
        limit=HOSTILE,
        argv=(HOSTILE,),
        fleet_source=HOSTILE,
    )
    found = unsound("asn", "tierp", summary=HOSTILE, remedy=HOSTILE)
    checked_ = record(command="check", findings=(found,), who=HOSTILE, limit=HOSTILE, fleet_digest=HOSTILE)
    page = html(report_of(hostile, hostile.hosts, [run, checked_], MADE_AT, today=TODAY, check=checked_, whole=True))
    parsed = Page(page)
    assert "<script" not in page
    assert "script" not in {t for t, _ in parsed.tags}
    assert "<script>alert('x')</script>" in parsed.text
    assert "{{ 7*7 }}" in parsed.text
    assert "\u202e" not in page
    assert "\x1b" not in page


@given(st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=40)
def test_whatever_a_finding_says_the_page_stays_well_formed(summary: str, detail: str) -> None:
    message, evidence = MessageId.STEP_GONE(step=summary), (Diff(text=detail), Error(text=detail))
    finding = DRIFT.model_copy(update={"message": message, "evidence": evidence, "role": summary})
    made = whole(record(hosts=DRIFT_RUN.hosts, findings=(finding,)))
    assert Page(html(made)).open == []


# --- the picture ------------------------------------------------------------------------------------------------


def test_sites_stand_as_on_a_map() -> None:
    pins = {g.place.slug: g.pin for g in picture(whole().places, whole().links, whole().hosts).groups}
    alv, ost, tie = (pins[s] or (0, 0) for s in ("alv", "ost", "tie"))
    assert alv[1] < tie[1] < ost[1]
    assert alv[0] < tie[0] < ost[0]


def test_links_lead_from_the_gateway_of_a_shared_prefix() -> None:
    made = whole()
    assert [(k.a, k.b) for k in made.links] == [("tie", "alv"), ("tie", "ost")]
    drawn = picture(made.places, made.links, made.hosts)
    assert {line.link.b: line.cut for line in drawn.lines} == {"alv": False, "ost": True}


coordinate = st.tuples(
    st.one_of(st.none(), st.floats(55, 69, allow_nan=False)), st.one_of(st.none(), st.floats(11, 24, allow_nan=False))
)


@given(st.lists(st.tuples(coordinate, st.integers(0, 40)), max_size=9))
@settings(max_examples=80)
def test_every_host_has_one_mark_inside_the_picture_and_no_site_covers_another(
    sites: list[tuple[tuple[float | None, float | None], int]],
) -> None:
    places = [
        Place(slug=f"s{n}", name="", municipality=f"Kommun {n}", latitude=where[0], longitude=where[1])
        for n, (where, _) in enumerate(sites)
    ]
    example = whole().hosts[0]
    hosts = [
        example.model_copy(update={"name": f"h{n}-{i}", "site": f"s{n}"})
        for n, (_, count) in enumerate(sites)
        for i in range(count)
    ]
    drawn = picture(places, (), hosts)
    marks = [m for g in drawn.groups for m in g.marks]
    assert sorted(m.host.name for m in marks) == sorted(h.name for h in hosts)
    assert all(0 <= m.x <= drawn.width and drawn.top <= m.y <= drawn.top + drawn.height for m in marks)
    boxes = [(g.x, g.y, g.x + g.width, g.y + g.height) for g in drawn.groups]
    for n, a in enumerate(boxes):
        for b in boxes[:n]:
            assert a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3]


# --- files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [None, "alvkarleby"])
def test_the_document_can_be_read_back(check: str | None) -> None:
    made = checked(unsound("asn", check)) if check else whole()
    assert Report.model_validate(_without_computed(json.loads(as_json(made)))) == made


def _without_computed(document: dict[str, object]) -> dict[str, object]:
    findings, checked = document["findings"], document["checked"]
    assert isinstance(findings, list)
    assert checked is None or isinstance(checked, dict)
    return {
        **document,
        "findings": [_bare(f) for f in findings],
        "checked": checked and checked | {"findings": [_bare(f) for f in checked["findings"]]},
    }


def _bare(finding: dict[str, object]) -> dict[str, object]:
    return {k: v for k, v in finding.items() if k != "fingerprint"}


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    write({"report.html": b"page", "report.json": b"{}"}, tmp_path / "new" / "report")
    files = sorted((tmp_path / "new" / "report").iterdir())
    assert [(f.name, f.stat().st_mode & 0o777) for f in files] == [("report.html", 0o600), ("report.json", 0o600)]


def test_what_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(ReportError, match="cannot write the report") as told:
        write({"report.html": b""}, blocked)
    assert told.value.exit_code == 1
    assert str(blocked) in str(told.value)


def test_a_failed_write_leaves_the_old_report_whole(tmp_path: Path) -> None:
    write({"report.html": b"old"}, tmp_path)
    (tmp_path / "report.json").mkdir()
    with pytest.raises(ReportError):
        write({"report.json": b"", "report.html": b"new"}, tmp_path)
    assert (tmp_path / "report.html").read_bytes() == b"old"
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


ACCEPTED = DRIFT.model_copy(
    update={
        "waived": Waived(
            name="w", owner="anna.lind", reason="until <the move>", until="2027-01-15", standing="accepted"
        )
    }
)


def test_an_accepted_difference_is_counted_and_listed_apart_and_its_control_is_not_in_effect() -> None:
    run = DRIFT_RUN.model_copy(
        update={"hosts": (result("alv-gw1", "in sync"),), "findings": (ACCEPTED,), "checks": (), "exit_code": 0}
    )
    made = report_of(FLEET, [FLEET.host("alv-gw1")], [run], MADE_AT, today=TODAY)
    (state,) = made.hosts
    assert (state.state, state.findings, made.totals.findings, made.totals.accepted) == (State.IN_SYNC, 0, 0, 1)
    assert (made.findings, made.accepted) == ((), (ReportedFinding.of(ACCEPTED),))
    assert {r.name: r.in_effect for r in state.roles}["firewall"] is False
    said = "The one host looked at is as it should be. No checks have been run. 1 difference is accepted."
    assert headline(made).english == said
    page = html(made)
    assert "until &lt;the move&gt;" in page
    assert page.index('id="findings"') < page.index('id="accepted"') < page.index("tcp dport 4444 accept")
