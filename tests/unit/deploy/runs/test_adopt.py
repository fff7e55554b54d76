"""Adopting a server that runs and is in no inventory: what is proposed, and what each role would end."""

from __future__ import annotations

import dataclasses
import http.server
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from pathlib import Path

import pytest

from deploy.model.adoption import Adoption
from deploy.runs import invocation
from deploy.runs.adopt import Adopted, NotLookedAt, adopt
from deploy.runs.applying import apply
from deploy.runs.commands import drift, plan
from deploy.runs.invocation import Invocation
from deploy.runs.recording import Recording
from inventory import rules, snapshot
from inventory.errors import InventoryError, UsageError
from inventory.fleet import Fleet, Host, Interface
from inventory.organisation import Cluster, ConfigContext, DeviceRole, Named
from roles.shared.intent import Intent
from tests.sshd import Sshd, fleet_of
from tests.unit.deploy.runs.test_runs import run_of

ROLE = '''"""A role that closes ports, and writes a file."""
from roles.shared.parts.files import absent_file, managed_file
from roles.shared.settings import Options as Base, Settings as SettingsBase
from roles.shared.survey import Loss

class Options(Base):
    kept: tuple[int, ...] = ()

class Settings(SettingsBase):
    kept: tuple[int, ...]

def settings(host, fleet, options):
    return Settings(kept=options.kept)

def adopts(settings, survey):
    return {"kept": sorted(s.port for s in survey.open_ports)}

def loses(settings, survey):
    return tuple(Loss(kind="port", what=f"{s.what} is shut") for s in survey.open_ports if s.port not in settings.kept)

def deploy(settings):
    managed_file("PLACE/config", content="ours\\n")
    absent_file("PLACE/old")
'''

NEEDS = '''"""A role that lacks an option."""
from roles.shared.settings import SettingsError, Settings

def settings(host, fleet, options):
    raise SettingsError("there is no upstream", field="config context samdrift.needs.upstream", fix="name one")

def deploy(settings):
    pass
'''


@pytest.fixture
def run(sshd: Sshd, make_role: Callable[[str, str], None], tmp_path: Path) -> Invocation:
    """A fleet that does not have the host, and a place on the host with two files of somebody's."""
    (tmp_path / "config").write_text("theirs\nby hand\n")
    (tmp_path / "old").write_text("used\n")
    make_role("shutter", ROLE.replace("PLACE", str(tmp_path)))
    make_role("needs", NEEDS)
    kinds = {
        "device_roles": (DeviceRole(slug="server", name="Server"),),
        "cluster_types": (Named(slug="kvm", name="KVM"),),
        "clusters": (Cluster(slug="tierp", name="Tierp", type="kvm"),),
    }
    fleet = fleet_of().model_copy(update=kinds)
    return dataclasses.replace(run_of(), command="adopt", intent=Intent(fleet), hosts=(), access=sshd.access)


@pytest.fixture
def host(sshd: Sshd) -> Host:
    loopback = Interface.model_validate({"name": "lo0", "type": "virtual", "addresses": ["127.0.0.1/8"]})
    return sshd.host("tie-web7", cluster="tierp", interfaces=(loopback,))


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[int]:
    """A program of somebody's that listens at a port which others can reach."""
    files = partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("0.0.0.0", 0), files) as server:  # noqa: S104
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def judged(made: Adoption, role: str) -> dict[str, list[str]]:
    (found,) = (r for r in made.roles if r.role == role)
    return {"changes": [s.name for s in found.changes], "losses": [x.what for x in found.losses]}


