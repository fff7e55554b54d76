"""What is alike is shown once, and nothing of any host's is lost by that."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.model.alike import PLACE, Alike, changes_of, names_of
from deploy.model.plan import HostPlan, Plan, Run, Step, Upload
from deploy.model.waived import Waived
from inventory.snapshot import load
from roles.shared.change import Change
from tests.unit.deploy.views.shown import plan_of

NAMES = names_of(load())


def step(text: str, *, name: str = "file /etc/x", before: str | None = None, role: str = "base") -> Step:
    change = Change(what=name, before=before, after=text)
    return Step(role=role, name=name, intent="i", commands=(Upload(path="/etc/x", content=text),), change=change)


def plan(**steps: Step | tuple[Step, ...]) -> Plan:
    """A plan of hosts whose names have a dash where the argument has an underscore."""
    made = ((name.replace("_", "-"), of if isinstance(of, tuple) else (of,)) for name, of in steps.items())
    return plan_of(*(HostPlan(host=name, municipality="heby", steps=of) for name, of in made))


def shown(change: Alike[Step], what: str = "diff") -> str:
    return "".join(map(str, change.texts[what]))


def test_identical_changes_are_one() -> None:
    (one,) = changes_of(plan(heb_gw1=step("a\n"), ost_gw1=step("a\n")), NAMES)
    assert (one.hosts, dict(one.values)) == (("heb-gw1", "ost-gw1"), {})


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("heb-gw1", "ost-gw1"),
        ("Heby", "Östhammar"),
        ("heby-kommunhus", "osthammar-kommunhus"),
        ("10.59.0.63", "10.59.0.62"),
        ("10.63.1.0/24", "10.62.1.0/24"),
        ("fd63::1", "fd62::1:2"),
        ("64603", "64602"),
        ("aa:bb:cc:dd:ee:01", "aa:bb:cc:dd:ee:02"),
        ("1.10.63.10.in-addr.arpa", "1.10.62.10.in-addr.arpa"),
        ("A" * 43 + "=", "B" * 43 + "="),
    ],
)
def test_what_differs_in_a_name_or_an_address_is_one_with_the_difference_marked(here: str, there: str) -> None:
    plans = plan(tie_dns1=step(f"x {here};\ny\n"), tie_dns2=step(f"x {there};\ny\n"))
    (one,) = changes_of(plans, NAMES)
    assert "x «1»" in shown(one)
    assert one.of("tie-dns1", "diff") == plans.hosts[0].steps[0].change.diff  # type: ignore[union-attr]
    assert one.of("tie-dns2", "diff") == plans.hosts[1].steps[0].change.diff  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("port 22", "port 2222"),
        ("permit 10.0.0.1", "deny 10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.0/16"),
        ("a 10.0.0.1", "a 10.0.0.1 10.0.0.2"),
        ("hebyx", "hebyy"),
        ("64603a", "64602a"),
        ("«1» 10.0.0.1", "«1» 10.0.0.2"),  # else it could not be told from what stands for a value
        ("a", ""),
    ],
)
def test_what_differs_in_anything_else_is_two(here: str, there: str) -> None:
    assert len(changes_of(plan(heb_gw1=step(f"{here}\n"), ost_gw1=step(f"{there}\n")), NAMES)) == 2


def test_an_own_name_needs_no_telling_and_one_value_that_returns_is_one() -> None:
    texts = {name: f"{name} {ip} {name} {ip}/24\n" for name, ip in (("heb-gw1", "10.1.1.1"), ("ost-gw1", "10.1.1.2"))}
    (one,) = changes_of(plan(heb_gw1=step(texts["heb-gw1"]), ost_gw1=step(texts["ost-gw1"])), NAMES)
    assert "+«host» «1» «host» «1»/24" in shown(one)
    assert dict(one.own_values) == {"1": ("10.1.1.1", "10.1.1.2")}


def test_where_in_a_file_it_stands_is_no_difference() -> None:
    before = "a\nb\nc\nd\n"
    plans = plan(
        heb_gw1=step(before + "new\n", before=before), ost_gw1=step("0\n" + before + "new\n", before="0\n" + before)
    )
    (one,) = changes_of(plans, NAMES)
    assert PLACE.search(shown(one)), "the first host's place"


def test_commands_count_where_there_is_no_diff_and_an_upload_by_its_path() -> None:
    def run(text: str) -> Step:
        return Step(role="base", name="x", intent="i", commands=(Run(text=text),))

    assert len(changes_of(plan(a=run("mkdir /x"), b=run("mkdir /y")), NAMES)) == 2
    assert len(changes_of(plan(a=run("ip addr add 10.1.1.1"), b=run("ip addr add 10.1.1.22")), NAMES)) == 1


def test_what_is_alike_on_one_host_alone_stays_two() -> None:
    two = tuple(step("x\n", name=f"directory /var/log/{name}") for name in ("heby", "tierp"))
    assert len(changes_of(plan(tie_log1=two), NAMES)) == 2


def test_roles_stay_together_in_the_order_in_which_they_come() -> None:
    plans = plan(a=(step("1\n"), step("2\n", role="time")), b=(step("3\n"), step("2\n", role="time")))
    assert [c.first.role for c in changes_of(plans, NAMES)] == ["base", "base", "time"]


def test_the_one_host_that_differs_stands_beside_the_others() -> None:
    both = [(step(text, name="file /etc/a"), step("same\n", name="file /etc/b")) for text in ("x\n", "x\n", "y\n")]
    made = changes_of(plan(h1=both[0], h2=both[1], h3=both[2]), NAMES)
    assert [(c.first.name, c.hosts) for c in made] == [
        ("file /etc/a", ("h1", "h2")),
        ("file /etc/a", ("h3",)),
        ("file /etc/b", ("h1", "h2", "h3")),
    ]


def test_a_waiver_that_has_expired_on_one_host_keeps_it_apart() -> None:
    waived = Waived(name="w", owner="anna", reason="until it is moved", until="2026-01-01", standing="expired")
    told = step("x\n").model_copy(update={"waived": waived})
    assert len(changes_of(plan(a=step("x\n"), b=told), NAMES)) == 2


WORDS = st.sampled_from(
    ["heb-gw1", "Heby", "10.0.0.1", "10.0.0.2", "permit", "«1»", "«host»", "@@ -1 +1 @@", "64603", "‹x›", "\t"]
)
TEXTS = st.lists(st.lists(WORDS, max_size=3).map(" ".join), max_size=4).map(lambda lines: "\n".join(lines) + "\n")


@settings(max_examples=25, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_of_every_host_its_own_text_can_be_made_again(texts: list[str]) -> None:
    plans = plan(**{f"h{n}": step(text) for n, text in enumerate(texts)})
    made = changes_of(plans, NAMES)
    assert sorted(host for change in made for host in change.hosts) == sorted(h.host for h in plans.hosts)
    for change in made:
        for host in change.hosts:
            (own,) = (h.steps[0] for h in plans.hosts if h.host == host)
            assert own.change
            assert PLACE.sub("@@", change.of(host, "diff")) == PLACE.sub("@@", own.change.diff)
