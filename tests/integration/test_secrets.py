"""No secret anywhere but in its file on the host: canary values are planted, and everything else is searched."""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pyrage
import pytest

from deploy.engine.session import Session
from deploy.store.database import FILE
from deploy.store.opening import open_stores
from deploy.transport.ssh import HostLost
from deploy.vault.interface import SecretsError
from deploy.vault.made_up import MadeUp
from inventory import snapshot
from inventory.errors import SamdriftError
from inventory.fleet import Fleet, Host
from inventory.paths import CODE
from roles.shared.intent import Intent
from tests.sshd import Sshd, fleet_of
from tests.unit.inventory.fleets import SERVER, fleet

TOKEN = "Kanarie+/fågel=7 \"q'$HOME%41 \\n zXw9Qe4Rt6Yu"  # noqa: S105  planted
"""A value with everything that quoting changes."""
KEY = "-----BEGIN CANARY-----\nMIIBVgIBADANBgkqhkiG9w0BAQEFAASC\nPlant3dK3yB0dyOfThr33L1n3s\n-----END CANARY-----"
OLD = "FormerValueThatSomebodySetByHand0815"
"""What stood there before, and nobody told samdrift."""
CANARIES = {"token": TOKEN, "tls_key": KEY, "never_used": "ThisOneNoRoleNeedsAtAll4711"}

ROLE = '''"""Keeps two secrets in a file, and can fail in every way."""
import shlex
from pyinfra import host
from pyinfra.api import FactBase, operation
from inventory.secrets import Secret
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import Handler
from roles.shared.settings import Options as Base, Settings as SettingsBase

class Options(Base):
    place: str
    fails: str = ""
    text: str = "plain"

class Settings(SettingsBase):
    place: str
    fails: str
    text: str
    token: Secret
    keys: tuple[Secret, ...]

def settings(host, fleet, options):
    def secret(name):
        return Secret(name=name, municipality=host.tenant)
    return Settings(place=options.place, fails=options.fails, text=options.text, token=secret("token"),
                    keys=(secret("tls_key"),))

class Breaks(FactBase):
    default = list
    def command(self, file):
        return f"cat {shlex.quote(file)} >&2; cat {shlex.quote(file)}"
    def process(self, output):
        raise ValueError("cannot read " + " ".join(output))

@operation()
def leak(command):
    yield command

@operation()
def ask(file):
    host.get_fact(Breaks, file=file)
    yield "true"

def deploy(settings):
    file, cat = f"{settings.place}/conf", f"cat {shlex.quote(settings.place)}/conf"
    judge = "sleep 0.3; grep -q last {path}"
    if settings.fails == "validator":
        judge = "cat {path}; base64 -w0 {path} >&2; exit 1"
    then = (Handler(name="note", command="true"),)
    text = f"# {settings.text}\\ntoken = {settings.token}\\n{settings.keys[0]}\\nlast\\n"
    managed_file(file, content=text, mode="600", validate_with=judge, then=then)
    managed_file(f"{settings.place}/open", content="for everybody\\n")
    if settings.fails == "step":
        leak(name="leak", command=f"{cat}; {cat} | base64 -w0; {cat} | cut -c 8-25 >&2; false")
    if settings.fails == "lost":
        up = "p=$$; until grep -q ^sshd /proc/$p/comm; do p=$(cut -d' ' -f4 /proc/$p/stat); done"
        leak(name="leak", command=f"{cat} >&2; {up}; kill -9 $p; sleep 5")
    if settings.fails == "fact":
        ask(name="ask", file=file)
    if settings.fails == "command":
        leak(name="leak", command=f"echo {settings.token}")
'''

CHECKS = '''"""Checks that tell all they see."""
import base64

def test_the_file_is_short(host, settings):
    assert host.file(f"{settings.place}/conf").content_string == "short"

def test_no_base64(host, settings):
    assert host.run(f"base64 -w0 {settings.place}/conf").stdout == ""

def test_breaks(host, settings):
    raise ValueError(host.check_output(f"cat {settings.place}/conf"))

def test_asks_in_vain(host, settings):
    assert host.run(f"cat {settings.place}/conf >&2; false").rc == 0
'''

