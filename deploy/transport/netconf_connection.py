"""A session with a device by NETCONF: asked and changed by the operations that its vendor has (`Vendor.netconf`).

A change is made in the candidate, under its lock: all lines are loaded, and then the whole is committed; it is in
force, or nothing of it is. It waits to be confirmed by another session, as a change that is typed does. The device is
believed by the inventory's host keys alone (`transport.ssh`). Every wait has an end.

There is no `validate` before: a commit judges the whole by itself (RFC 6241, section 8.3.4), and a server was met that
commits nothing after one, and says `ok` (netconfd 2.13).

Not here: what an operation is in XML (`roles.shared.device.netconf`), and how messages travel
(`transport.netconf_session`).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

import gevent
import paramiko

from deploy.transport import device_session
from deploy.transport.device_session import SAME_SESSION, DeviceSession, Typed, impossible
from deploy.transport.netconf_messages import Malformed, Reply, escaped
from deploy.transport.netconf_session import NetconfSession
from deploy.transport.ssh import Access, Answer, HostLost, log_in
from deploy.transport.terminal import must_be_typable
from inventory.errors import SamdriftError
from inventory.fleet import Host
from inventory.netconf import PORT, netconf_port
from roles.shared.device.masking import masked
from roles.shared.device.netconf import Netconf
from roles.shared.device.remark import remark
from roles.shared.device.vendor import Vendor

TOKEN = f"samdrift-{secrets.token_hex(8)}"
"""By which this run's changes are confirmed or taken back, from whatever session."""


class Step(NamedTuple):
    """An operation that changes something, and what it means if it is refused.

    If it is `strict`, so is a warning that nobody knows.
    """

    refused: str
    operation: str
    strict: bool = False


LOCK = Step("its configuration is not free", "<lock><target><candidate/></target></lock>")
UNLOCK = Step("not unlocked", "<unlock><target><candidate/></target></unlock>")
DISCARD = Step("not discarded", "<discard-changes/>")
LOCK_RUNNING = Step("its running configuration is not free", "<lock><target><running/></target></lock>")
UNLOCK_RUNNING = Step("not unlocked", "<unlock><target><running/></target></unlock>")


