"""A session with some hosts of a fleet: they are looked at, changed as planned, guarded, and asked.

What roles declare is registered (`declare`); then every operation's generator runs in a greenlet of its own and their
facts are answered together (`rounds`), so that a look costs two or three execs whatever the number of steps. What the
generators yield is kept, word for word (`planned`), and is what `carry_out` executes: nothing is evaluated again in
between.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from typing import Any

from gevent.pool import Pool
from pyinfra.api.exceptions import PyinfraError

from deploy.engine.carrying_out import CarryingOut
from deploy.engine.connections import Connections
from deploy.engine.connector import Connector
from deploy.engine.declare import Declared, register
from deploy.engine.guarding import Guarding
from deploy.engine.guards import GuardFailed, StillRestoring
from deploy.engine.host_locks import HostLocks, Writer
from deploy.engine.hosts import BeforeStep, Outcome
from deploy.engine.lock_script import Refused
from deploy.engine.looking import Saw, looked_at, shown_of
from deploy.model import clock
from deploy.model.observer import Observer, Quiet
from deploy.model.plan import HostPlan
from deploy.model.step_id import StepId
from deploy.model.waivers import NO_WAIVERS, Waivers
from deploy.transport.ssh import AT_ONCE, Access, Answer, HostLost, answers_anew
from deploy.vault.authority import Signer
from deploy.vault.interface import NO_VAULT, Vault
from inventory.errors import SamdriftError
from inventory.fleet import Host
from inventory.netconf import netconf_port
from inventory.network import Address
from roles.shared.device.known import known_vendors
from roles.shared.device.ownership import Ours
from roles.shared.device.restoring import Restoring
from roles.shared.intent import Intent
from roles.shared.parts.veil import UNVEILED

log = logging.getLogger("samdrift")

logging.getLogger("pyinfra").addHandler(logging.NullHandler())
logging.getLogger("pyinfra").propagate = False  # observers tell the user what happens
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False  # a lost host is reported as one, once


class Session:
    """Open connections to some hosts of a fleet, on which they are looked at, changed and asked.

    Args:
        intent: what the hosts should be, known before anything is connected to.
        hosts: which of it this session is about.
        only_roles: the roles whose steps are looked at, carried out and checked; all if it is empty.
        vault: where the values of the secrets are that their roles need; opened only if there are any.
        holder: who changes the hosts, and why, for whoever finds one guarded.
        restoring: what makes the one host as it was, instead of as its roles say.
        saw: called with each whole configuration that a look reads: host, what it is, its text, as the host printed it.
        ours: returns by role what may be removed from a device, of the name of the device; without it, nothing may be.
        before_step: hears of each step before it is carried out, and may say that it must not be.
        look_accounts: the account that a host was given for looks, by its name; None: the session changes hosts, and
            looks at them as the account that does.
        waivers: what is accepted, and left as it is.
        writer: the run, for the locks of the hosts that it changes.

    Attributes:
        unreachable: host name to reason, for the hosts that could not be connected to or have died since.
        guards: the guards of these hosts, this run's and others'.

    Raises:
        InventoryError: on construction, with everything that is wrong with any host's settings.
        SecretsError: likewise, naming a secret that is needed and not there.
        StoreError: likewise, if `ours` raises it.
    """

    def __init__(
        self,
        intent: Intent,
        hosts: Sequence[Host],
        access: Access,
        observer: Observer | None = None,
        *,
        only_roles: Collection[str] = (),
        vault: Vault = NO_VAULT,
        holder: str = "",
        restoring: Restoring | None = None,
        saw: Saw = lambda _host, _what, _text: None,
        ours: Callable[[str], Mapping[str, Ours]] = lambda _: {},
        look_accounts: Mapping[str, str] | None = None,
        before_step: BeforeStep = lambda _host, _step: "",
        waivers: Waivers = NO_WAIVERS,
        writer: Writer | None = None,
    ) -> None:
        intent.require(hosts)
        self.intent, self.fleet, self.hosts, self.access = intent, intent.fleet, tuple(hosts), access
        self.observer: Observer = observer or Quiet()
        self.holder, self._restoring, self._saw = holder, restoring, saw
        self._before_step, self._signer = before_step, Signer(vault)
        self.settings = {h.name: intent.settings(h, only_roles) for h in hosts}
        needed = intent.secrets(hosts, only_roles)
        self.veil = vault.open(needed) if needed else UNVEILED
        self._waivers = waivers
        self._ours = {h.name: ours(h.name) for h in hosts if h.platform in known_vendors()}
        self._connections = Connections(
            self.fleet,
            self.hosts,
            access,
            look_accounts=look_accounts,
            shown=self._shown,
            heard=self.observer.host,
        )
        self.unreachable = self._connections.unreachable
        self._declared: dict[str, Declared] = {}
        self.guards = Guarding(self._connections, self._connections.make, holder, access.guard_seconds)
        self._locks = HostLocks(writer or Writer(), self._connections)
        self._unseen: set[str] = set()

    def __enter__(self) -> Session:
        self._declared = self._register(self.hosts)  # what is wrong with a role connects to nobody
        self._unseen = {h.name for h in self.hosts}
        if self._connections.few:
            self.observer.stage("connecting", [h.name for h in self.hosts])
            self._each(self.hosts, self._connect)
        return self

    def _register(self, hosts: Sequence[Host]) -> dict[str, Declared]:
        today = date.fromisoformat(clock.now()[:10])
        return register(hosts, self.settings, self.veil, self._restoring, self._ours, today=today)

    def __exit__(self, kind: object, *_exc: object) -> None:
        self.guards.let_go()
        self._locks.give_back_all()
        self._connections.close_all()
        if self._locks.lost and kind is None:
            raise self._locks.lost[0]

    def declared(self, name: str) -> dict[StepId, str]:
        """Return the configurations that a device's roles declare, secrets by name, by the step that types each."""
        return self._declared[name].of_device

    def look(self, names: Sequence[str] | None = None) -> tuple[HostPlan, ...]:
        """Look once at each host, or at those named: every step, and what it would do now.

        Those that are named are being changed: what nobody declares was told before, and is not searched for again.
        """
        hosts = [h for h in self.hosts if names is None or h.name in names]
        self.observer.stage("looking", [h.name for h in hosts])
        self._declare_anew([h for h in hosts if h.name not in self.unreachable])
        return tuple(self._each(hosts, lambda host: self._look_at(host, searches=names is None)))

    def lock(self, names: Sequence[str]) -> Mapping[str, Refused]:
        """Take the locks of these hosts; returns why some were refused."""
        self.observer.stage("locking", names)
        self._connections.hold(names)
        self._each([h for h in self.hosts if h.name in names and h.name not in self._connections], self._connect)
        return self._locks.take(n for n in names if n not in self.unreachable)

    def unlock(self, names: Sequence[str]) -> None:
        """Give back the locks of these hosts."""
        self._locks.give_back(names)
        self._connections.let_go(names)

    def carry_out(self, planned: HostPlan) -> Outcome:
        """Execute exactly the commands of a host's plan, in order, until one fails.

        The host must have been locked and looked at, and its plan found to say the same, just before. Before
        anything is changed it proves that it could undo what could cut it off. From the first such step on it is
        guarded: it must be confirmed, or it puts itself back.
        """
        if outcome := self._unproved(planned):
            return outcome
        name = planned.host
        lock = self._locks.run if name in self._locks else ""
        outcome = CarryingOut(
            planned,
            self._declared[name],
            self._connections[name],
            run=lock,
            veil=self.veil,
            observer=self.observer,
            before_step=self._before_step,
            guard=lambda: self.guards.require(planned, lock),
            shown=lambda text: self._shown(name, text),
            signer=self._signer,
        ).go()
        if outcome.lost:
            self.unreachable[name] = outcome.error
        return replace(outcome, guarded=name in self.guards)

    def _unproved(self, planned: HostPlan) -> Outcome | None:
        """Have a host prove that it could undo what could cut it off; return how it ends if it could not."""
        try:
            self.guards.prove(planned)
        except SamdriftError as e:
            at = next(step.id for step in planned.changes if step.guard)
            why, lost = self._shown(planned.host, str(e)), not isinstance(e, GuardFailed)
            if lost:
                self.unreachable[planned.host] = why
            return Outcome((), at, why, lost=lost)
        return None

    @property
    def guarded(self) -> tuple[str, ...]:
        """Return the hosts that will restore themselves unless they are confirmed."""
        return self.guards.unconfirmed

    def confirm(self, name: str) -> bool:
        """Disarm the guard of a host, as `Guarding.confirm` does."""
        self._reachable(name)
        return self.guards.confirm(name)

    def keep(self, name: str) -> None:
        """Make what was confirmed outlive a restart of the host.

        Raises:
            GuardFailed: it does not.
            HostLost: the host died.
        """
        self._reachable(name)
        self.guards.keep(name)

    def by_hand(self, name: str) -> str:
        """Return what has to be done by hand on a guarded host if `keep` fails; empty if nothing."""
        return self.guards.by_hand(name)

    def await_guards(self, names: Sequence[str]) -> None:
        """Wait until no other run's guard is armed on these hosts; one whose guard stays armed becomes unreachable.

        One that stays guarded is unreachable from now on: another run is at work there. One whose timer does not run
        is restored.
        """
        self._each([h for h in self.hosts if h.name in names], self._await_guard)

    def _await_guard(self, host: Host) -> None:
        try:
            with self._connections.used(host.name):
                armed = self.guards.await_others(host.name)
            if armed:
                self.unreachable[host.name] = self._shown(host.name, f"another run is changing it: {armed}")
        except HostLost as e:
            self.unreachable[host.name] = self._shown(host.name, str(e))

    def restore(self, name: str) -> str:
        """Have a guarded host undo its change, and wait until it has. Returns what the host reports about it.

        Raises:
            StillRestoring: it is back, and has not put back everything yet.
            HostLost: it did not come back in time.
        """
        try:
            report = self.guards.restore(name)
        except StillRestoring as e:
            raise StillRestoring(self._shown(name, e.what), where=e.where) from None
        self.unreachable.pop(name, None)
        return self._shown(name, report)

    def ask(self, host: str, commands: Sequence[str], *, within: float | None = None) -> list[Answer]:
        """Run shell commands as root, all in one exec, each bounded by the access's fact timeout.

        Their outputs come without the values of secrets.

        Args:
            within: seconds for all of them; the access's look timeout if not given.

        Raises:
            HostLost: the host is unreachable, or died before the last one answered.
        """
        with self._connections.used(host):
            self._reachable(host)
            try:
                answers = self._connections[host].ask(commands, within)
            except HostLost as e:
                self.unreachable[host] = self._shown(host, str(e))
                raise HostLost(self._shown(host, e.what), where=e.where, fix=e.fix) from None
        hide = self.veil.hide
        return [a.model_copy(update={"stdout": hide(a.stdout), "stderr": hide(a.stderr)}) for a in answers]

    @property
    def only_looks(self) -> frozenset[str]:
        """Return the hosts that are asked as an account that may only look."""
        return self._connections.only_looks(self.hosts)

    @property
    def looks_as(self) -> Mapping[str, str]:
        """Return by host the account that it is asked as."""
        return {h.name: self._connections.access_to(h.name).user for h in self.hosts}

    def kept_open(self, host: str) -> AbstractContextManager[None]:
        """Return a block in which all questions to a host are asked over one connection."""
        return self._connections.used(host)

    def answering(self, hosts: Mapping[str, Address]) -> dict[str, Address]:
        """Return those of these hosts of the fleet, each with its address, whose SSH server answers anew."""
        asked = [self.fleet.host(name) for name in hosts]
        at = {h.name: self.access.model_copy(update={"port": netconf_port(h) or self.access.port}) for h in asked}
        heard = self._each(asked, lambda h: answers_anew(h, hosts[h.name], at[h.name]))
        return {host.name: hosts[host.name] for host, answers in zip(asked, heard, strict=True) if answers}

    def reconnect(self, names: Sequence[str]) -> None:
        """Open a new connection to each of these hosts; one that refuses it is unreachable from now on.

        A guarded one is asked until shortly before it restores itself, also if it was lost before.
        """
        hosts = [h for h in self.hosts if h.name in names]
        guarded = [h for h in hosts if h.name in self.guarded]
        others = [h for h in hosts if h not in guarded and h.name not in self.unreachable]
        if guarded or others:
            self.observer.stage("connecting anew", [h.name for h in (*others, *guarded)])
            self._each([*others, *guarded], lambda h: self._connect_again(h) if h in guarded else self._connect(h))

    def _connect_again(self, host: Host) -> None:
        try:
            self.guards.let_in_again(host.name)
        except HostLost as e:
            self.unreachable[host.name] = self._shown(host.name, str(e))
            self.observer.host(host.name, "failed", self.unreachable[host.name])
        else:
            self.unreachable.pop(host.name, None)
            self.observer.host(host.name, "done")

    def _reachable(self, name: str) -> None:
        if name in self.unreachable:
            raise HostLost(self.unreachable[name], where=f"host {name}")

    def _connect(self, host: Host) -> None:
        if host.name not in self.unreachable:
            self._connections.open(host.name)

    def _declare_anew(self, hosts: Sequence[Host]) -> None:
        """Register what these hosts' roles declare, anew: pyinfra's State is good for one look."""
        again = [h for h in hosts if h.name not in self._unseen]
        self._unseen -= {h.name for h in hosts}
        if again:
            self._declared |= self._register(again)

    def _look_at(self, host: Host, *, searches: bool) -> HostPlan:
        with self._connections.used(host.name):
            return self._seen(host, searches=searches)

    def _seen(self, host: Host, *, searches: bool) -> HostPlan:
        name, started = host.name, time.monotonic()
        if name in self.unreachable:
            return HostPlan(host=name, municipality=host.tenant, error=self.unreachable[name])
        connection = self._connections[name]
        execs = connection.execs
        try:
            declared, roles = self._declared[name], self.settings[name]
            declared.connector.connection = connection
            if isinstance(declared.connector, Connector):
                declared.connector.command_timeout = self.access.command_timeout
            own = self._locks.run
            plan = looked_at(
                host,
                declared,
                connection,
                roles,
                veil=self.veil,
                saw=self._saw,
                run=own,
                waivers=self._waivers,
                searches=searches,
            )
        except HostLost as e:
            self.unreachable[name] = self._shown(name, str(e))
            return self._unknown(host, str(e))
        except (SamdriftError, PyinfraError) as e:
            return self._unknown(host, str(e) or type(e).__name__)
        except Exception as e:  # noqa: BLE001  whatever a host's answers make facts raise, it is about this host alone
            log.debug("looking at %s: %s", name, self._shown(name, traceback.format_exc()))
            return self._unknown(host, f"what it answered cannot be understood: {type(e).__name__}: {e}")
        took = {"execs": connection.execs - execs, "seconds": round(time.monotonic() - started, 3)}
        plan = plan.model_copy(update=took)
        self.observer.host(name, "done", f"{len(plan.changes)} change{'s' * (len(plan.changes) != 1)}")
        return plan

    def _shown(self, name: str, text: str) -> str:
        """Take secrets out of a text about a host: known values, and whatever may be one in what a device said."""
        return shown_of(self.fleet.host(name), text, self.veil)

    def _unknown(self, host: Host, why: str) -> HostPlan:
        why = self._shown(host.name, why)
        self.observer.host(host.name, "failed", why)
        return HostPlan(host=host.name, municipality=host.tenant, error=why)

    def _each(self, hosts: Sequence[Host], act: Callable[[Host], Any]) -> list[Any]:
        """Call `act` for every host at the same time; return the results in the hosts' order."""
        return list(Pool(AT_ONCE).map(act, hosts))
