"""What an apply reports: one result for each host, and findings, in words. Decides nothing and asks no host.

When a host is stale, lost or put back is `wave`'s to find out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Literal

from deploy.engine.hosts import Outcome
from deploy.engine.lock_script import Refused
from deploy.model.device_models import UnknownModel, model_refused
from deploy.model.drift import (
    Controls,
    applied_steps,
    armed_finding,
    check_finding,
    refused_finding,
    restarts_finding,
    step_evidence,
    strangers_finding,
)
from deploy.model.evidence import Error, Evidence, Note
from deploy.model.findings import Finding, Kind, severity
from deploy.model.locked import locked_finding
from deploy.model.messages import Command, Message, MessageId, samdrift
from deploy.model.plan import HostPlan, Plan, Step
from deploy.model.record import AppliedStep, CheckResult, HostResult
from deploy.model.step_id import StepId
from deploy.model.words import evidence_in_words
from inventory.fleet import Host
from inventory.frozen import Frozen

Why = tuple[Evidence, ...]
"""What speaks against a host."""

Ending = Literal["in sync", "changed", "differs", "failed", "rolled back", "stale", "unknown", "skipped"]


class ApplyResult(Frozen):
    """The outcome of an apply: a result for every host that it was about, with findings."""

    hosts: tuple[HostResult, ...]
    findings: tuple[Finding, ...]
    checks: tuple[CheckResult, ...]


class Results:
    """Collects the results, findings and checks of one apply.

    Each method below states one ending of one host; a later one replaces the host's result, and adds a finding.

    Args:
        declared: returns the configurations that a device's roles declare, by the step that types each.
        untouched: host name to steps as last applied of roles that the apply is not about; a host that converges keeps
            them beside those that it was given now. None: they
            are damaged, and nothing is kept anew.
    """

    def __init__(
        self,
        hosts: Iterable[Host],
        controls: Controls,
        declared: Callable[[str], Mapping[StepId, str]],
        untouched: Mapping[str, Mapping[StepId, AppliedStep] | None] | None = None,
    ) -> None:
        self._municipality = {h.name: h.tenant for h in hosts}
        self._controls, self._declared, self._untouched = controls, declared, untouched or {}
        self._hosts: dict[str, HostResult] = {}
        self._findings: list[Finding] = []
        self._checks: list[CheckResult] = []

    def of(self, plan: Plan) -> ApplyResult:
        """Return what is known so far, in the order of the plan."""
        ordered = tuple(self._hosts[h.host] for h in plan.hosts if h.host in self._hosts)
        return ApplyResult(hosts=ordered, findings=tuple(self._findings), checks=tuple(self._checks))

    def ending(self, name: str) -> Ending | None:
        """Return how a host ended; None if that is not known yet."""
        return self._hosts[name].outcome if name in self._hosts else None

    def checked(self, checks: Sequence[CheckResult]) -> None:
        """Add checks, a finding for each that failed, and a notice of whoever is heard that nobody knows."""
        self._checks += checks
        self._findings += [check_finding(c, self._controls) for c in checks if c.outcome == "failed"]
        self._findings += [strangers_finding(c) for c in checks if c.strangers]
        self._findings += [restarts_finding(c) for c in checks if c.restarts]

    def in_sync(self, fresh: HostPlan) -> None:
        """Record that nothing was to be changed."""
        self._set(fresh.host, "in sync", fresh=fresh)

    def changed(self, fresh: HostPlan, outcome: Outcome) -> None:
        """Record that the host was changed, and that a fresh look finds nothing left to change."""
        self._set(fresh.host, "changed", outcome, fresh=fresh)

    def skipped(self, name: str, why: str) -> None:
        """Record that the host was left alone."""
        self._set(name, "skipped", detail=why)

    def went_no_further(self, failed: Collection[str]) -> None:
        """Record that the apply went no further, if it left hosts alone: what is done, and what is not."""
        by_ending: dict[bool, list[str]] = {True: [], False: []}
        for name, result in self._hosts.items():
            if result.outcome == "skipped" or (result.changed and result.outcome == "changed" and name not in failed):
                by_ending[result.outcome == "skipped"].append(name)
        if not by_ending[True]:
            return
        done, left = (", ".join(by_ending[which]) or "–" for which in (False, True))
        notes = (Note(message=MessageId.DONE(hosts=done)), Note(message=MessageId.LEFT_ALONE(hosts=left)))
        why = MessageId.STOPPED(hosts=", ".join(sorted(failed)))
        self._find(Kind.STOPPED, "", why, *notes, advice=MessageId.MEND_THEN_APPLY(apply=samdrift("apply")))

    def cuts_off(self, name: str, outcome: Outcome, why: Message) -> None:
        """Record that hosts behind an unguarded gateway do not answer since it was changed."""
        self._set(name, "failed", outcome, why=(Note(message=why),))
        advice = MessageId.SEE_WHAT_CUT_IT_OFF(plan=_about(name, "plan"))
        self._find(Kind.FAILED_STEP, name, MessageId.STAYED(), Note(message=why), advice=advice)

    def armed(self, fresh: HostPlan) -> None:
        """Record that another run's guard was found armed on the host."""
        self._findings.append(armed_finding(fresh))

    def not_looked_at(self, fresh: HostPlan, why: Evidence) -> None:
        """Record that the host could not be looked at, so that nothing was written to it."""
        self._set(fresh.host, "unknown", why=(why,))
        self._find(Kind.UNKNOWN, fresh.host, MessageId.NOT_LOOKED_AT(), why)

    def not_locked(self, name: str, why: Refused) -> None:
        """Record that the host was left alone: another run has it, or it could not be locked."""
        if why.error:
            self._set(name, "unknown", why=(Error(text=why.error),))
            self._find(Kind.UNKNOWN, name, MessageId.NOT_LOOKED_AT(), Error(text=why.error))
            return
        holder, run = (why.holder.words, why.holder.run) if why.holder and why.holder.who else ("?", "")
        run = run if why.seconds else ""  # what does not expire ends with its process, and cannot be taken over
        found = locked_finding(name, self._municipality[name], holder, run=run, seconds=why.seconds, busy=why.busy)
        self._set(name, "skipped", detail=found.summary)
        self._findings.append(found)

    def stale(self, fresh: HostPlan, planned: HostPlan) -> None:
        """Record that the host moved since the plan was made, so that nothing was written to it."""
        moved = sorted({s.id for s in fresh.changes} ^ {s.id for s in planned.changes})
        self._set(fresh.host, "stale", detail="it differs from what the plan saw")
        how = MessageId.STEPS_MOVED(steps=", ".join(moved)) if moved else MessageId.A_STEP_MOVED()
        sees_all = ("--user", fresh.looked_as) if planned.concealed else ()
        advice = MessageId.READ_NEW_PLAN(plan=samdrift("plan", "--limit", fresh.host, *sees_all))
        unseen = ", ".join(planned.concealed)
        part = (Note(message=MessageId.PLANNED_IN_PART(lines=unseen)),) if unseen else ()
        self._find(Kind.STALE, fresh.host, MessageId.HOST_MOVED(), Note(message=how), *part, advice=advice)

    def refused(self, fresh: HostPlan) -> None:
        """Record that a step would shut samdrift out, so that nothing was written to the host."""
        found = [refused_finding(fresh, step, self._controls) for step in fresh.changes if step.shuts_out]
        self._set(fresh.host, "failed", detail="\n".join(f.summary for f in found))
        self._findings += found

    def of_unknown_model(self, of: UnknownModel) -> None:
        """Record that nothing is known of the device's model and nobody named it, so that nothing was written to it."""
        found = model_refused(of)
        self._set(of.host, "failed", detail=found.summary)
        self._findings.append(found)

    def broke_off(self, fresh: HostPlan, outcome: Outcome, at: StepId) -> None:
        """Record that a step of an unguarded host failed, or that the host was lost in it, or moved before it."""
        why = Error(text=outcome.error)
        if outcome.moved:
            self._set(fresh.host, "failed" if outcome.done else "stale", outcome, why=(why,))
            message = MessageId.STEP_MOVED(step=at, done=len(outcome.done), steps=len(fresh.changes))
            advice = MessageId.READ_NEW_PLAN(plan=_about(fresh.host, "plan"))
            self._find(Kind.STALE, fresh.host, message, why, role=at.role, step=at.name, advice=advice)
            return
        self._set(fresh.host, "unknown" if outcome.lost else "failed", outcome, why=(why,))
        self._find(
            Kind.UNKNOWN if outcome.lost else Kind.FAILED_STEP,
            fresh.host,
            MessageId.STEP_BROKE_OFF(step=at, done=len(outcome.done), steps=len(fresh.changes)),
            why,
            role=at.role,
            step=at.name,
            advice=MessageId.MEND_THEN_APPLY(apply=_about(fresh.host, "apply")),
        )

    def stopped(self, fresh: HostPlan, outcome: Outcome, at: StepId) -> None:
        """Record that the run was to stop before this step of an unguarded host."""
        if not outcome.done:
            self._set(fresh.host, "skipped", detail=outcome.error)
            return
        why = Error(text=outcome.error)
        self._set(fresh.host, "differs", outcome, why=(why,))
        self._find(
            Kind.FAILED_STEP,
            fresh.host,
            MessageId.STOPPED_BEFORE(step=at, done=str(len(outcome.done)), steps=str(len(fresh.changes))),
            why,
            role=at.role,
            step=at.name,
            advice=MessageId.APPLY(apply=_about(fresh.host, "apply")),
        )

    def unsettled(self, fresh: HostPlan, outcome: Outcome, by_hand: str) -> None:
        """Record that all steps were carried out, and that the last look failed or finds something left to change."""
        if fresh.error:
            why = Error(text=fresh.error)
            self._set(fresh.host, "unknown", outcome, why=(why,))
            advice = _look_again(fresh.host, by_hand)
            self._find(Kind.UNKNOWN, fresh.host, MessageId.LOST_AFTER_CHANGE(), why, advice=advice)
            return
        self._set(fresh.host, "differs", outcome, why=(still_to_change(fresh),))
        for step in fresh.changes:
            self._find(
                Kind.PENDING,
                fresh.host,
                MessageId.STEP_STILL_CHANGES(),
                *step_evidence(step),
                role=step.role,
                step=step.name,
                advice=MessageId.MEND_THE_ROLE(),
            )

    def lost_while_checked(self, name: str, why: str) -> None:
        """Record that the host died while its checks ran: it has its change, and its state is unknown."""
        self._hosts[name] = self._hosts[name].model_copy(update={"outcome": "unknown", "detail": why})
        self._find(Kind.UNKNOWN, name, MessageId.LOST_WHILE_CHECKED(), Error(text=why))

    def not_kept(self, name: str, outcome: Outcome, why: str) -> None:
        """Record that the change was confirmed, and would be gone after a restart."""
        self._set(name, "failed", outcome, why=(Error(text=why),))
        advice = MessageId.SAVE_BY_HAND(host=name)
        self._find(Kind.FAILED_STEP, name, MessageId.NOT_SAVED(), Error(text=why), advice=advice)

    def rolled_back(self, before: HostPlan, after: HostPlan, outcome: Outcome, why: Why) -> None:
        """Record that the host undid its guarded steps."""
        self._set(before.host, "rolled back", outcome, why=why)
        advice = MessageId.SEE_WHAT_CUT_IT_OFF(plan=_about(before.host, "plan"))
        self._find(Kind.ROLLED_BACK, before.host, as_before(before, after), *why, advice=advice)

    def not_seen_again(self, name: str, outcome: Outcome, why: Why, by_hand: str) -> None:
        """Record that a guarded host was lost, and did not come back in time."""
        self._set(name, "unknown", outcome, why=why)
        advice = _look_again(name, by_hand)
        self._find(Kind.UNKNOWN, name, MessageId.LOST_WHILE_GUARDED(), *why, advice=advice)

    def still_restoring(self, name: str, outcome: Outcome, why: Why) -> None:
        """Record that a host could not put everything back yet; it goes on trying by itself."""
        self._set(name, "failed", outcome, why=why)
        advice = MessageId.SEE_GUARD(show=samdrift("guard", "show", name))
        self._find(Kind.FAILED_STEP, name, MessageId.STILL_RESTORING(), *why, advice=advice)

    def stayed(self, name: str, outcome: Outcome, why: Why, by_hand: str) -> None:
        """Record that a host that must not have been confirmed has its change all the same: it was confirmed, or
        restarted.
        """
        self._set(name, "failed", outcome, why=why)
        verify = _about(name, "verify")
        advice = (
            MessageId.SEE_HOW_OR_BY_HAND(verify=verify, by_hand=by_hand)
            if by_hand
            else MessageId.SEE_HOW_IT_STANDS(verify=verify)
        )
        self._find(Kind.FAILED_STEP, name, MessageId.STAYED(), *why, advice=advice)

    def broken_off(self, why: str, *, left: Sequence[str], guarded: Sequence[str], by_hand: Mapping[str, str]) -> None:
        """Record that the apply was interrupted, or ended by an internal error.

        Args:
            left: hosts that were begun, and of which nothing is known.
            guarded: hosts that are about to undo their guarded steps.
            by_hand: what somebody has to do on a host if its change stays.
        """
        notes = [MessageId.HALF_CHANGED(hosts=", ".join(left)) if left else MessageId.NONE_HALF_CHANGED()]
        if guarded:
            notes.append(MessageId.ABOUT_TO_UNDO(hosts=", ".join(guarded)))
        notes += [MessageId.IF_CHANGE_STAYS(host=name, by_hand=todo) for name, todo in by_hand.items()]
        self._find(
            Kind.FAILED_STEP,
            "",
            MessageId.APPLY_BROKEN_OFF(why=why),
            *(Note(message=note) for note in notes),
            advice=MessageId.SEE_WHAT_IS_LEFT(plan=samdrift("plan")),
        )

    def _set(
        self,
        name: str,
        ending: Ending,
        outcome: Outcome | None = None,
        *,
        detail: str = "",
        why: Why = (),
        fresh: HostPlan | None = None,
    ) -> None:
        self._hosts[name] = HostResult(
            host=name,
            municipality=self._municipality[name],
            outcome=ending,
            changed=outcome.done if outcome else (),
            detail=detail or "\n".join(map(evidence_in_words, why)),
            steps=self._steps_of(name, fresh),
            execs=fresh.execs if fresh else 0,
            seconds=fresh.seconds if fresh else 0.0,
        )

    def _steps_of(self, name: str, fresh: HostPlan | None) -> dict[StepId, AppliedStep]:
        """Return what a host that converged has been given by now; of any other, nothing is said anew."""
        untouched = self._untouched.get(name, {})
        if fresh is None or untouched is None:
            return {}
        return {**untouched, **applied_steps(fresh, self._declared(name))}

    def _find(
        self,
        kind: Kind,
        host: str,
        message: Message,
        *evidence: Evidence,
        role: str = "",
        step: str = "",
        advice: Message | None = None,
    ) -> None:
        self._findings.append(
            Finding(
                kind=kind,
                host=host,
                municipality=self._municipality[host] if host else "",
                role=role,
                step=step,
                message=message,
                evidence=evidence,
                advice=advice or _look_again(host),
                severity=severity(kind, message.id),
            )
        )


