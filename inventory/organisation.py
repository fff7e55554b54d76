"""What hosts belong to, stand at and are made of, the config contexts that are assigned by it, and the people.

Shapes and names are NetBox's own, but for people, of whom NetBox is told nothing (`people.py` reads them). What NetBox
nests keeps its `parent`, by slug. Not here: addresses and VLANs (`network.py`), hosts and the Fleet (`fleet.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from inventory.frozen import Frozen


class Named(Frozen):
    """A NetBox object that is no more than a slug and a name: manufacturer, cluster type, tag."""

    slug: str
    name: str
    description: str = ""


class Region(Frozen):
    """A NetBox region; prefixes scoped to it are shared by all sites in it and in the regions below it."""

    slug: str
    name: str
    parent: str | None = None


class SiteGroup(Frozen):
    """A NetBox site group: a second way to put sites together, beside regions."""

    slug: str
    name: str
    parent: str | None = None


class TenantGroup(Frozen):
    """A NetBox tenant group."""

    slug: str
    name: str
    parent: str | None = None


class Tenant(Frozen):
    """A municipality (or the joint IT unit): the owner of hosts and of their information."""

    slug: str
    name: str
    description: str = ""
    group: str | None = None


class Site(Frozen):
    """A place with equipment.

    Attributes:
        tenant: the municipality that it belongs to; empty where NetBox says none.
        region: empty where NetBox says none.
        asns: every AS number of the site, ascending.
    """

    slug: str
    name: str
    tenant: str = ""
    region: str = ""
    group: str | None = None
    asns: tuple[int, ...] = ()
    facility: str = ""
    latitude: float | None = None
    longitude: float | None = None

    @property
    def asn(self) -> int | None:
        """Return the AS number that the site's routers speak with: the only one, or the only private one (RFC 6996)."""
        private = [asn for asn in self.asns if is_private_asn(asn)]
        candidates = self.asns if len(self.asns) == 1 else private
        return candidates[0] if len(candidates) == 1 else None


PRIVATE_ASNS = (range(64512, 65535), range(4_200_000_000, 4_294_967_295))
"""AS numbers that nobody else on the internet has (RFC 6996)."""


def is_private_asn(asn: int) -> bool:
    """Tell whether an AS number is for private use."""
    return any(asn in numbers for numbers in PRIVATE_ASNS)


class Location(Frozen):
    """A part of a site: a floor, a room. NetBox's slugs of locations are unique in their site only."""

    site: str
    slug: str
    name: str
    parent: str | None = None

    @property
    def key(self) -> str:
        """Return what prefixes, hosts and config contexts call it: `site/slug`."""
        return f"{self.site}/{self.slug}"


class Platform(Named):
    """The operating system of a host.

    `family` says how samdrift reaches it: a shell or a vendor CLI. A platform that says none has its parent's.
    """

    parent: str | None = None
    family: Literal["debian", "cli"] | None = None


FAMILIES: Mapping[str, Literal["debian", "cli"]] = {
    "debian-12": "debian",
    "debian-13": "debian",
    "arubaos-cx": "cli",
    "cisco-ios": "cli",
    "fortios": "cli",
    "junos": "cli",
}
"""The platforms that samdrift's roles are for, by slug: a NetBox need not say their family."""


class DeviceRole(Named):
    """What a host is for, in NetBox's words: `access-switch`."""

    parent: str | None = None


