"""The offline check: is the inventory sound, and would the program that reads each file accept it?

Nothing is connected to and nothing on this machine is changed. A host's rendered files are laid out over this
machine's own directories, in a mount namespace that only the check sees, and each is judged there by the very
command that judges it on the host. Where a program is not installed here, or no namespace can be made, the file
is *not applicable*, with the reason, and never counted as accepted.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

from gevent.pool import Pool
from pydantic import Field

from deploy.engine.declare import declared_files
from deploy.model.evidence import Error
from deploy.model.findings import Finding, Kind, severity
from deploy.model.inventory_findings import unsound
from deploy.model.messages import Message, MessageId, as_written, samdrift
from deploy.model.observer import Observer, Quiet
from inventory.errors import SamdriftError
from inventory.fleet import Fleet, Frozen, Host
from roles.shared.change import digest
from roles.shared.intent import Intent
from roles.shared.parts.registration import ManagedFile

SECONDS = 30
"""How long a program may take to judge one file."""

PROGRAMS = (
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/frr"
    f":{sys.prefix}/judges/usr/sbin"  # setup.sh unpacks there what cannot be installed beside another package
)
ALWAYS_COVERED = ("etc", "run", "var")
"""What validators may write to (a pid directory, a cache), whether or not a role has files there."""

LAY_OUT = """\
set -e
umask 022 # whatever the caller's is: sshd trusts no directory that a group may write to
cd "$1"
mount -t tmpfs samdrift over
for top in $2; do
  [ -d "/$top" ] && [ ! -L "/$top" ] || continue
  mkdir -p "over/upper/$top" "over/work/$top"
  if [ -d "tree/$top" ]; then cp -rp "tree/$top" over/upper/; fi
  mount -t overlay -o "lowerdir=/$top,upperdir=$PWD/over/upper/$top,workdir=$PWD/over/work/$top" samdrift "/$top"
