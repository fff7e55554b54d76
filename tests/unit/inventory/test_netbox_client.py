"""Whatever answers in NetBox's place, it is told in one line, and a part of an answer is never taken for all of it.

The server here is a real one on loopback that misbehaves. How a NetBox that behaves is read: tests/integration.
"""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inventory.netbox import client, session
from inventory.netbox.client import NetBox
from inventory.netbox.faults import NetBoxError
from inventory.netbox.pull import pull
from tests.unit.inventory.netbox_server import TOKEN, Behaviour, Handler, Server


def told(work: Callable[[], object]) -> str:
    """The one line of an error."""
    with pytest.raises(NetBoxError) as caught:
        work()
    line = str(caught.value)
    assert "\n" not in line
    assert "thesecret" not in line + repr(caught.value)
    return line


def tenants(server: Server, **more: Any) -> list[dict[str, Any]]:
    return list(NetBox(server.url, TOKEN, **more).rows("tenancy/tenants", fields=("name",)))


# What is asked


def test_every_request_has_its_own_token_whatever_other_clients_there_are(server: Server) -> None:
    server.behaviour = lambda h: h.page(range(0), more=False)
    heby, tierp = NetBox(server.url, "nbt_heby.one"), NetBox(server.url, "nbt_tierp.two")

    for netbox in (heby, tierp, heby):
        list(netbox.rows("tenancy/tenants"))

    assert [token for _, _, token in server.seen] == [
        "Bearer nbt_heby.one",
        "Bearer nbt_tierp.two",
        "Bearer nbt_heby.one",
    ]


def test_two_tokens_in_many_threads_never_mix(server: Server) -> None:
    server.behaviour = lambda h: h.page(range(0), more=False)
    both = {name: NetBox(server.url, f"nbt_{name}.x") for name in ("heby", "tierp")}

    def ask(name: str) -> None:
        for _ in range(10):
            list(both[name].rows(f"for-{name}"))

    threads = [threading.Thread(target=ask, args=(name,)) for name in both for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(server.seen) == 80
    assert all(token == f"Bearer nbt_{path.split('-')[1].split('/')[0]}.x" for _, path, token in server.seen)


def test_a_netrc_never_replaces_the_token(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    server.behaviour = lambda h: h.page(range(0), more=False)

    tenants(server)

    assert server.seen[0][2] == f"Bearer {TOKEN}"


def test_an_old_token_is_sent_as_old_tokens_are(server: Server) -> None:
    server.behaviour = lambda h: h.page(range(0), more=False)

    list(NetBox(server.url, "0" * 40).rows("tenancy/tenants"))

    assert server.seen[0][2] == "Token " + "0" * 40


def test_the_token_is_in_no_text_of_the_client() -> None:
    netbox = NetBox("https://netbox.example.org/", TOKEN)

    assert repr(netbox) == "NetBox('https://netbox.example.org')"
    assert netbox.identity == "https://netbox.example.org nbt_abcdefabcdef"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("netbox.example.org", "this is no URL of a NetBox"),
        ("ftp://netbox.example.org", "this is no URL of a NetBox"),
        ("https://", "this is no URL of a NetBox"),
        ("https://[", "this is no URL"),
        ("https://netbox.example.org:port", "this is no URL"),
        ("http://netbox.example.org", "without TLS anyone on the way can read the token"),
        ("https://anna:thesecret@netbox.example.org", "the URL holds a password"),
    ],
)
def test_a_url_that_cannot_be_one_is_refused_before_anything_is_sent(url: str, words: str) -> None:
    assert words in told(lambda: NetBox(url, TOKEN))


@pytest.mark.parametrize("token", ["", " ", "thesecret\nx", "thesecret x", "åäö"])
def test_a_token_that_cannot_be_one_is_refused(token: str) -> None:
    assert "this is no API token" in told(lambda: NetBox("https://netbox.example.org", token))


@pytest.mark.parametrize("given", ["https://n.example.org/", "https://n.example.org/api", "https://n.example.org/api/"])
def test_a_url_may_end_as_people_end_urls(given: str) -> None:
    assert NetBox(given, TOKEN).url == "https://n.example.org"


# What is answered instead


def html(handler: Handler) -> None:
    handler.answer(b"<html><h1>Login</h1></html>", kind="text/html; charset=utf-8")


