"""Prometheus: asks every host of the fleet how it is, remembers, and says what is wrong.

Targets are the active hosts with role `node_metrics`, each with its name, municipality, site and device role as
labels, and the monitoring host itself. Exporters beside it try services and devices in its stead (roles `probes` and
`snmp_metrics`), and Alertmanager tells people (role `alertmanager`), where the host has them. Alert rules come with the
fleet: a municipality of which nothing answers, or that nobody scans for drift, has a rule of its own, in its own name.
What scans found is believed of the management stations alone, as their exporters tell it (`samdrift drift
--prometheus`). Clock skew is measured against this host's clock, BGP is not measured at all (node_exporter does not
know it): the state checks of role `edge_gateway` ask FRR itself.

Reached from the management stations only, at one address, of IPv4 if they have any. What is wrong now stands on its
page `/alerts`, and on one of each municipality's and one of all (`/consoles/index.html`, docs/alerts.md).

Options (config context `samdrift.monitoring`):

- `password`: Prometheus' own page and API answer only who knows the secret `prometheus_password` (user `samdrift`).
- `retention_days`, `retention_size`: samples are kept for so long, and in so much disk; what comes first.
- `scrape_seconds`: how often every host is asked.
- `disk_free_percent`: a file system with less free space than this raises an alert.
- `clock_skew_seconds`: so much may a host's clock differ from this host's.
- `scan_hours`: a scan for drift that ended longer ago raises an alert.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import Field
from pyinfra.operations import files

from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.network import Address, Network
from inventory.secrets import Secret
from roles.node_metrics import PORT as EXPORTER_PORT
from roles.node_metrics import asked_at, password_of
from roles.shared.families import in_url, primaries
from roles.shared.intent import Intent
from roles.shared.network.scraping import Asked, Tries, quoted
from roles.shared.parts.asked_by_name import asked_by_name, questions, web_file
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import reload, restart
from roles.shared.parts.packages import packages
from roles.shared.parts.services import confined, service
from roles.shared.parts.templates import render
from roles.shared.rehearsal import Rehearsal
from roles.shared.sandbox import Need, Sandbox
from roles.shared.settings import Options as RoleOptions
from roles.shared.settings import Settings as RoleSettings
from roles.shared.settings import SettingsError
from roles.shared.traffic import Listen, management

if TYPE_CHECKING:
    from roles import probes, snmp_metrics

REDUNDANT = "fleet"
SWEDISH = "Prometheus: frågar varje värd i beståndet hur den mår, minns det och säger vad som är fel."
CONTROLS = ("ISO 27002:2022 8.6", "ISO 27002:2022 8.15", "ISO 27002:2022 8.16")
PORT, ALERTS_PORT = 9090, 9093
UNIT = "prometheus.service"
PASSWORDS, WEB = "/etc/prometheus/passwords", "/etc/prometheus/web"
READY = f"{WEB}/ready.yml"
ASK, ASK_BY_NAME = questions(WEB)
TRYING = ("probes", "snmp_metrics")
"""Roles whose exporters try hosts in the stead of Prometheus."""
PATHS = (
    "/-/ready",
    "/metrics",
    "/consoles/{word}",
    *(f"/api/v1/{path}" for path in ("status/config", "status/flags", "rules", "alertmanagers")),
)
AS_ROOT = tuple(ask.format(address="{word}", port="{word}", path=path) for ask in (ASK, ASK_BY_NAME) for path in PATHS)
SANDBOX = Sandbox(
    unit=UNIT,
    needs=(Need(directive="ReadWritePaths", value="/var/lib/prometheus", why="Its samples."),),
)
RULES = "/etc/prometheus/rules"
RULE_FILES = ("hosts", "municipalities", "drift", "services", "devices")
PAGES = "/etc/prometheus/pages"
OWNS = (PAGES, RULES)
MAKES = (web_file(WEB),)


class Options(RoleOptions):
    """What a config context may set for this role; see the module's text."""

    password: bool = False
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 90
    retention_size: Annotated[str, Field(pattern=r"^[1-9][0-9]*(MB|GB|TB)$")] = "8GB"
    scrape_seconds: Annotated[int, Field(ge=5, le=300)] = 30
    disk_free_percent: Annotated[int, Field(ge=1, le=50)] = 10
    clock_skew_seconds: Annotated[int, Field(ge=1, le=300)] = 2
    scan_hours: Annotated[int, Field(ge=1, le=24 * 30)] = 26


class Target(Asked):
    """A host whose exporter is asked."""

    address: Address
    gateway: bool
    password: Secret | None = None

    @property
    def socket(self) -> str:
        """Return where its exporter is asked."""
        return f"{in_url(self.address)}:{EXPORTER_PORT}"

    @property
    def labels(self) -> dict[str, str]:
        """Return label and value, as YAML reads both."""
        return self.labelled(job="node")


