"""A plan as a page and as Markdown: all of it where it fits, nothing hidden silently, and nothing in it obeyed."""

from __future__ import annotations

import re

import pytest

from deploy.model.plan import HostPlan, Plan, Run, Step, Unmanaged
from deploy.model.waived import Waived
from deploy.report.plan_markdown import markdown
from deploy.report.plan_page import html
from roles.shared.change import Change
from roles.shared.device.letting_in import LostPart
from tests.unit.deploy.views.shown import NAMES, plan_of

HOSTILE = "<script>alert('x')</script>\"&|`@anna #1 ![](x) \u202egnp.exe\x1b[31m{{ 7*7 }}"


def changed(text: str, *, name: str = "file /etc/x", role: str = "base", **more: object) -> Step:
    change = Change(what=name, before="old\n", after=text)
    return Step(role=role, name=name, intent="i", commands=(Run(text="install"),), change=change).model_copy(
        update=more
    )


def plan(*steps: Step, hosts: tuple[str, ...] = ("heb-gw1", "ost-gw1"), **more: object) -> Plan:
    return plan_of(*(HostPlan(host=h, municipality="heby", steps=steps).model_copy(update=more) for h in hosts))


def test_a_change_of_two_hosts_stands_once_with_both() -> None:
    made = plan(changed("new\n"))
    page, text = html(made, NAMES, ()), markdown(made, NAMES, ())
    assert page.count("+new") == text.count("+new") == 1
    assert "2: heb-gw1, ost-gw1" in page
    assert "<b>file /etc/x</b> on 2 hosts: heb-gw1, ost-gw1" in text
    assert made.digest in page
    assert made.digest in text


def test_what_differs_is_marked_and_told_for_each_host() -> None:
    hosts = [
        HostPlan(host=h, municipality="heby", steps=(changed(f"ip {ip}\n"),))
        for h, ip in (("a", "10.1.1.1"), ("b", "10.1.1.2"))
    ]
    page, text = html(plan_of(*hosts), NAMES, ()), markdown(plan_of(*hosts), NAMES, ())
    assert '<span class="new">+ip <mark>1</mark></span>' in page
    assert "a <code>10.1.1.1</code>, b <code>10.1.1.2</code>" in page
    assert "+ip «1»" in text
    assert "- «1» a 10.1.1.1, b 10.1.1.2" in text


def test_what_is_refused_unguarded_removed_unknown_or_left_as_it_is_is_told() -> None:
    waived = Waived(name="w", owner="anna", reason="until it moves", until="2027-01-15", standing="moved")
    steps = (
        changed("a\n", shuts_out=(LostPart(part="account", line="user samdrift"),), unguarded="it has no timer"),
        changed("c\n", name="file /etc/held", waived=waived),
    )
    lost = HostPlan(host="tie-dns1", municipality="tierp", error="no route to host")
    more = plan(*steps, unmanaged=(Unmanaged(role="base", path="/etc/sudoers.d/x"),))
    made = more.model_copy(update={"hosts": (*more.hosts, lost)})
    for text in (html(made, NAMES, ()), markdown(made, NAMES, ())):
        assert all(
            word in text for word in ("user samdrift", "it has no timer", "no route to host", "/etc/sudoers.d/x")
        )
        assert all(word in text for word in ("/etc/held", "2027-01-15", "omething else was accepted"))


def test_nothing_in_a_plan_is_html_or_markdown() -> None:
    made = plan(changed(f"{HOSTILE}\n```\n## no\n", name=f"file {HOSTILE}"), caveats=(HOSTILE,))
    page, text = html(made, NAMES, ()), markdown(made, NAMES, ())
    for shown in (page, text):
        assert not re.search("[\u202e\x1b]", shown)
    assert "<script" not in page
    outside = re.sub(r"^(`{3,})diff\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert "````diff\n" in text, "a fence that the text cannot close"
    assert not re.search(r"<script|[@`]anna|!\[|#1\b", outside.replace("&#", ""))
    assert "## no" not in outside


@pytest.mark.parametrize("largest", [3000, 6000])
def test_what_does_not_fit_a_comment_is_named_and_counted_the_longest_first(largest: int) -> None:
    steps = [changed("x" * 40 * n + "\n", name=f"file /etc/{n}") for n in range(1, 20)]
    text = markdown(plan(*steps), NAMES, (), largest=largest)
    assert len(text) <= largest
    left_out = re.search(r"\*\*(\d+) changes of 19 stand here by name alone\*\*", text)
    assert left_out
    assert text.count("```diff") == 19 - int(left_out[1])
    assert all(f"file /etc/{n}</b>" in text for n in range(1, 20))
    assert "+" + "x" * 40 + "\n" in text
    assert "x" * 40 * 19 not in text


def test_a_text_whose_names_alone_are_too_long_says_that_it_is_cut() -> None:
    steps = [changed("x\n", name=f"file /etc/{n}") for n in range(200)]
    text = markdown(plan(*steps), NAMES, (), largest=3000)
    assert len(text) <= 3000
    assert text.rstrip().endswith("Read it in the plan file or on its page.**")


def test_what_fits_is_whole() -> None:
    assert "by name alone" not in markdown(plan(changed("x\n")), NAMES, ())
    assert html(plan(), NAMES, ()).count("0 changes on every host") == 1


def test_what_a_plan_opens_is_told_on_the_page_and_in_markdown_and_nothing_of_it_is_obeyed() -> None:
    input_, forward = (
        f" chain {c} {{\n  type filter hook {c} priority filter; policy drop;\n" for c in ("input", "forward")
    )
    table = f"table inet samdrift {{\n{input_}%s }}\n{forward} }}\n}}\n"
    hostile = HOSTILE.replace('"', "").replace("\x1b", "")
    after = table % f'  tcp dport 443 accept comment "{hostile}"\n'
    change = Change(what="nftables ruleset", before=table % "", after=after)
    made = plan(changed("", name="in force", change=change))
    page, text = html(made, NAMES, ()), markdown(made, NAMES, ())
    assert "opens: tcp/443 on heb-gw1, ost-gw1 from anywhere over IPv4" in page
    assert "opens: tcp/443 on heb-gw1, ost-gw1 from anywhere over IPv4" in text
    assert "<script>" not in page
    assert "<script>" not in text.partition("```")[0]
    assert "@anna" not in text.partition("```")[0]
    assert "\u202e" not in page.partition("<details")[0]
    assert text.index("### Opens and closes") < text.index("<details>")
