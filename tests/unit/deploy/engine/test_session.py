"""The engine on a real host: one look, exact plans, nothing phantom, and the same commands as stock pyinfra."""

import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from pyinfra.api import Config, Inventory, State
from pyinfra.api.connect import connect_all

from deploy.engine.declare import declarations
from deploy.engine.session import Session
from deploy.model.plan import HostPlan
from deploy.model.waivers import difference, waivers_of
from deploy.transport.ssh import Connection
from inventory.errors import InventoryError
from inventory.fleet import Fleet, Host
from inventory.waivers import Waiver
from roles.shared.intent import Intent
from tests.sshd import Sshd, fleet_of, parent_of
from tests.stock import our_commands, stock_commands

ROLE = '''"""A role of files, links and directories below one place."""
import shlex
from pyinfra.operations import files
from roles.shared.parts.files import absent_file, managed_file
from roles.shared.parts.handlers import Handler
from roles.shared.settings import Options as Base, Settings as SettingsBase

class Options(Base):
    place: str
    colour: str = "blue"

class Settings(SettingsBase):
    place: str
    colour: str

def settings(host, fleet, options):
    return Settings(place=options.place, colour=options.colour)

def deploy(settings):
    note = Handler(name="note", command=f"echo ran >> {shlex.quote(settings.place)}/handled")
    files.directory(name="directory", path=f"{settings.place}/d", mode="755")
    managed_file(f"{settings.place}/d/colour", content=f"colour {settings.colour}\\n",
                 validate_with="grep -q blue {path}", then=(note,))
    managed_file(f"{settings.place}/d/other", content="other\\n", mode="600", then=(note,))
    absent_file(f"{settings.place}/d/old")
    files.link(name="link", path=f"{settings.place}/l", target=f"{settings.place}/d")
    for n in range(30):
        managed_file(f"{settings.place}/d/many-{n:02}", content=f"{n}\\n")
'''


@pytest.fixture
def here(sshd: Sshd, make_role: Callable[[str, str], None], tmp_path: Path) -> tuple[Fleet, Host, Path]:
    make_role("paint", ROLE)
    place = tmp_path / "place with space"
    place.mkdir()
    host = sshd.host(context={"samdrift": {"roles": {"paint": True}, "paint": {"place": str(place)}}})
    return fleet_of(host), host, place


def look(sshd: Sshd, fleet: Fleet) -> HostPlan:
    with Session(Intent(fleet), fleet.hosts, sshd.access) as session:
        return session.look()[0]


def apply(sshd: Sshd, fleet: Fleet) -> None:
    with Session(Intent(fleet), fleet.hosts, sshd.access) as session:
        session.lock([h.name for h in session.hosts])
        outcome = session.carry_out(session.look()[0])
        assert not outcome.error, outcome


def stock(sshd: Sshd, fleet: Fleet, tmp_path: Path) -> dict[str, list[str]]:
    """What stock pyinfra computes, over its own SSH connector."""
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{sshd.port} {sshd.host_key}\n")
    data = {
        "ssh_hostname": "127.0.0.1",
        "ssh_port": sshd.port,
        "ssh_user": sshd.access.user,
        "ssh_key": str(sshd.access.key_file),
        "ssh_known_hosts_file": str(known),
    }
    state = State(Inventory(([(fleet.hosts[0].name, data)], {})), Config())
    connect_all(state)
    return stock_commands(state, fleet, fleet.hosts[0].name)


def empty(place: Path) -> None:
    """Nothing was ever applied."""


def drifted(place: Path) -> None:
    (place / "d/colour").write_text("colour red\n")
    (place / "d/many-07").unlink()
    (place / "d/other").chmod(0o644)
    (place / "d/old").touch()
    (place / "l").unlink()


@pytest.mark.long
@pytest.mark.parametrize("before", [empty, drifted, None])
def test_the_plan_is_command_for_command_what_stock_pyinfra_computes(
    sshd: Sshd, here: tuple[Fleet, Host, Path], tmp_path: Path, before: Callable[[Path], None] | None
) -> None:
    fleet, _, place = here
    if before is not empty:
        apply(sshd, fleet)
    if before is not None:
        before(place)
    ours = our_commands(look(sshd, fleet))
    assert ours == stock(sshd, fleet, tmp_path)
    assert any(ours.values()) is (before is not None)


@pytest.mark.long
def test_a_converged_host_has_no_changes_and_costs_at_most_three_execs(
    sshd: Sshd, here: tuple[Fleet, Host, Path]
) -> None:
    fleet, _, place = here
    apply(sshd, fleet)
    plan = look(sshd, fleet)
    assert plan.changes == ()
    assert plan.execs <= 3
    assert len(plan.steps) >= 35
    assert (place / "handled").read_text() == "ran\n"


