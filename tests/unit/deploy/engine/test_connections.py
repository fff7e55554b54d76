"""The connections of a session, to a real sshd: all of few hosts, and of many no more than are used."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.engine.session import Session
from inventory.fleet import Fleet
from roles.shared.intent import Intent
from tests.sshd import Sshd, fleet_of, running_sshd
from tests.unit.deploy.engine.test_session import ROLE


@pytest.fixture
def hosts(make_role: Callable[[str, str], None], tmp_path: Path) -> Callable[[Sshd, int], Fleet]:
    """Makes so many hosts, each with a directory of its own on this machine."""
    make_role("paint", ROLE)

    def made(sshd: Sshd, number: int) -> Fleet:
        contexts = ({"roles": {"paint": True}, "paint": {"place": str(tmp_path / str(n))}} for n in range(number))
        for n in range(number):
            (tmp_path / str(n)).mkdir()
        return fleet_of(*(sshd.host(f"tie-test{n}", context={"samdrift": c}) for n, c in enumerate(contexts)))

    return made


@pytest.mark.long
def test_of_many_hosts_only_those_are_connected_to_that_are_used_or_changed(
    sshd: Sshd, hosts: Callable[[Sshd, int], Fleet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.engine.connections.MOST_OPEN", 1)
    fleet = hosts(sshd, 2)
    with Session(Intent(fleet), fleet.hosts, sshd.access) as session:
        connections = session._connections
        assert [*connections] == []
        assert [bool(plan.changes) for plan in session.look()] == [True, True]
        assert [*connections] == []
        with session.kept_open("tie-test0"):
            assert [session.ask("tie-test0", ["echo one"])[0].stdout for _ in range(2)] == ["one\n", "one\n"]
            assert [*connections] == ["tie-test0"]
        session.await_guards(["tie-test0"])
        session.lock(["tie-test1"])
        (planned,) = session.look(["tie-test1"])
        assert [*connections] == ["tie-test1"]
        assert not session.carry_out(planned).error
        session.unlock(["tie-test1"])
        assert [*connections] == []
        assert [bool(plan.changes) for plan in session.look()] == [True, False]


def test_of_many_hosts_one_that_refuses_is_unknown_and_no_other(
    sshd: Sshd, hosts: Callable[[Sshd, int], Fleet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.engine.connections.MOST_OPEN", 1)
    fleet = hosts(sshd, 2)
    other = fleet.hosts[0].model_copy(update={"host_keys": ("ssh-ed25519 AAAA",)})
    fleet = fleet.model_copy(update={"hosts": (other, fleet.hosts[1])})
    with Session(Intent(fleet), fleet.hosts, sshd.access) as session:
        refused, seen = session.look()
    assert "host key" in refused.error
    assert not seen.error


@pytest.fixture
def few_descriptors() -> Iterator[int]:
    """So many files may be open, and no more: fewer than there are hosts."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 400 + len(list(Path("/proc/self/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, before[1]))
    yield most
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.soak
def test_a_thousand_hosts_are_looked_at_with_few_descriptors_and_little_memory(
    tmp_path_factory: pytest.TempPathFactory, hosts: Callable[[Sshd, int], Fleet], few_descriptors: int
) -> None:
    """One sshd is all of them, so that it must take more at once than it would from one station."""
    with running_sshd(tmp_path_factory.mktemp("sshd"), "MaxStartups 500\n") as sshd:
        fleet = hosts(sshd, 1000)
        patient = {"connect_timeout": 60, "fact_timeout": 120, "look_timeout": 300}
        before = _megabytes()
        with Session(Intent(fleet), fleet.hosts, sshd.access.model_copy(update=patient)) as session:
            prepared = _megabytes()
            plans = session.look()
    assert [plan.error for plan in plans if plan.error] == []
    assert all(plan.changes for plan in plans)
    used = f"{prepared - before:.0f} MB for what is declared, {_megabytes() - prepared:.0f} MB more for the looks"
    print(f"{used}, {few_descriptors} descriptors")  # noqa: T201  a measurement


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
