"""Programs that are run over SSH: one in a channel of its own, with its input, its outputs, and how it ended.

Not here: how one logs in (`ssh`), and what is run.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable

import gevent
import paramiko
from paramiko.common import MSG_CHANNEL_REQUEST

from deploy.transport.batch import Answer

MOST_BYTES = 16 * 1024 * 1024
"""Of one answer of a host. The longest that a look gets is some hundred kilobytes: who sends more fills our memory."""


class EndedBySignal(Exception):
    """A program was ended by a signal; what it had started may run on.

    Attributes:
        name: the signal's, without `SIG`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"it was ended there by signal {name}, not by itself, and what it had begun may run on")


def _request(channel: paramiko.Channel, message: paramiko.Message) -> None:
    """Keep the name of a signal (RFC 4254, 6.10); whatever else is asked for is paramiko's business."""
    begins, transport = message.packet.tell(), channel.get_transport()
    if message.get_text() != "exit-signal" or not isinstance(transport, Transport):
        message.packet.seek(begins)
        channel._handle_request(message)  # type: ignore[attr-defined]
        return
    message.get_boolean()
    name = re.sub(r"[^A-Za-z0-9@._-]", "", message.get_binary()[:40].decode("ascii", "replace"))
    transport.signals[channel.get_id()] = name or "of no name"
    channel.status_event.set()


class Transport(paramiko.Transport):
    """A transport that keeps by which signal a program was ended, which paramiko does not read (paramiko#598).

    Attributes:
        signals: by a channel's number, the signal's name.
    """

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.signals: dict[int, str] = {}
        handlers = paramiko.Transport._channel_handler_table  # type: ignore[attr-defined]
        self._channel_handler_table = {**handlers, MSG_CHANNEL_REQUEST: _request}


def run_program(transport: Transport, program: str, stdin: bytes, open_timeout: float) -> Answer:
    """Run a program in one exec channel: feed stdin, read both outputs at once, return the exit status.

    Raises:
        EndedBySignal: it was ended by a signal.
        EOFError: the connection closed before it ended.
    """
    channel = transport.open_session(timeout=open_timeout)
    try:
        channel.exec_command(program)
        readers = [gevent.spawn(_read, channel.recv), gevent.spawn(_read, channel.recv_stderr)]
        feeder = gevent.spawn(_feed, channel, stdin)
        try:
            gevent.joinall(readers, raise_error=True)
            out, err = (reader.get() for reader in readers)
            rc = channel.recv_exit_status()
        finally:
            gevent.killall([*readers, feeder])
    finally:
        channel.close()
    if signal := transport.signals.pop(channel.get_id(), ""):
        raise EndedBySignal(signal)
    if rc == -1:
        raise EOFError("the connection closed before the command ended")
    return Answer(rc=rc, stdout=out.decode("utf-8", "replace"), stderr=err.decode("utf-8", "replace"))


def _read(receive: Callable[[int], bytes]) -> bytes:
    """Read to the end.

    Raises:
        OSError: there is no end within what an answer may be.
    """
    parts, size = [], 0
    while part := receive(65536):
        parts.append(part)
        size += len(part)
        require_bounded(size)
    return b"".join(parts)


def require_bounded(size: int) -> None:
    """Refuse an answer of so many bytes, if that is more than one may have.

    Raises:
        OSError: it is.
    """
    if size > MOST_BYTES:
        raise OSError(f"it answered more than {MOST_BYTES / 1024**2:g} MiB")


def _feed(channel: paramiko.Channel, data: bytes) -> None:
    try:
        channel.sendall(data)
        channel.shutdown_write()
    except OSError:
        # The command ended without reading all of it; its exit status says what that means.
        return
