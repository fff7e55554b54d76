"""The same change of many hosts, once: which changes of a plan are alike, and in what they differ. Pure.

Two changes are alike if one text describes both but for names and addresses: what the inventory calls a host, site,
municipality or AS, and IP and MAC addresses. Nothing is lost: of every host the values stand beside the text, and
`Alike.of` makes its own of it again. Not here: how they are shown (`views.plan`, `report.plan_page`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Generic, Protocol, TypeVar

from deploy.model.difference import Difference
from deploy.model.drift import shut_out
from deploy.model.plan import HostCommand, Plan, Step, Unmanaged, Upload
from deploy.model.words import in_words
from inventory.fleet import Fleet


class OfHost(Protocol):
    """What belongs to a host: its plan, its review."""

    @property
    def host(self) -> str:
        """Return the host's name."""


T = TypeVar("T", Step, Unmanaged, Difference, str)
H = TypeVar("H", bound=OfHost)

Parts = dict[str, list[str]]
"""Texts, each split into what is fixed and, at odd places, names and addresses."""

V4 = r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"
V6 = r"(?<![\w:.])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:.])"
MAC = r"(?<![\w:-])[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){5}(?![\w:-])"
ARPA = r"(?<![\w.])[0-9a-f.]+\.(?:in-addr|ip6)\.arpa"
KEY = r"(?<![\w+/])[A-Za-z0-9+/]{42}[A-Za-z0-9+/=]=(?![\w+/=])"
"""A public key as WireGuard writes it: the name of a peer."""
PLACE = re.compile(r"^@@ [^@\n]* @@", re.MULTILINE)
"""Where in a file a part of a diff stands, which is no difference of the change."""

OWN_NAME = "host"
"""What a value is called that is each host's own name."""


@dataclass(frozen=True)
class Value:
    """A place in a text at which alike changes have values of their own, by the name that stands there for it."""

    name: str

    def __str__(self) -> str:
        return f"«{self.name}»"


Text = tuple[str | Value, ...]
"""A text of alike changes: what they have in common, and where each has its own value."""


@dataclass(frozen=True)
class Alike(Generic[T]):
    """Changes that are alike, of these hosts.

    Attributes:
        first: the change of the first host; in `texts` stands in what the others' differ.
        texts: the change's texts by what each is: its name, its diff.
        values: what stands for each value on each host, in the order of the hosts.
    """

    hosts: tuple[str, ...]
    first: T
    texts: Mapping[str, Text]
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, host: str, text: str) -> str:
        """Return a text as it is on one of the hosts; a diff with its places as on the first."""
        number = self.hosts.index(host)
        return "".join(self.values[p.name][number] if isinstance(p, Value) else p for p in self.texts[text])

    def shown(self, text: str) -> str:
        """Return a text with a mark where each has a value of its own."""
        return "".join(map(str, self.texts[text]))

    @property
    def own_values(self) -> Mapping[str, tuple[str, ...]]:
        """Return the values that have to be told: not that each host has its own name."""
        return {name: of for name, of in self.values.items() if name != OWN_NAME}


def names_of(fleet: Fleet) -> frozenset[str]:
    """Return what the inventory calls hosts, sites, municipalities and AS: a difference in these alone is none."""
    hosts = {word for host in fleet.hosts for word in (host.name, host.description)}
    sites = {word for s in fleet.sites for word in (s.slug, s.name, s.facility, *map(str, s.asns))}
    tenants = {word for t in fleet.tenants for word in (t.slug, t.name, t.description)}
    return frozenset(hosts | sites | tenants | {word for r in fleet.regions for word in (r.slug, r.name)})


def alike(hosts: Iterable[H], things: Callable[[H], Iterable[T]], names: Collection[str]) -> tuple[Alike[T], ...]:
    """Return what is alike of things of some hosts, each once, role by role in the order in which they come first; what
    has one name and is not alike, one after the other.

    Args:
        things: takes from a host's plan its changes, say, or its unmanaged lines; from its review, what differs.
        names: what the inventory calls things (`names_of`).
    """
    hosts = tuple(hosts)
    split = cache(_pattern({*names, *(host.host for host in hosts)}).split)  # most texts are many hosts' own
    found: dict[Hashable, list[tuple[str, T, Parts]]] = {}
    for host in hosts:
        shapes = Counter[Hashable]()
        for thing in things(host):
            texts: Parts = {what: split(PLACE.sub("@@", text)) for what, text in _texts(thing).items()}
            shape = (_fixed(thing), *((what, _shape(parts)) for what, parts in texts.items()))
            shapes[shape] += 1  # a host's own that are alike are two changes
            found.setdefault((shape, shapes[shape]), []).append((host.host, thing, texts))
    made = [_made(of) for of in found.values()]
    roles = {role: number for number, role in enumerate(dict.fromkeys(_role(a.first) for a in made))}
    names_in_order = dict.fromkeys((_role(a.first), a.shown("name")) for a in made)
    places = {of: (roles[of[0]], number) for number, of in enumerate(names_in_order)}
    return tuple(sorted(made, key=lambda a: places[_role(a.first), a.shown("name")]))


