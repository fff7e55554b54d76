"""Vendors of CLI devices, as data: how each one's command line is talked to, believed, and made to restore itself.

What differs between vendors is a `Vendor`, a value, one in each module of `roles.shared.device.vendors`; code that
talks to devices never asks which vendor it is. Not here: a session with a device (`deploy.transport.device`), the
comparing of configurations (`roles.shared.device.difference`), and what a device's configuration should be (its role's
template).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, cached_property
from typing import Literal

from pydantic import Field

from inventory.frozen import Frozen
from inventory.organisation import DeviceType
from roles.shared.device.letting_in import LettingIn
from roles.shared.device.looking import Looking
from roles.shared.device.netconf import Netconf
from roles.shared.device.question import Question
from roles.shared.device.series import Mode, Series
from roles.shared.device.words import is_open
from roles.shared.lineage import LinePattern, Section


class CommitConfirm(Frozen):
    """A vendor's own means by which a device restores itself unless it is told in time that the change is good.

    Commands are typed as they stand, with `{minutes}` and `{remark}` (`Vendor.remark`) filled in. `source` is where
    they are documented.
    """

    name: str = Field(description="as people know it, for plans: `checkpoint auto`")
    arm: tuple[str, ...] = Field(default=(), description="before the configuration mode is entered")
    enter: tuple[str, ...] = Field(description="enters the configuration mode of a change that is to be confirmed")
    leave: tuple[str, ...] = Field(description="ends the change: from now on the device counts")
    confirm: tuple[str, ...] = Field(description="keeps the change; typed in another session than the change was")
    revert: tuple[str, ...] = Field(description="restores what was before, at once; empty: only waiting does")
    pending: str = Field(description="asks the device whether it is counting")
    pending_pattern: str = Field(description="a regular expression that is found in the answer if, and only if, it is")
    idle_pattern: str = Field(
        default="",
        description="and one that is found if it is not, where that looks like a refusal; empty: it does not",
    )
    minutes: tuple[int, int] = Field(description="the shortest and the longest time that the device takes")
    source: str


WITHHELD = "‹withheld›"
"""Stands for a secret that a device showed."""


class Spelling(Frozen):
    """One of the ways to write a line, and the one in which it is compared: `re.sub` of the pattern's last part.

    A form of two lines is a line below a section.
    """

    line: LinePattern
    form: str


class NumberList(Frozen):
    r"""A list of numbers (`1,3-5`) in a line: the expression matches what stands before it, its group 1 without `how`.

    Where each number is a setting of its own (`each`), one can be added or taken away without the others. A further
    line may change a list: what its group `how` matches then is `add`, `remove` or `except`, each with a space after.
    """

    line: str
    each: bool = False
    more: str = Field(default="", description="begins a line that goes on with a list which is too long for one line")


class Confirmation(Frozen):
    """A question that a device asks back about a line of a change, and what is answered: the plan has shown the line.

    Any other question is a refusal.
    """

    line: str
    question: str
    answer: str


class Vendor(Frozen):
    """One vendor's command line. Regular expressions are searched for in one line at a time.

    In the `set` syntax a line is one word of a statement: `set system host-name x` is three, each below the other.

    A vendor equals itself alone: what its lines say is remembered by it, and to hash so much data takes longer than to
    read a line.
    """

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other

    platform: str = Field(description="slug of the NetBox platform")
    name: str
    netmiko: str = Field(description="netmiko's device_type")
    hier_config: str = Field(description="name in hier_config's Platform")
    show: str = Field(description="prints the whole running configuration, in the form that templates are written in")
    comment: str = Field(description="a regular expression for lines of it that say nothing")
    volatile: tuple[str, ...] = Field(
        default=(), description="lines that differ every time (dates, counters): left out where it is compared"
    )
    printed_only: tuple[str, ...] = Field(
        default=(), description="outermost lines of what a device prints that nobody can type, or that say what it is"
    )
    encrypted_anew: tuple[str, ...] = Field(
        default=(), description="lines whose secret the device shows otherwise every time; group 1 is what stays"
    )
    secrets: tuple[str, ...] = Field(
        default=(), description="lines with a secret; group 1 is what is shown, the rest is it, in whatever encoding"
    )
    errors: tuple[str, ...] = Field(description="a line of output by which the device refuses a command")
    warnings: tuple[str, ...] = Field(
        default=(),
        description="what it may say to a line of configuration that it takes, and messages that nobody asked for: "
        "searched for in the whole answer, `^` and `$` at each line; whatever else it says is a refusal",
    )
    confirmations: tuple[Confirmation, ...] = ()
    enter: tuple[str, ...] = Field(description="enters the configuration mode of a change that is not to be confirmed")
    leave: tuple[str, ...] = Field(description="ends that change, which is in force then; may have `{remark}` in it")
    remark: str = Field(default="", description="says why a change is made, where the device keeps that; with `{text}`")
    abort: tuple[str, ...] = Field(
        default=(), description="gives up a change that is not in force yet; empty where every line is, as it is typed"
    )
    save: tuple[str, ...] = Field(default=(), description="makes what is in force outlive a restart; empty: it does")
    confirm: CommitConfirm | None = None
    netconf: Netconf | None = Field(
        default=None, description="its NETCONF server, for hosts that the inventory wants talked to so; None: never"
    )
    syntax: Literal["indented", "blocks", "set"] = Field(
        default="indented",
        description="indented lines and `no`; blocks of `config`, `edit` and `set`; statements with `set` and `delete`",
    )
    texts: tuple[str, ...] = Field(
        default=(), description="lines that begin a text of several lines; group 1 is what it ends with"
    )
    replaces: tuple[LinePattern, ...] = Field(
        default=(), description="lines of which a new one takes the place of the old; groups tell apart which of them"
    )
    whole: tuple[LinePattern, ...] = Field(
        default=(),
        description="lines that are the value of one setting together, as a port's VLANs are: where a role declares "
        "some of them, the others go before; groups tell such settings of one section apart",
    )
    once: tuple[LinePattern, ...] = Field(
        default=(),
        description="lines that a device has once, in whichever section (an interface in a zone); groups tell which",
    )
    shortened: tuple[str, ...] = Field(
        default=(), description="lines that are taken back by the part of them that is found: `no description`"
    )
    permanent: tuple[LinePattern, ...] = Field(
        default=(), description="sections that can be emptied and not removed; an empty one says nothing"
    )
    opens: tuple[str, ...] = Field(default=(), description="outermost lines that open a section, be it empty")
    alike: tuple[str, ...] = Field(
        default=(), description="outermost lines of sections that are all told the same, however many a device has"
    )
    last: tuple[str, ...] = Field(
        default=(), description="outermost lines that are taken back after everything else, as whole sections are"
    )
    lists: tuple[NumberList, ...] = ()
    spellings: tuple[Spelling, ...] = Field(default=(), description="what is written in more than one way")
    masks: bool = Field(default=False, description="whether a network is shown as `10.0.0.0/255.0.0.0`, and not `/8`")
    numbered: tuple[LinePattern, ...] = Field(
        default=(),
        description="entries without a number, to which the device gives one: 10, 20, 30, or the last and 10",
    )
    unordered: tuple[str, ...] = Field(
        default=(), description="options whose values may come in any order (blocks): each whole"
    )
    ordered: tuple[Section, ...] = Field(
        default=(), description="sections in which the order of what stands right below them is meaning"
    )
    defaults: tuple[str, ...] = Field(
        default=(),
        description="lines that say what is so without them, each whole, after those above it and a newline: no "
        "difference where the other side says nothing of it",
    )
    given: tuple[str, ...] = Field(
        default=(), description="and those that a device adds by itself: no difference where nothing else is intended"
    )
    made_by: str = Field(
        default="(?!)", description="slugs of the manufacturers of its devices in NetBox, as a regular expression"
    )
    series: tuple[Series, ...] = Field(default=(), description="all that are known; the first that fits counts")
    exact: Series | None = Field(
        default=None, description="the series whose data this is; None: no one's in particular"
    )
    interface_after: str = Field(
        default="(?!)", description="what stands before the name of an interface in a line (group 1), and the name"
    )
    joins: tuple[str, ...] = Field(
        default=(),
        description="lines by which a port becomes a member of a LAG: taken back before anything else; what else the "
        "port is told is typed again when it joins or leaves, as it may be lost then",
    )
    joins_first: bool = Field(default=False, description="whether a port loses what it was told before it joined")
    lag: str = Field(default="(?!)", description="names of LAGs, as state is told by them; group 1 is the number")
    multi_chassis: bool = Field(
        default=False, description="whether two devices can hold a LAG together, and its section says so"
    )
    ports: str = Field(default=".+", description="whole names of ports that a device can have, as a regular expression")
    trunk_lines: tuple[str, ...] = Field(
        default=(), description="lines that a port is told before it is told to be a trunk"
    )
    most_trees: int | None = Field(
        default=None, description="spanning trees that it has, at most, if each VLAN has one; None where nobody says"
    )
    ipv6_guard: bool = Field(
        default=True, description="whether ports can be kept from announcing routers and answering DHCPv6"
    )
    out_of_band: str = Field(default="(?!)", description="names of ports that are for management alone")
    management_vrf: str = Field(default="", description="the VRF that these ports are in, from the factory on")
    out_of_band_families: tuple[Literal[4, 6], ...] = Field(
        default=(4, 6), description="versions of IP over which SSH can be let in there from the stations alone"
    )
    hidden: tuple[str, ...] = Field(
        default=(), description="lines that are taken and never shown: typed when the line before them is"
    )
    ignored: tuple[str, ...] = Field(
        default=(),
        description="outermost lines that are there whatever anybody does (in blocks and statements, with the next)",
    )
    own_interfaces: tuple[str, ...] = Field(
        default=(), description="interfaces that a device makes and uses by itself: no role configures them"
    )
    units: bool = Field(
        default=False,
        description="whether what has a network is a unit of a port and named so (`ge-0/0/1.120`), and in a zone",
    )
    switched: str = Field(
        default="(?!)", description="names of interfaces of a firewall that are of a VLAN of its own switching"
    )
    longest_interface: int = Field(default=64, description="characters of an interface's name, at most")
    longest: int = Field(default=64, description="characters of a description, at most")
    ascii_only: bool = Field(default=True, description="whether a line may hold ASCII only")
    longest_line: int | None = Field(
        default=None, description="characters of a typed line, at most; None where nobody documents it"
    )
    special: str = Field(
        default="", description="characters that are no letters outside of quotation marks (blocks and statements)"
    )
    hashed_logins: bool = Field(
        default=False, description="whether a local account's password is only taken as crypt(3) makes it"
    )
    syslog: Literal["udp", "tcp"] = Field(
        default="udp", description="how its devices send their logs: TCP, where each release that is met can"
    )
    most_log_servers: int | None = Field(default=None, description="how many log servers it can be told; None: enough")
    cuts_names: bool = Field(
        default=False, description="whether it cuts names of interfaces short: netutils knows them"
    )
    interface_names: dict[str, str] = Field(
        default_factory=dict, description="by beginnings of names, the whole ones, where netutils has others or none"
    )
    refused_modes: tuple[Mode, ...] = Field(default=(), description="in which it must not be planned or changed")
    caveats: tuple[Mode, ...] = Field(
        default=(), description="in which what is typed may not stay, or not be all: told at each look, from `show`"
    )
    identifies: tuple[str, ...] = Field(
        default=(), description="commands that show which model and release a device is; for transcripts alone"
    )
    asks: dict[str, Question] = Field(default_factory=dict, description="by what state checks want to know")
    together: tuple[str, ...] = Field(
        default=(),
        description="what outermost lines begin with that are taken back all at once: the others are typed again",
    )
    letting_in: LettingIn = Field(default=LettingIn(), description="what lets somebody in by SSH")
    looking: Looking = Field(default=Looking(), description="what an account that may only look is shown otherwise")

    def series_with(self, device_type: DeviceType | None) -> Series | None:
        """Return the series that a device type is of; None if it is of none that is known."""
        if device_type is None or not re.fullmatch(self.made_by, device_type.manufacturer):
            return None
        return next((series for series in self.series if series.has(device_type)), None)

    def series_printed(self, running: str) -> Series | None:
        """Return the series that the device says it is of that printed this; None if it does not say."""
        return next((series for series in self.series if series.is_printed(running)), None)

    def of(self, series: Series | None) -> Vendor:
        """Return this vendor as it is on devices of a series; as it is, without one."""
        return self if series is None else _of_series(self, series)

    def on(self, running: str) -> Vendor:
        """Return this vendor as it is on the device that printed this: where nothing else says its series, it does."""
        return self if self.exact else self.of(self.series_printed(running))

    def show_to(self, *, looks: bool) -> str:
        """Return what prints the whole running configuration, for an account that may only look or for the other."""
        return (looks and self.looking.show) or self.show

    @cached_property
    def whole_names(self) -> dict[str, str]:
        """Return interfaces' whole names by the beginnings that stand for them, in small letters, and by themselves."""
        if not self.cuts_names:
            return {}
        from netutils.constants import BASE_INTERFACES  # noqa: PLC0415  half a megabyte that few commands need

        own = {name: name for name in self.interface_names.values()} | self.interface_names
        return {short.lower(): name for names in (BASE_INTERFACES, own) for short, name in names.items()}

    @cached_property
    def spelled(self) -> re.Pattern[str]:
        """Return what is found in each line that may be written in another way than it is compared in."""
        return any_of(self.interface_after, *(spelling.line[-1] for spelling in self.spellings))

    def whole_name(self, name: str) -> str:
        """Return an interface's name as the device's configuration has it: neither cut short nor in other letters."""
        if not self.cuts_names:
            return name
        from netutils.interface import split_interface  # noqa: PLC0415  it loads the same

        kind, number = split_interface(name)
        whole = self.whole_names.get(kind.lower()) if number else None
        return whole + number if whole else name

    def masked(self, line: str) -> str:
        """Return a line without its secret, if it has one. Whatever stands behind a secret goes with it."""
        if not self.secret_line.search(line):
            return line
        found = (re.search(pattern, line) for pattern in self.secrets)
        return next((f"{m[1]} {WITHHELD}" for m in found if m), line)

    @cached_property
    def secret_line(self) -> re.Pattern[str]:
        """Return what is found in each line with a secret."""
        return any_of(*self.secrets)

    def text_begun(self, line: str) -> Callable[[str], bool] | None:
        """Find how the text of several lines that a line begins is known to end; None if it begins none.

        Returns:
            What says of each further line whether it is the last.
        """
        if self.syntax == "blocks":
            return is_open if is_open(line) else None
        begun = next((m for p in self.texts if (m := re.match(p, line))), None)
        if begun is None or (end := begun[1]) in line[begun.end() :]:
            return None
        return lambda further: end in further

    def lines_of(self, entry: str) -> tuple[str, ...]:
        """Split an entry into the lines in which it is typed: one, or those of a text, from its first to its last.

        An entry of several lines that is not exactly one such text stays whole: nobody can type it.
        """
        first, *more = entry.split("\n")
        is_last = self.text_begun(first)
        if more and (is_last is None or [n for n, line in enumerate(more, 1) if is_last(line)][:1] != [len(more)]):
            return (entry,)
        return (first.strip(), *(line.rstrip() for line in more))

    def answer_to(self, line: str, question: str) -> str | None:
        """Return what is answered when the device asks back about a line; None if nobody expects it to."""
        expected = (c for c in self.confirmations if re.search(c.line, line) and re.search(c.question, question))
        return next((c.answer for c in expected), None)

    def objection(self, answer: str) -> str:
        """Return what a device says against a line of configuration, in one line; empty if it takes it."""
        left = re.sub("|".join(self.warnings), "", answer, flags=re.MULTILINE) if self.warnings else answer
        return " ".join(left.split())

    def refused(self, output: str) -> str:
        """Return the first line by which the device refused a command; empty if it did not."""
        lines = (line.strip() for line in output.splitlines())
        return next((line for line in lines if any(re.search(e, line) for e in self.errors)), "")


@cache
def _of_series(vendor: Vendor, series: Series) -> Vendor:
    further = ("defaults", "ignored", "trunk_lines")
    instead = {f: getattr(series, f) for f in ("out_of_band", "management_vrf", "ports", "most_trees")}
    return vendor.model_copy(
        update={
            **{f: (*getattr(vendor, f), *getattr(series, f)) for f in further},
            **{f: value for f, value in instead.items() if value is not None},
            "ipv6_guard": vendor.ipv6_guard and series.ipv6_guard,
            "exact": series,
        }
    )


@cache
def any_of(*patterns: str) -> re.Pattern[str]:
    """Join several regular expressions into one, as thousands of lines are searched for each; without any, it matches
    nothing.
    """
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns) or "(?!)")
