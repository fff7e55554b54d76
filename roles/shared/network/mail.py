"""The mail server by which a host tells people: what a config context says of it, and how it is reached. Pure.

Not here: who is told (`inventory.recipients`), and what.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Literal

from pydantic import Field

from roles.shared.settings import Options
from roles.shared.traffic import Ask


class MailServer(Options):
    """A mail server. `none` of encryption is for a server on the same host."""

    host: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.:-]{0,252}$")
    port: int = Field(default=25, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: str = Field(pattern=r"^[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,190}$")
    user: str = Field(default="", pattern=r"^[A-Za-z0-9._@+-]{0,100}$")


def asks_by_mail(smtp: MailServer | None) -> tuple[Ask, ...]:
    """Let a host reach its mail server, where that is named by its address."""
    if smtp is None:
        return ()
    try:
        server = ip_network(smtp.host)
    except ValueError:  # a name
        return ()
    return (Ask(protocol="tcp", port=smtp.port, destinations=(server,), why="people are told by e-mail"),)
