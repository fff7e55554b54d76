"""What the lab needs of the machine it runs on: root and programs, files that are written whole, options.

Not here: processes (`lab.cgroups`), mounts (`lab.mounts`), and the network (`lab.switch`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from inventory.errors import SamdriftError

PROGRAMS = {
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "mount": "mount",
    "nft": "nftables",
    "nsenter": "util-linux",
    "setsid": "util-linux",
    "sysctl": "procps",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "systemd-nspawn": "systemd-container",
    "unshare": "util-linux",
}
"""Every program that the lab calls, and the Debian package that has it."""


class LabError(SamdriftError):
    """The lab cannot do what it was asked."""


def run(*argv: str | Path, stdin: str = "", timeout: float = 60) -> str:
    """Run a program; return its standard output, or raise LabError with the last line that it complained in."""
    command = [str(a) for a in argv]
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, check=True)
    except (FileNotFoundError, PermissionError) as e:  # the latter, where PATH names what one may not look into
        raise LabError(
            f"there is no program {command[0]}", fix=f"apt-get install {PROGRAMS.get(command[0], '')}"
        ) from e
    except subprocess.TimeoutExpired as e:
        raise LabError(f"{command[0]} did not finish within {timeout:.0f} s", where=" ".join(command)) from e
    except subprocess.CalledProcessError as e:
        complaint = last_line(e.stderr) or last_line(e.stdout) or f"exit status {e.returncode}"
        raise LabError(complaint, where=" ".join(command)) from e
    return done.stdout


def last_line(text: str) -> str:
    """Return the last line of a text that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def require_machine() -> None:
    """Raise LabError, saying what to do, unless this machine can run a lab: root, and all programs."""
    if os.geteuid() != 0:
        raise LabError("the lab boots real hosts and needs root", fix="run it as root, or with sudo")
    missing = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    if missing:
        raise LabError("the lab needs programs that are not installed", fix=f"apt-get install {' '.join(missing)}")


def boot_id() -> str:
    """Return which boot of this machine it is: nothing that a lab left running survives another one."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def complaint(log: Path) -> str:
    """Return a program's complaint in its log: the first line that is marked as an error, or else the last line."""
    lines = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return next((line for line in lines.splitlines() if line.startswith("E: ")), "") or last_line(lines)


def delete(tree: Path) -> None:
    """Delete a directory with all below it, but nothing that is mounted there.

    By a program: gevent's `close` waits for its loop, so that shutil.rmtree would run out of open files.
    """
    run("rm", "-rf", "--one-file-system", "--", tree, timeout=300)


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file whole or not at all; its directory is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.chmod(mode)
    beside.rename(path)


def environment_option(name: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return an option given by environment variable; None where it is unset or empty."""
    return environment.get(name) or None
