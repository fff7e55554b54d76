"""Which hosts stand in for each other: by their roles, by an address that they share, and by what a person says."""

from __future__ import annotations

from ipaddress import IPv4Interface

from inventory.fleet import Fleet, Host, Interface
from inventory.network import SharedAddress
from roles.shared.network.redundancy import redundant_groups


def host(name: str, *roles: str, site: str = "datahall", shared: str = "", **section: object) -> Host:
    addresses = (SharedAddress(address=IPv4Interface(shared), role="vrrp"),) if shared else ()
    return Host.model_validate(
        {
            "name": name,
            "kind": "vm",
            "site": site,
            "interfaces": (Interface(name="eth0", shared_addresses=addresses),),
            "context": {"samdrift": {"roles": dict.fromkeys(roles or ("base",), True), **section}},
        }
    )


def groups(*hosts: Host) -> dict[str, set[str]]:
    """Group to its members."""
    found: dict[str, set[str]] = {}
    for name, of in redundant_groups(Fleet(hosts=hosts)).items():
        for group in of:
            found.setdefault(group, set()).add(name)
    return found


def test_resolvers_stand_in_for_each_other_wherever_they_stand_and_gateways_at_their_site() -> None:
    dns = host("dns1", "dns_resolver"), host("dns2", "dns_resolver", site="heby")
    gateways = host("gw1", "edge_gateway"), host("gw2", "edge_gateway"), host("gw3", "edge_gateway", site="heby")
    assert groups(*dns, *gateways, host("web1"), host("web2")) == {
        "role dns_resolver": {"dns1", "dns2"},
        "role edge_gateway, datahall": {"gw1", "gw2"},
    }


def test_hosts_that_share_an_address_or_were_put_together_stand_in_for_each_other() -> None:
    shared = host("a", shared="10.0.0.1/24"), host("b", shared="10.0.0.1/24"), host("c", shared="10.0.0.2/24")
    pair = host("db1", pair="db"), host("db2", pair="db"), host("file1", pair="file")
    assert groups(*shared, *pair) == {"address  10.0.0.1": {"a", "b"}, "pair db": {"db1", "db2"}}