done
# Without root, this machine's root is a stranger in here, and sshd trusts no directory of a stranger.
[ ! -d /run/sshd ] || [ -O /run/sshd ] || mount -t tmpfs -o mode=755 samdrift /run/sshd
touch ready
for job in jobs/*; do
  code=0
  timeout -k 1 "$3" sh "$job" > "said/${job#jobs/}" 2>&1 < /dev/null || code=$?
  echo "$code" > "code/${job#jobs/}"
done
"""


Verdict = Literal["accepted", "refused", "not applicable"]


class Judgement(Frozen):
    """What the program that will read a file says of it; equal files of several hosts are judged once."""

    role: str
    path: str
    hosts: tuple[str, ...]
    outcome: Verdict
    detail: str = ""


class Offline(Frozen):
    """What the check looked at, and what it found."""

    hosts: int = 0
    settings: int = Field(default=0, description="how many roles' settings were computed, over all hosts")
    files: int = Field(default=0, description="how many managed files were rendered, over all hosts")
    judgements: tuple[Judgement, ...] = ()
    findings: tuple[Finding, ...] = ()


def check_offline(intent: Intent, hosts: Sequence[Host], observer: Observer | None = None) -> Offline:
    """Check these hosts' roles, settings and files; every problem is found in one go."""
    fleet = intent.fleet
    observer = observer or Quiet()
    with_roles = [h for h in hosts if h.roles]
    problems = {h.name: intent.problems(h) for h in with_roles}
    findings = unsound((p for of_host in problems.values() for p in of_host), fleet)
    sound = [h for h in with_roles if not problems[h.name]]
    observer.stage("rendering", [h.name for h in sound])
    rendered: dict[str, tuple[ManagedFile, ...]] = {}
    faults: list[SamdriftError] = []
    for host in sound:
        try:
            rendered[host.name] = declared_files(host, intent)
        except SamdriftError as e:
            faults.append(e)
            observer.host(host.name, "failed", str(e))
        else:
            observer.host(host.name, "done")
    judgements = _judge(fleet, rendered, observer)
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
    path, others = judgement.path, len(judgement.hosts) - 1
    message = MessageId.FILE_REFUSED_ON_MORE(path=path, others=others) if others else MessageId.FILE_REFUSED(path=path)
    show = samdrift("show", host.name, "--file", path)
    return Finding(
        kind=Kind.UNSOUND,
        host=host.name,
        municipality=host.tenant,
        role=judgement.role,
        step=f"file {path}",
        message=message,
        evidence=(Error(text=judgement.detail),) if judgement.detail else (),
        advice=MessageId.MEND_THE_FILE(role=judgement.role, show=show),
        severity=severity(Kind.UNSOUND, message.id),
    )


# --- judging ----------------------------------------------------------------------------------------------------


class _Job(Frozen):
    """One file to judge, among the files of the first host that has it."""

    file: ManagedFile
    hosts: tuple[str, ...]


def _judge(fleet: Fleet, rendered: Mapping[str, Sequence[ManagedFile]], observer: Observer) -> tuple[Judgement, ...]:
    """Judge every file that has a validator, each once, in as few namespaces as there are hosts with new files."""
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
    """Files that must be judged alike: same validator, path and text, and the same files of the role around it."""
    alike: dict[tuple[str, ...], list[tuple[str, ManagedFile]]] = {}
    for host, files in rendered.items():
        for file in (f for f in files if f.validate_with):
            around = digest("\0".join(sorted(f"{f.path}\0{f.content}" for f in files if _is_named_in(file, f))))
            platform_ = fleet.host(host).platform
            key = (platform_, file.role, file.path, str(file.validate_with), digest(file.content), around)
            alike.setdefault(key, []).append((host, file))
    return [_Job(file=group[0][1], hosts=tuple(host for host, _ in group)) for group in alike.values()]


def _is_named_in(file: ManagedFile, other: ManagedFile) -> bool:
    """Whether a file names another of its role, or the directory of it: then it may be read with it."""
    if other.role != file.role or other.path == file.path:
        return False
    return str(PurePosixPath(other.path).parent) in file.content + str(file.validate_with)


def _judge_host(host: Host, files: Sequence[ManagedFile], jobs: Sequence[_Job]) -> list[Judgement]:
    with tempfile.TemporaryDirectory(prefix="samdrift-check-") as name:
        scratch = Path(name)
        for directory in ("tree", "over", "jobs", "said", "code"):
            (scratch / directory).mkdir()
        for file in files:
            _write(scratch / "tree", file.path, file)
        for number, job in enumerate(jobs):
            candidate = _candidate(job.file.path)
            _write(scratch / "tree", candidate, job.file)
            command = str(job.file.validate_with).replace("{path}", shlex.quote(candidate))
            (scratch / "jobs" / f"{number:04}").write_text(f"( {command} )\n", encoding="utf-8")
        error = _run(scratch, files)
        return [_judgement(host, scratch, number, job, error) for number, job in enumerate(jobs)]


def _candidate(path: str) -> str:
    """Where a file stands while it is judged on a host."""
    target = PurePosixPath(path)
    return str(target.with_name(f".{target.name}.samdrift"))


def _write(tree: Path, path: str, file: ManagedFile) -> None:
    target = tree / os.path.normpath(path).lstrip("/")  # a path that climbs (..) stays inside
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(file.content, encoding="utf-8")
    target.chmod(int(file.mode, 8))


def _run(scratch: Path, files: Sequence[ManagedFile]) -> str:
    """Judge the jobs of a scratch directory in a namespace; why there is none, if there is none."""
    tops = sorted({*ALWAYS_COVERED, *(PurePosixPath(f.path).parts[1] for f in files)})
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    own = ["--mount", "--net", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"]
    arguments = [str(scratch), " ".join(tops), str(SECONDS)]
    try:
        done = subprocess.run(
            ["unshare", *as_root, *own, "sh", "-c", LAY_OUT, "sh", *arguments],
            capture_output=True,
            check=False,
            env={"PATH": PROGRAMS, "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"},
            stdin=subprocess.DEVNULL,
        )
    except OSError as e:
        return f"no namespace to judge it in: unshare: {e.strerror}"
    if (scratch / "ready").exists():
        return ""
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return f"no namespace to judge it in: {said[-1] if said else f'unshare ended with {done.returncode}'}"


def _judgement(host: Host, scratch: Path, number: int, job: _Job, error: str) -> Judgement:
    def judged(outcome: Verdict, detail: str = "") -> Judgement:
        return Judgement(role=job.file.role, path=job.file.path, hosts=job.hosts, outcome=outcome, detail=detail)

    if error:
        return judged("not applicable", error)
    code_file = scratch / "code" / f"{number:04}"
    code = int(code_file.read_text()) if code_file.exists() else -1
    said = (scratch / "said" / f"{number:04}").read_text("utf-8", "replace") if code >= 0 else ""
    if code == 0:
        return judged("accepted")
    if code == 127:
        missing = re.search(r"(\S+): (?:command )?not found", said)
        program = PurePosixPath(missing[1]).name if missing else "a program it needs"
        return judged("not applicable", f"{program} is not installed here")
    if os.geteuid() != 0 and re.search(r"switching euid .* and egid .*: Invalid argument", said):
        # Without root a namespace knows one group, and logrotate takes on the group it is told to even to look.
        return judged("not applicable", "its program changes to another group for it: run samdrift check as root")
    if code in {124, 137}:
        said += f"no answer within {SECONDS} s"
    return judged("refused", _tail(said or f"it ended with {code} and said nothing") + _other_release(host))


def _tail(said: str) -> str:
    return "\n".join(said.strip().splitlines()[-15:])


def _other_release(host: Host) -> str:
    """A program of another release may judge otherwise: whoever reads the refusal should know."""
    release = platform.freedesktop_os_release()
    here = f"{release.get('ID', '')}-{release.get('VERSION_ID', '')}"
    return (
        "" if here == host.platform else f"\n(judged by this machine's programs, {here}; the host is {host.platform})"
    )
