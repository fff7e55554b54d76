"""The watch's pages for people: nginx on a management station, where everybody reads his own municipality's by TLS.

`samdrift pages` writes them after each scan (role `drift_watch`); nginx reads them and nothing else, and nobody can
send it anything. A person is known by his own certificate, whose subject begins with the name of his account
(`CN=elif-demir`), or by what a proxy says who logged him in; the proxy is believed at its own addresses alone, and
what anybody else sends in that header is read by nobody. What each may read follows from the functions that he holds
(inventory/people.yaml): those of a municipality give its pages, those of all give everybody's, until their last day,
which nginx itself keeps. Whoever is not named is refused.

Options (config context `samdrift.watch_pages`):

- `authority`: PEM of who signs people's certificates, and signs nobody's who is not to be believed.
- `proxies`: addresses or networks of the proxies by which people log in; `header`: in which header they say who.
- `lost`: serial numbers of certificates that are not believed any more, as `openssl x509 -serial` says them.
- `also_called`: by account, what a certificate (its whole subject, as nginx says it: RFC 2253) or a proxy calls the
  person instead.
- `clients`: names of the VLANs that people sit in, at whatever site; the management stations and the proxies come in
  anyway.
- `names`: names, beside the host's own, by which people reach it.
- `certificate`: PEM, with its chain, for the key on the host; without it, the organisation's authority signs
  one where the host has role `certificates`, and else the key itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from ipaddress import IPv6Address
from typing import Annotated

from pydantic import Field
from pyinfra.operations import files

from inventory.fleet import Fleet, Host
from inventory.network import Address, Network
from inventory.organisation import ALL, AccountName, Person
from roles.drift_watch import PAGES
from roles.shared.certificates import Issued, Issuer, of_issuer
from roles.shared.families import in_url, primaries, spoken
from roles.shared.intent import Intent
from roles.shared.network.authority import issuer_of
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import reload
from roles.shared.parts.keys_of_tls import PEM
from roles.shared.parts.nginx_front import NGINX, Signed, Tls, front
from roles.shared.parts.packages import packages
from roles.shared.parts.templates import render
from roles.shared.settings import Options as RoleOptions
from roles.shared.settings import Settings as RoleSettings
from roles.shared.settings import SettingsError
from roles.shared.traffic import Listen, management, networks

SWEDISH = "Bevakningens sidor: var och en läser sin egen kommuns läge, med certifikat eller genom kommunens inloggning."
PLATFORMS = (
    "debian-13",
)  # of a header that comes twice, its nginx (1.23 and later) reads both, and so believes neither
AFTER = ("drift_watch",)
CONTROLS = ("ISO 27002:2022 5.15", "ISO 27002:2022 8.5", "ISO 27002:2022 8.24")

PORT = 443
ETC = "/etc/samdrift-pages"
TLS = Tls(f"{ETC}/tls", "pages", believes="people.crt")
AUTHORITY = f"{TLS.directory}/{TLS.believes}"
MAKES = (TLS.key, TLS.certificate, "/var/www/html/index.nginx-debian.html")
IS_AUTHORITY = (
    "openssl x509 -noout -in {path} && openssl x509 -noout -ext basicConstraints -in {path} | grep -q CA:TRUE"
)
SLUG = re.compile(r"[A-Za-z0-9_-]{1,100}")

DnsName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
Serial = Annotated[str, Field(pattern=r"^([0-9A-F]{2}){1,20}$")]
Called = Annotated[str, Field(pattern=r'^[^~"${}\x00-\x1f\x7f][^"${}\x00-\x1f\x7f]{0,299}$')]


class Options(RoleOptions):
    """What a config context may set for this role; see the module's text."""

    authority: str = Field(default="", pattern=rf"^$|{PEM}")
    lost: tuple[Serial, ...] = ()
    proxies: tuple[Network, ...] = ()
    header: str = Field(default="X-Forwarded-User", pattern=r"^[A-Za-z][A-Za-z0-9-]{0,60}$")
    also_called: dict[AccountName, tuple[Called, ...]] = Field(default_factory=dict)
    clients: tuple[str, ...] = ()
    names: tuple[DnsName, ...] = ()
    certificate: str = Field(default="", pattern=rf"^$|{PEM}")


class Reads(RoleSettings):
    """Whose pages a person may read: slugs of municipalities or `all`, and the last day, if one is known."""

    person: str
    of: tuple[str, ...]
    until: date | None = None

    @property
    def directories(self) -> str:
        """Return a pattern of whose pages: who may read `all` may read everybody's, also a municipality's to come."""
        return "[^ ]+" if ALL in self.of else "|".join(self.of)

    @property
    def days(self) -> str:
        """Return a pattern of the beginnings of times at which he may; empty where no end is known."""
        if self.until is None:
            return ""
        text = self.until.isoformat()
        earlier = [f"{text[:n]}[0-{int(d) - 1}]" for n, d in enumerate(text) if d not in "-0"]
        return f"(?:{'|'.join([*earlier, text])})"


