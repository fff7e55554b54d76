"""Whose log goes where: by the sender's address, as the fleet knows it."""

from __future__ import annotations

import json

from inventory.fleet import Fleet
from roles.log_server import Options, Settings, listens, settings
from roles.shared.parts.templates import render


def server(fleet: Fleet, **said: object) -> Settings:
    options = Options.model_validate_json(json.dumps(said), strict=True)
    return settings(fleet.host("tie-log1"), fleet, options)


def rules(found: Settings) -> list[str]:
    lines = render("log_server/rsyslog.conf.j2", settings=found).splitlines()
    return [line.strip() for line in lines if "fromhost-ip ==" in line]


def test_every_address_of_a_host_leads_to_its_file_in_its_municipalitys_directory(small_fleet: Fleet) -> None:
    assert 'if $fromhost-ip == ["10.59.0.61", "10.61.1.1"] then set $.sender = "alvkarleby/alv-gw1";' in rules(
        server(small_fleet)
    )
    assert len(rules(server(small_fleet))) == len(small_fleet.hosts)


def test_every_municipality_with_a_host_has_a_directory(small_fleet: Fleet) -> None:
    assert server(small_fleet).municipalities == ("alvkarleby", "tierp")


def test_no_name_leads_out_of_the_log_directory(small_fleet: Fleet) -> None:
    bad = small_fleet.host("alv-sw1").model_copy(update={"name": "../../etc/cron.d/x"})
    fleet = small_fleet.model_copy(update={"hosts": (bad, small_fleet.host("tie-log1"))})
    assert not any("cron.d" in rule for rule in rules(server(fleet)))


def test_hosts_and_devices_are_let_in_at_their_own_ports(small_fleet: Fleet) -> None:
    relp, syslog = listens(server(small_fleet))
    assert (relp.port, syslog.port) == (2514, 514)
    assert [str(n) for n in syslog.sources] == ["10.61.1.10/32"]
    assert "10.61.1.1/32" in map(str, relp.sources)
    assert "10.61.1.10/32" not in map(str, relp.sources)


def test_without_devices_there_is_no_plain_port(small_fleet: Fleet) -> None:
    hosts = tuple(h for h in small_fleet.hosts if h.platform == "debian-13")
    found = server(small_fleet.model_copy(update={"hosts": hosts}))
    assert [x.port for x in listens(found)] == [2514]
    assert "imtcp" not in render("log_server/rsyslog.conf.j2", settings=found)


def test_logs_are_kept_as_long_as_the_config_context_says(small_fleet: Fleet) -> None:
    assert "rotate 90\n" in render("log_server/logrotate.j2", settings=server(small_fleet, retention_days=90))