def changes_of(plan: Plan, names: Collection[str]) -> tuple[Alike[Step], ...]:
    """Return what a plan would change, alike changes once."""
    return alike(plan.hosts, lambda host: host.changes, names)


def _shape(parts: Sequence[str]) -> Hashable:
    """Return what is fixed of a text; of one in which a mark for a value stands, all."""
    return tuple(parts[::2]) if not any("«" in part for part in parts) else tuple(parts)


def _pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern by which a text splits into what is fixed and, at odd places, names and addresses."""
    longest_first = sorted(filter(None, names), key=lambda name: (-len(name), name))
    name = rf"(?<![^\W_])(?:{'|'.join(map(re.escape, longest_first))})(?![^\W_])" if longest_first else r"(?!)"
    return re.compile(f"({ARPA}|{MAC}|{V4}|{V6}|{KEY}|{name})")


def _made(of: Sequence[tuple[str, T, Parts]]) -> Alike[T]:
    hosts = tuple(host for host, _, _ in of)
    called: dict[tuple[str, ...], str] = {hosts: OWN_NAME}

    def text(what: str) -> Text:
        pieces: list[str | Value] = []
        for number, parts in enumerate(zip(*(texts[what] for _, _, texts in of), strict=True)):
            if number % 2 == 0 or len(set(parts)) == 1:
                pieces.append(parts[0])
            else:
                pieces.append(Value(called.setdefault(parts, str(len(called)))))
        return tuple(pieces)

    _, first, texts = of[0]
    made = {what: text(what) for what in texts}
    if places := PLACE.findall(_texts(first).get("diff", "")):
        made["diff"] = _placed(made["diff"], places)
    used = {piece.name for pieces in made.values() for piece in pieces if isinstance(piece, Value)}
    return Alike(hosts, first, made, {name: values for values, name in called.items() if name in used})


def _placed(pieces: Text, places: Sequence[str]) -> Text:
    """Put the first host's places back into a diff."""
    left = iter(places)

    def put(piece: str) -> str:
        return re.sub(r"^@@(?=\n|$)", lambda _: next(left), piece, flags=re.MULTILINE)

    return tuple(put(piece) if isinstance(piece, str) else piece for piece in pieces)


def _texts(thing: Step | Unmanaged | Difference | str) -> dict[str, str]:
    """Return the texts in which alike things may have names and addresses of their own."""
    match thing:
        case Step():
            diff = {"diff": thing.change.diff} if thing.change is not None else {}
            commands = {"commands": "\0".join(map(_command, thing.commands))}
            removals = {"removals": "\n".join(removal.line for removal in thing.removals)} if thing.removals else {}
            refused = "\n".join(in_words(note.message) for note in shut_out(thing))
            shuts_out = {"refused": refused} if refused else {}
            guard = {"guard": thing.guard.words} if thing.guard else {}
            return {
                "name": thing.name,
                **guard,
                "unguarded": thing.unguarded,
                **shuts_out,
                **removals,
                **diff,
                **commands,
            }
        case Unmanaged():
            return {"name": thing.what}
        case Difference():
            guards = {"guard": thing.guard, "unguarded": thing.unguarded}
            return {"name": thing.name, **guards, "diff": thing.diff}
        case str():
            return {"name": thing}


def _command(command: HostCommand) -> str:
    """Return a command as text; of an upload, not how much it is: what it is stands in the diff."""
    return f"upload {command.path}" if isinstance(command, Upload) else str(command)


def _fixed(thing: Step | Unmanaged | Difference | str) -> Hashable:
    """Return what must be the same for things to be alike, whatever stands in their texts."""
    match thing:
        case Step():
            named = tuple(bool(removal.named) for removal in thing.removals)
            kinds = tuple(command.kind for command in thing.commands)
            return thing.role, thing.handler, thing.waived, named, kinds, thing.change is None
        case Unmanaged():
            return thing.role, thing.waived, bool(thing.path), thing.kind
        case Difference():
            return thing.role, thing.kind, thing.how, thing.restarts, thing.secrets
        case str():
            return ""


def _role(thing: Step | Unmanaged | Difference | str) -> str:
    return "" if isinstance(thing, str) else thing.role