def half(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("API-Version", "4.7")
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(b'{"results": [')
    handler.close_connection = True


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (html, "the answer is text/html and not JSON (is there a proxy"),
        (
            lambda h: h.answer(b"<h1>Not Found</h1>", 404, "text/html"),
            "there is no such page (is this the URL of NetBox",
        ),
        (lambda h: h.answer(b"", 302, Location="https://sso.example.org/"), "it sends on to https://sso.example.org/"),
        (lambda h: h.answer({"detail": "Invalid v2 token"}, 403), "the token is not accepted: Invalid v2 token"),
        (lambda h: h.answer({"detail": "Token expired"}, 403), "the token is not accepted: Token expired (make a new"),
        (
            lambda h: h.answer({"detail": "You do not have permission to perform this action."}, 403),
            "the token may not view tenancy/tenants (give its user the permission to view tenancy/tenants",
        ),
        (lambda h: h.answer({"results": []}, API_Version="4.3"), "this is NetBox 4.3 (samdrift needs 4.4 or newer"),
        (lambda h: h.answer({"results": []}, API_Version="x"), "this does not answer as NetBox does"),
        (lambda h: h.answer([1, 2]), "this is no list of objects"),
        (lambda h: h.answer({"results": [1]}), "this is no list of objects"),
        (lambda h: h.answer({"results": [{"name": "x"}]}), "a row without an id"),
        (lambda h: h.answer({"results": [{"id": 1}]}), "tenancy/tenants has no name"),
        (half, "the answer broke off: "),
        (lambda h: h.answer({"error": "boom\n\x1b[2J"}, 500), "NetBox failed (500) in the middle of tenancy/tenants"),
    ],
)
def test_every_other_answer_is_one_clear_line(server: Server, behaviour: Behaviour, words: str) -> None:
    server.behaviour = behaviour

    assert words in told(lambda: tenants(server))


def test_a_failure_in_the_middle_of_page_3_is_told_and_gives_no_rows(server: Server) -> None:
    def behaviour(handler: Handler) -> None:
        start = max(1, int(handler.asked["start"][0]))
        if start > 2000:
            handler.answer({"error": "boom", "exception": "OperationalError"}, 500)
        else:
            handler.page(range(start, start + 1000), more=True)

    server.behaviour = behaviour

    line = told(lambda: tenants(server))

    assert "NetBox failed (500) in the middle of tenancy/tenants?" in line
    assert "start=2001" in line


def test_a_full_pull_that_fails_half_way_gives_nothing(server: Server) -> None:
    def behaviour(handler: Handler) -> None:
        if "regions" in handler.path or "object-changes" in handler.path:
            handler.answer({"count": None, "next": None, "results": []})
        else:
            handler.answer({"detail": "You do not have permission to perform this action."}, 403)

    server.behaviour = behaviour

    assert "the token may not view " in told(lambda: pull(NetBox(server.url, TOKEN)))


def test_pages_that_repeat_themselves_are_told(server: Server) -> None:
    server.behaviour = lambda h: h.page(range(1, 4), more=True)

    assert "a page repeats what was there before" in told(lambda: tenants(server))