class Job(Frozen):
    """The targets that are asked by one password, or by none."""

    password: Secret | None
    targets: tuple[Target, ...]

    @property
    def name(self) -> str:
        """Return its name, which must be another for each; what is measured says `node`, whichever it is."""
        return f"node, by {self.password.name}" if self.password else "node"

    @property
    def password_file(self) -> str:
        """Return the file in which Prometheus has the password."""
        return password_file(self.password) if self.password else ""


class Municipality(Frozen):
    """A municipality with hosts that are asked."""

    slug: str
    name: str

    @property
    def label(self) -> str:
        """Return the slug as YAML reads it."""
        return quoted(self.slug)

    @property
    def page(self) -> str:
        """Return the name of its page."""
        return f"municipality-{self.slug}.html"

    @property
    def unreachable(self) -> str:
        """Return the PromQL expression that holds when none of its hosts answers, as YAML reads it."""
        return quoted(f'max by (municipality) (up{{job="node", municipality={quoted(self.slug)}}}) == 0')

    @property
    def summary(self) -> str:
        """Return the summary of an alert, as YAML reads it. Prometheus would read braces as a template."""
        return quoted(f"{self._plain}: ingen av kommunens övervakade värdar svarar")

    @property
    def not_scanned(self) -> str:
        """Return the summary of the alert that nobody scans it, as YAML reads it."""
        return quoted(f"{self._plain}: ingen söker efter avvikelser på kommunens värdar")

    @property
    def _plain(self) -> str:
        return re.sub("[{}]", "", self.name)


class Settings(RoleSettings):
    """The targets, how long their data is kept, and the alerts."""

    address: Address
    port: int = PORT
    exporter_port: int = EXPORTER_PORT
    stations: tuple[Network, ...]
    targets: tuple[Target, ...]
    municipalities: tuple[Municipality, ...]
    retention_days: int
    retention_size: str
    scrape_seconds: int
    disk_free_percent: int
    clock_skew_seconds: int
    scan_hours: int
    watchers: tuple[str, ...] = ()
    tries: tuple[Tries, ...] = ()
    alerts: str = ""
    me: Asked
    password: Secret | None = None

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Return the targets by the password that they are asked by."""
        passwords = dict.fromkeys(t.password for t in self.targets)
        return tuple(Job(password=p, targets=tuple(t for t in self.targets if t.password == p)) for p in passwords)

    @property
    def web_file(self) -> str:
        """Return the file that says who may ask; empty where everybody may whom the firewall lets in."""
        return web_file(WEB) if self.password else ""

    @property
    def socket(self) -> str:
        """Return where its page and API are."""
        return f"{in_url(self.address)}:{self.port}"

    @property
    def far_gateways(self) -> str:
        """Return the PromQL expression of the gateways of other sites than its own, as YAML reads it.

        Hosts of its own site are reached without them.
        """
        names = _one_of(t.name for t in self.targets if t.gateway and t.site != self.me.site)
        return (
            quoted(f'max by (municipality, site) (up{{job="node", instance=~{quoted(names)}}}) == 0') if names else ""
        )

    @property
    def gateways(self) -> str:
        """Return the PromQL matcher for the edge gateways among the targets, as YAML reads the whole expression."""
        names = _one_of(t.name for t in self.targets if t.gateway)
        return quoted(f'node_netstat_Ip_Forwarding{{job="node", instance=~{quoted(names)}}} != 1') if names else ""

    @staticmethod
    def quoted(text: str) -> str:
        """Return a text as YAML, PromQL and Go's templates read it."""
        return quoted(text)

    @property
    def watched(self) -> str:
        """Return the PromQL matchers of what the management stations tell, for a text in YAML's single quotes."""
        return f'job="node", instance=~{quoted(_one_of(self.watchers))}'.replace("'", "''")


def _one_of(names: Iterable[str]) -> str:
    """Return the regular expression that is one of these names."""
    return "|".join(re.escape(name).replace("\\-", "-") for name in names)


def settings(host: Host, fleet: Fleet, options: Options, intent: Intent) -> Settings:
    """Compute every target from the fleet."""
    having = fleet.with_role("node_metrics")
    targets = tuple(_target(h, a) for h in having if (a := asked_at(h, host, fleet)) is not None)
    address, stations = answers_stations_at(host, fleet)
    own = Secret(name="prometheus_password", municipality=host.tenant)
    return Settings(
        address=address,
        stations=stations,
        targets=targets,
        tries=tuple(tries for role in TRYING if role in host.roles for tries in _tries(intent, host, role)),
        alerts=f"{in_url(address)}:{ALERTS_PORT}" if "alertmanager" in host.roles else "",
        me=Asked(**Asked.named(host)),
        municipalities=_municipalities(fleet, targets),
        watchers=tuple(sorted({h.name for h in fleet.with_role("management_station")} & {t.name for t in targets})),
        **options.model_dump() | {"password": own if options.password else None},
    )