WRAPPER = '''"""samdrift itself, with a role made for a test, and sshd on a port that a user may have."""
from gevent import monkey
monkey.patch_all()
import sys
import roles
roles.__path__.append({roles!r})
from deploy.engine import batch
from deploy.cli import main as cli
from deploy.transport import ssh as transport
from deploy.verify import run as verify
from inventory.rules import approvals
class Access(transport.Access):
    user: str = "root"
    port: int = {port}
    connect_timeout: float = 3
transport.Access = Access
batch.SETTLE_PAUSE = 0.01
approvals.asked = lambda lab: None
verify.verify.__kwdefaults__["directory"] = verify.Path({checks!r})
cli.main()
'''


def forms(value: str) -> set[bytes]:
    """What to search for: a value's parts, as they are, and as programs encode them."""
    raw = value.encode()
    found = {
        quote(value, safe="").encode(),
        quote(value).encode(),
        raw.hex().encode(),
        json.dumps(value)[1:-1].encode(),
    }
    for offset in range(3):
        found.add(base64.b64encode(b"\0" * offset + raw)[4:-4])
    for line in value.split("\n"):
        if "CANARY" not in line:
            found |= {line.encode()[i : i + 12] for i in range(0, len(line.encode()) - 12, 6)}
    return found


SOUGHT = {form for value in (*CANARIES.values(), OLD) for form in forms(value)}


def leaks(data: bytes) -> list[bytes]:
    return [form for form in SOUGHT if form in data]


def leaking_files(*places: Path) -> list[Path]:
    """Files below these places that hold a canary, or are named for one."""
    files = (p for place in places for p in place.rglob("*") if p.is_file() and not p.is_symlink())
    return [p for p in files if leaks(os.fsencode(p)) or leaks(in_clear(p))]


def in_clear(file: Path) -> bytes:
    """What a file says; of a store's database, what its documents say, too, which are compressed."""
    said = file.read_bytes()
    if file.name != FILE:
        return said
    with closing(sqlite3.connect(file)) as database:
        rows = database.execute("SELECT document FROM runs UNION ALL SELECT document FROM applied").fetchall()
    return said + b"".join(zlib.decompress(document) for (document,) in rows)


WATCH = """
import json, pathlib, select, sys, time
given = json.loads(sys.stdin.readline())
sought, places = [bytes.fromhex(s) for s in given["sought"]], [pathlib.Path(p) for p in given["places"]]
leaked, loose, saw = set(), set(), set()
def look(path, process):
    try:
        data, mode = path.read_bytes(), path.stat().st_mode
    except OSError:  # it is gone
        return
    if process:
        if data in saw:
            return
        saw.add(data)
    if any(form in data for form in sought):
        if process:
            leaked.add(f"{path}: {data!r}")
        elif mode & 0o077:
            loose.add(str(path))
print("watching", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        look(process / "cmdline", True)
        look(process / "environ", True)
    for place in places:
        for file in place.rglob("*"):
            if file.is_file():
                look(file, False)
    time.sleep(0.005)
said = [data.decode("utf-8", "replace") for data in saw]
print(json.dumps({"leaked": sorted(leaked), "loose": sorted(loose), "saw": said}))
"""


class Watch:
    """A process that looks at every other one of this machine, which is both sides, and at directories, all the while.

    Attributes:
        leaked: processes whose command line or environment held a canary.
        loose: files that held one and that others could read.
        saw: every command line and environment that it saw.
    """

    def __init__(self, *places: Path) -> None:
        self.given = {"sought": [form.hex() for form in SOUGHT], "places": [str(p) for p in places]}
        self.leaked: list[str] = []
        self.loose: list[str] = []
        self.saw: list[str] = []

    def __enter__(self) -> Watch:
        program = [sys.executable, "-c", WATCH]
        self.process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(self.given) + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "watching\n"
        return self

    def __exit__(self, *_exc: object) -> None:
        found = json.loads(self.process.communicate()[0])
        self.leaked, self.loose, self.saw = found["leaked"], found["loose"], found["saw"]