@pytest.mark.long
def test_a_change_by_hand_is_planned_with_its_diff_and_its_handler_and_nothing_else(
    sshd: Sshd, here: tuple[Fleet, Host, Path]
) -> None:
    fleet, _, place = here
    apply(sshd, fleet)
    (place / "d/colour").write_text("colour blue\nby hand\n")
    plan = look(sshd, fleet)
    file, handler = plan.changes
    assert file.change is not None
    assert "-by hand" in file.change.diff
    assert (handler.handler, handler.name) == (True, "note")


@pytest.mark.long
def test_a_file_that_its_program_refuses_never_goes_live(
    sshd: Sshd, make_role: Callable[[str, str], None], here: tuple[Fleet, Host, Path]
) -> None:
    fleet, host, place = here
    apply(sshd, fleet)
    context = {"samdrift": {"roles": {"paint": True}, "paint": {"place": str(place), "colour": "red"}}}
    red = fleet_of(host.model_copy(update={"context": context}))
    with Session(Intent(red), red.hosts, sshd.access) as session:
        session.lock([h.name for h in session.hosts])
        outcome = session.carry_out(session.look()[0])
    assert outcome.failed_step == f"paint: file {place}/d/colour"
    assert (place / "d/colour").read_text() == "colour blue\n"
    assert sorted(p.name for p in (place / "d").iterdir() if p.name.startswith(".")) == []


def test_a_link_that_lies_where_the_candidate_goes_is_not_followed(
    sshd: Sshd, here: tuple[Fleet, Host, Path], tmp_path: Path
) -> None:
    fleet, _, place = here
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("not ours\n")
    (place / "d").mkdir()
    (place / "d/.colour.samdrift").symlink_to(elsewhere)
    apply(sshd, fleet)
    assert elsewhere.read_text() == "not ours\n"
    assert (place / "d/colour").read_text() == "colour blue\n"


def test_a_directory_that_could_not_be_read_in_time_is_told_and_not_taken_for_clean(
    sshd: Sshd, make_role: Callable[[str, str], None], tmp_path: Path
) -> None:
    make_role("owner", f'"""Owns."""\nOWNS = ("{tmp_path}",)\ndef deploy(settings):\n    pass\n')
    slow = tmp_path / "bin/find"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 30\n")
    slow.chmod(0o755)
    fleet = fleet_of(sshd.host(context={"samdrift": {"roles": {"owner": True}}}))
    access = sshd.access.model_copy(update={"fact_timeout": 0.5})
    with Session(Intent(fleet), fleet.hosts, access) as session:
        connection = session._connections["tie-test1"]
        assert isinstance(connection, Connection)
        run = connection.run
        connection.run = lambda command, **more: run(f"PATH={slow.parent}:$PATH {command}", **more)  # type: ignore[method-assign]  # a host whose find hangs
        (plan,) = session.look()
    assert [(u.kind, u.state) for u in plan.unmanaged] == [("file", "there was no answer in time")]


def test_what_nobody_declares_is_searched_for_by_a_look_and_not_again_while_the_host_is_changed(
    sshd: Sshd, make_role: Callable[[str, str], None], tmp_path: Path
) -> None:
    make_role("owner", f'"""Owns."""\nOWNS = ("{tmp_path}",)\ndef deploy(settings):\n    pass\n')
    (tmp_path / "stranger").write_text("x")
    fleet = fleet_of(sshd.host(context={"samdrift": {"roles": {"owner": True}}}))
    with Session(Intent(fleet), fleet.hosts, sshd.access) as session:
        (first,), (again,) = session.look(), session.look(["tie-test1"])
    assert ([u.path for u in first.unmanaged], again.unmanaged) == ([f"{tmp_path}/stranger"], ())
    assert first.fingerprint == again.fingerprint


@pytest.mark.long
def test_a_handler_owed_by_a_run_that_died_is_paid_by_the_next(sshd: Sshd, here: tuple[Fleet, Host, Path]) -> None:
    fleet, _, place = here
    apply(sshd, fleet)
    (place / "d/other").unlink()
    with Session(Intent(fleet), fleet.hosts, sshd.access) as session:
        plan = session.look()[0]
        files_only = plan.model_copy(update={"steps": tuple(s for s in plan.steps if not s.handler)})
        session.lock([plan.host])
        session.carry_out(files_only)  # and the run dies before its handlers
    owed = look(sshd, fleet).changes
    assert [s.name for s in owed] == ["note"]
    apply(sshd, fleet)
    assert look(sshd, fleet).changes == ()
    assert (place / "handled").read_text() == "ran\nran\n"


