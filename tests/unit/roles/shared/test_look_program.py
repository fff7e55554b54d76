"""What looks may ask as root, how questions travel, and which calls of the kernel a question may not make."""

from __future__ import annotations

import shlex
import struct
import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deploy.transport.batch import Truncated, looked
from roles.shared import look_program
from roles.shared.look_program import (
    AF_NETLINK,
    ARCHITECTURE,
    DENIED,
    SOCKET,
    framed,
    is_fixed,
    order_of,
    received,
    sent,
)

FIXED = (
    "uptime",
    "systemctl show -p ActiveState -- {word}",
    "for a in {words}; do ping -c 1 $a; done",
    "show {word} of {word}",
)
MARK = "@@a-mark"


@pytest.mark.parametrize(
    "command",
    [
        "uptime",
        "systemctl show -p ActiveState -- wg-quick@wg0.service",
        "for a in 10.60.10.11; do ping -c 1 $a; done",
        "for a in 10.60.10.11 ::1 tie-dns1; do ping -c 1 $a; done",
        "show a of b",
    ],
)
def test_what_is_listed_is_asked_as_root_with_names_and_addresses_in_its_holes(command: str) -> None:
    assert is_fixed(command, FIXED)


@pytest.mark.parametrize(
    "command",
    [
        "",
        "uptime ",
        "uptime\n",
        "uptime; id",
        "systemctl show -p ActiveState -- ",
        "systemctl show -p ActiveState -- --help",
        "systemctl show -p ActiveState -- a;id",
        "systemctl show -p ActiveState -- a b",
        "systemctl show -p ActiveState -- $(id)",
        "systemctl show -p ActiveState -- `id`",
        "systemctl show -p ActiveState -- a\nid",
        "systemctl show -p ActiveState -- ../../etc",
        "systemctl show -p ActiveState -- {word}",
        "systemctl stop ssh",
        "for a in ; do ping -c 1 $a; done",
        "for a in -f 10.60.10.11; do ping -c 1 $a; done",
        "for a in a  b; do ping -c 1 $a; done",
        "show a of b of c; id",
    ],
)
def test_nothing_else_is_asked_as_root(command: str) -> None:
    assert not is_fixed(command, FIXED)


@settings(max_examples=25)
@given(st.text(st.sampled_from("a1.:-@% ;|&$`'\"\\\n(){}<>*?[]~#!/=\t"), max_size=12))
@example("a")
def test_whatever_fits_a_hole_is_words_to_a_shell_and_no_option(text: str) -> None:
    if is_fixed(f"for a in {text}; do ping -c 1 $a; done", FIXED):
        words = text.split(" ")
        assert shlex.split(text) == words
        assert [shlex.quote(word) for word in words] == words
        assert not [word for word in words if word.startswith("-") or "/" in word]


def test_questions_come_apart_as_they_were_sent() -> None:
    questions = ["echo 'å'", "printf '%s\n' \"a\0\"".replace("\0", ""), ""]
    assert received(sent(questions, MARK, 2.5)) == (questions, MARK, 2.5)


@pytest.mark.parametrize("mark", ["", "a b", "'; touch /tmp/way; '", "a\nb", "%s", "a'", "å", "$(id)", "@@"])
def test_a_mark_that_could_say_something_to_root_s_shell_is_refused(mark: str) -> None:
    with pytest.raises(ValueError, match="no mark"):
        received(sent(["uptime"], mark, 5))


@pytest.mark.parametrize("data", [b"", b"mark", b"mark\0soon\0id", b"mark\0\0id"])
def test_what_was_not_sent_as_questions_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"unpack|convert"):
        received(data)


def test_a_question_is_given_no_more_time_than_anybody_needs() -> None:
    assert received(sent(["uptime"], MARK, 1e9))[2] == look_program.LONGEST


@settings(max_examples=10)
@given(st.lists(st.sampled_from(["uptime", "echo one", "echo two", "show a of b"]), min_size=1, max_size=6))
def test_every_question_gets_its_own_answer_whatever_was_asked_as_root_first(questions: list[str]) -> None:
    as_root, rest = order_of(questions, FIXED)
    assert sorted([*as_root, *rest]) == list(range(len(questions)))
    out = "".join(f"{questions[n]}\n{MARK} {n}\n" for n in (*as_root, *rest))
    head = f"{MARK} {len(as_root)} {' '.join(map(str, (*as_root, *rest)))}\n"
    found, told = looked(head + out, f"\n{MARK}\n" * len(questions), MARK, len(questions))
    assert [(a.stdout, a.rc) for a in found] == [(q, n) for n, q in enumerate(questions)]
    assert told == {n for n, q in enumerate(questions) if is_fixed(q, FIXED)}


@pytest.mark.parametrize(
    "head", ["", "@@another 0 0\n", f"{MARK}\n", f"{MARK} 0 1\n", f"{MARK} 0 0 0\n", f"{MARK} 0 x\n"]
)
def test_an_answer_that_does_not_say_its_order_is_none(head: str) -> None:
    with pytest.raises(Truncated):
        looked(f"{head}out\n{MARK} 0\n", f"\n{MARK}\n", MARK, 1)


def test_the_frame_quotes_as_the_shell_needs_it() -> None:
    script = framed(['printf %s "it\'s"; exit 3'], MARK, 5)
    done = subprocess.run(["sh", "-s"], input=script.encode(), capture_output=True, check=True)
    assert done.stdout.decode() == f"it's\n{MARK} 3\n"


def judged(call: int, argument: int = 0, architecture: int = ARCHITECTURE) -> int:
    """What the filter says of a call: a small machine, as the kernel's."""
    lines = list(struct.iter_unpack("HBBI", look_program._filter()))
    data = struct.pack("IIQ6Q", call, architecture, 0, argument, 0, 0, 0, 0, 0)
    value, at = 0, 0
    while True:
        code, yes, no, operand = lines[at]
        at += 1
        if code == 0x20:
            (value,) = struct.unpack_from("I", data, operand)
        elif code == 0x06:
            return int(operand)
        else:
            at += yes if (value == operand if code == 0x15 else value >= operand) else no


ALLOWED, REFUSED, KILLED = 0x7FFF0000, 0x00050001, 0x80000000


def test_the_filter_refuses_what_is_denied_and_lets_everything_else_pass() -> None:
    assert {call for call in range(600) if judged(call, AF_NETLINK) == REFUSED} == set(DENIED)
    assert {judged(call) for call in range(600) if call not in {*DENIED, SOCKET}} == {ALLOWED}


def test_the_filter_lets_no_socket_but_netlink_be_made() -> None:
    assert [family for family in range(50) if judged(SOCKET, family) == ALLOWED] == [AF_NETLINK]


def test_the_filter_knows_no_calls_by_other_numbers() -> None:
    assert judged(0x40000000 + SOCKET, AF_NETLINK) == REFUSED
    assert judged(SOCKET, AF_NETLINK, architecture=0x40000003) == KILLED


def test_nobody_runs_the_program_but_an_account_by_sudo() -> None:
    """Whatever else is: an account of root's, or no sudo at all."""
    for claimed in ({}, {"SUDO_UID": "0", "SUDO_GID": "0"}):
        asked = [sys.executable, "-IS", look_program.__file__]
        done = subprocess.run(asked, input=b"", capture_output=True, env=claimed, check=False)
        assert done.returncode == look_program.NOT_LET
        assert done.stdout == b""
