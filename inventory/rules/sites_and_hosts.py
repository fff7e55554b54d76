"""Rules about what sites and hosts say of themselves: AS numbers, kinds, keys."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from inventory.fleet import Fleet
from inventory.rules.rule import Fault, cut, rule

HOST_KEY = re.compile(r"(?P<kind>ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) (?P<blob>[A-Za-z0-9+/]+={0,2})")


@rule("asn-twice", fix="give one of them a number of its own")
def asn_twice(fleet: Fleet) -> Iterator[Fault]:
    """Sites tell each other's routes apart by AS number: a router takes no route in which it finds its own."""
    seen: dict[int, int] = {}
    for i, site in enumerate(fleet.sites):
        if site.asn is not None and (other := seen.setdefault(site.asn, i)) != i:
            what = f"{site.slug} and {fleet.sites[other].slug} have one AS number, {site.asn}"
            yield Fault(("sites", i, "asns"), what, also=(("sites", other),))


@rule("host-kind", fix="a device has a device_type and no cluster, a vm has a cluster and no device_type")
def bad_kind(fleet: Fleet) -> Iterator[Fault]:
    """NetBox keeps devices and virtual machines apart, and each needs what it stands on."""
    for i, host in enumerate(fleet.hosts):
        needs, lacks = ("device_type", "cluster") if host.kind == "device" else ("cluster", "device_type")
        if getattr(host, needs) is None:
            yield Fault(("hosts", i), f"{host.name} is a {host.kind} without {needs}")
        if getattr(host, lacks) is not None:
            yield Fault(("hosts", i, lacks), f"{host.name} is a {host.kind} with {lacks}")


@rule("host-key", fix="copy type and key from /etc/ssh/ssh_host_*_key.pub of the host, without the comment")
def bad_host_key(fleet: Fleet) -> Iterator[Fault]:
    """A host is believed by its key alone, so a key that was cut or mistyped shuts samdrift out."""
    for i, host in enumerate(fleet.hosts):
        for key in host.host_keys:
            if not _is_host_key(key):
                yield Fault(("hosts", i, "host_keys"), f"{host.name}: {cut(key)!r} is no SSH host key")


@rule(
    "host-key-twice",
    fix="enter each host's own; on a copied machine remove /etc/ssh/ssh_host_* first, and make new ones: ssh-keygen -A",
)
def host_key_twice(fleet: Fleet) -> Iterator[Fault]:
    """A host is believed by its key alone: whoever holds the key of one could answer as the other, and two hosts with
    one key are copies of one machine, or one of the entries is of the wrong host. (A host that is not active is not
    connected to: what was replaced may keep the key that its successor took over.)
    """
    seen: dict[str, int] = {}
    for i, host in enumerate(fleet.hosts):
        for key in host.host_keys if host.status == "active" else ():
            if (other := seen.setdefault(key, i)) != i:
                what = f"{host.name} and {fleet.hosts[other].name} have one SSH host key, {cut(key)!r}"
                yield Fault(("hosts", i, "host_keys"), what, also=(("hosts", other),))


@rule("host-key-missing", fix="add the content of its /etc/ssh/ssh_host_ed25519_key.pub, or set the status to planned")
def no_host_key(fleet: Fleet) -> Iterator[Fault]:
    """A host is believed by its key alone, so one without a key can never be connected to."""
    for i, host in enumerate(fleet.hosts):
        if host.status == "active" and not host.host_keys:
            yield Fault(("hosts", i), f"{host.name} is active and has no SSH host key")


@rule("wireguard-key", fix="enter what this says on the host: sudo sh -c 'wg pubkey < /etc/wireguard/private.key'")
def bad_wireguard_key(fleet: Fleet) -> Iterator[Fault]:
    """A tunnel believes a host by its key alone: 32 bytes in base64, and no other host's."""
    seen: dict[str, int] = {}
    for i, host in enumerate(fleet.hosts):
        key = host.wireguard_public_key
        if key and not _is_wireguard_key(key):
            yield Fault(("hosts", i, "wireguard_public_key"), f"{host.name}: {cut(key)!r} is no WireGuard public key")
        elif key and (other := seen.setdefault(key, i)) != i:
            what = f"{host.name} and {fleet.hosts[other].name} have one WireGuard public key"
            yield Fault(("hosts", i, "wireguard_public_key"), what, also=(("hosts", other),))


def _is_wireguard_key(text: str) -> bool:
    """Tell whether a text is 32 bytes in base64, written in the one way that every program writes them."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:  # letters that are none of ASCII, too
        return False
    return len(raw) == 32 and any(raw) and base64.b64encode(raw).decode() == text


def _is_host_key(text: str) -> bool:
    """Tell whether a text is `type base64`, and the key says the same type of itself (RFC 4253, section 6.6)."""
    found = HOST_KEY.fullmatch(text)
    if found is None:
        return False
    try:
        blob = base64.b64decode(found["blob"], validate=True)
    except binascii.Error:
        return False
    kind = found["kind"].encode()
    says_kind = blob.startswith(len(kind).to_bytes(4, "big") + kind)
    return says_kind and (len(blob) == 51 if kind == b"ssh-ed25519" else len(blob) > 51)
