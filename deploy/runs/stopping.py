"""Stop a run when somebody asks for it: by Ctrl-C, SIGTERM or SIGHUP, which all mean the same.

The first signal lets what runs come to its end, and begins nothing more; the second ends the run where it is. In a
command that changes no host, the first ends it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType

SIGNALS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}

Handler = Callable[[int, FrameType | None], None]


@dataclass
class Stop:
    """Whether somebody asked the run to stop.

    Attributes:
        asked: how; empty if nobody did.
    """

    asked: str = ""

    def why(self) -> str:
        """Return why nothing more may be begun; empty if it may."""
        return f"stopped by {self.asked}" if self.asked else ""


def end_by_signals() -> None:
    """Have SIGTERM and SIGHUP end a command as Ctrl-C does. A signal that is ignored stays so: `nohup`."""
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)


@contextlib.contextmanager
def stopping(stop: Stop, tell: Callable[[str], object]) -> Iterator[None]:
    """Let the first signal ask to stop for as long as the context is open, and the second interrupt.

    Args:
        tell: is called, soon, with what to do about it.
    """

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.asked:
            _interrupt(number, frame)
        stop.asked = SIGNALS[signal.Signals(number)]
        _let_go_of_terminal(number)
        _soon(tell, f"{stop.asked}: what runs comes to its end, and nothing more is begun; once more ends it now")

    before = {number: signal.getsignal(number) for number in SIGNALS}
    asking = [number for number, was in before.items() if was != signal.SIG_IGN]
    for number in asking:
        signal.signal(number, ask)
    try:
        yield
    finally:
        for number in asking:
            signal.signal(number, before[number])


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Let no signal but SIGKILL end what is done in the context: whoever asks a second time gets a record, too."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, was in before.items():
        if was != signal.SIG_IGN:
            signal.signal(number, lambda number, _: _let_go_of_terminal(number))
    try:
        yield
    finally:
        for number, was in before.items():
            signal.signal(number, was)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt where the run waits for its hosts, once.

    A signal may come while one host's greenlet runs. Raised there, it would end that host's work first, and later come
    a second time where the run waits, which may be where it is recorded.
    """
    _let_go_of_terminal(number)
    interrupt = KeyboardInterrupt(SIGNALS[signal.Signals(number)])
    if "gevent" in sys.modules:
        from gevent import get_hub, getcurrent  # noqa: PLC0415  help must not wait for it

        hub = get_hub()
        if getcurrent() is not hub.parent:
            hub.loop.run_callback(hub.parent.throw, interrupt)
            return
    raise interrupt


def _let_go_of_terminal(number: int) -> None:
    """Write to no terminal that is gone: that would fail, and a run would end by what it tells."""
    if number == signal.SIGHUP:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (sys.stdin, sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                if os.isatty(stream.fileno()):
                    os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _soon(tell: Callable[[str], object], text: str) -> None:
    """Tell outside the signal's handler, which may have interrupted whoever tells."""
    import gevent  # noqa: PLC0415  every command installs handlers, and help must not wait for gevent

    gevent.spawn(tell, text)
