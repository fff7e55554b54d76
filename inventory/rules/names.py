"""Rules about names and texts, which become file names, DNS names, and words in commands, templates and reports."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from inventory.fleet import Fleet
from inventory.keys import KEYS
from inventory.places import Path, called, noun
from inventory.rules.rule import Fault, cut, rule
from inventory.secrets import MARK

SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,98}[a-z0-9])?")
NAME = re.compile(r"\w[\w .,:()/+-]{0,99}")


@rule("slug", fix="use a-z, 0-9 and -, as NetBox makes slugs: å and ä become a, ö becomes o")
def bad_slug(fleet: Fleet) -> Iterator[Fault]:
    """Slugs become names of files and of options, so they are plain ASCII."""
    for section in SLUGGED:
        for i, item in enumerate(getattr(fleet, section)):
            if not SLUG.fullmatch(item.slug):
                yield Fault((section, i, "slug"), f"{item.slug!r} is no slug")


SLUGGED = tuple(s for s in KEYS if s not in {"vlans", "prefixes", "ranges", "config_contexts", "hosts", "cables"})


@rule("name", fix="use letters, digits, blanks and . , : ( ) / + -, at most 100")
def bad_name(fleet: Fleet) -> Iterator[Fault]:
    """Names stand in templates, banners and reports; what has a meaning to a shell or a parser has no place in one."""
    for section in KEYS:
        for i, item in enumerate(getattr(fleet, section)):
            name = getattr(item, "name", None)
            if section != "hosts" and name is not None and not NAME.fullmatch(name):
                yield Fault((section, i, "name"), f"{name!r} is no name")


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
        for i, (item, json) in enumerate(zip(getattr(fleet, section), fleet.as_json[section], strict=True)):
            if suspect(json):
                yield from _texts_in(item.model_dump(), (section, i))


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


@rule("duplicate", fix="rename or remove one of them")
def duplicate(fleet: Fleet) -> Iterator[Fault]:
    """What others refer to by name must be one thing."""
    for section in KEYS:
        seen: set[str] = set()
        for i, item in enumerate(getattr(fleet, section)):
            name = called(item)
            if name in seen:
                yield Fault((section, i), f"{noun(section)} {name} is there more than once")
            seen.add(name)
    for i, host in enumerate(fleet.hosts):
        names = [x.name for x in host.interfaces]
        for j, name in enumerate(names):
            if name in names[:j]:
                yield Fault(("hosts", i, "interfaces", j), f"{host.name} has more than one interface {name}")


@rule("host-name", fix="site prefix (first three letters of the site's tenant), word, number: tie-dns1")
def bad_host_name(fleet: Fleet) -> Iterator[Fault]:
    """The name says whose a host is, is a DNS label, and becomes the name of files."""
    tenants = {s.slug: s.tenant for s in fleet.sites}
    for i, host in enumerate(fleet.hosts):
        path = ("hosts", i, "name")
        if not re.fullmatch(r"[a-z]{3}-[a-z]+[0-9]{1,3}", host.name):
            yield Fault(path, f"{host.name!r} is no host name")
        elif tenants.get(host.site) and not host.name.startswith(f"{tenants[host.site][:3]}-"):
            yield Fault(path, f"{host.name} stands in {host.site}, so its name starts with {tenants[host.site][:3]}-")
