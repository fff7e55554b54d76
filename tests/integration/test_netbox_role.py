"""The role netbox on a real host: from an empty disk to a NetBox that answers, and how it takes being disturbed."""

from __future__ import annotations

import json
import shlex
import socket
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from deploy.lab.lab import Lab
from deploy.lab.place import lab_directory
from deploy.vault.interface import random_value
from inventory.netbox.permissions import SEEDER
from inventory.snapshot import load
from inventory.whole_file import put_in_place
from roles.netbox import CERTIFICATE, CONFIGURATION, DUMPS, LAB_CACHE, VENV, VERSION
from tests.integration.lab import (
    AS_POSTGRES,
    EMPTY_DATABASE,
    NETBOX,
    NetBoxServer,
    by_hand,
    in_postgresql,
    netbox_in_lab,
    samdrift,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

pytestmark = [pytest.mark.lab, pytest.mark.netbox, pytest.mark.long, pytest.mark.usefixtures("at_work")]


@pytest.fixture(autouse=True)
def lab_s_own(netbox: NetBoxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    netbox.empty()


def ask(netbox: NetBoxServer, path: str, body: object = None, *, token: str | None = None) -> Any:
    """What the API answers, to a client that is strict about the certificate."""
    trust = ssl.create_default_context(cafile=netbox.ca)
    trust.verify_flags |= ssl.VERIFY_X509_STRICT
    headers = {"Authorization": f"Bearer {token or netbox.token}", "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body is not None else None
    question = Request(f"{netbox.url}/api/{path}", data, headers)  # noqa: S310  the fixture says https
    with urlopen(question, timeout=60, context=trust) as answer:  # noqa: S310
        return json.load(answer)


def looked_at() -> Any:
    (host,) = samdrift("--lab", "--limit", NETBOX, "plan")["plan"]["hosts"]
    return host


def changes() -> list[str]:
    return [s["name"] for s in looked_at()["steps"] if s["commands"] and not s["handler"]]


def test_once_applied_there_is_nothing_to_do_and_it_takes_three_execs_to_know(netbox: NetBoxServer) -> None:
    host = looked_at()
    assert [s["name"] for s in host["steps"] if s["commands"]] == []
    assert len(host["steps"]) >= 150
    assert host["execs"] <= 3
    assert host["unmanaged"] == []


def test_every_check_passes(netbox: NetBoxServer) -> None:
    checks = [c for c in samdrift("--lab", "--limit", NETBOX, "verify")["checks"] if c["role"] == "netbox"]
    assert len(checks) >= 20
    assert [c for c in checks if c["outcome"] == "failed"] == []


def test_the_tokens_of_the_secrets_read_and_write_and_another_does_not(netbox: NetBoxServer) -> None:
    status = ask(netbox, "status/", token=netbox.reading)
    assert (status["netbox-version"], status["rq-workers-running"]) == (VERSION, 1)
    region = ask(netbox, "dcim/regions/", {"name": "Norra Uppland", "slug": "norra-uppland"}, token=netbox.seeding)
    assert region["slug"] == "norra-uppland"
    (change,) = ask(netbox, "core/object-changes/", token=netbox.reading)["results"]
    assert change["user_name"] == SEEDER.name
    with pytest.raises(HTTPError, match="403"):
        ask(netbox, "dcim/regions/", token=netbox.reading[:-1] + ("a" if netbox.reading[-1] != "a" else "b"))


def test_a_client_that_does_not_trust_the_certificate_is_not_answered(netbox: NetBoxServer) -> None:
    with pytest.raises(URLError, match="certificate verify failed"):
        ask(NetBoxServer(netbox.url, netbox.token, None), "status/")


def an_hour_left(chain: str) -> str:
    """The lab's authority's certificate of the same key and names, but of one that was signed long ago."""
    keys = lab_directory() / "keys"
    live, authority = x509.load_pem_x509_certificates(chain.encode())
    ends = datetime.now(UTC) + timedelta(hours=1)
    begins, key = ends - timedelta(days=90), load_pem_private_key((keys / "authority").read_bytes(), None)
    old = x509.CertificateBuilder(authority.subject, live.subject, live.public_key(), 1, begins, ends)
    for extension in live.extensions:
        old = old.add_extension(extension.value, extension.critical)
    signed = old.sign(cast("EllipticCurvePrivateKey", key), SHA384())
    return "".join(c.public_bytes(Encoding.PEM).decode() for c in (signed, authority))


def shown(netbox: NetBoxServer) -> str:
    """The serial number of the certificate that NetBox shows a client who trusts the authority."""
    plain = socket.create_connection((netbox.url.removeprefix("https://"), 443), timeout=60)
    with ssl.create_default_context(cafile=netbox.ca).wrap_socket(plain, server_hostname=NETBOX) as connection:
        return str((connection.getpeercert() or {})["serialNumber"])


def test_a_certificate_with_an_hour_left_is_pending_and_the_next_apply_has_another_shown(netbox: NetBoxServer) -> None:
    """That no request is cut off when nginx reads it: `tests/unit/roles/test_certificates.py`."""
    live = by_hand(NETBOX, f"cat {CERTIFICATE}")
    put = f"printf %s {shlex.quote(an_hour_left(live))} > {CERTIFICATE} && systemctl reload nginx.service"
    by_hand(NETBOX, put)
    (finding,) = samdrift("--lab", "--limit", NETBOX, "drift", expect=2)["findings"]
    assert (finding["kind"], finding["step"]) == ("pending", f"certificate {CERTIFICATE}")
    assert shown(netbox) == "01"
    samdrift("--lab", "--limit", NETBOX, "apply", "--role", "netbox", "--yes")
    assert shown(netbox) not in {"01", f"{x509.load_pem_x509_certificate(live.encode()).serial_number:X}"}
    assert changes() == []


def test_netbox_itself_finds_no_migration_that_is_missing(netbox: NetBoxServer) -> None:
    said = by_hand(
        NETBOX, f"cd / && runuser -u netbox -- {VENV}/bin/netbox migrate --check > /dev/null && echo complete"
    )
    assert said == "complete\n"


def test_it_can_be_emptied_between_tests(netbox: NetBoxServer) -> None:
    ask(netbox, "dcim/regions/", {"name": "Norra Uppland", "slug": "norra-uppland"})
    netbox.empty()
    assert ask(netbox, "dcim/regions/")["count"] == 0
    assert ask(netbox, "core/object-changes/")["count"] == 0


def test_what_was_done_to_it_by_hand_is_found_and_mended(netbox: NetBoxServer) -> None:
    by_hand(NETBOX, f"{VENV}/bin/pip uninstall -q -y svgwrite")
    by_hand(
        NETBOX,
        "cd / && runuser -u netbox -- psql -q -d netbox -c \"delete from users_token where key like 'samdriftre%'\"",
    )
    by_hand(NETBOX, "chmod 640 /etc/netbox/tls/netbox.key")
    assert changes() == [
        "NetBox's virtual environment",
        "superuser of NetBox, and samdrift's users and tokens",
        "key /etc/netbox/tls/netbox.key",
    ]
    samdrift("--lab", "--limit", NETBOX, "apply", "--yes")
    assert ask(netbox, "status/")["netbox-version"] == VERSION


def test_a_gunicorn_that_is_killed_comes_back_and_who_asked_meanwhile_is_answered(netbox: NetBoxServer) -> None:
    restarts = "systemctl show -p NRestarts --value netbox.service"
    before = int(by_hand(NETBOX, restarts))
    by_hand(NETBOX, "kill -9 $(systemctl show -p MainPID --value netbox.service)")
    assert ask(netbox, "status/")["netbox-version"] == VERSION
    assert int(by_hand(NETBOX, restarts)) == before + 1


def test_a_dump_brings_back_what_was_there(netbox: NetBoxServer) -> None:
    ask(netbox, "dcim/regions/", {"name": "Norra Uppland", "slug": "norra-uppland"})
    by_hand(NETBOX, "systemctl start netbox-dump.service")
    netbox.empty()
    newest = f"$(ls -t {DUMPS}/*.dump | head -n 1)"
    restore = "pg_restore --clean --if-exists --exit-on-error --single-transaction -d netbox"
    by_hand(NETBOX, f"cd / && runuser -u netbox -- {restore} {newest}")
    assert ask(netbox, "dcim/regions/")["count"] == 1
    assert changes() == []


def log_in(netbox: NetBoxServer, password: str) -> bool:
    """Whether the superuser may, with this password: NetBox gives them a token."""
    try:
        ask(netbox, "users/tokens/provision/", {"username": "admin", "password": password})
    except HTTPError as e:
        assert e.code == 403  # noqa: PT017
        return False
    return True


NAMED_TWICE = """\
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
cat > "$d/nginx.conf" <<'END'
error_log stderr;
events {}
http { access_log off; server { listen 127.0.0.1:8099; location / { return 200 "$http_x_forwarded_user"; } } }
END
nginx -c "$d/nginx.conf" -g "pid $d/pid;"
printf 'GET / HTTP/1.0\\r\\nX-Forwarded-User: a\\r\\nX-Forwarded-User: a\\r\\n\\r\\n' |
    timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/8099; cat >&3; tail -n 1 <&3'
nginx -c "$d/nginx.conf" -g "pid $d/pid;" -s stop
"""


def test_nginx_of_debian_13_joins_a_header_that_comes_twice_so_that_it_names_nobody_of_the_watch_s_pages() -> None:
    assert by_hand(NETBOX, NAMED_TWICE).strip() == "a, a"


@pytest.mark.soak
def test_rotated_secrets_take_the_place_of_the_old_ones(netbox: NetBoxServer, tmp_path: Path) -> None:
    file, owner = Lab().vault().path, load().host(NETBOX).tenant
    before = file.read_text()
    old = json.loads(before)
    names = [name for name in old[owner] if name.startswith("netbox_")]
    new = old | {owner: old[owner] | {name: random_value() for name in names}}
    assert len(names) == 6
    try:
        put_in_place(file, json.dumps(new).encode())
        samdrift("--lab", "--limit", NETBOX, "apply", "--yes")
        now = netbox_in_lab(tmp_path)
        now = replace(now, token=now.reading)  # the superuser of tests has none with the new pepper
        assert ask(now, "status/")["netbox-version"] == VERSION
        for token in netbox.tokens.values():
            with pytest.raises(HTTPError, match="403"):
                ask(netbox, "status/", token=token)
        assert log_in(now, new[owner]["netbox_admin_password"])
        assert not log_in(now, old[owner]["netbox_admin_password"])
        assert changes() == []
    finally:
        put_in_place(file, before.encode())
        samdrift("--lab", "--limit", NETBOX, "apply", "--yes")
    assert ask(netbox, "status/")["netbox-version"] == VERSION


MIGRATED_AND_KEPT = f"""\
migrated=$(mktemp -d) && chmod 755 "$migrated"
sed 's/"NAME": "netbox"/"NAME": "netbox_migrated"/' {CONFIGURATION} > "$migrated/elsewhere.py"
chown -R netbox "$migrated"
as_netbox() {{ runuser -u netbox -- "$@"; }}
for database in netbox_migrated netbox_kept; do
    {AS_POSTGRES} createdb --owner netbox --encoding UTF8 --template template0 $database
done
as_netbox env PYTHONPATH="$migrated" NETBOX_CONFIGURATION=elsewhere {VENV}/bin/netbox migrate --no-input > /dev/null
as_netbox psql -X -q -v ON_ERROR_STOP=1 -d netbox_kept < {LAB_CACHE}/schema/{EMPTY_DATABASE} > /dev/null
for database in netbox_migrated netbox_kept; do
    {AS_POSTGRES} pg_dump --no-owner $database |
    sed -E '/^.(un)?restrict /d; s/[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} [0-9:.]+[+][0-9]{{2}}/WHEN/g' |
    sort > "$migrated/$database"
    {AS_POSTGRES} dropdb $database
done
wc -l < "$migrated/netbox_migrated"
diff "$migrated/netbox_migrated" "$migrated/netbox_kept" || true
"""
"""Migrates an empty database beside NetBox's own, and compares it, but for the times of day in it."""


@pytest.mark.soak
def test_the_empty_database_that_tests_keep_is_what_migrations_make(netbox: NetBoxServer) -> None:
    lines, *differences = in_postgresql(MIGRATED_AND_KEPT).splitlines()
    assert int(lines) > 10_000
    assert differences == []
