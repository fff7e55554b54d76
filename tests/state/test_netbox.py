"""Role netbox: it answers over TLS and lets nobody in without a token, its database is whole, and its secrets are kept.

Nothing here knows a secret: what is asked, anybody may ask who reaches the port.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest

from roles.netbox import (
    ACCESS,
    CERTIFICATE,
    CONFIGURATION,
    DATABASE_UNIT,
    DUMP_TIMER,
    DUMPS,
    HAS_ACCESS,
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

TLS = "timeout 10 openssl s_client -connect {address}:{port} -servername {name} {more} < /dev/null"
ASK = """\
printf 'GET %s HTTP/1.1\\r\\nHost: {name}\\r\\nConnection: close\\r\\n\\r\\n' {path} | \
timeout 30 openssl s_client -quiet -verify_return_error -CAfile {ca} -verify_hostname {name} \
-connect {address}:{port} -servername {name} 2> /dev/null
"""
AT_MOST = 450
"""Seconds between two signs of life of a worker that has nothing to do; a bit more than those that it takes (405)."""
QUEUE = "valkey-cli -s /run/valkey/valkey.sock -n 0"
CHANGED = """\
import base64, csv, hashlib, pathlib, sys
(packages,) = pathlib.Path(sys.argv[1]).glob("lib/python*/site-packages")
(record,) = packages.glob("netbox-*.dist-info/RECORD")
recorded = {path: digest for path, digest, _ in csv.reader(record.open()) if path.endswith(".py")}
tops = {path.partition("/")[0] for path in recorded}
for path, digest in recorded.items():
    try:
        found = hashlib.sha256((packages / path).read_bytes()).digest()
    except OSError:
        found = b""
    if digest != "sha256=" + base64.urlsafe_b64encode(found).rstrip(b"=").decode():
        print("changed:", path)
for file in (file for top in tops for file in (packages / top).rglob("*.py")):
    if str(file.relative_to(packages)) not in recorded:
        print("added:", file)
print(len(recorded), "compared")
"""
"""Holds every module of NetBox against what its package says of it, and says at its end how many there were."""
TRIES = """\
cd / && runuser -u {user} -- sh -c 'id -un; for path; do if test -{may} "$path"; then echo "$path"; fi; done' - {paths}
"""
"""Who tries, and then each path that this user may read (r) or write (w)."""


def ask(host: Any, settings: Settings, path: str) -> tuple[str, str, str]:
    """Status line, headers (in small letters) and body of the answer, over TLS that the certificate proves."""
    name, address = settings.names[0], settings.address
    command = ASK.format(name=name, path=path, ca=CERTIFICATE, address=address, port=PORT)
    head, _, body = str(host.check_output(command)).replace("\r\n", "\n").partition("\n\n")
    status, _, headers = head.partition("\n")
    return status, headers.lower(), body


def sql(host: Any, question: str) -> str:
    """What NetBox's database answers."""
    return str(host.check_output(f"cd / && runuser -u netbox -- psql -X -At -d netbox -c '{question}'"))


@pytest.mark.parametrize("name", [WEB, SOCKET, WORKER, DATABASE_UNIT, QUEUE_UNIT, "nginx.service", DUMP_TIMER])
def test_it_runs(unit: Any, name: str) -> None:
    assert unit(name).now == "active"


@pytest.mark.parametrize("name", [WEB, SOCKET, WORKER, DATABASE_UNIT, QUEUE_UNIT, "nginx.service", DUMP_TIMER])
def test_it_starts_at_boot(unit: Any, name: str) -> None:
    assert unit(name).at_boot == "enabled"


def test_the_login_page_comes_by_tls_that_the_certificate_proves(host: Any, settings: Settings) -> None:
    status, headers, body = ask(host, settings, "/login/")
    assert " 200 " in status
    assert "NetBox" in body
    assert {"x-content-type-options: nosniff", "x-frame-options: deny"} <= set(headers.splitlines())


def test_the_api_lets_nobody_in_without_a_token(host: Any, settings: Settings) -> None:
    assert " 403 " in ask(host, settings, "/api/dcim/devices/")[0]
    assert ask(host, settings, "/graphql/")[0].split()[1:2] in (["403"], ["302"])


def test_it_answers_to_no_other_name(host: Any, settings: Settings) -> None:
    command = ASK.format(
        name=settings.names[0], path="/login/", ca=CERTIFICATE, address=settings.address, port=PORT
    ).replace("Host: " + settings.names[0], "Host: other.invalid")
    assert " 400 " in host.check_output(command).partition("\n")[0]


