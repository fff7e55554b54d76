"""Alertmanager: tells each municipality's people of the alerts on its own hosts, and nobody of another's.

Who hears stands in `inventory/recipients.yaml`, as for the watch: each municipality's addresses, its language, and the
times in which nobody is told. Each address has e-mails of its own. Alerts that are no municipality's go to that of this
host. A municipality without an address hears nothing, and `check` says so; webhooks get what the watch finds and no
alerts, since what they are sent there is signed, and Alertmanager cannot sign.

What follows from another alert is not told: a host that is down silences what else is said of it; a site whose
gateways are all down, everything there; a municipality of which nothing answers, its sites and hosts.

It runs beside Prometheus, is asked by the same password, at one address and by the management stations alone. Debian's
package has no page: `amtool` and the API are what there is. It speaks with no other Alertmanager.

Options (config context `samdrift.alertmanager`):

- `smtp`: the mail server by which people are told (`host`: its address, so that gateways let it through, or a name;
  `port`; `security`: starttls; tls, on port 465 alone; or none; `sender`; `user`, whose password is the secret
  `notify_smtp_password`). Without, nobody is told.
- `repeat_hours`: what goes on is told again after so long.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Annotated

from pydantic import Field
from pyinfra.operations import files

from inventory import recipients
from inventory.errors import InventoryError
from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.network import Address, Network
from inventory.organisation import ALL
from inventory.recipients import Quiet, WhoHears
from inventory.secrets import Secret
from roles.monitoring import ALERTS_PORT, WEB, Beside, answers_stations_at, beside
from roles.shared.families import in_url
from roles.shared.network.mail import MailServer, asks_by_mail
from roles.shared.network.scraping import quoted
from roles.shared.parts.asked_by_name import questions
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import reload, restart
from roles.shared.parts.packages import packages
from roles.shared.parts.services import ON_ONE_ADDRESS, confined, service
from roles.shared.sandbox import Need, Sandbox
from roles.shared.settings import Options as RoleOptions
from roles.shared.settings import SettingsError
from roles.shared.traffic import Ask, Listen

AFTER = ("monitoring",)  # which makes the file of who may ask
REDUNDANT = "fleet"
SWEDISH = "Alertmanager: säger till varje kommuns folk om larm på kommunens egna värdar, och ingen annan."
CONTROLS = ("ISO 27002:2022 8.15", "ISO 27002:2022 8.16")
UNIT = "prometheus-alertmanager.service"
CONFIG = "/etc/prometheus/alertmanager.yml"
TEXTS = "/etc/prometheus/alert-texts"
OWNS = (TEXTS,)
PASSWORD = "/etc/prometheus/smtp-password"  # noqa: S105  a file's name
ASK, ASK_BY_NAME = questions(WEB)
LISTENING = "ss -Hltnup"
PATHS = ("/-/ready", "/metrics", "/api/v2/status")
AS_ROOT = (
    LISTENING,
    *(ask.format(address="{word}", port="{word}", path=path) for ask in (ASK, ASK_BY_NAME) for path in PATHS),
)
SANDBOX = Sandbox(
    unit=UNIT,
    needs=(
        Need(directive="ReadWritePaths", value="/var/lib/prometheus/alertmanager", why="What it told, and to whom."),
    ),
)
NOBODY = "nobody"
"""A receiver that tells nobody."""


class Options(RoleOptions):
    """What a config context may set for this role; see the module's text."""

    smtp: MailServer | None = None
    repeat_hours: Annotated[int, Field(ge=1, le=96)] = 24  # it forgets after 120 what it told


class Receiver(Frozen):
    """A municipality's people: their language, and an address each."""

    municipality: str
    language: str
    email: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return its name among receivers, which is no other receiver's."""
        return f"municipality {self.municipality}"


class Span(Frozen):
    """Some days of one month, and what of each of them is meant: the clock's in Sweden."""

    year: int
    month: int
    first: int
    last: int
    begins: str
    ends: str


class Mute(Frozen):
    """A time in which some municipalities' people are not told."""

    name: str
    of: tuple[str, ...]
    spans: tuple[Span, ...]


class Settings(Beside):
    """Who is told, by which mail server, and when nobody is."""

    address: Address
    port: int = ALERTS_PORT
    stations: tuple[Network, ...]
    called: str
    owner: str
    receivers: tuple[Receiver, ...]
    mutes: tuple[Mute, ...]
    smtp: MailServer | None
    smtp_password: Secret | None
    repeat_hours: int
    texts: str = TEXTS

    @property
    def socket(self) -> str:
        """Return where its API is."""
        return f"{in_url(self.address)}:{self.port}"

    @property
    def smarthost(self) -> str:
        """Return the mail server with its port, as YAML reads it."""
        return quoted(f"{_in_url(self.smtp.host)}:{self.smtp.port}") if self.smtp else ""

    @property
    def password_file(self) -> str:
        """Return the file in which the password for the mail server is; empty without one."""
        return PASSWORD if self.smtp_password else ""

    @staticmethod
    def quoted(text: str) -> str:
        """Return a text as YAML reads it."""
        return quoted(text)

    def mutes_of(self, municipality: str) -> tuple[str, ...]:
        """Return the names of the times in which a municipality's people are not told."""
        return tuple(mute.name for mute in self.mutes if municipality in mute.of)

    @property
    def judge(self) -> str:
        """Return the shell command that accepts a configuration which tells each municipality its own, and no other."""
        own = ((f"municipality={r.municipality}", r.name) for r in self.receivers)
        others = (('municipality=""', f"municipality {self.owner}"), ("municipality=no-municipality", NOBODY))
        return " && ".join(["amtool check-config {path}", *(_routes(label, name) for label, name in (*own, *others))])


