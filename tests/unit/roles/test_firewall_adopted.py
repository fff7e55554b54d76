"""The firewall of a host that was taken over: what would be shut, and what stays open by an option that says why."""

from __future__ import annotations

import json
from ipaddress import IPv4Network

import pytest
from pydantic import ValidationError

from roles.firewall import Opening, Options, Settings, _also_open, adopts, loses, ruleset
from roles.shared.survey import Survey
from roles.shared.traffic import Listen


def adopted(**fields: object) -> Survey:
    """A host on which the web server is reached by everybody, the database by the host alone."""
    sockets = [("", 22, "sshd"), ("", 8080, "nginx"), ("127.0.0.1", 5432, "postgres"), ("", 9000, "docker-proxy")]
    seen = [{"protocol": "tcp", "address": a, "port": port, "program": program} for a, port, program in sockets]
    return Survey.model_validate({"sockets": seen, **fields})


OPEN_TO_STATION = Settings(
    host="tie-web9",
    fleet=(),
    openings=(
        Opening(role="base", listen=Listen(protocol="tcp", port=22, sources=(IPv4Network("10.9.9.9/32"),), why="SSH")),
    ),
    passages=(),
)


def test_what_is_reached_today_and_no_role_serves_is_proposed_to_stay_open() -> None:
    kept = adopts(OPEN_TO_STATION, adopted())["also_open"]
    assert kept == {"tcp/8080": {"why": "nginx, as it was adopted", "sources": ["0.0.0.0/0", "::/0"]}}
    assert Options.model_validate_json(json.dumps({"also_open": kept}), strict=True)


def test_what_would_be_shut_or_replaced_is_told() -> None:
    ends = {loss.what: loss.keep for loss in loses(OPEN_TO_STATION, adopted(tables=("ip nat", "inet samdrift")))}
    assert list(ends) == [
        "22/tcp (sshd) is open to 10.9.9.9/32 alone",
        "8080/tcp (nginx) is shut",
        "9000/tcp (docker-proxy) is shut",
        "nftables table ip nat with all its rules: the ruleset is replaced as a whole",
    ]
    assert "also_open" in ends["8080/tcp (nginx) is shut"]
    assert "container" in ends["9000/tcp (docker-proxy) is shut"]


def test_a_host_that_is_reached_over_ipv6_is_told_that_it_is_shut_there() -> None:
    link = {"name": "eth0", "kind": "", "addresses": ["2001:db8::7/64"]}
    assert any("IPv6" in loss.what for loss in loses(OPEN_TO_STATION, adopted(links=(link,))))
    assert not any("IPv6" in loss.what for loss in loses(OPEN_TO_STATION, adopted()))


def test_what_stays_open_by_option_is_a_rule_that_says_why() -> None:
    option = {"also_open": {"tcp/8080": {"why": "web shop", "sources": ["10.0.0.0/8"]}}}
    options = Options.model_validate_json(json.dumps(option), strict=True)
    kept = OPEN_TO_STATION.model_copy(
        update={"openings": tuple(Opening(role="firewall", listen=x) for x in _also_open(options))}
    )
    assert 'ip saddr { 10.0.0.0/8 } tcp dport 8080 accept comment "firewall: web shop"' in ruleset(kept)


@pytest.mark.parametrize("port", ["tcp/0", "tcp/65536", "sctp/80", "8080", "tcp/80 accept"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    option = {"also_open": {port: {"why": "x", "sources": ["10.0.0.0/8"]}}}
    with pytest.raises(ValidationError):
        Options.model_validate_json(json.dumps(option), strict=True)
