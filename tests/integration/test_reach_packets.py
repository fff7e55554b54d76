"""What a host is said to let in and through is what nftables does with packets that are sent: of the shipped fleet's
hosts, and of whatever roles might declare, in both families.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network
from itertools import product
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from deploy.model.nft_listing import listing
from deploy.model.openings import compared
from inventory.network import Address, Network
from inventory.paths import CODE
from inventory.snapshot import load
from roles.firewall import Settings, filters, ruleset
from roles.shared.filtering import Rule, Service
from roles.shared.intent import Intent
from tests.network_namespace import ALONE, NEEDS_NFT
from tests.unit.roles import both_families
from tests.unit.roles.test_firewall import everything

pytestmark = NEEDS_NFT
PATH = f"/usr/sbin:/usr/bin:/sbin:/bin:{os.environ['PATH']}"
MOST = 150
"""Packets that are sent at one ruleset."""
PINGS = 20
"""Of those, pings: more in a second are dropped, whoever sends them."""


class Packet(NamedTuple):
    source: str
    destination: str
    protocol: str
    port: int | None

    @property
    def service(self) -> Service:
        return Service.model_validate({"protocol": self.protocol, "port": self.port})


class Case(NamedTuple):
    """A ruleset, what is said of it, and the packets that are sent: to these addresses, or through to others."""

    settings: Settings
    own: tuple[str, ...]
    leaves_by: str
    packets: tuple[Packet, ...]

    @property
    def said(self) -> set[Packet]:
        """What is said to come in, or through."""
        judged = filters(self.settings)
        rules = judged.lets_in if self.own else judged.lets_through
        return {p for p in self.packets if any(_admits(rule, p, "" if self.own else self.leaves_by) for rule in rules)}


def _admits(rule: Rule, packet: Packet, leaves_by: str) -> bool:
    source, destination = ip_network(packet.source), ip_network(packet.destination)
    return bool(rule.admits((source,), destination, packet.service, leaves_by))


def came(cases: Iterable[Case]) -> list[set[Packet]]:
    """What came, by nftables and nothing of ours."""
    given_ = [
        {
            "ruleset": ruleset(c.settings),
            "own": c.own,
            "beyond": [] if c.own else sorted({p.destination for p in c.packets}),
            "leaves_by": c.leaves_by,
            "packets": c.packets,
        }
        for c in cases
    ]
    done = subprocess.run(
        [*ALONE, sys.executable, "-m", "tests.integration.judged_by_nft"],
        cwd=CODE,
        input=json.dumps(given_),
        env={"PATH": PATH},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [{Packet(*packet) for packet in found} for found in json.loads(done.stdout)]


def _edges(of: Iterable[Network]) -> Iterator[Address]:
    """The first and last address of networks, and those beside them."""
    for network in of:
        first, last = int(network.network_address), int(network.broadcast_address)
        most = 2**network.max_prefixlen - 1
        for number in (first - 1, first, first + (last - first) // 3, last, last + 1):
            if 0 <= number <= most:
                address = ip_address(number) if network.version == 4 else ip_address(number.to_bytes(16, "big"))
                if _is_sent(address):
                    yield address


def _is_sent(address: Address) -> bool:
    """Whether the kernel sends from there and to there, whatever a ruleset says."""
    odd = address.is_multicast or address.is_loopback or address.is_unspecified or address.is_link_local
    return not odd and (address.version == 6 or 2**24 <= int(address) < 224 * 2**24) and not _is_mapped(address)


def _is_mapped(address: Address) -> bool:
    return address.version == 6 and (
        int(address) < 2**96 or int(address) >> 121 == 0xFC >> 1 or int(address) >> 120 >= 0xFE
    )


def _services(rules: Iterable[Rule]) -> list[Service]:
    found = {Service(protocol=p, port=r.port) for r in rules for p in ("tcp", "udp") if r.port is not None}
    beside = {Service(protocol="tcp", port=25), Service(protocol="udp", port=40_000), Service(protocol="icmp")}
    return sorted({*found, *beside}, key=str)


def _packets(sources: Iterable[Address], to: Iterable[Address], services: Iterable[Service]) -> tuple[Packet, ...]:
    """Packets of every kind, evenly chosen if there are too many: to each destination, from nobody who is one."""
    ends, served = list(dict.fromkeys(to)), list(services)
    from_ = [a for a in dict.fromkeys(sources) if a not in ends]
    every = [
        Packet(str(s), str(d), x.protocol, x.port) for x, d, s in product(served, ends, from_) if s.version == d.version
    ]
    pings = [p for p in every if p.protocol == "icmp"]
    others = [p for p in every if p.protocol != "icmp"]
    return (*others[:: max(1, -(-len(others) // MOST))], *pings[:: max(1, -(-len(pings) // PINGS))])


def _aimed(rules: Iterable[Rule], own: Iterable[Address] = ()) -> Iterator[Packet]:
    """One packet that each rule is about, which an earlier one may have let in already."""
    here = tuple(own)
    for rule in rules:
        to = here or [n.network_address + n.num_addresses // 3 for n in rule.destinations[:2]]
        protocol = rule.protocol or "udp"
        port = None if protocol == "icmp" else rule.port or 7777
        for source, destination in product(_edges(rule.sources[:1]), to):
            if source.version == destination.version and _is_sent(destination) and protocol in {"tcp", "udp", "icmp"}:
                yield Packet(str(source), str(destination), protocol, port)


def _case(settings: Settings, own: tuple[str, ...], leaves_by: str, packets: Iterable[Packet]) -> Case:
    """A case of these packets. No address is a source and a destination: the way back to it would be another."""
    chosen: dict[Packet, None] = {}
    sources: set[str] = set()
    ends = set(own)
    for packet in packets:
        if packet.source not in {*ends, packet.destination} and packet.destination not in sources:
            chosen[packet] = None
            sources.add(packet.source)
            ends.add(packet.destination)
    return Case(settings, own, leaves_by, tuple(chosen))


def _in(settings: Settings, own: Iterable[Address]) -> Case:
    here = [a for a in own if _is_sent(a)]
    rules = filters(settings).lets_in
    sources = _edges(n for rule in rules for n in rule.sources)
    packets = (*_aimed(rules, here), *_packets(sources, here, _services(rules)))
    return _case(settings, tuple(map(str, here)), "", packets)


def _through(settings: Settings, leaves_by: str = "out0") -> Case:
    rules = [r for r in filters(settings).lets_through if not r.leaves_by]
    ends = list(_edges(n for rule in rules for n in rule.destinations))[::3][:12]
    sources = _edges(n for rule in rules for n in rule.sources)
    return _case(settings, (), leaves_by, (*_aimed(rules), *_packets(sources, ends, _services(rules))))


FLEETS = (load(), both_families.fleet())
OF_HOSTS = tuple(
    (host, settings)
    for fleet in FLEETS
    for intent in [Intent(fleet)]
    for host in fleet.with_role("firewall")
    if isinstance(settings := intent.of(host, "firewall"), Settings)
)


@pytest.fixture(scope="module")
def of_the_fleets() -> list[tuple[str, Case, set[Packet]]]:
    """Every host's ruleset, with what came of the packets that were sent to it, and through it if it is a gateway."""
    cases = []
    for host, settings in OF_HOSTS:
        cases.append((f"{host.name}, in", _in(settings, (a.ip for a in host.addresses))))
        if settings.passages:
            through = _through(settings)
            cases.append((f"{host.name}, through", through))
            if any(p.proof.judged_beyond for p in settings.proven):
                cases.append((f"{host.name}, by the link", through._replace(leaves_by="hub0")))
    return [(name, case, found) for (name, case), found in zip(cases, came(c for _, c in cases), strict=True)]


