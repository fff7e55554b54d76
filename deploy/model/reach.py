"""Who may reach what: an answer, the way that a packet takes to it, and what decides at each hop. Values.

Not here: how it is found out (`deploy.reach`), and how it looks (`views.reach`).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from inventory.frozen import Frozen
from inventory.network import Network
from roles.shared.filtering import Service

Answer = Literal["open", "closed", "not known"]
"""*Not known*: something on the way decides that samdrift does not configure, and nothing that it does forbids it."""


class Hop(Frozen):
    """A host on the way, or what lies between two of them, and what becomes of the packet there.

    Attributes:
        host: its name; empty where nobody here knows what lies there.
        does: what the host does with the packet if it is open there.
        rules: those that decide, in the host's own words.
        why: the roles that want it so, or why it is not known.
        by: the interfaces that the packet comes and leaves by, as far as they are known.
    """

    host: str
    does: Literal["lets in", "lets through", "lies between"]
    answer: Answer
    rules: tuple[str, ...] = ()
    why: str = ""
    by: tuple[str, str] = ("", "")


class Trace(Frozen):
    """The way of a packet, up to where it is dropped.

    Attributes:
        asked: the sources that were asked about, of one prefix.
        reaching: those of them that get to the end.
        alike: ways by which hosts stand in for each other, with the same answer; `instead` those with another.
    """

    host: str = Field(description="of the destination; empty if no host of the inventory has it")
    source: str = Field(description="what the sources are called: a host, a prefix' description, the internet")
    source_host: str = ""
    asked: tuple[Network, ...]
    reaching: tuple[Network, ...]
    destination: Network
    service: Service
    answer: Answer
    hops: tuple[Hop, ...]
    alike: tuple[tuple[str, ...], ...] = ()
    instead: tuple[Trace, ...] = ()

    @property
    def decided_by(self) -> Hop:
        """Return the hop that the answer is of: of what is not known the first, else the last."""
        unknown = (h for h in self.hops if h.answer == self.answer == "not known")
        return next(unknown, self.hops[-1])

    @property
    def path(self) -> tuple[str, ...]:
        """Return the names of the hosts on the way; a question mark for what lies between."""
        return tuple(h.host or "?" for h in self.hops)


class Unjudged(Frozen):
    """A host of which nobody here knows what it lets in, but for the services `besides`."""

    host: str
    besides: tuple[Service, ...] = ()
    why: str
