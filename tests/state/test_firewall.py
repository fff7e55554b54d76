"""Role firewall: the ruleset that the kernel has now, whatever the file says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from roles.firewall import PATH

if TYPE_CHECKING:
    from roles.firewall import Settings


def test_everything_is_dropped_that_no_rule_accepts(host: Any) -> None:
    chains = [entry["chain"] for entry in _ruleset(host) if "chain" in entry]
    policies = {c["hook"]: c["policy"] for c in chains if c.get("hook") in {"input", "forward"}}
    assert policies == {"input": "drop", "forward": "drop"}


def test_there_is_one_ruleset_and_it_is_ours(host: Any) -> None:
    assert [(e["table"]["family"], e["table"]["name"]) for e in _ruleset(host) if "table" in e] == [
        ("inet", "samdrift")
    ]


def test_exactly_the_declared_ports_are_open(host: Any, settings: Settings) -> None:
    declared = {(o.listen.protocol, o.listen.port) for o in settings.openings if o.listen.sources}
    rules = (e["rule"] for e in _ruleset(host) if "rule" in e)
    assert {port for rule in rules if rule["chain"] == "input" for port in _ports(rule)} == declared


def test_the_ruleset_comes_back_at_boot(host: Any) -> None:
    assert host.service("nftables").is_enabled
    assert host.run(f"nft -c -f {PATH}").rc == 0


def _ruleset(host: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(host.run("nft -j list ruleset").stdout)["nftables"]
    return found


def _ports(rule: dict[str, Any]) -> set[tuple[str, int]]:
    """Protocol and port of every match of a destination port in a rule; VRRP, which has none, with port 0."""
    ends = [(e["match"]["left"], e["match"]["right"]) for e in rule["expr"] if "match" in e]
    dports = ((left["payload"], right) for left, right in ends if left.get("payload", {}).get("field") == "dport")
    is_vrrp = ({"meta": {"key": "l4proto"}}, "vrrp") in ends or ({"meta": {"key": "l4proto"}}, 112) in ends
    return {(payload["protocol"], port) for payload, port in dports} | ({("vrrp", 0)} if is_vrrp else set())
