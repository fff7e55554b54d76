"""What a host's roles declare: registered in a pyinfra State of its own, without a round trip.

The module that knows pyinfra's State machinery. Not here: what a look makes of it (`session`), and what of it stands
in a plan (`planned`).
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cache, partial
from typing import Any, cast

from gevent.local import local
from pydantic import BaseModel
from pyinfra.api import Config, Inventory, State, arguments, connectors
from pyinfra.api import inventory as inventories
from pyinfra.api.command import PyinfraCommand
from pyinfra.api.host import Host as PyinfraHost
from pyinfra.api.state import StateOperationHostData
from pyinfra.context import ctx_config, ctx_host, ctx_state

from deploy.engine.connector import Connector
from deploy.engine.device_connector import DeviceConnector
from deploy.model.step_id import StepId
from inventory.errors import SamdriftError
from inventory.fleet import Host
from inventory.secrets import secrets_in
from roles.shared.catalogue import catalogue
from roles.shared.change import digest
from roles.shared.device.configure import WHAT, ConfigurationSession
from roles.shared.device.known import known_vendors
from roles.shared.device.ownership import Ours
from roles.shared.device.placement import misplaced
from roles.shared.device.restoring import Restoring, restored
from roles.shared.device.withheld import revealed
from roles.shared.guard import Guard
from roles.shared.intent import Intent
from roles.shared.parts.accounts import ensure_account
from roles.shared.parts.expected import Expected, expectation
from roles.shared.parts.handlers import pay
from roles.shared.parts.packages import install
from roles.shared.parts.registration import ManagedConfiguration, ManagedFile, registering
from roles.shared.parts.services import control
from roles.shared.parts.veil import UNVEILED, Veil
from roles.shared.settings import Settings

# pyinfra asks for the same type hints at every operation and every fact: a fifth of our CPU time, measured.
arguments.get_type_hints = cache(arguments.get_type_hints)  # type: ignore[assignment]  # the same function
# And looks through every installed package for connectors, twice an inventory: here, a host is one.
connectors.get_all_connectors = inventories.get_all_connectors = cache(connectors.get_all_connectors)


@dataclass
class Registered:
    """A registered operation: its role, and pyinfra's own data for it."""

    role: str
    op_hash: str
    data: StateOperationHostData
    declares: ManagedFile | ManagedConfiguration | None = None
    guard: Guard | None = None
    unguarded: str = ""
    handler: bool = False
    expected: tuple[Expected | None, ...] = ()
    """What each command that it yielded last expects to find."""
    withheld: Mapping[str, str] = field(default_factory=dict)
    """What stands for the marks in what it yielded last: secrets of a device, which are in no plan."""

    @property
    def holds_secrets(self) -> bool:
        """Tell whether marks of secrets may stand in what it yields, whose values are put in on the way to the host."""
        return bool(self.withheld or (self.declares and self.declares.secrets))

    def revealing(self, veil: Veil) -> Callable[[str], str]:
        """Return what puts the values of its secrets, and of no others, into a text for the host."""
        secrets = self.declares.secrets if self.declares else ()
        return lambda text: revealed(veil.reveal(text, secrets), self.withheld)

    @property
    def name(self) -> str:
        return str(self.data.global_arguments.get("name") or "")

    @property
    def id(self) -> StepId:
        """Return the id of the step of a plan that the operation becomes."""
        return StepId(self.role, self.name)

    @property
    def closure(self) -> Mapping[str, Any]:
        """Return the operation's function and arguments, which pyinfra keeps nowhere but in its generator's closure."""
        return inspect.getclosurevars(self.data.command_generator).nonlocals

    @property
    def intent(self) -> str:
        """Return the digest of what the role declares: the operation and its arguments."""
        closure = self.closure
        arguments = {k: v for k, v in closure["kwargs"].items() if k != "causes"}
        declared = [closure["func"].__qualname__, list(closure["args"]), arguments]
        return digest(json.dumps(declared, sort_keys=True, default=_canonical))


