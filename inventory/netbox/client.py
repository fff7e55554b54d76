"""The client: the only module that speaks to NetBox, and the only one that knows netbox-python and requests.

It fetches all of what is asked for or says why it could not, in one line; a page that was cut, repeated or forged is
never taken for an answer. Not here: which objects and fields are asked for (`rows.py`), and what they mean
(`assemble.py`).

Read with care: NetBox ignores filters that it does not know, so the only ones used here are those by id, and the
answer is held against them. Lists are read by id (`start`, new in NetBox 4.7) and never by offset: what is added or
deleted meanwhile moves no other row out of sight.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from netbox_python import NetBoxClient, NetBoxException
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from inventory.errors import SamdriftError

Row = dict[str, Any]
Page = tuple[list[Row], bool]
"""Rows, and whether there may be more."""
T = TypeVar("T")

OLDEST = (4, 7)
PAGE = 1000
"""Rows a page; NetBox cuts at its own MAX_PAGE_SIZE, which is no matter here."""
PAGES = 10_000
"""More pages than any list can have."""
IDS = 300
"""Ids a request; a longer URL than they make is refused by gunicorn."""
AT_ONCE = 2
"""Requests at a time: a NetBox has a few workers, and others need them too."""
CHUNK = 100
"""Objects a write; NetBox takes a tenth of a second for one."""
LONGEST = 256 * 2**20
"""Bytes of one answer; no page of NetBox's comes near."""