def test_pages_that_never_end_are_told(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAGES", 20)
    server.behaviour = lambda h: h.page(range(int(h.asked["start"][0]) + 1, int(h.asked["start"][0]) + 3), more=True)

    assert "the pages never end" in told(lambda: tenants(server))
    assert len(server.seen) == 20


def test_an_answer_that_never_ends_is_told(server: Server) -> None:
    def behaviour(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.end_headers()
        while True:
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.02)

    server.behaviour = behaviour

    assert "an answer that does not end" in told(lambda: tenants(server, timeout=0.1))


def test_an_answer_larger_than_any_is_told(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "LONGEST", 2**20)
    server.behaviour = lambda h: h.answer(b" " * 2**22)

    assert "an answer that does not end" in told(lambda: tenants(server))


def test_no_answer_in_time_is_told(server: Server) -> None:
    server.behaviour = lambda _: time.sleep(1)

    assert "no answer within 0.2 seconds" in told(lambda: tenants(server, timeout=0.2))


def test_nobody_there_is_told() -> None:
    netbox = NetBox("http://127.0.0.1:1", TOKEN)

    assert "cannot be reached: Connection refused" in told(lambda: list(netbox.rows("dcim/sites")))


def test_objects_that_were_not_asked_for_are_no_answer(server: Server) -> None:
    server.behaviour = lambda h: h.page(range(5, 9), more=False)
    netbox = NetBox(server.url, TOKEN)

    assert "other objects than it was asked for" in told(lambda: list(netbox.rows("dcim/sites", ids=[5, 6])))


def test_an_error_of_graphql_comes_with_success_and_is_told(server: Server) -> None:
    server.behaviour = lambda h: h.answer({"data": {"rows": []}, "errors": [{"message": "no view on\nsites"}]})
    netbox = NetBox(server.url, TOKEN)

    assert "GraphQL: no view on sites (the token needs the permission" in told(lambda: netbox.query("{ x }"))


def test_the_token_is_refused_by_graphql_in_plain_text(server: Server) -> None:
    server.behaviour = lambda h: h.answer(b"Invalid v2 token", 403, "text/html")

    assert "the token is not accepted: Invalid v2 token" in told(lambda: NetBox(server.url, TOKEN).query("{ x }"))


def test_a_gateway_that_fails_once_is_asked_again(server: Server) -> None:
    def behaviour(handler: Handler) -> None:
        handler.answer({}, 502) if len(server.seen) == 1 else handler.page(range(1, 3), more=False)

    server.behaviour = behaviour

    assert len(tenants(server)) == 2


def test_a_gateway_that_keeps_failing_is_told_after_a_few_times(server: Server) -> None:
    server.behaviour = lambda h: h.answer({}, 503)

    assert "NetBox failed (503)" in told(lambda: tenants(server))
    assert len(server.seen) == 4


def test_a_write_is_never_sent_twice(server: Server) -> None:
    server.behaviour = lambda h: h.answer({}, 502)
    netbox = NetBox(server.url, TOKEN)

    told(lambda: netbox.create("dcim/sites", [{"name": "x"}]))

    assert len(server.seen) == 1


def test_a_refused_write_names_object_and_field_and_keeps_what_netbox_said(server: Server) -> None:
    said = {"detail": "1 of 2", "errors": [{"index": 1, "errors": {"slug": ["Enter a valid slug."]}}]}
    server.behaviour = lambda h: h.answer(said, 400)

    with pytest.raises(NetBoxError) as caught:
        NetBox(server.url, TOKEN).create("dcim/sites", [{}, {}])

    assert "NetBox refuses (400): object 1: slug: Enter a valid slug." in str(caught.value)
    assert (caught.value.status, caught.value.body) == (400, said)


def test_writes_go_in_chunks_and_tell_how_far_they_are(server: Server) -> None:
    server.behaviour = lambda h: h.answer([{"id": 1}])
    done: list[int] = []

    NetBox(server.url, TOKEN).update("dcim/sites", [{"id": i} for i in range(250)], done.append)

    assert done == [100, 100, 50]


# TLS


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of nobody's for 127.0.0.1, and its key, in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed here")
    file = tmp_path / "server.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=x"
    extensions = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(file), "-out", str(tmp_path / "cert.pem")]
    subprocess.run([*command.split(), *extensions], check=True, capture_output=True)
    file.write_text(file.read_text() + (tmp_path / "cert.pem").read_text())
    return file


@pytest.fixture
def tls(server: Server, certificate: Path) -> Server:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.behaviour = lambda h: h.page(range(1, 3), more=False)
    return server


def test_a_certificate_of_nobody_s_is_not_trusted(tls: Server) -> None:
    netbox = NetBox(tls.url.replace("http", "https"), TOKEN)

    line = told(lambda: list(netbox.rows("dcim/sites")))

    assert "its TLS certificate is not trusted: self-signed certificate" in line
    assert tls.seen == []


def test_authorities_of_one_s_own_are_trusted_and_no_environment_changes_that(
    tls: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent")
    netbox = NetBox(tls.url.replace("http", "https"), TOKEN, ca=certificate.with_name("cert.pem"))

    assert len(list(netbox.rows("dcim/sites"))) == 2


def test_a_file_without_authorities_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")

    for name in ("ca.pem", "missing.pem"):
        line = told(lambda name=name: NetBox("https://n.example.org", TOKEN, ca=tmp_path / name))  # type: ignore[misc]
        assert line.startswith(f"{tmp_path}/{name}: cannot be read as certificate authorities")
