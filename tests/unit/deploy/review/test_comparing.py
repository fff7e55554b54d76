"""A review has every host whose steps differ, and no other; what opens, restarts and is guarded comes first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from deploy.engine.declare import register
from deploy.model.kinds import Exit
from deploy.model.review import Review
from deploy.model.text import as_json
from deploy.reach.world import World
from deploy.report.review_markdown import markdown
from deploy.report.review_page import html
from deploy.report.review_sarif import sarif
from deploy.review.comparing import review
from deploy.review.policies import judged
from deploy.review.reaching import followed
from deploy.review.state import State, read
from deploy.views.review import document
from inventory import people, snapshot
from inventory.fleet import Fleet
from inventory.paths import POLICIES
from inventory.policies.policy import read as read_policies
from roles.shared.intent import Intent
from tests.unit.deploy.review.changes import OF_A_HOST, OPEN
from tests.unit.deploy.review.renders import DAY, dumped, states, with_host, with_options

FLEET = snapshot.load()
FEW = ("tie-care1", "tie-web1", "heb-gw1")


def reviewed(before: State, fleet: Fleet, directory: Path) -> Review:
    (after,) = states(directory, dumped(fleet, directory, "after"))
    return review(before, after, "before", "after")


def changed(of: Review) -> set[str]:
    return {h.host for h in of.hosts}


def test_the_same_twice_is_no_host_and_says_how_much_was_compared(shipped: State) -> None:
    made = review(shipped, shipped, "a", "b")
    assert (made.hosts, made.reached, made.code_moved, made.exit_code) == ((), (), (), Exit.OK)
    assert made.compared == (len(shipped.hosts), shipped.counted["steps"])


@pytest.mark.long
def test_a_port_that_one_host_opens_is_that_host_and_who_may_reach_it(shipped: State, tmp_path: Path) -> None:
    made = reviewed(shipped, with_host(FLEET, "tie-care1", with_options("firewall", OPEN)), tmp_path)
    assert changed(made) == {"tie-care1"}
    assert made.exit_code is Exit.DIFFERENCES
    (opening,) = [r.opening for r in made.reached]
    assert (opening.kind, opening.service, opening.hosts) == ("opens", "tcp/8443", ("tie-care1",))
    assert [str(n) for n in opening.sources] == ["10.63.10.0/24"]
    assert any("nftables" in step for step in made.guarded)
    assert "ISO 27002:2022 8.20" in made.controls
    assert [s.field for s in made.settings] == ["openings"]


@pytest.mark.long
def test_a_host_that_goes_is_managed_no_more_and_one_that_comes_is_counted(shipped: State, tmp_path: Path) -> None:
    without = FLEET.model_copy(update={"hosts": tuple(h for h in FLEET.hosts if h.name != "tie-care1")})
    gone = reviewed(shipped, without, tmp_path)
    assert [h.host for h in gone.changed("gone")] == ["tie-care1"]
    (before,) = states(tmp_path, dumped(without, tmp_path, "without"))
    comes = review(before, shipped, "before", "after")
    (new,) = comes.changed("new")
    assert new.host == "tie-care1"
    assert len(new.differences) > 50
    assert "tie-care1" not in {h for a in comes.alike for h in a.hosts}


@pytest.mark.long
def test_a_host_that_is_not_sound_is_unknown_which_outranks_a_change(shipped: State, tmp_path: Path) -> None:
    broken = with_host(FLEET, "tie-care1", with_options("firewall", {"also_open": {"tcp/8443": {"sources": "?"}}}))
    made = reviewed(shipped, with_host(broken, "tie-web1", with_options("base", {"journal_max": "3G"})), tmp_path)
    assert [h.host for h in made.changed("unknown")] == ["tie-care1"]
    assert made.changed("unknown")[0].why
    assert changed(made) == {"tie-care1", "tie-web1"}
    assert made.exit_code is Exit.INCOMPLETE


@pytest.mark.long
def test_the_same_change_of_many_hosts_is_one_difference(shipped: State, tmp_path: Path) -> None:
    fleet = FLEET
    for name in FEW:
        fleet = with_host(fleet, name, with_options("base", {"journal_max": "3G"}))
    made = reviewed(shipped, fleet, tmp_path)
    assert changed(made) == set(FEW)
    (found,) = [a for a in made.alike if "journal" in a.shown("name")]
    assert found.hosts == tuple(sorted(FEW))
    assert "+SystemMaxUse=3G" in found.shown("diff")


def test_a_step_that_is_called_by_what_it_wants_changes_and_does_not_go_and_come(
    shipped: State, tmp_path: Path
) -> None:
    lines = [json.loads(line) for line in shipped.file.read_text().splitlines()]
    for one in lines:
        for step in one.get("steps", ()):
            if step["kind"] == "package" and step["role"] == "base":
                step["name"] = step["name"].replace("procps", "procps, psmisc")
                step["text"] = step["done"]
    other = tmp_path / "other.jsonl"
    other.write_text("".join(json.dumps(one) + "\n" for one in lines))
    made = review(shipped, read(other, "other"), "a", "b")
    assert {(d.kind, d.how) for h in made.hosts for d in h.differences} == {("package", "changed")}


def test_steps_in_another_order_are_told(shipped: State, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in shipped.file.read_text().splitlines()]
    for one in lines:
        if one.get("host") == "tie-care1":
            one["steps"].append(one["steps"].pop(0))
    other = tmp_path / "other.jsonl"
    other.write_text("".join(json.dumps(one) + "\n" for one in lines))
    made = review(shipped, read(other, "other"), "a", "b")
    assert [(h.host, d.name) for h in made.hosts for d in h.differences] == [("tie-care1", "order of the steps")]


def intents(fleet: Fleet, names: list[str]) -> dict[str, list[tuple[str, str]]]:
    """What the planner registers: each step, and the digest of what it wants."""
    whole = fleet.model_copy(update={"people": people.of_the_project(DAY)})
    intent = Intent(whole)
    found = {}
    for name in names:
        declared = register([whole.host(name)], {name: intent.settings(whole.host(name))})[name]
        found[name] = [(str(op.id), op.intent) for op in declared.operations]
    return found


@pytest.fixture(scope="module")
def planned() -> dict[str, list[tuple[str, str]]]:
    return intents(FLEET, list(FEW))


@pytest.mark.long
@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example renders a fleet: to shrink one takes minutes
    suppress_health_check=[HealthCheck.too_slow],
)
@given(chosen=st.dictionaries(st.sampled_from(FEW), st.sampled_from(sorted(OF_A_HOST)), min_size=1))
def test_the_hosts_of_a_review_are_exactly_those_for_which_the_planner_registers_otherwise(
    chosen: dict[str, str],
    shipped: State,
    planned: dict[str, list[tuple[str, str]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    fleet = FLEET
    for name, change in chosen.items():
        fleet = with_host(fleet, name, OF_A_HOST[change])
    made = reviewed(shipped, fleet, tmp_path_factory.mktemp("property"))
    now = intents(fleet, list(FEW))
    assert changed(made) & set(FEW) == {name for name in FEW if now[name] != planned[name]}


GUESTS = {"also_open": {"tcp/8443": {"sources": ["10.63.30.0/24"], "why": "guests"}}}


def policies(made: Review) -> dict[str, tuple[int, int, int]]:
    return {p.id: (len(p.new), len(p.before), len(p.mended)) for p in made.policies if p.new or p.before or p.mended}


@pytest.mark.long
def test_a_policy_that_is_newly_broken_fails_and_one_that_was_broken_before_is_told_apart(
    shipped: State, tmp_path: Path
) -> None:
    asked = read_policies(POLICIES)
    opened = with_host(FLEET, "tie-web1", with_options("firewall", GUESTS))
    (now,) = states(tmp_path, dumped(opened, tmp_path, "now"))
    new = judged(review(shipped, now, "a", "b"), shipped, now, asked)
    assert policies(new) == {"guests": (1, 0, 0)}
    assert new.exit_code is Exit.VERIFY_FAILED
    before = judged(review(now, now, "a", "b"), now, now, asked)
    assert policies(before) == {"guests": (0, 1, 0)}
    assert before.exit_code is Exit.OK
    mended = judged(review(now, shipped, "a", "b"), now, shipped, asked)
    assert policies(mended) == {"guests": (0, 0, 1)}
    assert mended.exit_code is Exit.DIFFERENCES


def test_the_shipped_fleet_breaks_no_policy_that_its_organisation_asks_for(shipped: State) -> None:
    asked = read_policies(POLICIES)
    assert asked
    made = judged(review(shipped, shipped, "a", "b"), shipped, shipped, asked)
    assert [(p.id, p.fault, p.new, p.before) for p in made.policies if p.fault or p.new or p.before] == []


def test_a_policy_that_cannot_be_asked_fails_the_review(shipped: State, tmp_path: Path) -> None:
    file = tmp_path / "policies.yaml"
    file.write_text("ssh: {policy: managed-from, by: [tie-nowhere9]}", encoding="utf-8")
    made = judged(review(shipped, shipped, "a", "b"), shipped, shipped, read_policies(file))
    assert "tie-nowhere9" in made.policies[0].fault
    assert made.exit_code is Exit.VERIFY_FAILED


@pytest.mark.long
def test_a_password_that_somebody_wrote_where_a_reason_stands_is_nowhere_in_a_review(
    shipped: State, tmp_path: Path
) -> None:
    why = "x password=hemligt123"
    opened = {"also_open": {"tcp/8443": {"sources": ["10.63.30.0/24"], "why": why}}}
    (after,) = states(tmp_path, dumped(with_host(FLEET, "tie-web1", with_options("firewall", opened)), tmp_path, "b"))
    made = judged(review(shipped, after, "a", "b"), shipped, after, read_policies(POLICIES))
    made = followed(made, World(Intent(with_host(FLEET, "tie-web1", with_options("firewall", opened)))))
    assert made.new_breaches
    assert made.reached
    assert "hemligt123" not in repr(made)
    for text in (markdown(made), html(made), sarif(made, "1"), as_json(document(made))):
        assert "hemligt123" not in text
        assert "withheld" in text


def test_what_a_look_searches_for_is_told_and_changes_no_host(shipped: State, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in shipped.file.read_text().splitlines()]
    for one in lines:
        for step in one.get("steps", ()):
            if step["kind"] == "search" and one["host"] == "tie-care1":
                step["text"] = next(s["text"] for s in one["steps"] if s["kind"] == "file")
    other = tmp_path / "other.jsonl"
    other.write_text("".join(json.dumps(one) + "\n" for one in lines))
    made = review(shipped, read(other, "other"), "a", "b")
    assert (made.hosts, made.exit_code) == ((), Exit.OK)
    assert {h.host for h in made.looks} == {"tie-care1"}
