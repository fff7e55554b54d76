"""The offline check: is the inventory sound, and would hosts and devices accept what roles make of it?

Nothing is connected to and nothing on this machine is changed.

Not here: how files are judged (`judge`), and how devices' configurations are (`devices`).
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from deploy.check.devices import judge_configurations
from deploy.check.judge import Judgement, judge_files
from deploy.engine.declare import declarations
from deploy.model.device_models import model_notices
from deploy.model.evidence import Error
from deploy.model.findings import Finding, Kind, severity
from deploy.model.inventory_findings import unsound
from deploy.model.messages import Message, MessageId, as_written, samdrift
from deploy.model.observer import Observer, Quiet
from inventory.errors import SamdriftError
from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.parts import is_asked_for
from roles.shared.catalogue import given_to_nobody, known_roles
from roles.shared.granted import problems_of_people
from roles.shared.intent import Intent
from roles.shared.parts.registration import ManagedConfiguration, ManagedFile


class Offline(Frozen):
    """The extent and the findings of an offline check."""

    hosts: int = 0
    settings: int = Field(default=0, description="how many roles' settings were computed, over all hosts")
    files: int = Field(default=0, description="how many managed files were rendered, over all hosts")
    configurations: int = Field(default=0, description="how many devices' configurations were rendered")
    judgements: tuple[Judgement, ...] = ()
    findings: tuple[Finding, ...] = ()


def check_offline(intent: Intent, hosts: Sequence[Host], observer: Observer | None = None) -> Offline:
    """Check these hosts' roles, settings, files and configurations; every problem is found in one go."""
    fleet = intent.fleet
    observer = observer or Quiet()
    with_roles = [h for h in hosts if h.roles or is_asked_for(h)]
    problems = {h.name: intent.problems(h) for h in with_roles}
    of_hosts = [*intent.nowhere(), *(p for of_host in problems.values() for p in of_host)]
    findings = unsound((*of_hosts, *given_to_nobody(fleet, of_hosts), *problems_of_people(fleet)), fleet)
    sound = [h for h in with_roles if not problems[h.name]]
    observer.stage("rendering", [h.name for h in sound])
    rendered: dict[str, tuple[ManagedFile, ...]] = {}
    configurations: dict[str, tuple[ManagedConfiguration, ...]] = {}
    faults: list[SamdriftError] = []
    for host in sound:
        try:
            rendered[host.name], configurations[host.name] = declarations(host, intent)
        except SamdriftError as e:
            faults.append(e)
            observer.host(host.name, "failed", str(e))
        else:
            observer.host(host.name, "done")
    judgements = (*judge_files(fleet, rendered, observer), *judge_configurations(configurations))
    refused = [_refusal(fleet, j) for j in judgements if j.outcome == "refused"]
    return Offline(
        hosts=len(hosts),
        settings=sum(len(h.roles) for h in sound),
        files=sum(map(len, rendered.values())),
        configurations=sum(map(len, configurations.values())),
        judgements=judgements,
        findings=(*findings, *_once(faults), *refused, *_notices(sound, intent), *model_notices(fleet, sound)),
    )


def _notices(hosts: Sequence[Host], intent: Intent) -> list[Finding]:
    """Say what the inventory says of these hosts and their roles do not do: there is nothing to mend on the hosts."""
    found: list[Finding] = []
    for host in hosts:
        computed = intent.settings(host)
        for role in known_roles(host):
            if unserved := role.unserved(host, intent.fleet):
                found.append(_notice(host, role.name, "IPv6", MessageId.FAMILY_UNSERVED(what="; ".join(unserved))))
            if left := role.left(computed[role.name]) if role.name in computed else ():
                found.append(_notice(host, role.name, "inventory", MessageId.LEFT_AS_IT_IS(what="; ".join(left))))
    return found


def _notice(host: Host, role: str, step: str, message: Message) -> Finding:
    return Finding(
        kind=Kind.NOTICE,
        host=host.name,
        municipality=host.tenant,
        role=role,
        step=step,
        message=message,
        severity=severity(Kind.NOTICE, message.id),
    )


def _once(faults: Sequence[SamdriftError]) -> tuple[Finding, ...]:
    """Merge equal faults: a template's fault is one finding, however many hosts meet it."""
    return tuple(
        Finding(
            kind=Kind.UNSOUND,
            step=e.where,
            message=(message := _fault(e)),
            advice=as_written(e.fix) if e.fix else None,
            severity=severity(Kind.UNSOUND, message.id),
        )
        for e in {str(e): e for e in faults}.values()
    )


def _fault(error: SamdriftError) -> Message:
    if error.where:
        return MessageId.CODE_AT_FAULT_IN(where=error.where, what=error.what)
    return MessageId.CODE_AT_FAULT(what=error.what)


def _refusal(fleet: Fleet, judgement: Judgement) -> Finding:
    host = fleet.host(judgement.hosts[0])
    if judgement.kind == "file":
        path, others = judgement.path, len(judgement.hosts) - 1
        refused = MessageId.FILE_REFUSED(path=path)
        message = MessageId.FILE_REFUSED_ON_MORE(path=path, others=others) if others else refused
        step, show = f"file {path}", samdrift("show", host.name, "--file", path)
    else:
        first, *more = judgement.detail.splitlines()
        step, show = judgement.path, samdrift("show", host.name, "--configuration")
        refused = MessageId.LINE_REFUSED(line=first)
        message = MessageId.LINES_REFUSED(line=first, others=len(more)) if more else refused
    return Finding(
        kind=Kind.UNSOUND,
        host=host.name,
        municipality=host.tenant,
        role=judgement.role,
        step=step,
        message=message,
        evidence=(Error(text=judgement.detail),) if judgement.detail else (),
        advice=MessageId.MEND_THE_FILE(role=judgement.role, show=show),
        severity=severity(Kind.UNSOUND, message.id),
    )
