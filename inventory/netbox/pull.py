"""Pull: everything from NetBox as one consistent picture, in full or what changed since the last time.

Both end the same way: the change log is read, what it names is read again, until it names nothing new. So a change
made while reading is in the picture, and `since` gives the same rows as `whole`. Not here: what the log means
(`changes.py`), and where rows are kept between pulls (`kept.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from inventory.fleet import Fleet
from inventory.netbox.assemble import assembled
from inventory.netbox.assemble_links import traced
from inventory.netbox.changes import HOST_TYPES, reached, stale_after
from inventory.netbox.client import NetBox
from inventory.netbox.faults import NetBoxError
from inventory.netbox.read_types import BY_NAME, CONTEXTS, PATHS, READ_TYPES, ReadType
from inventory.netbox.rows import Mark, Rows, Wanted, contexts, dangling, fetched, merged, require_view
from inventory.netbox.scoped_pull import as_scoped
from inventory.netbox.scoped_rows import PARTLY_READ, chosen, scoped
from inventory.netbox.session import Row
from inventory.parts import Parts, parts
from inventory.scope import EVERYTHING, Scope, of_the_project

ROUNDS = 20
LOOK_BACK = 200
"""So many numbers of the change log back a change may still turn up: its transaction took a number and then time."""
TOO_MANY = 5000
"""From so many changes on, reading everything is faster."""


class LogLost(Exception):
    """The change log does not reach back to what was read before, or says that nothing of it can be relied upon."""


@dataclass(frozen=True)
class Pulled:
    """The rows of a pull, and how they were read.

    Attributes:
        changes: how many there were since the last pull; None if everything was read.
        lost: why everything was, where the last pull could have served; else empty.
    """

    rows: Rows
    changes: int | None = None
    lost: str = ""


Likely = Callable[[Rows], object]
"""Who is told the rows that are likely to be all, before NetBox is asked whether any of them changed meanwhile. If
so, it is told again; else these are what the pull returns.
"""
Newer = Callable[[], list[Row]]
"""Who was asked for the entries of the change log since the mark of the last pull, and waits for them."""


def pull(
    netbox: NetBox,
    last: Rows | None = None,
    scope: Scope = EVERYTHING,
    likely: Likely = lambda _: None,
    newer: Newer | None = None,
) -> Pulled:
    """Read everything that a scope needs, or what changed of it since the last pull if that can be known.

    Args:
        last: what the last pull read for the same scope.
        newer: the changes since, if NetBox was asked for them already.

    Raises:
        NetBoxError: NetBox cannot be read, or not as one picture.
    """
    if last is None:
        return Pulled(whole(netbox, scope, likely))
    try:
        return Pulled(*since(netbox, last, scope, likely, newer))
    except LogLost as e:
        return Pulled(whole(netbox, scope, likely), lost=str(e))


def fleet_of(rows: Rows) -> Fleet:
    """Make a fleet of these rows of which every managed host is sound.

    Raises:
        InventoryError: with everything that is wrong, in NetBox's words.
    """
    return parts_of(rows).sound()


def parts_of(rows: Rows, scope: Scope | None = None) -> Parts:
    """Return the part of these rows that is samdrift's.

    Args:
        scope: without, the project's.

    Raises:
        InventoryError: the scope names something that NetBox does not have.
    """
    scope = scope or of_the_project()
    made = assembled(rows if scope == EVERYTHING else scoped(rows, chosen(scope, rows)))
    scope.require_known(made.fleet)
    return parts(made.fleet, reported=made.problems, left_out=made.left_out, scope=scope)


def whole(netbox: NetBox, scope: Scope = EVERYTHING, likely: Likely = lambda _: None) -> Rows:
    """Read everything that a scope needs, as of one moment."""
    why: object = ""
    kinds = [kind for kind in LARGEST_FIRST if scope == EVERYTHING or kind.name not in PARTLY_READ]
    for _ in range(3):
        mark = _mark(netbox)
        read = fetched(netbox, [(kind, None) for kind in kinds])
        require_view(netbox, PARTLY_READ if scope != EVERYTHING else ())
        of: dict[str, dict[int, Row]] = {kind.name: {} for kind in READ_TYPES}
        of |= {kind.name: found for kind, found in zip(kinds, read, strict=True)}
        rows = as_scoped(netbox, _with_paths(netbox, Rows(of, mark)), scope)
        likely(rows)
        try:
            rows, _count = _caught_up(netbox, rows, scope, likely)
        except LogLost as e:
            why = e
            continue
        return _complete(rows, scope)
    raise _restless(netbox, str(why))


def since(
    netbox: NetBox,
    last: Rows,
    scope: Scope = EVERYTHING,
    likely: Likely = lambda _: None,
    newer: Newer | None = None,
) -> tuple[Rows, int]:
    """Read what changed since the last rows of a scope; return them all, and the number of changes.

    Raises:
        LogLost: it cannot be known.
    """
    if not last.mark.id:
        raise LogLost("nothing was in its change log then")
    if any(context["data_source"] is not None for context in last["config_contexts"].values()):
        raise LogLost("config contexts come from a data source, whose changes are in no log")
    rows, count = _caught_up(netbox, last, scope, likely, newer)
    return (_complete(rows, scope, before=last) if count else rows), count


LARGEST_FIRST = tuple(sorted(READ_TYPES, key=lambda kind: (kind.name not in {"devices", "interfaces"}, not kind.large)))


# The change log


def _mark(netbox: NetBox) -> Mark:
    """Return the newest entry of the change log as a mark."""
    latest = netbox.latest_change()
    if latest is None:
        return Mark()
    entries = netbox.rows("core/object-changes", fields=MARKED, start=max(1, latest["id"] - LOOK_BACK))
    return _moved(Mark(version=netbox.version), entries)


def entries_since(netbox: NetBox, mark: Mark) -> list[Row]:
    """Return the entries of the change log from a mark on, with those before it that were missing then."""
    return list(netbox.changes_since(min((*mark.missing, mark.id), default=0) - 1))


def _changes(netbox: NetBox, mark: Mark, newer: Newer | None = None) -> tuple[list[Row], Mark]:
    """Return the entries that are new since a mark, and the mark after them.

    Raises:
        LogLost: the entry at the mark is not there any more: it was pruned, or this is another log; or NetBox was
            upgraded, which changes objects that no log names.
    """
    entries = newer() if newer is not None else entries_since(netbox, mark)
    if mark.version not in {"", netbox.version}:
        raise LogLost(f"it was NetBox {mark.version} then, and is {netbox.version} now")
    if mark.id:
        known = next((e for e in entries if e["id"] == mark.id), None)
        if known is None or (known["time"], known["request_id"]) != (mark.time, mark.request):
            raise LogLost("its change log does not reach back to the last pull")
    late = set(mark.missing)
    new = [e for e in entries if e["id"] > mark.id or e["id"] in late]
    if len(new) > TOO_MANY:
        raise LogLost(f"it has {len(new)} changes since the last pull")
    return new, _moved(mark, entries)


MARKED = ("id", "time", "request_id")


def _moved(mark: Mark, entries: Iterable[Row]) -> Mark:
    """Return the mark after these entries, which begin at or before it."""
    seen = {e["id"]: e for e in entries}
    if not seen:
        return mark
    newest = max(seen)
    first = min(seen) if not mark.id else min((*mark.missing, mark.id + 1))
    window = range(max(first, newest - LOOK_BACK), newest)
    before = set(mark.missing)
    missing = tuple(i for i in window if i not in seen and (i > mark.id or i in before))
    entry = seen[newest]
    return replace(mark, id=newest, time=entry["time"], request=entry["request_id"], missing=missing)


def _caught_up(
    netbox: NetBox, rows: Rows, scope: Scope, likely: Likely, newer: Newer | None = None
) -> tuple[Rows, int]:
    """Read every change since the rows' mark, until there is none; return the rows, and how many changes there were."""
    count = 0
    for _ in range(ROUNDS):
        changes, mark = _changes(netbox, rows.mark, newer)
        newer = None
        if not changes:
            return rows if mark == rows.mark else Rows(rows.of, mark), count
        count += len(changes)
        rows = as_scoped(netbox, _renewed(netbox, rows, changes, mark, scope), scope, before=rows)
        likely(rows)
    raise _restless(netbox, "it changes")