@pytest.mark.long
def test_apply_sends_exactly_the_planned_commands_though_they_would_be_others_now(
    sshd: Sshd, here: tuple[Fleet, Host, Path]
) -> None:
    fleet, _, place = here
    with Session(Intent(fleet), fleet.hosts, sshd.access) as session:
        plan = session.look()[0]
        (place / "d").mkdir()  # the step that makes it would do nothing any more
        session.lock([plan.host])
        outcome = session.carry_out(plan)
    assert outcome.done == tuple(step.id for step in plan.changes)
    assert (place / "d/many-00").read_text() == "0\n"


def test_a_hung_fact_makes_the_host_unknown_in_time_and_not_changed(
    sshd: Sshd, make_role: Callable[[str, str], None]
) -> None:
    make_role(
        "slow",
        '"""Hangs."""\nfrom roles.shared.parts.files import managed_file\nfrom roles.shared.parts import files\n'
        "from pyinfra.api import operation\nfrom pyinfra.api.facts import FactBase\nfrom pyinfra import host\n"
        "class Hang(FactBase):\n    def command(self): return 'sleep 60'\n"
        "@operation()\ndef hang():\n    host.get_fact(Hang)\n    yield 'echo never'\n"
        "def deploy(settings):\n    hang(name='hang')\n",
    )
    slow = sshd.host(context={"samdrift": {"roles": {"slow": True}}})
    access = sshd.access.model_copy(update={"fact_timeout": 0.5})
    started = time.monotonic()
    with Session(Intent(fleet_of(slow)), [slow], access) as session:
        plan = session.look()[0]
    assert "did not answer in time: sleep 60" in plan.error
    assert plan.changes == ()
    assert time.monotonic() - started < 10


def test_a_host_that_dies_while_it_is_planned_is_unknown_and_the_others_finish(
    sshd: Sshd, here: tuple[Fleet, Host, Path], make_role: Callable[[str, str], None]
) -> None:
    _, host, _ = here
    kill = f"kill -9 {parent_of(parent_of('$PPID'))}"
    make_role(
        "deadly",
        '"""Kills the sshd session that looks at it."""\n'
        "from pyinfra.api import operation\nfrom pyinfra.api.facts import FactBase\nfrom pyinfra import host\n"
        "class Die(FactBase):\n"
        f"    def command(self): return {kill!r}\n"
        "@operation()\ndef die():\n    host.get_fact(Die)\n    yield 'echo phantom'\n"
        "def deploy(settings):\n    die(name='die')\n",
    )
    dying = sshd.host("tie-test2", context={"samdrift": {"roles": {"deadly": True}}})
    both = fleet_of(host, dying)
    with Session(Intent(both), both.hosts, sshd.access) as session:
        plans = {p.host: p for p in session.look()}
    assert (plans[host.name].error, bool(plans[host.name].changes)) == ("", True)
    error = plans["tie-test2"].error
    assert any(words in error for words in ("died in the middle", "lost", "signal KILL"))
    assert plans["tie-test2"].changes == ()


def test_an_unreachable_host_is_unknown_and_the_reachable_one_is_planned(
    sshd: Sshd, here: tuple[Fleet, Host, Path]
) -> None:
    host = here[1]
    away = sshd.host("tie-away1", host_keys=("ssh-ed25519 AAAA",))
    both = fleet_of(host, away)
    with Session(Intent(both), both.hosts, sshd.access) as session:
        plans = {p.host: p for p in session.look()}
    assert plans["tie-away1"].error
    assert plans[host.name].changes


def test_what_one_hosts_answers_provoke_is_its_own_affair(
    sshd: Sshd, here: tuple[Fleet, Host, Path], make_role: Callable[[str, str], None], tmp_path: Path
) -> None:
    make_role(
        "puzzled",
        '"""A fact that cannot make sense of what it reads, and a path that is of another kind."""\n'
        "from pyinfra.api import operation\nfrom pyinfra.api.facts import FactBase\nfrom pyinfra import host\n"
        "from pyinfra.operations import files\n"
        "from roles.shared.settings import Options as Base, Settings as SettingsBase\n"
        "class Options(Base):\n    path: str = ''\n"
        "class Settings(SettingsBase):\n    path: str\n"
        "def settings(host, fleet, options):\n    return Settings(path=options.path)\n"
        "class Odd(FactBase):\n    def command(self): return 'echo one'\n"
        "    def process(self, output): return output[7]\n"
        "@operation()\ndef odd():\n    host.get_fact(Odd)\n    yield 'echo never'\n"
        "def deploy(settings):\n"
        "    files.directory(name='directory', path=settings.path) if settings.path else odd(name='odd')\n",
    )
    (tmp_path / "file").touch()
    odd = sshd.host("tie-odd1", context={"samdrift": {"roles": {"puzzled": True}}})
    wrong = {"samdrift": {"roles": {"puzzled": True}, "puzzled": {"path": str(tmp_path / "file")}}}
    of_another_kind = sshd.host("tie-odd2", context=wrong)
    fleet = fleet_of(here[1], odd, of_another_kind)
    with Session(Intent(fleet), fleet.hosts, sshd.access) as session:
        plans = {p.host: p for p in session.look()}
    assert "IndexError" in plans["tie-odd1"].error
    assert plans["tie-odd2"].error
    assert (plans[here[1].name].error, bool(plans[here[1].name].changes)) == ("", True)


