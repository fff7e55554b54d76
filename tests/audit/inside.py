"""Run a program of the auditors in a lab host, as root there, and leave the host as it was.

The program runs in the host's namespaces but for mounts: it has a view of its own of the host's disk, in which nothing
can be written and the auditors' programs are at /mnt, in memory. The host sees none of it, and when the program ends it
is gone.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy.lab.cgroups import processes
from deploy.lab.lab import Lab
from tests.audit.auditors import Auditors

TOOLS = "/mnt"
LOADER = f"$(echo {TOOLS}/usr/lib64/ld-linux-*.so.*) --library-path $(echo {TOOLS}/usr/lib/*-linux-gnu)"
"""The auditors' programs are run with their own libraries: a host's may be older."""

APART = r"\036"
"""What is printed before each script's name, for printf: a record separator, which no auditor prints."""

VIEW = f"""\
set -eu
mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs {TOOLS}
tar -x -C {TOOLS}
mkdir {TOOLS}/out
mount -o remount,bind,ro /
"""


class AuditError(Exception):
    """An auditor could not look."""


def leader(lab: Lab, host: str) -> int:
    """Return the process that is the host's first: its systemd."""
    for pid in processes(lab.id).get(host, ()):
        ids = _status(pid).get("NSpid", "").split()
        if len(ids) > 1 and ids[-1] == "1":
            return pid
    raise AuditError(f"{host} does not run in this lab")


def _status(pid: int) -> dict[str, str]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # it ended meanwhile
        return {}
    return {name: value for name, _, value in (line.partition(":") for line in lines)}


def inside(
    lab: Lab, host: str, auditors: Auditors, scripts: Mapping[str, str], timeout: float = 3600
) -> dict[str, str]:
    """Run shell scripts in a host, one after the other, with the programs at /mnt; what each prints, by its name."""
    script = "".join(f"printf '{APART}%s\\n' {name}\n(\n{text}\n)\n" for name, text in scripts.items())
    enter = ["nsenter", f"--target={leader(lab, host)}", "--all", "unshare", "--mount", "--propagation=private"]
    pack = ["tar", "-c", "-C", str(auditors.root), "--exclude=./dev", "."]
    with subprocess.Popen(pack, stdout=subprocess.PIPE) as packing:
        done = subprocess.run(
            [*enter, "sh", "-c", VIEW + script],
            stdin=packing.stdout,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    if done.returncode:
        raise AuditError(f"{host}: an auditor ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return dict(said.split("\n", 1) for said in done.stdout.split("\x1e")[1:])


def from_host(lab: Lab, host: str, auditors: Auditors, *command: str, timeout: float = 900) -> str:
    """Run a program of the auditors in a host's network and nothing else of it; what it prints.

    Args:
        host: if empty, in the network of this machine, which is the lab's management station.
    """
    mounts = 'mount -t proc proc "$0/proc"; mount --rbind /dev "$0/dev"; exec chroot "$0" "$@"'
    (auditors.root / "proc").mkdir(exist_ok=True)
    (auditors.root / "dev").mkdir(exist_ok=True)
    network = ["nsenter", f"--target={leader(lab, host)}", "--net"] if host else []
    enter = [*network, "unshare", "--mount", "--propagation=private"]
    done = subprocess.run(
        [*enter, "sh", "-euc", mounts, str(auditors.root), *command],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        restore_signals=False,  # a server that hangs up would end sslscan by SIGPIPE: so it hears of an error
    )
    if done.returncode:
        raise AuditError(f"from {host}: {command[0]} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout
