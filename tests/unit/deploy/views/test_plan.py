"""A plan is shown true to its numbers: what changes, what owes a restart, what nobody knows."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from deploy.model.device_models import model_notices
from deploy.model.plan import HostPlan, Unmanaged
from deploy.views import plan as plan_view
from deploy.views.plan_in_brief import PLURALS, Named, folded
from roles.shared.change import Change
from roles.shared.device.letting_in import LostPart
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


def test_a_brief_plan_names_each_step_and_shows_no_diff() -> None:
    host = HostPlan(host="heb-gw1", municipality="heby", steps=(step("file /etc/x"), step("restart x", handler=True)))

    lines = [line.strip() for line in shown(*plan_view.plan(plan_of(host), NAMES, brief=True)).splitlines()]
    assert lines[1:-1] == ["", "base  ~ file /etc/x  ↻ restart x"]


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


def gateway(name: str, address: str, text: str = "router-id", more: str = "") -> HostPlan:
    change = Change(what="/etc/frr.conf", before="old\n", after=f"hostname {name}\n{text} {address}\n{more}")
    made = step("file /etc/frr.conf").model_copy(update={"change": change})
    return HostPlan(host=name, municipality="heby", steps=(made, step("restart frr", handler=True)))


def test_the_same_change_of_many_hosts_is_shown_once_with_what_stands_there_on_each() -> None:
    hosts = gateway("heb-gw1", "10.59.0.63"), gateway("ost-gw1", "10.59.0.62"), HostPlan(host="a", municipality="heby")
    page = shown(*plan_view.plan(plan_of(*hosts), NAMES))
    assert page.count("/etc/frr.conf  on 2 hosts: heb-gw1, ost-gw1") == 1
    assert page.count("+hostname «host»\n      +router-id «1»\n") == 1
    assert "«1»  heb-gw1 10.59.0.63, ost-gw1 10.59.0.62\n" in page
    assert page.count("restart frr") == 1


def test_what_differs_in_more_than_names_and_addresses_is_shown_apart() -> None:
    hosts = gateway("heb-gw1", "10.59.0.63"), gateway("ost-gw1", "10.59.0.62", "router-identity")
    page = shown(*plan_view.plan(plan_of(*hosts), NAMES))
    assert page.count("file /etc/frr.conf  on 1 host: ") == 2
    brief = shown(*plan_view.plan(plan_of(*hosts), NAMES, brief=True))
    assert brief.count("file /etc/frr.conf (2 different)") == 1


def test_in_brief_steps_of_one_kind_stand_together_and_paths_of_one_directory() -> None:
    names = (
        "directory /etc/x.d", "file /etc/x.d/a.conf", "directory /var/lib/x", "packages x, y", "file /etc/x.d/b.conf",
        "file /motd", "user x", "file /srv/x y", "user z", "no file /etc/x.d/c.conf",
    )  # fmt: skip
    assert folded([*map(Named, names), Named("file /etc/hosts", 3)]) == [
        "files /etc/x.d/{a.conf, b.conf}, /motd, /etc/hosts (3 different)",
        "directory /var/lib/x",
        "packages x, y",
        "users x, z",
        "file /srv/x y",
        "no file /etc/x.d/c.conf",
    ]


@given(st.lists(st.tuples(st.sampled_from([*PLURALS, "no file"]), st.text("abc/", min_size=1)), unique=True))
def test_in_brief_no_step_is_left_out_but_a_directory_with_a_file_in_it(steps: list[tuple[str, str]]) -> None:
    implied = {
        (kind, name)
        for kind, name in steps
        if kind == "directory" and any(k == "file" and n.startswith(f"{name}/") for k, n in steps)
    }
    kinds = {**{kind: kind for kind in PLURALS}, **{of: kind for kind, of in PLURALS.items()}, "no file": "no file"}
    told = []
    for some in folded(Named(f"{kind} {name}") for kind, name in steps):
        match = re.fullmatch(f"({'|'.join(kinds)}) (.+)", some)
        assert match is not None
        for path in re.findall(r"[^{,]+(?:\{[^}]*\})?", match[2].replace(", ", ",")):
            directory, _, inside = path.rstrip("}").rpartition("{")
            told += [(kinds[match[1]], directory + name) for name in inside.split(",")]
    assert sorted(told) == sorted(set(steps) - implied)


def test_a_search_without_an_answer_says_why_once_and_not_that_nobody_declares_it() -> None:
    unread = Unmanaged(role="base", kind="package-file", state="there was no answer in time")
    found = Unmanaged(role="base", kind="package", name="nmap", state="7.95")
    host = HostPlan(host="a", municipality="heby", unmanaged=(unread, found))
    lines = [line.strip() for line in shown(*plan_view.plan(plan_of(host), NAMES)).splitlines() if "?" in line]
    assert lines == ["? package-file: there was no answer in time", "? package nmap  is declared by no role"]


def test_a_refused_step_and_lines_that_go_stand_by_themselves_in_a_brief_plan() -> None:
    lost = LostPart(part="account", line="user samdrift")
    made = step("file /etc/x").model_copy(update={"shuts_out": (lost,)})
    hosts = [HostPlan(host=name, municipality="heby", steps=(made,)) for name in ("a", "b")]
    brief = shown(*plan_view.plan(plan_of(*hosts), NAMES, brief=True))
    assert brief.count("file /etc/x: refused: ") == 1


def test_a_first_plan_in_brief_fits_three_screens_however_many_hosts_there_are() -> None:
    """As the demo's: eleven hosts, twelve roles of a dozen steps; each host has a file that is its own."""
    steps = tuple(
        step(f"file /etc/role{role}/conf.d/part-{n}.conf").model_copy(update={"role": f"role{role}"})
        for role in range(12)
        for n in range(12)
    )
    hosts = [
        HostPlan(host=f"host{n}", municipality="heby", steps=(*steps, *gateway(f"host{n}", "10.0.0.1", f"{n}").steps))
        for n in range(11)
    ]
    brief = shown(*plan_view.plan(plan_of(*hosts), NAMES, brief=True))
    assert len(brief.splitlines()) <= 3 * 50
    assert "file /etc/frr.conf (11 different)" in brief


def test_what_the_changes_open_and_close_stands_below_them_also_in_brief() -> None:
    input_, forward = (
        f" chain {c} {{\n  type filter hook {c} priority filter; policy drop;\n" for c in ("input", "forward")
    )
    table = f"table inet samdrift {{\n{input_}%s }}\n{forward} }}\n}}\n"
    before, after = (table % f"  ip saddr 10.60.10.250 tcp dport {port} accept\n" for port in (80, 443))
    change = Change(what="nftables ruleset", before=before, after=after)
    opening = step("ruleset").model_copy(update={"change": change})
    for brief in (False, True):
        text = shown(*plan_view.plan(plan_of(HostPlan(host="a", municipality="", steps=(opening,))), {}, brief=brief))
        assert "  opens: tcp/443 on a from 10.60.10.250\n  closes: tcp/80 on a from 10.60.10.250\n" in text
