"""A session on the command line of a switch or a firewall: the counterpart of `transport.ssh.Connection`.

One session a device, over a transport that `transport.ssh` has authenticated: it is believed by the inventory's host
keys alone. How a session begins is in `transport.netmiko_session`, how lines are typed and heard in
`transport.command_line`; what is a vendor's own beyond that is a `Vendor`, so nothing here asks which one it is. Every
wait has an end, and a session that is lost in the middle is a lost host, never half an answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import gevent

from deploy.transport import device_session
from deploy.transport.command_line import CommandLine
from deploy.transport.device_session import SAME_SESSION, Typed, impossible
from deploy.transport.netmiko_session import begin_session
from deploy.transport.ssh import Answer, HostLost, log_in
from deploy.transport.terminal import at_rest, before_rest, must_be_typable, prompt_at_end, shown, without_echo
from inventory.errors import SamdriftError
from roles.shared.device.masking import masked
from roles.shared.device.remark import remark

BLOCK_ENDS = frozenset({"next", "end"})
"""Where a change in blocks is in force up to here."""


class DeviceConnection(CommandLine):
    """One session on one device's command line."""

    def open(self) -> None:
        """Log in, find the prompt, and ask how the device works and whether it is counting down."""
        transport, self.came_in = log_in(self.host, self.access)
        seconds = 2 * self.access.connect_timeout
        with self._within(seconds, "no command line in time"):
            self._prompt = ""
            self._session = begin_session(transport, self.vendor, seconds)
            self._find_prompt()
        self._armed = False
        self._require_known_mode(shown(self._heard))
        self.pending = self._counting()

    def ask(self, commands: Sequence[str], within: float | None = None) -> list[Answer]:
        """Type these commands, one after the other. Returns what each showed."""
        must_be_typable(commands, self._where)
        total = self.access.look_timeout if within is None else within
        with self._within(total, f"no answer within {total:g} s"):
            return [self._ask(command) for command in commands]

    def configure(self, entries: Sequence[str], *, minutes: int | None) -> Typed:
        """Type a change, up to the first entry that the device refuses."""
        typed = self._typable(entries)
        enter, leave = self._bounds(minutes)
        seconds = self.access.command_timeout
        if minutes is not None:  # the other half is for seeing that all is well, here and on those changed with it
            seconds = min(seconds, device_session.MINUTE / 2 * minutes)
        with self._within(seconds, f"the change was not taken within {seconds:g} s"):
            self._armed = minutes is not None
            answer = self._type_all(enter)
            if enter and not answer.rc and self._in_first_mode():
                why = f"its configuration mode was not entered: {' '.join(answer.stdout.split())}"
                answer = answer.model_copy(update={"rc": 1, "stderr": why})
            if answer.rc:
                self._leave_by(self.vendor.abort[-1:] or leave)  # a draft that is there is somebody else's
                return Typed(rc=answer.rc, stdout=answer.stdout, stderr=answer.stderr, taken=0)
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
        """Keep the change of another session, by the vendor's own command."""
        if self.vendor.confirm is None:
            return impossible(f"{self.vendor.name} has nothing that would have to be confirmed")
        if self._armed:
            return impossible(SAME_SESSION)
        return self._seen_confirmed(self._carry_out(self._filled(self.vendor.confirm.confirm)))

    def revert(self) -> Answer:
        """Restore what was before the change that is waiting for `confirm`, at once where the vendor can."""
        if self.vendor.confirm is None or not self.vendor.confirm.revert:
            return impossible(f"{self.vendor.name} restores what was before only when its time has run out")
        return self._carry_out(self.vendor.confirm.revert)

    def save(self) -> Answer:
        """Make what is in force outlive a restart."""
        return self._carry_out(self.vendor.save)

    def _bounds(self, minutes: int | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if minutes is None:
            return self.vendor.enter, self._filled(self.vendor.leave)
        confirm = self.vendor.confirm
        if confirm is None:
            raise SamdriftError(f"{self.vendor.name} cannot restore itself", where=self._where)
        return self._filled((*confirm.arm, *confirm.enter), minutes), self._filled(confirm.leave, minutes)

    def _filled(self, commands: Sequence[str], minutes: int | None = None) -> tuple[str, ...]:
        """Fill in a vendor's own commands after how long the device restores itself, and why it is changed."""
        why = remark(self.vendor.remark, self.access.reason)
        return tuple(c.replace("{minutes}", str(minutes)).replace("{remark}", why) for c in commands)

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
            if not self._in_first_mode():
                self._type(command, reply="y")
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
        return self._shown(without_echo(before_rest(shown(self._heard), self._prompt), command) or "")

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
