"""Every message reads in Swedish and in English with just its parameters, and nothing in a parameter is obeyed."""

from __future__ import annotations

import ast
import shlex
from string import Formatter
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from deploy.model.evidence import Commands, Diff, Error, Evidence, FailedCheck, Note
from deploy.model.findings import Exit, Kind, Severity
from deploy.model.messages import Command, Message, MessageId, as_written, samdrift
from deploy.model.record import HostResult
from deploy.model.words import LOCALES, Language, catalogue, evidence_in_words, in_words, name, template
from inventory.paths import CODE

LANGUAGES: tuple[Language, ...] = get_args(Language)
OUTCOMES = get_args(HostResult.model_fields["outcome"].annotation)
HOSTILE = [
    "--limit 'samdrift '",
    "/srv/samdrift files/{host}/{}",
    "{0}{host.__class__}{",
    "100 % %s %(host)s",
    "[red]not a colour[/red] [/]",
    'tie-"dns"1; $(reboot)',
    "Älvkarleby's\nsecond line",
]


def placeholders(text: str) -> list[str]:
    """The placeholders of a catalogue's text, each a plain name without conversion or format."""
    found = []
    for _, field, specification, conversion in Formatter().parse(text):
        if field is not None:
            assert field.isidentifier(), text
            assert not specification, text
            assert conversion is None, text
            found.append(field)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", MessageId)
def test_every_message_has_a_text_with_each_of_its_parameters_once(message: MessageId, language: Language) -> None:
    found = catalogue(language).get(message)
    assert found is not None
    assert found.string
    assert sorted(placeholders(str(found.string))) == sorted(message.parameters)
    assert not found.fuzzy


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_has_these_messages_and_names_and_no_others(language: Language) -> None:
    names = {(of, str(kind)) for of in ("kind", "meaning", "remedy") for kind in Kind}
    names |= {("severity", str(s)) for s in Severity} | {("outcome", o) for o in OUTCOMES}
    names |= {("exit", str(int(code))) for code in Exit}
    entries = [(m.context, m.id) for m in catalogue(language) if m.id]
    assert set(entries) == {(None, str(message)) for message in MessageId} | names
    assert len(entries) == len(set(entries))
    assert all(m.string for m in catalogue(language) if m.id)
    assert not catalogue(language).obsolete
    assert str(catalogue(language).locale) == language


def test_there_is_a_catalogue_of_every_language_and_of_no_other() -> None:
    assert {path.relative_to(LOCALES).parts[0] for path in LOCALES.rglob("*.po")} == set(LANGUAGES)


def test_swedish_is_another_language_than_english() -> None:
    same = {m for m in MessageId if template(m, "sv") == template(m, "en")}
    assert same == {MessageId.AS_WRITTEN}


def test_no_message_is_defined_and_never_made() -> None:
    made = {
        node.attr
        for path in (CODE / "deploy").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "MessageId"
    }
    assert {m.name for m in MessageId} == made & {m.name for m in MessageId}
    assert made <= set(MessageId.__members__)


@given(st.data(), st.sampled_from(list(MessageId)), st.sampled_from(LANGUAGES))
def test_a_parameter_is_put_in_as_it_is_and_nothing_in_it_is_obeyed(
    data: st.DataObject, message: MessageId, language: Language
) -> None:
    values = data.draw(st.fixed_dictionaries({p: st.text() | st.sampled_from(HOSTILE) for p in message.parameters}))
    said = in_words(message(**values), language)
    assert all(value in said for value in values.values())
    literal = sum(len(text) for text, *_ in Formatter().parse(template(message, language)))
    assert len(said) == literal + sum(map(len, values.values()))


@pytest.mark.parametrize("wrong", [{}, {"stepp": "x"}, {"step": "x", "host": "y"}])
def test_a_message_has_just_the_parameters_of_its_id(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="has the parameters"):
        MessageId.STEP_GONE(**wrong)
    with pytest.raises(ValidationError):
        Message.model_validate({"id": "step-gone", "parameters": wrong})


@given(st.text() | st.sampled_from(HOSTILE), st.lists(st.sampled_from(["--lab", "--source", "/a dir/samdrift x"])))
def test_a_command_can_be_pasted_with_the_options_of_its_run(host: str, options: list[str]) -> None:
    advice = MessageId.APPLY(apply=samdrift("apply", "--limit", host)).with_options(options)
    assert shlex.split(in_words(advice)) == ["samdrift", *options, "apply", "--limit", host]


def test_options_reach_commands_and_nothing_that_only_looks_like_one() -> None:
    by_hand = "samdrift apply, typed by hand"
    advice = MessageId.PLAN_OR_BY_HAND(plan=samdrift("plan"), by_hand=by_hand).with_options(["--lab"])
    assert in_words(advice) == f"samdrift --lab plan; if it is as wanted: {by_hand}"
    assert in_words(as_written(by_hand).with_options(["--lab"])) == by_hand


@given(st.sampled_from(list(MessageId)), st.data())
def test_a_message_survives_json(message: MessageId, data: st.DataObject) -> None:
    commands = st.builds(Command, args=st.lists(st.text()).map(tuple), options=st.lists(st.text()).map(tuple))
    values = data.draw(st.fixed_dictionaries({p: st.text() | commands for p in message.parameters}))
    made = message(**values)
    assert Message.model_validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize(
    ("evidence", "text"),
    [
        (Diff(text="-a\n+b\n"), "-a\n+b\n"),
        (Commands(lines=("true", "cat <<E\nE")), "$ true\n$ cat <<E\nE"),
        (Error(text="- no route"), "- no route"),
        (FailedCheck(name="answers {}", detail="assert 1 == 2"), "check failed: answers {}\nassert 1 == 2"),
        (FailedCheck(name="answers"), "check failed: answers"),
        (Note(message=MessageId.A_STEP_MOVED()), "a step differs"),
    ],
)
def test_evidence_as_plain_text(evidence: Evidence, text: str) -> None:
    assert evidence_in_words(evidence) == text


def test_samdrift_s_own_names_are_in_both_languages_and_a_stranger_has_none() -> None:
    assert (name("kind", Kind.DRIFT, "sv"), name("kind", Kind.DRIFT)) == ("ändrad på plats", "drift")
    assert name("exit", "77", "sv") == ""
