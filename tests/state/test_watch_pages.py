"""Role watch_pages, as the running host shows it: nobody reads a page who does not prove who he is.

Asked as somebody without a certificate, who says in the proxies' header that he may read everything.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from roles.drift_watch import ACCOUNT, PAGES, SERVES
from roles.shared.http_answer import http_answer
from roles.shared.parts.nginx_front import NGINX, SANDBOX
from roles.shared.sandbox import exposure
from roles.watch_pages import PORT, TLS

if TYPE_CHECKING:
    from roles.watch_pages import Settings

TLS_ASKED = "timeout 10 openssl s_client -connect {address}:{port} -servername {name} {more} < /dev/null"
ASK = """\
printf 'GET %s HTTP/1.1\\r\\nHost: {name}\\r\\n{header}: {person}\\r\\nConnection: close\\r\\n\\r\\n' {path} | \
timeout 30 openssl s_client -quiet -verify_return_error -CAfile {ca} -verify_hostname {name} \
-connect {address}:{port} -servername {name} 2> /dev/null
"""
LEAST_EXPOSED = 4.0
PROTECTING = (
    "content-security-policy",
    "cross-origin-opener-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
)


def ask(host: Any, settings: Settings, path: str) -> tuple[str, str]:
    """Status line and headers (in small letters) of the answer, over TLS that the certificate proves."""
    name, person = settings.names[0], next((r.person for r in settings.readers), "nobody")
    where = {"name": name, "ca": TLS.certificate, "address": settings.addresses[0], "port": PORT}
    command = ASK.format(**where, path=path, header=settings.header, person=person)
    status, headers, _ = http_answer(str(host.check_output(command)))
    return status, headers.lower()


def greeted(host: Any, settings: Settings, options: str) -> str:
    """How it answers a client with these options: it must have been there to refuse."""
    where = {"address": settings.addresses[0], "port": PORT, "name": settings.names[0]}
    answer = host.run(TLS_ASKED.format(**where, more=f"-brief {options}")).stderr
    return " ".join(re.findall(r"CONNECTION ESTABLISHED|alert protocol version", answer))


def test_it_runs_and_starts_at_boot(unit: Any) -> None:
    assert unit(NGINX) == ("active", "enabled")


def test_its_service_may_do_what_it_needs_and_nothing_else(host: Any, violations: Any) -> None:
    assert violations(SANDBOX) == []
    assert exposure(host.check_output(SANDBOX.question)) < LEAST_EXPOSED


@pytest.mark.usefixtures("more_than_a_look")
def test_whoever_does_not_prove_who_he_is_is_refused_whatever_he_says(host: Any, settings: Settings) -> None:
    wanted = ["HTTP/1.1", "403" if settings.proxies else "400"]
    answers = {path: ask(host, settings, path)[0].split()[:2] for path in ("/", "/all/", "/all/index.html")}
    assert answers == dict.fromkeys(answers, wanted)


@pytest.mark.usefixtures("more_than_a_look")
def test_its_answers_let_nothing_be_loaded_from_elsewhere(host: Any, settings: Settings) -> None:
    _, headers = ask(host, settings, "/all/")
    said = dict(line.split(": ", 1) for line in headers.splitlines() if line.startswith(PROTECTING))
    assert sorted(said) == sorted(PROTECTING)
    assert "default-src 'none'" in said["content-security-policy"]
    assert "unsafe" not in said["content-security-policy"]


@pytest.mark.usefixtures("more_than_a_look")
def test_tls_is_new_enough(host: Any, settings: Settings) -> None:
    old = "-cipher ALL:@SECLEVEL=0"
    answers = {
        v: greeted(host, settings, f"-{v} {more}") for v, more in (("tls1_1", old), ("tls1_2", ""), ("tls1_3", ""))
    }
    spoken = "CONNECTION ESTABLISHED"
    assert answers == {"tls1_1": "alert protocol version", "tls1_2": spoken, "tls1_3": spoken}


@pytest.mark.usefixtures("more_than_a_look")
def test_the_certificate_holds_for_three_weeks(host: Any, settings: Settings) -> None:
    where = {"address": settings.addresses[0], "port": PORT, "name": settings.names[0]}
    served = TLS_ASKED.format(**where, more="")
    assert host.check_output(f"{served} | openssl x509 -noout -checkend 1814400") == "Certificate will not expire"


@pytest.mark.usefixtures("more_than_a_look")
def test_the_pages_are_the_watchs_and_the_web_servers_alone(host: Any) -> None:
    assert host.check_output("stat -c '%%U %%G %%a' %s", PAGES) == f"{ACCOUNT} {SERVES} 2750"
    loose = "find %s -not -type l '(' -not -user %s -o -perm /027 ')' -print && echo searched"
    assert host.check_output(loose, PAGES, ACCOUNT) == "searched"


PROVES = {
    "authentication": ("whoever does not prove who he is is refused whatever he says",),
    "cryptography": ("tls is new enough", "the certificate holds for three weeks"),
    "hardening": (
        "its service may do what it needs and nothing else",
        "its answers let nothing be loaded from elsewhere",
    ),
    "network services": ("it runs and starts at boot",),
    "permissions": ("the pages are the watchs and the web servers alone",),
    "rights": ("whoever does not prove who he is is refused whatever he says",),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "it runs and starts at boot": "den är igång och startar med värden",
    "its service may do what it needs and nothing else": "tjänsten får göra vad den behöver och inget annat",
    "whoever does not prove who he is is refused whatever he says": (
        "den som inte styrker vem han är nekas, vad han än säger"
    ),
    "its answers let nothing be loaded from elsewhere": "svaren låter inget hämtas någon annanstans ifrån",
    "tls is new enough": "TLS är nytt nog",
    "the certificate holds for three weeks": "certifikatet gäller i tre veckor till",
    "the pages are the watchs and the web servers alone": "sidorna är bevakningens och webbserverns, och ingen annans",
}
"""What its checks are called in a Swedish report."""
