"""Where a host's log goes, and what it keeps while nobody receives it."""

from __future__ import annotations

import json

import pytest

from inventory.fleet import Fleet
from roles.log_client import SEND, Options, settings
from roles.shared.parts.templates import render
from roles.shared.settings import SettingsError


def rendered(fleet: Fleet, **said: object) -> str:
    options = Options.model_validate_json(json.dumps(said), strict=True)
    return render("log_client/send.conf.j2", settings=settings(fleet.host("alv-gw1"), fleet, options))


def test_every_log_server_has_a_queue_of_its_own_that_grows_onto_disk(small_fleet: Fleet) -> None:
    second = small_fleet.host("tie-cache1").model_copy(
        update={"context": {"samdrift": {"roles": {"log_server": True}}}}
    )
    hosts = (*(h for h in small_fleet.hosts if h.name != second.name), second)
    text = rendered(small_fleet.model_copy(update={"hosts": hosts}), max_disk_mib=64)
    for name, address in (("to_10_60_10_13", "10.60.10.13"), ("to_10_60_10_15", "10.60.10.15")):
        assert f'name="{name}" type="omrelp" target="{address}" port="2514"' in text
        assert f'queue.filename="{name}"' in text
    assert text.count('queue.maxDiskSpace="64m" queue.saveOnShutdown="on"') == 2
    assert text.count('action.resumeRetryCount="-1"') == 2


def test_of_what_others_put_into_rsyslogs_directory_nothing_is_read() -> None:
    lines = render("log_client/rsyslog.conf.j2").splitlines()
    assert [line for line in lines if "include" in line.lower() and not line.startswith("#")] == [
        f'include(file="{SEND}" mode="required")'
    ]


def test_a_fleet_without_a_log_server_is_an_error(small_fleet: Fleet) -> None:
    hosts = tuple(h for h in small_fleet.hosts if h.name != "tie-log1")
    with pytest.raises(SettingsError, match="no log server"):
        rendered(small_fleet.model_copy(update={"hosts": hosts}))


def test_a_log_server_is_no_log_client(small_fleet: Fleet) -> None:
    with pytest.raises(SettingsError, match="logs for itself"):
        settings(small_fleet.host("tie-log1"), small_fleet, Options())
