"""What a refusal means, in one line: NetBox's own, and that of whatever answers in its place. Pure.

Not here: sending requests, and what it means that there is no answer (`session.py`).
"""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlsplit

import requests

from inventory.errors import SamdriftError
from inventory.places import printable


class NetBoxError(SamdriftError):
    """NetBox cannot be used, or refused; one line of what to do.

    Attributes:
        status: the HTTP status, or None where there was no answer.
        body: what NetBox said, as data, where it was JSON: of a refused write, each object's fields and their faults.
    """

    def __init__(
        self, what: str, *, where: str = "", fix: str = "", status: int | None = None, body: object = None
    ) -> None:
        self.status, self.body = status, body
        super().__init__(what, where=where, fix=fix)


class InBetween(NetBoxError):
    """Not NetBox has answered, but something in front of it, with a page for people."""


PROXY = "is there a proxy in between, or something else at this URL?"

UNHEARD = "before 4.5, NetBox has no tokens that begin with nbt_; and a proxy must pass the header Authorization on"
"""What to do where NetBox says that it was given no token: one is always sent."""
RENEW = "make a new token in NetBox (and see that it is enabled, not expired, and allowed from here)"
VERBS = {"GET": "view", "POST": "add", "PATCH": "change", "DELETE": "delete"}
READ_ONLY = re.compile(r"maintenance mode|in a read-only transaction")
"""What NetBox, or its database, says to a write that is not possible there."""


def refusal(response: requests.Response, body: object, url: str) -> NetBoxError:
    """Make the error that a status of 400 or more means.

    Args:
        body: what was answered, as data; None if it was not JSON.
        url: where NetBox is.
    """
    status, place = response.status_code, str(response.url).partition("?")[0]
    if body is None and status in {401, 403, 502, 503, 504} and (title := _page(response)) is not None:
        return _in_between(status, title, url)
    reason = _refusal_text(body) or _plain_text(response) or str(response.reason)
    is_graphql = place == f"{url}/graphql/"
    kind = "what GraphQL reads" if is_graphql else place.removeprefix(f"{url}/api/").strip("/")
    method = "GET" if is_graphql else str(response.request.method)
    where = url
    if READ_ONLY.search(reason) or (status == 500 and READ_ONLY.search(response.text)):
        what, fix = _read_only(method)
    elif status in {401, 403} and "permission" in reason:
        verb = VERBS.get(method, method)
        what, fix = f"the token may not {verb} {kind}", f"give its user the permission to {verb} {kind} in NetBox"
    elif status in {401, 403}:
        what = f"the token is not accepted: {cut(reason)}"
        fix = UNHEARD if "not provided" in reason else RENEW
    elif status == 404 and body is None:
        what, where = "there is no such page", place
        fix = "is this the URL of NetBox, without /api, and with its path if it has one (https://…/netbox)?"
    elif status >= 500:
        asked = urlsplit(str(response.url)).query
        of = f"{kind}?{cut(asked)}" if asked else kind
        what, fix = f"NetBox failed ({status}) in the middle of {of}: {cut(reason)}", "see NetBox's own log; try again"
    else:
        what, where, fix = f"NetBox refuses ({status}): {cut(reason, 500)}", f"NetBox {kind}", "mend what it names"
    return NetBoxError(what, where=where, fix=fix, status=status, body=body)


def _in_between(status: int, title: str, url: str) -> InBetween:
    """Make the error that a page for people means; NetBox's API answers none with this status."""
    what, fix = f"something in front of NetBox refuses this ({status})", PROXY
    if status > 500:
        what, fix = f"NetBox is out of service ({status})", "try again when it is back"
    return InBetween(f"{what}: {title}" if title else what, where=url, fix=fix, status=status)


def _read_only(method: str) -> tuple[str, str]:
    """Say what it means that a database cannot be written: what is wrong, and what to do."""
    if method == "GET":
        what = "its database is read-only, and NetBox writes there when it is read (when a token was used, say)"
        return what, "set MAINTENANCE_MODE = True in that NetBox's configuration"
    what = "it can only be read: it is in maintenance mode, or a replica"
    return what, "write to its primary, or when the maintenance is over"


def _page(response: requests.Response) -> str | None:
    """Return the title of a page for people, which may be empty; None if this is none."""
    if not re.search(rb"<(html|!doctype|head|title|body|h1)\b", response.content[:2000], re.IGNORECASE):
        return None
    found = re.search(r"<(title|h1)\b[^>]*>([^<]*)<", response.text[:20_000], re.IGNORECASE)
    return printable(cut(unescape(found[2]))) if found else ""


def _plain_text(response: requests.Response) -> str:
    """Return the body if it is a line of text (as GraphQL refuses a token)."""
    is_text = response.headers.get("Content-Type", "").startswith("text/plain") or b"<" not in response.content
    return response.text.strip() if is_text and len(response.content) < 500 else ""


def _refusal_text(body: object) -> str:
    """Return the text of NetBox's refusal, each field with its fault, on one line."""
    match body:
        case {"errors": list(errors), **_unused}:
            return "; ".join(filter(None, map(_refusal_text, errors)))
        case {"index": index, "errors": errors}:
            return f"object {index}: {_refusal_text(errors)}"
        case dict():
            parts = (
                f"{k}: {_refusal_text(v)}" if k not in {"detail", "error"} else _refusal_text(v)
                for k, v in body.items()
            )
            return "; ".join(p for p in parts if not p.endswith(": "))
        case list():
            return "; ".join(filter(None, map(_refusal_text, body)))
        case None:
            return ""
        case _:
            return " ".join(str(body).split())


def cut(text: str, width: int = 200) -> str:
    """Put a text on one line, cut where it is longer than this."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"
