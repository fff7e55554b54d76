"""Role netbox: it answers over TLS and lets nobody in without a token, its database is whole, and its secrets are kept.

Nothing here knows a secret: what is asked, anybody may ask who reaches the port.
"""

from __future__ import annotations

from typing import Any

import pytest

from roles.netbox import (
    ACCESS,
    CERTIFICATE,
    CONFIGURATION,
    DATABASE_UNIT,
    DUMP_TIMER,
    DUMPS,
    HOME,
    KEY,
    PORT,
    QUEUE_UNIT,
    SCHEMA_STATE,
    SECRETS,
    SOCKET,
    VENV,
    WEB,
    WORKER,
    Settings,
)

TLS = "timeout 10 openssl s_client -connect {address}:{port} -servername {name} {more} < /dev/null 2> /dev/null"
ASK = """\
printf 'GET %s HTTP/1.1\\r\\nHost: {name}\\r\\nConnection: close\\r\\n\\r\\n' {path} | \
timeout 30 openssl s_client -quiet -verify_return_error -CAfile {ca} -verify_hostname {name} \
-connect {address}:{port} -servername {name} 2> /dev/null
"""
QUEUE = "valkey-cli -s /run/valkey/valkey.sock -n 0"
CHANGED = """\
cd {venv}/lib/python*/site-packages && cut -d, -f1,2 --output-delimiter=' ' netbox-*.dist-info/RECORD | \
sed -n 's/^\\([A-Za-z0-9_./-]*\\.py\\) sha256=/\\1 /p' | python3 -I -c '
import base64, hashlib, sys
for line in sys.stdin:
    path, recorded = line.split()
    found = base64.urlsafe_b64encode(hashlib.sha256(open(path, "rb").read()).digest()).rstrip(b"=").decode()
    if found != recorded:
        print(path)
'
"""


def ask(host: Any, settings: Settings, path: str) -> tuple[str, str, str]:
    """Status line, headers (in small letters) and body of the answer, over TLS that the certificate proves."""
    name, address = settings.names[0], settings.address
    command = ASK.format(name=name, path=path, ca=CERTIFICATE, address=address, port=PORT)
    head, _, body = str(host.run(command).stdout).replace("\r\n", "\n").partition("\n\n")
    status, _, headers = head.partition("\n")
    return status, headers.lower(), body


def sql(host: Any, question: str) -> str:
    """What NetBox's database answers."""
    return str(host.run(f"cd / && runuser -u netbox -- psql -X -At -d netbox -c '{question}'").stdout).strip()


@pytest.mark.parametrize("unit", [WEB, SOCKET, WORKER, DATABASE_UNIT, QUEUE_UNIT, "nginx.service", DUMP_TIMER])
def test_it_runs(host: Any, unit: str) -> None:
    assert host.service(unit).is_running


@pytest.mark.parametrize("unit", [WEB, SOCKET, WORKER, QUEUE_UNIT, "nginx.service", DUMP_TIMER])
def test_it_starts_at_boot(host: Any, unit: str) -> None:
    assert host.service(unit).is_enabled


def test_the_login_page_comes_by_tls_that_the_certificate_proves(host: Any, settings: Settings) -> None:
    status, headers, body = ask(host, settings, "/login/")
    assert " 200 " in status
    assert "NetBox" in body
    assert {"x-content-type-options: nosniff", "x-frame-options: deny"} <= set(headers.splitlines())


def test_the_api_lets_nobody_in_without_a_token(host: Any, settings: Settings) -> None:
    assert " 403 " in ask(host, settings, "/api/dcim/devices/")[0]
    assert " 403 " in ask(host, settings, "/graphql/")[0] or " 302 " in ask(host, settings, "/graphql/")[0]


def test_it_answers_to_no_other_name(host: Any, settings: Settings) -> None:
    command = ASK.format(
        name=settings.names[0], path="/login/", ca=CERTIFICATE, address=settings.address, port=PORT
    ).replace("Host: " + settings.names[0], "Host: other.invalid")
    assert " 400 " in host.run(command).stdout.partition("\n")[0]


@pytest.mark.parametrize(("version", "spoken"), [("tls1_1", False), ("tls1_2", True), ("tls1_3", True)])
def test_tls_is_new_enough(host: Any, settings: Settings, version: str, spoken: bool) -> None:
    more = f"-brief -{version} -cipher ALL:@SECLEVEL=0" if version == "tls1_1" else f"-{version}"
    said = host.run(TLS.format(address=settings.address, port=PORT, name=settings.names[0], more=more))
    assert (said.rc == 0) == spoken


def test_the_certificate_holds_for_two_months(host: Any) -> None:
    assert host.run(f"openssl x509 -noout -checkend 5184000 -in {CERTIFICATE}").rc == 0


def test_the_worker_takes_jobs(host: Any) -> None:
    workers = host.run(f"{QUEUE} --raw smembers rq:workers").stdout.split()
    assert workers
    beats = host.run(f"{QUEUE} --raw hget {workers[0]} last_heartbeat").stdout.strip()
    assert beats


def test_housekeeping_is_due(host: Any) -> None:
    found = sql(host, "select count(*) from core_job where name = $$System Housekeeping$$ and status = $$scheduled$$")
    assert int(found) >= 1


def test_every_migration_of_the_installed_netbox_is_applied(host: Any, settings: Settings) -> None:
    assert host.run(SCHEMA_STATE).stdout.splitlines()[-1] == "migrated"


def test_superuser_and_token_are_as_the_secrets_say(host: Any) -> None:
    assert len(host.run(f"{ACCESS} check").stdout.splitlines()) == 2


def test_no_file_of_netbox_was_changed_by_hand(host: Any) -> None:
    done = host.run(CHANGED.format(venv=VENV))
    assert done.rc == 0
    assert done.stdout == ""


def test_the_database_and_the_queue_listen_on_no_network(host: Any) -> None:
    listening = host.run("ss -Hltn").stdout.splitlines()
    ports = {line.split()[3].rpartition(":")[2] for line in listening}
    assert not ports & {"5432", "6379", "8001"}


def test_secrets_are_roots_and_netbox_s_alone(host: Any) -> None:
    private = {
        CONFIGURATION: "root:netbox 640",
        KEY: "root:root 600",
        **{f"{SECRETS}/{name}": "root:netbox 640" for name in ("secret_key", "api_token_pepper")},
        **{f"{SECRETS}/{name}": "root:root 600" for name in ("admin_password", "api_token")},
    }
    said = host.run(f"stat -c '%n %U:%G %a' {' '.join(private)}").stdout.splitlines()
    assert dict(line.split(" ", 1) for line in said) == private
    for path in private:
        assert host.run(f"cd / && runuser -u nobody -- head -c 1 {path}").rc != 0


def test_netbox_cannot_write_what_it_runs(host: Any) -> None:
    for path in (f"{VENV}/bin", HOME, f"{HOME}/conf"):
        assert host.run(f"cd / && runuser -u netbox -- test -w {path}").rc == 1


def test_the_newest_dump_can_be_read(host: Any) -> None:
    newest = host.run(f"ls -t {DUMPS}/*.dump | head -n 1").stdout.strip()
    if not newest:
        pytest.skip("not applicable: the first night is still to come")
    assert host.run(f"cd / && runuser -u netbox -- pg_restore --list {newest}").rc == 0
