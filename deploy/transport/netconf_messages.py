"""NETCONF messages: how they are framed (RFC 6242, section 4), and what a server says in them (RFC 6241). Pure.

What a server sends is a stranger's: a message has a greatest length, a greatest depth and a greatest number of
elements, and no document type, so that nothing in it stands for something else or is fetched from anywhere. Not here: a
session with a server (`transport.netconf_session`), and which operations a vendor has (`roles.shared.device.netconf`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from inventory.frozen import Frozen

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
BASE_1_0 = "urn:ietf:params:netconf:base:1.0"
BASE_1_1 = "urn:ietf:params:netconf:base:1.1"
CAPABILITIES = "".join(f"<capability>{name}</capability>" for name in (BASE_1_0, BASE_1_1))
HELLO = f'<hello xmlns="{BASE}"><capabilities>{CAPABILITIES}</capabilities></hello>'

END = b"]]>]]>"
CHUNK = re.compile(rb"\n#(?:([1-9]\d{0,9})|(#))\n")
LONGEST_HEADER = 13
READS_AT_A_TIME = 4096
"""Some releases of Junos read so many bytes at a time, and do not find an end that is cut in two (ncclient#189)."""

MOST_BYTES = 32 * 1024 * 1024
MOST_OF_GREETING = 1024 * 1024
"""The longest that is published, of a Catalyst 9500, has 92 thousand."""
MOST_ELEMENTS = 200_000
DEEPEST = 100
LONGEST_WORDS = 500
"""Of what a server has against an operation: as much is shown."""


class Malformed(Exception):
    """What a server sent is no message, or longer than any that is believed."""


def escaped(text: str) -> str:
    """Return a text as it stands in XML; no `]]>` is left in it."""
    return escape(text)


def framed(message: str, *, chunked: bool) -> bytes:
    """Return a message as it is sent: in one chunk, or with the mark that ends it."""
    data = f'<?xml version="1.0" encoding="UTF-8"?>{message}'.encode()
    if chunked:
        return b"\n#%d\n%s\n##\n" % (len(data), data)
    if END in data:
        raise ValueError("the message has the mark in it that ends a message")
    cut = len(data) % READS_AT_A_TIME
    padding = b" " * (READS_AT_A_TIME - cut) if cut > READS_AT_A_TIME - len(END) else b""
    return data + padding + END


class Frames:
    """The messages in a stream of bytes: each ends with a mark, or from `chunked = True` on comes in chunks.

    Raises:
        Malformed: from `feed` and from `next`, if the bytes are no such messages, or one has more than `most` bytes.
    """

    def __init__(self, most: int) -> None:
        self.chunked = False
        self.most = most
        self._bytes = bytearray()
        self._looked_at = 0
        self._chunks = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the bytes that came next."""
        self._bytes += data
        if len(self._bytes) + len(self._chunks) > self.most + len(END):
            raise Malformed(f"a message of more than {self.most} bytes")

    def next(self) -> bytes | None:
        """Return the next message; None if it has not come whole."""
        return self._next_chunked() if self.chunked else self._next_marked()

    def _next_marked(self) -> bytes | None:
        end = self._bytes.find(END, self._looked_at)
        if end < 0:
            self._looked_at = max(0, len(self._bytes) - len(END) + 1)
            return None
        message = bytes(self._bytes[:end])
        del self._bytes[: end + len(END)]
        self._looked_at = 0
        return message

    def _next_chunked(self) -> bytes | None:
        while True:
            begins = 0 if self._chunks else _spaces(self._bytes)  # some write a line feed behind the last message
            header = CHUNK.match(self._bytes, begins)
            if header is None:
                if len(self._bytes) - begins >= LONGEST_HEADER or not _may_begin_chunk(self._bytes[begins:]):
                    raise Malformed("no chunk begins where one should")
                return None
            if header[2]:
                message = bytes(self._chunks)
                self._chunks.clear()
                del self._bytes[: header.end()]
                if not message:
                    raise Malformed("a message without a chunk")
                return message
            size = int(header[1])
            if size + len(self._chunks) > self.most:
                raise Malformed(f"a message of more than {self.most} bytes")
            if len(self._bytes) < header.end() + size:
                return None
            self._chunks += self._bytes[header.end() : header.end() + size]
            del self._bytes[: header.end() + size]


def _spaces(data: bytearray) -> int:
    """Return how many line ends too many stand before a chunk."""
    found = re.match(rb"[\r\n ]*(?=\n#)", data)
    return found.end() if found else 0


def _may_begin_chunk(data: bytearray) -> bool:
    """Tell whether the beginning of a chunk's header may have come, or nothing but line ends."""
    return not data.strip(b"\r\n ") or re.fullmatch(rb"\n#(?:#|[1-9]\d{0,9})?", data) is not None


class Problem(Frozen):
    """An `rpc-error`: what a server has against an operation, or warns of."""

    is_warning: bool
    text: str


class Hello(Frozen):
    """What a server says first."""

    capabilities: tuple[str, ...]
    session: str

    def missing(self, needed: Sequence[str]) -> tuple[str, ...]:
        """Return those of the capabilities that the server has not; a name may be the beginning of one."""
        return tuple(n for n in needed if not any(has.startswith(n) for has in self.capabilities))


class Reply:
    """A server's reply to one operation.

    Attributes:
        body: the whole `rpc-reply`.
        problems: every `rpc-error` in it, wherever it stands: one of several may be an error, and not the first.
        done: whether the server says that it was done. No error is not enough for an operation that changes something.
    """

    def __init__(self, body: ET.Element) -> None:
        self.body = body
        self.problems = tuple(_problems(body))
        names = {_name(element) for element in body.iter()}
        self.done = not self.errors and any(name == "ok" or name.endswith("-success") for name in names)

    @property
    def errors(self) -> tuple[str, ...]:
        """Return what the server has against it."""
        return tuple(p.text for p in self.problems if not p.is_warning)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what it warns of."""
        return tuple(p.text for p in self.problems if p.is_warning)

    def answer(self, elements: Sequence[str]) -> str | None:
        """Return the text in the elements of these names, one below the other; None if there is none of them."""
        found = ["".join(e.itertext()).strip("\n") for e in self.body.iter() if _name(e) in elements]
        return "".join(f"{text}\n" for text in found if text) if found else None

    @property
    def alone(self) -> str | None:
        """Return the text of a reply that has no element, as one in JSON has none; None if it has, or says nothing."""
        text = (self.body.text or "").strip("\n")
        return f"{text}\n" if text.strip() and not len(self.body) else None


def rpc(number: int, operation: str) -> str:
    """Return an operation as a message."""
    return f'<rpc xmlns="{BASE}" message-id={quoteattr(str(number))}>{operation}</rpc>'


def read_hello(message: bytes) -> Hello:
    """Read what a server says first.

    Raises:
        Malformed: it is none.
    """
    body = _read(message)
    if _name(body) != "hello":
        raise Malformed(f"{_cut(_name(body))!r} instead of 'hello'")
    texts = [(_name(element), (element.text or "").strip()) for element in body.iter()]
    session = next((text for name, text in texts if name == "session-id"), "")
    capabilities = tuple(text for name, text in texts if name == "capability")
    if not session or not any(c in {BASE_1_0, BASE_1_1} for c in capabilities):
        raise Malformed("a greeting without a session or without a version of NETCONF")
    return Hello(capabilities=capabilities, session=session)


def read_reply(message: bytes, number: int) -> Reply:
    """Read the reply to the operation of this number.

    Raises:
        Malformed: it is none.
    """
    body = _read(message)
    if _name(body) != "rpc-reply":
        raise Malformed(f"{_cut(_name(body))!r} instead of 'rpc-reply'")
    if (of := body.get("message-id", "")) != str(number):
        raise Malformed(f"a reply to operation {_cut(of)!r} instead of '{number}'")
    return Reply(body)


def _read(message: bytes) -> ET.Element:
    parser = ET.XMLParser(target=_Tree())  # noqa: S314  no document type, so no entity; the size is bounded
    try:
        parser.feed(message.lstrip())
        found = parser.close()
    except (ET.ParseError, ValueError, LookupError) as e:  # an encoding that nobody knows is a LookupError
        raise Malformed(f"no XML: {e}") from e
    if not isinstance(found, ET.Element):
        raise Malformed("no XML")
    return found


class _Tree(ET.TreeBuilder):
    """Builds no tree that is too deep or too large, and none with a document type."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = self._elements = 0

    def doctype(self, _name: str, _public: str | None, _system: str | None) -> None:
        raise Malformed("a document type, which NETCONF has not (RFC 6241, section 3)")

    def start(self, tag: str, attrs: dict[str, str]) -> ET.Element:
        self._depth += 1
        self._elements += 1
        if self._depth > DEEPEST or self._elements > MOST_ELEMENTS:
            raise Malformed(f"more than {DEEPEST} elements in one another, or {MOST_ELEMENTS} in all")
        return super().start(tag, attrs)

    def end(self, tag: str) -> ET.Element:
        self._depth -= 1
        return super().end(tag)


def _name(element: ET.Element) -> str:
    """Return an element's name without its namespace, which releases of one server differ in."""
    return element.tag.rpartition("}")[2]


def _problems(body: ET.Element) -> Iterator[Problem]:
    for element in body.iter():
        name, own = _name(element), "/xnm/" in element.tag  # Junos' older form: `<xnm:error>`, `<xnm:warning>`
        if name == "rpc-error" or (own and name in {"error", "warning"}):
            parts = {_name(e): " ".join((e.text or "").split()) for e in element.iter()}
            is_warning = parts.get("error-severity", name) == "warning"
            yield Problem(is_warning=is_warning, text=_text(parts))


def _text(parts: dict[str, str]) -> str:
    """Return what an `rpc-error` says, in one line: a message if it has one, or its tag; where, and of what."""
    what = parts.get("error-message") or parts.get("message") or parts.get("error-tag") or "no reason given"
    where = parts.get("error-path") or parts.get("edit-path") or ""
    of = parts.get("bad-element") or parts.get("token") or ""
    by = f"session {parts['session-id']}" if parts.get("session-id", "0") != "0" else ""
    details = ", ".join(_cut(d) for d in (where, of, by) if d and d not in what)
    return f"{_cut(what)} ({details})" if details else _cut(what)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_WORDS else f"{text[:LONGEST_WORDS]}…"
