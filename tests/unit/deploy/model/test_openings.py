"""What a plan opens and closes is what its rulesets let in and through differently, and nothing else."""

from __future__ import annotations

from ipaddress import ip_network
from itertools import product

import pytest
from hypothesis import given
from hypothesis import settings as effort

from deploy.model.nft_listing import Listing, listing
from deploy.model.openings import NOTHING_FILTERED, Opening, compared, openings
from deploy.model.plan import Configure, HostPlan, Plan, Run, Step
from inventory.network import Network
from roles.firewall import Opening as Port
from roles.firewall import RoleForward, Settings, filters, ruleset
from roles.shared.change import Change
from roles.shared.filtering import Rule, Service
from roles.shared.traffic import ANYWHERE, Forward, Listen
from tests.unit.roles.test_firewall import everything

FLEET = (ip_network("10.60.10.0/24"),)
STATION, SCHOOLS, OFFICE = (ip_network(n) for n in ("10.60.10.250/32", "10.61.20.0/24", "10.63.10.0/24"))

PINGS = ("ip saddr { 10.60.10.0/24 } icmp type echo-request", "ip saddr @none icmp type echo-request")
HALVES = (ip_network("10.63.10.0/25"), ip_network("10.63.10.128/25"))


def listen(port: int, *sources: Network, why: str = "web", protocol: str = "tcp") -> Port:
    fields = {"protocol": protocol, "port": port, "sources": sources, "why": why}
    return Port(role="web", listen=Listen.model_validate(fields))


def forward(port: int | None, sources: tuple[Network, ...], to: tuple[Network, ...]) -> RoleForward:
    fields = {"sources": sources, "destinations": to, "protocol": "tcp" if port else None, "port": port, "why": "files"}
    return RoleForward(role="edge_gateway", forward=Forward.model_validate(fields))


def rules(*ports: Port, passages: tuple[RoleForward, ...] = ()) -> str:
    return ruleset(Settings(host="tie-web1", fleet=FLEET, openings=ports, passages=passages))


def plan(before: str | None, after: str, *hosts: str) -> Plan:
    change = Change(what="nftables ruleset", before=before, after=after)
    step = Step(
        role="firewall", name="nftables ruleset in force", intent="i", commands=(Run(text="nft"),), change=change
    )
    looked = tuple(HostPlan(host=h, municipality="tierp", steps=(step,)) for h in hosts or ("tie-web1",))
    return Plan(fleet_digest="f", fleet_source="s", code_digest="c", made_at="t", made_by="anna", hosts=looked)


def told(before: str | None, after: str, *hosts: str) -> list[str]:
    return [o.in_words for o in openings(plan(before, after, *hosts))]


def test_a_port_that_comes_is_opened_and_one_that_goes_is_closed() -> None:
    assert told(rules(listen(80, OFFICE)), rules(listen(443, SCHOOLS))) == [
        "opens: tcp/443 on tie-web1 from 10.61.20.0/24 (web: web)",
        "closes: tcp/80 on tie-web1 from 10.63.10.0/24 (web: web)",
    ]


def test_of_a_port_that_stays_open_only_what_changes_is_told() -> None:
    before, after = (
        rules(listen(22, STATION), listen(443, OFFICE)),
        rules(listen(22, STATION), listen(443, OFFICE, SCHOOLS)),
    )
    assert told(before, after) == ["opens: tcp/443 on tie-web1 from 10.61.20.0/24 (web: web)"]
    assert told(after, before) == ["closes: tcp/443 on tie-web1 from 10.61.20.0/24 (web: web)"]


def test_tcp_and_udp_of_one_number_are_two_services() -> None:
    before, after = rules(listen(53, OFFICE)), rules(listen(53, OFFICE, protocol="udp"))
    assert [line.partition(" on")[0] for line in told(before, after)] == ["opens: udp/53", "closes: tcp/53"]


