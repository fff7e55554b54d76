"""A municipality is taken out of a fleet whole: nothing of it stays, nothing of the others' goes, both are sound."""

from __future__ import annotations

import pytest

from inventory.errors import UsageError
from inventory.fleet import Fleet
from inventory.leaving import parted
from inventory.rules import problems
from inventory.snapshot import load
from roles.shared.intent import Intent

FLEET = load()


@pytest.mark.long
@pytest.mark.parametrize("slug", [t.slug for t in FLEET.tenants if t.slug != "tierp"])
def test_both_parts_are_sound_and_are_the_whole_together(slug: str) -> None:
    found = parted(FLEET, slug)
    assert problems(found.rest) == problems(found.own) == ()
    assert [str(p) for h in found.rest.hosts for p in Intent(found.rest).problems(h)] == []
    for section in ("hosts", "sites", "vlans", "cables", "ranges", "tenants"):
        rest, own = (set(map(str, getattr(part, section))) for part in found)
        assert rest | own == set(map(str, getattr(FLEET, section))), section
        assert not rest & own, section
    assert {h.tenant for h in found.own.hosts} == {slug}
    assert slug not in {h.tenant for h in found.rest.hosts}


def test_a_config_context_of_its_own_goes_and_never_becomes_everybody_s() -> None:
    """One that was assigned to its site alone would be assigned to all without it."""
    rest = parted(FLEET, "heby").rest
    assert "print-heby" in {c.name for c in FLEET.config_contexts}
    assert "print-heby" not in {c.name for c in rest.config_contexts}
    for context in rest.config_contexts:
        before = next(c for c in FLEET.config_contexts if c.name == context.name)
        assert bool(context.sites) == bool(before.sites)
        assert "heby-kommunhus" not in context.sites


def test_hosts_of_others_at_its_sites_are_not_taken_along() -> None:
    host = FLEET.host("tie-web1").model_copy(update={"site": "heby-kommunhus"})
    fleet: Fleet = FLEET.model_copy(update={"hosts": tuple(host if h.name == host.name else h for h in FLEET.hosts)})
    with pytest.raises(UsageError, match="tie-web1"):
        parted(fleet, "heby")


def test_nobody_leaves_who_is_not_there() -> None:
    with pytest.raises(UsageError, match="no municipality 'hebby'"):
        parted(FLEET, "hebby")
