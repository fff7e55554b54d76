"""Role certificates, and what others have of it: who signs, whom hosts trust, and that the authority's key stays."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from deploy.engine.declare import declarations, register
from inventory.errors import SamdriftError
from inventory.fleet import Fleet
from inventory.paths import CODE
from inventory.secrets import Secret
from inventory.snapshot import load
from roles.certificates import Options, Settings
from roles.netbox import CERTIFICATE
from roles.shared.catalogue import catalogue
from roles.shared.certificates import Order, faults_of_authority, signed
from roles.shared.intent import Intent
from roles.shared.parts.files import managed_file
from roles.shared.parts.issued import IS_TRUSTED
from roles.shared.parts.keys_of_tls import fits_the_key
from roles.shared.parts.registration import registering
from roles.shared.parts.trusted import PLACE, trusted_files
from tests.unit.roles.judging import needs
from tests.unit.roles.shared.certificates import Authority, Machine

HOST = "tie-netbox1"
KEY = Secret(name="authority_key", municipality="authority")


def fleet_with(changes: Mapping[str, Any]) -> Fleet:
    """The shipped fleet, whose NetBox host is told otherwise by these sections of its context."""
    fleet = load()
    host = fleet.host(HOST)
    samdrift = {**host.samdrift, **{name: {**host.samdrift.get(name, {}), **more} for name, more in changes.items()}}
    changed = host.model_copy(update={"context": {**host.context, "samdrift": samdrift}})
    return fleet.model_copy(update={"hosts": tuple(changed if h.name == HOST else h for h in fleet.hosts)})


def settings_of(fleet: Fleet, role: str = "certificates") -> Any:
    return Intent(fleet).of(fleet.host(HOST), role)


def test_the_first_authority_that_the_host_trusts_signs(ours: Authority, tmp_path: Path) -> None:
    other = Authority.made(tmp_path, name="other", subject="/CN=Next")
    for first, second in ((ours, other), (other, ours)):
        found = settings_of(fleet_with({"base": {"authorities": [first.pem, second.pem]}}))
        assert isinstance(found, Settings)
        assert (found.issuer.authority, found.issuer.key, found.issuer.days) == (
            first.pem,
            KEY.model_copy(update={"stays": True}),
            90,
        )


def test_without_an_authority_or_without_base_the_inventory_is_told_what_is_missing() -> None:
    (problem,) = settings_of(fleet_with({"base": {"authorities": []}}))
    assert (problem.what, "samdrift.base.authorities" in problem.where) == ("certificates: nobody signs", True)
    (problem,) = settings_of(fleet_with({"roles": {"base": False}}))
    assert "nobody is trusted" in problem.what


def test_what_is_no_authority_is_refused_before_any_host_is_asked(ours: Authority, tmp_path: Path) -> None:
    machine = Machine.made(tmp_path)
    leaf = signed(machine.asks(ours.orders()), ours.orders(), ours.key, datetime.now(UTC) + timedelta(minutes=1))
    for pem, why in (
        (leaf, "more than one"),
        (leaf.partition("-----END")[0], "no certificate"),
        ("x", "no certificate"),
    ):
        (problem,) = settings_of(fleet_with({"base": {"authorities": [ours.pem, pem]}}), "base")
        assert f"authority 2: it is {why}" in problem.what


@pytest.mark.parametrize(
    "given", [{"keeper": "../tierp"}, {"keeper": "Å"}, {"days": 59}, {"days": 398}, {"command": "x"}]
)
def test_options_let_nothing_else_through(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate_json(json.dumps(given), strict=True)


def test_no_host_is_given_the_authoritys_key_and_a_look_opens_no_vault_for_it() -> None:
    intent = Intent(load())
    hosts = intent.fleet.hosts
    assert KEY not in intent.secrets(hosts)
    assert intent.secrets(hosts, staying=True)[KEY].endswith(f" of {HOST}")
    for role in ("certificates", "netbox"):
        settings = intent.of(intent.fleet.host(HOST), role)
        with registering(role, [settings.issuer.key]) as registration:  # type: ignore[union-attr]
            assert registration.secrets == {}
            with pytest.raises(SamdriftError, match="that the role's settings have not"):
                managed_file("/etc/x", content=f"{KEY}\n", mode="600")


@needs("openssl")
def test_the_authority_that_the_page_makes_is_one_and_its_key_goes_into_the_secrets_alone(tmp_path: Path) -> None:
    page = (CODE / "docs/certificates.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^ +(openssl req -x509 (?:.*\n)+?) +samdrift secrets edit", page, flags=re.MULTILINE)
    done = subprocess.run(
        ["sh", "-c", command.strip().removesuffix("|")], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert {p.name for p in tmp_path.iterdir()} == {"authority.pem"}
    pem = (tmp_path / "authority.pem").read_text(encoding="ascii")
    assert faults_of_authority(pem) == ()
    (tmp_path / "ours.crt").write_text(pem, encoding="ascii")
    order, machine = Authority(tmp_path).orders(), Machine.made(tmp_path)
    key = done.stdout.removesuffix("\n")  # as the command takes it from a pipe
    assert signed(machine.asks(order), order, key, datetime.now(UTC) + timedelta(seconds=2))


def test_the_certificate_of_netbox_is_ordered_for_its_own_names_and_addresses_alone() -> None:
    intent = Intent(load())
    host = intent.fleet.host(HOST)
    declared = register([host], {HOST: intent.settings(host)})[HOST]
    (one,) = (o for o in declared.operations if o.name == f"certificate {CERTIFICATE}")
    order: Order = one.closure["kwargs"]["order"]
    assert order.names == (HOST, "netbox.norduppland.internal", "tie-netbox1.norduppland.internal")
    assert order.addresses == ("10.60.10.16",)
    assert (order.keeper, order.days, order.key) == ("authority", 90, "")
    (shown,) = catalogue()["netbox"].issued(intent.of(host, "netbox"))  # type: ignore[arg-type]
    assert (shown.name, shown.address, shown.port) == (HOST, "10.60.10.16", 443)


def test_without_the_role_or_with_a_certificate_of_its_own_netbox_has_none_issued() -> None:
    pem = "-----BEGIN CERTIFICATE-----\nMIIB+/=\n-----END CERTIFICATE-----\n"
    for fleet in (fleet_with({"roles": {"certificates": False}}), fleet_with({"netbox": {"certificate": pem}})):
        settings = settings_of(fleet, "netbox")
        assert (settings.issuer, catalogue()["netbox"].issued(settings)) == (None, ())


def test_each_authority_is_a_file_of_its_own_and_called_alike_wherever_another_is_trusted(
    ours: Authority, tmp_path: Path
) -> None:
    both = (ours.pem, Authority.made(tmp_path).pem)
    fleet = fleet_with({"base": {"authorities": [*both]}})
    files, _ = declarations(fleet.host(HOST), Intent(fleet))
    here = {f.path: f.content for f in files if f.path.startswith(PLACE)}
    assert here == dict(trusted_files(both))
    assert [*here] == [f for f, _ in trusted_files(both[::-1])], "a twin in the lab has the same steps"


def test_only_authorities_that_samdrift_brought_are_taken_away(ours: Authority, tmp_path: Path) -> None:
    fleet = fleet_with({"base": {"authorities": [ours.pem]}})
    host = fleet.host(HOST)
    declared = register([host], {HOST: Intent(fleet).settings(host, ["base"])})[HOST]
    (one,) = (o for o in declared.operations if o.name == "no other authority of samdrift's is trusted")
    command = one.closure["kwargs"]["command"].replace(PLACE, str(tmp_path))
    question = one.closure["kwargs"]["question"].replace(PLACE, str(tmp_path))
    ((kept, _),) = trusted_files([ours.pem])
    stay = {Path(kept).name, "people.crt", "samdrift-own.crt", "samdrift-2.crt.bak", "samdrift-x y.crt"}
    for name in (*stay, "samdrift-2.crt", "samdrift-4.crt"):
        (tmp_path / name).touch()
    assert subprocess.run(["sh", "-c", question], capture_output=True, check=False).stdout.count(b"\n") == 2
    subprocess.run(["sh", "-c", command], check=True)
    assert {p.name for p in tmp_path.iterdir()} == stay
    assert subprocess.run(["sh", "-c", question], capture_output=True, check=False).stdout == b""


# What serves with it


CONFIGURATION = """\
daemon off; master_process on; pid {d}/pid; error_log {d}/error.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log off; client_body_temp_path {d}/body; proxy_temp_path {d}/proxy; fastcgi_temp_path {d}/fastcgi;
    uwsgi_temp_path {d}/uwsgi; scgi_temp_path {d}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl; ssl_certificate {d}/web.crt; ssl_certificate_key {key};
        location / {{ return 200 "served"; }}
    }}
}}
"""


@dataclass(frozen=True)
class Web:
    """nginx with a certificate of the organisation's authority, on loopback."""

    directory: Path
    port: int
    process: subprocess.Popen[bytes]
    trusts: Path

    def connect(self) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self.trusts))
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        return context.wrap_socket(plain, server_hostname="web.example.net")

    def serial(self) -> str:
        """The serial number of the certificate that it shows now."""
        with self.connect() as connection:
            return str((connection.getpeercert() or {})["serialNumber"])