def still_to_change(fresh: HostPlan) -> Note:
    """Name the steps that a look finds left to change."""
    return Note(message=MessageId.STILL_TO_CHANGE(steps=_steps(fresh.changes)))


def as_before(before: HostPlan, after: HostPlan) -> Message:
    """Say whether a host that undid its guarded steps would be changed by the same steps again."""
    if after.fingerprint == before.fingerprint:
        return MessageId.ROLLED_BACK()
    would = {step.id: step for step in after.changes}
    left = [step for step in before.changes if step.guard and not _undone(step, would.get(step.id))]
    if left:
        return MessageId.ROLLED_BACK_NOT_ALL(steps=_steps(left))
    return MessageId.ROLLED_BACK_GUARDED()


def _undone(step: Step, now: Step | None) -> bool:
    """Tell whether a step would change the same again; a file that did not exist may now exist, and be empty."""
    before = step.change.before if step.change else None
    return now is not None and (before is None or now.change == step.change)


def _steps(of: Iterable[Step]) -> str:
    return ", ".join(step.id for step in of)


def _about(host: str, command: str) -> Command:
    return samdrift(command, "--limit", host)


def _look_again(host: str, by_hand: str = "") -> Message:
    """Advise to look at a host, and what to do by hand on one that may not have received the last command."""
    plan = _about(host, "plan")
    return MessageId.PLAN_OR_BY_HAND(plan=plan, by_hand=by_hand) if by_hand else MessageId.PLAN(plan=plan)