@pytest.mark.parametrize(("version", "spoken"), [("tls1_1", False), ("tls1_2", True), ("tls1_3", True)])
def test_tls_is_new_enough(host: Any, settings: Settings, version: str, spoken: bool) -> None:
    more = f"-brief -{version}" + (" -cipher ALL:@SECLEVEL=0" if version == "tls1_1" else "")
    said = host.run(TLS.format(address=settings.address, port=PORT, name=settings.names[0], more=more))
    seen = re.findall(r"CONNECTION ESTABLISHED|alert protocol version", said.stderr)  # it was there to refuse
    assert seen == (["CONNECTION ESTABLISHED"] if spoken else ["alert protocol version"])


def test_the_certificate_holds_for_two_months(host: Any, settings: Settings) -> None:
    served = TLS.format(address=settings.address, port=PORT, name=settings.names[0], more="")
    assert host.run(f"{served} | openssl x509 -noout -checkend 5184000").rc == 0


def test_the_worker_takes_jobs(host: Any) -> None:
    workers = host.check_output(f"{QUEUE} --raw smembers rq:workers").split()
    assert workers
    beats = [host.check_output(f"{QUEUE} --raw hget %s last_heartbeat", worker) for worker in workers]
    newest = max(datetime.fromisoformat(beat) for beat in beats)
    age = int(host.check_output("date +%s")) - newest.timestamp()
    assert age < AT_MOST, f"no worker has given a sign of life for {age:.0f} seconds"


def test_housekeeping_is_due(host: Any) -> None:
    found = sql(host, "select count(*) from core_job where name = $$System Housekeeping$$ and status = $$scheduled$$")
    assert int(found) >= 1


def test_every_migration_of_the_installed_netbox_is_applied(host: Any, settings: Settings) -> None:
    state = host.check_output(SCHEMA_STATE).splitlines()
    assert state == [f"netbox-{settings.version}.dist-info", f"static files {settings.version}", "migrated"]


def test_superuser_and_token_are_as_the_secrets_say(host: Any) -> None:
    assert host.check_output(f"{ACCESS} check").splitlines() == list(HAS_ACCESS)


def test_no_file_of_netbox_was_changed_by_hand(host: Any) -> None:
    *changes, compared = host.check_output("python3 -I -c %s %s", CHANGED, VENV).splitlines()
    assert changes == []
    assert int(compared.removesuffix(" compared")) > 0


def test_the_database_and_the_queue_listen_on_no_network(host: Any) -> None:
    listening = set(re.findall(r'\(\("([^"]+)"', host.check_output("ss -Hltnp")))
    assert "nginx" in listening
    assert not listening & {"postgres", "valkey-server"}


def test_secrets_are_roots_and_netbox_s_alone(host: Any) -> None:
    private = {
        CONFIGURATION: "root:netbox 640",
        KEY: "root:root 600",
        **{f"{SECRETS}/{name}": "root:netbox 640" for name in ("secret_key", "api_token_pepper")},
        **{f"{SECRETS}/{name}": "root:root 600" for name in ("admin_password", "api_token")},
    }
    said = host.check_output(f"stat -c '%n %U:%G %a' {' '.join(private)}").splitlines()
    assert dict(line.split(" ", 1) for line in said) == private
    reads = host.check_output(TRIES.format(user="nobody", may="r", paths=" ".join(private)))
    assert reads.splitlines() == ["nobody"]


def test_netbox_cannot_write_what_it_runs(host: Any) -> None:
    writes = host.check_output(TRIES.format(user="netbox", may="w", paths=f"{VENV}/bin {HOME} {HOME}/conf"))
    assert writes.splitlines() == ["netbox"]


def test_the_newest_dump_can_be_read(host: Any) -> None:
    listed = host.check_output(f"find {DUMPS} -maxdepth 1 -printf '%T@ %p\\n'").splitlines()
    assert listed
    found = [line for line in listed if line.endswith(".dump")]
    if not found:
        pytest.skip("not applicable: the first night is still to come")
    _, newest = max(found, key=lambda line: float(line.split(" ")[0])).split(" ", 1)
    # To its end: the list of what is in it stands at its beginning.
    assert host.run("cd / && runuser -u netbox -- pg_restore --file=/dev/null %s", newest).rc == 0
