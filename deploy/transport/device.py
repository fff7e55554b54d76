"""A session on the command line of a switch or a firewall: the counterpart of `transport.ssh.Connection`.

One session a device, over a transport that `transport.ssh` has authenticated: it is believed by the inventory's host
keys alone. How a session begins is in `transport.netmiko_session`, how text of a terminal is read in
`transport.terminal`; what is a vendor's own beyond that is a `Vendor`, so nothing here asks which one it is. Every
wait has an end, and a session that is lost in the middle is a lost host, never half an answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import gevent
import paramiko
from netmiko.exceptions import NetmikoTimeoutException, ReadException, WriteException

from deploy.transport.netmiko_session import NetmikoSession, begin_session
from deploy.transport.ssh import Access, Answer, HostLost, log_in
from deploy.transport.terminal import (
    PAGER,
    QUESTION,
    Untypable,
    at_rest,
    before_prompt,
    before_rest,
    is_disturbed,
    must_be_typable,
    name_in,
    prompt_at_end,
    shown,
    unescaped,
    without_echo,
)
from inventory.errors import SamdriftError
from inventory.fleet import Host
from roles.shared.device.masking import masked
from roles.shared.device.vendor import Vendor

MINUTE = 60.0
"""Seconds in a minute of a device's. (Emulated devices have shorter ones.)"""
QUIET = 0.3
"""Seconds without a word, after which what looks like a prompt or a question is one."""
NUDGE = 2.0
"""Seconds without a word, after which an empty line is typed at what looked like the prompt."""
TAIL = 4096
"""How much of the end of what was heard is looked at for a prompt, and of its beginning for what was typed."""

REFUSAL_LINES = 6
"""A longer answer to a question is no refusal."""
BLOCK_ENDS = frozenset({"next", "end"})
"""Where a change in blocks is in force up to here."""


class Typed(Answer):
    """The answer of a device to a configuration session.

    `taken` is how many of its entries are in force now: fewer than there are where one was refused, none where the
    device has given up the change.
    """

    taken: int


