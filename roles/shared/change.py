"""What a step would change, as text before and after. Pure: `parts.explain` lets a command carry it."""

from __future__ import annotations

import difflib
import hashlib

from inventory.frozen import Frozen


class Removal(Frozen):
    """A line of a device's configuration that goes, with those that it stands below.

    `named` is what a person called it by; empty where samdrift declared it before.
    """

    line: str
    named: tuple[str, ...] = ()


class Change(Frozen):
    """Text before and after, None where it is not there; `meta` is owner, group and mode where it is a file.

    `removals` are the lines of a device that go without another in their place.
    `due` tells that nobody changed what is there: its time is coming.
    `live_seal` tells whether a text moved that may not be shown as it is: see `Veil.seal`.
    """

    what: str
    before: str | None
    after: str | None
    meta_before: str = ""
    meta_after: str = ""
    live_seal: str = ""
    removals: tuple[Removal, ...] = ()
    due: bool = False

    @property
    def diff(self) -> str:
        """Return a unified diff with two lines of context; a change of owner or mode stands above it."""
        before = (self.before or "").splitlines(keepends=True)
        after = (self.after or "").splitlines(keepends=True)
        live = f"live {self.what}" if self.before is not None else "live (absent)"
        lines = difflib.unified_diff(before, after, live, f"wanted {self.what}", n=2)
        text = "".join(line if line.endswith("\n") else f"{line}\n\\ no newline at end\n" for line in lines)
        if self.before is not None and self.meta_before != self.meta_after:
            text = f"owner, mode: {self.meta_before} -> {self.meta_after}\n{text}"
        return text

    @property
    def is_private(self) -> bool:
        """Tell whether it is about a file that not everybody on its host may read, as it is there."""
        mode = self.meta_before.rpartition(" ")[2]
        return self.before is not None and mode.isdecimal() and not readable_by_all(mode)

    @property
    def live_digest(self) -> str:
        """Return the SHA-256 (or the seal) of what is there; empty where nothing is."""
        return self.live_seal or (digest(self.before) if self.before is not None else "")


def readable_by_all(mode: str) -> bool:
    """Tell whether a file of this mode may be read by everybody on its host."""
    return bool(int(mode, 8) & 0o004)


def digest(text: str) -> str:
    """Return the SHA-256 (hex) of a text."""
    return hashlib.sha256(text.encode()).hexdigest()
