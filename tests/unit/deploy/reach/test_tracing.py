"""A packet's way through the fleet as it is shipped, and through one of both families: open, closed, or not known."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from deploy.model.reach import Trace
from deploy.reach import ends, matrix
from deploy.reach.world import World
from inventory.fleet import Fleet, Host
from inventory.network import Network
from inventory.snapshot import load
from roles.shared.filtering import Service, common, is_within
from roles.shared.intent import Intent
from roles.shared.network.forwarding import flows
from tests.unit.roles import both_families

FLEET = load()
INTENT = Intent(FLEET)
WORLD = World(INTENT)
BOTH = World(Intent(both_families.fleet()))
SSH = Service(protocol="tcp", port=22)


def asked(source: str, to: str, world: World = WORLD) -> tuple[Trace, ...]:
    name, service = ends.split_port(to)
    assert service is not None
    from_, destinations = ends.sources(source, world.fleet), ends.destinations(name, world.fleet)
    return tuple(matrix.asked(from_, destinations, service, world))


def one(source: str, to: str, world: World = WORLD) -> Trace:
    (found,) = asked(source, to, world)
    return found


def networks(*texts: str) -> tuple[Network, ...]:
    return tuple(map(ip_network, texts))


def changed(name: str, **fields: object) -> World:
    hosts = tuple(h.model_copy(update=fields) if h.name == name else h for h in FLEET.hosts)
    return World(Intent(FLEET.model_copy(update={"hosts": hosts})))


def test_an_office_reaches_names_in_tierp_by_way_of_both_gateways_and_either_hub() -> None:
    found = one("10.63.10.77", "tie-dns1:udp/53")
    assert found.answer == "open"
    assert found.path == ("heb-gw1", "tie-gw1", "tie-dns1")
    assert found.alike == (("heb-gw1", "tie-gw2", "tie-dns1"),)
    assert [hop.by for hop in found.hops] == [("lan0", "wg1"), ("wg1", "srv0"), ("eth0", "")]
    assert [hop.why for hop in found.hops] == ["edge_gateway: DNS", "edge_gateway: DNS", "dns_resolver: DNS"]
    assert all("udp dport 53 accept" in hop.rules[0] for hop in found.hops)


def test_where_a_tunnel_fails_it_goes_by_the_link_of_the_hubs_which_the_other_one_judges() -> None:
    found = one("tie-adm1", "heb-sw1:22")
    assert found.path == ("tie-gw1", "heb-gw1", "heb-sw1")
    assert ("tie-gw1", "tie-gw2", "heb-gw1", "heb-sw1") in found.alike
    assert found.instead == ()


def test_what_no_role_declares_is_closed_at_the_first_gateway() -> None:
    found = one("10.63.10.77", "tie-care1:443")
    assert (found.answer, found.reaching) == ("closed", ())
    assert found.decided_by.host == "heb-gw1"
    assert found.decided_by.rules == ("chain forward: policy drop",)


def test_who_is_in_one_network_is_judged_by_the_server_alone() -> None:
    assert one("tie-adm1", "tie-care1:22").path == ("tie-care1",)
    assert one("tie-dns1", "tie-care1:22").decided_by.rules == ("chain input: policy drop",)


def test_of_a_network_those_are_named_that_get_there() -> None:
    found = one("10.60.10.0/24", "kni-sw1:22")
    assert (found.answer, found.reaching) == ("open", networks("10.60.10.249/32", "10.60.10.250/32"))


def test_a_network_within_one_that_is_let_in_is_let_in() -> None:
    assert one("10.63.10.0/28", "tie-dns1:udp/53").reaching == networks("10.63.10.0/28")


def test_tcp_and_udp_of_one_number_are_two_services() -> None:
    assert one("10.63.10.77", "tie-dns1:udp/123").answer == "open"
    assert one("10.63.10.77", "tie-dns1:tcp/123").answer == "closed"


def test_a_ping_is_asked_about_as_any_service() -> None:
    assert one("tie-adm1", "heb-gw1:ping").answer == "open"
    assert one("10.63.10.77", "tie-care1:ping").decided_by.host == "heb-gw1"


def test_guests_pass_a_firewall_that_is_not_known_whole_and_are_stopped_at_the_destination_s_own_routers() -> None:
    found = one("10.63.30.9", "tie-care1:22")
    assert found.hops[0].answer == "not known"
    assert found.hops[0].why == "policies that people made there are left alone, and not known"
    assert (found.answer, found.decided_by.host) == ("closed", "tie-gw1")


def test_what_only_an_unknown_firewall_could_stop_is_not_known_and_never_open_or_closed() -> None:
    assert one("10.60.30.9", "tie-hv1:ping").answer == "not known"


def test_a_firewall_s_own_policies_let_schools_out_to_the_internet() -> None:
    found = one("10.63.20.9", "internet:443")
    assert (found.answer, found.path) == ("open", ("heb-fw1",))
    assert found.hops[0].rules == ("policy 171906048, internal1 to wan1",)


def test_a_resolver_gets_out_by_the_hub_and_the_firewall_and_others_do_not() -> None:
    found = one("tie-dns1", "internet:udp/53")
    assert (found.answer, found.path) == ("open", ("tie-gw1", "tie-fw1"))
    assert one("tie-care1", "internet:443").decided_by.host == "tie-gw1"


def test_nobody_comes_in_from_the_internet_past_the_destination_s_routers() -> None:
    assert {found.answer for found in asked("internet", "tie-care1:443")} == {"closed"}


def test_of_a_device_what_its_role_does_not_say_is_not_known() -> None:
    assert one("tie-hv1", "tie-sw1:443").answer == "not known"
    assert one("tie-hv1", "tie-sw1:22").answer == "closed"
    assert one("tie-adm1", "tie-sw1:443").decided_by.host == "tie-gw1"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"status": "planned"}, "it is planned, and samdrift does not configure it"),
        ({"context": {}}, "no role of samdrift configures it"),
        ({"context": {"samdrift": {"roles": {"time": True}}}}, "none of its roles says what it lets in"),
    ],
)
def test_a_host_whose_rules_are_not_samdrift_s_is_not_known(fields: dict[str, object], why: str) -> None:
    world = changed("tie-care1", **fields)
    found = one("tie-adm1", "tie-care1:443", world)
    assert (found.answer, found.decided_by.why) == ("not known", why)
    assert [u.why for u in matrix.unjudged(ends.destinations("tie-care1", world.fleet), world)] == [why]


def test_a_router_that_nobody_here_configures_is_not_known_and_what_lies_behind_it_is_still_judged() -> None:
    world = changed("heb-gw1", context={})
    found = one("10.63.10.77", "tie-dns1:udp/53", world)
    assert found.hops[0].why == "no role of samdrift configures it"
    assert one("10.63.10.77", "tie-care1:443", world).answer == "closed"


def test_an_address_that_no_host_of_the_inventory_has_is_not_known() -> None:
    found = one("tie-adm1", "10.60.10.199:22")
    assert (found.answer, found.decided_by.why) == ("not known", "no host of the inventory has 10.60.10.199")


def test_a_prefix_without_a_router_in_the_inventory_is_said_so() -> None:
    prefixes = tuple(
        p.model_copy(update={"gateway": None}) if str(p.prefix) == "10.63.10.0/24" else p for p in FLEET.prefixes
    )
    world = World(Intent(FLEET.model_copy(update={"prefixes": prefixes})))
    found = one("10.63.10.77", "tie-care1:443", world)
    assert "10.63.10.0/24 is routed by nobody that samdrift knows" in found.hops[0].why


def test_a_source_that_is_reached_by_another_interface_is_dropped_as_the_ruleset_does() -> None:
    found = one("10.60.10.250", "10.59.0.63:22")
    assert found.hops[-1].rules == ("chain origin: fib saddr . iif oif missing drop",)


def test_both_families_are_asked_about_where_both_ends_speak_them() -> None:
    found = asked("tie-adm1", "tie-dns1:22", BOTH)
    assert [(f.destination.version, f.answer) for f in found] == [(4, "open"), (6, "open")]
    assert [f.destination.version for f in asked("tie-adm1", "tie-six1:22", BOTH)] == [6]
    assert asked("tie-four1", "tie-six1:22", BOTH) == ()


def test_a_port_of_ipv6_is_open_to_those_who_are_named_and_closed_to_others() -> None:
    assert one("2001:db8:60:10::250", "[2001:db8:60:10::11]:22", BOTH).answer == "open"
    assert one("2001:db8:60:10::14", "[2001:db8:60:10::11]:22", BOTH).answer == "closed"


def test_a_gateway_lets_no_ipv6_through() -> None:
    fleet = both_families.fleet()
    prefixes = tuple(
        p.model_copy(update={"gateway": ip_network("2001:db8:60:10::1/128").network_address})
        if p.prefix == ip_network("2001:db8:60:10::/64")
        else p
        for p in fleet.prefixes
    )
    world = World(Intent(fleet.model_copy(update={"prefixes": prefixes})))
    found = one("tie-adm1", "[2001:db8:99::5]:22", world)
    assert (found.answer, found.decided_by.host) == ("closed", "tie-gw1")


ROUTED = {p.prefix for p in FLEET.prefixes if any("edge_gateway" in h.roles for h in WORLD.routers(p))}
SERVED = tuple(f for f in flows(INTENT) if f.source_prefix in ROUTED and f.destination.prefixlen == 32)


@pytest.mark.long
def test_what_roles_need_of_each_other_through_gateways_is_open_from_end_to_end() -> None:
    """The gateways' rules come from what roles declare; here they are walked through, one by one."""
    hosts: dict[Network, Host] = {ip_network(a.ip): h for h in FLEET.hosts for a in h.addresses}
    missing = []
    for flow in SERVED:
        service = Service(protocol=flow.protocol, port=flow.port)
        source = ends.sources(str(flow.source), FLEET)
        to = ends.destinations(str(flow.destination), FLEET)
        reaching = [n for f in matrix.asked(source, to, service, WORLD) if f.answer == "open" for n in f.reaching]
        routers = {n for n, h in hosts.items() if len(h.addresses) > 1 and common((n,), (flow.source,))}
        if not is_within(flow.source, (*reaching, *routers)):
            missing.append((flow, reaching))
    assert not [(str(f.source), str(f.destination), f.protocol, f.port, f.why, r) for f, r in missing]
    assert len(SERVED) > 100


def test_what_is_served_is_what_is_answered_when_it_is_asked_for() -> None:
    to = ends.destinations("heb-gw1", FLEET)
    for found in matrix.served(ends.sources("any", FLEET), to, WORLD):
        again = one(str(found.reaching[0].network_address), f"{found.destination.network_address}:{found.service}")
        assert again.answer == found.answer, found


def test_the_fleet_is_not_changed_by_being_asked() -> None:
    assert Fleet.model_validate(FLEET.model_dump()).digest == FLEET.digest
