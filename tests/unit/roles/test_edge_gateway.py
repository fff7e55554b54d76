"""Gateways agree with each other, tell nobody what is not theirs, and FRR accepts what is written for them."""

from __future__ import annotations

import subprocess
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from pydantic import ValidationError

from inventory.fleet import Fleet, Host
from inventory.snapshot import load
from roles.edge_gateway import VTYSH_ACCEPTS, Neighbour, Options, Settings, exemptions, forwards, listens, settings
from roles.shared.intent import Intent
from roles.shared.parts.templates import render
from roles.shared.settings import SettingsError
from tests.unit.roles.judging import judged, needs

SNAPSHOT = load()
INTENT = Intent(SNAPSHOT)
GATEWAYS = tuple(h.name for h in SNAPSHOT.with_role("edge_gateway"))
HUB, SECOND = "tie-gw1", "tie-gw2"
HUBS = (HUB, SECOND)


def of(name: str, fleet: Fleet = SNAPSHOT, options: Options | None = None, intent: Intent | None = None) -> Settings:
    """Return what it is told; whoever asks of many in one fleet gives the intent that they share."""
    intent = intent or (INTENT if fleet is SNAPSHOT else Intent(fleet))
    return settings(fleet.host(name), fleet, options or Options(), intent)


def neighbour(of_host: str, name: str, fleet: Fleet = SNAPSHOT) -> Neighbour:
    return next(n for n in of(of_host, fleet).neighbours if n.name == name)


def with_hosts(fleet: Fleet, hosts: tuple[Host, ...]) -> Fleet:
    return fleet.model_copy(update={"hosts": hosts})


def without_hub() -> Fleet:
    """The fleet in which gateways meet in one network, without tunnels, whose router is no gateway of ours."""
    tunnels = {p.prefix for p in SNAPSHOT.prefixes if p.region} - {IPv4Network("10.59.0.0/24")}
    prefixes = tuple(
        p.model_copy(update={"gateway": SNAPSHOT.host("tie-adm1").interfaces[1].addresses[0].ip}) if p.region else p
        for p in SNAPSHOT.prefixes
        if p.prefix not in tunnels
    )
    return SNAPSHOT.model_copy(update={"prefixes": prefixes})


fleets = st.builds(
    lambda kept, hub: with_hosts(
        SNAPSHOT if hub else without_hub(),
        tuple(h for h in SNAPSHOT.hosts if h.name not in GATEWAYS or h.name in kept),
    ),
    st.sets(st.sampled_from(GATEWAYS)),
    st.booleans(),
)
"""The fleet with some of its gateways, with and without a hub."""


@pytest.mark.parametrize("name", sorted(set(GATEWAYS) - set(HUBS)))
def test_an_edge_speaks_with_the_hubs_and_nobody_else_and_in_tunnels_alone(name: str) -> None:
    assert [(n.name, n.interface) for n in of(name).neighbours] == [(HUB, "wg1"), (SECOND, "wg2")]
    for met in of(name).neighbours:
        assert met.address in IPv4Network(f"10.59.{met.interface[-1]}.0/24")


@pytest.mark.parametrize(("hub", "other"), [HUBS, HUBS[::-1]])
def test_a_hub_speaks_with_every_edge_in_its_sites_own_as_and_with_the_other_hub_in_theirs(
    hub: str, other: str
) -> None:
    assert {n.name: (n.asn, n.linked) for n in of(hub).neighbours} == {
        "alv-gw1": (64601, False),
        "ost-gw1": (64602, False),
        "heb-gw1": (64603, False),
        "kni-gw1": (64604, False),
        other: (64600, True),
    }
    assert of(hub).asn == 64600


@pytest.mark.parametrize("name", sorted(set(GATEWAYS) - set(HUBS)))
def test_both_directions_prefer_the_same_hub(name: str) -> None:
    first, second = of(name).neighbours
    assert first.preference > second.preference
    assert first.metric < second.metric
    assert neighbour(HUB, name).preference > neighbour(SECOND, name).preference


def test_the_hubs_tell_each_other_everything_their_tunnels_included() -> None:
    told = set(neighbour(HUB, SECOND).announces)
    assert {IPv4Network("10.59.1.0/24"), IPv4Network("10.60.10.0/24"), IPv4Network("10.63.10.0/24")} <= told
    assert IPv4Network("10.59.2.0/24") not in told
    assert told <= {p.prefix for p in SNAPSHOT.prefixes}


@pytest.mark.parametrize("name", GATEWAYS)
def test_what_is_elsewhere_is_discarded_where_bgp_has_no_way_and_what_is_here_is_not(name: str) -> None:
    wanted = of(name)
    accepted = {p for n in wanted.neighbours for p in n.accepts}
    assert set(wanted.elsewhere) == accepted - set(wanted.prefixes)
    for prefix in wanted.elsewhere:
        assert f"ip route {prefix} blackhole 254\n" in written(name)


def test_what_leaves_by_the_link_is_judged_by_the_other_hub() -> None:
    (proof,) = exemptions(of(HUB))
    assert (proof.interface, proof.judged_beyond) == ("hub0", True)
    assert exemptions(of("heb-gw1")) == ()


def test_without_a_hub_all_speak_with_all() -> None:
    fleet = without_hub()
    for name in GATEWAYS:
        others = {n.name for n in of(name, fleet).neighbours if not n.linked}
        assert others == set(GATEWAYS) - {name}


@given(fleets)
@effort(max_examples=8)
def test_what_one_end_tells_is_what_the_other_accepts(fleet: Fleet) -> None:
    intent = Intent(fleet)
    there = {h.name: of(h.name, fleet, intent=intent) for h in fleet.with_role("edge_gateway")}
    for one, wanted in there.items():
        for other in wanted.neighbours:
            back = next(n for n in there[other.name].neighbours if (n.name, n.linked) == (one, other.linked))
            assert (other.announces, other.accepts) == (back.accepts, back.announces)


