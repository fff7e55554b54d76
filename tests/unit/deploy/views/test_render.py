"""What people see: fitted to the screen, true to the numbers, and obeyed by no terminal."""

from __future__ import annotations

import io
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from deploy.model.findings import Exit, Finding, Kind, exit_code
from deploy.model.inventory_findings import findings_of
from deploy.model.plan import Command, HostPlan, Plan, Step
from deploy.model.record import Check, HostResult, Record
from deploy.views import render
from inventory import snapshot
from inventory.difference import difference
from inventory.fleet import Fleet
from inventory.netbox.wanted import KINDS
from inventory.netbox.writes import writes
from roles.shared.change import Change
from roles.shared.guard import Guard
from tests.unit.inventory import fleets

NAMES = {"heby": "Heby", "osthammar": "Östhammar"}


def shown(*parts: RenderableType, width: int = 100) -> str:
    stream = io.StringIO()
    render.put(Console(file=stream, width=width, highlight=False, markup=False, emoji=False), parts)
    return stream.getvalue()


def plan_of(*hosts: HostPlan) -> Plan:
    return Plan(fleet_digest="f", fleet_source="test", code_digest="c", made_at="now", made_by="me", hosts=hosts)


def step(name: str, *, changing: bool = True, handler: bool = False) -> Step:
    change = Change(what="/etc/x", before="old\n", after="new\n") if not handler else None
    commands = (Command(kind="run", text="install x"),) if changing else ()
    return Step(role="base", name=name, intent="i", commands=commands, change=change, handler=handler)


def guarded(step: Step) -> Step:
    return step.model_copy(update={"guard": Guard(what="/etc/x", keep="true", restore="true")})


def record_of(*checks: Check, findings: tuple[Finding, ...] = (), hosts: tuple[HostResult, ...] = ()) -> Record:
    return Record(
        id="r",
        command="verify",
        who="me",
        started="then",
        finished="now",
        fleet_digest="f",
        fleet_source="test",
        code_digest="c",
        checks=checks,
        findings=findings,
        hosts=hosts,
        exit_code=0,
    )


def check(host: str, outcome: str, detail: str = "") -> Check:
    return Check.model_validate(
        {"host": host, "municipality": "heby", "role": "base", "name": "it runs", "outcome": outcome, "detail": detail}
    )


def test_the_fleet_fits_a_hundred_columns() -> None:
    fleet = snapshot.load()

    text = shown(*render.hosts(fleet, fleet.hosts))

    assert max(map(len, text.splitlines())) <= 100
    assert all(host.name in text for host in fleet.hosts)
    assert "Älvkarleby" in text
    assert "Östhammar" in text


@given(st.text())
def test_no_text_reaches_the_terminal_with_a_character_that_it_obeys(text: str) -> None:
    assert not render.OBEYED.search(render.safe(text))


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1))
def test_ordinary_letters_are_shown_as_they_are(text: str) -> None:
    visible = render.OBEYED.sub("", text)

    assert render.safe(visible) == visible


@given(st.text() | st.lists(st.text()) | st.dictionaries(st.text(), st.text()))
def test_json_says_the_same_and_hides_nothing(document: object) -> None:
    text = render.as_json(document)

    assert json.loads(text) == document
    assert not render.OBEYED.search(text)


def test_text_from_a_host_is_neither_markup_nor_a_command_to_the_terminal() -> None:
    evil = "[bold red]x[/] \x1b]0;title\x07 \u202egnp.exe \x9b2J"
    finding = Finding(kind=Kind.DRIFT, host=evil, role=evil, step=evil, summary=evil, detail=evil, remedy=evil)
    plan = plan_of(
        HostPlan(host=evil, municipality="", steps=(step(evil),)), HostPlan(host="b", municipality="", error=evil)
    )
    record = record_of(check(evil, "failed", evil), findings=(finding,), hosts=(_lost(evil),))

    text = shown(
        *render.findings([finding], {}),
        *render.plan(plan, {}),
        *render.verified(record, {}, 100),
        *render.record(record, {}),
        *render.history([record]),
        width=1000,
    )

    assert "[bold red]x[/]" in text
    assert not render.OBEYED.search(text)


