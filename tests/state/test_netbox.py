"""Role netbox: it answers over TLS and lets nobody in without a token, its database is whole, and its secrets are kept.

What samdrift's users may do is asked with their tokens, which a program reads on the host and does not show. It asks
for writes that change nothing: of an empty list, or together with one that cannot be, so that NetBox takes back both.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from itertools import product
from typing import Any

import pytest

from inventory.netbox.custom_fields import WRITTEN_BACK
from inventory.netbox.permissions import API_USERS, ENDPOINTS, WRITER_BACK, Action, ApiUser
from roles.netbox import (
    CERTIFICATE,
    CONFIGURATION,
    DATABASE,
    DATABASE_UNIT,
    DUMP_TIMER,
    DUMPED,
    DUMPS,
    HOME,
    KEY,
    PORT,
    QUEUE_OF_JOBS,
    QUEUE_UNIT,
    SCHEMA_STATE,
    SERVED,
    SOCKET,
    TOKENS,
    VENV,
    WEB,
    WORKER,
    WORKS,
    Settings,
)
from roles.shared.http_answer import http_answer
from roles.shared.parts.netbox_users import ACCESS, DAYS_OF_TOKENS, HOUSEKEEPING, QUEUE, SECRETS, SQL, has_access
from roles.shared.parts.nginx_front import SANDBOX as FRONT

TLS = "timeout 10 openssl s_client -connect {address}:{port} -servername {name} {more} < /dev/null"
ASK = """\
printf 'GET %s HTTP/1.1\\r\\nHost: {name}\\r\\nConnection: close\\r\\n\\r\\n' {path} | \
timeout 30 openssl s_client -quiet -verify_return_error -CAfile {ca} -verify_hostname {name} \
-connect {address}:{port} -servername {name} 2> /dev/null
"""
SANDBOXES = {s.unit: s for s in (DATABASE, QUEUE_OF_JOBS, SERVED, WORKS, DUMPED, FRONT)}
GUESS = """\
{{ printf 'POST /login/ HTTP/1.1\\r\\nHost: {name}\\r\\nContent-Length: 0\\r\\n\\r\\n%.0s' $(seq 30)
printf 'GET /login/ HTTP/1.1\\r\\nHost: {name}\\r\\nConnection: close\\r\\n\\r\\n'; }} | \
timeout 30 openssl s_client -quiet -verify_return_error -CAfile {ca} -verify_hostname {name} \
-connect {address}:{port} -servername {name} 2> /dev/null
"""
PROTECTING = (
    "content-security-policy",
    "cross-origin-opener-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
)
AT_MOST = 450
"""Seconds between two signs of life of a worker that has nothing to do; a bit more than those that it takes (405)."""
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

AS_USER = """\
import concurrent.futures, http.client, json, pathlib, socket, ssl, sys
front, name, address, station, user, asked = sys.argv[1:7]
user, asked = json.loads(user), json.loads(asked)
token = user["prefix"] + pathlib.Path("/etc/netbox/secrets", user["secret"]).read_text().strip()
said = {"Authorization": "Bearer " + token, "Content-Type": "application/json", "Host": name}
said |= {"X-Real-IP": station, "X-Forwarded-For": station, "X-Forwarded-Proto": "https"}

