"""The pytest side of `verify`: state checks as pytest items, one for each host, and what became of each.

First every check of every host is *rehearsed*: its function runs in a greenlet, all checks of a host at once,
so that their questions to the host are answered together, a few execs in all. Then pytest runs each check as
it always does, and finds its questions answered; one that was not foreseen is asked on its own. So a rehearsal
saves time and decides nothing. Not here: how pytest is started and what is refused (`verify`).
"""

from __future__ import annotations

import inspect
import shlex
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

import pytest
import testinfra.host
from gevent.pool import Pool
from testinfra.backend.base import BaseBackend, CommandResult

from deploy.model.observer import Observer
from deploy.model.record import CheckResult
from deploy.transport.batch import TIMED_OUT
from deploy.transport.rounds import Rounds
from deploy.transport.ssh import AT_ONCE, Answer, HostLost
from deploy.verify.result import result_of, role_of
from inventory.fleet import Fleet, Host
from roles.shared.device.heard import Heard
from roles.shared.sandbox import Sandbox
from roles.shared.settings import Settings

WITHIN = 300.0
"""Seconds for all questions of one round of a host: a check that waits long is a failed one, not a lost host."""


class Asking(Protocol):
    """The part of a Session that checks use: its hosts, and asking them as root."""

    @property
    def hosts(self) -> Sequence[Host]:
        """Return the hosts of the session."""

    @property
    def settings(self) -> Mapping[str, Mapping[str, Settings]]:
        """Return the settings of every host, by role: its roles that are checked."""

    @property
    def unreachable(self) -> Mapping[str, str]:
        """Return host name to reason, for hosts that cannot be asked (any more)."""

    @property
    def only_looks(self) -> Collection[str]:
        """Return the hosts that are asked as an account that may only look."""

    def ask(self, host: str, commands: Sequence[str], *, within: float | None = None) -> list[Answer]:
        """Run shell commands in one exec; HostLost if they cannot all be answered."""

    def kept_open(self, host: str) -> AbstractContextManager[None]:
        """Return a block in which all questions to a host are asked over one connection."""


class UnitState(NamedTuple):
    """Whether a systemd unit runs, and whether it starts at boot: `active`, `enabled`, or what else systemd says."""

    now: str
    at_boot: str


class Target:
    """One host as its checks see it. A question that was answered once is not asked again."""

    def __init__(self, session: Asking, host: Host) -> None:
        self.host, self.settings = host, session.settings[host.name]
        self._session = session
        self._answers: dict[str, Answer] = {}
        self._rounds: Rounds | None = None

    @property
    def only_looks(self) -> bool:
        """Tell whether it is asked as an account that may only look."""
        return self.host.name in self._session.only_looks

    def ask(self, command: str) -> Answer:
        """Ask the host one shell command; return its answer."""
        if command in self._answers:
            return self._answers[command]
        return self._rounds.ask(command) if self._rounds else self._ask_all([command])[0]

    def together(self, jobs: Sequence[Callable[[], None]]) -> None:
        """Run these jobs at once, and answer their questions in rounds."""
        self._rounds = Rounds(self._ask_all)
        try:
            self._rounds.run(jobs)
        finally:
            self._rounds = None

    def _ask_all(self, commands: Sequence[str]) -> list[Answer]:
        answers = self._session.ask(self.host.name, commands, within=WITHIN)
        self._answers.update(zip(commands, answers, strict=True))
        return answers

    def testinfra(self) -> Any:
        """Return testinfra's host, on this target."""
        backend = _Backend(self)
        host = testinfra.host.Host(backend)
        backend.set_host(host)
        return host

    def unit(self, name: str) -> UnitState:
        """Ask systemd about a unit; the answer is empty if there is no systemd.

        Not testinfra's `service`: to that a unit is enabled that is masked (where a script of SysV has its name), and
        one that is enabled until the next boot alone.
        """
        shown = self.ask(f"systemctl is-active {shlex.quote(name)}; systemctl is-enabled {shlex.quote(name)}")
        return UnitState(*(*shown.stdout.split(), "", "")[:2])


class _Result(CommandResult):  # type: ignore[misc]  # testinfra has no types
    """A command's result that reads well in a failed assertion."""

    def __repr__(self) -> str:
        if self.rc in TIMED_OUT:
            return f"`{self.command.decode()}` (did not end in time)"
        shown = (self.stderr.strip() or self.stdout.strip()).splitlines()
        return f"`{self.command.decode()}` (exit {self.rc}{': ' + shown[-1] if shown else ', shown nothing'})"