@pytest.mark.parametrize(
    "after",
    [
        rules(listen(443, *HALVES)),
        rules(listen(443, OFFICE, why="another reason")),
        rules(listen(443, HALVES[0], why="a"), listen(443, HALVES[1], why="b")),
    ],
    ids=["split", "for another reason", "as two rules"],
)
def test_what_is_only_written_otherwise_opens_and_closes_nothing(after: str) -> None:
    assert told(rules(listen(443, OFFICE)), after) == []
    assert told(after, rules(listen(443, OFFICE))) == []


def test_what_a_gateway_lets_through_is_told_with_both_ends() -> None:
    before = rules(passages=(forward(443, (OFFICE,), (STATION,)),))
    after = rules(passages=(forward(443, (OFFICE, SCHOOLS), (STATION,)),))
    assert told(before, after) == [
        "opens: tcp/443 through tie-web1 from 10.61.20.0/24 to 10.60.10.250 (edge_gateway: files)"
    ]


def test_what_everything_includes_is_not_opened_again() -> None:
    before = rules(passages=(forward(None, (OFFICE,), (STATION,)),))
    after = rules(passages=(forward(None, (OFFICE,), (STATION,)), forward(443, (OFFICE,), (STATION,))))
    assert told(before, after) == []


def test_the_same_of_many_hosts_is_told_once() -> None:
    (line,) = told(rules(), rules(listen(22, STATION)), "a", "b")
    assert line == "opens: tcp/22 on a, b from 10.60.10.250 (web: web)"


def test_a_host_that_filtered_nothing_has_everything_else_closed() -> None:
    (line,) = told("\n", rules(listen(22, STATION)))
    assert line == f"closes: everything else on tie-web1 from anywhere ({NOTHING_FILTERED})"


def test_a_host_without_nft_and_one_with_others_rules_are_not_known_before() -> None:
    (line,) = told(None, rules(listen(22, STATION)))  # what it lets in it may have let in before, or not
    assert line.startswith("not known on tie-web1: whether anything was filtered there before")
    docker = "table ip nat {\n\tchain DOCKER {\n\t\ttcp dport 8080 dnat to 172.17.0.2:80\n\t}\n}\n"
    found = told(docker, rules())
    assert "not known on tie-web1: what else was open before: others' rules were in force" in found
    assert "not known on tie-web1: a rule goes: table ip nat DOCKER: tcp dport 8080 dnat to 172.17.0.2:80" in found


def test_a_rule_by_hand_that_goes_is_closed_if_it_is_understood_and_shown_if_not() -> None:
    by_hand = "        tcp dport 8080 accept\n        ip saddr @friends meta mark 7 accept\n"
    wanted = rules(listen(22, STATION))
    before = wanted.replace("        fib daddr type", f"{by_hand}        fib daddr type")
    assert told(before, wanted) == [
        "closes: tcp/8080 on tie-web1 from anywhere over IPv4",
        "closes: tcp/8080 on tie-web1 from anywhere over IPv6",
        "not known on tie-web1: a rule goes: table inet samdrift input: ip saddr @friends meta mark 7 accept",
    ]


def test_a_device_s_configuration_is_not_read() -> None:
    step = Step(role="r", name="c", intent="i", commands=(Configure(platform="junos", entries=("set x",)),))
    made = plan(None, "").model_copy(update={"hosts": (HostPlan(host="heb-sw1", municipality="heby", steps=(step,)),)})
    assert [o.in_words for o in openings(made)] == [
        "not known on heb-sw1: what the configuration opens and closes: read its lines"
    ]


AS_NFT_LISTS_IT = """\
table inet samdrift {
\tchain input {
\t\ttype filter hook input priority filter; policy drop;
\t\tip saddr { 10.59.0.0/23, 10.59.2.0/24,
\t\t\t   10.60.1.2-10.60.1.5 } udp dport 53 accept comment "dns_resolver: DNS"
\t\tip saddr 10.60.10.250 tcp dport 22 accept comment "base: SSH"
\t\tip6 saddr 2001:db8::/64 icmpv6 type echo-request limit rate 50/second burst 50 packets accept comment "ping"
\t}

\tchain forward {
\t\ttype filter hook forward priority filter; policy drop;
\t\toifname "hub0" accept
\t\tip saddr 10.63.10.0/24 ip daddr 10.60.10.11 meta l4proto { tcp, udp } th dport 53 accept
\t}
}
"""


