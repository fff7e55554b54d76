"""Run programs in control groups of the lab's own, find their processes again, and end them.

Everything that a lab starts runs in a control group of its own, named after the lab's directory. That is how its
processes are found again, whatever became of the process that started them: no pid files, no matching of names.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from deploy.lab.machine import LabError, complaint

CGROUPS = Path("/sys/fs/cgroup")


def scope_name(lab: str, name: str) -> str:
    """Return the control group of one thing that the lab `lab` runs.

    Also a systemd unit, where systemd is in charge.
    """
    return f"samdrift-lab-{lab}-{name}.scope"


def launch(lab: str, name: str, argv: Sequence[str | Path], log: Path) -> None:
    """Start a program in a control group and a session of its own; it outlives us. Its output goes to `log`."""
    _in_scope(lab, name, ["setsid", "--fork", *argv], log, timeout=30)


def work(lab: str, name: str, argv: Sequence[str | Path], log: Path, timeout: float) -> None:
    """Run a program to its end in a control group of its own, where `end` finds it if we do not live to see it."""
    try:
        _in_scope(lab, name, argv, log, timeout)
    finally:
        end(lab, [name])


def _in_scope(lab: str, name: str, argv: Sequence[str | Path], log: Path, timeout: float) -> None:
    scope = scope_name(lab, name)
    if Path("/run/systemd/system").is_dir():
        # systemd owns the tree of control groups: it is asked for a scope, whose inside it leaves to nspawn
        subprocess.run(["systemctl", "stop", scope], capture_output=True, check=False)
        enter = ["systemd-run", "--scope", "--quiet", "--collect", "--slice=system.slice"]
        enter += [f"--unit={scope}", "--property=Delegate=yes", "--"]
    else:
        made = [root / scope for root in _cgroup_roots()]
        for group in made:
            _make_group(group)
        # in the group before the program starts, so that nothing of it can be outside
        script = 'until [ "$1" = -- ]; do echo $$ > "$1/cgroup.procs" || exit; shift; done; shift; exec "$@"'
        enter = ["sh", "-c", script, "sh", *map(str, made), "--"]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
        "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",  # or systemd of Debian 13 does not start on hybrid control groups
        "SYSTEMD_NSPAWN_LOCK": "0",  # the lab has a lock of its own, and nspawn's would be left lying about
    }
    command = [*enter, *map(str, argv)]
    with log.open("ab") as output:
        try:
            subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                timeout=timeout,
                check=True,
            )
        except subprocess.TimeoutExpired as e:
            raise LabError(f"{argv[0]} did not finish within {timeout:.0f} s", where=str(log)) from e
        except subprocess.CalledProcessError as e:
            raise LabError(complaint(log) or f"exit status {e.returncode}", where=str(log)) from e


def _make_group(group: Path) -> None:
    try:
        group.mkdir(exist_ok=True)
    except OSError as e:
        raise LabError(
            f"cannot make a control group: {e.strerror}",
            where=str(group),
            fix="use a machine of its own, or a privileged container",
        ) from e


def _cgroup_roots() -> list[Path]:
    """Return where control groups are made by hand: the one tree, or on hybrid machines both that systemd looks at."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    roots = [CGROUPS / n for n in ("systemd", "unified") if (CGROUPS / n / "cgroup.procs").exists()]
    if not roots:
        raise LabError(
            "there is no tree of control groups that systemd could use",
            where=str(CGROUPS),
            fix="mount -t cgroup2 cgroup2 /sys/fs/cgroup",
        )
    return roots


def processes(lab: str) -> dict[str, list[int]]:
    """Return the ids of every process of this lab, by the name it was launched under."""
    found: dict[str, list[int]] = {}
    in_lab = re.compile(
        rf"/{re.escape(scope_name(lab, 'NAME')).replace('NAME', '([A-Za-z0-9_-]+)')}(?:/|$)", re.MULTILINE
    )
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                membership = in_lab.search((entry / "cgroup").read_text())
            except OSError:  # it ended meanwhile
                continue
            if membership:
                found.setdefault(membership[1], []).append(int(entry.name))
    return found


def is_program(pid: int, name: str) -> bool:
    """Tell whether a process is a run of this program."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip() == name
    except OSError:  # it ended meanwhile
        return False


def age(pids: Iterable[int]) -> float:
    """Return the seconds since the oldest of these processes started."""
    started = []
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        started.append(int(fields[19]) / os.sysconf("SC_CLK_TCK"))
    return time.clock_gettime(time.CLOCK_BOOTTIME) - min(started) if started else 0.0


def end(lab: str, names: Iterable[str] | None = None, patience: float = 15) -> None:
    """Kill what was launched under these names (None: everything), and wait until it is gone.

    At once and without a farewell: the disks of lab hosts are thrown away, or made for being pulled the plug.
    """
    wanted = None if names is None else set(names)
    deadline = time.monotonic() + patience
    while True:
        pids = [p for name, of in processes(lab).items() if wanted is None or name in wanted for p in of]
        if not pids:
            break
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise LabError(f"processes of the lab do not end: {' '.join(map(str, pids))}", fix="look at them with ps")
        time.sleep(0.05)
    for group in groups(lab):
        if wanted is None or group.name in {scope_name(lab, n) for n in wanted}:
            _remove_group(group, deadline)


def groups(lab: str) -> list[Path]:
    """Return the control groups of this lab that exist, with processes in them or not."""
    pattern = scope_name(lab, "*")
    places = [CGROUPS, CGROUPS / "systemd", CGROUPS / "unified", CGROUPS / "system.slice"]
    return sorted(group for place in places for group in place.glob(pattern))


def _remove_group(group: Path, deadline: float) -> None:
    """Remove an empty control group with all below it; the kernel may need a moment after the last process."""
    while group.exists():
        try:
            for directory, _, _ in os.walk(group, topdown=False):
                Path(directory).rmdir()
        except FileNotFoundError:  # systemd removes its scopes itself
            continue
        except OSError as e:
            if time.monotonic() > deadline:
                raise LabError(f"cannot remove a control group: {e.strerror}", where=str(group)) from e
            time.sleep(0.05)
