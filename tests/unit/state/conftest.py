"""The state checks of every role, on hosts of the shipped fleet that are not there: each answers everything alike."""

from __future__ import annotations

import importlib.util
import inspect
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from types import ModuleType

import pytest

from deploy.model.record import CheckResult
from deploy.transport.batch import Answer
from deploy.verify.plugin import Target
from deploy.verify.run import CHECKS, verify
from inventory.fleet import Fleet, Host
from inventory.snapshot import load
from roles.shared.intent import Intent
from roles.shared.settings import Settings


class Hosts:
    """A session whose hosts answer everything alike; while they have no answer, nobody may ask them anything."""

    only_looks: frozenset[str] = frozenset()

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.hosts = tuple(_covering(fleet))
        intent = Intent(fleet)
        self.settings: Mapping[str, Mapping[str, Settings]] = {
            h.name: intent.settings(fleet.host(h.name)) for h in self.hosts
        }
        self.unreachable: Mapping[str, str] = {}
        self.answer: Answer | None = None
        self._found: dict[Answer | None, tuple[CheckResult, ...]] = {}

    def kept_open(self, _host: str) -> AbstractContextManager[None]:
        return nullcontext()

    def ask(self, host: str, commands: Sequence[str], *, within: float | None = None) -> list[Answer]:  # noqa: ARG002
        assert self.answer is not None, f"{host} was asked: {commands}"
        return [self.answer] * len(commands)

    def checks(self, answer: Answer | None) -> tuple[CheckResult, ...]:
        """What becomes of every check where the hosts answer everything in this way."""
        if answer not in self._found:
            self.answer = answer
            self._found[answer] = verify(self, self._fleet, ahead=False)
        return self._found[answer]


def _covering(fleet: Fleet) -> Iterator[Host]:
    """Hosts of the fleet that have all its roles between them: each role once on each platform."""
    covered: set[tuple[str, str]] = set()
    for host in sorted(fleet.hosts, key=lambda h: -len(h.roles)):
        roles = {role for role in host.roles if (role, host.platform) not in covered}
        covered |= {(role, host.platform) for role in roles}
        if roles:
            section = host.samdrift | {"roles": dict.fromkeys(roles, True)}
            yield host.model_copy(update={"context": host.context | {"samdrift": section}})


@cache
def shipped_fleet() -> Fleet:
    """The shipped fleet, read once."""
    return load()


@cache
def shipped_settings(host: str, role: str) -> Settings:
    """The settings of a role of a host of the shipped fleet."""
    return Intent(shipped_fleet()).required(shipped_fleet().host(host), role)


@cache
def state_checks(role: str) -> ModuleType:
    """The file of a role's state checks, as a module."""
    path = CHECKS / f"test_{role}.py"
    spec = importlib.util.spec_from_file_location(f"state_checks_of_{role}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class MadeUp:
    """A host that answers each command by the first pattern that is found in it; every other program is missing."""

    only_looks: frozenset[str] = frozenset()

    def __init__(self, answers: Mapping[str, str | Answer]) -> None:
        self._answers = answers

    def outcome(self, check: Callable[..., None], settings: Settings) -> str:
        """What becomes of a check on this host: `passed`, `failed` or `not applicable`."""
        target = Target(self, shipped_fleet().host("heb-gw1"))
        known = {"host": target.testinfra(), "unit": target.unit, "settings": settings}
        try:
            check(**{name: known[name] for name in inspect.signature(check).parameters})
        except AssertionError:
            return "failed"
        except pytest.skip.Exception:
            return "not applicable"
        return "passed"

    hosts: tuple[Host, ...] = ()
    settings: Mapping[str, Mapping[str, Settings]] = defaultdict(dict)
    unreachable: Mapping[str, str] = {}

    def kept_open(self, _host: str) -> AbstractContextManager[None]:
        return nullcontext()

    def ask(self, host: str, commands: Sequence[str], *, within: float | None = None) -> list[Answer]:  # noqa: ARG002
        return [self._answer(command) for command in commands]

    def _answer(self, command: str) -> Answer:
        found = next((a for pattern, a in self._answers.items() if pattern in command), MISSING)
        return found if isinstance(found, Answer) else Answer(rc=0, stdout=found, stderr="")


MISSING = Answer(rc=127, stdout="", stderr="sh: not found")


@pytest.fixture(scope="package")
def hosts() -> Hosts:
    return Hosts(shipped_fleet())
