"""Keep what may be a secret of a device out of a plan of lines that are typed back to it, or taken back. Pure.

A role's own secrets stand in a plan by name. What a device showed may hold others: a line that a person wants removed,
or one that goes with another and is typed again. Such an entry has a mark in the place of the rest of it,
`‹withheld:1a2b…›`, which moves when that does: whoever applies the plan looks anew, finds the same mark or calls the
plan stale, and puts in what it stands for.

Not here: which words may be a secret (`masking`), and who types the entries (`deploy.transport.device`).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from inventory.secrets import MARK
from roles.shared.device.masking import masked_lines

MARKED = re.compile(rf"{MARK}withheld:([0-9a-f]{{12}})›")
"""What stands in the place of the rest of an entry."""
OF_THIS_PROCESS = secrets.token_bytes(32)
"""A key by which two looks of one process find the same marks, where no municipality's key is open."""


class Withheld:
    """The values that were taken out of entries, by the marks that stand in their places.

    Args:
        seal: returns an HMAC (hex) of a text, the same in every process that has the key; empty if there is no key.
        key: of the marks without a seal; by default known to this object alone.
    """

    def __init__(self, seal: Callable[[str], str] = lambda _: "", key: bytes = b"") -> None:
        self._seal, self._key = seal, key or secrets.token_bytes(32)
        self._values: dict[str, str] = {}

    @property
    def values(self) -> Mapping[str, str]:
        """Return the values by mark."""
        return self._values

    def entries(self, entries: Sequence[str], known: Collection[str] = ()) -> tuple[str, ...]:
        """Return entries with a mark for what may be a secret, to the end of each.

        Args:
            known: lines that hold no secret of the device: those that a role declares.
        """
        lines = [line for entry in entries for line in entry.split("\n")]
        shown = iter(masked_lines(lines))
        marked = ((entry, [next(shown) for _ in entry.split("\n")]) for entry in entries)
        return tuple(entry if entry.strip() in known else self._with_mark(entry, of) for entry, of in marked)

    def lines(self, text: str) -> tuple[str, ...]:
        """Return the lines of a text, each with a mark for what may be a secret; those that are withheld whole are not
        there.
        """
        lines = text.splitlines()
        return tuple(self._with_mark(line, [m]) for line, m in zip(lines, masked_lines(lines), strict=True) if m)

    def _with_mark(self, entry: str, shown: Iterable[str | None]) -> str:
        lines = "\n".join(line for line in shown if line is not None)
        if lines == entry:
            return entry
        kept = lines.split(MARK, 1)[0]  # a device's own text has none: see `reading.tame`
        # In a URL, the mask has a space before it that is not the entry's.
        kept = kept if entry.startswith(kept) else kept.rstrip()
        value = entry[len(kept) :]
        sealed = self._seal(value) or hmac.new(self._key, value.encode(), hashlib.sha256).hexdigest()
        self._values[sealed[:12]] = value
        return f"{kept}{MARK}withheld:{sealed[:12]}›"


def revealed(text: str, values: Mapping[str, str]) -> str:
    """Put values in place of their marks; a mark whose value is not there stays."""
    return MARKED.sub(lambda m: values.get(m[1], m[0]), text)
