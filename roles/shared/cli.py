"""`managed_configuration`: the one way in which a role declares what the configuration of a CLI device should be.

What runs is read, compared with what is intended (`configuration`), and made so in one session, in the vendor's own
syntax. Other sections than those that the role manages are left alone.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

from pyinfra import host
from pyinfra.api import FactBase, StringCommand, operation
from pyinfra.api.command import PyinfraCommand
from pyinfra.api.operation import OperationMeta

from inventory.secrets import PLACEHOLDER
from roles.shared.change import Change, explain
from roles.shared.command_line import for_devices
from roles.shared.configuration import difference
from roles.shared.guard import Guard
from roles.shared.registration import ManagedConfiguration, current
from roles.shared.vendor import Lineage, known_vendors

STEP = "running configuration"


class RunningConfiguration(FactBase[str]):
    """The whole configuration that a device runs, as its vendor's command shows it."""

    default = str

    def command(self, platform: str) -> str:
        return known_vendors()[platform].show

    def process(self, output: list[str]) -> str:
        return "".join(f"{line}\n" for line in output)


class ConfigurationSession(StringCommand):
    """All lines of one change, typed in one session; `rollback` are those that would take them back."""

    def __init__(self, lines: Sequence[str], rollback: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines, self.rollback = tuple(lines), tuple(rollback)

    def execute(self, _state: object, target: object, _arguments: object) -> object:
        """Type it: pyinfra's own execution of a string is a shell's."""
        return target.connector.configure(self.lines)  # type: ignore[attr-defined]  # pyinfra's Host


def managed_configuration(text: str, *, platform: str, managed: Sequence[Lineage]) -> OperationMeta:
    """Declare that these sections of a device's configuration are exactly what `text` says.

    Args:
        text: the sections as the device would show them; a placeholder of a secret is its value on the device.
        platform: slug of the device's platform, which tells the vendor.
        managed: the sections that are this role's; see `configuration.difference`.
    """
    registration, vendor = current(), known_vendors()[platform]
    names = sorted({m[1] for m in PLACEHOLDER.finditer(text)} & registration.secrets.keys())
    configuration = ManagedConfiguration(
        role=registration.role,
        platform=platform,
        content=text,
        managed=tuple(managed),
        secrets=tuple(registration.secrets[name] for name in names),
    )
    registration.configurations.append(configuration)
    if vendor.confirm is None:
        registration.unguarded[STEP] = f"{vendor.name} has no means to restore what was before a change"
    else:
        registration.guards[STEP] = Guard(what=STEP, by=f"{vendor.name} ({vendor.confirm.name})")
    return configure(name=STEP, configuration=configuration)


@operation()
@for_devices
def configure(configuration: ManagedConfiguration) -> Generator[PyinfraCommand]:
    """Make the managed sections what they should be, if they are not."""
    running = host.get_fact(RunningConfiguration, platform=configuration.platform)
    vendor = known_vendors()[configuration.platform]
    found = difference(vendor, running, configuration.content, configuration.managed)
    if not found.lines:
        host.noop("the configuration is as wanted")
        return
    change = Change(what=STEP, before=found.before, after=found.after)
    yield explain(ConfigurationSession(found.lines, found.rollback), change)


def unmanaged_in(running: str, configuration: ManagedConfiguration) -> tuple[str, ...]:
    """The sections that run on a device and that nobody manages."""
    vendor = known_vendors()[configuration.platform]
    return difference(vendor, running, configuration.content, configuration.managed).unmanaged
