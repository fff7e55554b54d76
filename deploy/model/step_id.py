"""StepId: which step of a host, by role and name. A text in files and messages, two fields in code."""

from __future__ import annotations

from typing import Any, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

SEPARATOR = ": "


class StepId(str):
    """A step's role and name, unique on its host; as text `role: name`.

    It is its text, and no pair that becomes one, because it stands where JSON takes texts alone: as the key of a
    record's steps. No role's name has `: ` in it, so that two ids are equal exactly if role and name are.
    """

    role: str
    name: str

    def __new__(cls, role: str, name: str) -> Self:
        if SEPARATOR in role:
            raise ValueError(f"{role!r} is no name of a role: it has {SEPARATOR!r} in it")
        made = super().__new__(cls, f"{role}{SEPARATOR}{name}")
        made.role, made.name = role, name
        return made

    @classmethod
    def read(cls, text: str) -> Self:
        """Read an id from its text; the only place where one is taken apart.

        Raises:
            ValueError: it names no role.
        """
        role, separator, name = text.partition(SEPARATOR)
        if not separator:
            raise ValueError(f"{text!r} is no step: it should say `role: name`")
        return cls(role, name)

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]  # str's takes the text alone
        return self.role, self.name

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls.read, core_schema.str_schema())
