"""The offline check: is the inventory sound, and would the program that reads each file accept it?

Nothing is connected to and nothing on this machine is changed.

Not here: how files are judged (`judge`).
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from deploy.check.judge import Judgement, judge_files
from deploy.engine.declare import declared_files
from deploy.model.findings import Finding, Kind, Severity
from deploy.model.inventory_findings import unsound
from deploy.model.observer import Observer, Quiet
from inventory.errors import SamdriftError
from inventory.fleet import Fleet, Frozen, Host
from roles.shared.catalogue import problems_of
from roles.shared.parts.registration import ManagedFile


class Offline(Frozen):
    """What the check looked at, and what it found."""

    hosts: int = 0
    settings: int = Field(default=0, description="how many roles' settings were computed, over all hosts")
    files: int = Field(default=0, description="how many managed files were rendered, over all hosts")
    judgements: tuple[Judgement, ...] = ()
    findings: tuple[Finding, ...] = ()


def check_offline(fleet: Fleet, hosts: Sequence[Host], observer: Observer | None = None) -> Offline:
    """Check these hosts' roles, settings and files; every problem is found in one go."""
    observer = observer or Quiet()
    with_roles = [h for h in hosts if h.roles]
    problems = {h.name: problems_of(h, fleet) for h in with_roles}
    findings = unsound((p for of_host in problems.values() for p in of_host), fleet)
    sound = [h for h in with_roles if not problems[h.name]]
    observer.stage("rendering", [h.name for h in sound])
    rendered: dict[str, tuple[ManagedFile, ...]] = {}
    faults: list[SamdriftError] = []
    for host in sound:
        try:
            rendered[host.name] = declared_files(host, fleet)
        except SamdriftError as e:
            faults.append(e)
            observer.host(host.name, "failed", str(e))
        else:
            observer.host(host.name, "done")
    judgements = judge_files(fleet, rendered, observer)
    refused = [_refusal(fleet, j) for j in judgements if j.outcome == "refused"]
    return Offline(
        hosts=len(hosts),
        settings=sum(len(h.roles) for h in sound),
        files=sum(map(len, rendered.values())),
        judgements=judgements,
        findings=(*findings, *_once(faults), *refused),
    )


def _once(faults: Sequence[SamdriftError]) -> tuple[Finding, ...]:
    """A template's fault is one finding, however many hosts meet it."""
    return tuple(
        Finding(
            kind=Kind.UNSOUND,
            step=e.where,
            summary=f"{e.where}: {e.what}" if e.where else e.what,
            remedy=e.fix,
            severity=Severity.HIGH,
        )
        for e in {str(e): e for e in faults}.values()
    )


def _refusal(fleet: Fleet, judgement: Judgement) -> Finding:
    host = fleet.host(judgement.hosts[0])
    others = len(judgement.hosts) - 1
    also = f" (and on {others} more)" if others else ""
    return Finding(
        kind=Kind.UNSOUND,
        host=host.name,
        municipality=host.tenant,
        role=judgement.role,
        step=f"file {judgement.path}",
        summary=f"the program that reads {judgement.path} refuses it{also}",
        detail=judgement.detail,
        remedy=f"mend templates/{judgement.role}/ or the settings; read it: "
        f"samdrift show {host.name} --file {judgement.path}",
        severity=Severity.HIGH,
    )
