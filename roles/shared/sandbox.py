"""What a service may still do on its host: all that systemd can take from it, less what it needs. Pure values.

A role says what its service needs, each with its reason (`Need`); everything else is `STRICTEST`. The same value makes
the lines of its unit, and judges what systemd and the kernel say of the running service (`violations`).

Not here: the file that the lines stand in (`parts.services`).
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Self

from pydantic import model_validator

from inventory.frozen import Frozen

STRICTEST: Mapping[str, str] = MappingProxyType(
    {
        "CapabilityBoundingSet": "",
        "LockPersonality": "yes",
        "MemoryDenyWriteExecute": "yes",
        "NoNewPrivileges": "yes",
        "PrivateDevices": "yes",
        "PrivateTmp": "yes",
        "ProtectClock": "yes",
        "ProtectControlGroups": "yes",
        "ProtectHome": "yes",
        "ProtectHostname": "yes",
        "ProtectKernelLogs": "yes",
        "ProtectKernelModules": "yes",
        "ProtectKernelTunables": "yes",
        "ProtectProc": "invisible",
        "ProtectSystem": "strict",
        "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
        "RestrictNamespaces": "yes",
        "RestrictRealtime": "yes",
        "RestrictSUIDSGID": "yes",
        "SystemCallArchitectures": "native",
        "SystemCallFilter": "@system-service",
        "UMask": "0027",
    }
)
"""What stands in every service's unit unless it says that it needs more. Debian 12 (systemd 252) knows all of it."""

LISTS = frozenset({"CapabilityBoundingSet", "RestrictAddressFamilies", "SystemCallFilter"})
"""What adds up over a unit and its drop-ins, so that it begins anew with an empty line."""
FURTHER = frozenset({"DeviceAllow", "DevicePolicy", "ReadWritePaths"})
"""What a service may be given beside: it adds to what Debian's own unit has."""
AT_MOST = 4.5
"""How exposed a service may be, by `systemd-analyze security`: from 0 to 10."""

REFUSED = "SystemCallErrorNumber=EPERM"

OFF = {"ProtectProc": "default"}
"""How a directive says that it takes nothing, where that is not `no`."""

FORBIDDEN: Mapping[str, str] = MappingProxyType(
    {
        "clock_settime": "@clock",
        "init_module": "@module",
        "mount": "@mount",
        "ptrace": "@debug",
        "reboot": "@reboot",
        "swapon": "@swap",
    }
)
"""A call of each group that only a need may allow: systemd shows calls, and no groups."""

_SHOWN = " ".join(f"-p {name}" for name in (*STRICTEST, "NeedDaemonReload", "Type") if name != "SystemCallFilter")
QUESTION = (
    f"unit={{word}}; LC_ALL=C systemctl show {_SHOWN} -- $unit && "
    "printf SystemCallFilter= && systemctl show -P SystemCallFilter -- $unit | sed 's/^~.*//' | tr ' ' '\\n' | "
    f"grep -xE 'read|{'|'.join(FORBIDDEN)}' | tr '\\n' ' '; echo; "
    "pid=$(systemctl show -P MainPID -- $unit) && n=0 && "
    'while [ "$pid" != 0 ] && [ $n -lt 20 ]; do case $(readlink /proc/$pid/exe) in '
    '""|*/systemd/systemd|*/systemd/systemd-executor) ;; *) break;; esac; '
    "sleep 0.1; n=$((n+1)); pid=$(systemctl show -P MainPID -- $unit); done && "
    '{ [ "$pid" = 0 ] || '
    "grep -E '^(CapBnd|NoNewPrivs|Seccomp):' /proc/$pid/status || "
    "[ ! -e /proc/$pid ]; } && "
    "LC_ALL=C systemd-analyze security --no-pager -- $unit | tail -n 1"
)
"""Asks systemd what it holds a unit to, the kernel what it holds its process to, and how exposed that leaves it. A
process that has just begun is systemd's own until it has become the service, and may do everything until then: that is
waited for, two seconds at most.
"""

CAPABILITIES = """\
CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP
MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
"""
"""In the kernel's order, by which /proc shows them as bits (capability.h)."""


class Need(Frozen):
    """What a service cannot work without: a directive of its unit with another value than the strictest, and why."""

    directive: str
    value: str
    why: str

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.directive not in STRICTEST and self.directive not in FURTHER:
            raise ValueError(f"{self.directive}: neither of STRICTEST nor of FURTHER")
        if self.directive == "SystemCallFilter" and not self.value.startswith("@system-service "):
            raise ValueError("SystemCallFilter: @system-service, and what it needs beside")
        return self


