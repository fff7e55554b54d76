"""When a look has a certificate signed, and what its plan says: asked of a real key and real certificates."""

from __future__ import annotations

import getpass
import grp
import os
import subprocess
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from deploy.engine.connector import Connector
from deploy.engine.declare import register
from deploy.engine.planned import step_of
from deploy.model.plan import Sign, Step
from deploy.transport.rounds import Rounds
from deploy.transport.ssh import Answer
from inventory.fleet import Fleet
from inventory.snapshot import load
from roles.netbox import CERTIFICATE, TLS
from roles.shared.certificates import signed
from roles.shared.intent import Intent
from roles.shared.parts.veil import UNVEILED
from tests.unit.roles.shared.certificates import Authority, Machine

HOST = "tie-netbox1"
NOW = datetime.now(UTC) + timedelta(minutes=30)
TODAY = NOW.date()


@pytest.fixture(scope="module")
def fleet(ours: Authority) -> Fleet:
    """The shipped fleet, with this authority."""
    fleet = load()
    host = fleet.host(HOST)
    samdrift = {**host.samdrift, "base": {**host.samdrift["base"], "authorities": [ours.pem]}}
    changed = host.model_copy(update={"context": {"samdrift": samdrift}})
    return fleet.model_copy(update={"hosts": tuple(changed if h.name == HOST else h for h in fleet.hosts)})


def looked(fleet: Fleet, directory: Path, today: date = TODAY) -> Step:
    """The step of NetBox's certificate, of a host whose key and certificate are in this directory, and root's."""
    host = fleet.host(HOST)
    mine = f"{getpass.getuser()} {grp.getgrgid(os.getgid()).gr_name}"

    def ask(commands: Sequence[str]) -> list[Answer]:
        return [answer(command.replace(TLS.directory, str(directory))) for command in commands]

    def answer(command: str) -> Answer:
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
        return Answer(rc=done.returncode, stdout=done.stdout.replace(f"file {mine}", "file root root"), stderr="")

    declared = register([host], {HOST: Intent(fleet).settings(host, ["netbox"])}, today=today)[HOST]
    (operation,) = (o for o in declared.operations if o.name == f"certificate {CERTIFICATE}")
    commands = []
    connector = declared.connector
    assert isinstance(connector, Connector)
    connector.command_timeout, connector.rounds = 60, Rounds(ask)
    connector.rounds.run([lambda: commands.extend(declared.evaluate(operation))])
    return step_of(operation, commands, UNVEILED)


def given(ours: Authority, fleet: Fleet, directory: Path) -> Machine:
    """A host with a key, and with the certificate that a first apply gave it."""
    machine = Machine.made(directory)
    machine.key.rename(directory / "netbox.key")
    order = sign_of(looked(fleet, directory)).order
    request = subprocess.run(
        ["sh", "-c", sign_of(looked(fleet, directory)).request.replace(TLS.directory, str(directory))],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (directory / "netbox.crt").write_text(signed(request, order, ours.key, NOW), encoding="ascii")
    (directory / "netbox.crt").chmod(0o644)
    return machine


def sign_of(step: Step) -> Sign:
    (sign,) = (c for c in step.commands if isinstance(c, Sign))
    return sign


def test_a_host_without_a_key_gets_a_certificate_of_the_key_that_it_will_make(fleet: Fleet, tmp_path: Path) -> None:
    step = looked(fleet, tmp_path)
    assert sign_of(step).order.key == ""
    assert step.change is not None
    assert step.change.before is None
    assert "key that the host makes" in (step.change.after or "")


def test_what_was_signed_is_as_wanted_and_two_looks_say_the_same(ours: Authority, fleet: Fleet, tmp_path: Path) -> None:
    given(ours, fleet, tmp_path)
    assert looked(fleet, tmp_path).commands == ()
    (tmp_path / "netbox.crt").unlink()
    assert looked(fleet, tmp_path) == looked(fleet, tmp_path)


def test_when_its_day_has_come_it_is_due_and_nobody_is_said_to_have_changed_it(
    ours: Authority, fleet: Fleet, tmp_path: Path
) -> None:
    given(ours, fleet, tmp_path)
    day = TODAY + timedelta(days=61)
    step = looked(fleet, tmp_path, day)
    assert sign_of(step).order.key
    assert step.change is not None
    assert step.change.due
    assert looked(fleet, tmp_path, day) == step
    assert looked(fleet, tmp_path, TODAY + timedelta(days=58)).commands == ()


def test_what_somebody_changed_is_not_said_to_be_due(ours: Authority, fleet: Fleet, tmp_path: Path) -> None:
    given(ours, fleet, tmp_path)
    file = tmp_path / "netbox.crt"
    whole = file.read_text(encoding="ascii")
    for text, mode in ((whole.partition("-----END")[0], 0o644), (whole, 0o666), (whole + whole, 0o644), ("", 0o644)):
        file.write_text(text, encoding="ascii")
        file.chmod(mode)
        step = looked(fleet, tmp_path, TODAY + timedelta(days=61))
        assert step.change is not None
        assert (step.change.due, bool(step.commands)) == (False, True)


def test_a_certificate_that_people_put_there_is_shown_for_what_it_is_before_it_is_replaced(
    ours: Authority, fleet: Fleet, tmp_path: Path
) -> None:
    given(ours, fleet, tmp_path)
    theirs = Authority.made(tmp_path, name="theirs", subject="/CN=A public authority")
    (tmp_path / "netbox.crt").write_text(theirs.pem, encoding="ascii")
    step = looked(fleet, tmp_path)
    assert step.change is not None
    assert "-signed by CN=A public authority" in step.change.diff
    assert "+signed by CN=Servers,O=Norra" in step.change.diff


def test_the_key_may_be_another_on_the_next_day_and_gets_a_certificate_of_its_own(
    ours: Authority, fleet: Fleet, tmp_path: Path
) -> None:
    given(ours, fleet, tmp_path)
    before = sign_of(looked(fleet, tmp_path, TODAY + timedelta(days=61))).order.key
    Machine.made(tmp_path).key.rename(tmp_path / "netbox.key")
    after = sign_of(looked(fleet, tmp_path)).order.key
    assert after not in {"", before}
