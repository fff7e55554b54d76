"""Judge files: would the program that reads each on its host accept it?

Each is judged by the very command that judges it on the host, among the files of that host. Where a program is not
installed here, no namespace can be made, or a program needs root's rights and has not got them, the file is *not
applicable*, with the reason: it is neither accepted nor refused.

Not here: the namespace that they are judged in (`namespace`), and devices, which have no files (`devices`).
"""

from __future__ import annotations

import os
import platform
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Literal

from gevent.pool import Pool

from deploy.check.namespace import SECONDS, NoNamespace, ProgramResult, answers, is_root
from deploy.model.observer import Observer
from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from roles.shared.change import digest
from roles.shared.parts.registration import ManagedFile

JudgementOutcome = Literal["accepted", "refused", "not applicable"]


class Judgement(Frozen):
    """The outcome of judging a file by the program that will read it; equal files of several hosts are judged once.

    Or of a device's configuration, by its vendor's rules: `path` is the name of the step then.
    """

    kind: Literal["file", "configuration"] = "file"
    role: str
    path: str
    hosts: tuple[str, ...]
    outcome: JudgementOutcome
    detail: str = ""


class _Job(Frozen):
    """A file to judge, among the files of the first host that has it."""

    file: ManagedFile
    hosts: tuple[str, ...]


def judge_files(
    fleet: Fleet, rendered: Mapping[str, Sequence[ManagedFile]], observer: Observer
) -> tuple[Judgement, ...]:
    """Judge every file that has a validator, each once, in as few namespaces as there are hosts with new files.

    Args:
        rendered: by host, all its files.
    """
    jobs: dict[str, list[_Job]] = {}
    for same in _alike(fleet, rendered):
        jobs.setdefault(same.hosts[0], []).append(same)
    observer.stage("validating", list(jobs))

    def judge(host: str) -> list[Judgement]:
        judged = _judge_host(fleet.host(host), rendered[host], jobs[host])
        observer.host(host, "done")
        return judged

    pool = Pool(os.cpu_count() or 1)
    return tuple(j for judged in pool.map(judge, list(jobs)) for j in judged)


def _alike(fleet: Fleet, rendered: Mapping[str, Sequence[ManagedFile]]) -> list[_Job]:
    """Group files that must be judged alike: same validator, path and text, and same files of the role around it."""
    alike: dict[tuple[str, ...], list[tuple[str, ManagedFile]]] = {}
    for host, files in rendered.items():
        for file in (f for f in files if f.validate_with):
            around = digest("\0".join(sorted(f"{f.path}\0{f.content}" for f in files if _is_named_in(file, f))))
            platform_ = fleet.host(host).platform
            key = (platform_, file.role, file.path, str(file.validate_with), digest(file.content), around)
            alike.setdefault(key, []).append((host, file))
    return [_Job(file=group[0][1], hosts=tuple(host for host, _ in group)) for group in alike.values()]


def _is_named_in(file: ManagedFile, other: ManagedFile) -> bool:
    """Tell whether a file names another of its role, or the directory of it: then it may be read with it."""
    if other.role != file.role or other.path == file.path:
        return False
    return str(PurePosixPath(other.path).parent) in file.content + str(file.validate_with)


def _judge_host(host: Host, files: Sequence[ManagedFile], jobs: Sequence[_Job]) -> list[Judgement]:
    around = {f.path: f for f in files}
    candidates = {_candidate(job.file.path): job.file for job in jobs}
    try:
        answered = answers({**around, **candidates}, [_command(job.file) for job in jobs])
    except NoNamespace as e:
        why = f"no namespace to judge it in: {e}" + ("" if is_root() else " (run samdrift check as root)")
        return [_judgement(job, "not applicable", why) for job in jobs]
    return [_judged(host, job, answer) for job, answer in zip(jobs, answered, strict=True)]


def _command(file: ManagedFile) -> str:
    return str(file.validate_with).replace("{path}", shlex.quote(_candidate(file.path)))


def _candidate(path: str) -> str:
    """Return the path at which a file stands while a host judges it."""
    target = PurePosixPath(path)
    return str(target.with_name(f".{target.name}.samdrift"))


def _judged(host: Host, job: _Job, answer: ProgramResult) -> Judgement:
    code, output = answer.code, answer.output
    if code == 0:
        return _judgement(job, "accepted")
    if code == 127:
        missing = re.search(r"(\S+): (?:command )?not found", output)
        program = PurePosixPath(missing[1]).name if missing else "a program it needs"
        return _judgement(job, "not applicable", f"{program} is not installed here")
    if not is_root() and (closed := re.search(r"(?im)^.*(?:permission denied|operation not permitted).*$", output)):
        return _judgement(job, "not applicable", f"it needs rights, run samdrift check as root: {closed[0].strip()}")
    if code in {124, 137}:
        output += f"no answer within {SECONDS} s"
    shown = "\n".join(output.strip().splitlines()[-15:])
    return _judgement(job, "refused", (shown or f"it ended with {code} and said nothing") + _other_release(host))


def _judgement(job: _Job, outcome: JudgementOutcome, detail: str = "") -> Judgement:
    return Judgement(role=job.file.role, path=job.file.path, hosts=job.hosts, outcome=outcome, detail=detail)


def _other_release(host: Host) -> str:
    """Say that the programs here are of another release than the host's, which may judge otherwise."""
    release = platform.freedesktop_os_release()
    here = f"{release.get('ID', '')}-{release.get('VERSION_ID', '')}"
    return (
        "" if here == host.platform else f"\n(judged by this machine's programs, {here}; the host is {host.platform})"
    )