def test_a_server_in_no_inventory_is_judged_role_by_role(
    run: Invocation, host: Host, listener: int, tmp_path: Path
) -> None:
    made = adopt(run, host, ["shutter", "needs"]).adoption

    assert not made.known
    assert judged(made, "shutter")["changes"] == [f"file {tmp_path}/config", f"no file {tmp_path}/old"]
    assert judged(made, "shutter")["losses"] == [
        f"{tmp_path}/config loses: theirs; by hand",
        f"{tmp_path}/old is removed",
    ], "the port is kept by what is proposed"
    (needs,) = (r for r in made.roles if r.role == "needs")
    assert "there is no upstream" in needs.unjudged[0]
    assert any(f"{listener}/tcp" in line for line in made.seen)
    assert (tmp_path / "config").read_text() == "theirs\nby hand\n"
    assert (tmp_path / "old").exists()


def test_the_proposal_is_a_sound_inventory_by_which_the_plan_says_the_same(
    run: Invocation, host: Host, listener: int, tmp_path: Path
) -> None:
    adopted = adopt(run, host, ["shutter"])

    snapshot.dump(adopted.fleet, tmp_path / "proposal")
    kept = snapshot.read(tmp_path / "proposal").fleet
    assert kept.digest == adopted.fleet.digest
    assert set(rules.problems(kept)) <= set(rules.problems(run.fleet))
    added = kept.host("tie-web7")
    assert listener in added.samdrift["shutter"]["kept"]
    assert listener in {port for s in added.services for port in s.ports}
    made, _ = plan(dataclasses.replace(run, intent=Intent(kept), hosts=(added,)), detailed=False)
    assert [s.name for s in made.hosts[0].changes] == judged(adopted.adoption, "shutter")["changes"]


