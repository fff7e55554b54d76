"""What a policy is, which there are, and which the organisation asks for (`inventory/policies.yaml`).

The file names each policy that is asked: an id, the `policy` it is, why (`reason`), and its parameters.

    care-behind-the-proxy:
      policy: reached-only-by
      reason: nobody but the proxy reaches the care system
      hosts: {names: [tie-care*]}
      by: [tie-proxy1]
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from inventory import policies
from inventory.errors import InventoryError
from inventory.frozen import Frozen
from inventory.policies.wanted import Wanted
from inventory.rules.rule import most_like
from inventory.yaml_file import opened
from inventory.yaml_source import Document, schema_problem

RULE = "policies"


@dataclass(frozen=True)
class Broken:
    """What breaks a policy: on a host, or in all."""

    what: str
    host: str = ""
    municipality: str = ""


@dataclass(frozen=True)
class Policy:
    """A policy that can be asked: its name, why one may want it, its parameters, and what finds what breaks it."""

    name: str
    why: str
    parameters: type[Frozen]
    broken: Callable[[Wanted, Any], Iterator[Broken]]


@dataclass(frozen=True)
class AskedPolicy:
    """A policy as an organisation asks it: by which id, for which reason, with which parameters."""

    id: str
    reason: str
    policy: Policy
    parameters: Frozen

    def broken(self, wanted: Wanted) -> tuple[Broken, ...]:
        """Return everything that breaks it.

        Raises:
            LookupError: its parameters name what is not there.
        """
        return tuple(self.policy.broken(wanted, self.parameters))


P = TypeVar("P", bound=Frozen)
Finds = Callable[[Wanted, P], Iterator[Broken]]


def policy(name: str, parameters: type[P]) -> Callable[[Finds[P]], Policy]:
    """Make a policy of a function that yields what breaks it; the function's docstring is why."""

    def made(broken: Finds[P]) -> Policy:
        return Policy(name, (broken.__doc__ or "").strip(), parameters, broken)

    return made


@cache
def known_policies() -> Mapping[str, Policy]:
    """Return every policy of the modules of this package, by name."""
    modules = (
        importlib.import_module(f"{policies.__name__}.{m.name}") for m in pkgutil.iter_modules(policies.__path__)
    )
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Policy)]
    return {one.name: one for one in sorted(found, key=lambda one: one.name)}


def read(file: Path) -> tuple[AskedPolicy, ...]:
    """Read which policies are asked; without a file, none.

    Raises:
        InventoryError: with everything that is wrong in the file. A policy that cannot be read must not pass for one
            that holds.
    """
    if not file.is_file():
        return ()
    document = opened(file, RULE)
    if document.readable and not isinstance(document.data, dict):
        document.wrong(1, "must be a mapping of ids to policies", rule=RULE)
    entries = document.data if isinstance(document.data, dict) else {}
    found = tuple(asked for id_, value in entries.items() if (asked := _asked(document, id_, value)) is not None)
    if document.problems:
        raise InventoryError(tuple(document.problems))
    return found


def _asked(document: Document, id_: str, value: object) -> AskedPolicy | None:
    line = document.lines[(id_,)]
    if not isinstance(value, dict) or not isinstance(value.get("policy"), str):
        document.wrong(line, f"{id_} does not say which policy it is", rule=RULE, fix="policy: reached-only-by")
        return None
    known = known_policies()
    if (one := known.get(value["policy"])) is None:
        what = f"there is no policy {value['policy']!r}{most_like(value['policy'], set(known))}"
        document.wrong(line, what, rule=RULE, fix=f"known: {', '.join(known)}")
        return None
    given = {key: v for key, v in value.items() if key not in {"policy", "reason"}}
    try:
        parameters = one.parameters.model_validate_json(json.dumps(given), strict=True)
    except ValidationError as e:
        for error in e.errors():
            where = f"{document.name}:{document.line_of((id_, *error['loc']))}"
            document.problems.append(schema_problem(error, where, rule=RULE))
        return None
    return AskedPolicy(id_, str(value.get("reason") or one.why), one, parameters)