class NetBoxError(SamdriftError):
    """NetBox cannot be used, or refused; one line of what to do.

    Attributes:
        status: the HTTP status, or None where there was no answer.
        body: what NetBox said, as data, where it was JSON: of a refused write, each object's fields and their faults.
    """

    def __init__(
        self, what: str, *, where: str = "", fix: str = "", status: int | None = None, body: object = None
    ) -> None:
        self.status, self.body = status, body
        super().__init__(what, where=where, fix=fix)


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
        self.url = _checked_url(url)
        self._token = _checked_token(token)
        self._verify = _trusted(ca)
        self._timeout = timeout
        self._idle: list[NetBoxClient] = []  # requests promises nothing of one session in several threads at a time

    def __repr__(self) -> str:
        return f"NetBox({self.url!r})"

    @property
    def identity(self) -> str:
        """Which NetBox this is, as whose token: URL and the part of the token that is no secret."""
        key = self._token.partition(".")[0] if self._token.startswith("nbt_") else "old token"
        return f"{self.url} {key}"

    # Reading

    def rows(
        self, endpoint: str, *, fields: Sequence[str] = (), ids: Iterable[int] | None = None, start: int = 0
    ) -> Iterator[Row]:
        """Every object of an endpoint (`dcim/devices`), by id; or those of these ids that there are.

        Args:
            fields: only these; all if empty.
            ids: only these; all if None.
            start: only objects of this id or higher.
        """
        asked = {"fields": ",".join(("id", *(f for f in fields if f != "id")))} if fields else {}

        def page(only: Sequence[int] | None, at: int) -> Page:
            return self._page(endpoint, asked if only is None else {**asked, "id": only}, at, fields)

        yield from self._all(page, ids, IDS, start, f"{endpoint} of NetBox")

    def listed(self, name: str, selection: str, *, ids: Iterable[int] | None = None) -> Iterator[Row]:
        """The same by GraphQL, which is faster: every object of a list (`device_list`), by id, as plain data.

        Args:
            selection: the fields, in GraphQL; nested lists are cut by NetBox at 1000, so select none that can be long.
            ids: only these; all if None.
        """

        def page(only: Sequence[int] | None, at: int) -> Page:
            return self._flat(name, selection, at, only)

        yield from self._all(page, ids, PAGE, 0, f"{name} of NetBox")

    def check_view(self, endpoint: str) -> None:
        """Refuse a token that may not view these objects. REST says so; GraphQL gives it an empty list, and no word.

        Raises:
            NetBoxError: it may not; with the object type.
        """
        self._sent("GET", endpoint, params={"limit": 1, "fields": "id", "start": 0})

    def query(self, graphql: str, variables: Mapping[str, Any] | None = None) -> Row:
        """What a GraphQL query answers. GraphQL tells its errors with the status of success; here they are errors."""
        answer = self._sent("POST", "graphql", {"query": graphql, "variables": dict(variables or {})})
        errors, data = answer.get("errors"), answer.get("data")
        if errors or not isinstance(data, dict):
            said = "; ".join(str(e.get("message", e)) if isinstance(e, dict) else str(e) for e in _listed(errors))
            fix = "the token needs the permission to view every kind of object that is read; see docs/netbox.md"
            raise NetBoxError(f"GraphQL: {_cut(said) or 'no data'}", where=self.url, fix=fix, status=200, body=errors)
        return data

    def latest_change(self) -> Row | None:
        """The newest entry of the change log (`id`, `time`, `request_id`), or None before the first."""
        answer = self._sent("GET", "core/object-changes", params={"limit": 1, "ordering": "-id", "fields": CHANGE_MARK})
        rows = self._results(answer, "core/object-changes")
        return rows[0] if rows else None

    def changes_since(self, change: int) -> Iterator[Row]:
        """The entries of the change log after this one, oldest first."""
        return self.rows("core/object-changes", fields=CHANGE_FIELDS, start=change + 1)

    # Writing

    def create(self, endpoint: str, rows: Sequence[Row], told: Callable[[int], None] | None = None) -> list[Row]:
        """Make these objects, and return them as NetBox then has them, in the same order.

        Args:
            told: told of how many were written, after each request. What was written before an error stays.
        """
        return self._written("POST", endpoint, rows, told)

    def update(self, endpoint: str, rows: Sequence[Row], told: Callable[[int], None] | None = None) -> list[Row]:
        """Change these objects: each row has its `id` and the fields that change."""
        return self._written("PATCH", endpoint, rows, told)

    def delete(self, endpoint: str, ids: Sequence[int], told: Callable[[int], None] | None = None) -> None:
        """Delete the objects of these ids."""
        self._written("DELETE", endpoint, [{"id": i} for i in ids], told)

    def _written(
        self, method: str, endpoint: str, rows: Sequence[Row], told: Callable[[int], None] | None
    ) -> list[Row]:
        written: list[Row] = []
        for chunk in _chunks(rows, CHUNK):
            answer = self._sent(method, endpoint, list(chunk))
            written += answer if isinstance(answer, list) else []
            if told is not None:
                told(len(chunk))
        return written

    # Pages

    def _all(
        self,
        page: Callable[[Sequence[int] | None, int], Page],
        ids: Iterable[int] | None,
        size: int,
        start: int,
        where: str,
    ) -> Iterator[Row]:
        """Every row from this id on; or those of these ids, asked for so many at a time."""
        if ids is None:
            yield from self._paged(partial(page, None), start, None, where)
            return
        for chunk in _chunks(sorted(set(ids)), size):
            asked = set(chunk)
            for row in self._paged(partial(page, chunk), chunk[0], chunk[-1], where):
                if row["id"] not in asked:
                    raise NetBoxError("it answered with other objects than it was asked for", where=where, fix=PROXY)
                yield row

    def _paged(self, page: Callable[[int], Page], start: int, last: int | None, where: str) -> Iterator[Row]:
        """Pages from this id to the last, or until there are no more; each must go on where the one before ended."""
        for _ in range(PAGES):
            rows, more = page(start)
            if not rows:
                return
            ids = [_id(row, where) for row in rows]
            if ids[0] < start or any(a >= b for a, b in pairwise(ids)):
                raise NetBoxError("a page repeats what was there before", where=where, fix=PROXY)
            yield from ({**row, "id": i} for row, i in zip(rows, ids, strict=True))
            if not more or ids[-1] == last:
                return
            start = ids[-1] + 1
        raise NetBoxError("the pages never end", where=where, fix=PROXY)

    def _page(self, endpoint: str, asked: Mapping[str, Any], start: int, fields: Sequence[str]) -> Page:
        """A page, and whether there is a next one."""
        answer = self._sent("GET", endpoint, params={**asked, "limit": PAGE, "start": start})
        rows = self._results(answer, endpoint)
        if missing := set(fields) - rows[0].keys() if rows else None:
            what = f"{endpoint} has no {', '.join(sorted(missing))}"
            raise NetBoxError(what, where=self.url, fix="samdrift is made for NetBox 4.7: has this one other fields?")
        return rows, answer.get("next") is not None

    def _results(self, answer: Any, endpoint: str) -> list[Row]:
        rows = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise NetBoxError("this is no list of objects", where=f"{self.url}, {endpoint}", fix=PROXY)
        return rows

    def _flat(self, name: str, selection: str, start: int, ids: Sequence[int] | None) -> Page:
        """A page. Whether there is a next one GraphQL does not say: there may be, until a page is empty."""
        only = ", filters: {id: {in_list: $ids}}" if ids is not None else ""
        declared = ", $ids: [ID!]" if ids is not None else ""
        query = (
            f"query ($start: Int!{declared}) "
            f"{{ rows: {name}(pagination: {{start: $start, limit: {PAGE}}}{only}) {{ id {selection} }} }}"
        )
        data = self.query(query, {"start": start} | ({} if ids is None else {"ids": list(ids)}))
        rows = self._results({"results": data.get("rows")}, name)
        return rows, True

    # One request

    def _sent(
        self, method: str, endpoint: str, document: object = None, params: Mapping[str, Any] | None = None
    ) -> Any:
        """What NetBox answers, as data.

        Raises:
            NetBoxError: whatever came in between.
        """
        place = f"{self.url}/graphql/" if endpoint == "graphql" else f"{self.url}/api/{endpoint}/"
        more: Row = {"json": document} if document is not None else {}
        try:
            with self._client() as client:
                result = client.request(method, endpoint, url_override=place, params=params, **more)
        except NetBoxException as e:
            raise self._no_answer(e.__cause__, place) from None
        return result.data if result.pagination is None else {"results": result.data, **result.pagination}

    @contextmanager
    def _client(self) -> Iterator[NetBoxClient]:
        """A client that nobody else uses meanwhile, with the connection that it has kept."""
        try:
            client = self._idle.pop()
        except IndexError:
            client = self._made_client()
        try:
            yield client
        finally:
            self._idle.append(client)

    def _made_client(self) -> NetBoxClient:
        word = "Bearer" if self._token.startswith("nbt_") else "Token"
        # The library keeps one dict of headers for all clients if it is not given another; then, the token of the
        # newest client is everybody's.
        headers = {"Accept": "application/json", "User-Agent": "samdrift", "Authorization": f"{word} {self._token}"}
        client = NetBoxClient(self.url, token="", headers=headers)  # it is in the headers
        session = client._session  # the library has no other way to set these
        session.headers["Accept-Encoding"] = "gzip, deflate"
        session.verify = self._verify
        session.trust_env = False  # ~/.netrc would replace the token
        session.stream = True  # the answer is read by _judged, within bounds
        session.hooks = {"response": [self._judged]}
        session.mount("https://", _Patient(self._timeout))
        session.mount("http://", _Patient(self._timeout))
        return client

    def _judged(self, response: requests.Response, **_: object) -> requests.Response:
        """The answer, read whole, if it is NetBox's and says yes."""
        response._content = self._body(response)  # read within bounds, which requests cannot
        status, method = response.status_code, str(response.request.method)
        place = str(response.url).partition("?")[0]
        if 300 <= status < 400:
            target = _cut(response.headers.get("Location", "elsewhere"))
            raise NetBoxError(f"it sends on to {target}", where=place, fix="name that URL", status=status)
        body = _json(response)
        if status >= 400:
            raise self._refusal(response, body, method, place)
        if status != 204 and body is None:
            kind = response.headers.get("Content-Type", "nothing").partition(";")[0]
            raise NetBoxError(f"the answer is {_cut(kind)} and not JSON", where=place, fix=PROXY, status=status)
        if "/api/" in place:
            _refuse_older(response.headers.get("API-Version", ""), self.url)
        return response

    def _body(self, response: requests.Response) -> bytes:
        """The body, which neither takes for ever (a byte now and then is no answer) nor fills the memory."""
        parts: list[bytes] = []
        place = str(response.url).partition("?")[0]
        size, deadline = 0, time.monotonic() + 5 * self._timeout
        try:
            while part := response.raw.read1(2**16, decode_content=True):
                parts.append(part)
                size += len(part)
                if size > LONGEST or time.monotonic() > deadline:
                    response.close()
                    what = "an answer that does not end"
                    raise NetBoxError(what, where=place, fix=PROXY, status=response.status_code)
        except urllib3.exceptions.HTTPError as e:
            raise self._no_answer(e, place) from None
        response.raw.release_conn()
        return b"".join(parts)

    def _refusal(self, response: requests.Response, body: object, method: str, place: str) -> NetBoxError:
        """What a status of 400 or more means."""
        status, said = response.status_code, _said(body) or _plain_text(response)
        is_graphql = place.endswith("/graphql/")
        kind = "what GraphQL reads" if is_graphql else place.removeprefix(f"{self.url}/api/").strip("/")

        def told(what: str, fix: str, where: str = place) -> NetBoxError:
            return NetBoxError(what, where=where, fix=fix, status=status, body=body)

        if status in {401, 403}:
            if "permission" in said:
                verbs = {"GET": "view", "POST": "add", "PATCH": "change", "DELETE": "delete"}
                verb = "view" if is_graphql else verbs.get(method, method)
                fix = f"give its user the permission to {verb} {kind} in NetBox"
                return told(f"the token may not {verb} {kind}", fix, self.url)
            fix = "make a new token in NetBox (and see that it is enabled, not expired, and allowed from here)"
            return told(f"the token is not accepted: {_cut(said) or response.reason}", fix, self.url)
        if status == 404 and body is None:
            return told("there is no such page", "is this the URL of NetBox, without /api?")
        if status >= 500:
            at = urlsplit(str(response.url)).query
            shown = f": {_cut(said)}" if said else ""
            which = f" of {kind}?{_cut(at)}" if at else f" of {kind}"
            return told(
                f"NetBox failed ({status}) in the middle{which}{shown}", "see NetBox's own log; try again", self.url
            )
        return told(
            f"NetBox refuses ({status}): {_cut(said, 500) or response.reason}", "mend what it names", f"NetBox {kind}"
        )

    def _no_answer(self, cause: BaseException | None, place: str) -> NetBoxError:
        """What it means that no whole answer came."""
        match cause:
            case requests.exceptions.SSLError():
                what, fix = f"its TLS certificate is not trusted: {_reason(cause)}", "name its authority: --netbox-ca"
            case _ if _is_timeout(cause):
                what, fix = f"no answer within {self._timeout:g} seconds", "is NetBox up, and reachable from here?"
            case requests.exceptions.ConnectionError():
                what, fix = f"cannot be reached: {_reason(cause)}", "is NetBox up, and the URL right?"
            case urllib3.exceptions.HTTPError():
                what, fix = f"the answer broke off: {_reason(cause)}", "try again; see NetBox's own log"
            case _:
                what, fix = f"no answer: {_reason(cause)}", PROXY
        return NetBoxError(what, where=place, fix=fix)


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
PROXY = "is there a proxy in between, or something else at this URL?"


