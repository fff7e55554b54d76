"""Nothing that a person can write into NetBox becomes more than text in the files and settings of any host."""

from __future__ import annotations

from hypothesis import HealthCheck, event, given, settings

from deploy.planner import declared_files
from inventory import rules
from inventory.fleet import Fleet
from inventory.netbox.assemble import assembled
from inventory.netbox.rows import Rows
from roles.shared.catalogue import problems_of
from tests.unit.hostile import PRODUCT, hostile_rows

ALONE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def sound(rows: Rows) -> Fleet | None:
    """The fleet, if it is sound; what is said of one that is not can be shown on a terminal."""
    made = assembled(rows)
    problems = [*made.problems, *rules.problems(made.fleet, unread=made.unread)]
    problems = problems or [p for host in made.fleet.hosts for p in problems_of(host, made.fleet)]
    assert all(str(p).isprintable() for p in problems)
    return None if problems else made.fleet


@settings(ALONE, max_examples=30)
@given(hostile_rows())
def test_hostile_text_in_netbox_is_text_in_every_file_or_refused(rows: Rows) -> None:
    fleet = sound(rows)
    event("refused" if fleet is None else "sound")
    if fleet is None:
        return
    for name in ("heb-gw1", "tie-dns1", "tie-mon1"):
        host = fleet.host(name)
        for file in declared_files(host, fleet):
            assert "harm" not in file.path
            assert PRODUCT[1] not in file.content
            assert file.content.replace("\n", "").replace("\t", "").isprintable()
