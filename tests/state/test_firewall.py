"""Role firewall: the ruleset that the kernel has now, whatever the file says.

What should be in force is told by the host's own nft, to which the wanted ruleset is given in a network namespace of
its own: so spelling and order within sets cannot differ, and every source, port and interface is compared.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from roles.firewall import LIST, PATH, SANDBOX, ruleset
from roles.shared.parts.ruleset import ALONE, NFT

if TYPE_CHECKING:
    from roles.firewall import Settings

WANTED = f"{ALONE} sh -c 'printf %%s \"$0\" | {NFT} -f /dev/stdin && {LIST}' %s"
FILE = f"cat {PATH} | {ALONE} sh -c '{NFT} -f /dev/stdin && {LIST}'"
CHAIN = re.compile(r"(?m)^\tchain (\w+) \{\n((?:\t\t.*\n)*)\t\}$")


def in_force(host: Any) -> str:
    """The whole ruleset in force, as the host's nft lists it."""
    return str(host.check_output(LIST))


def wanted(host: Any, settings: Settings) -> str:
    """The whole ruleset that the settings say, as the host's nft would list it."""
    listed = str(host.check_output(WANTED, ruleset(settings)))
    assert chains(listed), "the host's nft does not say what the ruleset should be"
    return listed


def chains(listed: str) -> dict[str, list[str]]:
    """The lines of each chain, by its name."""
    return {name: [line.strip() for line in body.splitlines()] for name, body in CHAIN.findall(listed)}


def differences(found: list[str], should: list[str]) -> list[str]:
    """Lines that are there and should not be (+), and that should be there and are not (-), in their order."""
    return [line for line in difflib.ndiff(should, found) if line.startswith(("+", "-"))]


def differs(host: Any, settings: Settings, chain: str) -> list[str]:
    """How a chain in force differs from what it should be."""
    return differences(chains(in_force(host)).get(chain, []), chains(wanted(host, settings))[chain])


def test_everything_is_dropped_that_no_rule_accepts(host: Any) -> None:
    begun = {name: rules[0] for name, rules in chains(in_force(host)).items() if name in {"input", "forward"}}
    assert begun == {hook: f"type filter hook {hook} priority filter; policy drop;" for hook in ("input", "forward")}


def test_its_service_may_do_what_it_needs_and_nothing_else(violations: Any) -> None:
    assert violations(SANDBOX) == []


def test_there_is_one_ruleset_and_it_is_ours(host: Any, settings: Settings) -> None:
    assert re.findall(r"(?m)^table .*$", in_force(host)) == ["table inet samdrift {"]
    outlines = (CHAIN.sub(r"\tchain \1", listed).splitlines() for listed in (in_force(host), wanted(host, settings)))
    assert differences(*outlines) == []


def test_exactly_the_declared_sources_reach_exactly_the_declared_ports(host: Any, settings: Settings) -> None:
    assert differs(host, settings, "input") == []


def test_exactly_the_declared_traffic_is_forwarded(host: Any, settings: Settings) -> None:
    assert differs(host, settings, "forward") == []


def test_nobody_speaks_in_the_name_of_an_address_that_is_reached_another_way(host: Any, settings: Settings) -> None:
    assert differs(host, settings, "origin") == []


def test_the_ruleset_comes_back_at_boot(host: Any, unit: Any, settings: Settings) -> None:
    assert unit("nftables.service").at_boot == "enabled"
    assert f" {PATH}" in host.check_output("systemctl show -p ExecStart nftables.service")
    assert differences(host.check_output(FILE).splitlines(), wanted(host, settings).splitlines()) == []


PROVES = {
    "configuration": ("there is one ruleset and it is ours",),
    "firewall": (
        "everything is dropped that no rule accepts",
        "there is one ruleset and it is ours",
        "exactly the declared sources reach exactly the declared ports",
        "exactly the declared traffic is forwarded",
        "nobody speaks in the name of an address that is reached another way",
        "the ruleset comes back at boot",
    ),
    "hardening": ("its service may do what it needs and nothing else",),
    "segregation": ("exactly the declared traffic is forwarded",),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "everything is dropped that no rule accepts": "allt som ingen regel släpper in kastas",
    "its service may do what it needs and nothing else": "tjänsten får göra vad den behöver och inget annat",
    "there is one ruleset and it is ours": "det finns en regeluppsättning och den är vår",
    "exactly the declared sources reach exactly the declared ports": (
        "precis de beslutade avsändarna når precis de beslutade portarna"
    ),
    "exactly the declared traffic is forwarded": "precis den beslutade trafiken skickas vidare",
    "nobody speaks in the name of an address that is reached another way": (
        "ingen talar i namn av en adress som nås en annan väg"
    ),
    "the ruleset comes back at boot": "regeluppsättningen kommer tillbaka vid start",
}
"""What its checks are called in a Swedish report."""
