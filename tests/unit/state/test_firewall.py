"""The firewall's checks compare the ruleset in force, line by line, with what nft makes of the settings.

No real nft is asked: what it says of both is made up, in its form.
"""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from deploy.transport.batch import Answer
from roles.firewall import Settings
from tests.unit.state.conftest import MISSING, MadeUp, state_checks

FLEET = (IPv4Network("10.63.10.0/24"),)
SETTINGS = Settings(host="heb-gw1", fleet=FLEET, openings=(), passages=())
WANTED = """\
table inet samdrift {
	chain origin {
		type filter hook prerouting priority raw; policy accept;
		iifname "lo" accept
		meta nfproto ipv4 fib saddr . iif oif missing drop
	}

	chain input {
		type filter hook input priority filter; policy drop;
		ct state vmap { invalid : drop, established : accept, related : accept }
		ip saddr { 10.59.0.250, 10.60.10.250 } tcp dport 22 accept comment "base: SSH"
		ip saddr 10.60.10.14 tcp dport 9100 accept comment "node_metrics"
	}

	chain forward {
		type filter hook forward priority filter; policy drop;
		ip saddr 10.63.10.0/24 ip daddr 10.60.10.11 tcp dport 53 accept comment "DNS"
	}
}
"""
SOURCES = "exactly_the_declared_sources_reach_exactly_the_declared_ports"
FORWARDED = "exactly_the_declared_traffic_is_forwarded"
ORIGIN = "nobody_speaks_in_the_name_of_an_address_that_is_reached_another_way"
ONE, DROPPED = "there_is_one_ruleset_and_it_is_ours", "everything_is_dropped_that_no_rule_accepts"
BOOT = "the_ruleset_comes_back_at_boot"
CHECKS = (DROPPED, ONE, SOURCES, FORWARDED, ORIGIN, BOOT)


def outcomes(
    live: str | Answer = WANTED, wanted: str | Answer = WANTED, at_boot: str | Answer = WANTED, unit: str = "enabled"
) -> dict[str, str]:
    """What becomes of each check where nft says this."""
    host = MadeUp(
        {
            "cat /etc/nftables.conf": at_boot,
            "nft -f /dev/stdin": wanted,
            "nft -s list ruleset": live,
            "is-enabled": f"active\n{unit}\n",
            "show -p ExecStart": "ExecStart={ argv[]=/usr/sbin/nft -f /etc/nftables.conf ; }\n",
        }
    )
    module = state_checks("firewall")
    return {check: host.outcome(getattr(module, f"test_{check}"), SETTINGS) for check in CHECKS}


def failed(**said: str | Answer) -> list[str]:
    return [check for check, outcome in outcomes(**said).items() if outcome != "passed"]  # type: ignore[arg-type]


def without(line: str) -> str:
    """The wanted ruleset without the lines in which this stands."""
    return "".join(one for one in WANTED.splitlines(keepends=True) if line not in one)


def test_a_ruleset_as_it_should_be_passes_every_check() -> None:
    assert failed() == []


@pytest.mark.parametrize("answer", [MISSING, "", "\n", Answer(rc=1, stdout="", stderr="Operation not permitted")])
def test_where_nft_is_missing_or_says_nothing_every_check_of_what_is_in_force_fails(answer: str | Answer) -> None:
    assert failed(live=answer) == [DROPPED, ONE, SOURCES, FORWARDED, ORIGIN]


@pytest.mark.parametrize("answer", [MISSING, "", Answer(rc=1, stdout="", stderr="Operation not permitted")])
def test_where_nft_does_not_say_what_should_be_nothing_is_as_it_should_be(answer: str | Answer) -> None:
    assert failed(wanted=answer) == [ONE, SOURCES, FORWARDED, ORIGIN, BOOT]
    assert failed(live="", wanted="", at_boot="") == list(CHECKS)


@pytest.mark.parametrize(
    ("live", "check"),
    [
        (WANTED.replace("{ 10.59.0.250,", "{ 10.59.0.250, 192.0.2.1,"), SOURCES),
        (WANTED.replace("10.59.0.250, ", ""), SOURCES),
        (WANTED.replace("ip saddr 10.60.10.14 tcp dport 9100", "tcp dport 9100"), SOURCES),
        (WANTED.replace("dport 22", "dport 23"), SOURCES),
        (without("dport 22"), SOURCES),
        (without("dport 53"), FORWARDED),
        (WANTED.replace("ip daddr 10.60.10.11 ", ""), FORWARDED),
        (WANTED.replace("ip saddr 10.63.10.0/24 ip daddr", "ip saddr 10.62.10.0/24 ip daddr"), FORWARDED),
        (WANTED.replace('comment "DNS"', 'comment "DNS"\n\t\tip saddr 192.0.2.1 accept'), FORWARDED),
        (without("fib saddr"), ORIGIN),
        (WANTED.replace('iifname "lo"', 'iifname { "lo", "wan0" }', 1), ORIGIN),
        (WANTED + "table ip nat {\n}\n", ONE),
        (WANTED.replace("\tchain input", "\tset s {\n\t\ttype ipv4_addr\n\t}\n\n\tchain input"), ONE),
    ],
    ids=[
        "a source too many",
        "a source too few",
        "every source",
        "another port",
        "a port that nobody reaches",
        "a forwarded service that is not",
        "forwarded to everywhere",
        "forwarded for another municipality",
        "forwarded, and not declared",
        "any sender believed",
        "an interface too many believed",
        "another table",
        "a set",
    ],
)
def test_one_difference_in_force_fails_the_check_that_is_about_it_and_no_other(live: str, check: str) -> None:
    assert live != WANTED
    assert failed(live=live) == [check]


@pytest.mark.parametrize("chain", ["input", "forward"])
def test_a_chain_that_accepts_what_no_rule_names_fails_whatever_should_be(chain: str) -> None:
    begun = f"type filter hook {chain} priority filter; policy drop;"
    assert DROPPED in failed(live=WANTED.replace(begun, begun.replace("drop", "accept")))
    accepting = WANTED.replace(begun, begun.replace("drop", "accept"))
    assert failed(live=accepting, wanted=accepting, at_boot=accepting) == [DROPPED]


@pytest.mark.parametrize("at_boot", [MISSING, "", without("dport 53"), WANTED.replace("policy drop", "policy accept")])
def test_what_is_loaded_at_boot_is_the_whole_ruleset(at_boot: str | Answer) -> None:
    assert failed(at_boot=at_boot) == [BOOT]


@pytest.mark.parametrize("unit", ["disabled", "masked", "enabled-runtime", ""])
def test_a_unit_that_does_not_start_at_boot_loads_nothing(unit: str) -> None:
    assert failed(unit=unit) == [BOOT]
