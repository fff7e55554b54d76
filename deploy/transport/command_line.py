"""Lines typed on a device's command line, and what is heard of it: when the device has answered, and what it said.

What it means for a change is not here (`transport.device`), nor how a session begins (`transport.netmiko_session`) or
how the text of a terminal is read (`transport.terminal`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gevent
import paramiko
from netmiko.exceptions import NetmikoTimeoutException, ReadException, WriteException

from deploy.transport.channel import require_bounded
from deploy.transport.device_session import DeviceSession
from deploy.transport.netmiko_session import NetmikoSession
from deploy.transport.ssh import Access, Answer, HostLost
from deploy.transport.terminal import (
    PAGER,
    QUESTION,
    at_rest,
    before_prompt,
    is_disturbed,
    mode_of,
    name_in,
    prompt_at_end,
    shown,
    unescaped,
    without_echo,
    without_prompts,
)
from inventory.fleet import Host
from roles.shared.device.masking import masked
from roles.shared.device.vendor import Vendor

QUIET = 0.3
"""Seconds without a word, after which what looks like a prompt or a question is one."""
NUDGE = 2.0
"""Seconds without a word, after which an empty line is typed at what looked like the prompt."""
TAIL = 4096
"""How much of the end of what was heard is looked at for a prompt, and of its beginning for what was typed."""


class CommandLine(DeviceSession):
    """A device's command line, as somebody at a terminal has it. `execs` counts the lines that were typed so far."""

    def __init__(self, host: Host, access: Access, vendor: Vendor) -> None:
        super().__init__(host, access, vendor)
        self._session: NetmikoSession | None = None
        self._heard = ""  # since the line that was typed last
        self._written = ""  # that line
        self._prompt = ""  # of the mode in which a session begins
        self._name = ""  # the device's, as its prompt in the present mode has it

    def close(self) -> None:
        """End the session; harmless if there is none."""
        if self._session is not None:
            self._session.disconnect()
            self._session = None

    def _in_first_mode(self) -> bool:
        """Tell whether the device is in the mode in which a session begins."""
        return mode_of(prompt_at_end(self._end)) == mode_of(self._prompt)

    def _type(self, line: str, *text: str, reply: str = "") -> Answer:
        """Type one line in any mode, and the lines of a text that it begins.

        Without `reply` it is a line of configuration: whatever the device says to it that is no known warning is a
        refusal, and so is a question whether it is meant, unless the vendor is known to ask it.
        """
        self._write(line)
        if text:
            self._hear(self._knows_prompt, lambda _: True)
        if not self._knows_prompt(self._end):  # or the text would be taken for commands
            for part in text:
                self._write(part)
        self._hear(self._knows_prompt, lambda text: bool(prompt_at_end(text) or QUESTION.search(text)))
        answered = 0
        while question := QUESTION.search(self._end):
            says = reply or self.vendor.answer_to(line, shown(self._heard))
            self._session_now.write_channel(f"{'n' if says is None else says}{self._session_now.RETURN}")
            self._heard += "\n"
            answered = len(self._heard)
            self._hear(self._knows_prompt, lambda text: bool(prompt_at_end(text) or QUESTION.search(text)))
            self._name = name_in(prompt_at_end(self._end)) or self._name
            if says is None:
                return Answer(rc=1, stdout=self._answer, stderr=f"it asks back: {question[0].strip()}")
        self._name = name_in(prompt_at_end(self._end))
        if reply:
            return self._judged(self._answer)
        answer = before_prompt(shown(self._heard[answered:])).lstrip("yes\n") if answered else self._answer
        why = masked(self.vendor.objection(without_prompts(answer, self._name)))
        return Answer(rc=1 if why else 0, stdout=answer, stderr=why)

    @property
    def _end(self) -> str:
        """Return the end of what the device printed so far."""
        return shown(self._heard[-TAIL:])

    @property
    def _answer(self) -> str:
        """Return what the device answered to the line that was typed last."""
        return without_echo(before_prompt(shown(self._heard)), self._written) or ""

    def _knows_prompt(self, text: str) -> bool:
        """Tell whether the last line is this device's prompt, in whatever mode."""
        prompt = prompt_at_end(text)
        return bool(prompt) and name_in(prompt) == self._name

    def _find_prompt(self) -> None:
        """Find the device's prompt: two empty lines get it twice, and nothing else."""
        before = self._prompt
        self._heard = ""
        self._press_enter()
        self._press_enter()
        self._hear(lambda text: at_rest(text, prompt_at_end(text)) is not None, nudge=True)
        self._prompt = prompt_at_end(shown(self._heard))
        self._name = name_in(self._prompt)
        if before and mode_of(self._prompt) != mode_of(before):
            raise HostLost("it cannot be brought back from its configuration mode", where=self._where)

    def _write(self, line: str) -> None:
        """Type a line, and wait until the device echoes it; discard what it still printed for earlier lines."""
        session = self._session_now
        session.channel.read_channel()
        self.execs += 1
        self._heard, self._written = "", line
        session.write_channel(f"{line}{session.RETURN}")
        self._hear(lambda _: without_echo(shown(self._heard[:TAIL]), line) is not None)

    def _press_enter(self) -> None:
        self._session_now.write_channel(self._session_now.RETURN)

    def _hear(
        self, sure: Callable[[str], bool], unsure: Callable[[str], bool] | None = None, *, nudge: bool = False
    ) -> bool:
        """Read until `sure(text)`, or until `unsure(text)` and QUIET seconds of silence; advances pages.

        Where the prompt has something behind it and no more comes (or with `nudge`, wherever no more comes), Enter is
        typed to get a fresh prompt.

        Returns:
            True if no fresh prompt had to be asked for because of something behind the prompt.
        """
        session, undisturbed = self._session_now, True
        while not sure(text := shown(self._heard[-TAIL:])):
            maybe = unsure is not None and unsure(text)
            disturbed = is_disturbed(without_echo(text, self._written) or "", self._name)
            new = session.bytes.wait(QUIET if maybe else NUDGE if nudge or disturbed else None)
            if new is None and maybe:
                break
            if new is None:
                self._press_enter()
                undisturbed &= not disturbed
            self._heard += new or ""
            require_bounded(len(self._heard))  # a page after the other, too
            if PAGER.search(unescaped(self._heard[-200:])):
                session.write_channel(" ")
        return undisturbed

    @property
    def _session_now(self) -> NetmikoSession:
        if self._session is None:
            raise HostLost("not connected", where=self._where)
        return self._session

    @contextmanager
    def _within(self, seconds: float, late: str) -> Iterator[None]:
        """Lose the device if the session fails in this block, or if it takes longer than so many seconds."""
        try:
            with gevent.Timeout(seconds, HostLost(late, where=self._where)):
                yield
        except HostLost:
            self.close()
            raise
        except (paramiko.SSHException, NetmikoTimeoutException, ReadException, WriteException, OSError, EOFError) as e:
            self.close()
            raise HostLost(f"lost in its command line: {_first_line(e)}", where=self._where) from e
        except ValueError as e:  # netmiko's: the session does not begin as this vendor's does
            self.close()
            raise HostLost(f"no command line of {self.vendor.name}: {_first_line(e)}", where=self._where) from e


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
