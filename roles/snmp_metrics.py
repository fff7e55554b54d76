"""SNMP exporter: reads what switches and firewalls know of themselves and their ports, for Prometheus beside it.

Every managed device is read by the SNMPv3 user that its own role makes (`snmp_user`), with the passwords of its own
municipality, authenticated (SHA) and encrypted (AES): nothing is read otherwise. The passwords stand in one file that
the exporter alone reads, and in no process' arguments. What is read is standard, so the same of every vendor: how long
a device has been up (RFC 3418), and of each port its name, state, traffic and errors (RFC 2863).

Only this host itself may ask the exporter, by Prometheus' password.
"""

from __future__ import annotations

from collections.abc import Iterator

from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.secrets import Secret
from roles.monitoring import WEB, Beside, beside
from roles.shared.catalogue import catalogue
from roles.shared.device.settings import Options as DeviceOptions
from roles.shared.device.settings import management_of
from roles.shared.families import spoken
from roles.shared.network.scraping import Asked, Tried, Tries, quoted
from roles.shared.parts.asked_by_name import questions
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import reload, restart
from roles.shared.parts.packages import packages
from roles.shared.parts.services import confined, service
from roles.shared.sandbox import Sandbox
from roles.shared.settings import Options, SettingsError

AFTER = ("monitoring",)  # which makes the file of who may ask
PLATFORMS = ("debian-13",)  # Debian 12's exporter has another form of its file
REDUNDANT = "fleet"
SWEDISH = "SNMP exporter: läser vad växlar och brandväggar vet om sig själva och sina portar, åt Prometheus bredvid."
CONTROLS = ("ISO 27002:2022 8.6", "ISO 27002:2022 8.16", "ISO 27002:2022 8.20")
UNIT = "prometheus-snmp-exporter.service"
PORT = 9116
EXPORTER = f"127.0.0.1:{PORT}"
MODULES, USERS = "/etc/prometheus/snmp.yml", "/etc/prometheus/snmp-users.yml"
ASK, ASK_BY_NAME = (ask.replace("{address}", "127.0.0.1").replace("{port}", f"{PORT}") for ask in questions(WEB))
AS_ROOT = tuple(ask.format(path="/config") for ask in (ASK, ASK_BY_NAME))
LISTENING = f"ss -Hltn sport = :{PORT}"
SANDBOX = Sandbox(unit=UNIT)
ACCEPTS = """\
case $(prometheus-snmp-exporter --version 2>&1) in
  *"version 0.1"*|*"version 0.20."*|*"version 0.21."*|*"version 0.22."*)
    echo "prometheus-snmp-exporter-0.23: not found, and an older one has another form of this file"; exit 127;;
esac
prometheus-snmp-exporter --dry-run --config.file={path}"""
"""Debian 12's exporter, where it is what is there, cannot judge the file of Debian 13's."""


class User(Frozen):
    """A user by which devices are read: theirs, of one municipality and one kind."""

    municipality: str
    kind: str
    user: str
    auth: Secret
    priv: Secret

    @property
    def name(self) -> str:
        """Return its name, which no other has."""
        return f"{self.municipality} {self.kind} {self.user}"

    @property
    def quoted_name(self) -> str:
        """Return its name as YAML reads it."""
        return quoted(self.name)


class Settings(Beside):
    """The devices that are read, and the users by which they are."""

    users: tuple[User, ...]
    tries: tuple[Tries, ...]


def settings(host: Host, fleet: Fleet, options: Options) -> Settings:  # noqa: ARG001  a role's signature
    """Compute the devices from the fleet: those that have a role of devices."""
    by_name = beside(host)
    found: dict[User, list[Tried]] = {}
    for user, tried in _devices(host, fleet):
        found.setdefault(user, []).append(tried)
    return Settings(
        by_name=by_name,
        users=tuple(found),
        tries=tuple(_tries(user, tuple(tried)) for user, tried in found.items()),
    )


def _tries(user: User, devices: tuple[Tried, ...]) -> Tries:
    return Tries(
        name=f"snmp {user.name}",
        exporter=EXPORTER,
        path="/snmp",
        parameters={"auth": user.name, "module": "device"},
        job="snmp",
        kind=user.kind,
        targets=devices,
    )


def unserved(host: Host, fleet: Fleet) -> tuple[str, ...]:
    """Say which devices it cannot read."""
    read = {tried.name for _, tried in _devices(host, fleet)}
    lost = [h.name for h, _ in _options(fleet) if h.name not in read]
    return (f"it reads no device that it has no family of IP in common with: {', '.join(lost)}",) if lost else ()


def _devices(host: Host, fleet: Fleet) -> Iterator[tuple[User, Tried]]:
    """Yield every device that the host has a family of IP in common with, and by whom it is read."""
    for device, options in _options(fleet):
        try:
            _, *addresses = management_of(device)
        except SettingsError:  # which its own role tells
            continue
        own = spoken(host, (a.ip for a in addresses if a is not None))
        if own:
            yield _user(device, options), Tried(**Asked.named(device), target=str(own[0]))


def _options(fleet: Fleet) -> Iterator[tuple[Host, DeviceOptions]]:
    """Yield every device that is sound, with the options of its role."""
    for name, role in catalogue().items():
        for device in fleet.with_role(name) if issubclass(role.options, DeviceOptions) else ():
            options = role.options_of(device)
            if isinstance(options, DeviceOptions):
                yield device, options


def _user(device: Host, options: DeviceOptions) -> User:
    auth, priv = (
        Secret(name=f"{options.secrets}_snmp_{part}", municipality=device.tenant, says_whose=True)
        for part in ("auth", "priv")
    )
    return User(municipality=device.tenant, kind=options.secrets, user=options.snmp_user, auth=auth, priv=priv)


def deploy(settings: Settings) -> None:
    """Declare the exporter, what it reads, and by whom."""
    reread, again = reload(UNIT), restart(UNIT, daemon_reload=True)
    packages("prometheus-snmp-exporter")
    managed_file(MODULES, template="snmp_metrics/snmp.yml.j2", validate_with=ACCEPTS, then=(reread,))
    managed_file(
        USERS,
        template="snmp_metrics/snmp-users.yml.j2",
        settings=settings,
        group="prometheus",
        mode="640",
        validate_with=ACCEPTS,
        then=(reread,),
    )
    managed_file(
        "/etc/default/prometheus-snmp-exporter",
        template="snmp_metrics/default.j2",
        settings=settings,
        validate_with="sh -n {path}",
        then=(again,),
    )
    confined(SANDBOX, then=(again,))
    service(UNIT)
