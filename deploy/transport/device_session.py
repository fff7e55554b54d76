"""What a session with a device can do, whichever way it is talked to: the interface, and what both ways have alike.

By the command line it is a `transport.device.DeviceConnection`, by NETCONF a
`transport.netconf_connection.NetconfConnection`; which one a host has, its inventory says (`inventory.netconf`).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence

from deploy.transport.ssh import Access, Answer, HostLost
from deploy.transport.terminal import Untypable, must_be_typable
from inventory.fleet import Host
from roles.shared.device.letting_in import CameIn
from roles.shared.device.masking import masked
from roles.shared.device.said import modes_in
from roles.shared.device.vendor import Vendor

MINUTE = 60.0
"""Seconds in a minute of a device's. (Emulated devices have shorter ones.)"""
REFUSAL_LINES = 6
"""A longer answer to a question is no refusal."""


class Typed(Answer):
    """The answer of a device to a configuration session.

    `taken` is how many of its entries are in force now: fewer than there are where one was refused, none where the
    device has given up the change.
    """

    taken: int


class DeviceSession(ABC):
    """One session with one device.

    Attributes:
        execs: how many questions and lines it was told so far.
        came_in: how samdrift logged in last; None before it has.
        pending: what the device said on connect, if it was counting down to restore what was before a change of an
            earlier session; nothing once that is confirmed.
    """

    def __init__(self, host: Host, access: Access, vendor: Vendor) -> None:
        self.host, self.access, self.vendor = host, access, vendor
        self.execs = 0
        self.came_in: CameIn | None = None
        self.pending = ""
        self._where = f"host {host.name}"
        self._armed = False

    @abstractmethod
    def open(self) -> None:
        """Log in, and ask how the device works and whether it is counting down.

        Raises:
            HostLost: saying what failed; nothing was written to the device.
        """

    @abstractmethod
    def close(self) -> None:
        """End the session; harmless if there is none."""

    @abstractmethod
    def ask(self, commands: Sequence[str], within: float | None = None) -> list[Answer]:
        """Ask a device these commands, which must only show something. Returns an answer for each.

        Args:
            within: seconds for all of them; the access's look timeout if not given.

        Raises:
            HostLost: the session died, or a command did not end within the access's fact timeout.
            Untypable: a command that is none; nothing was typed.
        """

    @abstractmethod
    def configure(self, entries: Sequence[str], *, minutes: int | None) -> Typed:
        """Make a change, up to the first entry that the device refuses.

        Args:
            entries: in their order; a text of several lines (a banner) is one.
            minutes: how long the device waits for `confirm` until it restores what was before; None for never.

        Raises:
            HostLost: the session died, in which case nobody knows how much is in force.
            Untypable: an entry that is more than one, or a text that does not end; nothing was typed.
        """

    @abstractmethod
    def confirm(self) -> Answer:
        """Keep the change of another session, and see that the device counts no more.

        Raises:
            HostLost: the session died.
        """

    @abstractmethod
    def revert(self) -> Answer:
        """Restore what was before the change that is waiting for `confirm`, at once where the vendor can.

        Raises:
            HostLost: the session died.
        """

    @abstractmethod
    def save(self) -> Answer:
        """Make what is in force outlive a restart.

        Raises:
            HostLost: the session died.
        """

    def _typable(self, entries: Sequence[str]) -> list[tuple[str, ...]]:
        """Return the lines of each entry as they are typed; refuse what a device may not take for that one entry."""
        typed = [self.vendor.lines_of(entry) for entry in entries]
        must_be_typable([line for lines in typed for line in lines], self._where)
        for number, lines in enumerate(typed, 1):
            if len(lines) == 1 and self.vendor.text_begun(lines[0]):
                fix = "close the text: a value in it may have the character by which it ends"
                raise Untypable(f"entry {number} begins a text that does not end in it", where=self._where, fix=fix)
        return typed

    def _require_known_mode(self, before_prompt: str = "") -> None:
        """Ask whether the device works in a way in which it must not be planned or changed; lose it if it does.

        What its running configuration tells of that is not asked here (`roles.shared.device.said`).

        Args:
            before_prompt: its prompt, with what stands before it.
        """
        modes = self.vendor.refused_modes
        commands = list(dict.fromkeys(m.command for m in modes if m.command not in {"", self.vendor.show}))
        answers = zip(commands, (answer.stdout for answer in self.ask(commands)), strict=True)
        for command, answer in (("", before_prompt), *answers):
            for line, mode in modes_in(answer, modes, command):
                self.close()
                raise HostLost(f"{line!r}: {mode.why}", where=self._where)

    def _counting(self) -> str:
        """Return what the device says about its timer, if it is counting."""
        confirm = self.vendor.confirm
        if confirm is None:
            return ""
        (answer,) = self.ask([confirm.pending])
        lines = (line.strip() for line in answer.stdout.splitlines())
        return next((line for line in lines if re.search(confirm.pending_pattern, line)), "")

    def _seen_confirmed(self, answer: Answer) -> Answer:
        """Return the answer to a confirming, which failed if the device still counts."""
        self.pending = self._counting()
        if answer.rc == 0 and self.pending:
            why = f"it was confirmed, and is still counting: {self.pending}"
            return answer.model_copy(update={"rc": 1, "stderr": why})
        return answer

    def _shown(self, answer: str) -> Answer:
        """Return the answer to a question, which is a refusal if it is short and has a line that is one."""
        if answer.count("\n") > REFUSAL_LINES:  # what looks like a refusal in it is what somebody wrote there
            return Answer(rc=0, stdout=answer, stderr="")
        return self._judged(answer)

    def _judged(self, answer: str) -> Answer:
        refusal = self.vendor.refused(answer)
        return Answer(rc=1 if refusal else 0, stdout=answer, stderr=" ".join(masked(answer).split()) if refusal else "")


def impossible(why: str) -> Answer:
    """Return the answer to what a device cannot do."""
    return Answer(rc=1, stdout="", stderr=why)


SAME_SESSION = "the session that made a change cannot know whether a new one still reaches the device"
