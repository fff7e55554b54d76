"""Who asks whom for the time, found in the fleet."""

from __future__ import annotations

import json
from ipaddress import IPv4Network
from typing import Any

import pytest
from pydantic import ValidationError

from inventory.fleet import Fleet
from roles.shared.parts.templates import render
from roles.shared.settings import SettingsError
from roles.shared.traffic import fleet_networks
from roles.time import Options, Settings, listens, settings
from tests.unit.roles.judging import judged, needs

SERVER: dict[str, Any] = {
    "server": True,
    "upstreams": [{"name": "sth1.ntp.se"}, {"name": "sth1.nts.netnod.se", "nts": True}],
}


@pytest.fixture
def fleet(small_fleet: Fleet) -> Fleet:
    """Two time servers, everybody else their client."""
    hosts = []
    for host in small_fleet.hosts:
        said = SERVER if host.name.startswith("tie-dns") else {}
        hosts.append(host.model_copy(update={"context": {"samdrift": {"roles": {"time": True}, "time": said}}}))
    return small_fleet.model_copy(update={"hosts": tuple(hosts)})


def computed(fleet: Fleet, name: str, **more: object) -> Settings:
    said = {**fleet.host(name).samdrift["time"], **more}
    return settings(fleet.host(name), fleet, Options.model_validate_json(json.dumps(said), strict=True))


def conf(found: Settings) -> list[str]:
    return render("time/chrony.conf.j2", settings=found).splitlines()


def test_a_client_asks_the_fleets_two_servers_and_nobody_else(fleet: Fleet) -> None:
    lines = conf(computed(fleet, "alv-gw1"))
    assert [line.split()[1] for line in lines if line.startswith(("server", "pool", "peer"))] == [
        "10.60.10.11",
        "10.60.10.12",
    ]
    assert "port 0" in lines
    assert not [line for line in lines if line.startswith(("allow", "local"))]


def test_a_server_asks_its_upstreams_and_the_other_server(fleet: Fleet) -> None:
    lines = conf(computed(fleet, "tie-dns1"))
    asked = [line for line in lines if line.startswith("server")]
    assert asked == [
        "server sth1.ntp.se iburst",
        "server sth1.nts.netnod.se iburst nts",
        "server 10.60.10.12 iburst minpoll 4 maxpoll 6",
    ]
    assert "local stratum 10 orphan" in lines
    assert {line.split()[1] for line in lines if line.startswith("allow")} == {str(n) for n in fleet_networks(fleet)}


def test_only_servers_are_let_through_the_firewall(fleet: Fleet) -> None:
    (ntp,) = listens(computed(fleet, "tie-dns1"))
    assert (ntp.protocol, ntp.port) == ("udp", 123)
    assert IPv4Network("10.61.1.0/24") in ntp.sources
    assert listens(computed(fleet, "alv-gw1")) == ()


def test_a_fleet_without_time_servers_is_refused(small_fleet: Fleet) -> None:
    with pytest.raises(SettingsError, match="no host of the fleet is a time server"):
        settings(small_fleet.host("alv-gw1"), small_fleet, Options())


def test_a_server_without_upstreams_is_refused(fleet: Fleet) -> None:
    with pytest.raises(SettingsError, match="without upstreams"):
        computed(fleet, "tie-dns1", upstreams=[])


@pytest.mark.parametrize(
    "said", [{"upstreams": [{"name": "a b"}]}, {"upstreams": ["sth1.ntp.se"]}, {"server": "yes"}, {"stratum": 1}]
)
def test_options_that_chrony_could_misread_are_refused(said: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate_json(json.dumps(said), strict=True)


def test_a_clock_that_is_not_ours_is_left_alone(fleet: Fleet) -> None:
    ours, not_ours = computed(fleet, "alv-gw1"), computed(fleet, "alv-gw1", control_clock=False)
    assert "rtcsync" in conf(ours)
    assert "rtcsync" not in conf(not_ours)
    assert 'DAEMON_OPTS="-F 1"' in render("time/default.j2", settings=ours)
    assert 'DAEMON_OPTS="-F 1 -x"' in render("time/default.j2", settings=not_ours)


@needs("chronyd")
@pytest.mark.parametrize("host", ["tie-dns1", "alv-gw1"])
def test_chronyd_accepts_it(fleet: Fleet, host: str) -> None:
    text = render("time/chrony.conf.j2", settings=computed(fleet, host))
    answer = judged("chronyd -p -f {path}", "/etc/chrony/chrony.conf", text)
    assert answer.code == 0, answer.output
