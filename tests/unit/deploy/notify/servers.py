"""A real mail server (aiosmtpd) and a real web server, as a process of their own: what they do stands in the address.

It prints its two ports, and keeps what it accepts in a directory, a file each. With `held` it has a message and answers
nothing: it tells so by one pipe, and waits at another.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

DIRECTORY = Path(sys.argv[1]) if __name__ == "__main__" else Path()
TURN = threading.Lock()
AT_RCPT = {"later": "451 4.7.1 greylisted", "never": "550 5.1.1 no such user", "held-before": ""}
AT_END = {"full": "452 4.3.1 no room", "spam": "554 5.7.1 not wanted"}


def keep(kind: str, content: bytes) -> None:
    """Keep it as a file that is there once it is whole: whoever counts files reads them, too."""
    with TURN:
        new = DIRECTORY / "new"
        new.write_bytes(content)
        new.rename(DIRECTORY / f"{kind}-{len(list(DIRECTORY.glob(f'{kind}-*')))}")


def hold() -> None:
    (DIRECTORY / "has-it").write_text("held", encoding="ascii")
    (DIRECTORY / "go-on").read_text(encoding="ascii")


class Mail:
    """What the mail server does, by the name before the @."""

    async def handle_RCPT(  # noqa: N802  the library's name
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        options: list[str],  # noqa: ARG002
    ) -> str:
        name = address.partition("@")[0]
        if name == "held-before":
            await asyncio.to_thread(hold)
        if answer := AT_RCPT.get(name):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802, ARG002
        name = envelope.rcpt_tos[0].partition("@")[0]
        if name in AT_END:
            return AT_END[name]
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        keep("mail", content)
        if name == "gone":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        if name == "held":
            await asyncio.to_thread(hold)
        return "250 OK"


class Web(BaseHTTPRequestHandler):
    """What the web server does, by the path: the status that it answers with, or nothing at all."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        what = self.path.strip("/")
        keep("post", json.dumps({"headers": dict(self.headers), "body": body.decode()}).encode())
        if what == "gone":
            self.close_connection = True
            return
        self.send_response(int(what))
        if what == "302":
            self.send_header("Location", "/200")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        pass


async def main() -> None:
    web = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    loop = asyncio.get_running_loop()
    mail = await loop.create_server(lambda: SMTP(Mail(), hostname="mail.example"), "127.0.0.1", 0)
    print(mail.sockets[0].getsockname()[1], web.server_port, flush=True)  # noqa: T201  whoever started it reads them
    await mail.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
