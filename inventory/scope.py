"""Which part of a NetBox is the organisation's: `inventory/scope.yaml`, if there is one. Without it, all of it is.

    tenants: [heby, tierp]        # any of these,
    regions: [norra-uppland]      # and in one of these, or below it
    not:
      tags: [leverantor]          # and none of these

Not here: which hosts are managed and known within it (`parts.py`).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import Field

from inventory.errors import InventoryError, Problem
from inventory.fleet import Fleet
from inventory.frozen import Frozen
from inventory.paths import SCOPE
from inventory.places import shown
from inventory.references import Values
from inventory.rules.rule import most_like
from inventory.yaml_file import document_in, value_of

KINDS = ("tenants", "tenant_groups", "regions", "site_groups", "sites", "tags")
"""What a host can be chosen by; each is a section of the Fleet, and named by slug."""


class Criteria(Frozen):
    """Slugs by kind. What lies in one of the named regions, site groups or tenant groups is meant, too."""

    tenants: tuple[str, ...] = ()
    tenant_groups: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    site_groups: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def named(self, values: Values) -> list[bool]:
        """Return, of each kind that is named at all, whether the host has one of it."""
        return [not values[kind].isdisjoint(slugs) for kind in KINDS if (slugs := getattr(self, kind))]


class Scope(Criteria):
    """The hosts that samdrift may manage: those that have one of every kind that is named, and nothing of `not`."""

    excluded: Criteria = Field(default=Criteria(), alias="not")

    def holds(self, values: Values) -> bool:
        """Tell whether a host that has these is in the scope."""
        return all(self.named(values)) and not any(self.excluded.named(values))

    def require_known(self, fleet: Fleet) -> None:
        """Refuse a scope that names something that is not there: misspelled, it would leave out what it means.

        Raises:
            InventoryError: with everything that is not there.
        """
        problems = []
        for criteria in (self, self.excluded):
            for kind in KINDS:
                known = {item.slug for item in getattr(fleet, kind)}
                for slug in getattr(criteria, kind):
                    if slug not in known:
                        what = f"{kind}: there is no {slug!r}{most_like(slug, known)}"
                        problems.append(Problem("scope", shown(SCOPE), what, "name the slug that NetBox has"))
        if problems:
            raise InventoryError(tuple(problems))


EVERYTHING = Scope()


@cache
def of_the_project() -> Scope:
    """Return the scope of the project's file; everything, if there is none."""
    return read(SCOPE) if SCOPE.exists() else EVERYTHING


def read(file: Path) -> Scope:
    """Read a scope.

    Raises:
        InventoryError: with everything that is wrong in the file.
    """
    return value_of(document_in(file, "scope"), Scope, "scope")
