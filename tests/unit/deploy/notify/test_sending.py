"""Real servers are handed messages, and what they answer says whether they have it, have not, or may have it."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from deploy.notify.letter import Notice
from deploy.notify.others import Others
from deploy.notify.outbox import Outbox, OutboxFile
from deploy.notify.sending import End, Smtp, by_email, by_webhook
from deploy.notify.telling import Sender, Teller
from deploy.notify.transitions import Seen, Transition, seen
from inventory.paths import CODE
from inventory.recipients import Recipients, Webhook, WhoHears
from tests.unit.deploy.notify.fleets import finding, host, record

HEB = host("heb-gw1", "heby", "10.61.1.1/24")


class Servers:
    """A mail server and a web server."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for name in ("has-it", "go-on"):
            os.mkfifo(directory / name)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.unit.deploy.notify.servers", str(directory)],
            cwd=CODE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.mail, self.web = map(int, self.process.stdout.readline().split())

    @property
    def smtp(self) -> Smtp:
        return Smtp(host="127.0.0.1", port=self.mail, security="none", sender="watch@norduppland.example")

    @property
    def mails(self) -> list[bytes]:
        return [file.read_bytes() for file in sorted(self.directory.glob("mail-*"))]

    @property
    def posts(self) -> list[dict[str, object]]:
        return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(self.directory.glob("post-*"))]


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    made = Servers(tmp_path)
    yield made
    made.process.send_signal(signal.SIGKILL)
    made.process.wait()
    assert made.process.stdout is not None
    made.process.stdout.close()


def notice(*texts: str) -> Notice:
    found = tuple(finding(HEB, text) for text in texts)
    state = seen(record(1, found, HEB), "heby", Others("heby", (HEB,)), {}, set())
    changed = tuple(Transition(change="new", finding=o, fingerprint=p) for p, o in state.open.items())
    at = datetime(2026, 11, 21, 3, 1, tzinfo=UTC)
    return Notice(id="0" * 32, municipality="heby", called="Heby", record="r1", at=at, transitions=changed)


@pytest.mark.parametrize(
    ("to", "end", "handed"),
    [
        ("it", End.DELIVERED, True),
        ("later", End.LATER, False),
        ("never", End.REFUSED, False),
        ("full", End.LATER, True),
        ("spam", End.REFUSED, True),
        ("gone", End.DOUBT, True),
    ],
)
def test_what_a_mail_server_says_is_how_it_ended(servers: Servers, to: str, end: End, handed: bool) -> None:
    calls: list[str] = []
    message = notice("en fil").as_email("watch@norduppland.example", f"{to}@heby.example", "sv")

    outcome = by_email(servers.smtp, f"{to}@heby.example", message, lambda: calls.append("now"))

    assert outcome.end is end, outcome
    assert bool(calls) is handed
    assert len(servers.mails) == (end in {End.DELIVERED, End.DOUBT})


def test_a_mail_server_that_is_not_there_has_nothing() -> None:
    smtp = Smtp(host="127.0.0.1", port=1, security="none", sender="watch@norduppland.example")

    assert by_email(smtp, "it@heby.example", b"", lambda: pytest.fail("handed over")).end is End.LATER


def test_a_mail_server_without_tls_is_sent_nothing_where_tls_is_asked_for(servers: Servers) -> None:
    smtp = servers.smtp.model_copy(update={"security": "starttls"})

    assert by_email(smtp, "it@heby.example", b"x", lambda: pytest.fail("handed over")).end is End.LATER
    assert servers.mails == []


def test_what_arrives_is_what_was_written_whatever_hosts_say(servers: Servers) -> None:
    odd = (
        "Älvkarleby å ä ö €",
        ".",
        "a\r\nBcc: evil@example.org",
        "x" * 3000,
        "\ud800 surrogate",
        "\x00\x1b[31m",
        "# –",
    )
    message = notice(*odd).as_email("watch@norduppland.example", "it@heby.example", "sv")
    assert by_email(servers.smtp, "it@heby.example", message, lambda: None).end is End.DELIVERED

    arrived = message_from_bytes(servers.mails[0], policy=default)

    assert arrived["Subject"] == "[samdrift] Heby: 7 nya"
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert "Bcc" not in arrived
    text = arrived.get_content()
    assert "Älvkarleby å ä ö €" in text
    assert "a\\r\\nBcc: evil@example.org" in text
    assert "x" * 3000 in text
    assert "\x1b" not in text
    assert max(map(len, servers.mails[0].splitlines())) <= 998


def test_a_name_of_any_length_stands_in_the_subject_whole(servers: Servers) -> None:
    """Folded and encoded, as RFC 2047 has it; what breaks a header in two would send another message."""
    called = "Älvkarleby å ä ö " * 12 + "\r\nBcc: evil@example.org"
    message = (
        notice("en fil").model_copy(update={"called": called}).as_email("watch@x.example", "it@heby.example", "sv")
    )
    assert by_email(servers.smtp, "it@heby.example", message, lambda: None).end is End.DELIVERED

    arrived = message_from_bytes(servers.mails[0], policy=default)
    shown = called.replace("\r", "\\r").replace("\n", "\\n")
    assert arrived["Subject"] == f"[samdrift] {shown}: 1 nya"
    assert "Bcc" not in arrived
    assert all(byte < 128 for byte in servers.mails[0].partition(b"\r\n\r\n")[0])


