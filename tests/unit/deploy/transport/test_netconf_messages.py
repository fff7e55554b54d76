"""NETCONF messages: framing of both kinds, greetings and replies as servers send them, and what a stranger may send."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.transport.netconf_messages import (
    BASE_1_0,
    BASE_1_1,
    HELLO,
    MOST_BYTES,
    Frames,
    Malformed,
    Reply,
    escaped,
    framed,
    read_hello,
    read_reply,
    rpc,
)

NC = 'xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"'
texts = st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\ufffe\uffff"))


def reply(body: str, number: int = 1, attributes: str = NC) -> Reply:
    return read_reply(f'<rpc-reply {attributes} message-id="{number}">{body}</rpc-reply>'.encode(), number)


def all_of(frames: Frames, data: bytes, each: int) -> list[bytes]:
    found = []
    for at in range(0, len(data), each):
        frames.feed(data[at : at + each])
        while (message := frames.next()) is not None:
            found.append(message)
    return found


@settings(max_examples=25)
@given(st.lists(texts, min_size=1, max_size=4), st.integers(1, 40), st.booleans())
def test_messages_are_what_was_sent_however_they_arrive(said: list[str], each: int, chunked: bool) -> None:
    frames = Frames(MOST_BYTES)
    frames.chunked = chunked
    sent = b"".join(framed(rpc(n, f"<a>{escaped(text)}</a>"), chunked=chunked) for n, text in enumerate(said))
    messages = all_of(frames, sent, each)
    assert [m.rstrip(b" ").decode().partition("?>")[2] for m in messages] == [
        rpc(n, f"<a>{escaped(text)}</a>") for n, text in enumerate(said)
    ]


def test_a_text_cannot_end_its_message() -> None:
    assert b"]]>]]>" not in framed(rpc(1, escaped("]]>]]>")), chunked=False)[:-6]
    with pytest.raises(ValueError, match="has the mark in it"):
        framed("<a>]]>]]></a>", chunked=False)


@pytest.mark.parametrize("length", range(4050, 4110))
def test_the_mark_is_never_cut_in_two_by_a_server_that_reads_4096_bytes_at_a_time(length: int) -> None:
    """ncclient#189, Juniper/ansible-junos-stdlib#216: Junos 12.3R8 and 15.1R5 found a syntax error then."""
    sent = framed(rpc(1, "x" * length), chunked=False)
    assert (len(sent) - 6) // 4096 == (len(sent) - 1) // 4096


def test_marks_of_one_framing_are_text_in_the_other() -> None:
    """scrapligo#99 and #181: a `##` in the text of a chunk ended it."""
    frames = Frames(MOST_BYTES)
    frames.chunked = True
    text = "\n##\n#12\n########]]>]]>"
    sent = framed(f"<a>{text}</a>", chunked=True)
    assert [text in m.decode() for m in all_of(frames, sent, 3)] == [True]


def test_a_chunk_is_so_many_bytes_and_not_letters() -> None:
    """ncclient#447: a text with letters of several bytes was cut short."""
    sent = framed("<a>åäö🏫</a>", chunked=True)
    size = int(sent.split(b"\n")[1][1:])
    assert sent.endswith(b"</a>\n##\n")
    assert len(sent) == size + len(f"\n#{size}\n\n##\n")


def test_a_message_of_many_chunks_is_one() -> None:
    frames = Frames(MOST_BYTES)
    frames.chunked = True
    assert all_of(frames, b"\n#3\n<a>\n#4\n</a>\n##\n", 1) == [b"<a></a>"]


def test_line_ends_behind_the_greeting_are_no_chunk() -> None:
    frames = Frames(MOST_BYTES)
    assert len(all_of(frames, framed(HELLO, chunked=False), 7)) == 1
    frames.chunked = True
    assert all_of(frames, b"\n\n#4\n<a/>\n##\n", 1) == [b"<a/>"]


@pytest.mark.parametrize("data", [b"<rpc-reply/>", b"\n#0\n", b"\n#-1\n", b"\n#99999999999\n", b"\n#1x", b"\n##\n"])
def test_what_is_no_chunk_is_refused(data: bytes) -> None:
    frames = Frames(MOST_BYTES)
    frames.chunked = True
    with pytest.raises(Malformed):
        all_of(frames, data, 1)


