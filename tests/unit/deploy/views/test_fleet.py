"""The fleet fits the screen, and leaves no host out."""

from __future__ import annotations

from deploy.views import fleet as fleet_view
from inventory import snapshot
from inventory.fleet import Fleet
from tests.unit.deploy.views.shown import shown
from tests.unit.roles import both_families


def test_the_fleet_fits_a_hundred_columns() -> None:
    fleet = snapshot.load()

    text = shown(*fleet_view.hosts(fleet, fleet.hosts))

    assert max(map(len, text.splitlines())) <= 100
    assert all(host.name in text for host in fleet.hosts)
    assert "Älvkarleby" in text
    assert "Östhammar" in text


def test_a_host_is_shown_with_its_addresses_of_both_families() -> None:
    found = both_families.fleet()

    lines = shown(*fleet_view.hosts(found, found.hosts)).splitlines()

    at = next(number for number, line in enumerate(lines) if "tie-both1" in line)
    assert "10.60.10.19" in lines[at]
    assert "2001:db8:60:10::19" in lines[at + 1]
    assert "2001:db8:60:10::20" in next(line for line in lines if "tie-six1" in line)


def test_a_fleet_without_hosts_is_a_table_without_rows() -> None:
    assert "0 hosts at 0 sites" in shown(*fleet_view.hosts(Fleet(), ()))


def test_no_role_and_no_tag_is_cut_off() -> None:
    fleet = snapshot.load()

    text = shown(*fleet_view.hosts(fleet, fleet.hosts))

    words = set(text.replace(",", " ").replace(".", " ").split())
    assert {role for host in fleet.hosts for role in host.roles} <= words
    assert {tag for host in fleet.hosts for tag in host.tags} <= words