def _routes(label: str, receiver: str) -> str:
    wanted = f"{shlex.quote(f'--verify.receivers={receiver}')} {shlex.quote(label)}"
    return f"amtool config routes test --config.file={{path}} {wanted} > /dev/null"


def _in_url(host: str) -> str:
    try:
        return in_url(ip_address(host))
    except ValueError:  # a name
        return host


def settings(host: Host, fleet: Fleet, options: Options) -> Settings:
    """Compute who is told from the organisation's own file."""
    try:
        hears = recipients.of_the_project()
    except InventoryError as e:
        raise SettingsError(str(e), field="inventory/recipients.yaml", fix="mend the file") from e
    return settings_for(host, fleet, options, hears)


def settings_for(host: Host, fleet: Fleet, options: Options, hears: WhoHears) -> Settings:
    """Compute who is told of which municipality."""
    by_name = beside(host)
    smtp = options.smtp
    if smtp and (smtp.security == "tls") != (smtp.port == 465):
        fix = "set security: tls with port: 465, or security: starttls with another"
        raise SettingsError("Alertmanager speaks TLS from the first byte on port 465 alone", field="smtp", fix=fix)
    address, stations = answers_stations_at(host, fleet)
    slugs = sorted({h.tenant for h in fleet.hosts if h.is_managed} | {host.tenant})
    return Settings(
        address=address,
        stations=stations,
        by_name=by_name,
        called=host.name,
        owner=host.tenant,
        receivers=tuple(_receiver(slug, hears) for slug in slugs),
        mutes=tuple(_mute(n, quiet, slugs) for n, quiet in enumerate(hears.quiet, 1)),
        smtp=smtp,
        smtp_password=Secret(name="notify_smtp_password", municipality=host.tenant) if smtp and smtp.user else None,
        repeat_hours=options.repeat_hours,
    )


def _receiver(slug: str, hears: WhoHears) -> Receiver:
    heard = hears.of(slug)
    return Receiver(municipality=slug, language=heard.language, email=heard.email)


def _mute(number: int, quiet: Quiet, slugs: list[str]) -> Mute:
    of = tuple(slug for slug in slugs if quiet.of == ALL or slug in quiet.of)
    return Mute(name=f"quiet {number}", of=of, spans=tuple(spans(quiet.since, quiet.until)))


def spans(since: datetime, until: datetime) -> Iterator[Span]:
    """Yield the days of a time, by whole minutes within it: Alertmanager knows times of a day, and days of a month."""
    since = since.replace(second=0, microsecond=0) + timedelta(minutes=bool(since.second or since.microsecond))
    until = until.replace(second=0, microsecond=0)
    whole: Span | None = None
    day = since.replace(hour=0, minute=0)
    while day < until and since < until:
        following = day + timedelta(days=1)
        begins, ends = max(since, day), min(until, following)
        one = Span(
            year=day.year,
            month=day.month,
            first=day.day,
            last=day.day,
            begins=f"{begins:%H:%M}",
            ends="24:00" if ends == following else f"{ends:%H:%M}",
        )
        if whole and one == whole.model_copy(update={"first": one.first, "last": one.last}):
            whole = whole.model_copy(update={"last": one.last})
        else:
            if whole:
                yield whole
            whole = one
        day = following
    if whole:
        yield whole


def listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve its API to the management stations alone."""
    why = "Alertmanager for the management stations"
    return (Listen(protocol="tcp", port=ALERTS_PORT, sources=settings.stations, why=why),)


def asks(settings: Settings) -> tuple[Ask, ...]:
    """Let the host reach its mail server, where that is named by its address."""
    return asks_by_mail(settings.smtp)


def left(settings: Settings) -> tuple[str, ...]:
    """Say who hears of no alert, and why."""
    if settings.smtp is None:
        return ("nobody is told of alerts: option smtp names no mail server",)
    without = ", ".join(r.municipality for r in settings.receivers if not r.email)
    return (f"nobody is told of alerts of {without}: inventory/recipients.yaml has no e-mail",) if without else ()


def deploy(settings: Settings) -> None:
    """Declare Alertmanager: its password and texts before the configuration that names them."""
    reread, again = reload(UNIT), restart(UNIT, daemon_reload=True)
    packages("prometheus-alertmanager")
    if settings.smtp_password:
        managed_file(PASSWORD, content=f"{settings.smtp_password}\n", group="prometheus", mode="640")
    files.directory(name=f"directory {TEXTS}", path=TEXTS, user="root", group="root", mode="755")
    managed_file(f"{TEXTS}/samdrift.tmpl", template="alertmanager/samdrift.tmpl.j2", then=(reread,))
    managed_file(
        CONFIG,
        template="alertmanager/alertmanager.yml.j2",
        settings=settings,
        group="prometheus",
        mode="640",
        validate_with=settings.judge,
        then=(reread,),
    )
    managed_file(
        "/etc/default/prometheus-alertmanager",
        template="alertmanager/default.j2",
        settings=settings,
        validate_with="sh -n {path}",
        then=(again,),
    )
    confined(SANDBOX, then=(again,), also=ON_ONE_ADDRESS)
    service(UNIT)