def test_options_for_a_role_that_there_is_not_are_found_before_anything_is_connected_to(sshd: Sshd) -> None:
    host = sshd.host("tie-a1", context={"samdrift": {"bsae": {"admins": {}}}})
    with pytest.raises(InventoryError, match=r"host tie-a1, config context samdrift\.bsae"):
        Session(Intent(fleet_of(host)), [host], sshd.access)


def test_all_wrong_settings_are_told_at_once_before_anything_is_connected_to(
    sshd: Sshd, make_role: Callable[[str, str], None], here: tuple[Fleet, Host, Path]
) -> None:
    first = sshd.host("tie-a1", context={"samdrift": {"roles": {"paint": True}, "paint": {"place": 7}}})
    second = sshd.host("tie-b1", context={"samdrift": {"roles": {"nonsense": True}}})
    with pytest.raises(InventoryError) as e:
        Session(Intent(fleet_of(first, second)), [first, second], sshd.access)
    said = str(e.value)
    assert "host tie-a1, config context samdrift.paint.place" in said
    assert "host tie-b1, config context samdrift.roles" in said


def test_a_settings_text_full_of_shell_does_no_harm(sshd: Sshd, here: tuple[Fleet, Host, Path], tmp_path: Path) -> None:
    host = here[1]
    place = tmp_path / "$(touch pwned); `touch pwned` ' \" {{ 7*7 }}"
    place.mkdir()
    context = {"samdrift": {"roles": {"paint": True}, "paint": {"place": str(place)}}}
    fleet = fleet_of(host.model_copy(update={"context": context}))
    plan = look(sshd, fleet)
    assert plan.error == ""
    assert not list(tmp_path.rglob("pwned"))
    assert not Path("pwned").exists()


def test_declared_files_are_known_without_a_connection(here: tuple[Fleet, Host, Path]) -> None:
    fleet, host, place = here
    files = declarations(host, Intent(fleet))[0]
    assert len(files) == 32
    assert files[0].path == f"{place}/d/colour"


@pytest.fixture(autouse=True)
def _pay_debts(sshd: Sshd) -> Iterator[None]:
    """These tests run against one host: what a handler left owed goes with the test."""
    yield
    (sshd.directory / "lib/samdrift/owed/note").unlink(missing_ok=True)


@pytest.mark.long
def test_what_a_waiver_accepts_is_left_as_it_is_and_owes_no_handler(sshd: Sshd, here: tuple[Fleet, Host, Path]) -> None:
    fleet, host, place = here
    apply(sshd, fleet)
    (place / "d/colour").write_text("colour blue, and by hand\n")
    (place / "handled").unlink()
    (by_hand,) = look(sshd, fleet).changes[:1]
    waiver = Waiver(
        name="w",
        hosts=host.name,
        role="paint",
        step=by_hand.name,
        seen=(difference(by_hand),),
        owner="anna",
        reason="until it is moved",
        until=date(2099, 1, 1),
    )
    waivers = waivers_of([waiver], fleet, date(2026, 11, 29))

    with Session(Intent(fleet), fleet.hosts, sshd.access, waivers=waivers) as session:
        (plan,) = session.look()
        assert (plan.changes, [s.name for s in plan.held]) == ((), [by_hand.name])
        (place / "d/many-03").write_text("x\n")
        (place / "d/other").write_text("x\n")
        (plan,) = session.look()
        assert [s.handler for s in plan.changes] == [False, False, True]
        session.lock([host.name])
        assert not session.carry_out(plan).error

    assert (place / "d/colour").read_text() == "colour blue, and by hand\n"
    assert (place / "d/other").read_text() == "other\n"
    assert (place / "handled").read_text() == "ran\n"