@given(fleets)
@effort(max_examples=8)
def test_nobody_accepts_another_sites_word_for_its_own_prefixes_or_one_that_is_not_the_fleets(fleet: Fleet) -> None:
    known, intent = {p.prefix for p in fleet.prefixes if p.site}, Intent(fleet)
    for gateway in fleet.with_role("edge_gateway"):
        wanted = of(gateway.name, fleet, intent=intent)
        for other in wanted.neighbours:
            if other.asn == wanted.asn:
                assert set(other.accepts) <= {p.prefix for p in fleet.prefixes}
            else:
                assert set(other.accepts) <= known - set(wanted.prefixes)


def test_an_edge_announces_what_it_is_the_router_of_and_no_more() -> None:
    told = neighbour("heb-gw1", HUB).announces
    assert told == (IPv4Network("10.63.1.0/24"), IPv4Network("10.63.10.0/24"))


def test_the_hub_passes_on_what_the_others_told_it_but_not_the_way_to_the_internet() -> None:
    told = neighbour(HUB, "heb-gw1").announces
    assert {IPv4Network("10.60.10.0/24"), IPv4Network("10.61.10.0/24"), IPv4Network("10.64.1.0/24")} <= set(told)
    assert not {IPv4Network("10.59.255.0/30"), IPv4Network("10.59.0.0/24"), IPv4Network("10.63.10.0/24")} & set(told)


@pytest.mark.parametrize("name", GATEWAYS)
def test_bgp_is_open_to_the_neighbours_alone(name: str) -> None:
    (listen,) = listens(of(name))
    assert (listen.protocol, listen.port) == ("tcp", 179)
    assert {a for network in listen.sources for a in network} == {n.address for n in of(name).neighbours}


def test_a_gateway_that_is_gone_is_nobodys_neighbour() -> None:
    hosts = tuple(h.model_copy(update={"status": "offline"}) if h.name == "heb-gw1" else h for h in SNAPSHOT.hosts)
    fleet = with_hosts(SNAPSHOT, hosts)
    assert "heb-gw1" not in {n.name for n in of(HUB, fleet).neighbours}
    assert IPv4Network("10.63.10.0/24") not in neighbour("alv-gw1", HUB, fleet).accepts


def test_a_site_without_an_as_number_is_named() -> None:
    sites = tuple(s.model_copy(update={"asns": ()}) if s.slug == "heby-kommunhus" else s for s in SNAPSHOT.sites)
    with pytest.raises(SettingsError, match="heby-kommunhus") as raised:
        of(HUB, SNAPSHOT.model_copy(update={"sites": sites}))
    assert raised.value.field == "site heby-kommunhus.asns"


def test_a_name_that_could_be_a_command_is_refused() -> None:
    evil = "heb-gw1\nno router bgp"
    hosts = tuple(h.model_copy(update={"name": evil}) if h.name == "heb-gw1" else h for h in SNAPSHOT.hosts)
    with pytest.raises(SettingsError, match="cannot name a router"):
        of(HUB, with_hosts(SNAPSHOT, hosts))


def test_a_neighbour_is_not_given_up_before_three_keepalives() -> None:
    with pytest.raises(SettingsError, match="keepalives"):
        of(HUB, options=Options(keepalive_seconds=10, hold_seconds=20))
    with pytest.raises(ValidationError):
        Options(hold_seconds=0)


def test_the_firewall_is_told_what_the_gateway_lets_pass() -> None:
    assert forwards(of(HUB)) == of(HUB).passages != ()


def written(name: str, fleet: Fleet = SNAPSHOT) -> str:
    return render("edge_gateway/frr.conf.j2", settings=of(name, fleet))


@pytest.mark.parametrize("name", GATEWAYS)
def test_every_neighbour_is_filtered_in_both_directions(name: str) -> None:
    text = written(name)
    for other in of(name).neighbours:
        for direction, prefixes in (("in", other.accepts), ("out", other.announces)):
            rule = f"{other.name}-{other.interface}-{direction}"
            assert f"  neighbor {other.address} route-map {rule} {direction}\n" in text
            assert f"route-map {rule} permit 10\n match ip address prefix-list {rule}\n" in text
            permitted = [x.split()[-1] for x in text.splitlines() if x.startswith(f"ip prefix-list {rule} seq")]
            assert permitted == [str(p) for p in prefixes]


def test_a_neighbour_that_may_tell_nothing_has_a_list_that_denies_all() -> None:
    wanted = of(HUB)
    mute = wanted.neighbours[0].model_copy(update={"accepts": ()})
    text = render("edge_gateway/frr.conf.j2", settings=wanted.model_copy(update={"neighbours": (mute,)}))
    assert f"ip prefix-list {mute.rule_name}-in seq 5 deny any\n" in text


@pytest.mark.long
@needs("vtysh")
@pytest.mark.parametrize("name", GATEWAYS)
def test_frr_accepts_the_file_and_refuses_a_spoilt_one(name: str) -> None:
    for text, accepted in ((written(name), True), (written(name).replace("router bgp", "router bpg"), False)):
        answer = judged(VTYSH_ACCEPTS, "/etc/frr/frr.conf", text)
        assert (answer.code == 0) is accepted, answer.output


def test_without_vtysh_nothing_is_refused_but_told_apart(tmp_path: Path) -> None:
    command = VTYSH_ACCEPTS.replace("{path}", "/etc/frr/frr.conf")
    said = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=False, env={"PATH": str(tmp_path)})
    assert said.returncode == 127
