"""A fleet with hosts that speak IPv4 alone, IPv6 alone, and both: nearly every role on Debian."""

from __future__ import annotations

from inventory.fleet import Fleet, Host, Interface
from inventory.network import Prefix, Range, Vlan
from inventory.organisation import DeviceRole, Platform, Region, Site, Tenant
from tests.unit.inventory.sound_fleets import key, wireguard_key

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
EVERYWHERE = ("base", "firewall", "time", "log_client", "node_metrics")
OPTIONS = {
    "base": {"automation_keys": [KEY], "fallback_resolvers": ["10.59.255.1", "2001:db8:59::53"]},
    "package_cache": {"archives": ["http://mirror.example/debian"]},
    "dns_resolver": {"domain": "fleet.internal", "forwarders": ["10.59.255.1", "2001:db8:59::53"]},
}
PRINTERS = {"queues": {"hall": {"uri": "ipp://[2001:db8:60:10::77]/ipp/print"}}}


def host(number: int, name: str, families: str, *roles: str, role: str = "server", **options: object) -> Host:
    """A host of Tierp, with an address of each of these families (`4`, `6` or `46`)."""
    four, six = f"10.60.10.{number}", f"2001:db8:60:10::{number}"
    addresses = [*([f"{four}/24"] if "4" in families else []), *([f"{six}/64"] if "6" in families else [])]
    printers = {"print_server": PRINTERS} if "6" in families and "print_server" in roles else {}
    section = {"roles": dict.fromkeys(roles, True), **printers, **{r: o for r, o in OPTIONS.items() if r in roles}}
    return Host.model_validate(
        {
            "name": name,
            "kind": "vm",
            "tenant": "tierp",
            "site": "tierp-datahall",
            "role": role,
            "platform": "debian-13",
            "host_keys": [key(number)],
            "interfaces": [Interface.model_validate({"name": "eth0", "addresses": addresses})],
            "primary_address": four if "4" in families else None,
            "primary_address6": six if "6" in families else None,
            "context": {"samdrift": section | options} if roles else {},
        }
    )


CLOCK = {"server": True, "upstreams": [{"name": "ntp.example"}, {"name": "time.example"}]}
HOSTS = (
    host(250, "tie-adm1", "46", role="management-station"),
    host(11, "tie-dns1", "46", *EVERYWHERE, "dns_resolver", time=CLOCK),
    host(12, "tie-dns6", "6", *EVERYWHERE, "dns_resolver", time=CLOCK),
    host(13, "tie-log1", "46", *[r for r in EVERYWHERE if r != "log_client"], "log_server", "lldp"),
    host(14, "tie-mon1", "46", *EVERYWHERE, "monitoring"),
    host(15, "tie-mon6", "6", *EVERYWHERE, "monitoring"),
    host(16, "tie-nb1", "46", *EVERYWHERE, "netbox"),
    host(17, "tie-nb6", "6", *EVERYWHERE, "netbox"),
    host(18, "tie-cache1", "46", *EVERYWHERE, "package_cache"),
    host(19, "tie-both1", "46", *EVERYWHERE, "local_dns", "print_server", "lldp"),
    host(20, "tie-six1", "6", *EVERYWHERE, "local_dns", "print_server", "lldp"),
    host(21, "tie-four1", "4", *EVERYWHERE, "print_server", "lldp"),
)


def gateway(number: int = 1, name: str = "tie-gw1") -> Host:
    """A gateway that lends addresses and has tunnels, with addresses of both families."""
    of = host(number, name, "46", *EVERYWHERE, "edge_gateway", "dhcp_server", "wireguard")
    tunnel = Interface.model_validate({"name": "wg1", "type": "virtual", "addresses": [f"2001:db8:99::{number}/64"]})
    return of.model_copy(
        update={"interfaces": (*of.interfaces, tunnel), "wireguard_public_key": wireguard_key(number)},
    )


def fleet(*, ipv6: bool = True) -> Fleet:
    """The whole fleet; or what would be left of it if nobody had ever heard of IPv6."""
    hosts = (*HOSTS, gateway())
    prefixes = (
        Prefix.model_validate(
            {"prefix": "10.60.10.0/24", "site": "tierp-datahall", "vlan": 10, "gateway": "10.60.10.1"}
        ),
        Prefix.model_validate({"prefix": "2001:db8:60:10::/64", "site": "tierp-datahall", "vlan": 10}),
        Prefix.model_validate({"prefix": "10.59.255.0/30", "site": "tierp-datahall"}),
        Prefix.model_validate({"prefix": "2001:db8:59::/62", "region": "norr"}),
    )
    return Fleet(
        regions=(Region(slug="norr", name="Norr"),),
        tenants=(Tenant(slug="tierp", name="Tierp"),),
        sites=(Site(slug="tierp-datahall", name="Datahallen", tenant="tierp", region="norr", asns=(64512,)),),
        platforms=(Platform(slug="debian-13", name="Debian 13", family="debian"),),
        device_roles=(DeviceRole(slug="server", name="Server"), DeviceRole(slug="management-station", name="Station")),
        vlans=(Vlan(vid=10, name="Servrar", site="tierp-datahall"),),
        prefixes=prefixes if ipv6 else tuple(p for p in prefixes if p.prefix.version == 4),
        ranges=(Range.model_validate({"start": "10.60.10.100", "end": "10.60.10.120"}),),
        hosts=hosts if ipv6 else tuple(_without_ipv6(h) for h in hosts if h.primary_address is not None),
    )


def _without_ipv6(host: Host) -> Host:
    interfaces = tuple(i.model_copy(update={"addresses": i.addresses4}) for i in host.interfaces)
    return host.model_copy(update={"interfaces": interfaces, "primary_address6": None})