class _Patient(HTTPAdapter):
    """Waits so long and no longer, and asks again where that can do no harm: GET, when a gateway or the line failed."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        again = Retry(
            total=3,
            read=1,
            redirect=0,
            allowed_methods={"GET"},
            status_forcelist=(502, 503, 504),
            backoff_factor=0.2,
            raise_on_status=False,
            respect_retry_after_header=False,
        )
        super().__init__(max_retries=again)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        kwargs["timeout"] = (min(self._timeout, 10.0), self._timeout)
        return super().send(request, **kwargs)


def at_once(work: Iterable[Callable[[], T]]) -> list[T]:
    """The results of questions to a NetBox that need not wait for each other, in order.

    At the first error, nothing further is begun.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = [pool.submit(item) for item in work]
        try:
            return [f.result() for f in futures]
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


# What is given


def _checked_url(url: str) -> str:
    fix = "give it as https://netbox.example.org"
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise NetBoxError("this is no URL", where=_cut(url), fix=fix) from None
    if parts.username or parts.password:
        raise NetBoxError("the URL holds a password", where=host, fix="give the token by itself; see docs/netbox.md")
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
        raise NetBoxError("this is no URL of a NetBox", where=_cut(url), fix=fix)
    if parts.scheme == "http" and not _is_this_machine(host):
        raise NetBoxError("without TLS anyone on the way can read the token", where=_cut(url), fix="use https://")
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/").removesuffix("/api")


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _checked_token(token: str) -> str:
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise NetBoxError("this is no API token", where="the token", fix="give it as NetBox shows it: nbt_KEY.SECRET")
    return token


