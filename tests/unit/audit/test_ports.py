"""Only what answered counts as open, and only for whom it was opened."""

from __future__ import annotations

from ipaddress import ip_address

from inventory.snapshot import load
from roles.shared.intent import Intent
from tests.audit.exposure import exposures, too_exposed
from tests.audit.ports import declared, listening, open_ports, undeclared
from tests.audit.tls import failures

SCAN = """\
<nmaprun><host><ports>
<port protocol="tcp" portid="22"><state state="open"/></port>
<port protocol="tcp" portid="25"><state state="filtered"/></port>
<port protocol="udp" portid="53"><state state="open|filtered"/></port>
<port protocol="udp" portid="123"><state state="open"/></port>
</ports></host></nmaprun>
"""


def test_a_port_of_which_nothing_was_heard_is_not_open() -> None:
    assert list(open_ports(SCAN)) == [("tcp", 22), ("udp", 123)]


def test_a_port_is_declared_for_those_alone_to_whom_a_role_opens_it() -> None:
    intent = Intent(load())
    host = intent.fleet.host("tie-dns1")
    station = next(n for n in intent.required(host, "base").management if n.version == 4)  # type: ignore[attr-defined]

    assert ("tcp", 22) in declared(host, intent, station.network_address)
    assert declared(host, intent, ip_address("192.0.2.1")) == set()
    assert undeclared(SCAN, host, intent, "192.0.2.1") == ("tcp/22", "udp/123")


def test_what_listens_for_the_host_itself_is_not_asked() -> None:
    said = """\
LISTEN 0 128 192.0.2.7:22 0.0.0.0:*
LISTEN 0 128 127.0.0.1:5432 0.0.0.0:*
LISTEN 0 128 127.0.0.53%lo:53 0.0.0.0:*
LISTEN 0 128 [::]:443 [::]:*
LISTEN 0 128 [::1]:25 [::]:*
"""
    assert list(listening(said)) == [("192.0.2.7", 22), ("::", 443)]


def test_services_of_ours_are_those_that_run_or_that_samdrift_wrote() -> None:
    said = """\
[{"unit":"frr.service","exposure":"9.8"},{"unit":"ssh.service","exposure":"9.6"},
 {"unit":"systemd-logind.service","exposure":"2.8"},{"unit":"guard.service","exposure":"1.2"},
 {"unit":"idle.service","exposure":"9.9"},{"unit":"emergency.service","exposure":null}]

frr.service
guard.service
ssh.service
systemd-logind.service
"""
    assert exposures(said) == {"frr.service": 9.8, "guard.service": 1.2}
    assert too_exposed(exposures(said)) == {"frr.service": 9.8}


def test_old_protocols_and_weak_ciphers_are_failures_and_a_port_without_tls_has_none() -> None:
    said = """\
<document><ssltest>
<protocol type="ssl" version="3" enabled="0"/><protocol type="tls" version="1.1" enabled="1"/>
<protocol type="tls" version="1.3" enabled="1"/>
<cipher status="accepted" bits="112" cipher="DES-CBC3-SHA" strength="medium"/>
<cipher status="accepted" bits="256" cipher="TLS_AES_256_GCM_SHA384" strength="strong"/>
</ssltest></document>
"""
    assert list(failures(said)) == ["TLS 1.1 is spoken", "cipher DES-CBC3-SHA is offered"]
    assert list(failures("<document></document>")) == []
