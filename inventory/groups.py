"""The fleet as an ordinary pyinfra inventory: groups of hosts, by municipality, site, role, platform and tag. Pure.

For those who want an ad-hoc `exec`; samdrift's own commands do not come by here. Only hosts that are active and have a
shell, an address and a host key are in it: on a device with a vendor's command line pyinfra's operations mean nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from inventory.fleet import Fleet, Host

PyinfraHost = tuple[str, dict[str, Any]]
"""A host's name, and its data."""

Groups = dict[str, list[PyinfraHost]]


def groups(fleet: Fleet, data: Mapping[str, object]) -> Groups:
    """Return every group that has a host, by name: `municipality_heby`, `site_heby_kommunhus`, `role_time`, `tag_lab`,
    …

    Args:
        data: what every host's data holds too: how to log in.
    """
    found: Groups = {}
    shells = {p.slug for p in fleet.platforms if p.family == "debian"}
    for host in fleet.hosts:
        has_address = host.primary_address is not None or host.primary_address6 is not None
        if host.status == "active" and host.platform in shells and host.host_keys and has_address:
            member = (host.name, _data(host) | dict(data))
            for group in ("samdrift", *_groups_of(host)):
                found.setdefault(group, []).append(member)
    return found


def known_hosts(hosts: Iterable[Host]) -> str:
    """Return the host keys of these hosts, as OpenSSH's known_hosts says them."""
    return "".join(
        f"{address} {key}\n"
        for h in hosts
        for address in (h.primary_address, h.primary_address6)
        if address is not None
        for key in h.host_keys
    )


def strict(known: Path) -> dict[str, object]:
    """Return the data by which pyinfra believes the keys in this file and no others; by default it accepts new ones."""
    return {"ssh_strict_host_key_checking": "yes", "ssh_known_hosts_file": str(known)}


def _groups_of(host: Host) -> list[str]:
    """Return the names of a host's groups."""
    named = (
        ("municipality", (host.tenant,)),
        ("site", (host.site,)),
        ("platform", (host.platform,)),
        ("role", host.roles),
        ("tag", host.tags),
    )
    return [f"{kind}_{_word(slug)}" for kind, slugs in named for slug in slugs]


def _word(slug: str) -> str:
    """Return a slug as part of a Python name, which a pyinfra group's is."""
    return re.sub(r"[^a-z0-9]", "_", slug)


def _data(host: Host) -> dict[str, Any]:
    return {
        "ssh_hostname": str(host.address),
        "municipality": host.tenant,
        "site": host.site,
        "platform": host.platform,
        "roles": list(host.roles),
        "tags": list(host.tags),
    }
