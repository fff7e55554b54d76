"""Which lines of a device samdrift may remove: those that it declared there, and those that a person named. Pure.

On a device that people run, a line that stands in a role's section and that the role does not declare may be anybody's.
So it goes only if samdrift declared it at its last apply, and its role (that is, NetBox) says it no more; or if a
person named it. All else stays, and counts as unmanaged. A section goes if all of it may, and stays whole if not. A
line in whose place a declared one comes is changed, not removed.

Not here: what leads from one configuration to another (`difference`), and where it is kept what was declared last
(`deploy.store`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from inventory.errors import SamdriftError
from inventory.frozen import Frozen
from roles.shared.change import Removal
from roles.shared.device.canonical import spelled
from roles.shared.device.lines import (
    Lines,
    Path,
    is_in,
    is_permanent,
    lines_below,
    only_one_of,
    opposite,
    paths,
    slot_of,
    whole_setting_of,
)
from roles.shared.device.managed import ManagedSections, managed_sections
from roles.shared.device.masking import masked
from roles.shared.device.reading import Configuration, joins_lag, read_configuration
from roles.shared.device.vendor import WITHHELD, Vendor
from roles.shared.device.words import MARKS
from roles.shared.lineage import Section


class Ours(Frozen):
    """What samdrift may remove from one device, in the sections of one role.

    Attributes:
        declared: the configuration that the role declared when the device last was as declared, secrets by name; empty
            if it never was.
        named: lines that a person wants removed, each as it is shown or as a regular expression for the whole of it.
            With a section goes all that stands below it and is not declared.
    """

    declared: str = ""
    named: tuple[str, ...] = ()


NOTHING = Ours()
"""Of a device of which nothing is remembered, samdrift removes nothing."""
ANYTHING = Ours(named=(r"(?s).*",))
"""Where a person wants a device as it was, all may go that it had not then."""


def last_declared(vendor: Vendor, ours: Ours) -> Lines:
    """Read what the role declared when the device last was as declared; nothing if it never was."""
    return read_configuration(vendor, ours.declared, ()).other if ours.declared else {}


def sections_of(vendor: Vendor, declared: Lines, managed: Collection[Section]) -> tuple[Section, ...]:
    """Return the sections that were declared before and that the role no longer names: so that they can go.

    A role names VLAN interfaces, policies and the like as NetBox has them. A section that always exists (a port) stays
    as it is: to take back what was declared in it would shut the port, or open it.
    """
    found, of_now = [], managed_sections(managed)
    for path in paths(declared):
        is_section = len(path) == 1 or (vendor.syntax == "blocks" and path[-1].startswith("edit "))
        of_role = of_now.hold(path) or (vendor.syntax != "set" and is_permanent(vendor, path))
        if not of_role and (
            not lines_below(declared, path) if vendor.syntax == "set" else is_section and lines_below(declared, path)
        ):
            found.append(tuple(re.escape(text) for text in path))
    return tuple(found)


@dataclass(frozen=True)
class Owner:
    """Tells what is ours on a device from what is anybody's: what was last declared, and what a person named."""

    vendor: Vendor
    managed: ManagedSections
    declared: Lines
    named: tuple[str, ...]

    def leave_the_rest(self, has: Configuration, wants: Configuration) -> None:
        """Move the lines that would be removed, and are not ours, from the managed lines to the other ones."""
        has.managed, others = self._apart(has.managed, wants.managed, ())
        self._refuse_others_members(others, wants.managed)
        _merge(has.other, others)
        self._refuse_a_second(has.other, wants.managed)

    def _refuse_a_second(self, others: Lines, wants: Lines) -> None:
        """Refuse what a device has in another place already, and can have once: it would take none of the change."""
        if not self.vendor.once:
            return
        wanted = {one: path for path in paths(wants) if (one := only_one_of(self.vendor, path))}
        for path in paths(others):
            if wanted.get(only_one_of(self.vendor, path) or (-1, ()), path) != path:
                line = path_text(self.vendor, path)
                raise SamdriftError(
                    f"a device has this once, and it is in another place than the role means: {line}",
                    fix="name that place in the role's options (as `zones`, `outside_zone`, `management_zone`), or "
                    "take it from there by hand",
                )

    def _refuse_others_members(self, others: Lines, wants: Lines) -> None:
        """Refuse ports that somebody made members of a LAG and that are declared otherwise: it may break the LAG."""
        for path in paths(others):
            if len(path) > 1 and joins_lag(self.vendor, path[-1]) and is_in(path[:-1], wants):
                line = path_text(self.vendor, path)
                raise SamdriftError(
                    f"this makes a port a member of a LAG, and NetBox says that it is in none: {line}",
                    fix="correct the interface in NetBox, or take it out of the LAG: --remove DEVICE LINE",
                )

    def removals(self, has: Configuration, wants: Configuration) -> tuple[Removal, ...]:
        """Return the lines that would be removed, each with those that it stands below."""
        removed = self._removed(has.managed, wants.managed, has.other, ())
        shown = has.raw if self.vendor.syntax == "blocks" else {}
        return tuple(
            Removal(line=masked(path_text(self.vendor, _as_it_stands(path, shown))), named=self._named(path))
            for path in removed
        )

    def _apart(self, has: Lines, wants: Lines, above: Path) -> tuple[Lines, Lines]:
        """Return the lines that are wanted, replaced or ours, and the others. A section may be among both."""
        kept: Lines = {}
        others: Lines = {}
        if self._discards(has, wants, above):
            return has, {}
        for text, below in has.items():
            path = (*above, text)
            if text not in wants and self._is_replaced(path, wants):
                kept[text] = below
                continue
            inner, rest = self._apart(below, wants.get(text, {}), path)
            if text in wants:
                stands = not rest or not wants[text] or not self._vanishes_when_empty(path)
            elif below and self._needs_no_owner(path):
                stands = False
            elif self._is_ours(path) and not rest:
                stands = True
            else:  # what is ours in it stays with the rest: to take `no shutdown` back would shut somebody's LAG
                inner, rest = self._of_names._apart(below, {}, path)
                stands = False
                others[text] = rest
            if inner or stands:
                kept[text] = inner
            if rest:
                others[text] = rest
        return kept, others

    def _removed(self, has: Lines, wants: Lines, others: Lines, above: Path) -> Iterator[Path]:
        if self._discards(has, wants, above):
            return
        for text, below in has.items():
            path = (*above, text)
            if text not in wants and self._is_replaced(path, wants):
                continue
            if not (text in wants or text in others or (below and self._needs_no_owner(path))):
                yield path
            yield from self._removed(below, wants.get(text, {}), others.get(text, {}), path)

    def _discards(self, has: Lines, wants: Lines, section: Path) -> bool:
        """Tell whether the device itself discards what a port was told, as it joins a LAG or leaves one."""
        if not self.vendor.joins_first or not wants:
            return False
        joins, leaves = ([line for line in of if joins_lag(self.vendor, line)] for of in (wants, has))
        return joins != leaves and (bool(joins) or any(self._is_ours((*section, line)) for line in leaves))

    def _vanishes_when_empty(self, section: Path) -> bool:
        """Tell whether a section says nothing by itself: it is words of statements, or is always there."""
        return self.vendor.syntax == "set" or is_permanent(self.vendor, section)

    def _needs_no_owner(self, section: Path) -> bool:
        """Tell whether a section goes by what stands below it, or never."""
        return self._vanishes_when_empty(section) or not self.managed.hold(section)

    def _is_replaced(self, path: Path, wants: Lines) -> bool:
        """Tell whether one of the wanted lines of its section comes in the place of this one."""
        if opposite(path[-1]) in wants or (wants and path[-1] in MARKS):
            return True  # a mark says of all that is wanted below the same line that it does not count
        own = self._settings(path)
        return bool(own) and any(own & self._settings((*path[:-1], wanted)) for wanted in wants)

    def _settings(self, path: Path) -> frozenset[object]:
        """Return the settings of its section that a line gives, of those that have one value."""
        found = (slot_of(self.vendor, path), whole_setting_of(self.vendor, path))
        member = {"joins a LAG"} if joins_lag(self.vendor, path[-1]) else set[str]()
        return frozenset(enumerate(found)) - {(0, None), (1, None)} | member

    @cached_property
    def _of_names(self) -> Owner:
        """Return one who removes nothing but what a person named."""
        return replace(self, declared={})

    def _is_ours(self, path: Path) -> bool:
        return path in self._declared or bool(self._named(path))

    def _named(self, path: Path) -> tuple[str, ...]:
        """Return what a person named, of that which names this line or one that it stands below."""
        if not self.named:
            return ()
        lines = {form for n in range(1, len(path) + 1) for form in _forms(path_text(self.vendor, path[:n]))}
        return tuple(
            name
            for name in self.named
            if any(means(form, line) for form in {name, _spelled(self.vendor, name)} for line in lines)
        )

    @cached_property
    def _declared(self) -> frozenset[Path]:
        return frozenset(paths(self.declared))


