"""The two halves of a role's settings: Options, which a person sets in NetBox, and Settings, computed from them.

`Options` is what the config context may say under `samdrift.<role>`; an unknown key or a wrong type is an
error there. `Settings` is what the role needs to know about one host: frozen, computed by the role's pure
`settings(host, fleet, options)`, and all that its `deploy` ever sees.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """What a config context may set for a role. A role without options uses this class as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Settings(BaseModel):
    """The settings of a role for one host."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SettingsError(Exception):
    """The fleet lacks what a role needs; `field` names the NetBox field to mend, relative to the host."""

    def __init__(self, what: str, *, field: str, fix: str = "") -> None:
        super().__init__(what)
        self.what, self.field, self.fix = what, field, fix