class Behind(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(18)
        self.sock.connect("/run/netbox/gunicorn.sock")

def connected():
    if front == "behind nginx":
        return Behind(name)
    trust = ssl.create_default_context(cafile=front)
    return http.client.HTTPSConnection(address, context=trust, timeout=18)

def answer(question):
    method, path, body = question
    connection = connected()
    connection.request(method, "/api/" + path, None if body is None else json.dumps(body), said)
    got = connection.getresponse()
    text = got.read().decode()
    connection.close()
    return got.status, json.loads(text) if text.startswith(("{", "[")) else None

with concurrent.futures.ThreadPoolExecutor(4) as pool:
    print(json.dumps(list(pool.map(answer, asked))))
"""
"""Asks NetBox's API as one of samdrift's users: behind nginx as a management station, or through it as this host."""
ASKS: dict[Action, tuple[str, str, list[Any] | None, int]] = {
    "view": ("GET", "/?limit=1&fields=id", None, 200),
    "add": ("POST", "/", [], 201),
    "change": ("PATCH", "/", [], 200),
    "delete": ("DELETE", "/", [], 204),
}
"""How each is asked for so that nothing changes, and what NetBox answers to who may."""
FOREIGN = (
    "circuits/circuits",
    "core/data-sources",
    "dcim/racks",
    "extras/config-templates",
    "extras/custom-links",
    "extras/event-rules",
    "extras/export-templates",
    "extras/saved-filters",
    "extras/webhooks",
    "users/groups",
    "users/permissions",
    "users/users",
    "vpn/ike-policies",
    "wireless/wireless-lans",
)
"""What samdrift has no business with: a few of many, among them all by which somebody could get further rights."""
Question = tuple[str, str, object]
BY_NAME = {user.name: user for user in API_USERS}


def as_user(
    host: Any, settings: Settings, user: ApiUser, *asked: Question, front: str = "behind nginx"
) -> list[tuple[int, Any]]:
    """Status and body of NetBox's answers to these questions (method, path, body), with the token of this user."""
    name, address = settings.names[0], str(settings.address)
    station = str(settings.stations[0].network_address) if settings.stations else "127.0.0.1"
    known = json.dumps({"prefix": user.token_prefix, "secret": user.secret})
    run = f"timeout 20 python3 -I -c {' '.join(['%s'] * 7)}"
    said = host.check_output(run, AS_USER, front, name, address, station, known, json.dumps(asked))
    return [(status, body) for status, body in json.loads(said)]


def ask(host: Any, settings: Settings, path: str) -> tuple[str, str, str]:
    """Status line, headers (in small letters) and body of the answer, over TLS that the certificate proves."""
    name, address = settings.names[0], settings.address
    command = ASK.format(name=name, path=path, ca=CERTIFICATE, address=address, port=PORT)
    status, headers, body = http_answer(str(host.check_output(command)))
    return status, headers.lower(), body


def sql(host: Any, question: str) -> str:
    """What NetBox's database answers."""
    return str(host.check_output(SQL.format(question=question)))


@pytest.mark.parametrize("name", [WEB, SOCKET, WORKER, DATABASE_UNIT, QUEUE_UNIT, "nginx.service", DUMP_TIMER])
def test_it_runs(unit: Any, name: str) -> None:
    assert unit(name).now == "active"


@pytest.mark.parametrize("name", [WEB, SOCKET, WORKER, DATABASE_UNIT, QUEUE_UNIT, "nginx.service", DUMP_TIMER])
def test_it_starts_at_boot(unit: Any, name: str) -> None:
    assert unit(name).at_boot == "enabled"


@pytest.mark.parametrize("name", SANDBOXES)
def test_its_service_may_do_what_it_needs_and_nothing_else(violations: Any, name: str) -> None:
    assert violations(SANDBOXES[name]) == []


@pytest.mark.usefixtures("more_than_a_look")
def test_the_login_page_comes_by_tls_that_the_certificate_proves(host: Any, settings: Settings) -> None:
    status, headers, body = ask(host, settings, "/login/")
    assert " 200 " in status
    assert "NetBox" in body
    said = [line for line in headers.splitlines() if line.startswith(PROTECTING)]
    assert sorted(line.partition(":")[0] for line in said) == sorted(PROTECTING)  # each once
    assert {"x-content-type-options: nosniff", "x-frame-options: sameorigin"} <= set(said)


@pytest.mark.usefixtures("more_than_a_look")
def test_a_page_loads_from_shows_and_sends_to_no_other_site(host: Any, settings: Settings) -> None:
    _, headers, _ = ask(host, settings, "/login/")
    (policy,) = re.findall(r"(?m)^content-security-policy: (.*)$", headers)
    allowed = dict(rule.split(maxsplit=1) for rule in policy.split("; "))
    strange = "*", "http:", "https:", "blob:", "'unsafe-eval'"
    assert {"default-src", "script-src", "form-action", "frame-ancestors", "base-uri"} <= allowed.keys()
    assert allowed["default-src"] == "'self'"
    assert not [s for s in strange if s in policy.split()]


@pytest.mark.usefixtures("more_than_a_look")
def test_whoever_guesses_passwords_is_slowed_down(host: Any, settings: Settings) -> None:
    """Asked without a password, and so often that it must be refused; NetBox itself refuses each for want of a form."""
    command = GUESS.format(name=settings.names[0], ca=CERTIFICATE, address=settings.address, port=PORT)
    answers = re.findall(r"(?m)^HTTP/1.1 (\d+)", host.check_output(command))
    assert set(answers) == {"403", "429", "200"}, answers


@pytest.mark.usefixtures("more_than_a_look")
def test_the_api_lets_nobody_in_without_a_token(host: Any, settings: Settings) -> None:
    assert " 403 " in ask(host, settings, "/api/dcim/devices/")[0]
    assert ask(host, settings, "/graphql/")[0].split()[1:2] in (["403"], ["302"])


@pytest.mark.usefixtures("more_than_a_look")
def test_it_answers_to_no_other_name(host: Any, settings: Settings) -> None:
    command = ASK.format(
        name=settings.names[0], path="/login/", ca=CERTIFICATE, address=settings.address, port=PORT
    ).replace("Host: " + settings.names[0], "Host: other.invalid")
    assert " 400 " in host.check_output(command).partition("\n")[0]


@pytest.mark.usefixtures("more_than_a_look")
@pytest.mark.parametrize(("version", "spoken"), [("tls1_1", False), ("tls1_2", True), ("tls1_3", True)])
def test_tls_is_new_enough(host: Any, settings: Settings, version: str, spoken: bool) -> None:
    more = f"-brief -{version}" + (" -cipher ALL:@SECLEVEL=0" if version == "tls1_1" else "")
    said = host.run(TLS.format(address=settings.address, port=PORT, name=settings.names[0], more=more))
    seen = re.findall(r"CONNECTION ESTABLISHED|alert protocol version", said.stderr)  # it was there to refuse
    assert seen == (["CONNECTION ESTABLISHED"] if spoken else ["alert protocol version"])


@pytest.mark.usefixtures("more_than_a_look")
def test_the_certificate_holds_for_three_weeks(host: Any, settings: Settings) -> None:
    served = TLS.format(address=settings.address, port=PORT, name=settings.names[0], more="")
    assert host.run(f"{served} | openssl x509 -noout -checkend 1814400").rc == 0


def test_the_worker_takes_jobs(host: Any) -> None:
    workers = host.check_output(f"{QUEUE} --raw smembers rq:workers").split()
    assert workers
    beats = [host.check_output(f"{QUEUE} --raw hget %s last_heartbeat", worker) for worker in workers]
    newest = max(datetime.fromisoformat(beat) for beat in beats)
    age = int(host.check_output("date +%s")) - newest.timestamp()
    assert age < AT_MOST, f"no worker has given a sign of life for {age:.0f} seconds"


def test_housekeeping_is_due(host: Any) -> None:
    found = sql(host, HOUSEKEEPING)
    assert int(found) >= 1


def test_every_migration_of_the_installed_netbox_is_applied(host: Any, settings: Settings) -> None:
    state = host.check_output(SCHEMA_STATE).splitlines()
    assert state == [f"netbox-{settings.version}.dist-info", f"static files {settings.version}", "migrated"]


def test_users_permissions_and_tokens_are_as_declared(host: Any) -> None:
    assert host.check_output(f"{ACCESS} check").splitlines() == has_access()


@pytest.mark.usefixtures("more_than_a_look")
@pytest.mark.parametrize(("name", "action"), list(product(BY_NAME, ASKS)))
def test_a_user_of_samdrift_may_what_it_must_and_nothing_else(
    host: Any, settings: Settings, name: str, action: Action
) -> None:
    of = {endpoint: type_ for type_, endpoint in ENDPOINTS.items()}
    may, endpoints = BY_NAME[name].may(action), sorted({*of, *FOREIGN})
    method, more, body, answers = ASKS[action]
    seen = as_user(host, settings, BY_NAME[name], *((method, endpoint + more, body) for endpoint in endpoints))
    wanted = {endpoint: answers if of.get(endpoint) in may else 403 for endpoint in endpoints}
    assert {endpoint: status for endpoint, (status, _) in zip(endpoints, seen, strict=True)} == wanted


@pytest.mark.usefixtures("more_than_a_look")
@pytest.mark.parametrize("name", list(BY_NAME))
def test_a_user_of_samdrift_makes_itself_no_token(host: Any, settings: Settings, name: str) -> None:
    ((_, me),) = as_user(host, settings, BY_NAME[name], ("GET", "authentication-check/", None))
    two = [{"user": me["id"], "description": "a check"}, {"user": 0}]
    seen, made = as_user(host, settings, BY_NAME[name], ("GET", "users/tokens/", None), ("POST", "users/tokens/", two))
    assert (me["username"], seen[1]["count"], made[0]) == (name, 0, 403)


@pytest.mark.usefixtures("more_than_a_look")
@pytest.mark.parametrize("name", list(BY_NAME))
def test_a_token_is_refused_from_any_other_address_whatever_that_says(host: Any, settings: Settings, name: str) -> None:
    ((status, body),) = as_user(host, settings, BY_NAME[name], ("GET", "status/", None), front=CERTIFICATE)
    refused = f"Source IP {settings.addresses[0]} is not permitted to authenticate using this token."
    assert (status, body) == (403, {"detail": refused})


def test_every_token_of_samdrift_expires_and_not_within_a_month(host: Any, settings: Settings) -> None:
    found = sql(host, DAYS_OF_TOKENS)
    days = {key: left for key, _, left in (line.partition("|") for line in found.splitlines())}
    left = {user.name: int(days.get(user.key) or 0) for user in API_USERS}
    assert [name for name, number in left.items() if not 30 < number <= settings.token_days] == [], left


@pytest.mark.usefixtures("more_than_a_look")
def test_write_back_sets_its_own_fields_of_a_host_and_nothing_else(host: Any, settings: Settings) -> None:
    endpoints = ("dcim/devices/", "virtualization/virtual-machines/")
    lists = as_user(host, settings, WRITER_BACK, *(("GET", f"{e}?limit=2&fields=id", None) for e in endpoints))
    ids = [
        (endpoint, [row["id"] for row in body["results"]]) for endpoint, (_, body) in zip(endpoints, lists, strict=True)
    ]
    endpoint, (one, other) = next(((e, found) for e, found in ids if len(found) == 2), ("", (0, 0)))
    if not endpoint:
        pytest.skip("not applicable: this NetBox has no two hosts yet")
    impossible: dict[str, object] = {"id": other, "custom_fields": {"no such field": ""}}
    own: dict[str, object] = {"custom_fields": {WRITTEN_BACK[0].name: "a check"}}
    others: list[dict[str, object]] = [{name: "a check"} for name in ("description", "name", "serial")]
    tried: list[dict[str, object]] = [own, *others, {"local_context_data": {"a check": 1}}]
    answers = as_user(
        host, settings, WRITER_BACK, *(("PATCH", endpoint, [{"id": one, **t}, impossible]) for t in tried)
    )
    assert [status for status, _ in answers] == [400, 403, 403, 403, 403]


def test_no_file_of_netbox_was_changed_by_hand(host: Any) -> None:
    *changes, compared = host.check_output("python3 -I -c %s %s", CHANGED, VENV).splitlines()
    assert changes == []
    assert int(compared.removesuffix(" compared")) > 0


def test_the_database_and_the_queue_listen_on_no_network(host: Any) -> None:
    listening = set(re.findall(r'\(\("([^"]+)"', host.check_output("ss -Hltnp")))
    assert "nginx" in listening
    assert not listening & {"postgres", "valkey-server"}


@pytest.mark.usefixtures("more_than_a_look")
def test_secrets_are_roots_and_netbox_s_alone(host: Any) -> None:
    private = {
        CONFIGURATION: "root:netbox 640",
        KEY: "root:root 600",
        **{f"{SECRETS}/{name}": "root:netbox 640" for name in ("secret_key", "api_token_pepper")},
        **{f"{SECRETS}/{name}": "root:root 600" for name in ("admin_password", *TOKENS)},
    }
    said = host.check_output(f"stat -c '%n %U:%G %a' {' '.join(private)}").splitlines()
    assert dict(line.split(" ", 1) for line in said) == private
    reads = host.check_output(TRIES.format(user="nobody", may="r", paths=" ".join(private)))
    assert reads.splitlines() == ["nobody"]


@pytest.mark.usefixtures("more_than_a_look")
def test_netbox_cannot_write_what_it_runs(host: Any) -> None:
    writes = host.check_output(TRIES.format(user="netbox", may="w", paths=f"{VENV}/bin {HOME} {HOME}/conf"))
    assert writes.splitlines() == ["netbox"]


@pytest.mark.usefixtures("more_than_a_look")
def test_the_newest_dump_can_be_read(host: Any) -> None:
    listed = host.check_output(f"find {DUMPS} -maxdepth 1 -printf '%T@ %p\\n'").splitlines()
    assert listed
    found = [line for line in listed if line.endswith(".dump")]
    if not found:
        pytest.skip("not applicable: the first night is still to come")
    _, newest = max(found, key=lambda line: float(line.split(" ")[0])).split(" ", 1)
    # To its end: the list of what is in it stands at its beginning.
    assert host.run("cd / && runuser -u netbox -- pg_restore --file=/dev/null %s", newest).rc == 0


PROVES = {
    "authentication": (
        "whoever guesses passwords is slowed down",
        "the api lets nobody in without a token",
        "a token is refused from any other address whatever that says",
        "every token of samdrift expires and not within a month",
    ),
    "backup": ("the newest dump can be read",),
    "configuration": ("housekeeping is due",),
    "cryptography": (
        "the login page comes by tls that the certificate proves",
        "tls is new enough",
        "the certificate holds for three weeks",
    ),
    "hardening": (
        "its service may do what it needs and nothing else",
        "a page loads from shows and sends to no other site",
        "it answers to no other name",
        "netbox cannot write what it runs",
    ),
    "inventory": ("it runs",),
    "keys": ("secrets are roots and netbox s alone",),
    "network services": (
        "it runs",
        "it starts at boot",
        "the worker takes jobs",
    ),
    "permissions": ("secrets are roots and netbox s alone",),
    "rights": (
        "users permissions and tokens are as declared",
        "a user of samdrift may what it must and nothing else",
        "a user of samdrift makes itself no token",
        "write back sets its own fields of a host and nothing else",
    ),
    "segregation": ("the database and the queue listen on no network",),
    "software": ("no file of netbox was changed by hand",),
    "updates": ("every migration of the installed netbox is applied",),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "it runs": "den är igång",
    "it starts at boot": "den startar med värden",
    "its service may do what it needs and nothing else": "tjänsten får göra vad den behöver och inget annat",
    "the login page comes by tls that the certificate proves": (
        "inloggningssidan kommer med TLS som certifikatet styrker"
    ),
    "a page loads from shows and sends to no other site": (
        "en sida hämtar från, visar och skickar till ingen annan plats"
    ),
    "whoever guesses passwords is slowed down": "den som gissar lösenord bromsas",
    "the api lets nobody in without a token": "API:et släpper inte in någon utan token",
    "it answers to no other name": "den svarar inte på något annat namn",
    "tls is new enough": "TLS är nytt nog",
    "the certificate holds for three weeks": "certifikatet gäller i tre veckor till",
    "the worker takes jobs": "arbetaren tar emot jobb",
    "housekeeping is due": "städningen är schemalagd",
    "every migration of the installed netbox is applied": "varje migrering i den installerade NetBox är införd",
    "users permissions and tokens are as declared": "användare, rättigheter och token är som beslutat",
    "a user of samdrift may what it must and nothing else": "samdrifts användare får det de behöver och inget annat",
    "a user of samdrift makes itself no token": "samdrifts användare gör sig ingen egen token",
    "a token is refused from any other address whatever that says": (
        "en token nekas från varje annan adress, vad den än uppger"
    ),
    "every token of samdrift expires and not within a month": (
        "varje token som samdrift har går ut, men inte inom en månad"
    ),
    "write back sets its own fields of a host and nothing else": (
        "återskrivning sätter sina egna fält på en värd och inget annat"
    ),
    "no file of netbox was changed by hand": "ingen av NetBox filer är ändrad för hand",
    "the database and the queue listen on no network": "databasen och kön lyssnar inte på något nät",
    "secrets are roots and netbox s alone": "hemligheter är bara roots och NetBox",
    "netbox cannot write what it runs": "NetBox kan inte skriva det som den kör",
    "the newest dump can be read": "den senaste säkerhetskopian av databasen går att läsa",
}
"""What its checks are called in a Swedish report."""
