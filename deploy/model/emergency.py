"""Emergencies: whose hosts one may have changed, who may sign it off, and for whom nobody has. Pure.

Not here: how an emergency runs (`runs.admission`), and how a sign-off is signed and kept (`runs.sign_off`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from deploy.model.approval import canonical
from deploy.model.record import Record

UNTOUCHED = frozenset({"in sync", "skipped", "stale"})
"""Outcomes of hosts that a run surely did not change."""

SIGN_OFF = "sign-off"
"""The command of a record that signs an emergency off."""


@dataclass(frozen=True)
class Emergency:
    """An emergency, and what has been signed off of it.

    Attributes:
        sign_offs: records, the oldest first.
        open: the municipalities for which nobody has signed it off.
    """

    record: Record
    sign_offs: tuple[Record, ...]
    open: tuple[str, ...]

    @property
    def closed(self) -> bool:
        """Tell whether nothing is left to sign off; two who did so at the same time close it together."""
        return bool(self.sign_offs) and not self.open


def concerned(record: Record) -> tuple[str, ...]:
    """Return the municipalities whose hosts a run changed, or may have."""
    return tuple(sorted({h.municipality for h in record.hosts if h.changed or h.outcome not in UNTOUCHED}))


def digest_of(record: Record) -> str:
    """Return the SHA-256 of what a record says; fields that later versions add with a default do not change it."""
    content = record.model_dump(mode="json", exclude_defaults=True, exclude_computed_fields=True)
    return hashlib.sha256(canonical(content).encode(errors="surrogatepass")).hexdigest()


def left_open(record: Record, sign_offs: Iterable[Record]) -> tuple[str, ...]:
    """Return the municipalities for which nobody has signed an emergency off."""
    signed = {m for s in sign_offs if s.sign_off and s.signs_off == record.id for m in s.sign_off.municipalities}
    return tuple(m for m in concerned(record) if m not in signed)
