"""A real rsyslogd with the log server's configuration takes what each vendor's devices send, however it is framed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from inventory.snapshot import load
from roles.log_server import LOGS, Sender, Settings
from roles.shared.intent import Intent
from roles.shared.parts.templates import render

RSYSLOGD = shutil.which("rsyslogd", path="/usr/sbin:/usr/bin")
SPOOL = "/var/spool/rsyslog"
SECONDS = 30
pytestmark = pytest.mark.skipif(RSYSLOGD is None, reason="rsyslogd is not installed here")

Send = Callable[[str, bytes], None]

FORTIOS = (
    b'<189>date=2026-11-29 time=01:02:03 devname="heb-fw1" devid="FGT60FTK0" logid="0100032001" type="event" '
    b'msg="Administrator logged in,\nfrom 10.60.10.250"'
)
SENT = {
    # RFC 6587, 3.4.1: octet counting, as FortiOS' CLI Reference says of `set mode reliable`; no time and no name first.
    "fortios": b"%d %s" % (len(FORTIOS), FORTIOS) * 2,
    # System Message Guide: sequence number, time and mnemonic; RFC 6587, 3.4.2: ended by a line feed.
    "cisco-ios": b"<189>45: *Nov 29 01:02:03.004: %SYS-5-CONFIG_I: Configured from console by a on vty0\n"
    b"<187>46: *Nov 29 01:02:04.004: %LINK-3-UPDOWN: Interface GigabitEthernet1/0/1, changed state to up\n",
    # The module's own writing, in the form of RFC 5424 that AOS-CX's Event Log Message Reference Guide shows.
    "arubaos-cx": b"<190>1 2026-11-29T01:02:03.1+00:00 heb-sw2 hpe-restd 1234 - - Event|4608|LOG_INFO|-|-|opened\n"
    b"<190>1 2026-11-29T01:02:04.1+00:00 heb-sw2 hpe-restd 1234 - - Event|4609|LOG_INFO|-|-|closed\n",
    # Ended by NUL, as rsyslog's documentation says of imtcp's addtlFrameDelimiter that some of Juniper's do.
    "ended by NUL": b"<13>Nov 29 01:02:03 a b: first\0<13>Nov 29 01:02:03 a b: second\0",
}
"""Two messages each, in one connection."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """The daemon, with the shipped log server's configuration at places and ports of this test."""
    place = tmp_path_factory.mktemp("rsyslog")
    intent = Intent(load())
    shipped = intent.required(intent.fleet.host("tie-log1"), "log_server")
    assert isinstance(shipped, Settings)
    names = (*SENT, "junos")
    senders = [
        Sender(file=f"tierp/{_file(n)}", addresses=(IPv4Address(f"127.0.0.{i}"),)) for i, n in enumerate(names, 11)
    ]
    relp, syslog = _free_port(), _free_port()
    settings = shipped.model_copy(update={"relp_port": relp, "syslog_port": syslog, "senders": tuple(senders)})
    conf = render("log_server/rsyslog.conf.j2", settings=settings)
    for directory in ("spool", "logs/tierp"):
        (place / directory).mkdir(parents=True)
    (place / "conf").write_text(conf.replace(SPOOL, f"{place}/spool").replace(LOGS, f"{place}/logs"), encoding="utf-8")
    assert RSYSLOGD is not None
    with (place / "said").open("w") as said:
        daemon = subprocess.Popen([RSYSLOGD, "-n", "-f", place / "conf", "-i", place / "pid"], stderr=said)
    try:
        yield place / "logs/tierp", syslog
    finally:
        daemon.terminate()
        daemon.wait()


@pytest.mark.parametrize("number", range(len(SENT)), ids=list(SENT))
def test_two_messages_of_one_connection_are_two_lines_of_the_senders_log(
    running: tuple[Path, int], number: int
) -> None:
    logs, port = running
    name, sent = list(SENT.items())[number]
    with _connected(f"127.0.0.{11 + number}", port) as connection:
        connection.sendall(sent)
    lines = _lines(logs / f"{_file(name)}.log", 2)
    assert len(lines) == 2
    assert all(f" 127.0.0.{11 + number} " in line for line in lines)
    if name == "fortios":
        assert all("logged in,#012from 10.60.10.250" in line for line in lines), "a message of two lines is one"
    else:
        assert lines[0].split(" ")[4:] != lines[1].split(" ")[4:]


def test_a_datagram_of_junos_is_a_line_of_its_log(running: tuple[Path, int]) -> None:
    logs, port = running
    source = f"127.0.0.{11 + len(SENT)}"
    _connected(source, port).close()  # it listens
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind((source, 0))
        datagrams.sendto(b"<29>Nov 29 01:02:03 heb-sw1 mgd[1234]: UI_COMMIT: User 'x'", ("127.0.0.1", port))
    (line,) = _lines(logs / "junos.log", 1)
    assert "mgd[1234]: UI_COMMIT" in line


def _file(name: str) -> str:
    return name.replace(" ", "-").lower()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _connected(source: str, port: int) -> socket.socket:
    until = time.monotonic() + SECONDS
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), source_address=(source, 0))
        except ConnectionRefusedError:
            assert time.monotonic() < until, "rsyslogd does not listen"
            time.sleep(0.05)


def _lines(log: Path, number: int) -> list[str]:
    """The lines of a log, once it has so many."""
    until = time.monotonic() + SECONDS
    while True:
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        if len(lines) >= number or time.monotonic() > until:
            return lines
        time.sleep(0.05)
