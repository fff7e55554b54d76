"""The planner: roles in, steps out, from one look at each host; and the carrying out of what was planned.

The only module that imports pyinfra's State machinery. Roles only register operations; then every operation's
generator runs in a greenlet of its own and their facts are answered together (`rounds`), so that a look costs
two or three execs whatever the number of steps. What the generators yield is kept, word for word, and is what
`carry_out` executes: nothing is evaluated again in between.
"""

from __future__ import annotations

import base64
import inspect
import json
import logging
import shlex
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar, cast

import gevent
from gevent.local import local
from gevent.pool import Pool
from pydantic import BaseModel
from pyinfra.api import Config, FileUploadCommand, Inventory, State, StringCommand, arguments
from pyinfra.api.command import PyinfraCommand
from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.host import Host as PyinfraHost
from pyinfra.api.operations import run_host_op
from pyinfra.api.state import StateOperationHostData
from pyinfra.context import ctx_config, ctx_host, ctx_state

from deploy.engine import guard_script
from deploy.engine.connector import Connector, LookFailed
from deploy.engine.device_connector import DeviceConnector
from deploy.engine.guards import DeviceGuard, GuardFailed, HeldGuard, HostGuard, Way, minutes_of
from deploy.model.observer import Observer, Quiet
from deploy.model.plan import Command, HostPlan, Step, Unmanaged
from deploy.transport.device import DeviceConnection
from deploy.transport.rounds import Rounds
from deploy.transport.ssh import Access, Answer, Connection, HostLost
from deploy.vault.interface import NO_VAULT, Vault
from inventory.errors import InventoryError, SamdriftError
from inventory.fleet import Fleet, Host
from inventory.secrets import MARK, secrets_in
from roles.shared.catalogue import catalogue, needed_secrets, problems_of, settings_of
from roles.shared.change import Change, digest, explanation
from roles.shared.device.configure import WHAT, ConfigurationSession, RunningConfiguration, compared
from roles.shared.device.known import known_vendors
from roles.shared.device.placement import misplaced
from roles.shared.guard import Guard
from roles.shared.parts.handlers import OwedHandlers, pay
from roles.shared.parts.registration import ManagedConfiguration, ManagedFile, registering
from roles.shared.parts.veil import UNVEILED, Veil
from roles.shared.settings import Settings

log = logging.getLogger("samdrift")

C = TypeVar("C", Connection, DeviceConnection)

AT_ONCE = 50
"""How many hosts are talked to at the same time."""

# pyinfra asks for the same type hints at every operation and every fact: a fifth of our CPU time, measured.
arguments.get_type_hints = cache(arguments.get_type_hints)  # type: ignore[assignment]  # the same function

logging.getLogger("pyinfra").addHandler(logging.NullHandler())
logging.getLogger("pyinfra").propagate = False  # observers tell the user what happens
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False  # a lost host is reported as one, once


@dataclass(frozen=True)
class Outcome:
    """How carrying out a host's plan went: the steps that were done, and what stopped it, if anything did.

    `guarded` tells that the host will put itself back unless it is told that all is well.
    """

    done: tuple[str, ...]
    failed_step: str = ""
    error: str = ""
    lost: bool = False
    guarded: bool = False


@dataclass
class _Registered:
    """One registered operation: which role's, and pyinfra's own data for it."""

    role: str
    op_hash: str
    data: StateOperationHostData
    declares: ManagedFile | ManagedConfiguration | None = None
    guard: Guard | None = None
    unguarded: str = ""
    handler: bool = False

    @property
    def name(self) -> str:
        return str(self.data.global_arguments.get("name") or "")

    @property
    def closure(self) -> Mapping[str, Any]:
        """The operation's function and arguments, which pyinfra keeps nowhere but in its generator's closure."""
        return inspect.getclosurevars(self.data.command_generator).nonlocals

    @property
    def intent(self) -> str:
        """Digest of what the role declares: the operation and its arguments."""
        said = self.closure
        arguments = {k: v for k, v in said["kwargs"].items() if k != "causes"}
        declared = [said["func"].__qualname__, list(said["args"]), arguments]
        return digest(json.dumps(declared, sort_keys=True, default=_canonical))