def _as_it_stands(path: Path, shown: Mapping[Path, str]) -> Path:
    """Return a line, and those that it stands below, as the device writes them; secrets withheld."""
    parts = (path[:n] for n in range(1, len(path) + 1))
    return tuple(part[-1] if WITHHELD in part[-1] else shown.get(part, part[-1]) for part in parts)


def _forms(line: str) -> tuple[str, str]:
    """Return a line as it is compared and as it is shown, which may be without what could be a secret."""
    return line, masked(line)


def _spelled(vendor: Vendor, name: str) -> str:
    """Return a line that a person named, as devices show it, in the spelling in which lines are compared."""
    if vendor.syntax == "set":
        return name
    return path_text(vendor, spelled(vendor, tuple(name.split(" / "))))


def path_text(vendor: Vendor, path: Path) -> str:
    """Return a line with those that it stands below, as people name it: `interface vlan 5 / shutdown`."""
    if vendor.syntax == "set":
        return f"set {' '.join(path)}"
    return " / ".join(line.strip() for text in path for line in text.split("\n"))


def means(name: str, line: str) -> bool:
    """Tell whether a person's name for a line means this one: they are alike, or it is a regular expression for it."""
    try:
        return name == line or re.fullmatch(name, line) is not None
    except re.error:
        return False


def _merge(lines: Lines, more: Lines) -> None:
    for text, below in more.items():
        _merge(lines.setdefault(text, {}), below)
