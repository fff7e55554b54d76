"""What a person can write into NetBox is refused, or is no more than text in the files of hosts."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, event, given, settings

from deploy.check.offline import check_offline
from deploy.engine.declare import declarations
from inventory.netbox.rows import Rows
from inventory.snapshot import load
from roles.shared.intent import Intent
from tests.unit.hostile import PRODUCT, WORST, hostile_rows, sound, write
from tests.unit.inventory.netbox_rows import rows_of

HOSTS = ("heb-gw1", "tie-dns1", "tie-mon1")
DEVICES = ("alv-fw1", "alv-sw1", "heb-sw1", "kni-sw2")
"""One of each vendor."""


@pytest.mark.long
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(hostile_rows())
def test_hostile_text_in_netbox_is_refused_or_neither_names_a_file_nor_is_evaluated_in_one(rows: Rows) -> None:
    fleet = sound(rows)
    event("refused" if fleet is None else "sound")
    if fleet is None:
        return
    intent = Intent(fleet)
    for name in HOSTS:
        for file in declarations(fleet.host(name), intent)[0]:
            assert "harm" not in file.path
            assert PRODUCT[1] not in file.content
            assert file.content.replace("\n", "").replace("\t", "").isprintable()


@pytest.mark.long
def test_the_programs_that_read_a_file_accept_it_with_the_worst_text_that_a_sound_fleet_can_have() -> None:
    rows = rows_of(load())
    write(rows, described=WORST, person=WORST, named=f"& {WORST} <b>")
    fleet = sound(rows)
    assert fleet is not None
    assert check_offline(Intent(fleet), [fleet.host(name) for name in (*HOSTS, *DEVICES)]).findings == ()
