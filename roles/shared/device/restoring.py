"""What makes a device as it was: its running configuration compared with all of an earlier one. Pure but for `restore`.

Both are the device's own texts, so they are compared as they are, secrets too. What is shown, planned and recorded has
a mark in the place of each secret (`withheld`), which moves when the secret does; its value is put in on the way to the
device. Two things cannot be restored: what a device never shows, and secrets that it encrypts anew each time
(`Vendor.encrypted_anew`), which stay as they are now.

Not here: where earlier configurations are kept (`deploy.store`), and what a role declares (`configure`).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping

from pyinfra import host
from pyinfra.api import StringCommand, operation

from roles.shared.change import Change
from roles.shared.device.configure import WHAT, ConfigurationSession, RunningConfiguration
from roles.shared.device.difference import Difference, difference
from roles.shared.device.known import known_vendors
from roles.shared.device.masking import masked
from roles.shared.device.ownership import ANYTHING
from roles.shared.device.placement import for_devices
from roles.shared.device.reading import read_configuration, tame
from roles.shared.device.vendor import Vendor
from roles.shared.device.way_in import way_in_lost
from roles.shared.device.withheld import Withheld, revealed
from roles.shared.device.writing import as_text, sections_apart, shown_lines
from roles.shared.guard import Guard
from roles.shared.lineage import Section
from roles.shared.parts.explain import explain
from roles.shared.parts.registration import current

EVERYTHING: tuple[Section, ...] = ((r"(?s).*",),)
"""All sections of a configuration."""


class Restoring:
    """Says what makes one device as it was, and keeps the secrets that are typed for it.

    Args:
        then: the configuration that it had.
        taken: since when, for people.
    """

    def __init__(self, platform: str, then: str, taken: str) -> None:
        self.platform, self.taken = platform, taken
        self._then, self._withheld = then, Withheld()

    def __str__(self) -> str:
        return f"configuration of {self.taken}"

    def change(self, running: str) -> Difference:
        """Compare what runs with what ran then; each secret has its mark.

        Raises:
            SamdriftError: one of the two cannot be read.
        """
        vendor = as_printed(known_vendors()[self.platform])
        now, then = (without_printed_only(vendor, text) for text in (running, self._then))
        found = difference(vendor, now, then, EVERYTHING, ours=ANYTHING)
        return Difference(
            entries=self._withheld.entries(found.entries),
            rollback=tuple(map(masked, found.rollback)),
            before=as_text(self._withheld.lines(found.before)),
            after=as_text(self._withheld.lines(found.after)),
            unmanaged=(),
        )

    @property
    def values(self) -> Mapping[str, str]:
        """Return what the marks stand for."""
        return self._withheld.values

    def reveal(self, text: str) -> str:
        """Put the secrets in place of their marks."""
        return revealed(text, self.values)


def as_printed(vendor: Vendor) -> Vendor:
    """Return a vendor by which two of its own texts are compared: with all secrets that it shows as they are, and
    without what nobody can type.
    """
    return vendor.model_copy(update={"secrets": vendor.encrypted_anew, "ignored": vendor.printed_only})


def without_printed_only(vendor: Vendor, text: str) -> str:
    """Return a configuration without what such a vendor ignores."""
    read = read_configuration(vendor, tame(text), ())
    return as_text(
        line for section in sections_apart(vendor, read.other) for line in shown_lines(vendor, section, read.raw)
    )


def restored(restoring: Restoring) -> None:
    """Declare that a device is as it was: one guarded step, as any change of its configuration is."""
    registration, vendor = current(), known_vendors()[restoring.platform]
    if vendor.confirm is None:
        registration.unguarded[WHAT] = f"{vendor.name} has no means to restore what was before a change"
    else:
        registration.guards[WHAT] = Guard(what=WHAT, by=f"{vendor.name} ({vendor.confirm.name})")
    restore(name=WHAT, restoring=restoring)


@operation()
@for_devices
def restore(restoring: Restoring) -> Generator[StringCommand]:
    """Type the lines that make the device as it was, if any do."""
    running = host.get_fact(RunningConfiguration, platform=restoring.platform)
    change = restoring.change(running)
    if not change.entries:
        host.noop(f"it is as it was: {restoring}")
        return
    entries = tuple(map(restoring.reveal, change.entries))
    came_in = host.connector.came_in  # type: ignore[attr-defined]  # a DeviceConnector's
    lost = way_in_lost(known_vendors()[restoring.platform], running, entries, came_in)
    shuts_out = tuple(p.model_copy(update={"line": masked(p.line), "instead": masked(p.instead)}) for p in lost)
    session = ConfigurationSession(
        restoring.platform, change.entries, change.rollback, shuts_out, withheld=restoring.values
    )
    yield explain(session, Change(what=WHAT, before=change.before, after=change.after))
