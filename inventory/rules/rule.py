"""What a rule of a sound fleet is, what breaks one, and how rules go through a fleet and say what they found.

Not here: which rules there are (the other modules), and which house rules an organisation asks for (`house.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

from inventory.fleet import Fleet, Host, Interface
from inventory.frozen import Frozen
from inventory.network import InterfaceAddress
from inventory.places import Path


@dataclass(frozen=True)
class Fault:
    """A breach of a rule, and where in the fleet it is.

    Attributes:
        needs: sections that must have been read whole for this to be a fault: who asks for something that could not be
            read makes no fault of it.
        also: other places in the fleet that are as much at fault: the other of two that have one address.
    """

    path: Path
    what: str
    needs: tuple[str, ...] = ()
    also: tuple[Path, ...] = ()


Faults = Callable[[Fleet], Iterator[Fault]]


@dataclass(frozen=True)
class Rule:
    """One thing that must hold in a sound fleet: `why`, how to `fix` it, and how to find what breaks it."""

    id: str
    why: str
    fix: str
    faults: Faults


def rule(id: str, fix: str) -> Callable[[Faults], Rule]:  # noqa: A002  it is one
    """Make a rule of a function that finds what breaks it; the function's docstring is why."""

    def made(faults: Faults) -> Rule:
        return Rule(id=id, why=faults.__doc__ or "", fix=fix, faults=faults)

    return made


P = TypeVar("P", bound=Frozen)


@dataclass(frozen=True)
class HouseRule:
    """A rule that holds only where the organisation asks for it, with `parameters` of its own."""

    id: str
    why: str
    fix: str
    parameters: type[Frozen]
    faults: Callable[[Fleet, Any], Iterator[Fault]]

    def asked(self, parameters: Frozen) -> Rule:
        """Return this rule as an organisation asks for it."""
        return Rule(id=self.id, why=self.why, fix=self.fix, faults=lambda fleet: self.faults(fleet, parameters))


def house_rule(
    id: str,  # noqa: A002  it is one
    parameters: type[P],
    fix: str,
) -> Callable[[Callable[[Fleet, P], Iterator[Fault]]], HouseRule]:
    """Make a house rule of a function that finds what breaks it; the function's docstring is why."""

    def made(faults: Callable[[Fleet, P], Iterator[Fault]]) -> HouseRule:
        return HouseRule(id=id, why=faults.__doc__ or "", fix=fix, parameters=parameters, faults=faults)

    return made


def every_address(fleet: Fleet) -> Iterator[tuple[int, int, int, Host, Interface, InterfaceAddress]]:
    """Yield every address of every host: index of host, interface and address, and these."""
    for i, j, host, interface in every_interface(fleet):
        for k, address in enumerate(interface.addresses):
            yield i, j, k, host, interface, address


def every_interface(fleet: Fleet) -> Iterator[tuple[int, int, Host, Interface]]:
    """Yield every interface of every host: index of host and interface, and both."""
    for i, host in enumerate(fleet.hosts):
        for j, interface in enumerate(host.interfaces):
            yield i, j, host, interface


def most_like(word: str, known: set[str]) -> str:
    """Say which known word is most like this one, to end a message; empty if none is."""
    found = get_close_matches(word, sorted(known), n=1)
    return f", but there is {found[0]!r}" if found else ""


def cut(text: str) -> str:
    """Cut a text that is too long for a message."""
    return text if len(text) <= 40 else text[:37] + "..."
