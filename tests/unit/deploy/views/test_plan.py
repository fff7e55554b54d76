"""A plan is shown true to its numbers: what changes, what owes a restart, what nobody knows."""

from __future__ import annotations

from deploy.model.device_models import model_notices
from deploy.model.plan import HostPlan
from deploy.views import plan as plan_view
from tests.unit.deploy.views.shown import NAMES, guarded, plan_of, shown, step
from tests.unit.roles.shared.device.switch_fleet import fleet
from tests.unit.roles.shared.device.test_series import of_type


def test_a_guarded_step_says_what_undoes_it_and_by_what() -> None:
    host = HostPlan(host="a", municipality="", steps=(guarded(step("file /etc/x")), step("file /etc/y")))

    text = shown(*plan_view.plan(plan_of(host), NAMES))

    assert text.count("guarded: a timer on the host puts back: /etc/x") == 1


def test_a_plan_shows_the_diff_of_each_changing_step_and_nothing_of_the_others() -> None:
    host = HostPlan(host="heb-gw1", municipality="heby", steps=(step("file /etc/x"), step("quiet", changing=False)))

    text = shown(*plan_view.plan(plan_of(host), NAMES))

    for line in ("heb-gw1  Heby  1 change", "~ base  file /etc/x", "-old", "+new"):
        assert line in text
    assert "quiet" not in text
    assert "$ install x" not in text
    assert "$ install x" in shown(*plan_view.plan(plan_of(host), NAMES, commands=True))


def test_a_step_without_a_diff_shows_its_commands() -> None:
    unseen = step("unit started").model_copy(update={"change": None})
    host = HostPlan(host="heb-gw1", municipality="heby", steps=(unseen,))

    text = shown(*plan_view.plan(plan_of(host), NAMES))

    assert "$ install x" in text
    assert "1 host: 1 change on 1 host, 0 in sync." in text


def test_a_brief_plan_is_a_line_a_step() -> None:
    host = HostPlan(host="heb-gw1", municipality="heby", steps=(step("file /etc/x"), step("restart x", handler=True)))

    assert len(shown(*plan_view.plan(plan_of(host), NAMES, brief=True)).splitlines()) == 4


def test_a_restart_is_no_change_by_itself() -> None:
    host = HostPlan(host="a", municipality="heby", steps=(step("file"), step("restart", handler=True)))

    assert plan_view.plan_summary(plan_of(host)).startswith("1 host: 1 change on 1 host")


def test_an_unknown_host_is_never_counted_as_in_sync() -> None:
    lost, same = HostPlan(host="a", municipality="heby", error="no route"), HostPlan(host="b", municipality="heby")

    assert plan_view.plan_summary(plan_of(lost, same)) == "2 hosts: 0 changes on 1 host, 1 unknown."
    assert plan_view.plan_summary(plan_of(same)) == "1 host: 0 changes on every host."
    assert "unknown: no route" in shown(*plan_view.plan(plan_of(lost), NAMES))


def test_what_to_know_of_a_host_stands_below_it() -> None:
    of = of_type(fleet(), "heb-sw2", "Aruba 4100i 12G")
    host = HostPlan(host="heb-sw2", municipality="heby", caveats=("'role secondary': its peer says\x1b[2J what it is",))
    other = HostPlan(host="heb-sw3", municipality="heby")
    text = shown(*plan_view.plan(plan_of(host, other), NAMES, notices=model_notices(of, [of.host("heb-sw2")])))
    assert [line.split()[:2] for line in text.splitlines()[1:3]] == [["!", "'role"], ["!", "nothing"]]
    assert "\x1b" not in text
    assert "hpe Aruba 4100i 12G" in text
    assert "!" not in text.splitlines()[3]


def test_what_nobody_was_shown_is_said_once_and_with_the_account() -> None:
    host = HostPlan(host="a", municipality="heby", looked_as="samdrift-look", concealed=("set x ‹withheld›",))

    text = shown(*plan_view.plan(plan_of(host), NAMES))

    assert text.count("set x ‹withheld›  is not shown to samdrift-look: taken as declared") == 1
    assert host.in_short == "not shown to samdrift-look: set x ‹withheld›"
    assert host.fingerprint == HostPlan(host="a", municipality="heby").fingerprint
