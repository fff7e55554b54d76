"""Say what a device lets in and through, and where it sends that: as its role writes it. Pure.

A role writes who may administer and monitor a device, and shuts SSH, SNMP and NETCONF to all others. What else runs
there it does not say. A firewall lets its inside networks out to the internet; policies that people made beside the
role's are left alone, so that of what no policy of the role's is about nobody here knows what becomes of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from roles.shared.device.firewall import FirewallSettings
from roles.shared.device.settings import Settings, device_listens
from roles.shared.filtering import Filter, Route, Rule, Service
from roles.shared.traffic import ANYWHERE4, ANYWHERE6, ipv4, ipv6, networks

IN_WORDS = {("tcp", 22): "SSH", ("udp", 161): "SNMP"}
OTHERS_IN = "its role says who may use {services}, and nothing of other services"
OTHERS_THROUGH = "policies that people made there are left alone, and not known"


def device_filter(settings: Settings) -> Filter:
    """Return who may use the services of a device that its role decides about."""
    rules = tuple(_letting_in(settings))
    services = tuple(dict.fromkeys(Service(protocol=x.protocol, port=x.port) for x in device_listens(settings)))
    named = ", ".join(IN_WORDS.get((s.protocol, s.port or 0), f"NETCONF ({s})") for s in services)
    return Filter(
        lets_in=rules,
        services=services,
        shuts_through=False,
        others=OTHERS_IN.format(services=named),
        dropped_in="who is not named is shut out",
    )


def firewall_filter(settings: FirewallSettings, role: str) -> Filter:
    """Return who may use a firewall's own services, and what passes through it to the internet."""
    return device_filter(settings).model_copy(
        update={"lets_through": tuple(_letting_out(settings, role)), "others_through": OTHERS_THROUGH}
    )


def firewall_routes(settings: FirewallSettings) -> tuple[Route, ...]:
    """Return where a firewall sends what is for the fleet's servers, for hosts behind gateways, and everything else."""
    at = settings.management_interface
    own = [Route(destination=n, via=settings.gateway, interface=at) for n in settings.reached if settings.gateway]
    own += [Route(destination=n, via=settings.gateway6, interface=at) for n in settings.reached6 if settings.gateway6]
    if back := settings.transit:
        own += [Route(destination=IPv4Network(a), via=back.next_hop, interface=back.interface) for a in back.sources]
    out = (Route(destination=n, interface=settings.outside) for n in (ANYWHERE4, ANYWHERE6))
    return (*own, *out)


def _letting_in(settings: Settings) -> Iterator[Rule]:
    for listen in device_listens(settings):
        merged = networks(listen.sources)
        for sources in (ipv4(merged), ipv6(merged)):
            if sources:
                what = f"{listen.protocol}/{listen.port} from {', '.join(map(str, sources))}"
                yield Rule(sources=sources, protocol=listen.protocol, port=listen.port, text=what, why=listen.why)


def _letting_out(settings: FirewallSettings, role: str) -> Iterator[Rule]:
    why = f"{role}: an inside network's own way to the internet"
    for policy in settings.policies:
        anywhere = ANYWHERE4 if policy.family == 4 else ANYWHERE6
        yield Rule(
            sources=networks(a.network for a in policy.addresses),
            destinations=(anywhere,),
            leaves_by=settings.outside,
            text=f"policy {policy.number}, {policy.source} to {settings.outside}",
            why=why,
        )
    for passing in settings.transit.passing if settings.transit else ():
        yield Rule(
            sources=networks(map(IPv4Network, passing.sources)),
            destinations=(ANYWHERE4,),
            protocol=passing.protocol,
            port=None if passing.protocol == "icmp" else passing.port,
            leaves_by=settings.outside,
            text=f"policy {passing.number}, out-{passing.protocol}-{passing.port}",
            why=f"{role}: what hosts behind the gateways need of the internet",
        )
