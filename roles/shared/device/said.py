"""What a device says of itself in its running configuration: whether it is to be planned, and what to know of it. Pure.

Not here: what it is asked as one connects (`deploy.transport.device`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from inventory.errors import SamdriftError
from roles.shared.device.series import Mode
from roles.shared.device.vendor import Vendor


def require_plannable(vendor: Vendor, running: str) -> None:
    """Refuse to plan a device that works in a way that forbids it, or is of another series than NetBox says.

    Args:
        vendor: as it is on devices of the series that the device type in NetBox is of.

    Raises:
        SamdriftError: with what the device says.
    """
    where = f"the running configuration of {vendor.name}"
    for line, mode in modes_in(running, vendor.refused_modes, vendor.show):
        raise SamdriftError(f"{line!r}: {mode.why}", where=where)
    printed = vendor.series_printed(running)
    if printed is None or (vendor.exact and vendor.exact.is_printed(running)):
        return
    if vendor.exact:
        raise SamdriftError(
            f"the device says that it is of the series {printed.name}, and NetBox that it is of {vendor.exact.name}",
            where=where,
            fix="correct the device type in NetBox, or see which device answers at this address",
        )
    if printed.unmanaged:
        raise SamdriftError(
            f"the device says that it is of the series {printed.name}: {printed.unmanaged}", where=where
        )


def caveats_of(vendor: Vendor, running: str) -> tuple[str, ...]:
    """Return what to know of a device that is planned all the same, a sentence each."""
    return tuple(f"{line!r}: {mode.why}" for line, mode in modes_in(running, vendor.caveats, vendor.show))


def modes_in(answer: str, modes: tuple[Mode, ...], command: str) -> Iterator[tuple[str, Mode]]:
    """Yield the modes that an answer to a command tells, each with the line by which it does."""
    answer = "\n".join(line.rstrip() for line in answer.splitlines())
    for mode in modes:
        if mode.command == command and (found := re.search(mode.pattern, answer, re.MULTILINE)):
            begins = answer.rfind("\n", 0, found.end()) + 1
            yield answer[begins:].split("\n", 1)[0].strip(), mode
