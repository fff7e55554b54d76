"""House rules: what an organisation may hold its fleet to, each with its parameters. None holds unless it is asked for.

Taste, order and agreements: how hosts are named, who may own what, how guests leave. What a host needs to be configured
correctly is no house rule, and stands in the other modules. Not here: the organisation's file (`house.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.keys import KEYS
from inventory.network import Prefix
from inventory.rules.rule import Fault, house_rule

PLACEHOLDER = re.compile(r"\{([a-z]+)(?::([1-9][0-9]*))?\}")
"""Of a slug in a pattern: `{tenant}`, or its first three letters, `{tenant:3}`. (A quantifier begins with a digit.)"""
PLACEHOLDERS = ("tenant", "owner", "site", "role")


def _regex(pattern: str) -> str:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as e:
        raise ValueError(f"{pattern!r} is no regular expression: {e}") from None
    return pattern


def _host_pattern(pattern: str) -> str:
    for found in PLACEHOLDER.finditer(pattern):
        if found[1] not in PLACEHOLDERS:
            raise ValueError(f"there is no {found[0]}; known: {', '.join(f'{{{p}}}' for p in PLACEHOLDERS)}")
    _regex(PLACEHOLDER.sub("x", pattern))
    return pattern


def _asns(text: int | str) -> str:
    found = re.fullmatch(r"([1-9][0-9]{0,9})(?:-([1-9][0-9]{0,9}))?", str(text))
    if found is None or int(found[1]) > int(found[2] or found[1]):
        raise ValueError(f"{text!r} is no AS number, and no range like 64512-65534")
    return str(text)


Regex = Annotated[str, AfterValidator(_regex)]
HostPattern = Annotated[str, AfterValidator(_host_pattern)]
Asns = Annotated[int | str, AfterValidator(_asns)]
Word = Annotated[str, Field(min_length=1)]


class Nothing(Frozen):
    """The parameters of a rule that has none."""


class HostName(Frozen):
    """How hosts are named.

    `pattern` is a regular expression for the whole name. In it, `{tenant}` is the slug of the municipality whose site
    the host stands at, `{owner}` that of its own, `{site}` its site, `{role}` its device role; `{tenant:3}` the first
    three letters. `short` says what stands for a slug in names instead of it. `exceptions` are names that are older.
    """

    pattern: HostPattern
    short: dict[str, str] = Field(default_factory=dict)
    exceptions: tuple[Word, ...] = ()


class Name(Frozen):
    """How everything else is named: a regular expression for the whole name, and names that are older."""

    pattern: Regex
    exceptions: tuple[Word, ...] = ()


class HostOwner(Frozen):
    """Who may own a host beside the municipality whose site it stands at.

    `anywhere` are municipalities (or the joint IT unit) whose hosts may stand at every site, `shared` sites at which
    anybody's may. `hosts` says of single hosts whose they are.
    """

    anywhere: tuple[Word, ...] = ()
    shared: tuple[Word, ...] = ()
    hosts: dict[str, str] = Field(default_factory=dict)


class OwnWayOut(Frozen):
    """Which prefixes are for pupils and guests, and what stands between them and the internet.

    A prefix is, if its description holds one of `descriptions` or the name of its VLAN begins with one of `vlans`,
    written with small letters or large ones. `firewalls` are the device roles that their gateways must have.
    """

    descriptions: tuple[Word, ...] = ()
    vlans: tuple[Word, ...] = ()
    firewalls: tuple[Word, ...] = Field(min_length=1)


class Asn(Frozen):
    """The AS numbers that sites may have: numbers, and ranges like `64512-65534`, both ends included."""

    ranges: tuple[Asns, ...] = Field(min_length=1)


class RoleFirewall(Frozen):
    """A host that listens has the role `firewall`; `elsewhere` are hosts before which somebody else's firewall stands.

    The roles know who listens, so their catalogue asks for it (`roles/shared/catalogue.py`).
    """

    elsewhere: tuple[Word, ...] = ()


class Approvals(Frozen):
    """How many people must have approved a plan before it changes hosts, beside who made it and who applies it.

    Asked where hosts are changed (`approvals.py`), and no fault of a fleet. `needed` are expressions as of `--limit`,
    and how many approvals the hosts need that each selects: of several, the most. `in_the_lab` asks there, too.
    """

    needed: dict[Word, Annotated[int, Field(ge=0, le=5)]] = Field(default_factory=dict)
    in_the_lab: bool = False


@house_rule("host-name", HostName, fix="name it as `inventory/rules.yaml` asks, or name it there as an exception")
def bad_host_name(fleet: Fleet, asked: HostName) -> Iterator[Fault]:
    """A name that says where a host stands and what it is for is understood at night. (That it can be a name at all is
    `host-label`.)
    """
    owners = {s.slug: s.tenant for s in fleet.sites}
    patterns: dict[tuple[str, str, str], str | None] = {}
    for i, host in enumerate(fleet.hosts):
        if (alike := (host.site, host.tenant, host.role)) not in patterns:
            patterns[alike] = _pattern_of(host, owners, asked)
        pattern = None if host.name in asked.exceptions else patterns[alike]
        if pattern is not None and not re.fullmatch(pattern, host.name):
            what = f"{host.name!r} of {host.site} is not named as asked: {_readable(pattern)}"
            yield Fault(("hosts", i, "name"), what)


def _pattern_of(host: Host, owners: Mapping[str, str], asked: HostName) -> str | None:
    """Return the pattern for this host; None if the inventory lacks a slug that stands in it, which other rules say."""
    slugs = {"tenant": owners.get(host.site, ""), "owner": host.tenant, "site": host.site, "role": host.role}
    found = [slugs[p[1]] for p in PLACEHOLDER.finditer(asked.pattern)]

    def filled(placeholder: re.Match[str]) -> str:
        slug = slugs[placeholder[1]]
        word = asked.short.get(slug, slug)
        return re.escape(word[: int(placeholder[2])] if placeholder[2] else word)

    return PLACEHOLDER.sub(filled, asked.pattern) if all(found) else None


def _readable(pattern: str) -> str:
    """Return a pattern without what escapes a hyphen."""
    return pattern.replace("\\-", "-")


@house_rule("name", Name, fix="name it as `inventory/rules.yaml` asks")
def bad_name(fleet: Fleet, asked: Name) -> Iterator[Fault]:
    """One way of writing names makes lists and reports readable. (A name may say anything else: wherever it is shown or
    stands in a file, it is escaped.)
    """
    for section in KEYS:
        for i, item in enumerate(getattr(fleet, section)):
            name = getattr(item, "name", None)
            if section == "hosts" or name is None or name in asked.exceptions:
                continue
            if not re.fullmatch(asked.pattern, name):
                yield Fault((section, i, "name"), f"{name!r} is not named as asked: {asked.pattern}")


@house_rule("host-owner", HostOwner, fix="set the tenant of its site, or name the exception in `inventory/rules.yaml`")
def stranger(fleet: Fleet, asked: HostOwner) -> Iterator[Fault]:
    """A host is given the secrets of its tenant, and stands in that tenant's report: with a wrong one, in another
    municipality's.
    """
    known = {t.slug for t in fleet.tenants}
    owners = {s.slug: s.tenant for s in fleet.sites if s.tenant in known}
    for i, host in enumerate(fleet.hosts):
        expected = asked.hosts.get(host.name) or owners.get(host.site)
        if expected is None or host.tenant not in known or host.tenant == expected:
            continue
        if host.name in asked.hosts:
            what = f"{host.name} belongs to {host.tenant}, and as an exception to {expected}"
        elif host.tenant in asked.anywhere or host.site in asked.shared:
            continue
        else:
            what = f"{host.name} belongs to {host.tenant}, and its site {host.site} to {expected}"
        yield Fault(("hosts", i, "tenant"), what)


@house_rule("own-way-out", OwnWayOut, fix="make the firewall of the site its gateway, or say that it is for others")
def no_way_out_of_its_own(fleet: Fleet, asked: OwnWayOut) -> Iterator[Fault]:
    """Pupils and guests leave by a firewall of their own and never by way of the administration's networks. For lack of
    a field, the description of their prefix or the name of its VLAN says that it is for them.
    """
    descriptions = tuple(text.casefold() for text in asked.descriptions)
    beginnings = tuple(text.casefold() for text in asked.vlans)
    for i, prefix in enumerate(fleet.prefixes):
        name = next((n for n in _vlan_names(prefix, fleet) if n.casefold().startswith(beginnings)), "")
        if not name and not any(d in prefix.description.casefold() for d in descriptions):
            continue
        called = f"{prefix.prefix} ({prefix.description or name})"
        if prefix.gateway is None:
            yield Fault(("prefixes", i), f"{called} has no gateway")
            continue
        holders = fleet.holders_of(prefix) or fleet.candidates_of(prefix)
        if wrong := [h for h, _ in holders if h.role not in asked.firewalls]:
            what = f"{called} leaves by {wrong[0].name}, which is no {' or '.join(asked.firewalls)}"
            yield Fault(("prefixes", i, "gateway"), what)


def _vlan_names(prefix: Prefix, fleet: Fleet) -> Iterator[str]:
    """Yield what the VLAN of a prefix is called at each site that the prefix is for."""
    for site in fleet.sites if prefix.vlan is not None else ():
        if fleet.serves(prefix, site.slug) and (vlan := fleet.vlan_at(site.slug, prefix.vlan or 0)):
            yield vlan.name


@house_rule("asn", Asn, fix="a number that `inventory/rules.yaml` allows; private ones are in RFC 6996")
def bad_asn(fleet: Fleet, asked: Asn) -> Iterator[Fault]:
    """Numbers of sites must never meet those of the internet's networks."""
    ends = [str(r).partition("-") for r in asked.ranges]
    allowed = [range(int(first), int(last or first) + 1) for first, _, last in ends]
    for i, site in enumerate(fleet.sites):
        if site.asn is not None and not any(site.asn in numbers for numbers in allowed):
            what = f"{site.slug}: AS {site.asn} is none of {', '.join(map(str, asked.ranges))}"
            yield Fault(("sites", i, "asns"), what)