@pytest.mark.long
@pytest.mark.parametrize(
    ("path", "end"),
    [
        ("200", End.DELIVERED),
        ("204", End.DELIVERED),
        ("429", End.LATER),
        ("500", End.LATER),
        ("503", End.LATER),
        ("404", End.REFUSED),
        ("302", End.REFUSED),
        ("502", End.DOUBT),
        ("504", End.DOUBT),
        ("gone", End.DOUBT),
    ],
)
def test_what_a_webhook_answers_is_how_it_ended(servers: Servers, path: str, end: End) -> None:
    url = f"http://127.0.0.1:{servers.web}/{path}"

    assert by_webhook(url, b"{}", "id", None, lambda: None).end is end
    assert len(servers.posts) == 1, "and no redirection is followed"


def test_a_webhook_can_tell_that_it_comes_from_us(servers: Servers) -> None:
    body = json.dumps(notice("å").as_json(), ensure_ascii=False).encode()
    by_webhook(f"http://127.0.0.1:{servers.web}/200", body, "the-id", b"key", lambda: None)

    (post,) = servers.posts
    headers = post["headers"]
    assert isinstance(headers, dict)
    assert headers["Idempotency-Key"] == "the-id"
    assert headers["X-Samdrift-Signature"] == f"sha256={hmac.new(b'key', body, hashlib.sha256).hexdigest()}"
    assert str(post["body"]).encode() == body


TELLER = """\
import sys
from pathlib import Path
from deploy.notify.outbox import OutboxFile
from deploy.notify.sending import Smtp
from deploy.notify.telling import Sender, Teller
from inventory.recipients import Recipients, WhoHears

file, port, to = sys.argv[1:]
smtp = Smtp(host="127.0.0.1", port=int(port), security="none", sender="watch@norduppland.example")
hears = WhoHears(municipalities={"heby": Recipients(email=(to,))})
for line in Teller(OutboxFile(Path(file)), "heby", "Heby", hears=hears, sender=Sender(smtp=smtp)).tell():
    print(line)
"""


def teller(file: Path, servers: Servers, to: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", TELLER, str(file), str(servers.mail), f"{to}@heby.example"]
    return subprocess.Popen(words, cwd=CODE, stdout=subprocess.PIPE, text=True)


@pytest.mark.long
@pytest.mark.parametrize(("to", "mails"), [("held-before", 1), ("held", 1)])
def test_whoever_is_killed_while_telling_tells_nobody_twice(
    servers: Servers, tmp_path: Path, to: str, mails: int
) -> None:
    """Before the server has the message, it is sent again; when the server has it and has not said so, never."""
    file = OutboxFile(tmp_path / "outbox.json")
    at = datetime(2026, 11, 21, 3, tzinfo=UTC)
    state = seen(record(1, (finding(HEB, "en fil"),), HEB), "heby", Others("heby", (HEB,)), {}, set())
    file.write(Outbox().with_scan(state, "r1", at))

    killed = teller(file.file, servers, to)
    assert (servers.directory / "has-it").read_text(encoding="ascii") == "held"
    killed.kill()
    killed.communicate()
    (servers.directory / "go-on").write_text("go", encoding="ascii")

    again = teller(file.file, servers, to)
    if to == "held-before":
        assert (servers.directory / "has-it").read_text(encoding="ascii") == "held"
        (servers.directory / "go-on").write_text("go", encoding="ascii")
    said, _ = again.communicate(timeout=300)

    assert len(servers.mails) == mails
    assert ("is not known" in said) == (to == "held")
    left = file.read()
    assert left.letters == ()
    assert left.lost == (("r1",) if to == "held" else ())
    third, _ = teller(file.file, servers, to).communicate(timeout=300)
    assert third == ""
    assert len(servers.mails) == mails


def test_each_recipient_hears_once_and_one_that_fails_costs_no_other(servers: Servers, tmp_path: Path) -> None:
    file = OutboxFile(tmp_path / "outbox.json")
    hooks = (Webhook.model_construct(url=f"http://127.0.0.1:{servers.web}/200", signed=False),)
    emails = ("later@heby.example", "it@heby.example", "never@heby.example")
    hears = WhoHears.model_construct(
        municipalities={"heby": Recipients.model_construct(email=emails, webhooks=hooks, language="sv")}, quiet=()
    )
    told = Teller(file, "heby", "Heby", hears=hears, sender=Sender(smtp=servers.smtp))
    told.take_in(record(1, (finding(HEB, "en fil"),), HEB), (HEB,))

    wrong = told.tell()

    assert [line.partition(":")[0] for line in wrong] == ["later@heby.example", "never@heby.example"]
    assert (len(servers.mails), len(servers.posts)) == (1, 1)
    assert [letter.to for letter in file.read().letters] == ["later@heby.example"]
    assert [line.partition(":")[0] for line in told.tell()] == ["later@heby.example"]
    assert (len(servers.mails), len(servers.posts)) == (1, 1)
    assert Seen() != file.read().seen
