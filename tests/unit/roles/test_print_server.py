"""Which queues there are, that each leads into the fleet, and that what CUPS is told is what it is asked for."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from inventory.fleet import Fleet
from roles.print_server import QUESTION, Options, Settings, answer, command, listens, settings
from roles.shared.parts.templates import render
from roles.shared.settings import SettingsError
from tests.unit.roles.gateways import STAFF, with_gateway

URI = "ipp://10.61.10.20/ipp/print"


def options(**queues: dict[str, str]) -> Options:
    said = {"queues": {name.replace("_", "-"): queue for name, queue in queues.items()}}
    return Options.model_validate_json(json.dumps(said), strict=True)


def server(fleet: Fleet, **queues: dict[str, str]) -> Settings:
    changed = with_gateway(fleet, "print_server")
    return settings(changed.host("alv-gw1"), changed, options(**queues))


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("socket://10.61.10.20:9100", "no printer's address"),
        ("file:///dev/null", "no printer's address"),
        ("ipp://printer.example/ipp/print", "no printer's address"),
        ("ipp://10.61.10.999/ipp/print", "no printer's address"),
        ("ipp://10.61.10.20/ipp/print?waitjob=$(id)", "no printer's address"),
        ("ipp://user:word@10.61.10.20/ipp/print", "no printer's address"),
        (f"{URI}\n", "no printer's address"),
        ("ipps://192.0.2.20/ipp/print", "in no prefix of the fleet"),
    ],
)
def test_a_queue_leads_to_no_printer_outside_of_the_fleet(small_fleet: Fleet, uri: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        server(small_fleet, alv_kopiator1={"uri": uri})
    assert caught.value.field == "config context samdrift.print_server.queues.alv-kopiator1.uri"


@pytest.mark.parametrize("uri", [URI, "ipps://10.61.10.20:443/ipp/print", "ipp://10.61.10.20"])
def test_a_queue_leads_to_a_printer_of_the_fleet(small_fleet: Fleet, uri: str) -> None:
    assert [q.uri for q in server(small_fleet, a={"uri": uri}).queues] == [uri]


@pytest.mark.parametrize(
    "queues",
    [
        {"$(id)": {"uri": URI}},
        {"-d": {"uri": URI}},
        {"A": {"uri": URI}},
        {"a": {"uri": URI, "location": "x\nDeviceURI file:/etc/shadow"}},
        {"a": {"uri": URI, "description": "$(id)"}},
        {"a": {"uri": URI, "driver": "x"}},
        {"a": {}},
    ],
)
def test_what_could_be_taken_for_something_else_is_no_option(queues: dict[str, dict[str, str]]) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate_json(json.dumps({"queues": queues}), strict=True)


def test_the_site_may_print_and_nobody_administers_from_there(small_fleet: Fleet) -> None:
    found = server(small_fleet, a={"uri": URI})
    (listen,) = listens(found)
    assert (listen.protocol, listen.port) == ("tcp", 631)
    assert STAFF in listen.sources
    lines = [line.strip() for line in render("print_server/cupsd.conf.j2", settings=found).splitlines()]
    assert [line for line in lines if line.startswith("Allow ")] == [
        "Allow 127.0.0.1",
        *(f"Allow {network}" for network in found.clients),
        "Allow localhost",  # to /admin
        "Allow localhost",  # and to do what a printer's operator does
    ]
    assert "WebInterface No" in lines


PRINTERS = """\
# Printer configuration file for CUPS v2.4.10
NextPrinterId 4
<DefaultPrinter alv-a>
PrinterId 2
Info Kopiator
Location Kommunhuset, plan 1
DeviceURI ipp://10.61.10.20/ipp/print
State Idle
Accepting Yes
Shared Yes
ErrorPolicy retry-job
</Printer>
<Printer alv-b>
Info\x20
Location\x20
DeviceURI ipps://10.61.10.21/ipp/print
State Stopped
Shared Yes
ErrorPolicy retry-job
</Printer>
"""
"""As CUPS 2.4 writes it."""


def test_cups_does_not_speak_tls_that_is_given_up(small_fleet: Fleet) -> None:
    lines = render("print_server/cupsd.conf.j2", settings=server(small_fleet)).splitlines()
    assert [line for line in lines if line.startswith("SSLOptions")] == ["SSLOptions MinTLS1.2"]


def test_what_cups_has_written_down_is_the_answer_that_is_wanted(small_fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "printers.conf").write_text(PRINTERS, encoding="utf-8")
    question = QUESTION.replace("/etc/cups/printers.conf", shlex.quote(str(tmp_path / "printers.conf")))
    told = subprocess.run(["sh", "-c", question], capture_output=True, text=True, check=True).stdout

    found = server(
        small_fleet,
        alv_b={"uri": "ipps://10.61.10.21/ipp/print"},
        alv_a={"uri": URI, "location": "Kommunhuset, plan 1", "description": "Kopiator"},
    )

    assert told == answer(found)


def test_a_host_without_queues_and_one_that_has_never_had_any_say_the_same(small_fleet: Fleet) -> None:
    assert answer(server(small_fleet)) == ""


WORDS = st.from_regex(r"([A-ZÅÄÖa-zåäö0-9][A-ZÅÄÖa-zåäö0-9_ .,:()/+-]{0,20})?", fullmatch=True)


@given(WORDS, WORDS)
def test_every_word_reaches_lpadmin_as_one(location: str, description: str) -> None:
    said = options(a={"uri": URI, "location": location, "description": description})
    queue = {"name": "a", **said.queues["a"].model_dump()}
    words = shlex.split(command(Settings.model_validate({"queues": [queue], "clients": []})).split(" && ")[1])
    assert words[words.index("-D") + 1] == description
    assert words[words.index("-L") + 1] == location