def _renewed(netbox: NetBox, rows: Rows, changes: Sequence[Row], mark: Mark, scope: Scope) -> Rows:
    """Read again the rows that these changes made stale."""
    stale = stale_after(changes, rows)
    if stale.everything:
        raise LogLost(stale.everything)
    work: list[Wanted] = [
        (kind, frozenset(stale.ids[kind.name]) if kind.name not in stale.kinds else _all_of(kind, rows, scope))
        for kind in READ_TYPES
        if kind.name in stale.kinds or stale.ids.get(kind.name)
    ]
    answers = fetched(netbox, work)
    of: dict[str, Mapping[int, Row]] = dict(rows.of)
    for name, gone in stale.gone.items():
        of[name] = {i: row for i, row in of[name].items() if i not in gone}
    for (kind, ids), found in zip(work, answers, strict=True):
        of[kind.name] = found if ids is None else merged(of[kind.name], ids, found)
    renewed = _without_dangling(netbox, Rows(of, mark), stale.gone)
    if stale.paths:
        renewed = _with_paths(netbox, renewed)
    return _with_contexts(netbox, renewed, reached(changes, renewed), stale.ids)


def _all_of(kind: ReadType, rows: Rows, scope: Scope) -> frozenset[int] | None:
    """Return what stands for all objects of a kind: those that were read for a scope, or None for every one."""
    return frozenset(rows[kind.name]) if scope != EVERYTHING and kind.name in PARTLY_READ else None


