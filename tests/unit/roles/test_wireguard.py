"""Both ends of a tunnel agree, nobody may speak in another's name, and WireGuard's own programs accept the files."""

from __future__ import annotations

import shutil
import subprocess
from ipaddress import IPv4Network
from itertools import combinations
from pathlib import Path

import pytest
from pydantic import ValidationError

from inventory.fleet import Fleet
from inventory.snapshot import load
from roles.firewall import Settings as FirewallSettings
from roles.shared.intent import Intent
from roles.shared.network.peering import announced, behind
from roles.shared.settings import SettingsError
from roles.wireguard import MAKE_KEY, PRIVATE_KEY, WG_ACCEPTS, Options, Settings, configuration, listens, settings
from tests.unit.roles.judging import judged, needs

SNAPSHOT = load()
GATEWAYS = tuple(h.name for h in SNAPSHOT.with_role("wireguard"))
EDGES = tuple(n for n in GATEWAYS if not n.startswith("tie-"))


def of(name: str, fleet: Fleet = SNAPSHOT, options: Options | None = None) -> Settings:
    return settings(fleet.host(name), fleet, options or Options())


def changed(name: str, **fields: object) -> Fleet:
    """The fleet in which one host is another."""
    hosts = tuple(h.model_copy(update=fields) if h.name == name else h for h in SNAPSHOT.hosts)
    return SNAPSHOT.model_copy(update={"hosts": hosts})


@pytest.mark.parametrize("name", EDGES)
def test_an_edge_has_a_tunnel_to_each_hub_and_no_other_peer(name: str) -> None:
    assert {t.interface: [p.name for p in t.peers] for t in of(name).tunnels} == {
        "wg1": ["tie-gw1"],
        "wg2": ["tie-gw2"],
    }


@pytest.mark.parametrize("hub", ["tie-gw1", "tie-gw2"])
def test_a_hub_has_one_tunnel_with_every_edge_for_a_peer(hub: str) -> None:
    (tunnel,) = of(hub).tunnels
    assert {p.name for p in tunnel.peers} == set(EDGES)


@pytest.mark.parametrize("name", GATEWAYS)
def test_both_ends_agree_on_port_address_and_key(name: str) -> None:
    me = SNAPSHOT.host(name)
    for tunnel in of(name).tunnels:
        for peer in tunnel.peers:
            (back,) = (t for t in of(peer.name).tunnels if t.port == tunnel.port)
            (seen,) = (p for p in back.peers if p.name == name)
            assert (seen.public_key, seen.address) == (me.wireguard_public_key, tunnel.address.ip)
            assert seen.endpoint == me.primary_address
            assert back.address.ip == peer.address


@pytest.mark.parametrize("name", GATEWAYS)
def test_no_two_peers_of_a_tunnel_may_speak_in_one_name_nor_in_the_gateways_own(name: str) -> None:
    own = (*behind(SNAPSHOT.host(name), SNAPSHOT), *(IPv4Network(a.ip) for a in SNAPSHOT.host(name).addresses))
    for tunnel in of(name).tunnels:
        for one, other in combinations(tunnel.peers, 2):
            assert not any(a.overlaps(b) for a in one.allowed for b in other.allowed)
        for peer in tunnel.peers:
            assert not any(a.overlaps(b) for a in peer.allowed for b in own)


@pytest.mark.parametrize("name", GATEWAYS)
def test_a_peer_may_speak_for_exactly_what_bgp_accepts_from_it_and_itself(name: str) -> None:
    me = SNAPSHOT.host(name)
    for peer in (p for t in of(name).tunnels for p in t.peers):
        accepted = announced(SNAPSHOT.host(peer.name), me, SNAPSHOT)
        assert set(peer.allowed) == {*accepted, IPv4Network(peer.address)}


