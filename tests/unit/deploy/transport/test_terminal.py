"""What a terminal shows of what a device sends, and by what it is known that the device is done."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.transport.terminal import (
    PAGER,
    QUESTION,
    Untypable,
    at_rest,
    before_prompt,
    before_rest,
    is_disturbed,
    must_be_typable,
    name_in,
    prompt_at_end,
    shown,
    without_echo,
)

PROMPTS = (
    ("sw1#", "sw1#", "sw1"),
    ("sw1>", "sw1>", "sw1"),
    ("sw1(config-if)#", "sw1(config-if)#", "sw1"),
    ("sw1(config)# ", "sw1(config)#", "sw1"),
    ("FGT-60F (port1) # ", "FGT-60F (port1) #", "FGT-60F"),
    ("{master:0}[edit]\nsamdrift@ex1# ", "samdrift@ex1#", "samdrift@ex1"),
    ("\x1b[?2004hfrr1# ", "frr1#", "frr1"),
)
lines = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\u2028\u2029\x85"))


@pytest.mark.parametrize(("last", "prompt", "name"), PROMPTS)
def test_a_prompt_is_known_in_every_mode(last: str, prompt: str, name: str) -> None:
    found = prompt_at_end(shown(f"whatever it said\r\n{last}"))
    assert found == prompt
    assert name_in(found) == name


@pytest.mark.parametrize("last", ["sw1#\n", "sw1# show version", "description to sw1#", "# comment", "", "50 %"])
def test_what_is_no_prompt_is_taken_for_none(last: str) -> None:
    assert prompt_at_end(f"whatever it said\n{last}") == ""


@pytest.mark.parametrize(
    ("page", "erased"),
    [
        (" --More-- ", "\b" * 9 + " " * 8 + "\b" * 9),
        ("--More-- ", "\r" + " " * 9 + "\r"),
        ("\x1b[7m--More--\x1b[m", "\r\x1b[K"),
        ("---(more)---", "\r" + " " * 40 + "\r"),
        ("---(more 50%)---", "\r" + " " * 40 + "\r"),
        ("-- MORE --, next page: Space, next line: Enter, quit: q", "\r\x1b[K"),
        ("-- MORE --, next page: Space, next line: Enter, quit: q", "\x1b[2K\r"),
    ],
)
def test_the_end_of_a_page_is_known_and_leaves_nothing(page: str, erased: str) -> None:
    raw = f"interface 1\r\n shutdown\r\n{page}"
    assert PAGER.search(shown(raw))
    assert not PAGER.search(shown(f"{raw}\r\n"))
    assert shown(f"{raw}{erased}!\r\n end\r\n") == "interface 1\n shutdown\n!\n end\n"


@given(st.lists(lines))
def test_text_that_nothing_is_done_to_is_shown_as_it_is(said: list[str]) -> None:
    text = "\n".join(said)
    assert shown(text) == text
    assert shown("\r\n".join(said)) == text


@given(st.text(), st.integers(0, 50))
def test_whatever_bytes_come_something_is_shown_and_nothing_of_it_moves_a_cursor(raw: str, at: int) -> None:
    assert not set("\b\r\x1b") & set(shown(f"{raw[:at]}\b\r\x1b[K{raw[at:]}"))


@given(st.lists(lines.filter(lambda line: line.strip() != "sw1#")))
def test_a_device_is_at_rest_when_an_empty_line_gets_nothing_but_another_prompt(said: list[str]) -> None:
    answer = "".join(f"{line}\n" for line in ["first", *said, "last"])
    assert at_rest(f"{answer}sw1#", "sw1#") is None
    assert at_rest(f"{answer}sw1#\n{answer}sw1#", "sw1#") is None
    assert before_rest(f"{answer}sw1#\nsw1#", "sw1#") == answer


def test_what_belongs_to_a_prompt_is_not_of_the_answer() -> None:
    context = "\n{master:0}\n# commit confirmed will be rolled back in 9 minutes\n"
    prompt = "samdrift@ex1>"
    assert before_rest(f"set a\nset b\n{context}{prompt} \n{context}{prompt} ", prompt) == "set a\nset b\n"
    assert before_prompt(f"load complete\n\n[edit]\n{prompt} ") == "load complete\n"


@pytest.mark.parametrize(
    ("heard", "answer"),
    [
        ("show run\none\ntwo\n", "one\ntwo\n"),
        (" show run\nshow run\n", "show run\n"),
        ("show r\nun\none\n", "one\n"),  # the terminal is narrow
        ("sw1#\nsw1# show run\none\n", "one\n"),  # a prompt came late
        ("one\ntwo\n", None),
        ("show run", None),
        ("show running\n", None),
    ],
)
def test_what_was_typed_is_found_before_the_answer(heard: str, answer: str | None) -> None:
    assert without_echo(heard, "show run") == answer


@pytest.mark.parametrize(
    "asked",
    [
        "Proceed with reload? [confirm]",
        "Do you want to continue? (y/n)",
        "Continue (y/n)? ",
        "Exit with uncommitted changes? [yes,no] (yes) ",
    ],
)
def test_a_question_whether_it_is_meant_is_known(asked: str) -> None:
    found = QUESTION.search(f"said before\n{asked}")
    assert found
    assert found[0] == asked
    assert not QUESTION.search(f"{asked}\nsw1#")


def test_a_message_behind_a_prompt_is_known() -> None:
    assert is_disturbed('\nsw1# WARNING  Please "confirm"\n', "sw1")
    assert is_disturbed("sw1(config-if)#\n*Mar 1: %SYS-5-CONFIG_I\n", "sw1")
    assert not is_disturbed("one\nsw1# ", "sw1")
    assert not is_disturbed("one\nsw1 is up\n", "sw1")


@given(lines.filter(lambda line: "?" not in line), st.sampled_from(["\n", "\r", "\t", "\x03", "\x85", "\u2028", "?"]))
def test_a_line_that_is_typed_is_one_line(line: str, obeyed: str) -> None:
    must_be_typable([line], "host sw1")
    with pytest.raises(Untypable) as refused:
        must_be_typable(["secret", f"{line}{obeyed}secret"], "host sw1")
    assert str(refused.value).startswith("host sw1: line 2 has a ")
    assert "secret" not in str(refused.value)