def test_a_guarded_step_says_what_undoes_it_and_by_what() -> None:
    host = HostPlan(host="a", municipality="", steps=(guarded(step("file /etc/x")), step("file /etc/y")))

    text = shown(*render.plan(plan_of(host), NAMES))

    assert text.count("guarded: a timer on the host puts back: /etc/x") == 1


def _lost(name: str) -> HostResult:
    return HostResult(host=name, municipality="heby", outcome="unknown", detail=name)


def test_a_plan_shows_the_diff_of_each_changing_step_and_nothing_of_the_others() -> None:
    host = HostPlan(host="heb-gw1", municipality="heby", steps=(step("file /etc/x"), step("quiet", changing=False)))

    text = shown(*render.plan(plan_of(host), NAMES))

    for line in ("heb-gw1  Heby  1 change", "~ base  file /etc/x", "-old", "+new"):
        assert line in text
    assert "quiet" not in text
    assert "$ install x" not in text
    assert "$ install x" in shown(*render.plan(plan_of(host), NAMES, commands=True))


def test_a_step_without_a_diff_shows_its_commands() -> None:
    unseen = step("unit started").model_copy(update={"change": None})
    host = HostPlan(host="heb-gw1", municipality="heby", steps=(unseen,))

    text = shown(*render.plan(plan_of(host), NAMES))

    assert "$ install x" in text
    assert "1 host: 1 change on 1 host, 0 in sync." in text


def test_a_brief_plan_is_a_line_a_step() -> None:
    host = HostPlan(host="heb-gw1", municipality="heby", steps=(step("file /etc/x"), step("restart x", handler=True)))

    assert len(shown(*render.plan(plan_of(host), NAMES, brief=True)).splitlines()) == 4


def test_a_restart_is_no_change_by_itself() -> None:
    host = HostPlan(host="a", municipality="heby", steps=(step("file"), step("restart", handler=True)))

    assert render.plan_summary(plan_of(host)).startswith("1 host: 1 change on 1 host")


def test_an_unknown_host_is_never_counted_as_in_sync() -> None:
    lost, same = HostPlan(host="a", municipality="heby", error="no route"), HostPlan(host="b", municipality="heby")

    assert render.plan_summary(plan_of(lost, same)) == "2 hosts: 0 changes on 1 host, 1 unknown."
    assert render.plan_summary(plan_of(same)) == "1 host: 0 changes on every host."
    assert "unknown: no route" in shown(*render.plan(plan_of(lost), NAMES))


def test_long_lines_of_a_diff_are_not_broken() -> None:
    long = "x" * 300

    assert f"+{long}" in shown(render.diff(f"+{long}\n"), width=80)


def test_checks_are_counted_by_outcome_and_reasons_given_once() -> None:
    hosts = [f"heb-gw{n}" for n in range(30)]
    checks = [check(h, "not applicable", "a container") for h in hosts] + [check("heb-gw1", "failed", "it does not")]

    text = shown(*render.verified(record_of(*checks), NAMES, 100))

    assert max(map(len, text.splitlines())) <= 100
    assert "31 checks on 30 hosts: 1 failed, 30 not applicable." in text
    assert text.count("a container") == 1
    assert "it does not" in text


def test_no_check_at_all_is_said_and_not_called_passed() -> None:
    assert "0 checks on 0 hosts: none ran." in shown(*render.verified(record_of(), NAMES, 100))


def test_findings_name_the_municipality_in_swedish_with_diff_and_remedy() -> None:
    finding = Finding(
        kind=Kind.DRIFT,
        host="ost-gw1",
        municipality="osthammar",
        role="base",
        step="file /etc/x",
        summary="file /etc/x: changed",
        detail="-a\n+b",
        remedy="samdrift apply --limit ost-gw1",
    )

    text = shown(*render.findings([finding], NAMES))

    for words in ("DRIFT  ost-gw1 · Östhammar · role base", "-a", "+b", "→ samdrift apply --limit ost-gw1"):
        assert words in text


