"""The fleet fits the screen, and leaves no host out."""

from __future__ import annotations

from deploy.views import fleet as fleet_view
from inventory import snapshot
from inventory.fleet import Fleet
from tests.unit.deploy.views.shown import shown


def test_the_fleet_fits_a_hundred_columns() -> None:
    fleet = snapshot.load()

    text = shown(*fleet_view.hosts(fleet, fleet.hosts))

    assert max(map(len, text.splitlines())) <= 100
    assert all(host.name in text for host in fleet.hosts)
    assert "Älvkarleby" in text
    assert "Östhammar" in text


def test_a_fleet_without_hosts_is_a_table_without_rows() -> None:
    assert "0 hosts at 0 sites" in shown(*fleet_view.hosts(Fleet(), ()))


def test_no_role_and_no_tag_is_cut_off() -> None:
    fleet = snapshot.load()

    text = shown(*fleet_view.hosts(fleet, fleet.hosts))

    words = set(text.replace(",", " ").replace(".", " ").split())
    assert {role for host in fleet.hosts for role in host.roles} <= words
    assert {tag for host in fleet.hosts for tag in host.tags} <= words