class Beside(RoleSettings):
    """What a program beside Prometheus has in common with it: whether it asks for Prometheus' password, too."""

    by_name: bool

    @property
    def web_file(self) -> str:
        """Return the file that says who may ask; empty where everybody may who can reach it."""
        return web_file(WEB) if self.by_name else ""


def beside(host: Host) -> bool:
    """Tell whether a program beside Prometheus asks for its password, too.

    Raises:
        SettingsError: the host has no Prometheus.
    """
    if "monitoring" not in host.roles:
        fix = "give it role monitoring, too"
        raise SettingsError("there is no Prometheus beside it", field="config context samdrift.roles", fix=fix)
    return host.samdrift.get("monitoring", {}).get("password") is True


def answers_stations_at(host: Host, fleet: Fleet) -> tuple[Address, tuple[Network, ...]]:
    """Return the one address at which a monitoring host answers the management stations, and those that reach it."""
    stations = management(fleet)
    address = next((a for a in primaries(host) if any(a.version == n.version for n in stations)), primaries(host)[0])
    return address, tuple(n for n in stations if n.version == address.version)


def _tries(intent: Intent, host: Host, role: str) -> tuple[Tries, ...]:
    """Return what the exporter of a role beside this one tries for Prometheus."""
    return cast("probes.Settings | snmp_metrics.Settings", intent.required(host, role)).tries


def listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve Prometheus' own page and API to the management stations alone."""
    return (Listen(protocol="tcp", port=PORT, sources=settings.stations, why="Prometheus for the management stations"),)


def unserved(host: Host, fleet: Fleet) -> tuple[str, ...]:
    """Say which hosts it cannot ask, and in which family its own page is closed."""
    having = fleet.with_role("node_metrics")
    lost = ", ".join(h.name for h in having if asked_at(h, host, fleet) is None)
    limits = [f"it asks no host that it has no family of IP in common with: {lost}"] if lost else []
    if host.primary_address and host.primary_address6:
        limits.append("its own page answers at one address, and is closed in the other family")
    return tuple(limits)


def in_lab(options: Mapping[str, Any], lab: Rehearsal) -> Mapping[str, Any]:  # noqa: ARG001  a role's signature
    """Ask for a password: in the lab, every secret is there."""
    return {"password": True}


def deploy(settings: Settings) -> None:
    """Declare Prometheus: rules before the configuration that loads them, reloads before restarts."""
    reread, again = reload(UNIT), restart(UNIT, daemon_reload=True)
    packages("prometheus")
    files.directory(name=f"directory {PASSWORDS}", path=PASSWORDS, user="root", group="prometheus", mode="750")
    for secret in filter(None, (job.password for job in settings.jobs)):
        managed_file(password_file(secret), content=f"{secret}\n", group="prometheus", mode="640")
    if settings.password:
        asked_by_name(WEB, settings.password, asks_itself=True)
        managed_file(READY, template="monitoring/ready.yml.j2", settings=settings)
    files.directory(name=f"directory {RULES}", path=RULES, user="root", group="root", mode="755")
    for name in RULE_FILES:
        managed_file(
            f"{RULES}/{name}.yml",
            template=f"monitoring/{name}.yml.j2",
            settings=settings,
            validate_with="promtool check rules {path}",
            then=(reread,),
        )
    managed_file(
        "/etc/prometheus/prometheus.yml",
        template="monitoring/prometheus.yml.j2",
        settings=settings,
        validate_with="promtool check config {path}",
        then=(reread,),
    )
    files.directory(name=f"directory {PAGES}", path=PAGES, user="root", group="root", mode="755")
    for page, text in pages(settings).items():
        managed_file(f"{PAGES}/{page}", content=text)
    managed_file("/etc/default/prometheus", template="monitoring/default.j2", settings=settings, then=(again,))
    confined(SANDBOX, then=(again,), also=render("monitoring/ready.conf.j2", settings=settings))
    service(UNIT)


def pages(settings: Settings) -> dict[str, str]:
    """Render the pages that Prometheus serves, by name: one of all municipalities, and one of each."""
    of_each = {
        m.page: render("monitoring/municipality.html.j2", settings=settings, municipality=m)
        for m in settings.municipalities
    }
    return {"index.html": render("monitoring/overview.html.j2", settings=settings), **of_each}


def _target(host: Host, address: Address) -> Target:
    return Target(
        **Asked.named(host),
        address=address,
        gateway="edge_gateway" in host.roles,
        password=password_of(host) if host.samdrift.get("node_metrics", {}).get("password") is True else None,
    )


def password_file(password: Secret) -> str:
    """Return the file in which Prometheus has the password of a municipality's exporters."""
    return f"{PASSWORDS}/{password.name}"


def _municipalities(fleet: Fleet, targets: tuple[Target, ...]) -> tuple[Municipality, ...]:
    """Return the tenants that have targets, by slug."""
    having = {target.municipality for target in targets}
    return tuple(Municipality(slug=t.slug, name=t.name) for t in fleet.tenants if t.slug in having)