def _without_dangling(netbox: NetBox, rows: Rows, kinds: Iterable[str]) -> Rows:
    """Read again the rows that refer to deleted objects: NetBox removes such references without logging it."""
    ids: dict[str, set[int]] = {}
    for kind, number in dangling(rows, kinds):
        ids.setdefault(kind.name, set()).add(number)
    answers = fetched(netbox, [(BY_NAME[name], frozenset(numbers)) for name, numbers in ids.items()])
    found = {name: merged(rows[name], ids[name], again) for name, again in zip(ids, answers, strict=True)}
    return Rows({**rows.of, **found}, rows.mark)


def _with_contexts(netbox: NetBox, rows: Rows, stale: Mapping[str, set[int]], fresh: Mapping[str, set[int]]) -> Rows:
    """Read again the merged config contexts of these hosts, except those that were just read."""
    of = dict(rows.of)
    work = {name: frozenset(ids) for name in HOST_TYPES.values() if (ids := stale[name] - fresh.get(name, set()))}
    for name, found in contexts(netbox, work).items():
        of[name] = {i: {**row, CONTEXTS: found[i]} if i in found else row for i, row in of[name].items()}
    return Rows(of, rows.mark)


def _with_paths(netbox: NetBox, rows: Rows) -> Rows:
    """Ask NetBox where cables lead that do not say it themselves."""
    ids = traced(rows)
    (paths,) = fetched(netbox, [(PATHS, frozenset(ids))]) if ids else ({},)
    return Rows({**rows.of, PATHS.name: paths}, rows.mark)


def _complete(rows: Rows, scope: Scope, before: Rows | None = None) -> Rows:
    """Return the rows, after making sure that everything that they refer to is among them. Of hosts and interfaces, it
    need not be if only what a scope needs was read: the master of somebody else's stack is none of it.

    Args:
        before: rows that were made sure of before: what referred to something that is gone since was read again.

    Raises:
        NetBoxError: the token sees a part of NetBox only.
    """
    partly = PARTLY_READ - {"ip_addresses"} if scope != EVERYTHING else frozenset()
    for kind, number in dangling(rows, BY_NAME.keys() - partly, before and rows.new_since(before)):
        row = rows[kind.name][number]
        name = row.get("name") or row.get("prefix") or number
        what = f"{kind.endpoint} {name} refers to something that the token may not see"
        raise NetBoxError(what, where="NetBox", fix="give its user the permission to view all objects of every kind")
    return rows


def _restless(netbox: NetBox, why: str) -> NetBoxError:
    what = f"it does not keep still long enough to be read as one picture: {why}"
    return NetBoxError(what, where=netbox.url, fix="try again in a quieter moment")
