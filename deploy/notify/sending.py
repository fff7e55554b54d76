"""Hand one message over, by SMTP or to a webhook; and say whether the other end has it, has not, or may have it.

`handing_over` is called at the last moment at which the other end surely does not have it. What happens after that, and
before its answer, leaves it in doubt (RFC 1047 is about just that): such a message is never sent again. Not here: which
message, and what is remembered of it (`outbox`).
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from inventory.frozen import Frozen

PATIENCE = 60.0
"""Seconds that an answer is waited for."""
NOT_NOW = frozenset({408, 425, 429, 500, 503})
NOT_KNOWN = frozenset({502, 504})
"""Answers of somebody between us and the webhook, who does not know whether it has the message."""


class Smtp(Frozen):
    """The mail server of a station.

    Attributes:
        security: how the connection is encrypted; `none` is for a server on the same host.
        sender: the address that messages come from.
        password_file: of `user`; empty where the server knows the station by its address.
    """

    host: str
    port: int = 25
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: str
    user: str = ""
    password_file: str = ""


class End(StrEnum):
    """How it ended."""

    DELIVERED = "delivered"
    LATER = "later"  # the other end does not have it, and may take it later
    REFUSED = "refused"  # it never will
    DOUBT = "doubt"  # it may have it


class Outcome(NamedTuple):
    """How the handing over of one message ended, and why."""

    end: End
    why: str = ""


def by_email(smtp: Smtp, to: str, message: bytes, handing_over: Callable[[], None]) -> Outcome:
    """Send one e-mail to one address."""
    handed = False
    try:
        with _connected(smtp) as server:
            for code, reply in ((server.mail(smtp.sender)), (server.rcpt(to))):
                if code not in {250, 251}:
                    return _answered(code, reply)
            handing_over()
            handed = True
            return _answered(*server.data(message))
    except smtplib.SMTPDataError as e:  # it said that it takes no message, before it had any
        return _answered(e.smtp_code, e.smtp_error)
    except smtplib.SMTPResponseException as e:
        return Outcome(End.DOUBT if handed else End.LATER, f"{e.smtp_code} {_text(e.smtp_error)}")
    except (OSError, smtplib.SMTPException, EOFError) as e:
        return Outcome(End.DOUBT if handed else End.LATER, f"{type(e).__name__}: {e}"[:200])


class _Server(smtplib.SMTP):
    """A server that is let go whatever it says at the end: it has answered by then."""

    def __exit__(self, *args: object) -> None:
        with suppress(OSError, smtplib.SMTPException):
            self.docmd("QUIT")
        self.close()


class _TlsServer(smtplib.SMTP_SSL, _Server):
    """The same, by TLS from the first byte on."""


def _connected(smtp: Smtp) -> _Server:
    if smtp.security == "tls":
        server: _Server = _TlsServer(smtp.host, smtp.port, timeout=PATIENCE, context=ssl.create_default_context())
    else:
        server = _Server(smtp.host, smtp.port, timeout=PATIENCE)
    try:
        if smtp.security == "starttls":
            server.starttls(context=ssl.create_default_context())
        server.ehlo_or_helo_if_needed()
        if smtp.user:
            server.login(smtp.user, Path(smtp.password_file).read_text(encoding="utf-8").strip())
    except BaseException:
        server.close()
        raise
    return server


def _answered(code: int, reply: bytes | str) -> Outcome:
    why = f"{code} {_text(reply)}"
    if code == 250:
        return Outcome(End.DELIVERED, why)
    return Outcome(End.REFUSED if 500 <= code < 600 else End.LATER, why)


def _text(reply: bytes | str) -> str:
    text = reply.decode("utf-8", "backslashreplace") if isinstance(reply, bytes) else reply
    return " ".join(text.split())[:200]


def by_webhook(url: str, body: bytes, identity: str, key: bytes | None, handing_over: Callable[[], None]) -> Outcome:
    """Post one JSON document. A redirection is not followed: whoever answers is not whom the organisation named.

    Args:
        identity: the same, should the receiver ever see this document twice.
        key: to sign the document with (HMAC-SHA-256), if it is to be.
    """
    parts = urlsplit(url)
    headers = {"Content-Type": "application/json", "User-Agent": "samdrift", "Idempotency-Key": identity}
    if key is not None:
        headers["X-Samdrift-Signature"] = f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"
    connection = (
        http.client.HTTPSConnection(parts.netloc, timeout=PATIENCE, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
    )
    handed = False
    try:
        connection.connect()
        handing_over()
        handed = True
        connection.request("POST", f"{parts.path}?{parts.query}" if parts.query else parts.path, body, headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as e:
        return Outcome(End.DOUBT if handed else End.LATER, f"{type(e).__name__}: {e}"[:200])
    finally:
        connection.close()
    if 200 <= status < 300:
        return Outcome(End.DELIVERED, str(status))
    if status in NOT_KNOWN:
        return Outcome(End.DOUBT, f"HTTP {status}")
    return Outcome(End.LATER if status in NOT_NOW else End.REFUSED, f"HTTP {status}")
