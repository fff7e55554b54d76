"""Rules about names and texts, which become file names, DNS names, and words in commands, templates and reports."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

from inventory import secrets
from inventory.fleet import Fleet
from inventory.keys import KEYS
from inventory.places import Path, called, noun
from inventory.rules.rule import Fault, cut, rule
from inventory.secrets import MARK

SLUG = re.compile(secrets.SLUG)
"""A municipality's: it becomes the name of files."""
NETBOX_SLUG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")
"""Everything else's: as NetBox takes them, but for what would be an option."""
LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


@rule(
    "slug", fix="use a-z, 0-9 and -, as NetBox makes slugs (å and ä become a, ö becomes o); _ and A-Z but for tenants"
)
def bad_slug(fleet: Fleet) -> Iterator[Fault]:
    """Slugs are words of options and of configurations, so they are plain ASCII; a municipality's names files, too."""
    for section in KEYS:
        pattern = SLUG if section == "tenants" else NETBOX_SLUG
        items = getattr(fleet, section)
        for i, item in enumerate(items if items and hasattr(items[0], "slug") else ()):
            if not pattern.fullmatch(item.slug):
                yield Fault((section, i, "slug"), f"{item.slug!r} is no slug")


@rule("text", fix="remove it: text is printable letters on one line (in config contexts, on several)")
def unprintable(fleet: Fleet) -> Iterator[Fault]:
    """Control characters and invisible ones can make a text say one thing to a person and another to a program."""
    # In JSON they are escaped; of a key that is no UTF-8, pydantic makes replacement characters.
    for path, text in _texts(fleet, lambda json: "\\" in json or "\ufffd" in json or not json.isprintable()):
        seen = text.replace("\n", "") if {"context", "local_context", "data"} & set(path) else text
        if not seen.isprintable():
            yield Fault(path, f"unprintable character in {text!r}")


@rule("secret-mark", fix=f"leave out {MARK}, with which placeholders of secrets begin")
def secret_mark(fleet: Fleet) -> Iterator[Fault]:
    """A text that looks like a placeholder could end up in a role's file, and be given a secret's value there."""
    for path, text in _texts(fleet, lambda json: MARK in json):
        if MARK in text:
            yield Fault(path, f"{cut(text)!r} looks like a secret")


def _texts(fleet: Fleet, suspect: Callable[[str], bool]) -> Iterator[tuple[Path, str]]:
    """Yield every text, keys included, in those objects that are suspect as JSON: to look there first is ten times
    faster.
    """
    for section in KEYS:
        first = 0
        for items, json in fleet.as_json[section]:
            for i, item in enumerate(items if suspect(json) else (), first):
                yield from _texts_in(item.model_dump(), (section, i))
            first += len(items)


def _texts_in(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key), key
            yield from _texts_in(item, (*path, key))
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _texts_in(item, (*path, i))


IDENTITIES: Mapping[str, Callable[[Any], Hashable]] = {
    "hosts": lambda host: host.name.lower(),  # to DNS, and where it becomes a file
    "prefixes": KEYS["prefixes"],
}
"""What is one thing, where that is not what people call it: one prefix at two sites is two networks."""


@rule("duplicate", fix="rename or remove one of them")
def duplicate(fleet: Fleet) -> Iterator[Fault]:
    """What others refer to by name must be one thing."""
    for section in KEYS:
        identity = IDENTITIES.get(section, called)
        seen: dict[Hashable, int] = {}
        for i, item in enumerate(getattr(fleet, section)):
            if (other := seen.setdefault(identity(item), i)) != i:
                what = f"{noun(section)} {called(item)} is there more than once"
                yield Fault((section, i), what, also=((section, other),))
    for i, host in enumerate(fleet.hosts):
        names = [x.name for x in host.interfaces]
        for j, name in enumerate(names if len({*names}) < len(names) else ()):
            if name in names[:j]:
                yield Fault(("hosts", i, "interfaces", j), f"{host.name} has more than one interface {name}")


@rule("host-label", fix="letters A-Z and a-z, digits and -, with none at either end, at most 63: tie-dns1")
def bad_host_label(fleet: Fleet) -> Iterator[Fault]:
    """A host's name is its own name for itself, a DNS label (RFC 1123), a word in configurations and the name of files.
    How an organisation names its hosts within that is its own business (`host-name`).
    """
    for i, host in enumerate(fleet.hosts):
        if not LABEL.fullmatch(host.name):
            like = _label_of(host.name)
            but = f", but {like!r} is one" if like else ""
            yield Fault(("hosts", i, "name"), f"{cut(repr(host.name))} is no DNS label{but}")


def _label_of(name: str) -> str:
    """Return the DNS label that is most like a name; empty if nothing is left.

    Of a domain name, all parts: pe1.site1 and pe1.site2 are two.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:63].strip("-")
