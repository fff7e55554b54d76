"""The witness of a history: the machine's journal, which others read and the log server keeps.

It is told the head of the chain after each change of the history. What it was told nobody who may write the store can
take back: `history verify` compares. Where there is no journal, nobody is told, and the chain stands alone.
"""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from deploy.model.chain import Head, heads_in, line_of
from inventory.errors import SamdriftError

SOCKET = Path("/run/systemd/journal/socket")
"""Where the journal listens (systemd's native protocol)."""

IDENTIFIER = "samdrift-history"
"""By which name its messages are found."""

NOTICE = 5


class SystemJournal:
    """The journal of this machine."""

    def tell(self, head: Head) -> None:
        """Tell it a head. Whether it hears changes nothing for the run."""
        fields = {"MESSAGE": line_of(head), "PRIORITY": str(NOTICE), "SYSLOG_IDENTIFIER": IDENTIFIER}
        message = "".join(f"{name}={' '.join(value.split())}\n" for name, value in fields.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
                to.settimeout(1)
                to.sendto(message.encode(errors="replace"), str(SOCKET))
        except OSError:
            return


def heads_of_journal() -> tuple[Head, ...]:
    """Return what the journal of this machine was told, by whom of its users ever; nothing if there is no journal.

    Raises:
        SamdriftError: it cannot be read.
    """
    if not SOCKET.exists():
        return ()
    command = ["journalctl", "--quiet", "--no-pager", "--output=json", f"SYSLOG_IDENTIFIER={IDENTIFIER}"]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError as e:
        raise _unread(str(e.strerror)) from e
    if done.returncode:
        raise _unread(done.stderr.decode(errors="replace").strip())
    return tuple(_heads(done.stdout))


def heads_of_log(path: Path) -> tuple[Head, ...]:
    """Return what a log says that a journal was told: text, a message a line, as a log server keeps it.

    Raises:
        SamdriftError: it cannot be read.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            return tuple(heads_in(lines))
    except OSError as e:
        raise SamdriftError(f"the witness cannot be read: {e.strerror}", where=str(path)) from e


def _heads(output: bytes) -> Iterator[Head]:
    """Yield the heads in a journal's messages, each with who wrote it: journald says that, and nobody else can."""
    for line in output.splitlines():
        fields = json.loads(line)
        message = fields.get("MESSAGE")
        if isinstance(message, str):
            for head in heads_in([message]):
                yield head.model_copy(update={"by": f"uid {fields.get('_UID', '?')}"})


def _unread(why: str) -> SamdriftError:
    fix = "run as root or as a member of the group adm, or name the log server's file: --witness FILE"
    return SamdriftError(f"the journal cannot be read: {why}", fix=fix)
