"""Rules about config contexts: what samdrift reads of them. Roles know whether their own options are good."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from inventory.fleet import Fleet
from inventory.places import Path
from inventory.rules.rule import Fault, cut, rule

SAMDRIFT_ROLE = re.compile(r"[a-z][a-z0-9_]{0,62}")
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
HIGHEST_WAVE = 999
HIGHEST_PORT = 65535
RESERVED_KEYS = frozenset({"roles", "wave", "canary", "pair", "transport", "netconf_port"})
"""Keys below `samdrift` in a config context that are not names of roles."""


@rule(
    "context",
    fix="samdrift: {roles: {NAME OF A ROLE: true or false}, wave: 0 to 999, canary: true or false, pair: NAME, "
    "transport: cli or netconf, netconf_port: 1 to 65535, NAME OF A ROLE: {options}}",
)
def bad_context(fleet: Fleet) -> Iterator[Fault]:
    """What a config context says wrongly would else be taken for saying nothing."""

    def faults(data: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
        yield from ((("samdrift", *at), what) for at, what in _context_faults(data.get("samdrift", {})))

    yield from _of_contexts(fleet, faults)


@rule("context-key", fix="samdrift is the one key that is read; if this is none of ours, call it something less alike")
def misspelled_context_key(fleet: Fleet) -> Iterator[Fault]:
    """What stands below a misspelled `samdrift` would be believed, and never be read. (Other keys are other programs'.
    Keys below `samdrift` are the roles': `role-section`, `role-option`.)
    """

    def faults(data: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
        yield from (((key,), f"says {key!r}, which nobody reads") for key in data if is_misspelled(key))

    yield from _of_contexts(fleet, faults)


@cache
def is_misspelled(key: str) -> bool:
    """Tell whether a key is meant to be `samdrift`, and is not."""
    return key != "samdrift" and bool(get_close_matches(key.casefold(), ["samdrift"], cutoff=0.75))


def asks(context: Mapping[str, Any]) -> bool:
    """Tell whether a host's merged config context asks samdrift to manage it, however badly it says so."""
    section = context.get("samdrift", {})
    if not isinstance(section, dict):
        return True
    roles = section.get("roles", {"": False})
    given = not isinstance(roles, dict) or not roles or any(has is not False for has in roles.values())
    return given or any(is_misspelled(key) for key in context)


Alike = tuple[tuple[str, int], ...]


def alike_to(context: Mapping[str, Any]) -> Alike:
    """Return what two merged config contexts have in common that hold the same objects: most hosts share theirs with
    many others, and what is said of one need not be found out of each.
    """
    return tuple([(key, id(value)) for key, value in context.items()])


def _of_contexts(fleet: Fleet, faults: Callable[[Mapping[str, Any]], Iterator[tuple[Path, str]]]) -> Iterator[Fault]:
    """Yield the faults of every config context, where a person wrote it; of what NetBox merged of them, only further
    ones.
    """
    shared: set[tuple[Path, str]] = set()
    merged: dict[Alike, list[tuple[Path, str]]] = {}
    for i, context in enumerate(fleet.config_contexts):
        found = list(faults(context.data))
        if context.is_active:
            shared.update(found)
        yield from (Fault(("config_contexts", i, "data", *at), f"{context.name}: {what}") for at, what in found)
    for i, host in enumerate(fleet.hosts):
        own = list(faults(host.local_context)) if host.local_context else []
        if (alike := alike_to(host.context)) not in merged:
            merged[alike] = [f for f in faults(host.context) if f not in shared]
        further = [f for f in merged[alike] if f not in own]
        for field, found in (("local_context", own), ("context", further)):
            yield from (Fault(("hosts", i, field, *at), f"{host.name}: config context {what}") for at, what in found)


def _context_faults(section: Any) -> Iterator[tuple[Path, str]]:
    if not isinstance(section, dict):
        yield (), "samdrift is no mapping"
        return
    if "roles" in section:
        yield from _roles_faults(section["roles"])
    wave = section.get("wave", 0)
    if not isinstance(wave, int) or isinstance(wave, bool) or not 0 <= wave <= HIGHEST_WAVE:
        yield ("wave",), f"samdrift.wave is no number of 0 to {HIGHEST_WAVE}"
    if not isinstance(section.get("canary", False), bool):
        yield ("canary",), "samdrift.canary is neither true nor false"
    pair = section.get("pair", "")
    if not isinstance(pair, str) or ("pair" in section and not SLUG.fullmatch(pair)):
        yield ("pair",), "samdrift.pair is no name of small letters, digits and -"
    if section.get("transport", "cli") not in ("cli", "netconf"):
        yield ("transport",), "samdrift.transport is neither cli nor netconf"
    port = section.get("netconf_port", 1)
    if not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= HIGHEST_PORT:
        yield ("netconf_port",), f"samdrift.netconf_port is no number of 1 to {HIGHEST_PORT}"
    for key, options in section.items():
        if key not in RESERVED_KEYS and not isinstance(options, dict):
            yield (key,), f"samdrift.{key} is no mapping of options"


def _roles_faults(roles: Any) -> Iterator[tuple[Path, str]]:
    """Yield the faults of `samdrift.roles`.

    NetBox puts a list, and an empty mapping, in place of what other contexts say.
    """
    if isinstance(roles, list):
        names = dict.fromkeys(r for r in roles if isinstance(r, str) and SAMDRIFT_ROLE.fullmatch(r))
        line = ", ".join(f"{name}: true" for name in names or ["NAME OF A ROLE"])
        yield ("roles",), f"samdrift.roles is a list; write: roles: {{{line}}}"
    elif not isinstance(roles, dict):
        yield ("roles",), "samdrift.roles is no mapping of roles to true or false"
    elif not roles:
        yield ("roles",), "samdrift.roles is empty, and NetBox would take all roles away for it; write each with false"
    else:
        for name, has in roles.items():
            if not SAMDRIFT_ROLE.fullmatch(name):
                yield ("roles",), f"samdrift.roles has {cut(repr(name))}, which is no name of a role"
            elif not isinstance(has, bool):
                yield ("roles", name), f"samdrift.roles.{name} is neither true nor false"
