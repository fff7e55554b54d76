"""Find the fleet's own servers that every other host is told of. Pure.

At which address a host reaches one, `roles.shared.families` says.
"""

from __future__ import annotations

from inventory.fleet import Fleet, Host
from inventory.network import Address
from roles.shared.families import further_reached_by, in_url, reached_by, spoken
from roles.shared.settings import SettingsError


def time_servers(fleet: Fleet) -> tuple[Host, ...]:
    """Return the active hosts that serve the time, by name."""
    return tuple(h for h in fleet.with_role("time") if h.samdrift.get("time", {}).get("server") is True)


def nameservers(host: Host, fleet: Fleet, fallbacks: tuple[Address, ...]) -> tuple[Address, ...]:
    """Return an address of each of the fleet's resolvers, then the fallbacks, then the resolvers over the other family;
    the C library asks the first three.

    Raises:
        SettingsError: the host reaches none.
    """
    resolvers = fleet.with_role("dns_resolver")
    ours, over_ipv6 = reached_by(host, resolvers), further_reached_by(host, resolvers)
    found = tuple(dict.fromkeys([*ours, *spoken(host, fallbacks), *over_ipv6]))
    if not found:
        fix = "give a host that it reaches the role dns_resolver, or set fallback_resolvers"
        raise SettingsError("no nameserver", field="config context samdrift.base.fallback_resolvers", fix=fix)
    return found[:3]


def package_proxy(host: Host, fleet: Fleet) -> str:
    """Return the URL of the fleet's package cache; empty where there is none, or the host is one."""
    caches = () if "package_cache" in host.roles else reached_by(host, fleet.with_role("package_cache"))
    return f"http://{in_url(caches[0])}:3142" if caches else ""
