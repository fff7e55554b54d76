"""What the inventory has wrong or two fleets say differently, as findings."""

from __future__ import annotations

from deploy.model.findings import Exit, exit_code
from deploy.model.inventory_findings import findings_of
from inventory.difference import difference
from tests.unit.inventory import fleets


def test_every_difference_is_a_finding_so_that_the_exit_code_says_two() -> None:
    before, after = fleets.with_hosts(fleets.GATEWAY), fleets.with_hosts(fleets.SERVER)
    found = findings_of(difference(before, after), before, after)

    assert exit_code(found) == Exit.DIFFERENCES
    assert exit_code(findings_of(difference(before, before), before, before)) == Exit.OK
    assert [(f.host, f.municipality) for f in found if f.host] == [("heb-gw1", "heby"), ("tie-dns1", "tierp")]
