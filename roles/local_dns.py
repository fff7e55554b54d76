"""The resolver (Unbound) of one site: answers its clients, asks the fleet's resolvers, and needs none for our names.

It is what the fleet's resolvers (role `dns_resolver`) are, with other clients and other servers to ask: the same zones
and the same names of the whole fleet, the same trust in DNSSEC, from one and the same template. So while the way to
the fleet's resolvers is cut, the fleet's names are answered as ever, and names outside that were asked for lately as
they were then, for a day.

Options (config context `samdrift.local_dns`):

- `cache_mib`: memory for cached records, in MiB; messages get half as much on top.
- `threads`: worker threads, at most one a core.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from inventory.fleet import Fleet, Host
from roles import dns_resolver
from roles.dns_resolver import SANDBOX, Settings, deploy, listens
from roles.shared.families import further_reached_by, own_addresses, reached_by, spoken
from roles.shared.intent import Intent
from roles.shared.settings import Options as RoleOptions
from roles.shared.settings import SettingsError
from roles.shared.traffic import local_networks

__all__ = ["CONTROLS", "SANDBOX", "Options", "Settings", "deploy", "listens", "settings"]

SWEDISH = "Platsens namnserver (Unbound): frågar beståndets namnservrar, och behöver ingen för våra egna namn."
CONTROLS = dns_resolver.CONTROLS
APPARMOR = dns_resolver.APPARMOR
AS_ROOT = (*dns_resolver.AS_ROOT, "unbound-control list_forwards")


class Options(RoleOptions):
    """What a config context may set for this role; see the module's text."""

    cache_mib: Annotated[int, Field(ge=8, le=4096)] = 32
    threads: Annotated[int, Field(ge=1, le=64)] = 2


def settings(host: Host, fleet: Fleet, options: Options, intent: Intent) -> Settings:
    """Compute the resolvers' zones, for the prefixes of the host's own site that it stands in."""
    field = "config context samdrift.roles"
    if "dns_resolver" in host.roles:
        fix = "take one of the two from the host: a resolver of the fleet answers its own site, too"
        raise SettingsError("it is a resolver of the fleet already (role dns_resolver)", field=field, fix=fix)
    clients, central = spoken(host, local_networks(host, fleet)), dns_resolver.resolvers(fleet)
    if not clients:
        fix = "give it an address in a prefix of its site, or take local_dns from it"
        raise SettingsError("it stands in no prefix of its site, so nobody would ask it", field=field, fix=fix)
    return dns_resolver.known_to_all(intent).model_copy(
        update={
            "addresses": tuple(a for a in own_addresses(host) if any(a in network for network in clients)),
            "clients": clients,
            "forwarders": (*reached_by(host, central), *further_reached_by(host, central)),
            "cache_mib": options.cache_mib,
            "threads": options.threads,
        }
    )