@house_rule("coordinates", Nothing, fix="set both, in degrees: latitude -90 to 90, longitude -180 to 180")
def bad_coordinates(fleet: Fleet, asked: Nothing) -> Iterator[Fault]:  # noqa: ARG001  a house rule's signature
    """Reports draw a map of the sites."""
    for i, site in enumerate(fleet.sites):
        latitude, longitude = site.latitude, site.longitude
        if latitude is None and longitude is None:
            continue
        if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
            yield Fault(("sites", i), f"{site.slug}: {latitude}, {longitude} is nowhere on earth")


@house_rule("serial-twice", Nothing, fix="read the number on the device, and correct it")
def serial_twice(fleet: Fleet, asked: Nothing) -> Iterator[Fault]:  # noqa: ARG001  a house rule's signature
    """The serial number is how a device in a hand or on an invoice is found; two that share one are one, or a typing
    error.
    """
    seen: dict[str, int] = {}
    for i, host in enumerate(fleet.hosts):
        serial = host.serial.strip().casefold()
        if host.kind == "device" and serial and (other := seen.setdefault(serial, i)) != i:
            what = f"{host.name} and {fleet.hosts[other].name} have one serial number, {host.serial!r}"
            yield Fault(("hosts", i, "serial"), what, also=(("hosts", other),))