def _trusted(ca: Path | None) -> str | bool:
    """The authorities to trust: these, or the machine's own."""
    if ca is None:
        machine = ssl.get_default_verify_paths()
        return machine.cafile or machine.capath or True
    try:
        ssl.create_default_context(cafile=str(ca))
    except (OSError, ssl.SSLError) as e:
        what = f"cannot be read as certificate authorities: {getattr(e, 'strerror', None) or e}"
        raise NetBoxError(what, where=str(ca), fix="name a file of PEM certificates") from None
    return str(ca)


def _refuse_older(version: str, url: str) -> None:
    numbers = tuple(int(n) for n in version.split(".")[:2] if n.isdecimal())
    if len(numbers) != 2:
        raise NetBoxError("this does not answer as NetBox does", where=url, fix=PROXY)
    if numbers < OLDEST:
        need = ".".join(map(str, OLDEST))
        raise NetBoxError(f"this is NetBox {version}", where=url, fix=f"samdrift needs {need} or newer: upgrade it")


# What is answered


def _id(row: Row, where: str) -> int:
    """The row's id as a number (GraphQL gives text)."""
    value = str(row.get("id"))
    if not value.isdecimal():
        raise NetBoxError("a row without an id", where=where, fix=PROXY)
    return int(value)


def _json(response: requests.Response) -> object:
    """The body as data, or None where it is none."""
    try:
        return json.loads(response.content)
    except ValueError:
        return None