class DeviceConnection:
    """One session on one device's command line.

    Attributes:
        execs: how many lines were typed so far.
        pending: what the device said on connect, if it was counting down to restore what was before a change of an
            earlier session; nothing once that is confirmed.
    """

    def __init__(self, host: Host, access: Access, vendor: Vendor) -> None:
        self.host, self.access, self.vendor = host, access, vendor
        self.execs = 0
        self.pending = ""
        self._where = f"host {host.name}"
        self._session: NetmikoSession | None = None
        self._heard = ""  # since the line that was typed last
        self._written = ""  # that line
        self._prompt = ""  # of the mode in which a session begins
        self._name = ""  # the device's, as its prompt in the present mode has it
        self._armed = False

    def open(self) -> None:
        """Log in, find the prompt, and ask whether the device is counting down.

        Raises:
            HostLost: saying which of these failed; nothing was written to the device.
        """
        transport = log_in(self.host, self.access)
        seconds = 2 * self.access.connect_timeout
        with self._within(seconds, "no command line in time"):
            self._prompt = ""
            self._session = begin_session(transport, self.vendor, seconds)
            self._find_prompt()
        self._armed = False
        self.pending = self._counting()

    def ask(self, commands: Sequence[str], within: float | None = None) -> list[Answer]:
        """Ask a device these commands, which must only show something. Returns an answer for each.

        Args:
            within: seconds for all of them; the access's look timeout if not given.

        Raises:
            HostLost: the session died, or a command did not end within the access's fact timeout.
            Untypable: a command that is none; nothing was typed.
        """
        must_be_typable(commands, self._where)
        total = self.access.look_timeout if within is None else within
        with self._within(total, f"no answer within {total:g} s"):
            return [self._ask(command) for command in commands]

    def configure(self, entries: Sequence[str], *, minutes: int | None) -> Typed:
        """Type a change, up to the first entry that the device refuses.

        Args:
            entries: in their order; a text of several lines (a banner) is one.
            minutes: how long the device waits for `confirm` until it restores what was before; None for never.

        Raises:
            HostLost: the session died, in which case nobody knows how much is in force.
            Untypable: an entry that is more than one, or a text that does not end; nothing was typed.
        """
        typed = self._typable(entries)
        enter, leave = self._bounds(minutes)
        seconds = self.access.command_timeout
        if minutes is not None:  # the other half is for seeing that all is well, here and on those changed with it
            seconds = min(seconds, MINUTE / 2 * minutes)
        with self._within(seconds, f"the change was not taken within {seconds:g} s"):
            self._armed = minutes is not None
            answer = self._type_all(enter)
            if answer.rc:
                return self._give_up(answer, 0, leave)
            printed, taken = answer.stdout, 0
            for number, lines in enumerate(typed, 1):
                answer = self._type(*lines)
                if answer.rc:
                    why = f"refused at {number} of {len(typed)}, {masked(lines[0])!r}: {answer.stderr}"
                    return self._give_up(answer.model_copy(update={"stderr": why}), taken, leave)
                printed += answer.stdout
                if self.vendor.syntax != "blocks" or lines[0] in BLOCK_ENDS:
                    taken = number
            answer = self._type_all(leave)
            if answer.rc:
                return self._give_up(answer, taken, ())
            self._find_prompt()
        return Typed(rc=0, stdout=printed + answer.stdout, stderr="", taken=taken)

    def confirm(self) -> Answer:
        """Keep the change of another session, and see that the device counts no more.

        Raises:
            HostLost: the session died.
        """
        if self.vendor.confirm is None:
            return _impossible(f"{self.vendor.name} has nothing that would have to be confirmed")
        if self._armed:
            return _impossible("the session that made a change cannot know whether a new one still reaches the device")
        answer = self._carry_out(self.vendor.confirm.confirm)
        self.pending = self._counting()
        if answer.rc == 0 and self.pending:
            why = f"it was confirmed, and is still counting: {self.pending}"
            return answer.model_copy(update={"rc": 1, "stderr": why})
        return answer

    def revert(self) -> Answer:
        """Restore what was before the change that is waiting for `confirm`, at once where the vendor can.

        Raises:
            HostLost: the session died.
        """
        if self.vendor.confirm is None or not self.vendor.confirm.revert:
            return _impossible(f"{self.vendor.name} restores what was before only when its time has run out")
        return self._carry_out(self.vendor.confirm.revert)

    def save(self) -> Answer:
        """Make what is in force outlive a restart.

        Raises:
            HostLost: the session died.
        """
        return self._carry_out(self.vendor.save)

    def close(self) -> None:
        """End the session; harmless if there is none."""
        if self._session is not None:
            self._session.disconnect()
            self._session = None

    def _typable(self, entries: Sequence[str]) -> list[tuple[str, ...]]:
        """Return the lines of each entry as they are typed; refuse what a device may not take for that one entry."""
        typed = [self.vendor.lines_of(entry) for entry in entries]
        must_be_typable([line for lines in typed for line in lines], self._where)
        for number, lines in enumerate(typed, 1):
            if len(lines) == 1 and self.vendor.text_begun(lines[0]):
                fix = "close the text: a value in it may have the character by which it ends"
                raise Untypable(f"entry {number} begins a text that does not end in it", where=self._where, fix=fix)
        return typed

    def _bounds(self, minutes: int | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if minutes is None:
            return self.vendor.enter, self.vendor.leave
        confirm = self.vendor.confirm
        if confirm is None:
            raise SamdriftError(f"{self.vendor.name} cannot restore itself", where=self._where)
        enter = [command.replace("{minutes}", str(minutes)) for command in (*confirm.arm, *confirm.enter)]
        leave = [command.replace("{minutes}", str(minutes)) for command in confirm.leave]
        return tuple(enter), tuple(leave)

    def _give_up(self, refused: Answer, taken: int, leave: Sequence[str]) -> Typed:
        """End a change of which a line was refused, in the way that leaves the least of it in force."""
        confirm = self.vendor.confirm
        self._leave_by(self.vendor.abort or leave)
        whole = self.vendor.abort and self.vendor.syntax != "blocks"
        if whole or (self._armed and confirm is not None and confirm.revert and self.revert().rc == 0):
            taken = 0
        return Typed(rc=refused.rc, stdout=refused.stdout, stderr=refused.stderr, taken=taken)

    def _leave_by(self, commands: Sequence[str]) -> None:
        """Type the commands that leave configuration mode, if the device is in it."""
        for command in commands:
            if _mode(prompt_at_end(shown(self._heard[-TAIL:]))) != _mode(self._prompt):
                self._type(command)
        self._find_prompt()

    def _carry_out(self, commands: Sequence[str]) -> Answer:
        """Type a vendor's own commands, which begin and end at the prompt of a new session."""
        if not commands:
            return Answer(rc=0, stdout="", stderr="")
        seconds = self.access.command_timeout
        with self._within(seconds, f"no answer within {seconds:g} s"):
            answer = self._type_all(commands)
            self._leave_by(self.vendor.abort if answer.rc else ())
        return answer

    def _counting(self) -> str:
        """Return what the device says about its timer, if it is counting."""
        confirm = self.vendor.confirm
        if confirm is None:
            return ""
        (answer,) = self.ask([confirm.pending])
        lines = (line.strip() for line in answer.stdout.splitlines())
        return next((line for line in lines if re.search(confirm.pending_pattern, line)), "")

    def _ask(self, command: str) -> Answer:
        """Ask one command. An empty line is typed after it: what looks like the prompt may be a line of the answer."""
        each = self.access.fact_timeout
        with gevent.Timeout(each, HostLost(f"no answer within {each:g} s", where=self._where)):
            self._write(command)
            undisturbed = self._hear(lambda text: prompt_at_end(text) == self._prompt)
            self._press_enter()
            undisturbed &= self._hear(lambda text: at_rest(text, self._prompt) is not None, nudge=True)
        if not undisturbed:
            return self._ask(command)  # a message that nobody asked for stands somewhere in that answer
        answer = without_echo(before_rest(shown(self._heard), self._prompt), command) or ""
        if answer.count("\n") > REFUSAL_LINES:  # what looks like a refusal in it is what somebody wrote there
            return Answer(rc=0, stdout=answer, stderr="")
        return self._judged(answer)

    def _type_all(self, commands: Sequence[str]) -> Answer:
        """Type a vendor's own commands, up to the first that is refused; answer yes if the device asks whether to go
        on.
        """
        printed = []
        for command in commands:
            answer = self._type(command, reply="y")
            printed.append(answer.stdout)
            if answer.rc:
                why = f"{command!r} was refused: {answer.stderr}"
                return Answer(rc=answer.rc, stdout="".join(printed), stderr=why)
        return Answer(rc=0, stdout="".join(printed), stderr="")

    def _type(self, line: str, *text: str, reply: str = "") -> Answer:
        """Type one line in any mode, and the lines of a text that it begins.

        A question whether it is meant is a refusal, unless there is a reply to it.
        """
        self._write(line)
        if text:
            self._hear(self._knows_prompt, lambda _: True)
        if not self._knows_prompt(shown(self._heard[-TAIL:])):  # or the text would be taken for commands
            for part in text:
                self._write(part)
        self._hear(self._knows_prompt, lambda text: bool(prompt_at_end(text) or QUESTION.search(text)))
        question = QUESTION.search(shown(self._heard[-TAIL:]))
        if question:
            self._session_now.write_channel(f"{reply or 'n'}{self._session_now.RETURN}")
            self._heard += "\n"
            self._hear(self._knows_prompt, lambda text: bool(prompt_at_end(text)))
        self._name = name_in(prompt_at_end(shown(self._heard[-TAIL:])))
        answer = without_echo(before_prompt(shown(self._heard)), self._written) or ""
        if question and not reply:
            return Answer(rc=1, stdout=answer, stderr=f"it asks back: {question[0].strip()}")
        return self._judged(answer)

    def _judged(self, answer: str) -> Answer:
        refusal = self.vendor.refused(answer)
        return Answer(rc=1 if refusal else 0, stdout=answer, stderr=" ".join(masked(answer).split()) if refusal else "")

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
        if before and _mode(self._prompt) != _mode(before):
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


def _impossible(why: str) -> Answer:
    return Answer(rc=1, stdout="", stderr=why)


def _mode(prompt: str) -> tuple[bool, str]:
    """Return the part of a prompt that differs between the modes of a device."""
    return "(" in prompt, prompt[-1:]


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
