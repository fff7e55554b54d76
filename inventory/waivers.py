"""Accepted differences: `waivers.yaml` beside the snapshot, if there is one. Without it, none is accepted.

    heby-motd:                          # what the waiver is called
      hosts: heby and role=base         # as in --limit
      role: base
      step: file /etc/motd              # or check: its name; or unmanaged: a path; or a line or thing, * is any letters
      seen: [5f2c81a09b3e4d17]          # what was accepted: `samdrift waivers propose` tells it
      owner: anna-lind                  # who answers for it, by the name of inventory/people.yaml
      reason: Text about the move, until everybody has moved
      until: '2027-01-15'               # the last day, UTC

Not here: what a waiver means for what was found (`deploy.model.waivers`).
"""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from inventory.errors import InventoryError
from inventory.frozen import Frozen
from inventory.yaml_file import opened
from inventory.yaml_source import Document, schema_problem

FILE = "waivers.yaml"
"""Its name, beside the snapshot's directory."""

FILE_NAMED = re.compile(r"/|[a-z-]+ /(?! )[^*]*$")
"""A path, or a thing that is one: `package-file /usr/bin/x`. With a star, a thing is accepted whatever it holds."""

About = Literal["step", "unmanaged", "check"]

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Line = Annotated[Words, StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]


class Terms(Frozen):
    """How an organisation accepts differences: for so many `days` at most, and then somebody decides anew."""

    days: int = Field(default=0, ge=0, description="0: for as long as it says")


class Waiver(Frozen):
    """An accepted difference: what is left as it is, on which hosts, who answers for it, why, and until when.

    It is about just one of: a `step` of a role, an `unmanaged` file, line or thing (its kind and name: `package htop`),
    a state `check`. `seen` are the digests of the differences that were accepted; of an unmanaged line, a thing or a
    check, empty if any is. A file that is named may let people in, and so is accepted with its content alone.
    """

    name: str
    hosts: Line
    role: Line
    step: Line | None = None
    unmanaged: Line | None = None
    check: Line | None = None
    seen: tuple[Annotated[str, StringConstraints(pattern="^[0-9a-f]{16}$")], ...] = ()
    owner: Line
    reason: Annotated[Line, StringConstraints(min_length=10)] = Field(description="why it is accepted, in a sentence")
    until: date

    @property
    def about(self) -> About:
        """Return which sort of difference it accepts."""
        return "step" if self.step is not None else "check" if self.check is not None else "unmanaged"

    @property
    def what(self) -> str:
        """Return the step, file, line or check that it accepts."""
        return self.step or self.check or self.unmanaged or ""

    @model_validator(mode="after")
    def _is_about_one_thing(self) -> Self:
        if sum(what is not None for what in (self.step, self.unmanaged, self.check)) != 1:
            raise ValueError("say one of step, unmanaged and check")
        if (self.step is not None or FILE_NAMED.match(self.unmanaged or "")) and not self.seen:
            raise ValueError(f"{self.about}: seen is missing; samdrift waivers propose tells it")
        return self


def read(file: Path) -> tuple[Waiver, ...]:
    """Read waivers; none, if there is no such file.

    Raises:
        InventoryError: with everything that is wrong in the file. Of a file that cannot be read whole nothing holds:
            what it accepts must not be overwritten.
    """
    if not file.exists():
        return ()
    document = opened(file, "waivers")
    if document.readable and not isinstance(document.data, dict) and () not in document.spoiled:
        document.wrong(1, "must be a mapping of waivers by name", rule="waivers", fix="{} accepts nothing")
    data = document.data if isinstance(document.data, dict) else {}
    found = [_waiver(document, key, value) for key, value in data.items() if (key,) not in document.spoiled]
    if document.problems:
        raise InventoryError(tuple(document.problems))
    return tuple(waiver for waiver in found if waiver is not None)


def _waiver(document: Document, name: str, value: object) -> Waiver | None:
    if not isinstance(value, dict):
        document.wrong(document.lines[name,], f"{name} must be a mapping", rule="waivers")
        return None
    try:
        return Waiver.model_validate_json(json.dumps({**value, "name": name}), strict=True)
    except ValidationError as e:
        for error in e.errors():
            where = f"{document.name}:{document.line_of((name, *error['loc']))}"
            document.problems.append(schema_problem(error, where, rule="waivers"))
        return None
