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

from inventory.netbox.faults import PROXY, NetBoxError, cut, refusal
from inventory.netbox.versions import NEWEST, OLDEST, Version, version_of

Row = dict[str, Any]

LONGEST = 256 * 2**20
"""Bytes of one answer; no page of NetBox's comes near."""


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

    Attributes:
        version: the NetBox's; before it has answered, the newest.

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
        self.version = NEWEST
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
        status = response.status_code
        place = str(response.url).partition("?")[0]
        if 300 <= status < 400:
            target = cut(response.headers.get("Location", "elsewhere"))
            raise NetBoxError(f"it sends on to {target}", where=place, fix="name that URL", status=status)
        body = _json(response)
        if status >= 400:
            raise refusal(response, body, self.url)
        if status != 204 and body is None:
            kind = response.headers.get("Content-Type", "nothing").partition(";")[0]
            raise NetBoxError(f"the answer is {cut(kind)} and not JSON", where=place, fix=PROXY, status=status)
        if place.startswith(f"{self.url}/api/"):
            self.version = _version(response.headers.get("API-Version", ""), self.url)
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


def _version(header: str, url: str) -> Version:
    """Return the version that a NetBox says it is."""
    numbers = tuple(int(n) for n in header.split(".")[:2] if n.isdecimal())
    if len(numbers) != 2:
        raise NetBoxError("this does not answer as NetBox does", where=url, fix=PROXY)
    version = version_of(numbers)
    if version is None:
        raise NetBoxError(f"this is NetBox {header}", where=url, fix=f"samdrift needs {OLDEST} or newer: upgrade it")
    return version


def _json(response: requests.Response) -> object:
    """Parse the body as JSON; None if it is none."""
    try:
        return json.loads(response.content)
    except ValueError:
        return None


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
