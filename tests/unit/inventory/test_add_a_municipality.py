"""docs/add-a-municipality.md does what it says: a municipality is data, and no code at all."""

from __future__ import annotations

import re

import pytest

from inventory.fleet import Fleet
from inventory.rules import problems
from roles.shared.intent import Intent
from tests.unit.inventory.sixth import with_a_sixth


@pytest.fixture(scope="module")
def six() -> Fleet:
    """The shipped fleet, and what the page adds to it."""
    return with_a_sixth()


@pytest.mark.long
def test_the_fleet_with_the_new_municipality_is_sound_and_every_role_accepts_it(six: Fleet) -> None:
    assert problems(six) == ()
    assert [str(p) for h in six.hosts for p in Intent(six).problems(h)] == []


def test_the_others_know_the_new_municipality(six: Fleet) -> None:
    for host, role in (("tie-gw1", "edge_gateway"), ("tie-dns1", "dns_resolver"), ("tie-log1", "log_server")):
        settings = Intent(six).of(six.host(host), role)
        assert re.search(r"enk-gw1|enkoping", repr(settings)), host
