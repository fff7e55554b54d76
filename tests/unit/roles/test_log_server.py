"""Whose log goes where: by the sender's address, as the fleet knows it."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Interface

import pytest

from inventory.fleet import Fleet, Host, Interface
from inventory.order import in_order
from roles import log_client
from roles.log_server import Options, Settings, in_lab, listens, settings
from roles.shared.parts.templates import render
from roles.shared.rehearsal import Rehearsal
from roles.shared.settings import SettingsError


def server(fleet: Fleet, **said: object) -> Settings:
    options = Options.model_validate_json(json.dumps(said), strict=True)
    return settings(fleet.host("tie-log1"), fleet, options)


def with_hosts(fleet: Fleet, devices: tuple[Host, ...]) -> Fleet:
    """The fleet's servers, and these devices with a command line instead of its own."""
    servers = (h for h in fleet.hosts if h.platform == "debian-13")
    return in_order(fleet.model_copy(update={"hosts": (*servers, *devices)}))


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
    assert (relp.port, syslog.protocol, syslog.port) == (2514, "tcp", 514)
    assert [str(n) for n in syslog.sources] == ["10.61.1.10/32"]
    assert "10.61.1.1/32" in map(str, relp.sources)
    assert "10.61.1.10/32" not in map(str, relp.sources)


def test_datagrams_are_taken_of_devices_that_have_no_tcp_and_from_their_management_address_alone(
    small_fleet: Fleet,
) -> None:
    switch = small_fleet.host("alv-sw1")
    another = Interface(name="lo0", type="virtual", addresses=(IPv4Interface("10.61.255.10/32"),))
    of_junos = switch.model_copy(update={"platform": "junos", "interfaces": (*switch.interfaces, another)})
    found = server(with_hosts(small_fleet, (of_junos,)))
    _, syslog = listens(found)
    assert (syslog.protocol, syslog.port) == ("udp", 514)
    assert [str(n) for n in syslog.sources] == ["10.61.1.10/32"]
    conf = render("log_server/rsyslog.conf.j2", settings=found)
    assert ("imudp" in conf, "imtcp" in conf) == (True, False)


def test_every_managed_device_is_to_be_heard_and_none_in_the_lab(small_fleet: Fleet) -> None:
    unmanaged = small_fleet.host("alv-sw1")
    switch = unmanaged.model_copy(update={"context": {"samdrift": {"roles": {"access_switch": True}}}})
    spare = switch.model_copy(update={"name": "alv-sw9", "status": "planned"})
    fleet = with_hosts(small_fleet, (switch, spare, unmanaged.model_copy(update={"name": "alv-sw8"})))
    assert server(fleet).expected == ("alvkarleby/alv-sw1",)
    lab = Rehearsal(automation_key="ssh-ed25519 AAAA", look_key="ssh-ed25519 AAAB", nameserver=IPv4Address("10.0.0.1"))
    assert server(fleet, **in_lab({}, lab)).expected == ()


def test_without_devices_there_is_no_plain_port(small_fleet: Fleet) -> None:
    found = server(with_hosts(small_fleet, ()))
    conf = render("log_server/rsyslog.conf.j2", settings=found)
    assert [x.port for x in listens(found)] == [2514]
    assert ("imudp" in conf, "imtcp" in conf) == (False, False)


def test_logs_are_kept_as_long_as_the_config_context_says(small_fleet: Fleet) -> None:
    assert "rotate 90\n" in render("log_server/logrotate.j2", settings=server(small_fleet, retention_days=90))


PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def test_with_a_certificate_hosts_send_by_tls_to_the_name_that_an_authority_vouches_for(small_fleet: Fleet) -> None:
    said = {"tls_certificate": PEM, "tls_authority": PEM}
    server = small_fleet.host("tie-log1")
    section = {**server.samdrift, "log_server": said}
    known = server.model_copy(update={"context": {"samdrift": section}})
    fleet = small_fleet.model_copy(update={"hosts": tuple(known if h == server else h for h in small_fleet.hosts)})
    serving = settings(known, fleet, Options.model_validate(said))
    assert {(o.port, o.sources) for o in listens(serving)} >= {(port, serving.clients) for port in (2514, 2515)}
    assert 'tls="on"' in render("log_server/rsyslog.conf.j2", settings=serving)
    sending = log_client.settings(fleet.host("alv-gw1"), fleet, log_client.Options())
    text = render("log_client/send.conf.j2", settings=sending)
    assert 'target="10.60.10.13" port="2515"' in text
    assert 'tls.authMode="name" tls.permittedPeer=["tie-log1"]' in text


@pytest.mark.parametrize("said", [{"tls_certificate": PEM}, {"tls_authority": PEM}])
def test_a_certificate_without_its_authority_is_refused(small_fleet: Fleet, said: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="without its authority"):
        settings(small_fleet.host("tie-log1"), small_fleet, Options.model_validate(said))


def test_without_a_certificate_nothing_is_said_of_tls(small_fleet: Fleet) -> None:
    serving = settings(small_fleet.host("tie-log1"), small_fleet, Options())
    sending = log_client.settings(small_fleet.host("alv-gw1"), small_fleet, log_client.Options())
    assert "tls" not in render("log_server/rsyslog.conf.j2", settings=serving)
    assert "tls" not in render("log_client/send.conf.j2", settings=sending)
