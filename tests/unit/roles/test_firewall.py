"""Whatever roles declare: the default stays drop, each port opens exactly as declared, and nft accepts the whole."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from ipaddress import IPv4Network, IPv6Interface, IPv6Network, ip_network
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from inventory.fleet import Fleet
from inventory.network import Network, Prefix
from roles.firewall import Opening, RoleExemption, RoleForward, Settings, ruleset
from roles.shared.intent import Intent
from roles.shared.settings import SettingsError
from roles.shared.traffic import ANYWHERE, ANYWHERE6, Forward, Listen, ReversePathExemption, fleet_networks, networks

FLEET = (IPv4Network("10.59.0.0/24"), IPv4Network("10.60.10.0/24"))
FLEET6 = (IPv6Network("2001:db8:59::/64"), IPv6Network("2001:db8:60:10::/64"))
LOAD_AND_LIST = "nft -f /dev/stdin && nft -s list ruleset"

addresses4 = st.builds(
    lambda address, length: IPv4Network((address, length), strict=False),
    st.integers(0, 2**32 - 1),
    st.integers(1, 32),
)
addresses6 = st.builds(
    lambda address, length: IPv6Network((address, length), strict=False),
    st.integers(0, 2**128 - 1),
    st.integers(1, 128),
)
sources = st.one_of(
    st.just(ANYWHERE),
    *(st.just((every,)) for every in ANYWHERE),
    st.lists(addresses4 | addresses6, max_size=5).map(tuple),
)
ports = st.integers(1, 65535)
listen = st.builds(Listen, protocol=st.sampled_from(["tcp", "udp"]), port=ports, sources=sources, why=st.text())
openings = st.lists(st.builds(Opening, role=st.sampled_from(["base", "time"]), listen=listen), max_size=12).map(tuple)
forward = st.builds(
    Forward,
    sources=sources,
    destinations=sources,
    protocol=st.sampled_from(["tcp", "udp", "icmp", None]),
    port=st.one_of(st.none(), ports),
    why=st.text(),
)
passages = st.lists(st.builds(RoleForward, role=st.just("edge_gateway"), forward=forward), max_size=8).map(tuple)
everything = st.builds(
    Settings,
    host=st.just("tie-x"),
    ipv6=st.booleans(),
    fleet=st.sampled_from([FLEET, FLEET6, FLEET + FLEET6]),
    openings=openings,
    passages=passages,
)


def chain(text: str, name: str) -> list[str]:
    """The lines of one chain."""
    body = text.split(f"chain {name} {{")[1].split("\n    }", maxsplit=1)[0]
    return [line.strip() for line in body.splitlines()]


def of(*listens: Listen, forwards: tuple[Forward, ...] = ()) -> str:
    openings = tuple(Opening(role="base", listen=x) for x in listens)
    passages = tuple(RoleForward(role="edge_gateway", forward=x) for x in forwards)
    return ruleset(Settings(host="tie-x", fleet=FLEET, openings=openings, passages=passages))


@given(everything)
def test_input_and_forwarding_are_dropped_by_default(wanted: Settings) -> None:
    text = ruleset(wanted)
    for hook in ("input", "forward"):
        (policy,) = (line for line in chain(text, hook) if line.startswith("type filter"))
        assert policy == f"type filter hook {hook} priority filter; policy drop;"
    assert text.count("flush ruleset") == 1


@given(everything)
def test_each_declared_port_is_opened_once_for_each_set_of_sources(wanted: Settings) -> None:
    declared = {
        (o.listen.protocol, o.listen.port, of_family)
        for o in wanted.openings
        for version in (4, 6)
        if (of_family := networks(n for n in o.listen.sources if n.version == version))
    }
    opened = [line for line in chain(ruleset(wanted), "input") if " dport " in line]
    found = []
    for line in opened:
        source = r"(?:meta nfproto (?P<every>ipv[46])|(?P<family>ip6?) saddr \{ (?P<nets>.+?) \})"
        match = re.match(source + r" (?P<protocol>tcp|udp) dport (?P<port>\d+) accept comment \"", line)
        assert match, line
        if match["every"]:
            from_: tuple[Network, ...] = tuple(n for n in ANYWHERE if match["every"] == f"ipv{n.version}")
        else:
            from_ = tuple(map(ip_network, match["nets"].split(", ")))
            assert {n.version for n in from_} == {6 if match["family"] == "ip6" else 4}
        found.append((match["protocol"], int(match["port"]), from_))
    assert len(found) == len(set(found))
    assert set(found) == declared


@given(everything)
def test_no_text_of_the_inventory_leaves_its_comment(wanted: Settings) -> None:
    for line in ruleset(wanted).splitlines():
        for said in re.findall(r'comment "([^"]*)"', line):
            assert re.fullmatch(r"[A-Za-z0-9 åäöÅÄÖ.,:;_/-]*", said.replace("; ", "  "))
            assert len(said.encode()) <= 128


@given(everything)
def test_the_same_settings_give_the_same_text(wanted: Settings) -> None:
    turned = wanted.model_copy(update={"openings": wanted.openings[::-1], "passages": wanted.passages[::-1]})
    assert ruleset(turned) == ruleset(wanted)


def nft_says(text: str, script: str = LOAD_AND_LIST) -> subprocess.CompletedProcess[str]:
    """What the real nft says of it, in a network namespace of its own."""
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", *as_root, "--net", "sh", "-c", script]
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False, env=environment)


needs_nft = pytest.mark.skipif(
    shutil.which("nft", path="/usr/sbin:/usr/bin") is None or nft_says("flush ruleset\n").returncode != 0,
    reason="nft is not installed here, or may not make a network namespace",
)


@pytest.mark.long
@needs_nft
@effort(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(everything)
def test_nft_accepts_whatever_roles_declare(wanted: Settings) -> None:
    said = nft_says(ruleset(wanted))
    assert said.returncode == 0, said.stderr


@needs_nft
def test_what_nft_lists_can_be_loaded_again_and_lists_the_same() -> None:
    ssh = Listen(protocol="tcp", port=22, sources=FLEET, why='åäö "; accept # \\')
    first = nft_says(of(ssh, Listen(protocol="tcp", port=80, sources=ANYWHERE, why="")))
    again = nft_says(first.stdout)
    assert (first.returncode, again.returncode) == (0, 0)
    assert again.stdout == first.stdout


@needs_nft
def test_a_ruleset_that_is_refused_leaves_the_old_one_in_force(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text(of(Listen(protocol="tcp", port=22, sources=FLEET, why="SSH")), encoding="utf-8")
    # nft reads all of it and the kernel refuses the last line, after the flush
    bad.write_text(of() + "delete table inet no_such_table\n", encoding="utf-8")
    script = f"nft -f {good} && nft -s list ruleset; echo ====; ! nft -f {bad} 2>/dev/null && nft -s list ruleset"
    before, after = nft_says("", script).stdout.split("====\n")
    assert "dport 22" in before
    assert after == before


def test_a_port_without_sources_lets_nobody_in() -> None:
    assert "dport" not in of(Listen(protocol="tcp", port=22, sources=(), why="nobody"))


@pytest.mark.parametrize("every", ANYWHERE, ids=str)
def test_a_port_open_to_all_of_one_family_is_closed_in_the_other(every: Network) -> None:
    text = of(Listen(protocol="tcp", port=80, sources=(every,), why="all"))
    assert f'meta nfproto ipv{every.version} tcp dport 80 accept comment "base: all"' in text
    assert text.count("dport") == 1


def test_a_port_open_to_anywhere_is_open_in_both_families() -> None:
    assert of(Listen(protocol="tcp", port=80, sources=ANYWHERE, why="all")).count("dport 80 accept") == 2


def test_two_roles_with_one_port_share_a_rule_that_names_both() -> None:
    ssh = Listen(protocol="tcp", port=22, sources=FLEET, why="SSH")
    text = of(ssh, ssh.model_copy(update={"why": "git"}))
    assert 'tcp dport 22 accept comment "base: SSH  base: git"' in text


@pytest.mark.parametrize(
    ("protocol", "port", "match"),
    [
        (None, None, "ip saddr { 10.59.0.0/24 } ip daddr { 10.60.10.0/24 } accept"),
        (None, 53, "ip saddr { 10.59.0.0/24 } ip daddr { 10.60.10.0/24 } meta l4proto { tcp, udp } th dport 53 accept"),
        ("tcp", None, "ip saddr { 10.59.0.0/24 } ip daddr { 10.60.10.0/24 } meta l4proto tcp accept"),
        ("icmp", None, "ip saddr { 10.59.0.0/24 } ip daddr { 10.60.10.0/24 } meta l4proto icmp accept"),
        ("udp", 53, "ip saddr { 10.59.0.0/24 } ip daddr { 10.60.10.0/24 } udp dport 53 accept"),
    ],
)
def test_a_gateway_forwards_what_its_roles_ask_for(protocol: str | None, port: int | None, match: str) -> None:
    asked = {"sources": FLEET[:1], "destinations": FLEET[1:], "protocol": protocol, "port": port, "why": "x"}
    assert f'{match} comment "edge_gateway: x"' in of(forwards=(Forward.model_validate(asked),))


def test_a_hosts_ruleset_is_made_of_its_other_roles(small_fleet: Fleet) -> None:
    from roles.firewall import Options, settings  # noqa: PLC0415  beside `effort`, which is hypothesis' settings

    host = small_fleet.host("tie-dns1")
    found = settings(host, small_fleet, Options(), Intent(small_fleet))
    assert {o.role for o in found.openings} == {"dns_resolver"}
    assert found.fleet == fleet_networks(small_fleet)


def in_both(fleet: Fleet, name: str) -> Fleet:
    """The same fleet with a prefix of IPv6, in which a host has an address."""
    host = fleet.host(name)
    first, *others = host.interfaces
    first = first.model_copy(update={"addresses": (*first.addresses, IPv6Interface("2001:db8:60:10::11/64"))})
    changed = host.model_copy(update={"interfaces": (first, *others)})
    prefixes = (*fleet.prefixes, Prefix(prefix=FLEET6[1], site=host.site))
    hosts = tuple(changed if h.name == name else h for h in fleet.hosts)
    return fleet.model_copy(update={"hosts": hosts, "prefixes": prefixes})


def test_a_host_is_open_in_the_families_that_it_speaks_and_in_no_other(small_fleet: Fleet) -> None:
    from roles.firewall import Options, settings  # noqa: PLC0415  beside `effort`, which is hypothesis' settings

    both, before = in_both(small_fleet, "tie-dns1"), Intent(small_fleet)
    of_one, of_both = (settings(both.host(n), both, Options(), Intent(both)) for n in ("tie-dns2", "tie-dns1"))
    assert of_one == settings(small_fleet.host("tie-dns2"), small_fleet, Options(), before)
    assert "ip6 saddr { 2001:db8:60:10::/64 } udp dport 53 accept" in ruleset(of_both)
    assert "ip6 saddr { 2001:db8:60:10::/64 } icmpv6 type echo-request limit" in ruleset(of_both)


def test_a_host_with_ipv6_alone_is_open_in_it_alone(small_fleet: Fleet) -> None:
    from roles.firewall import Options, settings  # noqa: PLC0415  beside `effort`, which is hypothesis' settings

    both = in_both(small_fleet, "tie-log1")
    host = both.host("tie-log1")
    first, *_ = host.interfaces
    first = first.model_copy(update={"addresses": first.addresses[1:]})
    alone = host.model_copy(update={"interfaces": (first,), "primary_address": None})
    fleet = both.model_copy(update={"hosts": tuple(alone if h.name == "tie-log1" else h for h in both.hosts)})
    text = ruleset(settings(alone, fleet, Options(), Intent(fleet)))
    assert "ip saddr" not in text
    assert "nfproto ipv4" not in text.partition("chain input")[2]


def test_neighbour_discovery_is_let_in_from_the_link_alone_and_no_router_tells_routes() -> None:
    text = ruleset(Settings(host="tie-x", ipv6=True, fleet=FLEET6, openings=(), passages=()))
    accepted = [line for line in chain(text, "input") if "icmpv6" in line]
    assert all("hoplimit 255" in line for line in accepted if "nd-" in line)
    assert all("ip6 saddr fe80::/10 ip6 hoplimit 1 " in line for line in accepted if "mld" in line)
    assert "packet-too-big" in accepted[0]
    assert not re.search(r"redirect|router-(advert|solicit)|router-renumbering", " ".join(accepted))


def test_a_passage_joins_no_two_families() -> None:
    asked = Forward(sources=FLEET + FLEET6, destinations=(FLEET[0], FLEET6[1]), protocol="icmp", why="x")
    rules = [line for line in chain(of(forwards=(asked,)), "forward") if "daddr" in line]
    four = "ip saddr { 10.59.0.0/24, 10.60.10.0/24 } ip daddr { 10.59.0.0/24 } meta l4proto icmp"
    six = "ip6 saddr { 2001:db8:59::/64, 2001:db8:60:10::/64 } ip6 daddr { 2001:db8:60:10::/64 } meta l4proto ipv6-icmp"
    assert rules == [f'{match} accept comment "edge_gateway: x"' for match in (four, six)]
    apart = Forward(sources=FLEET, destinations=(ANYWHERE6,), why="x")
    assert "accept comment" not in "".join(chain(of(forwards=(apart,)), "forward"))


def proving(*exemptions: ReversePathExemption) -> str:
    proven = tuple(RoleExemption(role="wireguard", proof=p) for p in exemptions)
    return ruleset(Settings(host="tie-x1", fleet=(), openings=(), passages=(), proven=proven))


def test_the_way_back_is_asked_for_everywhere_but_where_it_is_proven_who_sends() -> None:
    text = proving(ReversePathExemption(interface="wg1", why="by key"))
    origin, _, rest = text.partition("chain input")
    proven, asked = origin.index('iifname "wg1" accept'), origin.index("fib saddr . iif oif missing drop")
    assert proven < asked
    assert "wg1" not in rest
    assert "iifname" not in proving().partition("chain input")[0].replace('iifname "lo"', "")


def test_what_is_judged_beyond_leaves_whatever_its_state_and_nothing_else_does() -> None:
    text = proving(ReversePathExemption(interface="hub0", judged_beyond=True, why="the other hub does"))
    forward = text.partition("chain forward")[2]
    assert forward.index('oifname "hub0" accept') < forward.index("invalid : drop")
    assert 'oifname "hub0"' not in text.partition("chain forward")[0]


@pytest.mark.parametrize("name", ['wg1" accept; #', "", "a" * 16, "wg1\n"])
def test_what_is_no_interfaces_name_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="is no interface"):
        proving(ReversePathExemption(interface=name, why="x"))


def test_vrrp_is_let_in_from_its_speakers_alone() -> None:
    listen = Listen(protocol="vrrp", sources=(IPv4Network("10.60.10.6/32"),), why="x")
    opening = (Opening(role="keepalived", listen=listen),)
    text = ruleset(Settings(host="tie-x1", fleet=(), openings=opening, passages=()))
    assert '        ip saddr { 10.60.10.6/32 } meta l4proto 112 accept comment "keepalived: x"\n' in text
