"""What a run did, told to a real NetBox; and a NetBox that cannot be told is a warning, no more."""

from __future__ import annotations

import pytest

from deploy.observer import Quiet
from deploy.record import HostResult
from deploy.write_back import write_back
from inventory.netbox import seed
from inventory.netbox.client import NetBox
from inventory.netbox.pull import pull
from tests.integration.lab import NetBoxServer, given_netbox
from tests.unit.deploy.test_write_back import a_record
from tests.unit.inventory.fleets import fleet

pytestmark = pytest.mark.lab

CHANGED = HostResult(host="heb-gw1", municipality="heby", outcome="changed", changed=("base: file /etc/motd",))
UNTOUCHED = HostResult(host="tie-dns1", municipality="tierp", outcome="in sync")


@pytest.fixture
def small(netbox: NetBoxServer) -> NetBox:
    """A NetBox that has the small sound fleet."""
    if not given_netbox():
        netbox.empty()
    made = NetBox(netbox.url, netbox.token, ca=netbox.ca)
    seed.carry_out(made, fleet(), seed.planned(made, fleet()), Quiet())
    return made


def test_fields_and_journal_say_what_was_done_and_no_pull_sees_a_change(small: NetBox) -> None:
    before = pull(small)
    assert write_back(small, a_record(CHANGED, UNTOUCHED)) == ()

    device = next(r for r in small.rows("dcim/devices", fields=("name", "custom_fields")) if r["name"] == "heb-gw1")
    (vm,) = (
        r
        for r in small.rows("virtualization/virtual-machines", fields=("name", "custom_fields"))
        if r["name"] == "tie-dns1"
    )
    entry = list(small.rows("extras/journal-entries"))[-1]
    assert device["custom_fields"]["samdrift_state"] == "changed"
    assert device["custom_fields"]["samdrift_plan"] == "p" * 64
    assert device["custom_fields"]["ssh_host_keys"]  # what else is there stays
    assert vm["custom_fields"]["samdrift_state"] == "in sync"
    assert (entry["assigned_object_id"], entry["kind"]["value"]) == (device["id"], "success")
    assert "base: file /etc/motd" in entry["comments"]
    assert pull(small, before.rows).rows.of == before.rows.of


def test_a_host_that_netbox_does_not_have_and_a_netbox_that_is_away_are_warnings(small: NetBox) -> None:
    (missing,) = write_back(small, a_record(UNTOUCHED.model_copy(update={"host": "heb-gw9"})))
    (away,) = write_back(NetBox("http://127.0.0.1:9", "nbt_a.b", timeout=1), a_record(UNTOUCHED))
    assert missing.endswith("heb-gw9")
    assert "NetBox was not told" in away