class NetconfConnection(DeviceSession):
    """One NETCONF session with one device. `execs` counts its operations.

    Args:
        vendor: one that has NETCONF.
    """

    def __init__(self, host: Host, access: Access, vendor: Vendor) -> None:
        super().__init__(host, access, vendor)
        if vendor.netconf is None or vendor.confirm is None:
            raise SamdriftError(f"{vendor.name} is not talked to by NETCONF", where=self._where)
        self._netconf: Netconf = vendor.netconf
        self._session: NetconfSession | None = None
        self._parts: list[str] = []  # which parts of the device have answered, as they say it

    def open(self) -> None:
        """Log in, exchange capabilities, and ask how the device works and whether it is counting down."""
        port, how = netconf_port(self.host) or PORT, self._netconf.to_have
        try:
            transport, came_in = log_in(self.host, self.access.model_copy(update={"port": port}))
        except HostLost as e:
            raise HostLost(e.what, where=e.where, fix=e.fix or how) from e
        self.came_in = came_in.model_copy(update={"netconf_port": port})
        seconds = 2 * self.access.connect_timeout
        with self._within(seconds, "no NETCONF session in time", fix=how):
            try:
                self._session = NetconfSession(transport, seconds)
            except BaseException:
                transport.close()
                raise
            self._session.greet()
            if missing := self._session.hello.missing(self._netconf.needs):
                what = f"its NETCONF server has not what a change needs: {', '.join(missing)}"
                raise HostLost(what, where=self._where, fix=how)
        self._armed = False
        self._parts = []
        self.pending = self._counting()
        self.ask(self.vendor.identifies)  # of a cluster, each node answers that
        self._require_known_mode("\n".join(self._parts))

    def close(self) -> None:
        """End the session; harmless if there is none."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def ask(self, commands: Sequence[str], within: float | None = None) -> list[Answer]:
        """Ask these commands, one after the other. Returns what each showed."""
        must_be_typable(commands, self._where)
        total = self.access.look_timeout if within is None else within
        with self._answered_within(total):
            return [self._asked(command) for command in commands]

    def configure(self, entries: Sequence[str], *, minutes: int | None) -> Typed:
        """Make a change, all of it or nothing."""
        typed = self._typable(entries)
        text = "\n".join(line for lines in typed for line in lines)
        commit = self._netconf.commit if minutes is None else self._timed(self._netconf.commit_confirmed, minutes)
        commit = self._with_remark(commit)
        seconds = self.access.command_timeout
        if minutes is not None:  # the other half is for seeing that all is well, here and on those changed with it
            seconds = min(seconds, device_session.MINUTE / 2 * minutes)
        with self._within(seconds, f"the change was not taken within {seconds:g} s"):
            self._armed = minutes is not None
            answer = self._in_lock(
                Step("refused", self._netconf.load.replace("{text}", escaped(text)), strict=True),
                Step("not committed", commit),
            )
        return Typed(**dict(answer), taken=0 if answer.rc else len(entries))

    def confirm(self) -> Answer:
        """Keep the change of another session."""
        if self._armed:
            return impossible(SAME_SESSION)
        with self._answered_within(self.access.command_timeout):
            step = Step("not confirmed", self._with_remark(self._netconf.confirm.replace("{token}", TOKEN)))
            answer = self._in_lock(step) if self._netconf.confirms_in_lock else self._done(step)
        return self._seen_confirmed(answer)

    def revert(self) -> Answer:
        """Restore what was before the change that is waiting for `confirm`, at once where the vendor can."""
        if not self._netconf.revert:
            return impossible(f"{self.vendor.name} restores what was before only when its time has run out")
        with self._answered_within(self.access.command_timeout):
            return self._done(Step("not taken back", self._netconf.revert.replace("{token}", TOKEN)))

    def save(self) -> Answer:
        """Do nothing: what is committed outlives a restart."""
        return Answer(rc=0, stdout="", stderr="")

    def _in_lock(self, *steps: Step) -> Answer:
        """Do these operations under the candidate's lock, up to the first that is refused: then nothing of them stays.

        Whoever else has a draft there, or the lock, keeps both: the lock is refused.
        """
        locked = self._done(LOCK)
        if locked.rc:
            return locked
        warned = ""
        for step in steps:
            answer = self._done(step)
            if answer.rc:
                if self._done(DISCARD).rc:
                    self.close()  # with the session goes what is left in its candidate
                else:
                    self._done(UNLOCK)
                return answer
            warned += answer.stdout
        self._done(UNLOCK)  # if it does not: the end of the session does
        return Answer(rc=0, stdout=warned, stderr="")

    def _done(self, step: Step) -> Answer:
        """Have an operation done that changes something: it is, if the server says so, and nothing against it."""
        reply = self._operation(step.operation)
        known = self._netconf.warnings
        against = [*reply.errors]
        if step.strict:
            against += (w for w in reply.warnings if not any(re.search(pattern, w) for pattern in known))
        warned = "".join(f"warning: {masked(w)}\n" for w in reply.warnings)
        if reply.done and not against:
            return Answer(rc=0, stdout=warned, stderr="")
        why = masked("; ".join(against) or "the server does not say that it was done")
        return Answer(rc=1, stdout=warned, stderr=f"{step.refused}: {why}")

    def _asked(self, command: str) -> Answer:
        """Ask one command."""
        each, netconf = self.access.fact_timeout, self._netconf
        operation = netconf.show if command == self.vendor.show else netconf.ask
        with gevent.Timeout(each, HostLost(f"no answer within {each:g} s", where=self._where)):
            reply = self._operation(operation.replace("{text}", escaped(command)))
        if reply.errors:
            return Answer(rc=1, stdout="", stderr=masked("; ".join(reply.errors)))
        self._parts += (reply.answer(netconf.parts) or "").splitlines()
        answer = reply.answer(netconf.answers)
        if answer is None and operation == netconf.show:
            return Answer(rc=1, stdout="", stderr=f"it does not show its configuration so: {netconf.to_have}")
        return self._shown(answer or reply.alone or "")

    def _counting(self) -> str:
        """Return what the device says of a change that waits to be confirmed; nothing if none does."""
        if not self._netconf.pending_by_lock:
            return super()._counting()
        with self._answered_within(self.access.fact_timeout):
            locked = self._done(LOCK_RUNNING)
            if locked.rc == 0:
                self._done(UNLOCK_RUNNING)
        return locked.stderr

    def _with_remark(self, operation: str) -> str:
        """Say why the device is changed, where it keeps that."""
        return operation.replace("{remark}", remark(self._netconf.remark, self.access.reason))

    def _timed(self, operation: str, minutes: int) -> str:
        fill = {"minutes": minutes, "seconds": round(device_session.MINUTE * minutes), "token": TOKEN}
        return re.sub(r"\{(minutes|seconds|token)\}", lambda m: str(fill[m[1]]), operation)

    def _operation(self, operation: str) -> Reply:
        if self._session is None:
            raise HostLost("not connected", where=self._where)
        self.execs += 1
        return self._session.ask(operation)

    def _answered_within(self, seconds: float) -> AbstractContextManager[None]:
        return self._within(seconds, f"no answer within {seconds:g} s")

    @contextmanager
    def _within(self, seconds: float, late: str, fix: str = "") -> Iterator[None]:
        """Lose the device if the session fails in this block, or if it takes longer than so many seconds."""
        try:
            with gevent.Timeout(seconds, HostLost(late, where=self._where)):
                yield
        except HostLost:
            self.close()
            raise
        except (paramiko.SSHException, OSError, EOFError) as e:
            self.close()
            why = str(e) or type(e).__name__
            raise HostLost(f"lost in its NETCONF session: {why}", where=self._where, fix=fix) from e
        except Malformed as e:
            self.close()
            raise HostLost(f"what it says is no NETCONF: {e}", where=self._where) from e
