"""Who samdrift is in NetBox, and what each of them may do there: of every kind of access one user with one token. Pure.

What may be viewed and written is computed from what pull reads (`rows.py`) and seed writes (`write_types.py`), so the
lists can never differ. NetBox's permissions are about objects, not fields: which fields of a host write-back may set,
the role netbox sees to. Not here: how users, permissions and tokens are made (role netbox).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from inventory.netbox.custom_fields import CUSTOM_FIELDS, HOSTS
from inventory.netbox.rows import READ_TYPES
from inventory.netbox.write_types import WRITE_TYPES

Action = Literal["view", "add", "change", "delete"]
Constraints = dict[str, Any] | list[dict[str, Any]] | None
"""Which objects of a type: all if None; of a list, those that any of them means. As NetBox takes it."""

CHANGES, JOURNAL, CHOICE_SETS, FIELDS = (
    "core.objectchange",
    "extras.journalentry",
    "extras.customfieldchoiceset",
    "extras.customfield",
)
INTERFACE_TEMPLATES = "dcim.interfacetemplate"
"""Seed looks whether there are any: NetBox makes interfaces of them."""

ENDPOINTS = {kind.type: kind.endpoint for kind in READ_TYPES} | {
    CHANGES: "core/object-changes",
    JOURNAL: "extras/journal-entries",
    CHOICE_SETS: "extras/custom-field-choice-sets",
    FIELDS: "extras/custom-fields",
    INTERFACE_TEMPLATES: "dcim/interface-templates",
    "ipam.rir": "ipam/rirs",
}
"""Where REST has the objects of each type; what seed writes and pull does not read must be named here."""


@dataclass(frozen=True)
class Permission:
    """One of NetBox's object permissions: these actions on objects of these types, as far as the constraints go."""

    name: str
    actions: tuple[Action, ...]
    types: tuple[str, ...]
    constraints: Constraints = None


@dataclass(frozen=True)
class ApiUser:
    """A user of NetBox's API, and what it may do: nothing else, and never delete.

    Attributes:
        name: the user's name, as the change log shows it.
        key: the part of the token that is no secret, by which NetBox finds it; twelve letters or digits.
        secret: the name of the secret that holds the rest of the token.
    """

    name: str
    key: str
    secret: str
    permissions: tuple[Permission, ...]

    @property
    def token_prefix(self) -> str:
        """Return what stands before the secret in the token that a client sends."""
        return f"nbt_{self.key}."

    @property
    def writes(self) -> bool:
        """Tell whether the token must be enabled to write."""
        return any(action != "view" for p in self.permissions for action in p.actions)

    def may(self, action: Action) -> frozenset[str]:
        """Return the types of which the user may do this with some objects at least."""
        return frozenset(type_ for p in self.permissions if action in p.actions for type_ in p.types)


def _types_of(endpoints: Iterable[str]) -> tuple[str, ...]:
    """Return the types of these endpoints, sorted."""
    types = {endpoint: type_ for type_, endpoint in ENDPOINTS.items()}
    return tuple(sorted({types[endpoint] for endpoint in endpoints}))


_READ = tuple(sorted(kind.type for kind in READ_TYPES))
_LOOKED_AT = _types_of(kind.endpoint for kind in WRITE_TYPES)
_SEEDED = _types_of(kind.endpoint for kind in WRITE_TYPES if not kind.only_read)
_CUSTOM_FIELDS = {
    FIELDS: [f.name for f in CUSTOM_FIELDS],
    CHOICE_SETS: [f.choice_set for f in CUSTOM_FIELDS if f.choices],
}
"""Of the custom fields and choice sets that a NetBox has, seed writes samdrift's own."""

HOLD_SECRETS = ("extras.webhook", "ipam.fhrpgroup", "vpn.ikepolicy", "wireless.wirelesslan", "wireless.wirelesslink")
"""Types with a secret among their fields, which their entries in the change log repeat."""
_WITHOUT_SECRETS = "|".join(sorted(t.partition(".")[2] for t in HOLD_SECRETS if t not in _READ))

READER = ApiUser(
    name="samdrift-read",
    key="samdriftread",
    secret="read_token",  # noqa: S106  its name
    permissions=(
        Permission("samdrift reads: fleet", ("view",), _READ),
        Permission(
            "samdrift reads: changes",
            ("view",),
            (CHANGES,),
            {"changed_object_type__model__regex": f"^(?!({_WITHOUT_SECRETS})$)"},
        ),
    ),
)
WRITER_BACK = ApiUser(
    name="samdrift-write-back",
    key="samdriftback",
    secret="write_back_token",  # noqa: S106  its name
    permissions=(
        Permission("samdrift writes back: hosts", ("view", "change"), HOSTS),
        Permission(
            "samdrift writes back: journal",
            ("add",),
            (JOURNAL,),
            {"created_by": "$user", "assigned_object_type__model__in": [t.partition(".")[2] for t in HOSTS]},
        ),
    ),
)
SEEDER = ApiUser(
    name="samdrift-seed",
    key="samdriftseed",
    secret="seed_token",  # noqa: S106  its name
    permissions=(
        Permission("samdrift seeds: looks", ("view",), tuple(sorted({*_LOOKED_AT, INTERFACE_TEMPLATES}))),
        Permission("samdrift seeds: fleet", ("add", "change"), tuple(t for t in _SEEDED if t not in _CUSTOM_FIELDS)),
        *(
            Permission(f"samdrift seeds: {type_}", ("add", "change"), (type_,), {"name__in": names})
            for type_, names in _CUSTOM_FIELDS.items()
        ),
    ),
)
API_USERS = (READER, WRITER_BACK, SEEDER)
