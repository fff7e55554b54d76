"""`guarded`: what may be plugged into a server's USB while it runs (USBGuard). For hosts with a kernel of their own.

Nobody is shut out by it: what is there at boot stays as it is, and so does what was there when USBGuard came;
keyboards, mice and hubs work whenever they are plugged in; and where the daemon does not run, everything does. What it
keeps out is the rest: a network card, a serial port, a modem that somebody plugs in at a running host. Disks and sticks
are kept out by modprobe (`hardened`). Where there is no USB, the daemon would start and end for ever: it never is.
"""

from __future__ import annotations

from pyinfra.operations import files

from roles.shared.parts.debian import directory
from roles.shared.parts.ensured import ensured
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import restart
from roles.shared.parts.packages import packages
from roles.shared.parts.services import drop_ins, service

UNIT = "usbguard.service"
BY_D_BUS = "usbguard-dbus.service"
PLACE = "/etc/usbguard"
MAKES = (f"{PLACE}/rules.conf", f"{PLACE}/IPCAccessControl.d/:plugdev")
"""By Debian's package: what was there when it was installed, to which whoever administers may add; and that members of
plugdev may allow devices, which is not read here.
"""
BUS = "/sys/bus/usb/devices"
UNITS = "/etc/systemd/system"
AS_ROOT = ("usbguard get-parameter {word}", "usbguard list-rules")

AS_WANTED = "as wanted"
RUNS_WHERE_IT_CAN = (
    f"[ ! -d {BUS} ] || {{ [ -L /run/systemd/units/invocation:{UNIT} ] && "
    f"[ -L {UNITS}/basic.target.wants/{UNIT} ]; }} && echo {AS_WANTED}"
)
"""systemd keeps the first of these links while the unit runs. Its own answer is "does not run" without USB, too."""


def guarded() -> None:
    """Declare that a device that is plugged in later is used only if it is known, or for a person's hands."""
    # All before the package, whose scripts start what they may.
    again = restart(UNIT, daemon_reload=True)
    directory(drop_ins(UNIT), "755")
    managed_file(f"{drop_ins(UNIT)}/samdrift.conf", template="base/usbguard.service.j2", then=(again,))
    files.link(name=f"{BY_D_BUS} masked", path=f"{UNITS}/{BY_D_BUS}", target="/dev/null")
    directory(PLACE, "755")
    directory(f"{PLACE}/rules.d", "700")
    hands, how = f"{PLACE}/rules.d/10-samdrift.conf", f"{PLACE}/usbguard-daemon.conf"
    managed_file(hands, template="base/usbguard-rules.j2", mode="600", then=(again,))
    managed_file(how, template="base/usbguard-daemon.j2", mode="600", then=(again,))
    packages("usbguard")
    service(BY_D_BUS, running=False, enabled=False)
    ensured(
        f"{UNIT} where there is USB",
        question=RUNS_WHERE_IT_CAN,
        answer=f"{AS_WANTED}\n",
        command=f"systemctl enable --now {UNIT}",
    )
