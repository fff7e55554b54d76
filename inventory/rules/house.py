"""The organisation's file of house rules, `inventory/rules.yaml`: which of them it asks for, and with what parameters.

A rule that the file does not name is not asked. Not here: what the rules find (`house_rules.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from inventory.errors import Problem
from inventory.frozen import Frozen
from inventory.paths import RULES
from inventory.places import shown
from inventory.rules import house_rules
from inventory.rules.gates import Gates
from inventory.rules.rule import HouseRule, P, Rule, most_like
from inventory.waivers import Terms
from inventory.yaml_source import Document, schema_problem

HOUSE_RULES: Mapping[str, HouseRule] = MappingProxyType(
    {rule.id: rule for rule in vars(house_rules).values() if isinstance(rule, HouseRule)}
)
"""Every house rule about a fleet, by its id, in the order in which they are asked."""

PARAMETERS: Mapping[str, type[Frozen]] = MappingProxyType(
    {
        **{name: rule.parameters for name, rule in HOUSE_RULES.items()},
        "role-firewall": house_rules.RoleFirewall,
        "gates": Gates,
        "approvals": house_rules.Approvals,
        "waivers": Terms,
    }
)
"""What a file may ask for: those, what the roles' catalogue asks, what an apply goes by, who must
approve it, and how long differences may be accepted."""


@dataclass(frozen=True)
class House:
    """The house rules of an organisation.

    Attributes:
        asked: parameters of the rules that it asks for, by the rule's id.
        problems: what of its file could not be read.
    """

    asked: Mapping[str, Frozen]
    problems: tuple[Problem, ...] = ()

    def of(self, kind: type[P]) -> P | None:
        """Return the parameters of this kind; None if the rule that has them is not asked for."""
        return next((found for found in self.asked.values() if isinstance(found, kind)), None)

    def rules(self) -> Iterator[Rule]:
        """Yield the rules that are asked for, each with its parameters."""
        for name, rule in HOUSE_RULES.items():
            if name in self.asked:
                yield rule.asked(self.asked[name])


@cache
def of_the_project() -> House:
    """Return the house rules of the file that comes with samdrift; it is read once."""
    return read(RULES)


def read(file: Path) -> House:
    """Read house rules; what is wrong in the file is among them, and the rest of it holds."""
    name = shown(file)
    try:
        document = Document(file.read_text(encoding="utf-8"), name)
    except (OSError, UnicodeDecodeError) as e:
        why = e.strerror if isinstance(e, OSError) else "it is no UTF-8"
        return House({}, (Problem("house-rules", name, f"cannot be read: {why}", "put it back; {} asks for nothing"),))
    if document.readable and not isinstance(document.data, dict) and () not in document.spoiled:
        document.wrong(1, "must be a mapping of rules to their parameters", rule="house-rules")
    asked: dict[str, Frozen] = {}
    for key, value in (document.data if isinstance(document.data, dict) else {}).items():
        if (key,) not in document.spoiled and (parameters := _parameters(document, key, value)):
            asked[key] = parameters
    return House(MappingProxyType(asked), tuple(document.problems))


def _parameters(document: Document, name: str, value: object) -> Frozen | None:
    """Return the parameters of one rule; None if it is not asked for, or badly."""
    line = document.lines[(name,)]
    if name not in PARAMETERS:
        what = f"there is no house rule {name!r}{most_like(name, {*PARAMETERS})}"
        fix = f"known: {', '.join(PARAMETERS)}; every other rule always holds"
        document.wrong(line, what, rule="house-rules", fix=fix)
        return None
    if value is False:
        return None
    if value is not True and not isinstance(value, dict):
        fix = "true asks for it, false does not, a mapping asks for it with parameters"
        document.wrong(line, f"{name} says neither that it is asked for nor how", rule="house-rules", fix=fix)
        return None
    try:
        return PARAMETERS[name].model_validate_json(json.dumps({} if value is True else value), strict=True)
    except ValidationError as e:
        for error in e.errors():
            where = f"{document.name}:{document.line_of((name, *error['loc']))}"
            document.problems.append(schema_problem(error, where, rule="house-rules"))
        return None
