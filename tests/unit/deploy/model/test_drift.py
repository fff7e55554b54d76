"""Drift decides who moved: the host, the intent, or both. Cases as data, and what holds for any look at any host."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.model.drift import applied_steps, check_finding, classify, plan_findings
from deploy.model.findings import Exit, Finding, Kind, Severity, exit_code
from deploy.model.plan import HostPlan, Plan, Run, Step, Unmanaged
from deploy.model.record import AppliedStep, CheckResult
from deploy.model.step_id import StepId
from roles.shared.change import Change, digest
from roles.shared.device.heard import Heard
from roles.shared.device.letting_in import LostPart

CONTROLS = {"time": ("ISO 27002:2022 8.17",)}
RUN = (Run(text="true"),)


def file_step(
    live: str | None, wanted: str = "wanted\n", *, intent: str = "i1", role: str = "time", path: str = "/etc/f"
) -> Step:
    change = Change(
        what=path,
        before=live,
        after=wanted,
        meta_before="absent" if live is None else "root:root 644",
        meta_after="root:root 644",
    )
    return Step(
        role=role,
        name=f"file {path}",
        intent=intent,
        wanted=digest(wanted),
        commands=() if live == wanted else RUN,
        change=None if live == wanted else change,
    )


def step(name: str, *, changes: bool = True, intent: str = "i1", role: str = "time", handler: bool = False) -> Step:
    return Step(role=role, name=name, intent=intent, commands=RUN if changes else (), handler=handler)


def due(name: str) -> Step:
    change = Change(what="/f", before="good until tomorrow\n", after="good for 90 days\n", due=True)
    return Step(role="time", name=name, intent="i1", commands=RUN, change=change)


def host_plan(*steps: Step, name: str = "tie-dns1", **more: object) -> HostPlan:
    return HostPlan.model_validate({"host": name, "municipality": "tierp", "steps": steps} | more)


def plan(*hosts: HostPlan) -> Plan:
    return Plan(
        fleet_digest="f", fleet_source="s", code_digest="c", made_at="2026-11-23T20:00:00Z", made_by="anna", hosts=hosts
    )


def failed(name: str, *, role: str = "time", host: str = "tie-dns1") -> CheckResult:
    return CheckResult(host=host, municipality="tierp", role=role, name=name, outcome="failed", detail="assert 1 == 2")


def found(host: HostPlan, applied: dict[StepId, AppliedStep], *checks: CheckResult) -> tuple[Finding, ...]:
    return classify(
        plan(host), checks, {host.host: applied} if applied else {}, controls=CONTROLS, protecting={"firewall", "base"}
    )


def as_applied(intent: str, text: str | None = None) -> AppliedStep:
    return AppliedStep(intent=intent, after=digest(text) if text is not None else "")


@pytest.mark.parametrize(
    ("changed", "applied", "kind"),
    [
        pytest.param(file_step("hand\n"), as_applied("i1", "wanted\n"), Kind.DRIFT, id="file edited by hand"),
        pytest.param(file_step(None), as_applied("i1", "wanted\n"), Kind.MISSING, id="file removed by hand"),
        pytest.param(
            file_step("old\n", intent="i2"), as_applied("i1", "old\n"), Kind.PENDING, id="intent moved, file as applied"
        ),
        pytest.param(
            file_step("hand\n", intent="i2"), as_applied("i1", "old\n"), Kind.CONFLICT, id="intent moved, file edited"
        ),
        pytest.param(
            file_step(None, intent="i2"), as_applied("i1", "old\n"), Kind.CONFLICT, id="intent moved, file removed"
        ),
        pytest.param(file_step("Debian's\n"), None, Kind.PENDING, id="file never applied"),
        pytest.param(step("chrony.service running"), as_applied("i1"), Kind.DRIFT, id="service stopped by hand"),
        pytest.param(step("chrony.service running"), as_applied("i0"), Kind.PENDING, id="service decided otherwise"),
        pytest.param(step("chrony.service running"), None, Kind.PENDING, id="service never applied"),
        pytest.param(due("certificate /f"), as_applied("i1"), Kind.PENDING, id="nobody moved, its time is coming"),
    ],
)
def test_who_moved(changed: Step, applied: AppliedStep | None, kind: Kind) -> None:
    last = {changed.id: applied} if applied else {StepId("other", "step"): as_applied("x")}
    (finding,) = found(host_plan(changed), last)
    assert finding.kind is kind
    assert (finding.host, finding.municipality, finding.role, finding.step) == (
        "tie-dns1",
        "tierp",
        "time",
        changed.name,
    )
    assert finding.controls == CONTROLS["time"]
    assert "samdrift apply --limit tie-dns1" in finding.remedy


def test_a_file_replaced_by_a_link_is_drift_and_not_missing() -> None:
    changed = file_step(None)
    assert changed.change is not None
    link = changed.model_copy(update={"change": changed.change.model_copy(update={"meta_before": "link"})})
    (finding,) = found(host_plan(link), {link.id: as_applied("i1", "wanted\n")})
    assert finding.kind is Kind.DRIFT


def test_a_file_that_came_back_is_drift() -> None:
    changed = Step(
        role="time",
        name="no file /etc/f",
        intent="i1",
        commands=RUN,
        change=Change(what="/etc/f", before="x\n", after=None, meta_before="root:root 644"),
    )
    (finding,) = found(host_plan(changed), {changed.id: as_applied("i1")})
    assert finding.kind is Kind.DRIFT


def test_the_detail_of_a_file_is_its_diff_and_of_a_step_its_commands() -> None:
    file, service = file_step("hand\n"), step("chrony.service running")
    by_step = {f.step: f.detail for f in found(host_plan(file, service), {})}
    assert "-hand\n+wanted\n" in by_step[file.name]
    assert by_step[service.name] == "$ true"


def test_a_changed_line_is_one_finding_with_its_restart_and_its_failing_checks() -> None:
    changed, restart = file_step("hand\n"), step("restart chrony.service", handler=True)
    checks = [failed("has a source"), failed("answers")]
    (finding,) = found(host_plan(changed, restart), {changed.id: as_applied("i1", "wanted\n")}, *checks)
    assert finding.kind is Kind.DRIFT
    assert "check failed: has a source\nassert 1 == 2" in finding.detail
    assert "check failed: answers" in finding.detail


def test_a_rule_added_by_hand_is_one_finding() -> None:
    ruleset = file_step("a rule more\n", role="firewall", path="ruleset in the kernel")
    files = [file_step("wanted\n", role="firewall", path="/etc/nftables.conf")]
    applied = applied_steps(host_plan(*files, ruleset))
    (finding,) = found(host_plan(*files, ruleset), applied, failed("drops by default", role="firewall"))
    assert (finding.kind, finding.severity) == (Kind.DRIFT, Severity.HIGH)


def test_two_changes_in_one_role_are_two_findings() -> None:
    changed, stopped = file_step("hand\n"), step("chrony.service running")
    applied = applied_steps(host_plan(changed, stopped))
    assert [f.kind for f in found(host_plan(changed, stopped), applied, failed("runs"))] == [Kind.DRIFT, Kind.DRIFT]


def test_a_failed_check_that_nothing_explains_is_a_finding_of_its_own() -> None:
    differs_elsewhere = file_step("hand\n", role="base")
    check = failed("has a source")
    findings = found(host_plan(differs_elsewhere), applied_steps(host_plan(differs_elsewhere)), check)
    assert [(f.kind, f.role, f.step) for f in findings] == [
        (Kind.DRIFT, "base", "file /etc/f"),
        (Kind.FAILED_CHECK, "time", "has a source"),
    ]
    assert findings[1] == check_finding(check, CONTROLS)


def test_another_host_s_difference_explains_no_failed_check() -> None:
    changed = file_step("hand\n")
    look = plan(host_plan(changed), host_plan(name="tie-dns2"))
    findings = classify(look, [failed("has a source", host="tie-dns2")], {}, controls={})
    assert [(f.host, f.kind) for f in findings] == [("tie-dns1", Kind.PENDING), ("tie-dns2", Kind.FAILED_CHECK)]


def test_a_handler_that_is_owed_and_nothing_else_is_pending() -> None:
    restart = step("restart chrony.service", handler=True)
    (finding,) = found(host_plan(file_step("wanted\n"), restart), {restart.id: as_applied("i1")})
    assert (finding.kind, finding.step) == (Kind.PENDING, "restart chrony.service")
    assert finding.summary == "restart chrony.service: owed since a run that broke off"


def test_a_file_that_nobody_declares_is_unmanaged_and_its_name_is_quoted() -> None:
    look = host_plan(unmanaged=(Unmanaged(role="base", path="/etc/sysctl.d/x; reboot"),))
    (finding,) = found(look, {}, failed("kernel settings", role="base"))
    assert (finding.kind, finding.severity) == (Kind.UNMANAGED, Severity.HIGH)
    assert "rm -- '/etc/sysctl.d/x; reboot'" in finding.remedy
    assert "check failed: kernel settings" in finding.detail


def test_a_line_that_is_nobodys_explains_no_failed_check() -> None:
    look = host_plan(unmanaged=(Unmanaged(role="access_switch", line="username rektor"),))
    findings = found(look, {}, failed("neighbours", role="access_switch"))
    assert sorted(f.kind for f in findings) == [Kind.FAILED_CHECK, Kind.UNMANAGED]
    assert not any("neighbours" in f.detail for f in findings if f.kind is Kind.UNMANAGED)


def test_a_step_that_would_shut_samdrift_out_is_refused_in_a_plan_and_says_so_in_a_drift() -> None:
    lost = LostPart(part="account", line="username samdrift privilege 15", instead="")
    look = host_plan(step("running configuration").model_copy(update={"shuts_out": (lost,)}))
    (planned,) = plan_findings(plan(look), controls={})
    (drifted,) = found(look, {})
    assert (planned.kind, drifted.kind) == (Kind.REFUSED, Kind.PENDING)
    for finding in (planned, drifted):
        assert "username samdrift privilege 15" in finding.detail
        assert "log in by a way that stays" in finding.remedy


def test_a_mode_in_which_not_all_may_stay_is_a_notice_of_plan_and_drift() -> None:
    look = host_plan(caveats=("'role secondary': its peer says what it is",))
    (planned,) = plan_findings(plan(look), controls={})
    (drifted,) = found(look, {})
    assert planned == drifted
    assert (planned.kind, planned.host) == (Kind.NOTICE, "tie-dns1")
    assert "not all that is typed may stay: 'role secondary'" in planned.summary


@pytest.mark.parametrize("name", ["a\nb", "a\u202eb", "\x1b[31m", "a\u200bb"])
def test_no_command_removes_a_file_whose_name_cannot_be_shown_as_it_is(name: str) -> None:
    (finding,) = found(host_plan(unmanaged=(Unmanaged(role="base", path=f"/etc/sysctl.d/{name}"),)), {})
    assert finding.remedy == "declare it in role base, or remove it on tie-dns1 by hand"


def test_what_differs_is_shown_as_what_it_is() -> None:
    file, service = file_step("hand\n"), step("chrony.service running")
    findings = found(host_plan(file, service), applied_steps(host_plan(file, service)), failed("answers"))
    shown = {f.step: [e.type for e in f.evidence] for f in findings}
    assert shown == {file.name: ["diff", "failed check"], service.name: ["commands", "failed check"]}


HOSTILE = "tie-{0} 'samdrift ' [red]%s"


def test_hostile_names_are_said_and_quoted_and_never_obeyed() -> None:
    look = host_plan(step(HOSTILE), unmanaged=(Unmanaged(role="time", path=f"/etc/{HOSTILE}"),), name=HOSTILE)
    for finding in found(look, {}, failed(HOSTILE, host=HOSTILE)):
        lab = finding.with_options(["--lab"])
        assert HOSTILE in lab.summary
        assert lab.fingerprint == finding.fingerprint
        assert shlex.quote(HOSTILE if lab.kind is Kind.PENDING else f"/etc/{HOSTILE}") in lab.remedy
        assert lab.remedy.count("--lab") == (lab.kind is Kind.PENDING)


def test_what_no_role_says_anything_of_in_a_configuration_is_one_line_and_its_own_finding() -> None:
    lines = [f'config system interface\n  edit "port{n}"\n    set status up\n  next\nend\n' for n in (1, 2)]
    look = host_plan(unmanaged=tuple(Unmanaged(role="edge_firewall", line=line) for line in lines))
    findings = found(look, {})
    assert findings[0].step == 'config system interface / edit "port1" / set status up / next / end'
    assert len({f.fingerprint for f in findings}) == 2
    named = [f"'config system interface / edit \"port{n}\"'" for n in (1, 2)]
    assert all("by hand" in f.remedy and f.remedy.endswith(name) for f, name in zip(findings, named, strict=True))


@pytest.mark.parametrize(
    ("line", "section"),
    [
        ("interface vlan 5\n  shutdown\n", "interface vlan 5"),
        ("set vlans a vlan-id 5\nset vlans a description x\n", "set vlans a"),
        ("set vlans a vlan-id 5\n", "set vlans a vlan-id 5"),
        ("banner motd ^C\nkeep out\n^C\n", "banner motd ^C / keep out / ^C"),
    ],
)
def test_what_nobody_declares_is_named_for_removal_by_the_line_above_all_of_it(line: str, section: str) -> None:
    assert Unmanaged(role="access_switch", line=line).section == section


def test_a_host_that_could_not_be_looked_at_is_unknown_and_nothing_else() -> None:
    (finding,) = found(host_plan(error="no route to host"), {StepId("time", "file /etc/f"): as_applied("i1")})
    assert (finding.kind, finding.detail, finding.role, finding.step) == (Kind.UNKNOWN, "no route to host", "", "")


def test_a_host_lost_after_its_look_keeps_what_was_seen_and_is_unknown_too() -> None:
    changed = file_step("hand\n")
    lost = {"tie-dns1": "died while it was asked"}
    findings = classify(plan(host_plan(changed)), [], {}, controls={}, lost=lost)
    assert [f.kind for f in findings] == [Kind.UNKNOWN, Kind.PENDING]
    assert exit_code(findings) is Exit.INCOMPLETE


def test_a_plan_says_what_would_change_and_neither_restarts_nor_strangers() -> None:
    look = host_plan(
        file_step("hand\n"),
        step("restart chrony.service", handler=True),
        unmanaged=(Unmanaged(role="base", path="/etc/x"),),
    )
    findings = plan_findings(plan(look, host_plan(name="tie-dns2", error="cut off")), controls=CONTROLS)
    assert [(f.host, f.kind, f.summary) for f in findings] == [
        ("tie-dns1", Kind.PENDING, "file /etc/f: would change"),
        ("tie-dns2", Kind.UNKNOWN, "the host could not be looked at; nothing is known about it now"),
    ]


ROLES = st.sampled_from(["base", "firewall", "time"])
TEXTS = st.sampled_from(["", "a\n", "b\n"])
FILES = st.builds(
    file_step, st.none() | TEXTS, TEXTS, intent=st.sampled_from(["i1", "i2"]), role=ROLES, path=st.sampled_from("fg")
)
OTHERS = st.builds(
    step, st.sampled_from(["s", "t"]), changes=st.booleans(), intent=st.sampled_from(["i1", "i2"]), role=ROLES
)
HANDLERS = st.builds(step, st.sampled_from(["restart s"]), changes=st.booleans(), role=ROLES, handler=st.just(True))
STEPS = st.lists(FILES | OTHERS | HANDLERS, max_size=8, unique_by=lambda s: s.id).map(tuple)
STRANGERS = st.lists(
    st.builds(Unmanaged, role=ROLES, path=st.sampled_from(["/x", "/y"])), max_size=2, unique_by=lambda u: u.path
).map(tuple)
LOOKED = st.builds(HostPlan, host=st.just("h"), municipality=st.just("m"), steps=STEPS, unmanaged=STRANGERS)
CUT_OFF = st.builds(HostPlan, host=st.just("h"), municipality=st.just("m"), error=st.just("cut off"))
HOSTS = st.lists(LOOKED | CUT_OFF, max_size=4).map(
    lambda hosts: [h.model_copy(update={"host": f"host{n}", "municipality": f"m{n % 2}"}) for n, h in enumerate(hosts)]
)
CHECKS = st.lists(
    st.builds(
        CheckResult,
        host=st.sampled_from(["host0", "host1", "host2", "host3"]),
        municipality=st.just("m0"),
        role=ROLES,
        name=st.sampled_from(["c", "d"]),
        outcome=st.sampled_from(["passed", "failed", "not applicable"]),
    ),
    max_size=8,
    unique_by=lambda c: (c.host, c.role, c.name),
)
APPLIED = st.dictionaries(
    st.sampled_from([*map(StepId.read, ("base: file f", "time: file f", "firewall: s", "time: s", "base: file g"))]),
    st.builds(AppliedStep, intent=st.sampled_from(["i1", "i2"]), after=st.sampled_from(["", digest("a\n")])),
)
LAST = st.dictionaries(st.sampled_from(["host0", "host1", "host2", "host3"]), APPLIED)


@given(HOSTS, CHECKS, LAST)
def test_every_finding_has_a_cause_and_every_cause_is_told(
    hosts: list[HostPlan], checks: list[CheckResult], last: dict[str, dict[StepId, AppliedStep]]
) -> None:
    findings = classify(plan(*hosts), checks, last, controls={})
    told = [(f.host, f.role, f.step) for f in findings]
    changing = {(h.host, s.role, s.name) for h in hosts for s in h.changes if not s.handler}
    strangers = {(h.host, u.role, u.path) for h in hosts for u in h.unmanaged}
    unknown = {(h.host, "", "") for h in hosts if h.error}
    handlers = {(h.host, s.role, s.name) for h in hosts for s in h.changes if s.handler}
    bad_checks = {(c.host, c.role, c.name) for c in checks if c.outcome == "failed"}
    assert changing | strangers | unknown <= set(told)
    assert set(told) <= changing | strangers | unknown | handlers | bad_checks
    assert len(told) == len(set(told)) == len({f.fingerprint for f in findings})
    for host, role, name in bad_checks - set(told):
        assert any(f"check failed: {name}" in f.detail for f in findings if (f.host, f.role) == (host, role))
    for host, role, _ in handlers & set(told):
        assert not any((host, role) == c[:2] for c in changing)


@given(HOSTS, CHECKS, LAST)
def test_the_exit_code_is_0_exactly_when_nothing_was_found(
    hosts: list[HostPlan], checks: list[CheckResult], last: dict[str, dict[StepId, AppliedStep]]
) -> None:
    findings = classify(plan(*hosts), checks, last, controls={})
    converged = all(not h.error and not h.changes and not h.unmanaged for h in hosts)
    well = converged and not any(c.outcome == "failed" for c in checks)
    assert (exit_code(findings) is Exit.OK) == (not findings) == well
    assert (exit_code(findings) is Exit.INCOMPLETE) == any(h.error for h in hosts)


@given(HOSTS, CHECKS, LAST)
def test_the_order_of_what_was_seen_changes_nothing(
    hosts: list[HostPlan], checks: list[CheckResult], last: dict[str, dict[StepId, AppliedStep]]
) -> None:
    def said(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
        return [(f.fingerprint, f.summary) for f in findings]

    backwards = classify(plan(*reversed(hosts)), checks, last, controls={})
    assert said(classify(plan(*hosts), checks, last, controls={})) == said(backwards)


@given(HOSTS)
def test_after_an_apply_of_the_same_intent_only_the_host_can_have_moved(hosts: list[HostPlan]) -> None:
    last = {h.host: applied_steps(h) for h in hosts}
    for finding in classify(plan(*hosts), [], last, controls={}):
        owed = finding.kind is Kind.PENDING and finding.step == "restart s"
        assert owed or finding.kind in {Kind.DRIFT, Kind.MISSING, Kind.UNMANAGED, Kind.UNKNOWN}


@given(HOSTS)
def test_where_nothing_was_ever_applied_everything_is_pending(hosts: list[HostPlan]) -> None:
    kinds = {f.kind for f in classify(plan(*hosts), [], {}, controls={})}
    assert kinds <= {Kind.PENDING, Kind.UNMANAGED, Kind.UNKNOWN}


def test_who_is_heard_and_nobody_knows_is_a_notice_beside_whatever_else_there_is() -> None:
    heard = tuple(Heard(port=f"1/1/{n}", host=name, id="00:fd:45:00:00:66") for n, name in enumerate(["tel", ""], 1))
    passed = failed("neighbours").model_copy(update={"outcome": "passed", "detail": "", "strangers": heard})
    (notice,) = found(host_plan(), {}, passed)
    assert (notice.kind, notice.severity, notice.step) == (Kind.NOTICE, Severity.LOW, "neighbours")
    assert notice.summary == "at 1/1/1, 1/1/2 somebody is heard whom no cable in NetBox leads to"
    assert notice.detail == "tel at 1/1/1\n00:fd:45:00:00:66 at 1/1/2"
    assert exit_code([notice]) is Exit.OK

    fails = passed.model_copy(update={"outcome": "failed"})
    assert {f.kind for f in found(host_plan(), {}, fails)} == {Kind.NOTICE, Kind.FAILED_CHECK}

    many = tuple(Heard(port=f"1/1/{n}", host="tel", id="") for n in range(1, 49))
    (notice,) = found(host_plan(), {}, passed.model_copy(update={"strangers": many}))
    assert "1/1/4, … (48)" in notice.summary
    assert len(notice.evidence) == 48


def test_what_waits_for_a_restart_is_a_notice_and_no_difference() -> None:
    passed = failed("restarts").model_copy(
        update={"outcome": "passed", "detail": "", "restarts": ("reboot", "ssh.service")}
    )
    (notice,) = found(host_plan(), {}, passed)
    assert (notice.kind, notice.severity) == (Kind.NOTICE, Severity.LOW)
    assert "reboot, ssh.service" in notice.summary
    assert exit_code([notice]) is Exit.OK