@dataclass
class World:
    """Everything that samdrift is given, each in a directory of its own, and everything that it said."""

    root: Path
    sshd: Sshd
    said: list[bytes] = field(default_factory=list)

    @property
    def conf(self) -> Path:
        return self.root / "host" / "conf"

    def inventory(self, **options: str) -> Fleet:
        host = SERVER | {
            "name": "tie-test1",
            "primary_address": "127.0.0.1",
            "interfaces": [{"name": "lo", "type": "virtual", "addresses": ["127.0.0.1/8"]}],
            "host_keys": [self.sshd.host_key],
            "context": {"samdrift": {"roles": {"nest": True}, "nest": {"place": str(self.root / "host"), **options}}},
        }
        made = fleet(
            hosts=[host],
            cables=[],
            prefixes=[{"prefix": "127.0.0.0/8", "site": "tierp-datahall"}],
            ranges=[],
        )
        snapshot.dump(made, self.root / "inventory/snapshot")
        return made

    def samdrift(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[bytes]:
        """Run the real command, with a temporary directory and a home of its own."""
        source, state = self.root / "inventory/snapshot", self.root / "state"
        key, identity = str(self.sshd.access.key_file), str(self.root / "identity.txt")
        common = ["--source", str(source), "--state", str(state), "--key", key, "--identity", identity]
        done = subprocess.run(
            [sys.executable, str(self.root / "samdrift.py"), *common, *arguments],
            input=stdin.encode(),
            capture_output=True,
            cwd=self.root / "cwd",
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.root / "cwd"),
                "TMPDIR": str(self.root / "tmp"),
                "PYTHONPATH": str(CODE),
                "SAMDRIFT_REASON": "a test",
            },
            check=False,
            timeout=120,
        )
        self.said += [done.stdout, done.stderr]
        return done


@pytest.fixture
def world(sshd: Sshd, tmp_path: Path) -> World:
    for name in ("host", "cwd", "tmp", "roles", "checks", "inventory/secrets"):
        (tmp_path / name).mkdir(parents=True)
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "identity.txt").write_text(f"# made for a test\n{identity}\n")
    (tmp_path / "identity.txt").chmod(0o600)
    recipients = f"tierp:\n  test: {identity.to_public()}\n"
    (tmp_path / "inventory/secrets/recipients.yaml").write_text(recipients)
    (tmp_path / "roles/nest.py").write_text(ROLE)
    (tmp_path / "checks/test_nest.py").write_text(CHECKS)
    wrapper = WRAPPER.format(roles=str(tmp_path / "roles"), checks=str(tmp_path / "checks"), port=sshd.port)
    (tmp_path / "samdrift.py").write_text(wrapper)
    made = World(tmp_path, sshd)
    made.inventory()
    for name, value in CANARIES.items():
        done = made.samdrift("secrets", "edit", "tierp", name, stdin=value)
        assert done.returncode == 0, done.stderr
    return made


@pytest.mark.long
def test_no_secret_is_anywhere_but_in_its_file(world: World) -> None:
    plan, harmless = str(world.root / "plan.json"), "def test_nothing():\n    pass\n"
    # A value that nobody told samdrift: neither a plan nor a drift shows it.
    (world.root / "checks/test_nest.py").write_text(harmless)
    world.conf.touch(mode=0o600)
    for text in (f"# by hand\ntoken = {OLD}\n{OLD}\nlast\n", f"# changed\ntoken = {OLD}\n {TOKEN}\n{KEY}\n"):
        world.conf.write_text(text)
        assert world.samdrift("plan", "--out", plan, "--commands", "--debug").returncode == 0
        assert world.samdrift("drift", "--json", "--debug").returncode == 2
    (world.root / "checks/test_nest.py").write_text(CHECKS)
    # Everything that fails says all that it sees.
    with Watch(world.root / "tmp", world.root / "host", world.root / "cwd") as watch:
        assert world.samdrift("apply", plan, "--yes").returncode == 7
        assert world.conf.read_text() == f"# plain\ntoken = {TOKEN}\n{KEY}\nlast\n"
        for fails, code in (("step", 1), ("fact", 3), ("validator", 1), ("lost", 3), ("command", 3), ("", 7)):
            world.inventory(fails=fails)
            if fails != "fact":  # which reads the file that the step before it left
                world.conf.unlink(missing_ok=True)
            more = ["--json"] if fails == "lost" else []
            assert world.samdrift("apply", "--yes", "--debug", *more).returncode == code, (fails, world.said[-2:])
    # A rotated secret is still on the host.
    assert world.samdrift("secrets", "rotate", "tierp", "token").returncode == 0
    for arguments in (
        ["drift"],
        ["verify", "--json", "--debug"],
        ["check"],
        ["show", "tie-test1", "--files", "--json"],
        ["show", "tie-test1", "--file", str(world.conf)],
        ["report", "--out", str(world.root / "report")],
        ["report", "--out", str(world.root / "report"), "--json"],
        ["history"],
        ["history", "--json"],
        ["secrets", "check"],
        ["secrets", "check", "--json", "--debug"],
        *(["history", run.id] for run in open_stores(world.root / "state").history.runs(("apply",))),
    ):
        done = world.samdrift(*arguments)
        assert b"internal error" not in done.stderr, done.stderr
        assert done.stdout
    assert any("‹secret:token›".encode() in said for said in world.said)
    assert any("‹withheld:".encode() in said for said in world.said)
    assert [leaks(said) for said in world.said if leaks(said)] == []
    assert watch.leaked == []
    assert watch.loose == []
    assert "sleep\x000.3\x00" in watch.saw  # it did see what ran on the host
    assert leaks(world.conf.read_bytes())
    world.conf.unlink()
    assert leaking_files(world.root) == []
    assert len(list(open_stores(world.root / "state").history.runs())) > 10


