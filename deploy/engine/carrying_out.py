"""The steps of one host's plan carried out, one after the other, until one fails or finds something moved.

Exactly the planned commands are run; nothing is evaluated again but what a step expects to find. What a step is about
to overwrite must be what the look saw. Where the look saw nothing, an earlier command of the same run may have made
something: a package brings files along. So before each command it is seen that nothing came from elsewhere, and after
it what has come: of that it is asked what it is.

Not here: who may carry out (`host_locks`), and when a host is guarded (`guards`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from pyinfra.api.command import PyinfraCommand
from pyinfra.api.operations import run_host_op

from deploy.engine.declare import Declared, Registered
from deploy.engine.guards import GuardFailed
from deploy.engine.hosts import BeforeStep, Outcome
from deploy.engine.lock_script import MOVED
from deploy.engine.planned import frozen, last_output, step_of
from deploy.model.observer import Observer
from deploy.model.plan import HostPlan, Sign, Step
from deploy.model.step_id import StepId
from deploy.transport.device_session import DeviceSession
from deploy.transport.rounds import Rounds
from deploy.transport.ssh import Connection, HostLost
from deploy.vault.authority import NotSigned, Signer
from inventory.errors import SamdriftError
from roles.shared.parts.expected import Expected
from roles.shared.parts.veil import Veil


class CarryingOut:
    """The carrying out of one host's plan.

    Args:
        run: the run that holds the host's lock; empty if none of ours does.
        before_step: hears of each step before it is carried out, and may say that it must not be.
        guard: arms the host's guard before a step that asks for one, or sees that it still is armed; returns by what
            the host knows the processes of such a step.
        shown: takes secrets out of a text about the host.
        signer: signs the host's requests for certificates.
    """

    def __init__(
        self,
        planned: HostPlan,
        declared: Declared,
        connection: Connection | DeviceSession,
        *,
        run: str,
        veil: Veil,
        observer: Observer,
        before_step: BeforeStep,
        guard: Callable[[], str],
        shown: Callable[[str], str],
        signer: Signer,
    ) -> None:
        self._planned, self._declared, self._connection = planned, declared, connection
        self._veil, self._observer, self._before_step = veil, observer, before_step
        self._guard, self._shown, self._signer = guard, shown, signer
        self._operations = {operation.id: operation for operation in declared.operations}
        self._connector = declared.connector
        self._connector.run, self._connector.begun = run, False
        self._done: list[StepId] = []

    def go(self) -> Outcome:
        """Carry out the steps; returns how that ended, but for whether the host is guarded."""
        self._declared.state.is_executing = True
        steps = self._planned.changes
        for number, step in enumerate(steps):
            if why := self._before_step(self._planned.host, step.id):
                return Outcome(tuple(self._done), step.id, why, stopped=True)
            self._observer.host(self._planned.host, "step", step.id)
            try:
                ended = self._carry_out(step, steps[number + 1 :])
            except (GuardFailed, NotSigned) as e:
                return self._broke_off(step, self._shown(str(e)))
            except SamdriftError as e:
                return self._broke_off(step, self._shown(str(e)), lost=True)
            if ended is not None:
                return ended
        return Outcome(tuple(self._done))

    def _carry_out(self, step: Step, later: Sequence[Step]) -> Outcome | None:
        """Carry out one step; returns None if it succeeded."""
        operation, connector = self._operations[step.id], self._connector
        if isinstance(self._connection, DeviceSession) and not self._is_still_so(operation, step):
            return self._broke_off(step, f"{MOVED}{step.name}", moved=True)
        absent = self._absent(later) if operation.declares is None else {}
        connector.absent = tuple(expected for all_of in absent.values() for expected in all_of)
        connector.appeared = frozenset()
        operation.data.command_generator = frozen(step, operation, self._veil, self._signed)
        operation.data.operation_meta._maybe_is_change = True  # pyinfra has no setter
        guarded_by = self._guard() if step.guard or step.unguarded else ""
        connector.guarded_by = guarded_by if step.guard else ""
        with self._declared.context():
            succeeded = run_host_op(self._declared.state, self._declared.target, operation.op_hash)
        if not succeeded:
            output = self._veil.hide(last_output(operation, connector))
            return self._broke_off(step, output, moved=connector.moved)
        self._done.append(step.id)
        connector.begun = True
        if made := [s for s in later if not connector.appeared.isdisjoint(absent.get(s.id, ()))]:
            self._expect_anew(made)
        return None

    def _signed(self, command: Sign) -> str:
        """Have the host make a request, and return the certificate.

        Raises:
            NotSigned: the host makes none, or it is not signed.
        """
        where = f"host {self._planned.host}"
        (answer,) = self._connection.ask([command.request])
        if answer.rc:
            raise NotSigned(f"it makes no request for a certificate: {answer.stderr.strip()}", where=where)
        return self._signer.sign(command.order, answer.stdout, where)

    def _broke_off(self, step: Step, why: str, *, lost: bool = False, moved: bool = False) -> Outcome:
        return Outcome(tuple(self._done), step.id, why, lost=lost, moved=moved)

    def _absent(self, later: Sequence[Step]) -> dict[StepId, tuple[Expected, ...]]:
        """Return which later steps expect to find nothing, and what each expects."""
        of_steps = {s.id: tuple(e for e in self._operations[s.id].expected if e and e.absent) for s in later}
        return {step: expected for step, expected in of_steps.items() if expected}

    def _expect_anew(self, steps: Sequence[Step]) -> None:
        """Let steps expect what is there now. One that would do nothing any more overwrites nothing."""
        operations = [self._operations[step.id] for step in steps]
        self._evaluate(operations)
        for step, operation in zip(steps, operations, strict=True):
            if len(operation.expected) != len(step.commands):
                operation.expected = (None,) * len(step.commands)

    def _is_still_so(self, operation: Registered, step: Step) -> bool:
        """Tell whether a device's step would still change the same, as the device itself compares nothing."""
        (commands,) = self._evaluate([operation])
        now = step_of(operation, commands, self._veil)
        return (now.commands, now.change) == (step.commands, step.change)

    def _evaluate(self, operations: Sequence[Registered]) -> list[list[PyinfraCommand]]:
        """Evaluate operations again, all at once: what they would do, and what they expect, as the host is now.

        Raises:
            SamdriftError: it does not say.
        """
        connector = self._connector
        connector.rounds = Rounds(self._connection.ask)
        try:
            return connector.rounds.run([partial(self._declared.evaluate, of) for of in operations])
        except SamdriftError:
            raise
        except Exception as e:  # whatever a host's answers make facts raise, it is about this host alone
            what = f"what it answered cannot be understood: {type(e).__name__}: {e}"
            raise HostLost(what, where=f"host {self._planned.host}") from e
        finally:
            connector.rounds = None
