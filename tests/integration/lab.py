"""How integration tests drive the lab: through the real program, and by hand as somebody without samdrift would."""

from __future__ import annotations

import hashlib
import hmac
import json
import lzma
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from deploy.lab.lab import Lab
from deploy.lab.place import lab_directory
from deploy.source.known import with_people
from inventory.fleet import Fleet
from inventory.netbox.permissions import API_USERS, READER, SEEDER, WRITER_BACK
from inventory.secrets import Secret
from inventory.snapshot import load
from inventory.whole_file import put_in_place
from roles.netbox import CERTIFICATE, LAB_CACHE, POSTGRESQL, VERSION
from roles.shared.parts.netbox_users import ACCESS

NETBOX = "tie-netbox1"
NETBOX_AND_WHAT_IT_NEEDS = (
    f"{NETBOX} or role=package_cache or role=dns_resolver or role=log_server or (tierp and role=edge_gateway)"
)

EMPTY_DATABASE = f"netbox-{VERSION}-postgresql-{POSTGRESQL}.sql"
"""What NetBox's migrations make of an empty database, by the name that it has in the cache of the lab's NetBox."""
EMPTY_DATABASE_KEPT = Path(__file__).with_name(f"{EMPTY_DATABASE}.xz")
"""The same, as the tests keep it."""

AS_POSTGRES = "runuser -u postgres --"
KEPT = f"{LAB_CACHE}/kept"
SQL = f"""\
set -e
cd /
sql() {{ {AS_POSTGRES} psql -X -q -At -v ON_ERROR_STOP=1 -d postgres -c "$1"; }}
"""
EMPTY = """\
valkey() { valkey-cli -s /run/valkey/valkey.sock "$@" > /dev/null; }
valkey -n 0 del rq:queue:high rq:queue:default rq:queue:low  # or a job of before is written into what is there then
sql "drop database netbox with (force)"
sql "create database netbox template netbox_empty owner netbox"
valkey -n 1 flushdb
"""
REST = "systemctl kill --kill-whom=main --signal=STOP netbox-rq.service\n"
WORK = """\
valkey-cli -s /run/valkey/valkey.sock -n 0 del rq:queue:high rq:queue:default rq:queue:low > /dev/null
systemctl restart netbox-rq.service
"""
WITHOUT_TABLES = """\
sql "drop database netbox with (force)"
sql "create database netbox owner netbox"
"""
"""Makes room for a dump: what a database of another lineage has, it could not take away."""
KEEP_AS_EMPTY = """\
[ -z "$(sql "select 1 from pg_database where datname = 'netbox_empty'")" ] || exit 0
sql "alter database netbox allow_connections false"
sql "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'netbox'"
sql "create database netbox_empty template netbox owner netbox"
sql "alter database netbox allow_connections true"
"""
LET_TESTS_IN = f"""\
{AS_POSTGRES} psql -X -q -v ON_ERROR_STOP=1 -d netbox <<'END'
begin;
insert into users_user (username, is_active, is_superuser, password, first_name, last_name, email, date_joined)
values ('tests', true, true, '!', '', '', '', now()) on conflict (username) do nothing;
delete from users_token where key = 'samdrifttest';
insert into users_token (user_id, key, version, pepper_id, hmac_digest, enabled, write_enabled, description, created)
select id, 'samdrifttest', 2, 1, '%s', true, true, '', now() from users_user where username = 'tests';
commit;
END
"""  # noqa: S608  the constants above
"""Makes a superuser, for what tests do to the lab's NetBox that samdrift itself may not: delete, say."""


def program(name: str = "samdrift") -> str:
    """The real program, as it is installed beside this Python."""
    return str(Path(sys.executable).with_name(name))


def samdrift(*arguments: str, expect: int = 0, hear: Callable[[str], None] = lambda _: None) -> Any:
    """Run the real program; its JSON document. Its exit code is part of what it says.

    Args:
        hear: gets every line of its progress, as it comes.
    """
    argv, told = [program(), "--json", *arguments], []
    with (
        TemporaryFile("w+") as document,
        subprocess.Popen(argv, stdout=document, stderr=subprocess.PIPE, text=True) as running,
    ):
        for line in running.stderr or ():
            told.append(line)
            hear(line)
        status = running.wait()
        document.seek(0)
        said = document.read()
    assert status == expect, f"{arguments} ended with {status}:\n{said[-3000:]}\n{''.join(told)}"
    return json.loads(said)