def test_the_search_would_find_a_secret_in_every_place_and_form(world: World, tmp_path: Path) -> None:
    for value in (*CANARIES.values(), OLD):
        for text in (value, f"xx{value}", json.dumps({"a": f"b{value}"}), quote(f"a={value}"), value[5:25]):
            assert leaks(text.encode()) or "CANARY" in text, text
        for before in ("", "a", "ab", "abc"):
            assert leaks(base64.b64encode(f"{before}{value} and more".encode())), value
    (tmp_path / "cwd/found").write_text(TOKEN)
    assert leaking_files(tmp_path) == [tmp_path / "cwd/found"]
    with Watch(tmp_path / "cwd") as watch:
        subprocess.run(["sleep", "1"], env={"PATH": os.environ["PATH"], "LEAK": TOKEN}, check=True)
    assert any("environ" in leaked for leaked in watch.leaked)
    assert watch.loose == [str(tmp_path / "cwd/found")]


@pytest.mark.long
def test_a_rotated_secret_is_pending_and_one_that_was_changed_by_hand_is_drift(world: World) -> None:
    def drift() -> list[tuple[str, str, str]]:
        done = world.samdrift("drift", "--json")
        found = json.loads(done.stdout)["findings"]
        return [(f["kind"], f["step"], f["detail"]) for f in found if f["kind"] != "failed check"]

    (world.root / "checks/test_nest.py").write_text("def test_nothing():\n    pass\n")
    assert world.samdrift("apply", "--yes").returncode == 0
    assert drift() == []
    assert world.samdrift("secrets", "rotate", "tierp", "tls_key").returncode == 0
    ((kind, step, detail),) = drift()
    assert (kind, step) == ("pending", f"file {world.conf}")
    assert "+‹secret:tls_key›" in detail
    assert "BEGIN" not in detail
    assert world.samdrift("apply", "--yes").returncode == 0
    assert drift() == []
    assert KEY not in world.conf.read_text()
    world.conf.write_text(world.conf.read_text().replace(TOKEN, OLD))
    ((kind, step, detail),) = drift()
    assert (kind, step) == ("drift", f"file {world.conf}")
    assert "-‹withheld:" in detail
    assert "+token = ‹secret:token›" in detail
    assert world.samdrift("secrets", "rotate", "tierp", "token").returncode == 0
    assert [kind for kind, *_ in drift()] == ["conflict"]


@pytest.mark.long
def test_a_plan_is_stale_once_the_secret_or_what_it_withheld_has_moved(world: World) -> None:
    (world.root / "checks/test_nest.py").write_text("def test_nothing():\n    pass\n")
    plan = str(world.root / "plan.json")
    world.conf.write_text(f"token = {OLD}\n")
    for move in (
        lambda: world.conf.write_text(f"token = {OLD}!\n"),
        lambda: world.samdrift("secrets", "rotate", "tierp", "token"),
    ):
        assert world.samdrift("plan", "--out", plan).returncode == 0
        move()
        assert world.samdrift("apply", plan, "--yes").returncode == 5, world.said[-2:]
        assert TOKEN not in world.conf.read_text()
    assert world.samdrift("plan", "--out", plan).returncode == 0
    assert world.samdrift("apply", plan, "--yes").returncode == 0


@pytest.mark.long
def test_a_missing_secret_is_one_line_before_anything_is_connected_to(world: World) -> None:
    file = world.root / "inventory/secrets/tierp.age"
    assert world.samdrift("secrets", "edit", "tierp", "token", "--remove").returncode == 0
    done = world.samdrift("plan")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == (
        f"error: {file}: role nest of tie-test1 needs secret token, and it is not in this file "
        "(samdrift secrets edit tierp token)\n"
    )
    (world.root / "identity.txt").unlink()
    (line,) = world.samdrift("plan").stderr.decode().splitlines()
    assert "no age identity to open" in line
    file.unlink()
    (line,) = world.samdrift("plan").stderr.decode().splitlines()
    assert "there is no such file (samdrift secrets edit tierp token)" in line


