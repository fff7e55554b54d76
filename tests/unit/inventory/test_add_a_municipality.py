"""docs/add-a-municipality.md does what it says: a municipality is data, and no code at all."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from inventory.fleet import Fleet
from inventory.order import in_order
from inventory.paths import CODE
from inventory.rules import problems
from inventory.snapshot import load
from roles.shared.intent import Intent

PAGE = CODE / "docs" / "add-a-municipality.md"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGwvWkLtwvfpPBKb0TbSOPsW4Jr20flw+H3DAZr2dxxK"


@pytest.fixture(scope="module")
def six() -> Fleet:
    """The shipped fleet, and what the page adds to it."""
    fleet = load().model_dump(mode="json")
    for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL):
        added: dict[str, list[dict[str, Any]]] = yaml.safe_load(block)
        for section, items in added.items():
            fleet[section] += items
    new = fleet["hosts"][-1]
    heby = next(h for h in fleet["hosts"] if h["name"] == "heb-gw1")
    fleet["hosts"][-1] = new | {"host_keys": [HOST_KEY], "context": heby["context"]}
    return in_order(Fleet.model_validate(fleet))


def test_the_fleet_with_the_new_municipality_is_sound_and_every_role_accepts_it(six: Fleet) -> None:
    assert problems(six) == ()
    assert [str(p) for h in six.hosts for p in Intent(six).problems(h)] == []


def test_the_others_know_the_new_municipality(six: Fleet) -> None:
    for host, role in (("tie-gw1", "edge_gateway"), ("tie-dns1", "dns_resolver"), ("tie-log1", "log_server")):
        settings = Intent(six).of(six.host(host), role)
        assert re.search(r"enk-gw1|enkoping", repr(settings)), host
