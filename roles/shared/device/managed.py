"""Tell which lines of a configuration stand in a role's sections. Pure.

Every line of a device is asked about, and a role has a section a port: so the patterns are compiled once, and only the
sections whose first pattern matches the outermost line are looked at.

Not here: which sections a role has (`sections`, `ownership`), and reading the lines (`reading`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from roles.shared.device.lines import Path
from roles.shared.lineage import Section


class ManagedSections(Collection[Section]):
    """The sections that are a role's, each with all that stands below it."""

    def __init__(self, sections: Collection[Section]) -> None:
        self._sections = tuple(sections)
        self._compiled = [tuple(map(re.compile, section)) for section in self._sections]
        self._beginning: dict[str, list[tuple[re.Pattern[str], ...]]] = {}

    def __contains__(self, section: object) -> bool:
        return section in self._sections

    def __iter__(self) -> Iterator[Section]:
        return iter(self._sections)

    def __len__(self) -> int:
        return len(self._sections)

    def hold(self, path: Path) -> bool:
        """Tell whether a line is in one of these sections, or is one."""
        return any(len(section) <= len(path) and _fits(section, path) for section in self._begun_by(path[0]))

    def are_below(self, path: Path) -> bool:
        """Tell whether one of these sections stands below a line."""
        return any(len(section) > len(path) and _fits(section, path) for section in self._begun_by(path[0]))

    def _begun_by(self, line: str) -> list[tuple[re.Pattern[str], ...]]:
        """Return the sections whose outermost line may be this one."""
        if line not in self._beginning:
            self._beginning[line] = [section for section in self._compiled if section[0].fullmatch(line)]
        return self._beginning[line]


def _fits(section: tuple[re.Pattern[str], ...], path: Path) -> bool:
    """Tell whether a section that begins like a path goes on like it, as far as both go."""
    return all(p.fullmatch(t) for p, t in zip(section[1:], path[1:], strict=False))


def managed_sections(sections: Collection[Section]) -> ManagedSections:
    """Return sections in the form in which lines are asked about; those that have it already, as they are."""
    return sections if isinstance(sections, ManagedSections) else ManagedSections(sections)
