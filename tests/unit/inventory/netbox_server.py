"""A server that answers as NetBox does, or as a test wants it to misbehave."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "nbt_abcdefabcdef.thesecretpartofthetoken"  # noqa: S105  nobody's

Behaviour = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers as the server's behaviour says."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.seen.append((self.command, self.path, self.headers.get("Authorization", "")))
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.behaviour(self)

    do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815  http.server's names

    @property
    def asked(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query)

    def answer(self, body: Any, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"API_Version": "4.7", "Content_Type": kind, **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def page(self, ids: range, more: bool) -> None:
        self.answer({"count": None, "next": "x" if more else None, "results": [{"id": i, "name": "n"} for i in ids]})

    def log_message(self, *_: object) -> None: ...


class Server(ThreadingHTTPServer):
    """A server of one behaviour, that remembers what it was asked."""

    daemon_threads = True
    behaviour: Behaviour
    seen: list[tuple[str, str, str]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"
