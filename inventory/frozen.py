"""What every value of the inventory is: immutable, and strict about what it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticSerializationError, to_json


class Frozen(BaseModel):
    """A value of the inventory: immutable, and an unknown key in its source is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy a value with these fields changed, without the original's cached properties."""
        copied = super().model_copy(update=update, deep=deep)
        for name in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[name]
        return copied


def as_json(item: Frozen) -> str:
    """Return a value as JSON; text that is not valid UTF-8 is escaped, as Python writes it."""
    try:
        return item.model_dump_json()
    except PydanticSerializationError:
        return repr(item)


TOGETHER = 50
"""So many values are one text of `in_texts`."""
InTexts = tuple[tuple[Sequence[Frozen], str], ...]


def in_texts(items: Sequence[Frozen]) -> InTexts:
    """Return so many values at a time and their JSON, which is quicker than one by one; as of `as_json`."""
    some = (items[i : i + TOGETHER] for i in range(0, len(items), TOGETHER))
    return tuple((them, _text(them)) for them in some)


def _text(items: Sequence[Frozen]) -> str:
    try:
        return to_json(items).decode()
    except PydanticSerializationError:
        return repr(items)
