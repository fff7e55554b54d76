"""Role wireguard: the tunnels are there, with the fleet's peers and nobody else, and who is there is spoken with.

A peer that is down, or not set up yet (in a first roll-out the hubs come before the others), is that host's finding.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

import pytest

from roles.wireguard import ANSWERS, PRIVATE_KEY, SANDBOX, UNIT, Peer, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inventory.fleet import Fleet, Host

RECENT = 180
"""Seconds after which WireGuard itself takes a session for dead."""
LOOPBACK = IPv4Address("127.0.0.1")


def peers(host: Any, what: str) -> dict[tuple[str, str], str]:
    """What `wg` says of every peer, by interface and public key. Never asked for its `dump`, which has private keys."""
    lines = (line.split("\t") for line in host.check_output(f"wg show all {what}").splitlines())
    return {(interface, key): value for interface, key, value in lines}


def answering(host: Any, addresses: Iterable[IPv4Address]) -> set[IPv4Address]:
    """Those at which a ping is answered."""
    said = host.check_output(ANSWERS.format(words=" ".join(map(str, (LOOPBACK, *addresses))))).split()
    found = {IPv4Address(a) for a in said}
    assert LOOPBACK in found, "ping does not work"
    return found - {LOOPBACK}


def test_every_tunnel_is_up_and_comes_back_at_boot(host: Any, unit: Any, settings: Settings) -> None:
    for tunnel in settings.tunnels:
        assert unit(UNIT.format(interface=tunnel.interface)) == ("active", "enabled"), tunnel.interface
    up = host.check_output("wg show interfaces").split()
    assert sorted(up) == sorted(t.interface for t in settings.tunnels)


def test_its_service_may_do_what_it_needs_and_nothing_else(violations: Any, settings: Settings) -> None:
    units = [UNIT.format(interface=tunnel.interface) for tunnel in settings.tunnels]
    assert {u: violations(SANDBOX.model_copy(update={"unit": u})) for u in units} == {u: [] for u in units}


def test_the_private_key_is_its_owners_alone(host: Any) -> None:
    assert host.check_output(f"stat -c '%U %G %a' {PRIVATE_KEY}").split() == ["root", "root", "600"]


def test_the_fleet_knows_its_public_key(host: Any, settings: Settings) -> None:
    own = host.check_output(f"wg pubkey < {PRIVATE_KEY}")
    assert settings.public_key == own, f"enter it in NetBox: host {settings.host}, wireguard_public_key: {own}"


def test_every_tunnel_speaks_by_that_key(host: Any, settings: Settings) -> None:
    own = host.check_output(f"wg pubkey < {PRIVATE_KEY}")
    spoken = [line.split("\t") for line in host.check_output("wg show all public-key").splitlines()]
    assert sorted(map(tuple, spoken)) == sorted((t.interface, own) for t in settings.tunnels)


def test_it_has_exactly_the_fleets_peers_and_they_may_speak_in_exactly_their_own_names(
    host: Any, settings: Settings
) -> None:
    allowed = {end: sorted(names.split()) for end, names in peers(host, "allowed-ips").items()}
    assert allowed == {
        (t.interface, peer.public_key): sorted(map(str, peer.allowed)) for t in settings.tunnels for peer in t.peers
    }


def test_who_is_there_is_spoken_with(host: Any, settings: Settings, fleet: Fleet, me: Host) -> None:
    every: list[tuple[str, Peer]] = [(t.interface, peer) for t in settings.tunnels for peer in t.peers]
    heard = answering(host, [peer.address for _, peer in every])
    through = [(i, peer) for i, peer in every if peer.address in heard]
    silent = [peer for _, peer in every if peer.address not in heard]
    before = [peer for peer in silent if fleet.host(peer.name).wave < me.wave]
    there = answering(host, [peer.endpoint for peer in before])
    must = [peer.name for peer in before if peer.endpoint in there]
    assert not must, "there, but silent in the tunnel: do both ends know each other's key?"
    if every and not through:
        pytest.skip(f"not applicable: nobody answers in a tunnel: {', '.join(peer.name for peer in silent)}")
    now, last = int(host.check_output("date +%s")), peers(host, "latest-handshakes")
    assert not [peer.name for i, peer in through if now - int(last[i, peer.public_key]) > RECENT]


PROVES = {
    "cryptography": (
        "every tunnel is up and comes back at boot",
        "the fleet knows its public key",
        "every tunnel speaks by that key",
    ),
    "hardening": ("its service may do what it needs and nothing else",),
    "keys": ("the private key is its owners alone",),
    "network": (
        "every tunnel is up and comes back at boot",
        "it has exactly the fleets peers and they may speak in exactly their own names",
        "who is there is spoken with",
    ),
    "segregation": ("it has exactly the fleets peers and they may speak in exactly their own names",),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "every tunnel is up and comes back at boot": "varje tunnel är uppe och kommer tillbaka vid start",
    "its service may do what it needs and nothing else": "tjänsten får göra vad den behöver och inget annat",
    "the private key is its owners alone": "den privata nyckeln är bara ägarens",
    "the fleet knows its public key": "beståndet känner dess publika nyckel",
    "every tunnel speaks by that key": "varje tunnel talar med den nyckeln",
    "it has exactly the fleets peers and they may speak in exactly their own names": (
        "den har precis beståndets motparter, och de får tala i precis sina egna namn"
    ),
    "who is there is spoken with": "den som finns där har den kontakt med",
}
"""What its checks are called in a Swedish report."""
