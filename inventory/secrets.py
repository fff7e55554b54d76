"""Secrets as everybody but a host may know them: by name. Values are in a vault (`deploy/vault/interface.py`), never
here.

A role's settings hold a `Secret` where a password would stand. Whatever it is printed in (a template, a plan, JSON,
an exception) says `‹secret:name›`, or `‹secret:municipality/name›`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from types import NoneType

from pydantic import BaseModel, Field, model_serializer

from inventory.frozen import Frozen

NAME = r"[a-z][a-z0-9_]{0,62}"
SLUG = r"[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?"
"""A municipality becomes the name of a file."""

PLACEHOLDER = re.compile(rf"‹secret:((?:{SLUG}/)?{NAME})›")
"""What stands for a secret in a text."""

MARK = "‹"
"""What every placeholder begins with. No text of a fleet may hold it (rule `secret-mark`): not even in two halves
could it make one."""


class Secret(Frozen):
    """A reference to a secret: its name, and the municipality whose file holds its value.

    A role that needs secrets of one name of several municipalities has them say whose they are (`says_whose`). One that
    `stays` is used where samdrift runs, and never given to a host.
    """

    name: str = Field(pattern=rf"^{NAME}$")
    municipality: str = Field(pattern=rf"^{SLUG}$")
    says_whose: bool = False
    stays: bool = False

    @property
    def known_as(self) -> str:
        """Return its name among the secrets of a role."""
        return f"{self.municipality}/{self.name}" if self.says_whose else self.name

    @property
    def as_kept(self) -> Secret:
        """Return it as vaults know it, however a role tells it apart."""
        told_apart = self.says_whose or self.stays
        return Secret(name=self.name, municipality=self.municipality) if told_apart else self

    @property
    def placeholder(self) -> str:
        """Return `‹secret:name›`, which stands for the secret wherever people or programs read."""
        return f"{MARK}secret:{self.known_as}›"

    def __str__(self) -> str:
        return self.placeholder

    def __repr__(self) -> str:
        return self.placeholder

    def __format__(self, spec: str) -> str:
        return format(self.placeholder, spec)

    @model_serializer
    def _as_text(self) -> str:
        return self.placeholder


PLAIN = (str, int, NoneType)
"""What has no secret in it."""


def secrets_in(value: object) -> Iterator[Secret]:
    """Yield every secret that a value (a role's settings, say) refers to, at any depth, as often as it does."""
    if isinstance(value, Secret):
        yield value
        return
    for part in _parts(value):
        if not isinstance(part, PLAIN):
            yield from secrets_in(part)


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return chain(value, value.values())
    if isinstance(value, tuple | list | set | frozenset):
        return value
    if isinstance(value, BaseModel):
        return (getattr(value, name) for name in type(value).model_fields)
    return ()