@pytest.mark.parametrize("data", [b"\n#4294967295\n", b"\n#600\n" + b"x" * 600 + b"\n#600\n"])
def test_a_chunk_that_would_be_too_much_is_refused_before_it_comes(data: bytes) -> None:
    frames = Frames(1000)
    frames.chunked = True
    with pytest.raises(Malformed, match="more than 1000 bytes"):
        all_of(frames, data, 100)


def test_a_flood_without_an_end_is_refused() -> None:
    frames = Frames(1000)
    with pytest.raises(Malformed, match="more than 1000 bytes"):
        all_of(frames, b"x" * 2000, 100)


def test_a_greeting_of_junos_is_read_with_the_comments_before_it() -> None:
    """As a vRR says it (ansible#46804); the comments are what people show of `ssh -s netconf`."""
    hello = read_hello(
        b"""<!-- No zombies were killed during the creation of this user interface -->
<!-- user samdrift, class j-super-user -->
<nc:hello xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0">
  <nc:capabilities>
    <nc:capability>urn:ietf:params:netconf:base:1.0</nc:capability>
    <nc:capability>urn:ietf:params:netconf:capability:confirmed-commit:1.0</nc:capability>
    <nc:capability>http://xml.juniper.net/netconf/junos/1.0</nc:capability>
  </nc:capabilities>
  <nc:session-id>48523</nc:session-id>
</nc:hello>
"""
    )
    assert hello.session == "48523"
    assert hello.missing(["urn:ietf:params:netconf:capability:confirmed-commit:", "x"]) == ("x",)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Permission denied",
        f"<hello {NC}><capabilities><capability>{BASE_1_1}</capability></capabilities></hello>",
        f"<hello {NC}><capabilities><capability>other</capability></capabilities><session-id>1</session-id></hello>",
        f"<rpc-reply {NC} message-id='1'><ok/></rpc-reply>",
        f"<hello {NC}><capabilities><capability>{BASE_1_0}</capability></capabilities><session-id>1</session-id>",
    ],
)
def test_what_is_no_greeting_is_refused(message: str) -> None:
    with pytest.raises(Malformed):
        read_hello(message.encode())


@pytest.mark.parametrize(
    "message",
    [
        '<!DOCTYPE a [<!ENTITY b "c">]><rpc-reply message-id="1">&b;</rpc-reply>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><rpc-reply message-id="1"/>',
        '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><rpc-reply message-id="1">&b;</rpc-reply>',
        '<rpc-reply message-id="1">&b;</rpc-reply>',
        "<a>" * 200 + "</a>" * 200,
        '<rpc-reply message-id="2"><ok/></rpc-reply>',
        "<rpc-reply><ok/></rpc-reply>",
        '<rpc-reply message-id="1"><ok/></rpc-reply><rpc-reply message-id="1"><ok/></rpc-reply>',
        '<rpc-reply message-id="1"><ok/>',
        '<rpc-reply message-id="1">\x08</rpc-reply>',
        '<?xml version="1.0" encoding="nonsense"?><rpc-reply message-id="1"><ok/></rpc-reply>',
        "<notification><ok/></notification>",
    ],
)
def test_what_a_stranger_may_send_instead_of_a_reply_is_refused(message: str) -> None:
    with pytest.raises(Malformed):
        read_reply(message.encode("utf-8"), 1)


@pytest.mark.long
def test_elements_without_end_are_refused() -> None:
    with pytest.raises(Malformed, match="200000 in all"):
        read_reply(b'<rpc-reply message-id="1">' + b"<a/>" * 200_001 + b"</rpc-reply>", 1)


@settings(max_examples=25)
@given(st.binary(max_size=200))
def test_whatever_bytes_come_are_a_message_or_refused(data: bytes) -> None:
    for chunked in (False, True):
        frames = Frames(500)
        frames.chunked = chunked
        try:
            for message in all_of(frames, data + b"]]>]]>", 9):
                read_reply(message, 1)
        except Malformed:
            pass