def _plain_text(response: requests.Response) -> str:
    """The body, where it is a line of text (as GraphQL refuses a token)."""
    is_text = response.headers.get("Content-Type", "").startswith("text/plain") or b"<" not in response.content
    return response.text.strip() if is_text and len(response.content) < 500 else ""


def _said(body: object) -> str:
    """What NetBox says in a refusal, each field with its fault, on one line."""
    match body:
        case {"errors": list(errors), **_unused}:
            return "; ".join(filter(None, map(_said, errors)))
        case {"index": index, "errors": errors}:
            return f"object {index}: {_said(errors)}"
        case dict():
            parts = (f"{k}: {_said(v)}" if k not in {"detail", "error"} else _said(v) for k, v in body.items())
            return "; ".join(p for p in parts if not p.endswith(": "))
        case list():
            return "; ".join(filter(None, map(_said, body)))
        case None:
            return ""
        case _:
            return " ".join(str(body).split())


def _is_timeout(error: BaseException | None) -> bool:
    """Whether a timeout is what is behind it, through however many layers."""
    timeouts = (TimeoutError, urllib3.exceptions.ReadTimeoutError)
    while error is not None and not isinstance(error, timeouts):
        error = _behind(error)
    return error is not None


def _behind(error: BaseException) -> BaseException | None:
    """What an error was made of."""
    candidates = (getattr(error, "reason", None), error.__cause__, error.__context__, *error.args)
    return next((e for e in candidates if isinstance(e, BaseException)), None)


def _reason(error: BaseException | None) -> str:
    """The innermost reason that a library gives, without its layers."""
    while error is not None and (inner := _behind(error)) is not None:
        error = inner
    said = str(getattr(error, "verify_message", "") or getattr(error, "strerror", "") or error or "no reason given")
    return _cut(said)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _cut(text: str, width: int = 200) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def _chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for at in range(0, len(values), size):
        yield values[at : at + size]
