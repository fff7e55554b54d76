"""A change by which a state check must fail, and the usual ones: a unit that is stopped, a line that is another one."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from roles.shared.sandbox import LISTS, STRICTEST

KEPT = "/run/samdrift-mutation"
"""Where a host keeps what a change replaces, until it is put back."""
NOWHERE = "192.0.2.1"
"""An address at which nobody is (RFC 5737)."""
UNITS = "/etc/systemd/system"
UNCOUNTED = "systemctl reset-failed {}"
"""Before a unit starts: systemd counts how often it did of late, and would refuse."""
SWITCHES = tuple(name for name, value in STRICTEST.items() if value == "yes")
"""What of a unit is on or off, and on in a service that may do nothing but what it needs."""
CABLE = "the other end of its cable"


@dataclass(frozen=True)
class Change:
    """A change by which a check must fail, and what takes it back: shell commands, run as root.

    Attributes:
        on: the host that is checked, where it is not the role's own in `PLACES`.
        at: the hosts that are changed, where it is not the one that is checked; `CABLE` is the other end of its cable.
        given: settings that the role has instead, where the lab's own make the check not applicable.
    """

    breaks: str
    mends: str
    on: str = ""
    at: tuple[str, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)


def stopped(*units: str) -> Change:
    """These units do not run."""
    names = " ".join(units)
    return Change(f"systemctl stop {names}", f"{UNCOUNTED.format(names)}; systemctl start {' '.join(reversed(units))}")


def disabled(unit: str) -> Change:
    """A unit does not start at boot."""
    return Change(f"systemctl disable {unit}", f"systemctl enable {unit}")


def forgotten(unit: str, alias: str) -> Change:
    """A unit with an alias does not start at boot. Disabled by systemctl, it would be taken for dead while it runs."""
    links = f"{UNITS}/multi-user.target.wants/{unit} {UNITS}/{alias}"
    return Change(
        f"mkdir -p {KEPT} && mv {links} {KEPT}",
        f"mv {KEPT}/{unit} {UNITS}/multi-user.target.wants && mv {KEPT}/{alias} {UNITS}",
    )


def masked(unit: str) -> Change:
    """A unit starts no more, though what enables it is there."""
    return Change(f"systemctl mask {unit}", f"systemctl unmask {unit}")


def edited(path: str, sed: str, then: str = "true", **more: Any) -> Change:
    """A line of a file is another one; `then` has it read."""
    kept = f"{KEPT}{path}"
    return Change(
        f"mkdir -p $(dirname {kept}) && cp -a {path} {kept} && sed -i -E {shlex.quote(sed)} {path} && "
        f"! cmp -s {path} {kept} && {then}",
        f"cp -a {kept} {path} && rm {kept} && {then}",
        **more,
    )


def configured(unit: str, path: str, sed: str, **more: Any) -> Change:
    """A line of a service's configuration is another one, and the service runs with it."""
    return edited(path, sed, f"{{ {UNCOUNTED.format(unit)}; systemctl restart {unit}; }}", **more)


def loosened(unit: str, path: str = "", *, starts: bool = True) -> tuple[Change, ...]:
    """A service may do more than it needs: it runs so, or will from its next start on; or it ran before that was so.

    Args:
        path: the file that confines it, where that is not its drop-in.
        starts: whether it may be started for it; False where that does what no test should.
    """
    path, reread = path or f"{UNITS}/{unit}.d/samdrift.conf", "systemctl daemon-reload"
    again = f"{{ {UNCOUNTED.format(unit)}; systemctl restart {unit}; }}" if starts else "true"
    looser = edited(path, "s/^ProtectHostname=yes/ProtectHostname=no/", f"{reread} && {again}")
    if not starts:
        return (looser,)
    capable = f"{UNITS}/{unit}.d/zz-mutation.conf"
    before = written(capable, "[Service]\nCapabilityBoundingSet=CAP_SYS_NICE\n", f"{reread} && {again}")
    return (looser, Change(f"{before.breaks} && rm {capable} && {reread}", again))


def unread(unit: str) -> tuple[Change, ...]:
    """A unit of Debian's has a drop-in that systemd has not read, and then one by which it may do whatever it likes."""
    drop_in, reread = f"{UNITS}/{unit}.d/zz-mutation.conf", "systemctl daemon-reload"
    everything = "".join(f"{name}=\n" for name in LISTS) + "".join(f"{name}=no\n" for name in SWITCHES)
    late = written(drop_in, "[Service]\n")
    return (
        Change(late.breaks, f"{late.mends} && {reread}"),
        written(drop_in, f"[Service]\nUser=root\n{everything}", reread),
    )


def written(path: str, text: str, then: str = "true") -> Change:
    """There is a file that should not be there."""
    write = f"mkdir -p $(dirname {path}) && printf %s {shlex.quote(text)} > {path}"
    return Change(f"{write} && {then}", f"rm {path} && {then}")


def covered(path: str, by: str, first: Change | None = None) -> Change:
    """A file reads as another one, which lies over it, where it cannot be written itself."""
    lay, take = f"mount --bind {by} {path}", f"umount {path}"
    return Change(f"{first.breaks} && {lay}", f"{take} && {first.mends}") if first else Change(lay, take)


Changes = dict[str, tuple[Change, ...]]
"""By the name of a check, as `verify` tells it: the changes by each of which it must fail."""
