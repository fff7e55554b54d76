"""Open the stores of a place: a directory of this machine, or a PostgreSQL database.

What an earlier samdrift left there as files must be taken over first (`earlier`): a store that seemed empty would call
every host's state somebody's change by hand. Not here: what the stores do (`sql`, `sql_history`, `locks`).
"""

from __future__ import annotations

from pathlib import Path

from deploy.store.database import FILE, Database, open_directory, open_url
from deploy.store.earlier import is_there, taken_over_at
from deploy.store.locks import FileLocks, SessionLocks
from deploy.store.place import SYSTEM, naming
from deploy.store.place import Database as Url
from deploy.store.ports import StoreError, Stores, Witness
from deploy.store.sql import SqlApplied, SqlBackups, SqlJournal, SqlKnown
from deploy.store.sql_history import SqlHistory
from deploy.store.witness import SystemJournal


def open_stores(place: Path | Url) -> Stores:
    """Open the stores of a place. A directory is made if there is none.

    Raises:
        StoreError: it cannot be used, or what is there must be brought up to date first: `fix` says how.
    """
    if isinstance(place, Url):
        return stores_of(open_url(place))
    with naming(place):
        left = [directory for directory in earlier_directories(place) if is_there(directory)]
    if left and not (place / FILE).exists():
        raise _not_taken_over(left[0], place)
    database = open_directory(place)
    for directory in left:
        if not taken_over_at(database, directory):
            raise _not_taken_over(directory, place)
    return stores_of(database)


def stores_of(database: Database, witness: Witness | None = None) -> Stores:
    """Return the stores in a database.

    Args:
        witness: is told of each change of the history; the journal of this machine, if not given.
    """
    directory = database.directory
    return Stores(
        history=SqlHistory(database, witness or SystemJournal()),
        applied=SqlApplied(database),
        known=SqlKnown(database),
        journal=SqlJournal(database),
        locks=SessionLocks(database) if directory is None else FileLocks(directory),
        backups=SqlBackups(database),
        shared=directory is None,
    )


def earlier_directories(place: Path) -> tuple[Path, ...]:
    """Return where an earlier samdrift may have left what belongs to the store of this directory."""
    return (place, place.parent) if place == SYSTEM else (place,)


def _not_taken_over(directory: Path, place: Path) -> StoreError:
    option = "" if place == SYSTEM else f" --state {place}"
    return StoreError(
        "there are files of an earlier samdrift's, which this one has not taken over",
        where=str(directory),
        fix=f"take them over; they stay as they are: samdrift history migrate {directory}{option}",
    )