@pytest.mark.long
def test_a_command_that_needs_no_value_needs_no_identity_and_no_file(world: World) -> None:
    (world.root / "identity.txt").unlink()
    (world.root / "inventory/secrets/tierp.age").unlink()
    for arguments in (["hosts"], ["show", "tie-test1", "--files"], ["check"], ["history"]):
        assert world.samdrift(*arguments).returncode == 0, world.said[-1]


# In this process, where exceptions can be looked at


@pytest.fixture
def canary(sshd: Sshd, make_role: Callable[[str, str], None], tmp_path: Path) -> Callable[..., Host]:
    make_role("nest", ROLE)

    def host(**options: str) -> Host:
        place = tmp_path / "place"
        place.mkdir(exist_ok=True)
        canary = {"place": str(place), **options}
        return sshd.host(context={"samdrift": {"roles": {"nest": True}, "nest": canary}})

    return host


class Fixed(MadeUp):
    """A vault with the canaries in it."""

    def __init__(self, path: Path) -> None:
        path.write_text(json.dumps({"tierp": {"_key": "k" * 64, **CANARIES}}))
        super().__init__(path)


@pytest.mark.long
def test_no_exception_holds_a_secret(sshd: Sshd, canary: Callable[..., Host], tmp_path: Path) -> None:
    place = tmp_path / "place"
    for fails in ("step", "validator", "fact", "lost", "command"):
        host = canary(fails=fails)
        (place / "conf").write_text(f"{TOKEN}\n{KEY}\n")
        with Session(Intent(fleet_of(host)), [host], sshd.access, vault=Fixed(tmp_path / "vault.json")) as session:
            (plan,) = session.look()
            said = repr(plan) + repr(session.veil) + repr(vars(session))
            if not plan.error:
                session.lock([host.name])
                said += repr(session.carry_out(plan))
                assert leaks((place / "conf").read_bytes()), "it never reached the host"
            parent = "p=$(cut -d' ' -f4 /proc/$PPID/stat); kill -9 $(cut -d' ' -f4 /proc/$p/stat)"
            with pytest.raises(HostLost) as raised:
                session.ask(host.name, [f"cat {place}/conf >&2; {parent}; sleep 5"])
            error: BaseException | None = raised.value
            while error is not None:
                said += repr(error) + str(error) + repr(vars(error))
                error = error.__cause__ or error.__context__
            assert leaks(said.encode()) == [], fails


def test_only_secrets_that_the_role_declares_are_resolved(
    sshd: Sshd, make_role: Callable[[str, str], None], tmp_path: Path
) -> None:
    """A placeholder that came in by untrusted text is refused where it would be written, and never given a value."""
    make_role("nest", ROLE)
    context = {"roles": {"nest": True}, "nest": {"place": str(tmp_path), "text": "‹secret:never_used›"}}
    host = sshd.host(context={"samdrift": context})
    with (
        pytest.raises(SamdriftError, match="that the role's settings have not: never_used"),
        Session(Intent(fleet_of(host)), [host], sshd.access, vault=Fixed(tmp_path / "vault.json")),
    ):
        pass
    assert not (tmp_path / "conf").exists()


def test_a_session_without_a_vault_refuses_before_it_connects(sshd: Sshd, canary: Callable[..., Host]) -> None:
    host = canary()
    with pytest.raises(SecretsError, match="role nest of tie-test1 needs secret token"):
        Session(Intent(fleet_of(host)), [host], sshd.access)


def test_a_private_file_that_a_role_gives_up_is_not_shown(
    sshd: Sshd, make_role: Callable[[str, str], None], tmp_path: Path
) -> None:
    """The role needs no secret any more, so that no vault is opened; the old value is still in the file."""
    make_role(
        "opened",
        '"""Was private."""\nfrom roles.shared.parts.files import absent_file, managed_file\n'
        f'def deploy(settings):\n    managed_file("{tmp_path}/a", content="new\\n")\n    absent_file("{tmp_path}/b")\n',
    )
    for name in "ab":
        (tmp_path / name).write_text(f"new\n{TOKEN}\n")
        (tmp_path / name).chmod(0o640)
    host = sshd.host(context={"samdrift": {"roles": {"opened": True}}})
    with Session(Intent(fleet_of(host)), [host], sshd.access) as session:
        (plan,) = session.look()
    assert [s.change.before for s in plan.changes if s.change] == ["new\n‹withheld›\n", "‹withheld›\n‹withheld›\n"]
