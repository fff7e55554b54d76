"""The fleet as NetBox has it now: which NetBox, whose token, and what is kept from one time to the next. Thin.

Whoever asks for NetBox gets NetBox or an error, and never what it said some other time.
"""

from __future__ import annotations

import gc
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from deploy.model import clock
from deploy.source.known import EMBEDDED, NETBOX, SourcedFleet, sourced
from inventory.errors import SamdriftError, UsageError
from inventory.netbox import kept
from inventory.netbox.client import NetBox
from inventory.netbox.faults import NetBoxError
from inventory.netbox.pull import entries_since, parts_of, pull
from inventory.netbox.rows import Mark, Rows
from inventory.netbox.session import Row
from inventory.parts import Parts
from inventory.scope import Scope, of_the_project

URL = "SAMDRIFT_NETBOX_URL"
T = TypeVar("T")
AFTER = 0.005
"""Seconds until a question is on its way. Threads that are gevent's take no turns: what begins at once, ends first."""


@dataclass(frozen=True)
class Access:
    """What a command does with NetBox, and the variable that holds the token for it.

    Each has a token of its own, so that whoever may read a fleet cannot write one (`inventory/netbox/permissions.py`).
    """

    name: str
    variable: str

    @property
    def file_variable(self) -> str:
        """Return the variable that names a file with the token."""
        return f"{self.variable}_FILE"


READING = Access("reading", "SAMDRIFT_NETBOX_TOKEN")
WRITE_BACK = Access("write-back", "SAMDRIFT_NETBOX_WRITE_BACK_TOKEN")
SEEDING = Access("seeding", "SAMDRIFT_NETBOX_SEED_TOKEN")


def connected(
    url: str | None, ca: Path | None, access: Access = READING, environment: Mapping[str, str] = os.environ
) -> NetBox:
    """Connect to the NetBox of a URL, with the token for this access from the environment.

    Raises:
        SamdriftError: something of it is not said, or cannot be used.
    """
    if not url:
        raise UsageError("which NetBox?", where=NETBOX, fix=f"--netbox-url https://…, or {URL} in the environment")
    return NetBox(url, _token(access, environment), ca=ca)


def _token(access: Access, environment: Mapping[str, str]) -> str:
    of_file = access.file_variable
    file, token = environment.get(of_file, ""), environment.get(access.variable, "")
    if file and token:
        raise UsageError(f"{of_file} and {access.variable} are both set", fix="keep one of them")
    if token:
        return token
    if not file:
        raise UsageError(
            f"there is no token for {access.name}",
            where=NETBOX,
            fix=f"set {of_file} to a file with it, or {access.variable}; docs/netbox.md says which token may what",
        )
    try:
        with Path(file).open(encoding="ascii") as opened:
            if stat.S_IMODE(os.fstat(opened.fileno()).st_mode) & 0o077:
                raise SamdriftError("others may read this token", where=file, fix=f"chmod 600 {file}")
            return opened.read(4096).strip()
    except (OSError, UnicodeDecodeError) as e:
        why = e.strerror if isinstance(e, OSError) else "it is no text"
        raise SamdriftError(f"the token cannot be read: {why}", where=file, fix=f"see {of_file}") from None


def from_netbox(netbox: NetBox, cache: Path, warn: Callable[[str], None], *, since_last: bool = True) -> SourcedFleet:
    """Read the fleet from NetBox; what did not change since the last time is not read again.

    Args:
        cache: the directory where what was read is kept until the next time.
        warn: told how it was read, where that is not as usual.
        since_last: if not, everything is read again.

    Raises:
        NetBoxError: it cannot be read.
        InventoryError: the scope or the house rules cannot be used.
    """
    file = cache / "netbox.json"
    last, scope = None, of_the_project()
    making, newer = _Making(scope), _Newer(netbox)
    with _without_collecting():
        if since_last:
            try:
                last = kept.load(file, netbox, scope, newer.ask)
            except kept.Unusable as e:
                warn(f"NetBox is read in full: {e}.")
        at = clock.now()
        pulled = pull(netbox, last, scope, making.begin, newer.answer)
        if pulled.lost:
            warn(f"NetBox is read in full: {pulled.lost}.")
        if netbox.without_graphql:
            warn(f"NetBox is read by REST, which is slower than GraphQL: {netbox.without_graphql}.")
        if pulled.rows is not last:
            kept.save(file, pulled.rows, netbox, scope)
        return sourced(making.made_of(pulled.rows), netbox.url, at)


class _Newer:
    """Asks NetBox for what is newer than the rows that were kept while these are loaded, which takes as long."""

    def __init__(self, netbox: NetBox) -> None:
        self._netbox = netbox
        self._asked: Future[list[Row]] | None = None

    def ask(self, mark: Mark) -> None:
        """Begin with what is newer than this mark."""
        if mark.id:
            self._asked = _begun(partial(entries_since, self._netbox, mark))

    @property
    def answer(self) -> Callable[[], list[Row]] | None:
        """Return what waits for the answer; None if nothing was asked."""
        return None if self._asked is None else self._asked.result


class _Making:
    """Makes the fleet of rows while NetBox is still asked whether these are all: it takes as long to answer as to make
    the fleet takes here.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._begun: tuple[Rows, Future[Parts]] | None = None

    def begin(self, rows: Rows) -> None:
        """Begin with rows that are likely to be all, once NetBox has been asked whether they are."""

        def made() -> Parts:
            time.sleep(AFTER)
            return parts_of(rows, self._scope)

        self._begun = rows, _begun(made)

    def made_of(self, rows: Rows) -> Parts:
        """Return the fleet's parts of these rows, and of no other.

        Raises:
            InventoryError: the scope or the house rules cannot be used.
        """
        if self._begun is not None and self._begun[0].of is rows.of:
            return self._begun[1].result()
        return parts_of(rows, self._scope)


def _begun(work: Callable[[], T]) -> Future[T]:
    """Begin this in a thread of its own."""
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(work)
    finally:
        pool.shutdown(wait=False)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Let Python not look for garbage meanwhile: a large fleet is half a million objects, and every one is kept."""
    usual = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if usual:
            gc.enable()


def instead(error: NetBoxError) -> NetBoxError:
    """Add to an error that the command could use a snapshot instead."""
    fix = "; ".join(filter(None, (error.fix, f"for what it said earlier: --source {EMBEDDED}")))
    return NetBoxError(error.what, where=error.where, fix=fix, status=error.status, body=error.body)