def test_an_operation_is_done_only_if_the_server_says_so() -> None:
    assert reply("<ok/>").done
    assert reply(
        "<commit-results><routing-engine><name>re0</name><commit-success/></routing-engine></commit-results>"
    ).done
    assert not reply("").done
    assert not reply("<commit-results><routing-engine><name>re0</name></routing-engine></commit-results>").done


def test_one_error_among_warnings_and_an_ok_is_an_error() -> None:
    """Juniper/py-junos-eznc#358: the first `rpc-error` was a warning, and the error behind it was not seen."""
    warning = "<rpc-error><error-severity>warning</error-severity><error-message>w</error-message></rpc-error>"
    error = (
        "<rpc-error><error-severity>error</error-severity><error-path>[edit system]</error-path>"
        "<error-message>\nsyntax error\n</error-message><error-info><bad-element>hostt</bad-element></error-info>"
        "</rpc-error>"
    )
    both = reply(f"<load-configuration-results>{warning}{error}<ok/></load-configuration-results>")
    assert (both.done, both.warnings, both.errors) == (False, ("w",), ("syntax error ([edit system], hostt)",))
    assert reply(f"<load-configuration-results>{warning}<ok/></load-configuration-results>").done


def test_an_error_of_one_routing_engine_of_two_is_an_error() -> None:
    engines = (
        "<routing-engine><name>re0</name><commit-success/></routing-engine><routing-engine><name>re1</name>"
        '<xnm:error xmlns="http://xml.juniper.net/xnm/1.1/xnm" xmlns:xnm="http://xml.juniper.net/xnm/1.1/xnm">'
        "<message>remote commit failed</message></xnm:error></routing-engine>"
    )
    found = reply(f"<commit-results>{engines}</commit-results>")
    assert (found.done, found.errors) == (False, ("remote commit failed",))


def test_who_has_the_lock_is_told() -> None:
    """RFC 6241, section 7.5."""
    found = reply(
        "<rpc-error><error-type>protocol</error-type><error-tag>lock-denied</error-tag><error-severity>error"
        "</error-severity><error-message>Lock failed, lock is already held</error-message><error-info>"
        "<session-id>454</session-id></error-info></rpc-error>"
    )
    assert found.errors == ("Lock failed, lock is already held (session 454)",)


def test_an_error_without_a_message_is_told_by_its_tag() -> None:
    error = "<rpc-error><error-tag>data-exists</error-tag><error-severity>error</error-severity></rpc-error>"
    assert reply(error).errors == ("data-exists",)
    assert reply("<rpc-error/>").errors == ("no reason given",)


def test_what_is_shown_of_a_strangers_words_has_an_end() -> None:
    long = "x" * 100_000
    error = f"<rpc-error><error-message>{long}</error-message><error-path>{long[1:]}y</error-path></rpc-error>"
    assert len(reply(error).errors[0]) < 1100
    for message in (f"<{long}/>", f"<rpc-reply message-id='{long}'/>"):
        with pytest.raises(Malformed) as refused:
            read_reply(message.encode(), 1)
        assert len(str(refused.value)) < 600


def test_a_reply_that_is_a_text_by_itself_is_an_answer() -> None:
    """Junos answers so in JSON (`<command format="json">`, and what ends in `| display json`)."""
    assert reply('\n{"a": []}\n').alone == '{"a": []}\n'
    assert reply("\n").alone is None
    assert reply("<output>a</output>").alone is None


def test_the_text_of_an_answer_is_what_a_command_line_would_print() -> None:
    found = reply("<output>\nset a &lt;b&gt;\n  c\n</output>")
    assert found.answer(["output"]) == "set a <b>\n  c\n"
    assert found.answer(["configuration-set"]) is None
    assert reply("<output/>").answer(["output"]) == ""
    engines = "".join(f"<item><name>fpc{n}</name><output>up {n}</output></item>" for n in (0, 1))
    assert reply(f"<multi-routing-engine-results>{engines}</multi-routing-engine-results>").answer(["output"]) == (
        "up 0\nup 1\n"
    )