def _canonical(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    return str(value)


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
        """The same host, from now on of this class: pyinfra's Inventory makes its hosts itself."""
        host.__class__ = cls
        same = cast("_PlanHost", host)
        same.per_operation = local()
        for name in _PER_OPERATION:
            same.__dict__.pop(name, None)
        return same


@dataclass
class _Declared:
    """Everything that a host's roles declare, and pyinfra's host that it is registered on."""

    state: State
    target: _PlanHost
    connector: Connector | DeviceConnector
    operations: list[_Registered] = field(default_factory=list)
    files: list[ManagedFile] = field(default_factory=list)
    configurations: list[ManagedConfiguration] = field(default_factory=list)

    @contextmanager
    def context(self) -> Iterator[None]:
        """Pyinfra's `host` and `config` are this host's."""
        with ctx_config.use(self.state.config.copy()), ctx_host.use(self.target):
            yield

    def evaluate(self, operation: _Registered) -> list[PyinfraCommand]:
        """What an operation would do now."""
        with self.context():
            commands = list(operation.data.command_generator())
        operation.data.operation_meta._maybe_is_change = bool(commands)  # what handlers ask for
        return commands


class Session:
    """Open connections to some hosts of a fleet, on which they are looked at, changed and asked.

    Args:
        fleet: what roles' settings are computed from, before anything is connected to.
        hosts: which of it this session is about.
        vault: where the values of the secrets are that their roles need; opened only if there are any.
        said: who changes the hosts, and why, for whoever finds one guarded.

    Attributes:
        unreachable: host name to reason, for the hosts that could not be connected to or have died since.

    Raises:
        InventoryError: on construction, with everything that is wrong with any host's settings.
        SecretsError: likewise, naming a secret that is needed and not there.
    """

    def __init__(
        self,
        fleet: Fleet,
        hosts: Sequence[Host],
        access: Access,
        observer: Observer | None = None,
        *,
        vault: Vault = NO_VAULT,
        said: str = "",
    ) -> None:
        problems = [p for host in hosts for p in problems_of(host, fleet)]
        if problems:
            raise InventoryError(tuple(problems))
        self.fleet, self.hosts, self.access = fleet, tuple(hosts), access
        self.observer: Observer = observer or Quiet()
        self.said = said
        self.settings: dict[str, dict[str, Settings]] = {h.name: settings_of(h, fleet) for h in hosts}
        needed = needed_secrets(self.settings)
        self.veil = vault.open(needed) if needed else UNVEILED
        self.unreachable: dict[str, str] = {}
        self._connections: dict[str, Connection | DeviceConnection] = {}
        self._declared: dict[str, _Declared] = {}
        self._guards: dict[str, HeldGuard] = {}
        self._unseen: set[str] = set()

    def __enter__(self) -> Session:
        self._declared = _register(self.hosts, self.settings, self.veil)  # what is wrong with a role connects to nobody
        self._unseen = {h.name for h in self.hosts}
        self.observer.stage("connecting", [h.name for h in self.hosts])
        self._each(self.hosts, self._connect)
        return self

    def __exit__(self, *_exc: object) -> None:
        for held in self._guards.values():
            held.let_go()
        for connection in self._connections.values():
            connection.close()

    def look(self, names: Sequence[str] | None = None) -> tuple[HostPlan, ...]:
        """Look once at each host (or at those named): every step, and what it would do now."""
        hosts = [h for h in self.hosts if names is None or h.name in names]
        self.observer.stage("looking", [h.name for h in hosts])
        self._register([h for h in hosts if h.name not in self.unreachable])
        return tuple(self._each(hosts, self._look_at))

    def carry_out(self, planned: HostPlan) -> Outcome:
        """Execute exactly the commands of a host's plan, in order, until one fails.

        The host must have been looked at, and its plan found to say the same, just before. From the first step on that
        could cut it off it is guarded: it must be confirmed, or it puts itself back.
        """
        name = planned.host
        declared = self._declared[name]
        operations = {f"{op.role}: {op.name}": op for op in declared.operations}
        declared.state.is_executing = True
        done: list[str] = []
        for step in planned.changes:
            self.observer.host(name, "step", step.id)
            operation = operations[step.id]
            secrets = operation.declares.secrets if operation.declares else ()
            operation.data.command_generator = _frozen(step.commands, partial(self.veil.reveal, secrets=secrets))
            operation.data.operation_meta._maybe_is_change = True  # pyinfra has no setter
            try:
                if step.guard or step.unguarded:
                    self._guard(planned)
                with declared.context():
                    succeeded = run_host_op(declared.state, declared.target, operation.op_hash)
            except GuardFailed as e:
                return Outcome(tuple(done), step.id, self.veil.hide(str(e)), guarded=name in self._guards)
            except SamdriftError as e:
                self.unreachable[name] = self.veil.hide(str(e))
                return Outcome(tuple(done), step.id, self.unreachable[name], lost=True, guarded=name in self._guards)
            if not succeeded:
                said = self.veil.hide(_what_it_said(operation, declared.connector))
                return Outcome(tuple(done), step.id, said, guarded=name in self._guards)
            done.append(step.id)
        return Outcome(tuple(done), guarded=name in self._guards)

    def _guard(self, planned: HostPlan) -> None:
        """See to it that the host is guarded, if it has a way to be, and has not put itself back."""
        name = planned.host
        if name in self._guards:
            self._guards[name].require()
        elif isinstance(connection := self._connections[name], Connection):
            self._guards[name] = HostGuard(self._way(name, Connection), planned.guards, self.said)
        elif minutes := minutes_of(connection):
            self._guards[name] = DeviceGuard(self._way(name, DeviceConnection), minutes)

    def _way(self, name: str, kind: type[C]) -> Way[C]:
        host = self.fleet.host(name)

        def current() -> C:
            found = self._connections[name]
            if not isinstance(found, kind):
                raise TypeError(f"{name} is talked to otherwise than by {kind.__name__}")
            return found

        def anew() -> C:
            fresh = self._connection(host)
            fresh.open()
            self._connections[name].close()
            self._connections[name] = fresh
            return current()

        return Way(current, anew)

    @property
    def guarded(self) -> tuple[str, ...]:
        """The hosts that will put themselves back unless they are confirmed."""
        return tuple(sorted(self._guards))

    def confirm(self, name: str) -> None:
        """Tell a guarded host that all is well.

        Raises:
            GuardFailed: it has put itself back.
            HostLost: it cannot be told, and will put itself back.
        """
        self._reachable(name)
        self._guards[name].confirm()

    def keep(self, name: str) -> None:
        """Make what was confirmed outlive a restart of the host.

        Raises:
            GuardFailed: it does not.
            HostLost: the host died.
        """
        self._reachable(name)
        self._guards.pop(name).keep()

    def by_hand(self, name: str) -> str:
        """What somebody has to do on a host that was guarded, if `keep` cannot; empty if there is nothing."""
        return self._guards[name].by_hand if name in self._guards else ""

    def await_guards(self, names: Sequence[str]) -> None:
        """Wait until these hosts are guarded no longer: they have put themselves back, or another run confirmed them.

        One that stays guarded is unreachable from now on: another run is at work there.
        """
        self._each([h for h in self.hosts if h.name in names], self._await_guard)

    def _await_guard(self, host: Host) -> None:
        deadline = time.monotonic() + self.access.guard_seconds + guard_script.GRACE
        try:
            while armed := self._armed(host.name):
                if time.monotonic() > deadline:
                    self.unreachable[host.name] = self.veil.hide(f"another run is changing it: {armed}")
                    return
                gevent.sleep(1)
        except HostLost as e:
            self.unreachable[host.name] = self.veil.hide(str(e))

    def _armed(self, name: str) -> str:
        """Whose change a host is about to undo; empty where it is none's."""
        connection = self._connections[name]
        if isinstance(connection, DeviceConnection):
            connection.close()
            connection.open()
            return connection.pending
        return connection.ask([guard_script.ARMED])[0].stdout.strip()

    def restore(self, name: str) -> str:
        """Have a guarded host put itself back, and wait until it has; what it says of it.

        Raises:
            HostLost: it did not come back in time.
        """
        said = self._guards.pop(name).restore()
        self.unreachable.pop(name, None)
        return self.veil.hide(said)

    def ask(self, host: str, commands: Sequence[str], *, within: float | None = None) -> list[Answer]:
        """Run shell commands as root, all in one exec, each bounded by the access's fact timeout.

        What they say is told without the values of secrets.

        Args:
            within: seconds for all of them; the access's look timeout if not given.

        Raises:
            HostLost: the host is unreachable, or died before the last one answered.
        """
        self._reachable(host)
        try:
            answers = self._connections[host].ask(commands, within)
        except HostLost as e:
            self.unreachable[host] = self.veil.hide(str(e))
            raise HostLost(self.veil.hide(e.what), where=e.where, fix=e.fix) from None
        hide = self.veil.hide
        return [a.model_copy(update={"stdout": hide(a.stdout), "stderr": hide(a.stderr)}) for a in answers]

    def reconnect(self, names: Sequence[str]) -> None:
        """Log in anew to each of these hosts; one that lets nobody in any more is unreachable from now on."""
        hosts = [h for h in self.hosts if h.name in names and h.name not in self.unreachable]
        if hosts:
            self.observer.stage("connecting anew", [h.name for h in hosts])
            self._each(hosts, self._connect)

    def _reachable(self, name: str) -> None:
        if name in self.unreachable:
            raise HostLost(self.unreachable[name], where=f"host {name}")

    def _connection(self, host: Host) -> Connection | DeviceConnection:
        """A connection that is yet to be opened: what a host is talked to in follows from its platform."""
        vendor = known_vendors().get(host.platform)
        return DeviceConnection(host, self.access, vendor) if vendor else Connection(host, self.access)

    def _connect(self, host: Host) -> None:
        connection = self._connection(host)
        try:
            connection.open()
        except HostLost as e:
            self.unreachable[host.name] = self.veil.hide(str(e))
            self.observer.host(host.name, "failed", self.unreachable[host.name])
        else:
            if host.name in self._connections:
                self._connections[host.name].close()
            self._connections[host.name] = connection
            self.observer.host(host.name, "done")

    def _register(self, hosts: Sequence[Host]) -> None:
        """What is declared on these hosts, not yet looked at; pyinfra's State is good for one look."""
        again = [h for h in hosts if h.name not in self._unseen]
        self._unseen -= {h.name for h in hosts}
        if again:
            self._declared |= _register(again, self.settings, self.veil)
        for host in hosts:
            connector = self._declared[host.name].connector
            connection = self._connections[host.name]
            connector.connection = connection
            if isinstance(connector, Connector):
                connector.command_timeout = self.access.command_timeout

    def _look_at(self, host: Host) -> HostPlan:
        name, started = host.name, time.monotonic()
        if name in self.unreachable:
            return HostPlan(host=name, municipality=host.tenant, error=self.unreachable[name])
        connection = self._connections[name]
        execs = connection.execs
        try:
            plan = self._evaluate(host)
        except HostLost as e:
            self.unreachable[name] = self.veil.hide(str(e))
            return self._unknown(host, str(e))
        except (SamdriftError, PyinfraError) as e:
            return self._unknown(host, str(e) or type(e).__name__)
        except Exception as e:  # noqa: BLE001  whatever a host's answers make facts raise, it is about this host alone
            log.debug("looking at %s: %s", name, self.veil.hide(traceback.format_exc()))
            return self._unknown(host, f"what it answered cannot be understood: {type(e).__name__}: {e}")
        took = {"execs": connection.execs - execs, "seconds": round(time.monotonic() - started, 3)}
        plan = plan.model_copy(update=took)
        self.observer.host(name, "done", f"{len(plan.changes)} change{'s' * (len(plan.changes) != 1)}")
        return plan

    def _unknown(self, host: Host, why: str) -> HostPlan:
        why = self.veil.hide(why)
        self.observer.host(host.name, "failed", why)
        return HostPlan(host=host.name, municipality=host.tenant, error=why)

    def _evaluate(self, host: Host) -> HostPlan:
        """All operations at once, then the handlers, which depend on what the others would do."""
        declared, connection = self._declared[host.name], self._connections[host.name]
        rounds = Rounds(connection.ask)
        commands: dict[str, list[PyinfraCommand]] = {}
        unmanaged: list[Unmanaged] = []
        armed: list[str] = []

        def job(operation: _Registered) -> Callable[[], None]:
            return lambda: commands.update({operation.op_hash: declared.evaluate(operation)})

        def owed() -> None:
            with declared.context():
                declared.target.get_fact(OwedHandlers)  # asked now, so that the handlers need no round of their own

        jobs = [job(op) for op in declared.operations if not op.handler]
        if isinstance(connection, DeviceConnection):
            armed.append(connection.pending)
            jobs.append(lambda: unmanaged.extend(_unmanaged_lines(declared)))
        else:
            jobs += [owed, lambda: unmanaged.extend(_unmanaged(host, declared, rounds))]
            jobs.append(lambda: armed.append(rounds.ask(guard_script.ARMED).stdout.strip()))
        declared.connector.rounds = rounds
        try:
            rounds.run(jobs)
            rounds.run([job(op) for op in declared.operations if op.handler])
        finally:
            declared.connector.rounds = None
        hide = self.veil.hide
        return HostPlan(
            host=host.name,
            municipality=host.tenant,
            steps=tuple(_step(op, commands[op.op_hash], self.veil) for op in declared.operations),
            unmanaged=tuple(u.model_copy(update={"path": hide(u.path), "line": hide(u.line)}) for u in unmanaged),
            armed=hide(armed[0]),
        )

    def _each(self, hosts: Sequence[Host], act: Callable[[Host], Any]) -> list[Any]:
        """`act` on every host at the same time; results in the hosts' order."""
        return list(Pool(AT_ONCE).map(act, hosts))


def declarations(host: Host, fleet: Fleet) -> tuple[tuple[ManagedFile, ...], tuple[ManagedConfiguration, ...]]:
    """Every file that a host's roles declare, and what they declare of a device's configuration; rendered, without
    touching the host. Its settings must be sound.
    """
    found = _register([host], {host.name: settings_of(host, fleet)})[host.name]
    return tuple(found.files), tuple(found.configurations)


def declared_files(host: Host, fleet: Fleet) -> tuple[ManagedFile, ...]:
    """The files alone."""
    return declarations(host, fleet)[0]


def _register(
    hosts: Sequence[Host], settings: Mapping[str, Mapping[str, Settings]], veil: Veil = UNVEILED
) -> dict[str, _Declared]:
    """What every role of every host declares, in a fresh pyinfra State; no round trip."""
    inventory = Inventory(([(h.name, {"veil": veil}) for h in hosts], {}))
    state = State(inventory, Config(), check_for_changes=False)
    ctx_state.set(state)
    declared = {}
    for host in hosts:
        target = _PlanHost.of(state.inventory.get_host(host.name))
        kind = DeviceConnector if host.platform in known_vendors() else Connector
        connector = target.connector = kind(state, target)
        target.connected = True
        declared[host.name] = _Declared(state, target, connector)
        _declare(declared[host.name], settings[host.name])
    return declared


def _declare(declared: _Declared, settings: Mapping[str, Settings]) -> None:
    target = declared.target
    for name, role_settings in settings.items():
        known = len(target.op_hash_order)
        with declared.context(), registering(name, secrets_in(role_settings)) as registration:
            catalogue()[name].deploy(role_settings)
        declared_as: dict[str, ManagedFile | ManagedConfiguration] = {f"file {f.path}": f for f in registration.files}
        declared_as.update((WHAT, c) for c in registration.configurations)
        for op_hash in target.op_hash_order[known:]:
            operation = _Registered(name, op_hash, declared.state.ops[target][op_hash])
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


def _refuse_twins(host: str, operations: Sequence[_Registered]) -> None:
    """A step is known by its role and name; two of one name could not be told apart."""
    seen: set[tuple[str, str]] = set()
    for operation in operations:
        key = (operation.role, operation.name)
        if not operation.name or key in seen:
            what = f"two steps are called {operation.name!r}" if operation.name else "a step has no name"
            raise SamdriftError(
                what, where=f"host {host}, roles/{operation.role}.py", fix="give each step its own name="
            )
        seen.add(key)


def _unmanaged_lines(declared: _Declared) -> list[Unmanaged]:
    """Lines of a device's configuration that no role of its says anything of."""
    found = []
    for configuration in declared.configurations:
        with declared.context():
            running = declared.target.get_fact(RunningConfiguration, platform=configuration.platform)
        unmanaged = compared(running, configuration).unmanaged
        found += [Unmanaged(role=configuration.role, line=line) for line in unmanaged]
    return found


def _unmanaged(host: Host, declared: _Declared, rounds: Rounds) -> list[Unmanaged]:
    """Files in directories that the host's roles own, and that none of them declares."""
    owners = {directory: role for role in host.roles for directory in catalogue()[role].owns}
    if not owners:
        return []
    places = " ".join(shlex.quote(d) for d in owners)
    answer = rounds.ask(f"find {places} -mindepth 1 -maxdepth 1 ! -type d -print0 2>/dev/null | base64 -w0")
    if answer.rc != 0:  # nothing found would say that there is nothing
        raise LookFailed(f"the directories that roles own were not read: {places}", where=f"host {host.name}")
    found = base64.b64decode(answer.stdout).decode("utf-8", "backslashreplace").split("\0")
    known = {f.path for f in declared.files}
    strangers = sorted(p for p in found if p and p not in known)
    return [Unmanaged(role=owners[str(Path(p).parent)], path=p) for p in strangers]


def _step(operation: _Registered, commands: Sequence[PyinfraCommand], veil: Veil) -> Step:
    declares = operation.declares
    secrets = declares.secrets if declares else ()
    # A new value of a secret is a new intent, though the placeholder stands where it stood.
    sealed = veil.seal(veil.reveal(declares.content, secrets), secrets) if declares and secrets else ""
    return Step(
        role=operation.role,
        name=operation.name,
        intent=digest(operation.intent + sealed) if sealed else operation.intent,
        wanted=sealed or (digest(declares.content) if isinstance(declares, ManagedFile) else ""),
        commands=tuple(_as_data(c, operation) for c in commands),
        change=_change(commands, UNVEILED if sealed else veil),
        handler=operation.handler,
        guard=operation.guard if commands else None,
        unguarded=operation.unguarded if commands else "",
    )


def _change(commands: Sequence[PyinfraCommand], veil: Veil) -> Change | None:
    """What a step would change; what the host says of itself in it, without the values of secrets."""
    change = next((c for c in map(explanation, commands) if c is not None), None)
    if change is None:
        return None
    said = {"before": change.before, "after": change.after}
    return change.model_copy(update={k: text if text is None else veil.hide(text) for k, text in said.items()})


def _as_data(command: PyinfraCommand, operation: _Registered) -> Command:
    """A pyinfra command as what a plan file holds; placeholders of secrets only in what a role declares whole."""
    data = _read_command(command)
    if MARK in data.text and (data.kind == "run" or not operation.declares or not operation.declares.secrets):
        raise SamdriftError(
            "a secret cannot stand in a command, which everybody on the host can read",
            where=f"roles/{operation.role}.py, step {operation.name}",
            fix="write it into a managed_file, and let the program read that",
        )
    return data


def _read_command(command: PyinfraCommand) -> Command:
    if isinstance(command, FileUploadCommand) and not isinstance(command.src, str):
        command.src.seek(0)
        raw = command.src.read()
        text = raw if isinstance(raw, str) else raw.decode()
        return Command(kind="upload", text=text, path=command.dest)
    if isinstance(command, ConfigurationSession):
        lines, rollback = "\n".join(command.lines), "\n".join(command.rollback)
        return Command(kind="configure", text=lines, path=command.platform, rollback=rollback)
    if isinstance(command, StringCommand):
        return Command(kind="run", text=command.get_raw_value())
    raise SamdriftError(f"{type(command).__name__} cannot stand in a plan", fix="roles use shell commands and uploads")


def _frozen(commands: Sequence[Command], reveal: Callable[[str], str]) -> Callable[[], Iterator[PyinfraCommand]]:
    """A generator that yields what was planned, and evaluates nothing; what is uploaded gets its secrets only here."""

    def generate() -> Iterator[PyinfraCommand]:
        for command in commands:
            if command.kind == "upload":
                yield FileUploadCommand(BytesIO(reveal(command.text).encode()), command.path)
            elif command.kind == "configure":
                lines, rollback = (tuple(reveal(text).split("\n")) for text in (command.text, command.rollback))
                yield ConfigurationSession(command.path, lines, rollback)
            else:
                yield StringCommand(command.text)

    return generate


def _what_it_said(operation: _Registered, connector: Connector | DeviceConnector) -> str:
    """The last lines of a failed step's output."""
    meta = operation.data.operation_meta
    lines = [*meta.stdout_lines, *meta.stderr_lines]
    if not lines and isinstance(connector, Connector) and connector.last_upload is not None:
        lines = connector.last_upload.stderr.splitlines()
    return "\n".join(line for line in lines[-15:] if line.strip()) or "it said nothing"
