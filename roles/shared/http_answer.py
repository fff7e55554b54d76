"""Take apart what a program on a host answers over HTTP, for state checks. Pure; not here: how it is asked."""

from __future__ import annotations

from typing import NamedTuple


class HttpAnswer(NamedTuple):
    """An answer's first line, its other headers, and its body. Lines end as Python's do."""

    status: str
    headers: str
    body: str


def http_answer(text: str) -> HttpAnswer:
    """Take an answer apart, as it came."""
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    status, _, headers = head.partition("\n")
    return HttpAnswer(status, headers, body)