def _canonical(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    return str(value)


RESTORE = "restore"
"""Stands in a step for the role, where a device is made as it was."""

_PER_OPERATION = ("in_op", "current_op_hash", "current_op_global_arguments", "current_op_deploy_data")


def _greenlet_local(name: str, default: object) -> property:
    def read(self: Any) -> Any:
        return getattr(self.per_operation, name, default)

    def write(self: Any, value: object) -> None:
        setattr(self.per_operation, name, value)

    return property(read, write)


class _PlanHost(PyinfraHost):
    """A pyinfra host whose "current operation" is per greenlet, so that many may be evaluated at once."""

    in_op = _greenlet_local("in_op", False)
    current_op_hash = _greenlet_local("current_op_hash", None)
    current_op_global_arguments = _greenlet_local("current_op_global_arguments", None)
    current_op_deploy_data = _greenlet_local("current_op_deploy_data", None)
    per_operation: local

    @classmethod
    def of(cls, host: PyinfraHost) -> _PlanHost:
        """Make a host one of this class: pyinfra's Inventory makes its hosts itself."""
        host.__class__ = cls
        same = cast("_PlanHost", host)
        same.per_operation = local()
        for name in _PER_OPERATION:
            same.__dict__.pop(name, None)
        return same


@dataclass
class Declared:
    """The operations and files that a host's roles declare, on pyinfra's host."""

    state: State
    target: _PlanHost
    connector: Connector | DeviceConnector
    operations: list[Registered] = field(default_factory=list)
    files: list[ManagedFile] = field(default_factory=list)
    configurations: list[ManagedConfiguration] = field(default_factory=list)

    @property
    def packages(self) -> set[str]:
        """Return the packages that a server's roles declare."""
        return {name for one in self._arguments_of(install) for name in one["names"]}

    @property
    def units(self) -> set[str]:
        """Return the units that a server's roles want enabled or running."""
        return {one["unit"] for one in self._arguments_of(control) if one["enabled"] or one["running"]}

    @property
    def accounts(self) -> dict[str, frozenset[str]]:
        """Return the accounts that a server's roles let in, each with the groups beside its own."""
        return {one["user"]: frozenset(one["wanted"].groups) for one in self._arguments_of(ensure_account)}

    def _arguments_of(self, operation: Any) -> Iterator[Mapping[str, Any]]:
        closures = (registered.closure for registered in self.operations)
        return (closure["kwargs"] for closure in closures if closure["func"] is operation._inner)

    @property
    def of_device(self) -> dict[StepId, str]:
        """Return the configurations that a device's roles declare, secrets by name, by the step that types each."""
        steps = ((operation.id, operation.declares) for operation in self.operations)
        return {step: d.content for step, d in steps if isinstance(d, ManagedConfiguration)}

    @contextmanager
    def context(self) -> Iterator[None]:
        """Make pyinfra's `host` and `config` this host's for the length of a block."""
        with ctx_config.use(self.state.config.copy()), ctx_host.use(self.target):
            yield

    def evaluate(self, operation: Registered) -> list[PyinfraCommand]:
        """Return the commands that an operation would run now."""
        with self.context():
            commands = list(operation.data.command_generator())
        operation.data.operation_meta._maybe_is_change = bool(commands)  # what handlers ask for
        operation.expected = tuple(map(expectation, commands))
        sessions = [command for command in commands if isinstance(command, ConfigurationSession)]
        operation.withheld = {mark: value for session in sessions for mark, value in session.withheld.items()}
        return commands

    @staticmethod
    def hold(operation: Registered) -> None:
        """Hold an operation back that was evaluated: no handler is owed for it."""
        operation.data.operation_meta._maybe_is_change = False


def declarations(host: Host, intent: Intent) -> tuple[tuple[ManagedFile, ...], tuple[ManagedConfiguration, ...]]:
    """Return every managed file of a host, and its managed configurations, rendered offline.

    The settings must be sound.
    """
    found = register([host], {host.name: intent.settings(host)})[host.name]
    return tuple(found.files), tuple(found.configurations)


def register(
    hosts: Sequence[Host],
    settings: Mapping[str, Mapping[str, Settings]],
    veil: Veil = UNVEILED,
    restoring: Restoring | None = None,
    ours: Mapping[str, Mapping[str, Ours]] | None = None,
    *,
    today: date | None = None,
) -> dict[str, Declared]:
    """Register the operations of every role of every host in a fresh pyinfra State; no round trip.

    Args:
        restoring: what makes the one host as it was, in the place of its roles.
        ours: by host and role, what may be removed from a device.
        today: the day (UTC) of the look, for what is renewed in time.
    """
    of_all = {"veil": veil, "today": today or date.min}
    data = {h.name: {**of_all, "ours": (ours or {}).get(h.name, {})} for h in hosts}
    inventory = Inventory((list(data.items()), {}))
    state = State(inventory, Config(), check_for_changes=False)
    ctx_state.set(state)
    declared = {}
    for host in hosts:
        target = _PlanHost.of(state.inventory.get_host(host.name))
        kind = DeviceConnector if host.platform in known_vendors() else Connector
        connector = target.connector = kind(state, target)
        target.connected = True
        declared[host.name] = Declared(state, target, connector)
        _declare(declared[host.name], {} if restoring else settings[host.name], restoring)
    return declared


def _declare(declared: Declared, settings: Mapping[str, Settings], restoring: Restoring | None) -> None:
    target = declared.target
    deploys = {name: partial(catalogue()[name].deploy, of_role) for name, of_role in settings.items()}
    if restoring:
        deploys = {RESTORE: partial(restored, restoring)}
    for name, deploy in deploys.items():
        known = len(target.op_hash_order)
        with declared.context(), registering(name, secrets_in(settings.get(name))) as registration:
            deploy()
        declared_as: dict[str, ManagedFile | ManagedConfiguration] = {f"file {f.path}": f for f in registration.files}
        declared_as.update((WHAT, c) for c in registration.configurations)
        for op_hash in target.op_hash_order[known:]:
            operation = Registered(name, op_hash, declared.state.ops[target][op_hash])
            operation.declares = declared_as.get(operation.name)
            operation.guard = registration.guards.get(operation.name)
            operation.unguarded = registration.unguarded.get(operation.name, "")
            func = operation.closure["func"]
            operation.handler = func is pay._inner  # pyinfra's own name for the bare generator
            if why := misplaced(func, on_device=isinstance(declared.connector, DeviceConnector)):
                raise SamdriftError(why, where=f"host {target.name}, roles/{name}.py")
            declared.operations.append(operation)
        declared.files += registration.files
        declared.configurations += registration.configurations
    _refuse_twins(target.name, declared.operations)


def _refuse_twins(host: str, operations: Sequence[Registered]) -> None:
    """Refuse two operations of one role and name: a step is known by both."""
    seen: set[StepId] = set()
    for operation in operations:
        if not operation.name or operation.id in seen:
            what = f"two steps are called {operation.name!r}" if operation.name else "a step has no name"
            raise SamdriftError(
                what, where=f"host {host}, roles/{operation.role}.py", fix="give each step its own name="
            )
        seen.add(operation.id)
