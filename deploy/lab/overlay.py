"""Change a fleet where it must differ in the lab: keys, nameserver, guests. Pure, but for finding the nameserver.

Not here: the keys themselves (`lab.keys`), and what the lab's network is (`lab.wiring`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from types import MappingProxyType
from typing import Any

from deploy.lab.machine import LabError
from deploy.lab.mirror import RELEASE_PLATFORM
from deploy.lab.wiring import LAB_TAG
from inventory.fleet import Fleet, Host
from inventory.selection import select
from roles.shared.catalogue import known_roles
from roles.shared.rehearsal import Rehearsal

RESOLV_CONF = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))


def bootable(fleet: Fleet, names: Iterable[str]) -> Iterator[str]:
    """Yield the names of these hosts; refuse one that the lab's image cannot be."""
    known = {h.name: h for h in fleet.hosts}
    for name in names:
        host = known.get(name)
        if host is None or host.status != "active" or host.platform != RELEASE_PLATFORM:
            what = f"the lab cannot boot {name!r}" if host else f"the fleet has no host {name!r}"
            raise LabError(what, fix=f"name an active host of platform {RELEASE_PLATFORM}: samdrift hosts")
        yield name


@dataclass(frozen=True)
class Twins:
    """The managed hosts that an expression names: those that the lab can boot, and the others."""

    bootable: tuple[str, ...]
    others: tuple[str, ...]


def like_these(fleet: Fleet, limit: str) -> Twins:
    """Return the managed hosts that an expression names, by whether the lab can be like them.

    Raises:
        LabError: the lab can be like none of them.
    """
    named = [h for h in select(limit, fleet, fleet.hosts) if h.is_managed]
    can = tuple(h.name for h in named if h.platform == RELEASE_PLATFORM)
    if not can:
        fix = f"name active hosts of platform {RELEASE_PLATFORM}: samdrift hosts"
        raise LabError("the lab can be like none of these hosts", where=f"--like {limit!r}", fix=fix)
    return Twins(can, tuple(h.name for h in named if h.name not in can))


def with_guests(fleet: Fleet, names: Collection[str]) -> Fleet:
    """Return the fleet with the lab's tag on these hosts, too."""

    def tagged(host: Host) -> Host:
        is_guest = host.name in names and LAB_TAG not in host.tags
        return host.model_copy(update={"tags": tuple(sorted((*host.tags, LAB_TAG)))}) if is_guest else host

    return fleet.model_copy(update={"hosts": tuple(tagged(h) for h in fleet.hosts)})


def lab_overlay(
    fleet: Fleet,
    lab: Rehearsal,
    host_keys: Mapping[str, str],
    tunnel_keys: Mapping[str, str] = MappingProxyType({}),
) -> Fleet:
    """Return the fleet with what differs in the lab, and nothing else. Pure.

    Lab hosts have their own host keys and keys for tunnels. What else differs, each role says of itself (`in_lab`): of
    every host that the lab could boot, for what one has makes a difference to others (how it is to be asked for its
    metrics, say), and to boot one more shall change none of them.

    Args:
        host_keys: public host key of each lab host, by name.
        tunnel_keys: public key for tunnels, of those that have any.
    """

    def changed(host: Host) -> Host:
        if host.name not in host_keys and not (host.is_managed and host.platform == RELEASE_PLATFORM):
            return host
        options = {role.name: (role, _section(host, role.name)) for role in known_roles(host)}
        differs = {name: {**given, **role.in_lab(given, lab)} for name, (role, given) in options.items()}
        changed = {name: section for name, section in differs.items() if section != options[name][1]}
        update = {
            "host_keys": (host_keys[host.name],) if host.name in host_keys else host.host_keys,
            "wireguard_public_key": tunnel_keys.get(host.name, host.wireguard_public_key),
            "context": {**host.context, "samdrift": {**host.samdrift, **changed}},
        }
        return host.model_copy(update=update)

    return fleet.model_copy(update={"hosts": tuple(changed(h) for h in fleet.hosts)})


def _section(host: Host, role: str) -> dict[str, Any]:
    section = host.samdrift.get(role, {})
    return section if isinstance(section, dict) else {}


def machine_nameserver(option: str | None, files: Sequence[Path] = RESOLV_CONF) -> IPv4Address:
    """Return the nameserver of the option, or the first that the machine asks and that another host could ask too."""
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in files if file.is_file()]
    named = (
        [option]
        if option
        else [w[1] for t in texts for w in map(str.split, t.splitlines()) if w[:1] == ["nameserver"] and w[1:]]
    )
    for name in named:
        try:
            address = IPv4Address(name)
        except ValueError:  # IPv6, which the lab does not speak
            continue
        if not address.is_loopback:
            return address
    raise LabError("there is no IPv4 nameserver that lab hosts could ask", fix="name one: SAMDRIFT_NAMESERVER=ADDRESS")
