"""What the cache fetches, for whom, and that it is never an open proxy."""

from __future__ import annotations

import json
from ipaddress import IPv4Address

import pytest
from pydantic import ValidationError

from inventory.fleet import Fleet
from roles.package_cache import Options, Settings, in_lab, listens, settings
from roles.shared.parts.templates import render
from roles.shared.rehearsal import Rehearsal
from roles.shared.settings import SettingsError
from roles.shared.traffic import fleet_networks


def cache(fleet: Fleet, **said: object) -> Settings:
    options = Options.model_validate_json(
        json.dumps({"archives": ["http://mirror.example/debian"], **said}), strict=True
    )
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
    assert {"ForceManaged: 1", "RedirMax: 0", f"Remap-mirror.example/debian: {archive} ; {archive}"} <= set(lines)


def test_without_an_archive_it_would_be_an_open_proxy_and_is_refused(small_fleet: Fleet) -> None:
    with pytest.raises(SettingsError, match="no archive is named"):
        settings(small_fleet.host("tie-cache1"), small_fleet, Options())


def test_in_a_lab_it_fetches_from_what_the_hosts_of_that_install_from() -> None:
    archives = ("http://mirror.example/debian/", "https://mirror.example/debian-security")
    lab = Rehearsal(automation_key="", look_key="", nameserver=IPv4Address("192.0.2.1"), archives=archives)
    assert in_lab({}, lab) == {"archives": ["http://mirror.example/debian"]}


@pytest.mark.parametrize("archive", ["mirror.example", "http://a b", "http://a\nPassThroughPattern: .*", "file:///etc"])
def test_an_archive_that_is_no_plain_url_is_refused(small_fleet: Fleet, archive: str) -> None:
    with pytest.raises(ValidationError):
        cache(small_fleet, archives=[archive])
