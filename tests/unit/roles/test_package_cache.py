"""What the cache fetches, for whom, and that it is never an open proxy."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from inventory.fleet import Fleet
from roles.package_cache import Options, Settings, listens, settings
from roles.shared.parts.templates import render
from roles.shared.traffic import fleet_networks


def cache(fleet: Fleet, **said: object) -> Settings:
    options = Options.model_validate_json(json.dumps(said), strict=True)
    return settings(fleet.host("tie-cache1"), fleet, options)


def rendered(found: Settings) -> list[str]:
    return render("package_cache/acng.conf.j2", settings=found).splitlines()


def test_only_the_fleet_reaches_it(small_fleet: Fleet) -> None:
    (proxy,) = listens(cache(small_fleet))
    assert (proxy.protocol, proxy.port, proxy.sources) == ("tcp", 3142, fleet_networks(small_fleet))


def test_nothing_is_tunnelled_and_no_page_is_shown(small_fleet: Fleet) -> None:
    lines = rendered(cache(small_fleet))
    assert {"PassThroughPattern: ^nowhere$", "AllowUserPorts: 80", "ReportPage:"} <= set(lines)


def test_named_archives_are_the_only_ones(small_fleet: Fleet) -> None:
    archive = "http://mirror.example/debian"
    lines = rendered(cache(small_fleet, archives=[archive]))
    assert {"ForceManaged: 1", "RedirMax: 0", f"Remap-archive1: {archive} ; {archive}"} <= set(lines)
    assert "ForceManaged: 0" in rendered(cache(small_fleet))


@pytest.mark.parametrize("archive", ["mirror.example", "http://a b", "http://a\nPassThroughPattern: .*", "file:///etc"])
def test_an_archive_that_is_no_plain_url_is_refused(small_fleet: Fleet, archive: str) -> None:
    with pytest.raises(ValidationError):
        cache(small_fleet, archives=[archive])
