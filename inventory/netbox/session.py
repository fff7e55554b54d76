"""Send requests to one NetBox as one token, and believe an answer or say why not: the only module that knows
netbox-python and requests.

Not here: which requests make a list or a write (`client.py`).
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from netbox_python import NetBoxClient, NetBoxException
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from inventory.errors import SamdriftError

Row = dict[str, Any]

OLDEST = (4, 7)
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


class Session:
    """Sends requests to one NetBox as one token. May be used by several threads at a time.

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

    @property
    def identity(self) -> str:
        """Identify the NetBox and the token: URL and the part of the token that is no secret."""
        key = self._token.partition(".")[0] if self._token.startswith("nbt_") else "old token"
        return f"{self.url} {key}"

    def send(self, method: str, endpoint: str, document: object = None, params: Mapping[str, Any] | None = None) -> Any:
        """Send one request; returns what NetBox answers, as data.

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
        """Lend a client that nothing else uses meanwhile, with the connection that it has kept."""
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
        """Return the answer, read whole, if it is NetBox's and a success; raise what it means otherwise."""
        response._content = self._body(response)  # read within bounds, which requests cannot
        status, method = response.status_code, str(response.request.method)
        place = str(response.url).partition("?")[0]
        if 300 <= status < 400:
            target = cut(response.headers.get("Location", "elsewhere"))
            raise NetBoxError(f"it sends on to {target}", where=place, fix="name that URL", status=status)
        body = _json(response)
        if status >= 400:
            raise self._refusal(response, body, method, place)
        if status != 204 and body is None:
            kind = response.headers.get("Content-Type", "nothing").partition(";")[0]
            raise NetBoxError(f"the answer is {cut(kind)} and not JSON", where=place, fix=PROXY, status=status)
        if "/api/" in place:
            _refuse_older(response.headers.get("API-Version", ""), self.url)
        return response

    def _body(self, response: requests.Response) -> bytes:
        """Read the body, which may neither take for ever (a byte now and then is no answer) nor fill the memory."""
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
        """Make the error that a status of 400 or more means."""
        status, reason = response.status_code, _refusal_text(body) or _plain_text(response)
        is_graphql = place.endswith("/graphql/")
        kind = "what GraphQL reads" if is_graphql else place.removeprefix(f"{self.url}/api/").strip("/")

        def error(what: str, fix: str, where: str = place) -> NetBoxError:
            return NetBoxError(what, where=where, fix=fix, status=status, body=body)

        if status in {401, 403}:
            if "permission" in reason:
                verbs = {"GET": "view", "POST": "add", "PATCH": "change", "DELETE": "delete"}
                verb = "view" if is_graphql else verbs.get(method, method)
                fix = f"give its user the permission to {verb} {kind} in NetBox"
                return error(f"the token may not {verb} {kind}", fix, self.url)
            fix = "make a new token in NetBox (and see that it is enabled, not expired, and allowed from here)"
            return error(f"the token is not accepted: {cut(reason) or response.reason}", fix, self.url)
        if status == 404 and body is None:
            return error("there is no such page", "is this the URL of NetBox, without /api?")
        if status >= 500:
            at = urlsplit(str(response.url)).query
            shown = f": {cut(reason)}" if reason else ""
            which = f" of {kind}?{cut(at)}" if at else f" of {kind}"
            return error(
                f"NetBox failed ({status}) in the middle{which}{shown}", "see NetBox's own log; try again", self.url
            )
        return error(
            f"NetBox refuses ({status}): {cut(reason, 500) or response.reason}", "mend what it names", f"NetBox {kind}"
        )

    def _no_answer(self, cause: BaseException | None, place: str) -> NetBoxError:
        """Make the error of a request that got no whole answer."""
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


def _checked_url(url: str) -> str:
    fix = "give it as https://netbox.example.org"
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise NetBoxError("this is no URL", where=cut(url), fix=fix) from None
    if parts.username or parts.password:
        raise NetBoxError("the URL holds a password", where=host, fix="give the token by itself; see docs/netbox.md")
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
        raise NetBoxError("this is no URL of a NetBox", where=cut(url), fix=fix)
    if parts.scheme == "http" and not _is_this_machine(host):
        raise NetBoxError("without TLS anyone on the way can read the token", where=cut(url), fix="use https://")
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
    """Return the authorities to trust: these, or the machine's own."""
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


def _json(response: requests.Response) -> object:
    """Parse the body as JSON; None if it is none."""
    try:
        return json.loads(response.content)
    except ValueError:
        return None


def _plain_text(response: requests.Response) -> str:
    """Return the body if it is a line of text (as GraphQL refuses a token)."""
    is_text = response.headers.get("Content-Type", "").startswith("text/plain") or b"<" not in response.content
    return response.text.strip() if is_text and len(response.content) < 500 else ""


def _refusal_text(body: object) -> str:
    """Return the text of NetBox's refusal, each field with its fault, on one line."""
    match body:
        case {"errors": list(errors), **_unused}:
            return "; ".join(filter(None, map(_refusal_text, errors)))
        case {"index": index, "errors": errors}:
            return f"object {index}: {_refusal_text(errors)}"
        case dict():
            parts = (
                f"{k}: {_refusal_text(v)}" if k not in {"detail", "error"} else _refusal_text(v)
                for k, v in body.items()
            )
            return "; ".join(p for p in parts if not p.endswith(": "))
        case list():
            return "; ".join(filter(None, map(_refusal_text, body)))
        case None:
            return ""
        case _:
            return " ".join(str(body).split())


def _is_timeout(error: BaseException | None) -> bool:
    """Tell whether a timeout is what is behind it, through however many layers."""
    timeouts = (TimeoutError, urllib3.exceptions.ReadTimeoutError)
    while error is not None and not isinstance(error, timeouts):
        error = _behind(error)
    return error is not None


def _behind(error: BaseException) -> BaseException | None:
    """Return the error that caused an error."""
    candidates = (getattr(error, "reason", None), error.__cause__, error.__context__, *error.args)
    return next((e for e in candidates if isinstance(e, BaseException)), None)


def _reason(error: BaseException | None) -> str:
    """Return the innermost reason that a library gives, without its layers."""
    while error is not None and (inner := _behind(error)) is not None:
        error = inner
    reason = str(getattr(error, "verify_message", "") or getattr(error, "strerror", "") or error or "no reason given")
    return cut(reason)


def cut(text: str, width: int = 200) -> str:
    """Put a text on one line, cut where it is longer than this."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"