class _Backend(BaseBackend):  # type: ignore[misc]  # testinfra has no types
    """A testinfra backend over a session's open connection, where every command runs as root."""

    NAME = "samdrift"

    def __init__(self, target: Target) -> None:
        super().__init__(target.host.name)
        self._target = target

    def run(self, command: str, *args: str, **_kwargs: object) -> CommandResult:
        """Run a command; its arguments are quoted, and a shell runs it."""
        line = self.get_command(command, *args)
        answer = self._target.ask(line)
        return _Result(
            backend=self,
            exit_status=answer.rc,
            command=line.encode(),
            _stdout=answer.stdout,
            _stderr=answer.stderr,
        )

    def get_encoding(self) -> str:
        """Return UTF-8, as on every Debian host; testinfra would ask each for it."""
        return "utf-8"


class StateChecks:
    """The pytest plugin: fixtures of state checks, and a result for every item.

    Attributes:
        broken: what pytest could not even collect, as (file, reason).
    """

    def __init__(
        self,
        session: Asking,
        fleet: Fleet,
        hosts: Iterable[Host],
        observer: Observer,
        *,
        ahead: bool,
        to_come: Collection[str] = (),
    ) -> None:
        self._session, self._fleet, self._observer, self._ahead = session, fleet, observer, ahead
        self._to_come = frozenset(to_come)
        self._targets = {h.name: Target(session, h) for h in hosts}
        self._collected: Counter[tuple[str, str]] = Counter()
        self._left: Counter[str] = Counter()
        self._checks: dict[str, CheckResult] = {}
        self._strangers: dict[str, list[Heard]] = {}
        self._restarts: dict[str, list[str]] = {}
        self._lost: set[str] = set()
        self.broken: list[tuple[str, str]] = []

    @pytest.fixture(autouse=True)
    def target(self, request: pytest.FixtureRequest) -> Target:
        """Give a check the host that it is about."""
        return cast("Target", request.param)

    @pytest.fixture
    def host(self, target: Target) -> Any:
        """Give a check testinfra's host."""
        return target.testinfra()

    @pytest.fixture
    def unit(self, target: Target) -> Callable[[str], UnitState]:
        """Give a check a function that returns what systemd says of a unit."""
        return target.unit

    @pytest.fixture
    def violations(self, target: Target) -> Callable[[Sandbox], list[str]]:
        """Give a check a function that returns what a service may do beyond what it needs."""
        return lambda sandbox: sandbox.violations(target.ask(sandbox.question).stdout)

    @pytest.fixture
    def settings(self, request: pytest.FixtureRequest, target: Target) -> Settings:
        """Give a check the host's settings of the role that the file checks."""
        return target.settings[role_of(request.path)]

    @pytest.fixture
    def more_than_a_look(self, target: Target) -> None:
        """Skip a check that an account for looks may not make: it opens connections, or becomes somebody."""
        if target.only_looks:
            pytest.skip("not applicable: more than a look may ask; `apply` checks it, and `verify --user samdrift`")

    @pytest.fixture
    def tell(self, request: pytest.FixtureRequest) -> Callable[[Iterable[Heard]], None]:
        """Give a check a function that tells of strangers: its result has them, whatever becomes of it."""
        return self._strangers.setdefault(request.node.nodeid, []).extend

    @pytest.fixture
    def due(self, request: pytest.FixtureRequest) -> Callable[[Iterable[str]], None]:
        """Give a check a function that tells what waits for a restart: its result has it, whatever becomes of it."""
        return self._restarts.setdefault(request.node.nodeid, []).extend

    @pytest.fixture
    def fleet(self) -> Fleet:
        """Give a check the whole fleet."""
        return self._fleet

    @pytest.fixture
    def me(self, target: Target) -> Host:
        """Give a check the host as the inventory has it."""
        return target.host

    @pytest.fixture
    def to_come(self) -> frozenset[str]:
        """Give a check the names of hosts that this run is still to change: what they serve may not be there yet."""
        return self._to_come

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one item for each host that has the role of the file."""
        role = role_of(metafunc.definition.path)
        targets = [t for t in self._targets.values() if role in t.settings]
        metafunc.parametrize("target", targets, ids=[t.host.name for t in targets], indirect=True)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep why a file could not be collected."""
        if report.failed:
            lines = [line[1:].strip() for line in report.longreprtext.splitlines() if line.startswith("E")]
            self.broken.append((report.nodeid, lines[-1] if lines else report.longreprtext.strip().splitlines()[-1]))

    def pytest_internalerror(self, excrepr: object) -> None:
        """Keep why pytest itself broke off."""
        self.broken.append(("", str(excrepr).strip().splitlines()[-1]))

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Record which check file ended the run; a person who interrupts it needs no message."""
        if excinfo.errisinstance(pytest.exit.Exception):
            files = [Path(entry.path).name for entry in excinfo.traceback]
            place = next((name for name in reversed(files) if name.startswith("test_")), "")
            self.broken.append((place, f"it ends the run: {excinfo.value}"))

    def pytest_collection_modifyitems(self, items: list[pytest.Function]) -> None:
        """Sort the items host by host, so that progress means something."""
        order = {name: number for number, name in enumerate(self._targets)}
        items.sort(key=lambda item: order[_target_of(item).host.name])
        self._collected.update((_target_of(i).host.name, role_of(i.path)) for i in items)
        self._left.update(_target_of(i).host.name for i in items)

    def pytest_configure(self, config: pytest.Config) -> None:
        """Spare pytest's own account of a failure, which nobody reads: three quarters of the time of many failures."""
        config.option.tbstyle = "native"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Ask the questions of all checks before the first one runs, every host at the same time."""
        if not session.testsfailed and self._ahead:
            items = [item for item in session.items if isinstance(item, pytest.Function)]
            Pool(AT_ONCE).map(partial(self._rehearse, items), list(self._targets.values()))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Function, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Record the result of an item."""
        report = yield
        name = _target_of(item).host.name
        if call.excinfo is not None and call.excinfo.errisinstance(HostLost):
            self._lost.add(name)
        elif report.when == "call" or not report.passed:
            self._checks[item.nodeid] = result_of(
                item,
                _target_of(item).host,
                call,
                report,
                strangers=self._strangers.get(item.nodeid, ()),
                restarts=self._restarts.get(item.nodeid, ()),
            )
        if report.when == "teardown":
            self._finished(name)
        return report

    @property
    def lost(self) -> frozenset[str]:
        """Return the hosts that died while they were checked: nothing is said about them."""
        return frozenset(self._lost) | self._targets.keys() & self._session.unreachable.keys()

    def checks(self) -> tuple[CheckResult, ...]:
        """Return the result of every check, by municipality, host and role; without the hosts that were lost."""
        kept = [c for c in self._checks.values() if c.host not in self.lost]
        return tuple(sorted(kept, key=lambda c: (c.municipality, c.host, c.role)))

    def silent(self) -> list[tuple[str, str]]:
        """Return (host, role) of which a collected check did not come to an end, or none was collected."""
        ended = Counter((c.host, c.role) for c in self._checks.values())
        pairs = [(name, role) for name, t in self._targets.items() if name not in self.lost for role in t.settings]
        return [p for p in pairs if not ended[p] or ended[p] != self._collected[p]]

    def _rehearse(self, items: Sequence[pytest.Function], target: Target) -> None:
        self._observer.host(target.host.name, "step", "asking")
        with self._session.kept_open(target.host.name):
            target.together([partial(self._rehearse_one, item, target) for item in items if _target_of(item) is target])

    def _rehearse_one(self, item: pytest.Function, target: Target) -> None:
        """Run a check's function only to learn its questions; its outcome is ignored."""
        if target.only_looks and "more_than_a_look" in item.fixturenames:
            return
        known = {
            **item.callspec.params,
            "target": target,
            "host": target.testinfra(),
            "unit": target.unit,
            "settings": target.settings[role_of(item.path)],
            "tell": lambda _: None,
            "due": lambda _: None,
            "fleet": self._fleet,
            "me": target.host,
            "to_come": self._to_come,
        }
        wanted = inspect.signature(item.obj).parameters
        if wanted.keys() <= known.keys():
            try:
                item.obj(**{name: known[name] for name in wanted})
            except (Exception, pytest.skip.Exception, pytest.fail.Exception, pytest.xfail.Exception):  # noqa: BLE001  see docstring
                return

    def _finished(self, name: str) -> None:
        """Tell the observer when a host's last check has ended."""
        self._left[name] -= 1
        if self._left[name] or name in self.lost:
            return
        outcomes = Counter(c.outcome for c in self._checks.values() if c.host == name)
        detail = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
        self._observer.host(name, "failed" if outcomes["failed"] else "done", detail)


def _target_of(item: pytest.Function) -> Target:
    return cast("Target", item.callspec.params["target"])
