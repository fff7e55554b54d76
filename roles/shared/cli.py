"""`configuration`: the declared configuration of a CLI device, and the one session in which it is made so.

Pure but for the operation, which asks the device for its running configuration and says what is to be typed. Who types
it, under the vendor's own commit-confirm, is `deploy.device`.
"""

from __future__ import annotations

from collections.abc import Generator

from pydantic import BaseModel
from pyinfra import host
from pyinfra.api import FactBase, StringCommand, operation
from pyinfra.api.operation import OperationMeta

from roles.shared.change import Change, explain
from roles.shared.configuration import difference
from roles.shared.registration import ManagedConfiguration, current
from roles.shared.rendering import render
from roles.shared.vendor import Lineage, known_vendors

WHAT = "running configuration"


class RunningConfiguration(FactBase[str]):
    """All that a device's running configuration says, as the device prints it."""

    default = str

    def command(self, platform: str) -> str:
        return known_vendors()[platform].show

    def process(self, output: list[str]) -> str:
        return "".join(f"{line}\n" for line in output)


class ConfigurationSession(StringCommand):
    """All lines of one change, typed in one configuration session, secrets by name; as a command, the lines as text.

    Attributes:
        platform: the slug of the platform whose vendor says how the session begins, ends and is confirmed.
        rollback: leads back. A line that says `‹withheld›` must not be typed: see `roles.shared.configuration`.
    """

    def __init__(self, platform: str, lines: tuple[str, ...], rollback: tuple[str, ...]) -> None:
        super().__init__("\n".join(lines))
        self.platform, self.lines, self.rollback = platform, lines, rollback


def configuration(*, template: str, platform: str, settings: BaseModel, managed: tuple[Lineage, ...]) -> OperationMeta:
    """Declare a device's configuration: `template` rendered with `settings`, in the sections that are the role's.

    Args:
        template: a folder below `templates/` that has a template for each platform of the role.
        managed: see `roles.shared.configuration.difference`.
    """
    registration = current()
    text = render(f"{template}/{platform}.j2", settings=settings)
    declared = ManagedConfiguration(
        role=registration.role,
        platform=platform,
        text=text,
        managed=managed,
        secrets=registration.secrets_in(text, WHAT),
    )
    registration.configurations.append(declared)
    return configure(name=f"configuration of {known_vendors()[platform].name}", declared=declared)


@operation()
def configure(declared: ManagedConfiguration) -> Generator[StringCommand]:
    """Type what leads to the declared configuration, if anything does."""
    running = host.get_fact(RunningConfiguration, platform=declared.platform)
    change = difference(known_vendors()[declared.platform], running, declared.text, declared.managed)
    if not change.lines:
        host.noop("the running configuration is as wanted")
        return
    session = ConfigurationSession(declared.platform, change.lines, change.rollback)
    yield explain(session, Change(what=WHAT, before=change.before, after=change.after))