def lab_fleet() -> Fleet:
    """The lab's fleet as every command has it: with the organisation's people."""
    return Lab().overlay(with_people(load()))


def by_hand(host: str, command: str, lab: Lab | None = None) -> str:
    """What somebody does on a host without samdrift, as root; what it prints.

    Args:
        lab: another than the one that all tests share.
    """
    lab = lab or Lab()
    way_in = ["nsenter", f"--net={lab.directory}/station"] if lab.is_apart else []
    argv = [*way_in, "ssh", "-F", f"{lab.directory}/ssh_config", host, "sudo sh -s"]
    return subprocess.run(argv, input=command, check=True, capture_output=True, text=True).stdout


def in_postgresql(script: str) -> str:
    """Run this on NetBox's host, where it has `sql`; what it prints."""
    return by_hand(NETBOX, SQL + script)


@dataclass(frozen=True)
class NetBoxServer:
    """A real NetBox: where it is, the token of a superuser, the certificate to trust, and samdrift's own tokens.

    Attributes:
        ca: the certificate to trust; None for the machine's own.
        tokens: of each of samdrift's users, by name; where they are not there, the superuser's is used.
    """

    url: str
    token: str = field(repr=False)  # a test that fails shows its arguments
    ca: Path | None
    tokens: Mapping[str, str] = field(repr=False, default_factory=dict)

    @property
    def reading(self) -> str:
        """The token that pull comes with."""
        return self.tokens.get(READER.name, self.token)

    @property
    def writing_back(self) -> str:
        """The token that write-back comes with."""
        return self.tokens.get(WRITER_BACK.name, self.token)

    @property
    def seeding(self) -> str:
        """The token that seed comes with."""
        return self.tokens.get(SEEDER.name, self.token)

    def empty(self) -> None:
        """Make it as it was before anything was written to it; only the lab's can be. Takes half a second."""
        assert self.url == netbox_url(), f"{self.url} is not the lab's NetBox, and nobody else's is emptied"
        in_postgresql(EMPTY)

    def with_demo_data(self) -> None:
        """Make it as the community's demo data has it: that, and nothing else."""
        self.empty()
        name = f"demo-{EMPTY_DATABASE}"
        kept = Path(__file__).with_name("netbox-demo") / f"{name}.xz"
        put_in_place(lab_directory() / "cache" / "netbox" / name, lzma.decompress(kept.read_bytes()), durable=False)
        load = f"runuser -u netbox -- psql -X -q -v ON_ERROR_STOP=1 -d netbox < {LAB_CACHE}/{name}"
        in_postgresql(f"{WITHOUT_TABLES}{load}\n")
        self.forget()
        let_in()

    def forget(self) -> None:
        """Let it forget the numbers of types of objects, which another database has otherwise."""
        in_postgresql("systemctl restart netbox.service netbox-rq.service")
        self.rest()

    def rest(self) -> None:
        """Let its worker do nothing: it brings the search index up to date after each write, object by object, a
        quarter of a second of the processor each. Nobody searches in tests.
        """
        by_hand(NETBOX, REST)

    def work(self) -> None:
        """Let its worker work again, on what comes from now on."""
        by_hand(NETBOX, WORK)

    def rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield every row of the database: its table, and its columns."""
        ask = (
            "select format('select %L || to_jsonb(x)::text from %I x', tablename || ' ', tablename) "
            "from pg_tables where schemaname = 'public' \\gexec"
        )
        said = in_postgresql(f"{AS_POSTGRES} psql -X -q -At -v ON_ERROR_STOP=1 -d netbox <<'END'\n{ask}\nEND\n")
        for line in said.splitlines():
            table, _, row = line.partition(" ")
            yield table, json.loads(row)

    def keep(self, name: str) -> None:
        """Keep what is in it under this name, for as long as the lab keeps its caches."""
        assert self.url == netbox_url(), f"{self.url} is not the lab's NetBox, which alone can be kept"
        in_postgresql(f"mkdir -p {KEPT}; cd {KEPT}; {AS_POSTGRES} pg_dump -Fc netbox > new; mv new {name}")

    def bring_back(self, name: str) -> bool:
        """Make it as it was when it was kept under this name; if it never was, False, and it is empty.

        What was kept of demo data has other numbers of types than what is there: `forget` them, too.
        """
        self.empty()
        kept = f"{KEPT}/{name}"
        if not in_postgresql(f"[ ! -s {kept} ] || echo kept"):
            return False
        restore = f"{AS_POSTGRES} pg_restore --exit-on-error --single-transaction -d netbox < {kept}"
        in_postgresql(f"{WITHOUT_TABLES}{restore}\n")
        let_in()  # what was kept may be older than these secrets
        return True


def netbox_url() -> str:
    """Where the fleet's NetBox is."""
    return f"https://{load().host(NETBOX).address}"