class Settings(RoleSettings):
    """Who may read whose pages, how they prove who they are, and where they come from."""

    addresses: tuple[Address, ...]
    names: tuple[str, ...]
    certificate: str
    issuer: Issuer | None = None
    authority: str
    lost: tuple[str, ...]
    proxies: tuple[Network, ...]
    header: str
    also_called: dict[str, tuple[str, ...]]
    sources: tuple[Network, ...]
    readers: tuple[Reads, ...]
    root: str = f"{PAGES}/current"
    believes: str = AUTHORITY

    @property
    def ipv6(self) -> bool:
        """Tell whether it answers over IPv6, too."""
        return any(isinstance(a, IPv6Address) for a in self.addresses)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return its names and addresses, as URLs have them."""
        return (*self.names, *map(in_url, self.addresses))

    @property
    def variable(self) -> str:
        """Return how nginx calls the header in which a proxy says who logged in."""
        return f"http_{self.header.lower().replace('-', '_')}"


def settings(host: Host, fleet: Fleet, options: Options, intent: Intent) -> Settings:
    """Compute who may read what from the organisation's people."""
    if "drift_watch" not in host.roles:
        fix = "give it role drift_watch, too"
        raise SettingsError("only a station that watches has pages", field="config context samdrift.roles", fix=fix)
    if not options.authority and not options.proxies:
        fix = "name an authority, or proxies"
        raise SettingsError("nobody could prove who he is", field="config context samdrift.watch_pages", fix=fix)
    everybody = {person.name for person in fleet.people.everybody}
    if strange := sorted(options.also_called.keys() - everybody):
        field = f"config context samdrift.watch_pages.also_called.{strange[0]}"
        raise SettingsError("is nobody's name in inventory/people.yaml", field=field, fix="enter the person there")
    clients = _clients(fleet, options.clients)
    return Settings(
        addresses=primaries(host),
        issuer=None if options.certificate else issuer_of(host, intent),
        sources=spoken(host, networks((*management(fleet), *options.proxies, *clients))),
        readers=tuple(reads for person in fleet.people.everybody for reads in _reads(person)),
        **(options.model_dump(exclude={"clients"}) | {"names": tuple(dict.fromkeys([host.name, *options.names]))}),
    )


def _clients(fleet: Fleet, vlans: Collection[str]) -> Iterator[Network]:
    """Yield the prefixes of the VLANs of these names, at every site that has one."""
    if strange := sorted({*vlans} - {v.name for v in fleet.vlans}):
        field, fix = "config context samdrift.watch_pages.clients", "name VLANs as NetBox does"
        raise SettingsError(f"no VLAN is called {strange[0]}", field=field, fix=fix)
    named = {(v.site, v.vid) for v in fleet.vlans if v.name in vlans}
    yield from (p.prefix for p in fleet.prefixes if (p.site, p.vlan) in named)


def _reads(person: Person) -> Iterator[Reads]:
    """Yield what a person may read now: by each of his functions, until its last day."""
    for grant in person.grants if person.employment == "now" else ():
        of = tuple(slug for slug in grant.of if SLUG.fullmatch(slug))
        if of and grant.employment == "now":
            ends = [day for day in (grant.until, person.until) if day is not None]
            yield Reads(person=person.name, of=of, until=min(ends, default=None))


def listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve HTTPS to the networks that people come from."""
    return (Listen(protocol="tcp", port=PORT, sources=settings.sources, why="the watch's pages"),)


def issued(settings: Settings) -> tuple[Issued, ...]:
    """Have the certificate of its pages signed, unless it was given one."""
    return of_issuer(settings.issuer, TLS.certificate, settings.names, settings.addresses)


def deploy(settings: Settings) -> None:
    """Declare who is believed, and nginx; where the pages are, role `drift_watch` does."""
    packages("nginx", "openssl")
    for path, mode in ((ETC, "755"), (TLS.directory, "700")):
        files.directory(name=f"directory {path}", path=path, user="root", group="root", mode=mode)
    if settings.authority:
        managed_file(AUTHORITY, content=settings.authority, validate_with=IS_AUTHORITY, then=(reload(NGINX),))
    configuration = render("watch_pages/nginx.conf.j2", settings=settings, by_name=_by_name(settings.also_called))
    front(TLS, configuration, Signed(settings.certificate, settings.issuer), settings.names, settings.addresses)


def _by_name(also_called: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return whose each other name is, as nginx' quotes have it."""
    return {name.replace("\\", "\\\\"): person for person, names in also_called.items() for name in names}
