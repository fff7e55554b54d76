"""A device's configuration as a backup keeps it: which of its lines make it another one. Pure.

Not here: what is kept, where, and for whom it is encrypted (`deploy.runs.backups`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from roles.shared.device.vendor import Vendor, any_of


def significant(vendor: Vendor, running: str) -> str:
    """Return a configuration without what differs though nobody changed it: comments, dates, and what a device encrypts
    anew each time that it shows it. For telling versions apart, not for reading.
    """
    return "\n".join(_significant(vendor, iter(running.splitlines())))


def shows_something(vendor: Vendor, running: str) -> bool:
    """Tell whether anything in a configuration is more than a comment or a date."""
    return next(_significant(vendor, iter(running.splitlines())), None) is not None


def _significant(vendor: Vendor, lines: Iterator[str]) -> Iterator[str]:
    says_nothing = any_of(vendor.comment, *vendor.volatile)
    for line in lines:
        shown = line.rstrip()
        if not shown or says_nothing.search(shown):
            continue
        anew = next((m for p in vendor.encrypted_anew if (m := re.search(p, shown))), None)
        is_last = vendor.text_begun(shown.strip()) if anew else None
        if anew:
            shown = anew[1]
        while is_last is not None and not is_last(next(lines, '"')):
            pass
        yield shown