@pytest.mark.parametrize("name", GATEWAYS)
def test_the_port_is_open_to_the_peers_outer_addresses_alone(name: str) -> None:
    for listen, tunnel in zip(listens(of(name)), of(name).tunnels, strict=True):
        assert (listen.protocol, listen.port) == ("udp", tunnel.port)
        assert {a for network in listen.sources for a in network} == {p.endpoint for p in tunnel.peers}


def test_who_has_no_public_key_yet_is_nobodys_peer_and_has_its_own_tunnels() -> None:
    fleet = changed("heb-gw1", wireguard_public_key="")
    assert "heb-gw1" not in {p.name for p in of("tie-gw1", fleet).tunnels[0].peers}
    assert of("heb-gw1", fleet).tunnels == of("heb-gw1").tunnels


def test_a_tunnel_to_somebody_in_no_network_of_ours_is_refused() -> None:
    host = SNAPSHOT.host("heb-gw1")
    with pytest.raises(SettingsError, match="heb-gw1 and tie-gw1 are both in"):
        of("heb-gw1", changed("heb-gw1", interfaces=tuple(i for i in host.interfaces if i.name != "wan0")))


def test_a_name_that_could_be_a_setting_is_refused() -> None:
    evil = "tie-gw1\nPostUp = reboot"
    hosts = tuple(h.model_copy(update={"name": evil}) if h.name == "tie-gw1" else h for h in SNAPSHOT.hosts)
    with pytest.raises(SettingsError, match="cannot name a router"):
        of("heb-gw1", SNAPSHOT.model_copy(update={"hosts": hosts}))


def test_a_wrong_port_is_refused() -> None:
    with pytest.raises(ValidationError):
        Options(port=22)


@pytest.mark.parametrize("name", GATEWAYS)
def test_no_file_holds_a_private_key(name: str) -> None:
    for tunnel in of(name).tunnels:
        text = configuration(of(name), tunnel)
        assert "PrivateKey" not in text
        assert f"PostUp = wg set %i private-key {PRIVATE_KEY}\n" in text


def test_the_firewall_believes_whom_a_tunnel_believes_and_nobody_else() -> None:
    role = Intent(SNAPSHOT).of(SNAPSHOT.host("heb-gw1"), "firewall")
    assert isinstance(role, FirewallSettings)
    assert [p.proof.interface for p in role.proven] == ["wg1", "wg2"]


@needs("wg")
@pytest.mark.parametrize("name", ["heb-gw1", "tie-gw1"])
def test_wg_accepts_the_file_and_refuses_a_spoilt_one(name: str) -> None:
    good = configuration(of(name, options=Options(keepalive_seconds=25)), of(name).tunnels[0])
    for text, accepted in (
        (good, True),
        (good.replace("AllowedIPs", "AlowedIPs"), False),
        (good.replace("PublicKey = ", "PublicKey = x"), False),
    ):
        answer = judged(WG_ACCEPTS, "/etc/wireguard/wg1.conf", text, mode="600")
        assert (answer.code == 0) is accepted, answer.output


def test_without_wg_nothing_is_refused_but_told_apart(tmp_path: Path) -> None:
    command = WG_ACCEPTS.replace("{path}", "/dev/null")
    for program in ("mktemp", "cp", "rm"):
        (tmp_path / program).symlink_to(str(shutil.which(program)))
    said = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=False, env={"PATH": str(tmp_path)})
    assert said.returncode == 127


@needs("wg")
def test_a_key_is_made_once_and_a_broken_one_anew(tmp_path: Path) -> None:
    key = tmp_path / "private.key"
    command = MAKE_KEY.replace(PRIVATE_KEY, str(key)).replace(f"chown root:root {key}", "true")

    def made() -> str:
        subprocess.run(["sh", "-c", command], check=True, capture_output=True)
        return key.read_text()

    first = made()
    assert (made(), key.stat().st_mode & 0o777) == (first, 0o600)
    key.write_text("no key\n")
    assert made() not in {first, "no key\n"}