def given_netbox() -> NetBoxServer | None:
    """The NetBox that the environment names, if it does: SAMDRIFT_TEST_NETBOX_URL, _TOKEN and _CA."""
    url, token, ca = (os.environ.get(f"SAMDRIFT_TEST_NETBOX_{what}") for what in ("URL", "TOKEN", "CA"))
    return NetBoxServer(url, token, Path(ca) if ca else None) if url and token else None


STAGE = "SAMDRIFT_TEST_STAGE"
"""Set where several run the lab's tests side by side: the file by which the others hear how far the lab's first tests
have come. It names the last stage that they have reached; it is empty before any.
"""
UP, DEPLOYED, ENDED = "up", "deployed", "ended"
"""The lab stands; what NetBox needs of its other hosts is deployed; nothing more will come."""


def tell(stage: str) -> None:
    """Let whoever waits for it know that the lab's first tests have reached this stage."""
    if path := os.environ.get(STAGE):
        put_in_place(Path(path), stage.encode(), durable=False)  # who waits for it must not read half of it


def await_stage(*stages: str) -> str:
    """Return which of these stages the lab's first tests have reached; wait until they have. Empty if nobody tells."""
    path = os.environ.get(STAGE)
    if path is None:
        return ""
    while (stage := Path(path).read_text()) not in stages:
        time.sleep(1)
    return stage


def deploy_netbox() -> None:
    """Bring up the lab with a NetBox that is deployed and empty. The first time in a lab's directory takes minutes."""
    limit = NETBOX if await_stage(DEPLOYED, ENDED) == DEPLOYED else NETBOX_AND_WHAT_IT_NEEDS
    spare_migrations()
    samdrift("lab", "up", NETBOX)
    by_hand(NETBOX, "systemctl try-restart netbox-rq.service || true")  # who was here before may have let it rest
    samdrift("--lab", "--limit", limit, "apply", "--yes")
    let_in()
    in_postgresql(KEEP_AS_EMPTY)


def let_in() -> None:
    """Let samdrift's users into the lab's NetBox, and a superuser for tests."""
    pepper, token = (_secret(name) for name in ("netbox_api_token_pepper", TESTS_TOKEN))
    digest = hmac.new(pepper.encode(), token.encode(), hashlib.sha256).hexdigest()
    by_hand(NETBOX, f"cd / && {ACCESS} && {LET_TESTS_IN % digest}")


def spare_migrations() -> None:
    """Fill the cache of the lab's NetBox with what is kept beside this file: to migrate takes five minutes.

    A test of `make soak` sees that migrations still make the same.
    """
    if EMPTY_DATABASE_KEPT.exists():
        cached = lab_directory() / "cache" / "netbox" / "schema" / EMPTY_DATABASE
        cached.parent.mkdir(parents=True, exist_ok=True)
        put_in_place(cached, lzma.decompress(EMPTY_DATABASE_KEPT.read_bytes()), durable=False)


TESTS_TOKEN = "tests_token"  # noqa: S105  its name
"""The secret of the superuser that tests come as; not one of the role's, and so not named as those are."""


def netbox_in_lab(directory: Path) -> NetBoxServer:
    """The lab's NetBox, which `deploy_netbox` has brought up; a file in `directory` holds its certificate."""
    ca = directory / "netbox.crt"
    ca.write_text(by_hand(NETBOX, f"cat {CERTIFICATE}"))
    tokens = {user.name: user.token_prefix + _secret(f"netbox_{user.secret}") for user in API_USERS}
    return NetBoxServer(netbox_url(), f"nbt_samdrifttest.{_secret(TESTS_TOKEN)}", ca, tokens)


def _secret(name: str) -> str:
    """The value of a secret in the lab."""
    secret = Secret(name=name, municipality=load().host(NETBOX).tenant)
    return Lab().vault().open({secret: "a test"}).reveal(f"{secret}", (secret,))
