"""SSH, and nothing else: how samdrift reaches a host, how strictly it believes it, and what it gives up on when."""

from __future__ import annotations

from pathlib import Path

from inventory.errors import SamdriftError
from inventory.fleet import Frozen


class HostLost(SamdriftError, ConnectionError):
    """A host cannot be reached, is not who it says, or died while it was talked to."""


class Access(Frozen):
    """How samdrift logs in. Without a `key_file`, the SSH agent and the user's own keys are tried.

    All times are in seconds. `look_timeout` bounds one whole exec of a look, `fact_timeout` each fact in it,
    `command_timeout` each command of an apply.
    """

    user: str = "samdrift"
    key_file: Path | None = None
    port: int = 22
    connect_timeout: float = 10
    fact_timeout: float = 20
    look_timeout: float = 60
    command_timeout: float = 900


class Answer(Frozen):
    """What a host answered to one command."""

    rc: int
    stdout: str
    stderr: str
