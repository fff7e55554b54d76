"""Read whole lists of NetBox's objects and its change log, and write objects.

It fetches all of what is asked for or says why it could not, in one line; a page that was cut, repeated or forged is
never taken for an answer. Not here: one request (`session.py`), which objects and fields are asked for
(`read_types.py`), and what they mean (`assemble.py`).

Read with care: NetBox ignores filters that it does not know, so that objects are read by id alone, and the answer is
held against the ids; other filters give ids only. Lists are read by id and never by offset: what is added or deleted
meanwhile moves no other row out of sight. What is asked and answered here is as the newest NetBox says it
(`versions.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from inventory.netbox.faults import PROXY, InBetween, NetBoxError, cut
from inventory.netbox.pages import PAGE, PAGES, Chain, Listing, among, chunks, in_order
from inventory.netbox.session import Row, Session

Page = tuple[list[Row], bool]
"""Rows, and whether there may be more."""
T = TypeVar("T")

IDS = 300
"""Ids a request; a longer URL than they make is refused by gunicorn."""
AT_ONCE = 2
"""Requests at a time: a NetBox has a few workers, and others need them too."""
CHUNK = 100
"""Objects a write; NetBox takes a tenth of a second for one."""


class NoGraphQL(NetBoxError):
    """This NetBox answers no GraphQL, or not what is asked here; REST answers the same, slower."""


class NetBox:
    """One NetBox, as one token sees it. May be used by several threads at a time.


    Args:
        url: where it is, without `/api`; plain http only on this machine.
        token: as NetBox shows it once: `nbt_<key>.<secret>`, or forty hex digits of an old one.
        ca: certificate authorities to trust instead of this machine's own.
        timeout: seconds to wait for the next byte of an answer; a whole answer may take five times as long.

    Raises:
        NetBoxError: the URL or the token cannot be one, or there is no such file of authorities.
    """

    def __init__(self, url: str, token: str, *, ca: Path | None = None, timeout: float = 60.0) -> None:
        self._session = Session(url, token, ca=ca, timeout=timeout)
        self.url, self.identity = self._session.url, self._session.identity
        self._without_graphql = ""

    def __repr__(self) -> str:
        return f"NetBox({self.url!r})"

    @property
    def without_graphql(self) -> str:
        """Return why GraphQL is not used; empty as long as it serves."""
        version = self._session.version
        old = "" if version.has_graphql else f"that of NetBox {version} cannot be read by id"
        return self._without_graphql or old

    @property
    def version(self) -> str:
        """Return the version of NetBox (`4.7`), as far as it has answered."""
        return str(self._session.version)

    # Reading

    def rows(
        self, endpoint: str, *, fields: Sequence[str] = (), ids: Iterable[int] | None = None, start: int = 0
    ) -> Iterator[Row]:
        """Yield every object of an endpoint (`dcim/devices`), by id; or those of these ids that there are.

        Args:
            fields: only these; all if empty.
            ids: only these; all if None.
            start: only objects of this id or higher.
        """

        def page(only: Sequence[int] | None, at: int) -> Page:
            return self._page(endpoint, {} if only is None else {"id": only}, at, fields)

        yield from self._all(page, ids, start, f"{endpoint} of NetBox")

    def ids(self, endpoint: str, filters: Mapping[str, Sequence[int]]) -> Iterator[int]:
        """Yield the ids of the objects of an endpoint that these filters leave: one value of each must hold.

        A filter that NetBox does not know leaves everything: ask only for what is chosen again from the answer.
        """

        def page(at: int) -> Page:
            return self._page(endpoint, filters, at, ("id",))

        yield from (row["id"] for row in self._paged(page, 0, None, f"{endpoint} of NetBox"))

    def listed(self, lists: Sequence[Listing]) -> list[list[Row]]:
        """Return every object of each of these lists as plain data, by id, read by GraphQL, which is faster than REST:
        the lists' next pages together in one query, since a query by itself takes longer than a short list.

        Raises:
            NoGraphQL: read them by REST.
        """
        found: list[list[Row]] = [[] for _ in lists]
        pending = {at: Chain.of(one) for at, one in enumerate(lists)}
        for _ in range(PAGES):
            pending = {at: chain for at, chain in pending.items() if chain}
            if not pending:
                return found
            for at, rows in self._next_pages(pending).items():
                found[at] += pending[at].taken(rows)
        raise NetBoxError("the pages never end", where=f"{lists[0].name} of NetBox", fix=PROXY)

    def require_view(self, endpoint: str) -> None:
        """Refuse a token that may not view these objects. REST reports that; GraphQL returns an empty list.

        Raises:
            NetBoxError: it may not; with the object type.
        """
        self._session.send("GET", endpoint, params={"limit": 1, "fields": "id", "start": 0})

    def query(self, graphql: str, variables: Mapping[str, Any] | None = None) -> Row:
        """Ask a GraphQL query. GraphQL reports its errors with the status of success; here they are raised.

        Raises:
            NoGraphQL: it is switched off, kept away by a proxy, or too narrow for this query.
        """
        try:
            answer = self._session.send("POST", "graphql", {"query": graphql, "variables": dict(variables or {})})
        except NetBoxError as e:
            if e.status in {404, 405}:
                raise self._no_graphql("it is not enabled there", e.status) from None
            if isinstance(e, InBetween) and e.status in {401, 403}:
                raise self._no_graphql("something in front of NetBox keeps it away", e.status) from None
            raise
        errors, data = answer.get("errors"), answer.get("data")
        if errors or not isinstance(data, dict):
            messages = (str(e.get("message", e)) if isinstance(e, dict) else str(e) for e in _listed(errors))
            reasons = "; ".join(dict.fromkeys(messages))
            if TOO_NARROW.search(reasons):
                raise self._no_graphql(cut(reasons), 200)
            fix = "the token needs the permission to view every kind of object that is read; see docs/netbox.md"
            raise NetBoxError(f"GraphQL: {cut(reasons) or 'no data'}", where=self.url, fix=fix, status=200, body=errors)
        return data

    def _no_graphql(self, why: str, status: int) -> NoGraphQL:
        self._without_graphql = why
        return NoGraphQL(f"GraphQL cannot be used: {why}", where=self.url, fix="set GRAPHQL_ENABLED", status=status)

    def latest_change(self) -> Row | None:
        """Return the newest entry of the change log (`id`, `time`, `request_id`), or None before the first."""
        answer = self._session.send(
            "GET", "core/object-changes", params={"limit": 1, "ordering": "-id", "fields": CHANGE_MARK}
        )
        rows = self._results(answer, "core/object-changes")
        return rows[0] if rows else None

    def changes_since(self, change: int) -> Iterator[Row]:
        """Return the entries of the change log after this one, oldest first."""
        return self.rows("core/object-changes", fields=CHANGE_FIELDS, start=change + 1)

    # Writing

    def create(self, endpoint: str, rows: Sequence[Row], report: Callable[[int], None] | None = None) -> list[Row]:
        """Create these objects; return them as NetBox then has them, in the same order.

        Args:
            report: called after each request with the number of rows written. Those before an error stay.
        """
        return self._written("POST", endpoint, rows, report)

    def update(self, endpoint: str, rows: Sequence[Row], report: Callable[[int], None] | None = None) -> list[Row]:
        """Change these objects: each row has its `id` and the fields that change."""
        return self._written("PATCH", endpoint, rows, report)

    def delete(self, endpoint: str, ids: Sequence[int], report: Callable[[int], None] | None = None) -> None:
        """Delete the objects of these ids."""
        self._written("DELETE", endpoint, [{"id": i} for i in ids], report)

    def _written(
        self, method: str, endpoint: str, rows: Sequence[Row], report: Callable[[int], None] | None
    ) -> list[Row]:
        written: list[Row] = []
        for chunk in chunks(rows, CHUNK):
            answer = self._session.send(method, endpoint, [self._as_taken(endpoint, row) for row in chunk])
            written += answer if isinstance(answer, list) else []
            if report is not None:
                report(len(chunk))
        return written

    def _as_taken(self, endpoint: str, row: Row) -> Row:
        try:
            return self._session.version.written(endpoint, row)
        except ValueError as e:
            raise NetBoxError(str(e), where=self.url, fix="make it one service a protocol") from None

    # Pages

    def _all(
        self, page: Callable[[Sequence[int] | None, int], Page], ids: Iterable[int] | None, start: int, where: str
    ) -> Iterator[Row]:
        """Yield every row from this id on; or those of these ids, asked for so many at a time."""
        if ids is None:
            yield from self._paged(partial(page, None), start, None, where)
            return
        for chunk in chunks(sorted(set(ids)), IDS):
            yield from among(chunk, self._paged(partial(page, chunk), chunk[0], chunk[-1], where), where)

    def _paged(self, page: Callable[[int], Page], start: int, last: int | None, where: str) -> Iterator[Row]:
        """Yield pages from this id to the last, or until there are no more; each must follow the one before."""
        for _ in range(PAGES):
            rows, more = page(start)
            if not rows:
                return
            yield from (kept := in_order(rows, start, where))
            if not more or kept[-1]["id"] == last:
                return
            start = kept[-1]["id"] + 1
        raise NetBoxError("the pages never end", where=where, fix=PROXY)

    def _page(self, endpoint: str, only: Mapping[str, Any], start: int, fields: Sequence[str]) -> Page:
        """Read one page; return it, and whether there is a next one."""
        params = self._params(endpoint, only, start, fields)
        answer = self._session.send("GET", endpoint, params=params)
        if self._params(endpoint, only, start, fields) != params:  # only its first answer said which version it is
            return self._page(endpoint, only, start, fields)
        version = self._session.version
        rows = [version.answered(endpoint, row) for row in self._results(answer, endpoint)]
        if missing := set(fields) - rows[0].keys() if rows else None:
            what = f"{endpoint} has no {', '.join(sorted(missing))}"
            raise NetBoxError(what, where=self.url, fix=f"is this a NetBox {version} that somebody has changed?")
        return rows, answer.get("next") is not None

    def _params(self, endpoint: str, only: Mapping[str, Any], start: int, fields: Sequence[str]) -> Row:
        version = self._session.version
        asked = version.asked(endpoint, ("id", *(f for f in fields if f != "id"))) if fields else ()
        named = {"fields": ",".join(asked)} if asked else {}
        return {**named, **only, "limit": PAGE, **version.page(start)}

    def _results(self, answer: Any, endpoint: str) -> list[Row]:
        rows = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise NetBoxError("this is no list of objects", where=f"{self.url}, {endpoint}", fix=PROXY)
        return rows

    def _next_pages(self, chains: Mapping[int, Chain]) -> dict[int, list[Row]]:
        """Read the next page of each list by GraphQL, which does not say whether there is another: there may be, until
        a page is empty.
        """
        version, declared, asked = self._session.version, list[str](), list[str]()
        variables: Row = {}
        for at, chain in chains.items():
            of, only = chain.listing, ""
            declared.append(f"$start{at}: Int!")
            variables[f"start{at}"] = chain.start
            if chain.ids is not None:
                declared.append(f"$ids{at}: [ID!]")
                variables[f"ids{at}"] = list(chain.ids)
                only = f", filters: {{id: {{in_list: $ids{at}}}}}"
            fields = " ".join(["id", *version.asked(of.name, of.selection.split())])
            page = f"pagination: {{start: $start{at}, limit: {chain.limit}}}{only}"
            asked.append(f"{of.name}({page}) {{ {fields} }}")
        data = self.query(f"query ({', '.join(declared)}) {{ {' '.join(asked)} }}", variables)
        return {
            at: [version.answered(of, row) for row in self._results({"results": data.get(of)}, of)]
            for at, of in ((at, chain.listing.name) for at, chain in chains.items())
        }


TOO_NARROW = re.compile(
    r"exceeds maximum operation depth|aliases found\. Allowed|is not defined by type|Cannot query field"
)
"""What GraphQL says to a query beyond the GRAPHQL_MAX_… settings of NetBox, or in words that it does not have (yet)."""
CHANGE_MARK = "id,time,request_id"
CHANGE_FIELDS = (
    "id",
    "time",
    "request_id",
    "action",
    "changed_object_type",
    "changed_object_id",
    "prechange_data",
    "postchange_data",
)


def at_once(work: Iterable[Callable[[], T]]) -> list[T]:
    """Ask a NetBox questions that need not wait for each other; return the results in order.

    At the first error, nothing further is begun.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = [pool.submit(item) for item in work]
        try:
            return [f.result() for f in futures]
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