def test_what_hosts_of_fleets_are_said_to_let_in_and_through_comes_in_and_through_and_nothing_else(
    of_the_fleets: list[tuple[str, Case, set[Packet]]],
) -> None:
    wrong = {name: _told(case, found) for name, case, found in of_the_fleets if case.said != found}
    assert wrong == {}


def test_of_each_host_there_are_packets_that_come_and_packets_that_do_not(
    of_the_fleets: list[tuple[str, Case, set[Packet]]],
) -> None:
    for name, case, found in of_the_fleets:
        assert found, name
        assert name.endswith("by the link") or set(case.packets) - found, name
    sent = {p for _, case, _ in of_the_fleets for p in case.packets}
    assert {ip_address(p.source).version for p in sent} == {4, 6}
    assert {p.protocol for p in sent} == {"tcp", "udp", "icmp"}


HOST = tuple(map(ip_address, ("10.60.10.11", "2001:db8:60:10::11")))


@given(st.lists(everything, min_size=6, max_size=10))
@effort(max_examples=4, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
def test_whatever_roles_declare_is_judged_as_nftables_judges_it(wanted: list[Settings]) -> None:
    cases = [case for settings in wanted for case in (_in(settings, HOST), _through(settings)) if case.packets]
    for case, found in zip(cases, came(cases), strict=True):
        assert case.said == found, _told(case, found)


LIST = "nft -f /dev/stdin && nft -s list ruleset && echo ---- && nft flush ruleset"


def test_a_ruleset_that_nft_lists_is_read_as_its_role_meant_it() -> None:
    texts = [ruleset(settings) for _, settings in OF_HOSTS]
    each = "\n".join(f"cat <<'END' | ( {LIST} )\n{text}\nEND" for text in texts)
    done = subprocess.run([*ALONE, "sh", "-ec", each], env={"PATH": PATH}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    listed = done.stdout.split("----\n")
    for (host, settings), text, own in zip(OF_HOSTS, listed, texts, strict=False):
        found, meant = listing(text), filters(settings)
        assert found.drops_the_rest, host.name
        assert _parts(found.lets_in) == _parts(meant.lets_in), host.name
        assert _parts(found.lets_through) == _parts(meant.lets_through), host.name
        assert list(compared(found, listing(own))) == list(compared(listing(own), found)) == [], host.name
    assert len(listed) == len(OF_HOSTS) + 1


def _parts(rules: Iterable[Rule]) -> set[tuple[object, ...]]:
    """What rules admit, each family by itself; destinations of what comes in are the host."""
    return {
        (sources, to, rule.protocol, rule.port, rule.leaves_by)
        for rule in rules
        for version in (4, 6)
        if (sources := tuple(n for n in rule.sources if n.version == version))
        and (to := tuple(n for n in rule.destinations if n.version == version))
    }


def _told(case: Case, found: set[Packet]) -> dict[str, Any]:
    return {"said alone": sorted(case.said - found, key=str)[:3], "came alone": sorted(found - case.said, key=str)[:3]}