@pytest.fixture
def web(ours: Authority, tmp_path: Path) -> Iterator[Web]:
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed here")
    machine = Machine.made(tmp_path)
    give(ours, machine, tmp_path / "web.crt")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = CONFIGURATION.format(d=tmp_path, port=port, key=machine.key)
    (tmp_path / "nginx.conf").write_text(text, encoding="ascii")
    command = ["nginx", "-e", str(tmp_path / "error.log"), "-c", str(tmp_path / "nginx.conf")]
    with subprocess.Popen(command) as process:
        server = Web(tmp_path, port, process, ours.file)
        try:
            until(lambda: server.serial() != "", process)
            yield server
        finally:
            process.send_signal(signal.SIGQUIT)


def until(holds: Any, process: subprocess.Popen[bytes]) -> None:
    """Ask until it holds."""
    while True:
        assert process.poll() is None, "nginx has ended"
        try:
            if holds():
                return
        except OSError:
            pass
        time.sleep(0.05)


def give(ours: Authority, machine: Machine, file: Path) -> None:
    """Put a new certificate in the place of another as a plan's commands do: judged beside it, then renamed."""
    order = ours.orders(names=("web.example.net",))
    new = file.with_name(f".{file.name}.samdrift")
    new.write_text(
        signed(machine.asks(order), order, ours.key, datetime.now(UTC) + timedelta(seconds=2)), encoding="ascii"
    )
    trusts = {"SSL_CERT_FILE": str(ours.file), "SSL_CERT_DIR": "/nonexistent", "PATH": os.environ["PATH"]}
    judge = f"{fits_the_key(str(machine.key))} && {IS_TRUSTED}".replace("{path}", str(new))
    subprocess.run(["sh", "-c", judge], env=trusts, check=True)
    new.replace(file)


