"""`configuration`: the declared configuration of a CLI device, and the one session in which it is made so.

Pure but for the operation, which asks the device for its running configuration and says what is to be typed. Who types
it, under the vendor's own commit-confirm, is `deploy.transport.device`.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from functools import lru_cache, partial

from pydantic import BaseModel
from pyinfra import host
from pyinfra.api import FactBase, StringCommand, operation
from pyinfra.api.host import Host
from pyinfra.api.operation import OperationMeta

from inventory.errors import SamdriftError
from roles.shared.change import Change
from roles.shared.device.backup import shows_something
from roles.shared.device.difference import Difference, difference
from roles.shared.device.known import known_vendors, vendor_with
from roles.shared.device.letting_in import CameIn, LostPart
from roles.shared.device.ownership import NOTHING, Ours
from roles.shared.device.placement import for_devices
from roles.shared.device.said import require_plannable
from roles.shared.device.way_in import way_in_lost
from roles.shared.device.withheld import OF_THIS_PROCESS, Withheld
from roles.shared.guard import Guard
from roles.shared.lineage import Section
from roles.shared.parts.explain import explain
from roles.shared.parts.registration import ManagedConfiguration, current
from roles.shared.parts.templates import render
from roles.shared.parts.veil import UNVEILED
from roles.shared.people import OwnAccount

WHAT = "running configuration"


class RunningConfiguration(FactBase[str]):
    """All that a device's running configuration says, as the device prints it."""

    default = str

    def command(self, platform: str, looks: bool = False) -> str:
        return known_vendors()[platform].show_to(looks=looks)

    def process(self, output: list[str]) -> str:
        return "".join(f"{line}\n" for line in output)


def require_shown(platform: str, running: str) -> str:
    """Return what a device printed as its configuration; refuse nothing at all, which means that it hides it.

    Raises:
        SamdriftError: compared with nothing, everything would have to be typed.
    """
    vendor = known_vendors()[platform]
    if shows_something(vendor, running):
        return running
    fix = (
        "give the account the right to see it (IOS: a privilege level and `file privilege`), or look as another: --user"
    )
    raise SamdriftError(f"{vendor.name} shows this account nothing of its configuration", fix=fix)


class ConfigurationSession(StringCommand):
    """All entries of one change, typed in one configuration session, secrets by name; as a command, their text.

    Attributes:
        platform: the slug of the platform whose vendor says how the session begins, ends and is confirmed.
        entries: as they are typed; a text of several lines (a banner, a certificate) is one.
        rollback: the entries that lead back. One that says `‹withheld›` must not be typed: see
            `roles.shared.device.difference`.
        shuts_out: the parts of samdrift's own way in that it would take away: a session with any must not be typed.
        withheld: what stands for the marks in the entries (`roles.shared.device.withheld`), never in a plan.
    """

    def __init__(
        self,
        platform: str,
        entries: tuple[str, ...],
        rollback: tuple[str, ...],
        shuts_out: tuple[LostPart, ...] = (),
        *,
        withheld: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__("\n".join(entries))
        self.platform, self.entries, self.rollback, self.shuts_out = platform, entries, rollback, shuts_out
        self.withheld = withheld or {}

    def execute(self, _state: object, target: object, _arguments: object) -> object:
        """Type it: pyinfra's own way to execute a string is a shell."""
        return target.connector.configure(self.entries)  # type: ignore[attr-defined]  # pyinfra's Host


def configuration(
    *,
    template: str,
    platform: str,
    settings: BaseModel,
    managed: tuple[Section, ...],
    accounts: tuple[OwnAccount, ...],
    series: str = "",
) -> OperationMeta:
    """Declare a device's configuration: `template` rendered with `settings`, in the sections that are the role's.

    Args:
        template: a folder below `templates/` that has a template for each platform of the role.
        managed: see `roles.shared.device.difference.difference`.
        accounts: those by which samdrift logs in.
        series: name of the series that the device's model is of, if one is known.
    """
    text = render(f"{template}/{platform}.j2", settings=settings)
    return configured(text, platform=platform, managed=managed, accounts=accounts, series=series)


def configured(
    text: str,
    *,
    platform: str,
    managed: tuple[Section, ...],
    accounts: tuple[OwnAccount, ...] = (),
    series: str = "",
) -> OperationMeta:
    """Declare a device's configuration as this text, in the sections that are the role's.

    The step is guarded by the vendor's own means, and says that it is not where the vendor has none.
    """
    registration, vendor = current(), vendor_with(platform, series)
    declared = ManagedConfiguration(
        role=registration.role,
        platform=platform,
        series=series,
        content=text,
        managed=managed,
        secrets=registration.secrets_in(text, WHAT),
        accounts=accounts,
    )
    registration.configurations.append(declared)
    if vendor.confirm is None:
        registration.unguarded[WHAT] = f"{vendor.name} has no means to restore what was before a change"
    else:
        registration.guards[WHAT] = Guard(what=WHAT, by=f"{vendor.name} ({vendor.confirm.name})")
    return configure(name=WHAT, declared=declared)


@operation()
@for_devices
def configure(declared: ManagedConfiguration) -> Generator[StringCommand]:
    """Type the lines that lead to the declared configuration, if any do."""
    came_in: CameIn = host.connector.came_in  # type: ignore[attr-defined]  # a DeviceConnector's
    printed = host.get_fact(RunningConfiguration, platform=declared.platform, looks=came_in.looks)
    running = require_shown(declared.platform, printed)
    vendor = vendor_with(declared.platform, declared.series)
    require_plannable(vendor, running)
    change = compared(running, declared, ours_on(host, declared.role), looks=came_in.looks)
    if not change.entries:
        host.noop("the running configuration is as wanted")
        return
    shuts_out = way_in_lost(vendor, running, change.entries, came_in, declared.accounts)
    veil = host.data.get("veil", UNVEILED)
    withheld = Withheld(partial(veil.seal, secrets=declared.secrets), OF_THIS_PROCESS)
    known = {line.strip() for line in declared.content.splitlines()}
    session = ConfigurationSession(
        declared.platform,
        withheld.entries(change.entries, known),
        change.rollback,
        shuts_out,
        withheld=withheld.values,
    )
    texts = Change(what=WHAT, before=change.before, after=change.after, removals=change.removals)
    yield explain(session, texts)


def ours_on(target: Host, role: str) -> Ours:
    """Return what may be removed from a device in a role's sections: the planner says it as pyinfra's host data."""
    ours = target.data.get("ours", {}).get(role)
    return ours if isinstance(ours, Ours) else NOTHING


@lru_cache(maxsize=64)
def compared(running: str, declared: ManagedConfiguration, ours: Ours = NOTHING, *, looks: bool = False) -> Difference:
    """Compare a device's running configuration with the declared one.

    A look asks twice, for what to type and for what is nobody's; ten thousand lines take seconds to compare.
    """
    vendor = vendor_with(declared.platform, declared.series)
    return difference(vendor, running, declared.content, declared.managed, ours=ours, looks=looks)