def without(*directives: str, why: str) -> tuple[Need, ...]:
    """Return the needs of a service that cannot work with any of these directives."""
    return tuple(Need(directive=directive, value=OFF.get(directive, "no"), why=why) for directive in directives)


class Sandbox(Frozen):
    """What one service needs; it may do nothing else.

    `by_debian` says that Debian's own unit holds it to what it needs, so that there is no drop-in: how exposed it is,
    and that it runs so, is asked all the same.
    """

    unit: str
    needs: tuple[Need, ...] = ()
    by_debian: bool = False

    @property
    def values(self) -> dict[str, str]:
        """Return every directive that replaces what the unit had, with its value."""
        return {**STRICTEST, **{n.directive: n.value for n in self.needs if n.directive in STRICTEST}}

    @property
    def text(self) -> str:
        """Return the lines of the section `[Service]`: the needs, each below its reason, and the rest."""
        needed = [n.directive for n in self.needs]
        rest = [_line(name, value) for name, value in STRICTEST.items() if name not in needed]
        reasons = ["", *(n.why for n in self.needs)]
        needs = (
            f"# {n.why}\n{_line(n.directive, n.value)}" if n.why != before else _line(n.directive, n.value)
            for n, before in zip(self.needs, reasons, strict=False)
        )
        return "\n".join(
            [*needs, "# Nothing else; a call that is not allowed fails, and ends nothing.", *rest, REFUSED]
        )

    @property
    def question(self) -> str:
        """Return the shell command that asks a host what `violations` judges."""
        return QUESTION.replace("{word}", shlex.quote(self.unit))

    def violations(self, answer: str) -> list[str]:
        """Return what a host's answer says that is looser than wanted, or does not say."""
        answered = dict(line.split("=", 1) for line in answer.splitlines() if re.match(r"\w+=", line))
        wanted = {name: answered.get(name, "") for name in STRICTEST} if self.by_debian else self.values
        return [*_by_systemd(answered, wanted), *_by_the_kernel(answer, answered, wanted), *_exposed(answer)]


def _by_systemd(answered: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[str]:
    for name, value in wanted.items():
        found = answered.get(name)
        if found is None or _meaning(name, found) != _meaning(name, value):
            shown = "not said" if found is None else found or "empty"
            yield f"{name} is {shown[:200]}, and not {value or 'empty'}"
    if answered.get("NeedDaemonReload") != "no":
        yield "systemd has not read the unit as it is on disk"


def _by_the_kernel(answer: str, answered: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[str]:
    """Yield what the kernel lets the main process do beyond that: it may have started before the unit was so."""
    held = dict(re.findall(r"(?m)^(CapBnd|NoNewPrivs|Seccomp):\t(\w+)$", answer))
    if not held and answered.get("Type") == "oneshot":
        return
    bits, allowed = int(held.get("CapBnd", "f" * 16), 16), _meaning("", wanted["CapabilityBoundingSet"])
    if more := [name for n, name in enumerate(CAPABILITIES.split()) if bits >> n & 1 and f"CAP_{name}" not in allowed]:
        yield f"its process may have the capabilities {' '.join(more)}"
    if wanted["NoNewPrivileges"] == "yes" and held.get("NoNewPrivs") != "1":
        yield "its process may get new privileges"
    if held.get("Seccomp") != "2":
        yield "its process may make every system call"


def _line(name: str, value: str) -> str:
    return f"{name}=\n{name}={value}" if name in LISTS and value else f"{name}={value}"


def _meaning(name: str, value: str) -> frozenset[str]:
    """Return a value as it compares: systemd shows lists in its own order, and calls instead of their groups."""
    words = frozenset(value.split())
    if name == "SystemCallFilter":
        allowed = {call for call, group in FORBIDDEN.items() if words & {call, group}}
        return frozenset({*allowed, "@system-service"} if words & {"read", "@system-service"} else allowed)
    return frozenset(word.upper() for word in words)


def exposure(answer: str) -> float:
    """Return how exposed `systemd-analyze security` says that a unit is, 0.0 to 10.0; infinity if it does not say."""
    found = re.search(r"exposure level for \S+: ([0-9.]+) ", answer)
    return float(found[1]) if found else math.inf


def _exposed(answer: str) -> Iterator[str]:
    if (level := exposure(answer)) > AT_MOST:
        yield f"its exposure is {level if math.isfinite(level) else 'not said'}, and not {AT_MOST} at most"