def test_a_ruleset_is_read_as_nft_lists_it() -> None:
    found = listing(AS_NFT_LISTS_IT)
    assert (found.unread, found.drops_the_rest) == ((), True)
    assert [r.service for r in found.lets_in] == [
        Service(protocol="udp", port=53),
        Service(protocol="tcp", port=22),
        Service(protocol="icmp"),
    ]
    assert {*found.lets_in[0].sources} == {
        *map(ip_network, ("10.59.0.0/23", "10.59.2.0/24", "10.60.1.2/31", "10.60.1.4/31"))
    }
    assert [(r.leaves_by, r.port) for r in found.lets_through] == [("hub0", None), ("hub0", None), ("", 53)]


def test_what_comes_into_a_host_that_had_no_rule_at_all_is_not_told_as_passing_through() -> None:
    nothing = Listing(drops=frozenset({"input", "forward"}))
    (opening,) = compared(nothing, listing(rules(listen(443, OFFICE)).replace(*PINGS)))
    assert (opening.kind, opening.destinations) == ("opens", ())


def test_a_comment_may_say_anything_and_hides_no_rule_behind_it() -> None:
    text = AS_NFT_LISTS_IT.replace('"base: SSH"', '"a { b } { # accept"')
    assert listing(text).unread == ()
    assert len(listing(text).lets_in) == len(listing(AS_NFT_LISTS_IT).lets_in)


def _meant(of: tuple[Rule, ...]) -> set[tuple[object, ...]]:
    parts = set()
    for rule, version in product(of, (4, 6)):
        ends = [tuple(n for n in side if n.version == version) for side in (rule.sources, rule.destinations)]
        if rule.destinations == ANYWHERE or rule.leaves_by or all(ends):
            parts.add((ends[0], ends[1], rule.protocol, rule.port, rule.leaves_by))
    return {p for p in parts if p[0]}


@given(everything)
def test_whatever_roles_declare_is_read_from_its_ruleset_as_it_was_meant(wanted: Settings) -> None:
    found, meant = listing(ruleset(wanted)), filters(wanted)
    assert _meant(found.lets_in) == _meant(meant.lets_in)
    assert _meant(found.lets_through) == _meant(meant.lets_through)


@given(everything, everything)
@effort(max_examples=20)
def test_what_is_opened_was_closed_before_and_is_open_after_and_the_other_way_round(
    old: Settings, new: Settings
) -> None:
    before, after = listing(ruleset(old)), listing(ruleset(new))
    for opening in compared(before, after):
        has, lacks = (after, before) if opening.kind == "opens" else (before, after)
        assert _admitted(has, opening), opening
        assert not _admitted(lacks, opening), opening
    assert list(compared(before, before)) == []


def _admitted(of: Listing, opening: Opening) -> bool:
    """Whether the first address of what is told is let in, or through, for the service that is told."""
    source = ip_network(opening.sources[0].network_address)
    to = ip_network(opening.destinations[0].network_address) if opening.destinations else _same_family(source)
    of_chain = of.lets_through if opening.destinations else of.lets_in
    return any(rule.admits((source,), to, _service(opening.service)) for rule in of_chain)


def _service(told_: str) -> Service:
    """A service that is told; of all ports, or all protocols, one that no rule names."""
    protocol, _, port = told_.partition("/")
    protocol = {"ping": "icmp", "everything": "vrrp"}.get(protocol, protocol)
    return Service.model_validate(
        {"protocol": protocol, "port": None if protocol in {"icmp", "vrrp"} else int(port or 0)}
    )


def _same_family(network: Network) -> Network:
    return ip_network("192.0.2.1/32" if network.version == 4 else "2001:db8::1/128")
