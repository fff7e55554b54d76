"""An apply that is cut off from its host, wherever it is, leaves a record; and the next one leaves nothing half done.

Between samdrift and a real sshd stands a relay, which can fall silent, or reset what goes through it; or the sessions
that sshd has are killed.
"""

from __future__ import annotations

import dataclasses
import random
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from os import kill
from pathlib import Path
from typing import Literal

import gevent
import pytest
from gevent import socket
from gevent.server import StreamServer

from deploy.model import clock
from deploy.model.findings import Exit
from deploy.model.observer import Quiet
from deploy.model.record import Record
from deploy.runs import commands, invocation
from deploy.runs.applying import apply
from deploy.runs.evidence import verify_history
from deploy.runs.invocation import Invocation
from deploy.runs.recording import Recording
from deploy.store.opening import open_stores
from roles.shared.intent import Intent
from tests.applying import AtMoment, until
from tests.sshd import Sshd, fleet_of
from tests.unit.deploy.runs.test_evidence import OF_A_PLACE, approved
from tests.unit.deploy.runs.test_runs import run_of

FILES = f"""{OF_A_PLACE}
from roles.shared.parts.handlers import Handler

def deploy(settings):
    read = Handler(name="read", command=f"cp {{settings.place}}/c {{settings.place}}/c.read")
    for name in "abcd":
        is_door = name == "c"
        managed_file(f"{{settings.place}}/{{name}}", content=name + "\\n", guarded=is_door, then=(read,) * is_door)
"""
"""Writes files below a place, of which one could cut its host off."""
ALL = {"a": "a\n", "b": "b\n", "c": "c\n", "c.read": "c\n", "d": "d\n"}
SECONDS = 4.0
"""After which the host puts itself back."""
MOMENTS = 24
"""About how many an apply of these files has."""

Way = Literal["silent", "reset", "sshd"]


class Relay:
    """What lies between samdrift and the host."""

    def __init__(self, sshd: Sshd) -> None:
        self._sshd = sshd
        self._through: list[socket.socket] = []
        self._silent = self._shut = False
        self._server = StreamServer(("127.0.0.1", 0), self._relay)
        self._server.start()

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def cut(self, way: Way) -> None:
        """Cut everything that goes through, and whatever comes from now on."""
        self._silent, self._shut = way == "silent", way != "silent"
        if way == "sshd":
            for session in _below(self._sshd.process.pid):
                with suppress(ProcessLookupError):
                    kill(session, signal.SIGKILL)
        if way == "reset":
            self._end_all()

    def mend(self) -> None:
        self._silent = self._shut = False
        self._end_all()

    def stop(self) -> None:
        self._end_all()
        self._server.stop()

    def _end_all(self) -> None:
        for end in self._through:
            end.close()
        self._through.clear()

    def _relay(self, near: socket.socket, _address: object) -> None:
        if self._shut:
            near.close()
            return
        far = socket.create_connection(("127.0.0.1", self._sshd.port))
        self._through += [near, far]
        gevent.joinall([gevent.spawn(self._pass, near, far), gevent.spawn(self._pass, far, near)], count=1)
        near.close()
        far.close()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                while self._silent:
                    gevent.sleep(0.05)
                other.sendall(data)


def _below(process: int) -> list[int]:
    """The processes that descend from this one."""
    children = [int(p) for p in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return children + [p for child in children for p in _below(child)]


class World:
    """One host, what lies before it, and the store."""

    def __init__(self, sshd: Sshd, run: Invocation, relay: Relay, place: Path, state: Path) -> None:
        self.sshd, self.run, self.relay, self.place, self.state = sshd, run, relay, place, state
        self._gone: tuple[str, ...] = ()

    def made(self, observer: Quiet, command: str = "apply") -> Invocation:
        return dataclasses.replace(
            self.run,
            command=command,
            stores=open_stores(self.state),
            observer=observer,
            recording=Recording(reason="a test"),
            started=clock.now(),
            take_over=self._gone,
        )

    def apply(self, observer: Quiet) -> Record:
        record = apply(self.made(observer), approved)
        self._gone = (*self._gone, record.id)  # where the host was cut off, its lock may still be there
        return record

    def cut_at(self, moment: int, way: Way) -> None:
        """Apply, and be cut off at this moment for a while."""

        mending: list[gevent.Greenlet[[], None]] = []

        def cut() -> None:
            self.relay.cut(way)
            mending.append(gevent.spawn_later(SECONDS / 2, self.relay.mend))

        self.apply(AtMoment(moment, cut))
        gevent.killall(mending)  # or it would end what the next one has
        self.relay.mend()

    @property
    def files(self) -> dict[str, str]:
        return {p.name: p.read_text() for p in self.place.iterdir()}

    def is_whole(self) -> bool:
        plan, _ = commands.plan(self.made(Quiet(), "plan"), detailed=False)
        return self.files == ALL and [h.error or len(h.changes) for h in plan.hosts] == [0]


@pytest.fixture
def world(
    sshd: Sshd, make_role: Callable[[str, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    make_role("files", FILES)
    monkeypatch.setattr(invocation, "run_checks", lambda *_, **__: ())
    place = tmp_path / "place"
    place.mkdir()
    options = {"roles": {"files": True}, "files": {"place": str(place)}}
    fleet = fleet_of(sshd.host(context={"samdrift": options}))
    relay = Relay(sshd)
    times = {"connect_timeout": 2, "command_timeout": 2, "fact_timeout": 2, "look_timeout": 3, "guard_seconds": SECONDS}
    access = sshd.access.model_copy(update={"port": relay.port, **times})
    run = dataclasses.replace(run_of(), intent=Intent(fleet), hosts=fleet.hosts, access=access)
    yield World(sshd, run, relay, place, tmp_path / "state")
    relay.stop()
    for left in ("lib", "run"):  # the sshd is other tests', too
        shutil.rmtree(sshd.directory / left / "samdrift", ignore_errors=True)


def cut_off(world: World, faults: Sequence[tuple[int, Way]]) -> None:
    """Cut an apply off by each of these faults; the next apply makes the host whole, and no record is lost."""
    guard = world.sshd.directory / "lib/samdrift/guard"
    for number, (moment, way) in enumerate(faults):
        case = f"{way} at {moment}"
        world.cut_at(moment, way)
        until(lambda: not guard.exists())  # whatever was not confirmed, the host puts back by itself
        record = world.apply(Quiet())
        assert record.exit_code in {Exit.OK, Exit.DIFFERENCES}, (case, record.findings)
        assert world.is_whole(), f"{case}: {world.files}"
        history = open_stores(world.state).history
        records = [history.record(run.id) for run in history.runs()]
        assert [r.command for r in records].count("apply") == 2 * (number + 1), case
        assert all(r.ended for r in records), case
        for path in world.place.iterdir():
            path.unlink()
    assert verify_history(open_stores(world.state).history, (), "").breaks == ()


@pytest.mark.long
def test_an_apply_that_is_cut_off_leaves_a_record_and_the_next_leaves_nothing_half_done(world: World) -> None:
    cut_off(world, [(6, "reset"), (10, "silent"), (12, "sshd")])


@pytest.mark.soak
def test_fifty_applies_are_cut_off_wherever_they_are(world: World) -> None:
    dice = random.Random(12)  # noqa: S311  no secret
    ways: tuple[Way, ...] = ("silent", "reset", "sshd")
    cut_off(world, [(dice.randrange(MOMENTS), dice.choice(ways)) for _ in range(50)])
