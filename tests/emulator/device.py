"""One device: its configurations, its timer, and what can be made to go wrong with it. No network in here.

A device is the same whoever talks to it: sessions come and go (`server`), each with a command line of the vendor's kind
(`dialects`).
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from tests.emulator.grammar import Grammar, Tree


def copy(tree: Tree) -> Tree:
    """A tree that shares nothing with this one."""
    return {line: copy(below) for line, below in tree.items()}


class Session(Protocol):
    """Somebody who is logged in."""

    def kill(self) -> None:
        """The connection is gone, without a word."""

    def say(self, text: str) -> None:
        """A message that nobody asked for."""


@dataclass
class Timer:
    """A restoring that comes by itself."""

    before: Tree
    minutes: int
    saves: bool
    clocks: tuple[threading.Timer, ...]


@dataclass
class Fault:
    """What happens at a typed line. `after` counts lines that match `at`; it is carried out first unless `instead`."""

    kind: str
    after: int
    instead: bool = True
    at: str = ""


@dataclass
class Device:
    """A device as it stands in a rack.

    Attributes:
        minute: how many seconds this device takes for a minute.
        shows: what it answers to further commands that show something.
        refuses: regular expressions for lines that it does not take, whatever its language says.
        always_pages: whether its output comes in pages whatever one switches off.
        pauses_after: a line of its output, as a regular expression, behind which the next comes late.
        thinks_at: a line that it answers late, as a regular expression, and by how many seconds.
        banner: what it says to everybody who logs in.
        asks_before: regular expressions for lines of configuration before which it asks whether they are meant.
        question: what it asks then.
        remarks: lines that it takes or not, as regular expressions, and what it says to each.
        held: what it says to whoever would enter its configuration mode while somebody else is in it.
        cut_off_by: while this says so of its configuration, nobody reaches it.
        plugged: by port, who is at the other end of its cable: the name that it tells, or nothing if it tells none.
        faulty: by port, why the device has shut it, as the device puts it.
        hears_time: whether its time servers answer it.
        modes: what it says of how it works, by the name of it (`Current HA mode`), where that is not the usual.
        model: how its configuration says its model first (`FGT60F`, `FL`), where that is not the usual.
        changed_by_others: what it says to who wants to configure it while somebody else's draft is not committed.
        typed: every line that was typed so far.
        remarks_of_commits: what was said of each commit, where a vendor's have a field for that.
    """

    name: str
    grammar: Grammar
    running: Tree
    startup: Tree = field(default_factory=dict)
    minute: float = 60
    page_length: int = 24
    always_pages: bool = False
    pauses_after: str = ""
    thinks_at: tuple[str, float] | None = None
    shows: dict[str, str] = field(default_factory=dict)
    refuses: list[str] = field(default_factory=list)
    asks_before: list[str] = field(default_factory=list)
    question: str = "Do you want to continue? (y/n) "
    remarks: list[tuple[str, str]] = field(default_factory=list)
    held: str = ""
    banner: str = ""
    cut_off_by: Callable[[str], bool] | None = None
    plugged: dict[str, str] = field(default_factory=dict)
    faulty: dict[str, str] = field(default_factory=dict)
    hears_time: bool = True
    modes: dict[str, str] = field(default_factory=dict)
    model: str = ""
    changed_by_others: str = ""
    typed: list[str] = field(default_factory=list)
    remarks_of_commits: list[str] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    timer: Timer | None = None
    restored: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)
    drafted_by: object = None
    history: list[Tree] = field(default_factory=list)
    _down_until: float = 0

    @property
    def configuration(self) -> str:
        """The running configuration as text."""
        return self.text_of(self.running)

    def text_of(self, tree: Tree) -> str:
        """A configuration in the form that the device prints."""
        return self.grammar.show(tree)

    @property
    def hostname(self) -> str:
        """Its name, as its configuration gives it; until it gives one, what it was made with."""
        found = re.search(r'(?m)^(?:set system host-name|hostname|\s+set hostname) "?([^\s"]+)', self.configuration)
        return found[1] if found else self.name

    @property
    def reachable(self) -> bool:
        """Whether anybody gets an answer from it now."""
        return time.monotonic() >= self._down_until and not (self.cut_off_by and self.cut_off_by(self.configuration))

    def put_in_force(self, tree: Tree) -> None:
        """From now on this is the running configuration, with all that follows for those who are logged in."""
        with self.lock:
            self.running = tree
            if not self.reachable:
                self.cut_sessions()

    def arm(self, minutes: int, before: Tree, *, warning: str = "", farewell: str = "", saves: bool = False) -> None:
        """Restore `before` in so many minutes, unless confirmed.

        Args:
            warning: what everybody is told two minutes before.
            farewell: what everybody is told then.
            saves: whether what is restored outlives a restart.
        """
        with self.lock:
            self._stop_clocks()
            alarms = [(minutes, lambda: self._expire(farewell))]
            if warning and minutes > 2:
                alarms.append((minutes - 2, lambda: self.broadcast(warning)))
            clocks = tuple(threading.Timer(at * self.minute, act) for at, act in alarms)
            self.timer = Timer(copy(before), minutes, saves, clocks)
            for clock in clocks:
                clock.daemon = True
                clock.start()

    def confirm(self) -> bool:
        """Keep what is in force; whether there was anything to confirm."""
        with self.lock:
            armed = self.timer is not None
            self._stop_clocks()
            return armed

    def restore(self) -> bool:
        """What was before the timer was armed is in force again; whether it was armed."""
        with self.lock:
            if self.timer is None:
                return False
            timer = self.timer
            self._stop_clocks()
            self.restored += 1
            self.put_in_force(timer.before)
            if timer.saves:
                self.save()
            return True

    def save(self) -> None:
        """What is in force outlives a restart."""
        with self.lock:
            self.startup = copy(self.running)

    def reboot(self, seconds: float = 0) -> None:
        """All sessions and the timer are gone; what was saved is in force; nobody reaches it for so long."""
        with self.lock:
            self._stop_clocks()
            self._down_until = time.monotonic() + seconds
            self.running = copy(self.startup)
            self.cut_sessions()

    def cut_sessions(self) -> None:
        """Everybody who is logged in is lost."""
        sessions, self.sessions = self.sessions, []
        self.drafted_by = None
        for session in sessions:
            session.kill()

    def drop(self, after: int = 0, *, instead: bool = True, at: str = "") -> None:
        """Lose the session at a line to come that matches: 0 is the next one. It is not carried out, if `instead`."""
        self.faults.append(Fault("drop", after, instead, at))

    def stall(self, after: int = 0, *, instead: bool = True, at: str = "") -> None:
        """Say nothing any more from a line to come that matches."""
        self.faults.append(Fault("stall", after, instead, at))

    def restart(self, after: int = 0, *, instead: bool = True) -> None:
        """Restart at a line to come."""
        self.faults.append(Fault("reboot", after, instead))

    def fault_at(self, line: str) -> Fault | None:
        """The fault that happens at the line that was typed now, if any does."""
        concerned = [f for f in self.faults if re.search(f.at, line)]
        due = next((f for f in concerned if f.after == 0), None)
        for fault in concerned:
            fault.after -= 1
        if due:
            self.faults.remove(due)
        return due

    @property
    def platform(self) -> str:
        """The slug of its platform."""
        return self.grammar.platform

    def broadcast(self, text: str) -> None:
        """Tell everybody who is logged in."""
        for session in list(self.sessions):
            session.say(text)

    def stop(self) -> None:
        """The device is taken out of its rack."""
        with self.lock:
            self._stop_clocks()
            self.cut_sessions()

    def _stop_clocks(self) -> None:
        if self.timer is not None:
            for clock in self.timer.clocks:
                clock.cancel()
            self.timer = None

    def _expire(self, farewell: str) -> None:
        if self.restore():
            self.broadcast(farewell)
