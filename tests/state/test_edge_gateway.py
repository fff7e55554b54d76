"""Role edge_gateway: FRR runs what its file says, speaks with whom it should, and the kernel has the routes.

A neighbour that does not speak BGP (cut off, or not set up yet) is that host's finding, not this one's: no session
with it is asked for.
"""

from __future__ import annotations

import json
import shlex
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from roles.edge_gateway import (
    CHANGED,
    FORWARDING,
    HAVE_A_SESSION,
    SANDBOX,
    SHOWN,
    SPEAK,
    SUMMARY,
    UNIT,
    Neighbour,
    Settings,
)

LOOPBACK = "127.0.0.1"
DAEMONS = ("zebra", "mgmtd", "bgpd", "staticd")


def peers(host: Any) -> dict[IPv4Address, dict[str, Any]]:
    """The neighbours that bgpd has for whatever it speaks of with them, by address."""
    found = json.loads(host.check_output(SHOWN.format(what="bgp neighbors json")))
    return {IPv4Address(a): peer for a, peer in found.items() if isinstance(peer, dict)}


def speaking(host: Any, settings: Settings) -> list[Neighbour]:
    """The neighbours that speak BGP at all: they answer at its port within a second, all asked at once."""
    # Its own bgpd must answer: where nobody can be asked, nobody answers either.
    said = host.check_output(
        SPEAK.format(words=" ".join((LOOPBACK, *(str(n.address) for n in settings.neighbours))))
    ).split()
    assert LOOPBACK in said
    return [n for n in settings.neighbours if str(n.address) in said]


def until(conditions: list[str]) -> str:
    """A shell command that waits until all of these hold, at most 15 seconds, and not at all if they do."""
    all_hold = " && ".join(conditions) or "true"
    return f"timeout 15 sh -c {shlex.quote(f'until {all_hold}; do sleep 1; done')}"


def established(host: Any, settings: Settings) -> list[Neighbour]:
    """The neighbours with a session. Waits where one that should be is not yet."""
    there = " ".join(str(n.address) for n in speaking(host, settings))
    peers = json.loads(host.check_output(HAVE_A_SESSION.format(words=there) if there else SUMMARY))["peers"]
    return [n for n in settings.neighbours if peers.get(str(n.address), {}).get("state") == "Established"]


def routes(host: Any) -> dict[IPv4Network, dict[str, Any]]:
    """The kernel's routes, by destination."""
    found = json.loads(host.check_output("ip -4 -json route show"))
    return {IPv4Network(r["dst"]): r for r in found if r["dst"] != "default"}


def test_frr_runs_and_is_enabled(unit: Any) -> None:
    assert unit(UNIT) == ("active", "enabled")


def test_its_service_may_do_what_it_needs_and_nothing_else(violations: Any) -> None:
    assert violations(SANDBOX) == []


def test_all_its_daemons_are_up(host: Any) -> None:
    watched = [line.split() for line in host.check_output(SHOWN.format(what="watchfrr")).splitlines()]
    up = {words[0] for words in watched if words[1:2] == ["Up"]}
    assert up == set(DAEMONS)


def test_what_runs_is_what_is_written(host: Any) -> None:
    changes = host.check_output(CHANGED)
    assert changes.strip() == "", "FRR was told something that its file does not say, or has not read its file"


def test_it_has_exactly_the_fleets_neighbours(host: Any, settings: Settings) -> None:
    assert {a: p["remoteAs"] for a, p in peers(host).items()} == {n.address: n.asn for n in settings.neighbours}


def test_it_has_a_session_with_every_neighbour_that_speaks_bgp(host: Any, settings: Settings) -> None:
    there = speaking(host, settings)
    if not there:
        pytest.skip("not applicable: no neighbour speaks BGP, which is those hosts' finding")
    having = established(host, settings)
    assert not [n.name for n in there if n not in having]


def test_its_own_prefixes_are_connected(host: Any, settings: Settings) -> None:
    connected = {dst for dst, route in routes(host).items() if route.get("protocol") == "kernel"}
    assert set(settings.prefixes) <= connected


def test_the_kernel_has_the_routes_of_every_session_by_the_preferred_neighbour(host: Any, settings: Settings) -> None:
    """By that of the highest rank; another than the first hub may leave to it what both reach, by the link."""
    having = established(host, settings)
    there = [n for n in speaking(host, settings) if n in having]
    if not there:
        pytest.skip("not applicable: there is a session with no neighbour")
    best = {p: n for n in sorted(there, key=lambda n: -n.rank) if not n.linked for p in n.own}
    by_bgp = "ip -4 route show {} proto bgp | grep -Eq 'via ({}) '"
    if not best:
        pytest.skip("not applicable: no neighbour with a session has a prefix of its own")
    expected = [
        by_bgp.format(prefix, "|".join(str(a) for a in (n.address, *(x.address for x in there if x.linked and n.rank))))
        for prefix, n in best.items()
    ]
    waited = host.run(until(expected))
    assert waited.rc == 0, f"the kernel has {sorted(map(str, routes(host)))}"


def test_bgp_brought_no_route_that_is_not_the_fleets(host: Any, settings: Settings) -> None:
    allowed = {prefix for n in settings.neighbours for prefix in n.accepts}
    assert not {dst for dst, r in routes(host).items() if r.get("protocol") == "bgp"} - allowed


def test_what_bgp_knows_no_way_to_is_discarded(host: Any, settings: Settings) -> None:
    discarded = {
        IPv4Network(prefix)
        for prefix, ways in json.loads(host.check_output(SHOWN.format(what="ip route static json"))).items()
        if any(hop.get("blackhole") for way in ways for hop in way["nexthops"])
    }
    assert discarded == set(settings.elsewhere)


def test_the_kernel_forwards(host: Any) -> None:
    for key, value in FORWARDING.items():
        assert host.check_output(f"sysctl -n {key}") == value


PROVES = {
    "configuration": ("what runs is what is written",),
    "hardening": ("its service may do what it needs and nothing else",),
    "network": (
        "frr runs and is enabled",
        "all its daemons are up",
        "it has exactly the fleets neighbours",
        "it has a session with every neighbour that speaks bgp",
        "its own prefixes are connected",
        "the kernel has the routes of every session by the preferred neighbour",
        "bgp brought no route that is not the fleets",
        "what bgp knows no way to is discarded",
        "the kernel forwards",
    ),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "frr runs and is enabled": "frr är igång och startar med värden",
    "its service may do what it needs and nothing else": "tjänsten får göra vad den behöver och inget annat",
    "all its daemons are up": "alla dess processer är uppe",
    "what runs is what is written": "det som gäller är det som är skrivet",
    "it has exactly the fleets neighbours": "den har precis de grannar som beståndet har",
    "it has a session with every neighbour that speaks bgp": "den har en session med varje granne som talar BGP",
    "its own prefixes are connected": "de egna näten är anslutna",
    "the kernel has the routes of every session by the preferred neighbour": (
        "kärnan har varje sessions rutter genom den föredragna grannen"
    ),
    "bgp brought no route that is not the fleets": "BGP har inte tagit med någon rutt utanför beståndet",
    "what bgp knows no way to is discarded": "det som BGP inte vet någon väg till kastas",
    "the kernel forwards": "kärnan skickar vidare trafik",
}
"""What its checks are called in a Swedish report."""