def test_what_the_host_is_asked_writes_nothing_and_stands_in_the_answer(
    run: Invocation, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # Python's own cache of the test's roles is no host's
    before = subprocess.run(["ls", "-lR", "--full-time", tmp_path], capture_output=True, text=True, check=True).stdout
    made = adopt(run, host, ["shutter"]).adoption
    after = subprocess.run(["ls", "-lR", "--full-time", tmp_path], capture_output=True, text=True, check=True).stdout

    assert after == before
    assert "ss -H -ltnup" in made.asked


def test_a_host_with_another_key_is_not_looked_at(run: Invocation, host: Host) -> None:
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKlwf356ynlCcL7IV/q87443vtb/rwd3ZD2diwAAfpe4"
    with pytest.raises(NotLookedAt, match="is not the one in the inventory") as e:
        adopt(run, host.model_copy(update={"host_keys": (other,)}), ["shutter"])
    assert e.value.exit_code == 3


def test_another_system_than_was_said_is_refused(run: Invocation, host: Host) -> None:
    with pytest.raises(UsageError, match="it is debian-12, and no debian-13"):
        adopt(run, host.model_copy(update={"platform": "debian-13"}), ["shutter"])


def test_an_address_that_another_host_has_is_refused(run: Invocation, host: Host) -> None:
    """The same machine under a new name: a second object of it would be managed twice."""
    twin = host.model_copy(update={"name": "tie-web1"})
    fleet = run.fleet.model_copy(update={"hosts": (twin,)})
    with pytest.raises(InventoryError) as e:
        adopt(dataclasses.replace(run, intent=Intent(fleet)), host, ["shutter"])
    assert any("tie-web1" in p.what for p in e.value.problems)


def test_a_look_that_fails_for_one_role_says_so_of_that_role_alone(
    run: Invocation, host: Host, make_role: Callable[[str, str], None]
) -> None:
    make_role(
        "puzzled",
        '"""A role whose question has no answer that can be read."""\n'
        "from pyinfra import host\nfrom pyinfra.api import FactBase, operation\n\n\n"
        "class Number(FactBase):\n    def command(self):\n        return 'echo many'\n\n"
        "    def process(self, output):\n        return int(output[0])\n\n\n"
        "@operation()\ndef count():\n    yield f'true {host.get_fact(Number)}'\n\n\n"
        "def deploy(settings):\n    count(name='count')\n",
    )
    made: Adopted = adopt(run, host, ["shutter", "puzzled"])
    (puzzled,) = (r for r in made.adoption.roles if r.role == "puzzled")
    assert "cannot be understood" in puzzled.unjudged[0]
    assert len(judged(made.adoption, "shutter")["changes"]) == 2


def test_without_roles_named_those_that_such_hosts_have_are_judged(run: Invocation, host: Host) -> None:
    def like(name: str, **roles: bool) -> Host:
        update = {
            "name": name,
            "interfaces": (),
            "primary_address": None,
            "host_keys": (),
            "context": {"samdrift": {"roles": roles}},
        }
        return host.model_copy(update=update)

    fleet = run.fleet.model_copy(
        update={"hosts": (like("tie-a1", shutter=True, needs=True), like("tie-b1", shutter=True))}
    )
    made = adopt(dataclasses.replace(run, intent=Intent(Fleet.model_validate(fleet))), host).adoption
    assert [r.role for r in made.roles] == ["shutter"]


def test_a_role_is_judged_alone_and_the_others_that_the_host_is_given_stay_proposed(
    run: Invocation, host: Host, make_role: Callable[[str, str], None]
) -> None:
    make_role("quiet", '"""A role that does nothing."""\n\n\ndef deploy(settings):\n    pass\n')
    roles = {"samdrift": {"roles": {"shutter": True, "quiet": True}}}
    context = ConfigContext(name="servers", device_roles=("server",), data=roles)
    fleet = run.fleet.model_copy(update={"config_contexts": (context,)})
    made = adopt(dataclasses.replace(run, intent=Intent(fleet)), host, ["quiet"])
    assert [r.role for r in made.adoption.roles] == ["quiet"]
    assert made.fleet.host("tie-web7").roles == ("quiet", "shutter")
    assert made.fleet.host("tie-web7").local_context["samdrift"].keys() == {"shutter"}, "what keeps the ports"


def test_a_role_that_changes_nothing_ends_nothing(
    run: Invocation, host: Host, listener: int, make_role: Callable[[str, str], None]
) -> None:
    """What it shuts out is shut out already: on a host that is in sync, nothing is to be lost."""
    source = ROLE.split("def deploy", maxsplit=1)[0].replace("sorted(s.port for s in survey.open_ports)", "[]")
    make_role("in_force", f"{source}\ndef deploy(settings):\n    pass\n")
    made = adopt(run, host, ["in_force"]).adoption
    assert judged(made, "in_force") == {"changes": [], "losses": []}
    assert any(str(listener) in line for line in made.seen)


@pytest.mark.long
def test_from_no_inventory_to_in_sync_one_role_after_the_other_and_nothing_else_is_lost(  # noqa: PLR0917  fixtures
    run: Invocation,
    host: Host,
    listener: int,
    make_role: Callable[[str, str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_role("later", ROLE.replace("PLACE", f"{tmp_path}/later"))
    (tmp_path / "later").mkdir()
    monkeypatch.setattr(invocation, "run_checks", lambda *_, **__: ())
    snapshot.dump(adopt(run, host, ["shutter", "later"]).fleet, tmp_path / "proposal")
    fleet = snapshot.read(tmp_path / "proposal").fleet
    added = fleet.host("tie-web7")

    for minute, role in enumerate(("shutter", "later")):
        about = dataclasses.replace(run, command="apply", intent=Intent(fleet), hosts=(added,), only_roles=(role,))
        record = apply(
            dataclasses.replace(about, started=f"2026-11-28T20:0{minute}:00.000Z", recording=Recording()),
            lambda _plan: None,
        )
        assert [h.outcome for h in record.hosts] == ["changed"]
        assert (tmp_path / "later" / "config").exists() is (role == "later")

    whole = dataclasses.replace(run, intent=Intent(fleet), hosts=(added,))
    assert drift(dataclasses.replace(whole, started="2026-11-28T20:03:00.000Z", recording=Recording())).findings == ()
    assert adopt(whole, added).adoption.losses == ()
    with urllib.request.urlopen(f"http://127.0.0.1:{listener}/config", timeout=5) as answer:
        assert answer.status == HTTPStatus.OK