def test_a_new_certificate_is_shown_without_a_restart_and_no_request_that_was_begun_is_cut(
    web: Web, ours: Authority
) -> None:
    before, pid = web.serial(), web.process.pid
    with web.connect() as begun:
        begun.sendall(b"GET / HTTP/1.1\r\nHost: web.example.net\r\n")
        give(ours, Machine(web.directory), web.directory / "web.crt")
        assert web.serial() == before  # it reads a file when it is told to
        web.process.send_signal(signal.SIGHUP)  # as `systemctl reload` does
        until(lambda: web.serial() != before, web.process)
        begun.sendall(b"Connection: close\r\n\r\n")
        answer = b"".join(iter(lambda: begun.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"served")
    assert web.process.pid == pid


def test_a_certificate_of_another_key_or_authority_does_not_go_live(web: Web, ours: Authority, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    live = (web.directory / "web.crt").read_text(encoding="ascii")
    stranger = Machine.made(tmp_path / "other")
    order = ours.orders()
    wrong_key = signed(stranger.asks(order), order, ours.key, datetime.now(UTC) + timedelta(seconds=2))
    theirs = Authority.made(tmp_path / "other")
    mine = Machine(web.directory)
    wrong_authority = signed(
        mine.asks(theirs.orders()), theirs.orders(), theirs.key, datetime.now(UTC) + timedelta(seconds=2)
    )
    new = tmp_path / "candidate"
    trusts = {"SSL_CERT_FILE": str(ours.file), "SSL_CERT_DIR": "/nonexistent", "PATH": os.environ["PATH"]}
    judge = f"{fits_the_key(str(mine.key))} && {IS_TRUSTED}".replace("{path}", str(new))
    for text, code in ((wrong_key, 1), (wrong_authority, 2), ("nothing", 1), (live, 0)):
        new.write_text(text, encoding="ascii")
        done = subprocess.run(["sh", "-c", judge], env=trusts, capture_output=True, check=False)
        assert (done.returncode != 0) == (code != 0), done.stderr