def test_a_finding_of_no_host_names_the_municipality_whose_it_is() -> None:
    found = Finding(kind=Kind.UNSOUND, municipality="alvkarleby", step="asn site x", summary="AS 1 is not private")

    assert shown(*render.findings([found], {"alvkarleby": "Älvkarleby"})).startswith("1. UNSOUND INVENTORY  Älvkarleby")


def test_a_fleet_without_hosts_is_a_table_without_rows() -> None:
    assert "0 hosts at 0 sites" in shown(*render.hosts(Fleet(), ()))


# NetBox and snapshot


def test_differences_are_told_object_by_object_with_what_each_side_says() -> None:
    before = fleets.with_hosts(fleets.GATEWAY, fleets.SERVER)
    after = fleets.with_hosts(fleets.GATEWAY | {"status": "planned", "tags": []})

    text = shown(*render.differences(difference(before, after), "the snapshot", "NetBox", after))

    assert "~ host heb-gw1" in text
    assert "active → planned" in text
    assert "- host tie-dns1  only in the snapshot" in text
    assert "2 objects differ: 1 only in the snapshot, 1 changed." in text
    assert max(map(len, text.splitlines())) <= 100


def test_what_many_hosts_contexts_have_in_common_is_told_once() -> None:
    servers: list[dict[str, Any]] = [
        fleets.SERVER | {"name": f"tie-web{n}", "interfaces": [], "primary_address": None} for n in range(5)
    ]
    moved = [
        s | {"context": {"samdrift": {"roles": {"base": True, "dns_resolver": True}, "wave": 70}}} for s in servers
    ]
    before, after = fleets.with_hosts(*servers), fleets.with_hosts(*moved)

    text = shown(*render.differences(difference(before, after), "the snapshot", "NetBox", after))

    assert text.count("20 → 70") == 1
    assert "5 hosts: tie-web0, tie-web1, tie-web2, tie-web3, tie-web4" in " ".join(text.split())
    assert "5 objects differ" in text


def test_equal_fleets_are_said_to_be_so() -> None:
    fleet = fleets.fleet()

    assert "NetBox says what the snapshot says: 2 hosts" in shown(
        *render.differences((), "the snapshot", "NetBox", fleet)
    )


def test_a_seed_is_told_in_numbers_and_if_asked_object_by_object() -> None:
    nothing: dict[str, list[dict[str, Any]]] = {k.name: [] for k in KINDS if not k.of}
    plan = writes(nothing | {"site": [{"id": 1, "slug": "x", "name": "X"}]}, fleets.fleet())

    brief = shown(*render.seeding(plan, "https://netbox", objects=False))
    full = shown(*render.seeding(plan, "https://netbox", objects=True))

    assert "Left alone, since the snapshot does not have them: 1 × site." in brief
    assert f"https://netbox: {sum(w.creates for w in plan.writes)} to make, 2 to change" in brief
    assert "device heb-gw1" not in brief
    assert "+ device heb-gw1" in full
    assert max(map(len, full.splitlines())) <= 100


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_text_of_netbox_is_obeyed_in_a_difference(name: str, description: str) -> None:
    one = fleets.SERVER | {"name": name, "description": description, "context": {name: {description: name}}}
    before, after = fleets.with_hosts(fleets.SERVER), fleets.with_hosts(one)

    text = shown(*render.differences(difference(before, after), "the snapshot", "NetBox", after))

    assert not render.OBEYED.search(text)


def test_every_difference_is_a_finding_so_that_the_exit_code_says_two() -> None:
    before, after = fleets.with_hosts(fleets.GATEWAY), fleets.with_hosts(fleets.SERVER)
    found = findings_of(difference(before, after), before, after)

    assert exit_code(found) == Exit.DIFFERENCES
    assert exit_code(findings_of(difference(before, before), before, before)) == Exit.OK
    assert [(f.host, f.municipality) for f in found if f.host] == [("heb-gw1", "heby"), ("tie-dns1", "tierp")]
