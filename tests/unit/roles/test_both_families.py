"""Hosts that speak IPv4, IPv6 or both: what each is told, what it opens, and that its programs read its files."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address

import pytest

from deploy.check.offline import Offline, check_offline
from deploy.engine.declare import declarations
from deploy.lab.machine import LabError
from deploy.lab.wiring import wiring
from deploy.model.findings import Exit, exit_code
from deploy.model.kinds import Kind
from inventory.fleet import Host
from inventory.groups import groups, known_hosts
from roles import firewall, keepalived
from roles.shared.catalogue import catalogue
from roles.shared.families import families, in_url, own_addresses
from roles.shared.intent import Intent
from tests.unit.roles.both_families import HOSTS, PRINTERS, fleet, gateway

FLEET = fleet()
INTENT = Intent(FLEET)
NAMES = [h.name for h in HOSTS if h.roles]


def files(name: str, intent: Intent = INTENT) -> dict[str, str]:
    host = intent.fleet.host(name)
    assert intent.problems(host) == ()
    return {f.path: f.content for f in declarations(host, intent)[0]}


@pytest.fixture(scope="module")
def checked() -> Offline:
    return check_offline(INTENT, FLEET.hosts)


@pytest.mark.long
def test_every_program_reads_its_files_whatever_families_the_host_speaks(checked: Offline) -> None:
    assert not [f for f in checked.findings if f.kind is not Kind.NOTICE]
    assert {j.outcome for j in checked.judgements} <= {"accepted", "not applicable"}


def test_what_is_not_served_over_ipv6_is_a_notice_that_changes_no_exit_code(checked: Offline) -> None:
    found = {(f.host, f.role): f.summary for f in checked.findings}

    assert exit_code(checked.findings) is Exit.OK
    gateways = {"edge_gateway", "dhcp_server", "wireguard"}
    assert {role for host, role in found if host == "tie-gw1"} == gateways
    assert all("2001:db8:" in found["tie-gw1", role] for role in gateways)
    assert "2001:db8:60:10::/64" in found["tie-gw1", "edge_gateway"]
    assert "tie-four1" in found["tie-mon6", "monitoring"]
    assert "tie-dns6" in found["tie-four1", "base"]
    assert "tie-dns6" in found["tie-four1", "time"]
    assert not [host for host, role in found if host in {"tie-both1", "tie-dns1", "tie-nb1", "tie-log1"}]


def test_a_host_with_ipv4_alone_has_the_files_that_it_would_have_in_a_fleet_without_ipv6() -> None:
    assert files("tie-four1") == files("tie-four1", Intent(fleet(ipv6=False)))


@pytest.mark.parametrize("name", NAMES)
def test_a_host_is_told_of_no_address_of_a_family_that_it_does_not_speak(name: str) -> None:
    knows = {"/etc/unbound/unbound.conf", "/etc/rsyslog.conf", "/etc/hosts"}  # names are for others, too
    spoken = families(FLEET.host(name))
    for path, text in files(name).items():
        for found in re.findall(r"10\.6\d\.[0-9.]+|2001:db8:[0-9a-f:]+", text) if path not in knows else ():
            assert ip_address(found.rstrip(".:") if "::" not in found[-2:] else found).version in spoken, path


@pytest.mark.parametrize("name", NAMES)
def test_a_port_is_open_in_one_family_to_those_that_it_is_open_to_in_the_other(name: str) -> None:
    found = INTENT.of(FLEET.host(name), "firewall")
    assert isinstance(found, firewall.Settings)
    for opening in found.openings:
        if name != "tie-mon1" or opening.role != "monitoring":  # whose page is at one address
            clients = {version: _whose(opening, version) for version in families(FLEET.host(name))}
            both = {h.name for h in FLEET.hosts if families(h) == {4, 6}}
            assert len({frozenset(names & both) for names in clients.values()}) == 1, (opening, clients)


def _whose(opening: firewall.Opening, version: int) -> set[str]:
    """Names of the hosts that may come in over one version of IP; a monitoring host asks by one of them."""
    of = [n for n in opening.listen.sources if n.version == version]
    return {h.name for h in FLEET.hosts for a in own_addresses(h) for n in of if a in n} - (
        {"tie-mon1"} if opening.role == "node_metrics" else set()
    )


def test_names_lead_to_addresses_of_both_families_and_back() -> None:
    text = files("tie-dns6")["/etc/unbound/unbound.conf"]

    assert 'local-data: "tie-both1.fleet.internal. 3600 IN A 10.60.10.19"' in text
    assert 'local-data: "tie-both1.fleet.internal. 3600 IN AAAA 2001:db8:60:10::19"' in text
    assert 'local-data-ptr: "2001:db8:60:10::19 3600 tie-both1.fleet.internal."' in text
    assert 'local-zone: "0.1.0.0.0.6.0.0.8.b.d.0.1.0.0.2.ip6.arpa." static' in text
    assert [z for z in ("0", "1", "2", "3") if f'"{z}.0.0.0.9.5.0.0.8.b.d.0.1.0.0.2.ip6.arpa."' in text] == [*"0123"]
    assert "do-ip6: yes\n    prefer-ip6: yes\n" in text
    assert "prefer-ip6" not in files("tie-dns1")["/etc/unbound/unbound.conf"]
    assert "access-control: ::0/0 refuse" in text
    assert "access-control: 2001:db8:60:10::/64 allow" in text
    assert "forward-addr: 10." not in text


def test_a_host_knows_itself_and_asks_for_names_in_its_families() -> None:
    assert "\n2001:db8:60:10::20 tie-six1\n" in files("tie-six1")["/etc/hosts"]
    assert "10.60" not in files("tie-six1")["/etc/hosts"]
    assert "\n10.60.10.19 tie-both1\n2001:db8:60:10::19 tie-both1\n" in files("tie-both1")["/etc/hosts"]
    asked = {name: re.findall(r"nameserver (\S+)", files(name)["/etc/resolv.conf"]) for name in NAMES}
    assert asked["tie-four1"] == ["10.60.10.11", "10.59.255.1"]
    assert asked["tie-six1"] == ["2001:db8:60:10::11", "2001:db8:60:10::12", "2001:db8:59::53"]
    assert asked["tie-both1"] == ["10.60.10.11", "2001:db8:60:10::12", "10.59.255.1"]


def test_what_stands_before_a_port_is_in_brackets_where_it_is_ipv6() -> None:
    assert (
        "--web.listen-address=[2001:db8:60:10::20]:9100 " in files("tie-six1")["/etc/default/prometheus-node-exporter"]
    )
    assert 'targets: ["[2001:db8:60:10::20]:9100"]' in files("tie-mon6")["/etc/prometheus/prometheus.yml"]
    assert 'Proxy "http://10.60.10.18:3142"' in files("tie-four1")["/etc/apt/apt.conf.d/00samdrift-proxy"]
    assert "listen [::]:443 ssl;" in files("tie-nb1")["/etc/nginx/nginx.conf"]
    assert '"[2001:db8:60:10::17]"]' in files("tie-nb6")["/opt/netbox/conf/configuration.py"]
    assert "Allow [2001:db8:60:10::]/64" in files("tie-six1")["/etc/cups/cupsd.conf"]
    assert in_url(IPv6Address("::1")) == "[::1]"


def test_a_host_is_asked_where_both_it_and_the_monitoring_host_are() -> None:
    both = files("tie-both1")["/etc/default/prometheus-node-exporter"]
    assert "--web.listen-address=10.60.10.19:9100 --web.listen-address=[2001:db8:60:10::19]:9100 " in both
    asked = {n: files(n)["/etc/prometheus/prometheus.yml"] for n in ("tie-mon1", "tie-mon6")}
    assert '"10.60.10.19:9100"' in asked["tie-mon1"]
    assert '"[2001:db8:60:10::19]:9100"' in asked["tie-mon6"]
    assert "tie-four1" not in asked["tie-mon6"]


def test_a_host_with_ipv6_alone_is_believed_by_its_key() -> None:
    lines = known_hosts(FLEET.hosts).splitlines()
    for host in HOSTS:
        wanted = {f"{a} {host.host_keys[0]}" for a in (host.primary_address, host.primary_address6) if a}
        assert {line for line in lines if line.endswith(host.host_keys[0])} == wanted


def test_a_printer_that_the_host_speaks_no_family_of_is_refused() -> None:
    four = FLEET.host("tie-four1")
    context = {"samdrift": {**four.samdrift, "print_server": PRINTERS}}
    (problem,) = Intent(FLEET).problems(four.model_copy(update={"context": context, "name": "tie-four2"}))[:1]
    assert "no address of the family of 2001:db8:60:10::77" in problem.what


def test_a_gateway_lets_no_ipv6_through_that_it_does_not_route() -> None:
    text = files("tie-gw1")["/etc/nftables.conf"]
    assert "ip6 saddr" in text.partition("chain input")[2].partition("chain forward")[0]
    assert "ip6" not in text.partition("chain forward")[2]


def test_a_gateway_of_ipv6_that_nobody_has_is_shared_by_nobody() -> None:
    shared = [p.model_copy(update={"gateway": GATEWAYS[p.prefix.version]}) if p.vlan else p for p in FLEET.prefixes]
    pair = [_sharing(h) for h in (gateway(2, "tie-gw2"), gateway(3, "tie-gw3"))]
    hosts = (*(h for h in FLEET.hosts if h.name != "tie-gw1"), *pair)
    both = FLEET.model_copy(update={"prefixes": tuple(shared), "hosts": hosts, "ranges": ()})

    found = Intent(both).of(pair[0], "keepalived")

    assert isinstance(found, keepalived.Settings), found
    assert [str(s.address) for s in found.shared] == ["10.60.10.254"]
    (said,) = catalogue()["keepalived"].unserved(pair[0], both)
    assert "2001:db8:60:10::/64" in said


GATEWAYS = {4: ip_address("10.60.10.254"), 6: ip_address("2001:db8:60:10::fe")}


def _sharing(host: Host) -> Host:
    return host.model_copy(update={"context": {"samdrift": {"roles": {"edge_gateway": True, "keepalived": True}}}})


def test_the_lab_boots_no_host_with_ipv6_alone() -> None:
    tagged = FLEET.host("tie-six1").model_copy(update={"tags": ("lab",)})
    with pytest.raises(LabError, match="host tie-six1: the lab's wires carry IPv4 alone"):
        wiring(Intent(FLEET.model_copy(update={"hosts": (tagged,)})))


def test_a_host_without_an_address_is_no_host_of_pyinfra() -> None:
    nowhere = FLEET.host("tie-six1").model_copy(update={"primary_address6": None, "interfaces": ()})
    found = groups(FLEET.model_copy(update={"hosts": (nowhere, FLEET.host("tie-dns6"))}), {})
    assert [(name, data["ssh_hostname"]) for name, data in found["samdrift"]] == [("tie-dns6", "2001:db8:60:10::12")]
