"""Backup: a whole configuration that a host had, encrypted. A value; nobody can read it without a key.

Pure. Not here: who encrypts it (`vault`), where it is kept (`store`), and how a device is made so again (`engine`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import Field

from inventory.errors import UsageError
from inventory.frozen import Frozen

DEVICE = "running configuration"
"""What is backed up of a device; of a server, what its roles name (`Role.backs_up`)."""


class Backup(Frozen):
    """One version of a configuration, from the look at which it was first seen."""

    host: str
    municipality: str = Field(description="whose key opens it")
    what: str = Field(description="`running configuration`; of a gateway `FRR`, `nftables`")
    taken: str = Field(description="ISO 8601, UTC")
    digest: str = Field(
        description="the same for the same configuration, and of no use to who guesses at a secret in it"
    )
    sealed: str = Field(description="the text, as an age file (armoured)")


def as_of(backups: Iterable[Backup], at: str, host: str) -> Backup:
    """Return what a host's configuration was at a time: the newest backup taken until then.

    Args:
        at: the beginning of an ISO 8601 time, `2026-11-29` or `2026-11-29T07:30`: the end of that day or minute.

    Raises:
        UsageError: there is none, or none so old.
    """
    known = sorted(backups, key=lambda backup: backup.taken)
    until = [b for b in known if b.taken[: len(at)] <= at]
    if until:
        return until[-1]
    if known:
        raise UsageError(f"{host} has no backup that old", where=f"--at {at}", fix=f"the oldest is of {known[0].taken}")
    raise UsageError("it has no backup", where=f"host {host}", fix=f"a look makes one: samdrift plan --limit {host}")


def of_kind(backups: Sequence[Backup], what: str, host: str) -> tuple[Backup, ...]:
    """Return the backups of one kind, newest first; of the only kind, or of a device's, if none is named.

    Raises:
        UsageError: there is none, or one of several kinds must be chosen.
    """
    kinds = sorted({b.what for b in backups})
    chosen = what or (DEVICE if DEVICE in kinds or len(kinds) != 1 else kinds[0])
    if chosen not in kinds and kinds:
        raise UsageError(f"{host} has no backup of that", where=f"--of {chosen!r}", fix=f"one of: {', '.join(kinds)}")
    return tuple(sorted((b for b in backups if b.what == chosen), key=lambda b: b.taken, reverse=True))
