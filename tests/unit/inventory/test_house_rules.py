"""House rules are the organisation's data: what its file asks for holds, and nothing that it does not ask for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.fleet import Fleet
from inventory.paths import CODE, RULES
from inventory.rules import HOUSE_RULES, problems
from inventory.rules.house import PARAMETERS, House, of_the_project, read
from tests.unit.inventory.broken_fleets import BROKEN
from tests.unit.inventory.fleets import SERVER, first, fleet, with_hosts


def house(tmp_path: Path, text: str) -> House:
    """The house rules of a file with this text."""
    file = tmp_path / "rules.yaml"
    file.write_text(text, encoding="utf-8")
    return read(file)


def found(broken: Fleet, tmp_path: Path, text: str) -> list[str]:
    """The rules that a fleet breaks under the house rules of this text, which can be read."""
    rules = house(tmp_path, text)
    assert rules.problems == ()
    return [p.rule for p in problems(broken, house=rules)]


def test_the_shipped_file_asks_for_every_house_rule() -> None:
    shipped = read(RULES)

    assert shipped.problems == ()
    assert list(shipped.asked) == list(PARAMETERS)


@pytest.mark.parametrize("rule", HOUSE_RULES)
def test_a_house_rule_that_is_not_asked_for_finds_nothing_and_what_always_holds_still_does(
    rule: str, tmp_path: Path
) -> None:
    for broken in (b[1] for b in BROKEN if b[0] == rule):
        expected = [p for p in problems(broken) if p.rule not in HOUSE_RULES]

        assert list(problems(broken, house=house(tmp_path, "{}"))) == expected
        assert list(problems(broken, house=house(tmp_path, f"{rule}: false"))) == expected


WRONG = {
    "host-nmae: true": ("1", "there is no house rule 'host-nmae', but there is 'host-name'"),
    "coordinates:\nasn:\n  ranges: [65000]\n": ("1", "neither that it is asked for"),
    "coordinates: yes please": ("1", "neither that it is asked for"),
    "host-name: true": ("1", "pattern is missing"),
    "host-name:\n  pattern: '['": ("2", "is no regular expression"),
    "host-name:\n  pattern: '{tennant:3}-.*'": ("2", "there is no {tennant:3}; known: {tenant}, {owner}"),
    "host-name:\n  pattern: 1": ("2", "valid string"),
    "asn:\n  ranges:\n  - 65000-64000": ("3", "is no AS number"),
    "asn:\n  ranges:\n  - 64512+": ("3", "is no AS number"),
    "asn: {ranges: []}": ("1", "at least 1 item"),
    "serial-twice:\n  exceptions: []": ("2", "unknown key 'exceptions'"),
    "own-way-out:\n  vlans: ['']\n  firewalls: [firewall]": ("2", "at least 1 character"),
    "own-way-out:\n  vlans: [gäst]": ("1", "firewalls is missing"),
    "host-owner: {hosts: [a]}": ("1", "should be an object"),
    "[]": ("1", "must be a mapping"),
    "a: [": ("1", "not YAML"),
    "": ("1", "empty"),
    "asn: {ranges: [1]}\nasn: {ranges: [2]}": ("2", "is here twice"),
    "coordinates: !!python/name:os.system": ("1", "YAML tag"),
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_in_the_file_is_said_with_its_line_and_refuses_every_fleet(text: str, tmp_path: Path) -> None:
    line, says = WRONG[text]

    rules = house(tmp_path, text)

    assert any(says in p.what and p.where.endswith(f"rules.yaml:{line}") for p in rules.problems), rules.problems
    assert set(rules.problems) <= set(problems(fleet(), house=rules))


def test_everything_wrong_in_the_file_is_said_at_once_and_the_rest_of_it_holds(tmp_path: Path) -> None:
    rules = house(
        tmp_path, "nonsense: true\nhost-name: {pattern: '('}\nasn: {ranges: [64600], x: 1}\nhost-owner: true\n"
    )

    assert [p.where.rpartition(":")[2] for p in rules.problems] == ["1", "2", "3"]
    assert {p.rule for p in rules.problems} == {"house-rules"}
    assert list(rules.asked) == ["host-owner"]


def test_without_its_file_no_fleet_is_sound(tmp_path: Path) -> None:
    (problem,) = problems(fleet(), house=read(tmp_path / "rules.yaml"))

    assert problem.rule == "house-rules"
    assert "No such file" in problem.what


def named(name: str, **fields: str) -> Fleet:
    return with_hosts(SERVER | {"name": name} | fields)


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        ("{tenant:3}-[a-z]+[0-9]{1,3}", "tie-dns1", "heb-dns1"),
        ("{tenant}-dns", "tierp-dns", "heby-dns"),
        ("{site}-{role}-[0-9]{2}", "tierp-datahall-server-01", "tierp-datahall-switch-01"),
        ("{owner}[0-9]", "tierp1", "heby1"),
        ("[a-z_]*", "server", "server 1"),  # the whole name, anchored or not
        ("dns|srv", "srv", "srv1"),
        ("(?i:{tenant:3})-[a-z0-9]+", "TIE-dns1", "HEB-dns1"),
    ],
)
def test_a_host_is_named_by_the_organisations_pattern(pattern: str, good: str, bad: str, tmp_path: Path) -> None:
    text = yaml.safe_dump({"host-name": {"pattern": pattern}})

    assert found(named(good), tmp_path, text) == []
    assert "host-name" in found(named(bad), tmp_path, text)


def test_a_table_says_what_stands_for_a_slug_in_names_and_older_names_are_exceptions(tmp_path: Path) -> None:
    text = """
        host-name:
          pattern: "{site}-{role}[0-9]+"
          short: {tierp-datahall: ARN1, server: SRV}
          exceptions: [oldmail]
        """

    assert found(named("ARN1-SRV7"), tmp_path, text) == []
    assert found(named("oldmail"), tmp_path, text) == []
    assert found(named("tierp-datahall-server7"), tmp_path, text) == ["host-name"]


def test_a_slug_in_a_pattern_is_no_regular_expression(tmp_path: Path) -> None:
    text = "host-name: {pattern: '{site}1', short: {tierp-datahall: 'a.c'}}"

    assert "host-name" in found(named("abc1"), tmp_path, text)


@pytest.mark.parametrize("name", ["SE-TIE-SW01", "sw1", "tie-rack2-sw1", "0", "a" * 63])
def test_any_dns_label_names_a_host_if_no_house_rule_says_otherwise(name: str, tmp_path: Path) -> None:
    assert found(named(name), tmp_path, "{}") == []


OWNERS = {
    "host-owner: true": {"host-owner"},
    "host-owner: {anywhere: [heby]}": set[str](),
    "host-owner: {anywhere: [tierp]}": {"host-owner"},
    "host-owner: {shared: [tierp-datahall]}": set[str](),
    "host-owner: {shared: [heby-kommunhus]}": {"host-owner"},
    "host-owner: {hosts: {tie-dns1: heby}}": set[str](),
    "host-owner: {hosts: {tie-dns2: heby}}": {"host-owner"},
    "host-owner: {anywhere: [heby], hosts: {tie-dns1: knivsta}}": {"host-owner"},
}


@pytest.mark.parametrize("text", OWNERS)
def test_a_host_of_another_municipality_than_its_sites_is_an_exception_by_name_or_a_fault(
    text: str, tmp_path: Path
) -> None:
    assert set(found(named("tie-dns1", tenant="heby"), tmp_path, text)) == OWNERS[text]


def test_an_exception_that_is_no_more_is_a_fault(tmp_path: Path) -> None:
    assert found(named("tie-dns1"), tmp_path, "host-owner: {hosts: {tie-dns1: heby}}") == ["host-owner"]


def test_everything_but_hosts_is_named_by_another_pattern_with_its_own_exceptions(tmp_path: Path) -> None:
    text = "name: {pattern: '[A-ZÅÄÖ0-9a-z][^&]*', exceptions: ['&Co']}"

    assert found(fleet(**first("tenants", name="&Co")), tmp_path, text) == []
    assert found(fleet(**first("tenants", name="Heby & Co")), tmp_path, text) == ["name"]


def test_asns_are_numbers_and_ranges_with_both_ends(tmp_path: Path) -> None:
    text = "asn: {ranges: [64600, 64601-64603]}"

    assert found(fleet(), tmp_path, text) == []
    assert found(fleet(**first("sites", asns=(64604,))), tmp_path, text) == ["asn"]


def test_who_leaves_by_a_way_of_its_own_is_said_in_the_organisations_words(tmp_path: Path) -> None:
    text = "own-way-out: {vlans: [Guest, Besök], firewalls: [edge-gateway, router]}"
    guests = first("vlans", name="GUEST wifi")

    assert found(fleet(**guests), tmp_path, text) == []
    assert found(fleet(**guests), tmp_path, text.replace("edge-gateway, ", "")) == ["own-way-out"]
    assert found(fleet(**first("vlans", name="Gäst")), tmp_path, text) == []


def test_the_example_of_the_page_can_be_read(tmp_path: Path) -> None:
    page = (CODE / "docs" / "inventory-rules.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)

    assert house(tmp_path, example).problems == ()


def test_the_page_names_every_parameter() -> None:
    page = (CODE / "docs" / "inventory-rules.md").read_text(encoding="utf-8")

    for rule, parameters in PARAMETERS.items():
        section = page.partition("| Rule | Parameter |")[2]
        assert f"`{rule}`" in section
        for parameter in parameters.model_fields:
            assert f"| `{parameter}` |" in section


@given(st.text(max_size=40))
@settings(max_examples=60)
def test_whatever_names_say_a_house_without_rules_asks_nothing_of_them(text: str) -> None:
    name = "".join(c for c in text if c.isprintable() and c != "‹") or "x"
    odd = fleet(**first("tenants", name=name), **first("vlans", name=name), **first("tags", name=name))

    assert problems(odd, house=House({})) == ()


def test_the_file_of_the_project_is_read_once() -> None:
    assert of_the_project() is of_the_project()
