"""What a run did, told to a real NetBox; and a NetBox that cannot be told is a warning, no more."""

from __future__ import annotations

import json
import subprocess

import pytest

from deploy.model.record import HostResult
from deploy.source.netbox import WRITE_BACK
from deploy.source.write_back import write_back
from inventory.netbox.client import NetBox
from inventory.netbox.pull import pull
from inventory.netbox.session import Row
from tests.integration.lab import NETBOX, NetBoxServer, by_hand, given_netbox, program, samdrift
from tests.integration.netbox import seeded
from tests.unit.deploy.source.test_write_back import a_record
from tests.unit.inventory.fleets import GATEWAY, SERVER, fleet, interfaces, key

pytestmark = [pytest.mark.lab, pytest.mark.netbox, pytest.mark.long, pytest.mark.usefixtures("at_work")]

CHANGED = HostResult(host="heb-gw1", municipality="heby", outcome="changed", changed=("base: file /etc/motd",))
RESOLVER = "tie-dns1"
UNTOUCHED = HostResult(host=RESOLVER, municipality="tierp", outcome="in sync")
ITSELF = SERVER | {
    "name": NETBOX,
    "interfaces": interfaces("10.60.10.16/24"),
    "primary_address": "10.60.10.16",
    "host_keys": [key(16)],
}
"""NetBox's own host: no other lane of `make test` changes it."""


@pytest.fixture
def small(netbox: NetBoxServer) -> NetBox:
    """A NetBox that has the small sound fleet, and its own host."""
    if not given_netbox():
        netbox.empty()
    made = NetBox(netbox.url, netbox.token, ca=netbox.ca)
    seeded(made, fleet(hosts=[GATEWAY, SERVER, ITSELF]))
    return made


VMS = "virtualization/virtual-machines"


def row_of(netbox: NetBox, endpoint: str, name: str) -> Row:
    (row,) = (r for r in netbox.rows(endpoint, fields=("id", "name", "custom_fields")) if r["name"] == name)
    return row


def journal(netbox: NetBox) -> list[Row]:
    return list(netbox.rows("extras/journal-entries"))


def test_fields_and_journal_say_what_was_done_and_no_pull_sees_a_change(small: NetBox) -> None:
    before = pull(small)
    assert write_back(small, a_record(CHANGED, UNTOUCHED)) == ()

    device, vm = row_of(small, "dcim/devices", "heb-gw1"), row_of(small, VMS, RESOLVER)
    entry = journal(small)[-1]
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


def test_apply_and_drift_tell_netbox_of_a_real_host_and_end_as_well_when_it_is_away(
    small: NetBox, lab_netbox: NetBoxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WRITE_BACK.variable, lab_netbox.writing_back)
    to_netbox = ("--lab", "--limit", NETBOX, "--netbox-url", lab_netbox.url, "--netbox-ca", str(lab_netbox.ca))

    by_hand(NETBOX, "rm /etc/motd")
    applied = samdrift(*to_netbox, "apply", "--yes", "--write-back")
    told, (entry,) = row_of(small, VMS, NETBOX)["custom_fields"], journal(small)
    assert told["samdrift_state"] == "changed"
    assert told["samdrift_plan"] == applied["plan_digest"]
    assert told["samdrift_applied_by"] == applied["who"]
    assert "/etc/motd" in entry["comments"]
    assert applied["id"] in entry["comments"]

    argv = [program(), "--json", *to_netbox, "drift", "--write-back"]
    (drifted,) = json.loads(subprocess.run(argv, capture_output=True, check=False).stdout)["hosts"]
    told = row_of(small, VMS, NETBOX)["custom_fields"]
    assert (told["samdrift_state"], told["samdrift_plan"]) == (drifted["outcome"], applied["plan_digest"])
    assert drifted["outcome"] in {"in sync", "failed"}  # a check of NetBox's own fails now and then on a busy machine
    assert len(journal(small)) == 1

    by_hand(NETBOX, "rm /etc/motd")
    away = ("--lab", "--limit", NETBOX, "--netbox-url", "http://127.0.0.1:9", "apply", "--yes", "--write-back")
    done = subprocess.run([program(), *away], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "warning: NetBox was not told" in done.stderr