class DeviceType(Frozen):
    """A model of a manufacturer. `part_number` is what it is ordered by (`JL663A`)."""

    slug: str
    manufacturer: str
    model: str
    part_number: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Return everything that it is called by."""
        return tuple(filter(None, (self.model, self.part_number, self.slug)))


class Cluster(Named):
    """A cluster that virtual machines run on; `type` is the slug of its cluster type."""

    type: str
    group: str | None = None


class ConfigContext(Frozen):
    """A NetBox config context and what it is assigned to. NetBox merges them; samdrift never does."""

    name: str
    weight: int = 1000
    description: str = ""
    is_active: bool = True
    regions: tuple[str, ...] = ()
    site_groups: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    locations: tuple[str, ...] = Field(default=(), description="each `site/slug`")
    device_types: tuple[str, ...] = ()
    device_roles: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    cluster_types: tuple[str, ...] = ()
    cluster_groups: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    tenant_groups: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    data: dict[str, Any]


ASSIGNED_BY = (
    "regions", "site_groups", "sites", "locations", "device_types", "device_roles", "platforms",
    "cluster_types", "cluster_groups", "clusters", "tenant_groups", "tenants", "tags",
)  # fmt: skip
"""What a config context can be assigned by; each is a section of the Fleet."""


# People

AccountName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
FullName = Annotated[str, Field(pattern=r"^[^:,\x00-\x1f\x7f‹›]+$", max_length=80)]
PUBLIC_KEY = r"^(ssh-ed25519|sk-ssh-ed25519@openssh\.com) [A-Za-z0-9+/]+={0,2}( [\w.@+-]+)?$"
PublicKey = Annotated[str, Field(pattern=PUBLIC_KEY)]
Principal = Annotated[str, Field(pattern=r"^[A-Za-z0-9._@-]+$")]

TIME_ZONE = ZoneInfo("Europe/Stockholm")
"""Where a day of somebody's employment begins and ends."""
JOINT = "joint"
"""The home of those who work for all five municipalities, in the joint unit."""
ALL = "all"
"""What a grant is of, if it is of every municipality."""
ADMINISTER = "administer"
"""The one duty that no role declares: to be root."""

RunVerb = Literal["plan", "apply", "approve"]
"""What somebody may have samdrift do. Whoever may plan, may also look (drift, verify)."""
Employment = Literal["to come", "now", "ended"]


class Grant(Frozen):
    """A function that a person holds, for some municipalities and some time.

    Attributes:
        duties: what the function lets do on hosts: `administer`, or `<role>.<duty>` as the roles declare them.
        runs: what it lets have samdrift do.
        of: slugs of municipalities, or `all`.
        since: the first day, and not before the person's.
        until: the last day, and not after the person's; None if no end is known.
        employment: whether that is to come, now or ended, on the day that the file was read.
    """

    function: str
    title: str = ""
    duties: tuple[str, ...] = ()
    runs: tuple[RunVerb, ...] = ()
    of: tuple[str, ...]
    since: date
    until: date | None = None
    employment: Employment = "now"

    def is_for(self, municipality: str) -> bool:
        """Tell whether the function is held now, for this municipality."""
        return self.employment == "now" and (ALL in self.of or municipality in self.of)


class Person(Frozen):
    """Somebody who may do something: on hosts by a login of the same name, and by samdrift.

    Attributes:
        home: a municipality, or `joint`.
        keys: SSH public keys (`type base64 comment`): they log in by them, and sign approvals.
        principals: names in SSH certificates.
        employment: whether it is to come, now or ended, on the day that the file was read.
    """

    name: str
    full_name: str
    home: str
    since: date
    until: date | None = None
    employment: Employment = "now"
    keys: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()

    def grants_for(self, municipality: str) -> tuple[Grant, ...]:
        """Return the functions that the person holds now for a municipality."""
        if self.employment != "now":
            return ()
        return tuple(grant for grant in self.grants if grant.is_for(municipality))

    def may(self, verb: RunVerb, municipality: str) -> bool:
        """Tell whether the person may now have samdrift do this with a municipality's hosts."""
        return any(verb in grant.runs for grant in self.grants_for(municipality))

    def duties_for(self, municipality: str) -> tuple[str, ...]:
        """Return the duties that the person has now on a municipality's hosts, by the alphabet."""
        return tuple(sorted({duty for grant in self.grants_for(municipality) for duty in grant.duties}))


class People(Frozen):
    """Everybody who may do something or might once, by name."""

    everybody: tuple[Person, ...] = ()

    def person(self, name: str) -> Person | None:
        """Return who has this account; None if nobody has."""
        return next((person for person in self.everybody if person.name == name), None)

    def who_may(self, verb: RunVerb, municipality: str) -> tuple[Person, ...]:
        """Return who may now have samdrift do this with a municipality's hosts: approve, say."""
        return tuple(person for person in self.everybody if person.may(verb, municipality))
