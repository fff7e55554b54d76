"""Every rule of a sound fleet: what breaks it is found and named, and what does not is left in peace."""

from __future__ import annotations

import re

import pytest

from inventory.fleet import Fleet
from inventory.paths import CODE
from inventory.places import Places
from inventory.rules import HOUSE_RULES, RULES, problems
from inventory.rules.house import PARAMETERS
from inventory.rules.rule import HouseRule, Rule
from tests.unit.inventory.broken_fleets import BROKEN
from tests.unit.inventory.fleets import (
    GATEWAY,
    GUESTS,
    NOBODY,
    SERVER,
    SHARED,
    SOUND,
    both_families,
    camera,
    cameras,
    first,
    fleet,
    interfaces,
    planned,
    prefixes,
    ranges,
    region,
    serving,
    sharing,
    switches,
    with_hosts,
    with_hosts_and,
    written,
)


@pytest.mark.parametrize(("rule", "broken", "where", "says"), BROKEN, ids=[f"{b[0]} {b[2]}" for b in BROKEN])
def test_what_breaks_a_rule_is_found_and_its_place_named(rule: str, broken: Fleet, where: str, says: str) -> None:
    found = [p for p in problems(broken) if p.rule == rule]

    assert where in [p.where for p in found]
    assert any(says in p.what for p in found)
    assert all(p.fix for p in found)


def test_a_sound_fleet_has_no_problem() -> None:
    assert problems(fleet()) == ()


@pytest.mark.parametrize(("lags", "sound"), [(("lag1", "lag1"), True), (("lag1", "lag2"), False)])
def test_two_devices_share_a_lag_if_it_has_one_name_on_both(lags: tuple[str, str], sound: bool) -> None:
    of = switches(["lag1", lags[0]])
    first, second = of.host("heb-sw1"), of.host("heb-sw2")
    port = next(i for i in second.interfaces if i.name == "1/1/2").model_copy(update={"lag": lags[1]})
    groups = tuple(i for i in second.interfaces if i.is_lag)
    third = second.model_copy(update={"name": "heb-sw3", "interfaces": (port, *groups)})
    kept = tuple(i for i in second.interfaces if i.name != "1/1/2")
    cables = tuple(c.model_copy(update={"b": c.b.replace("sw2:1/1/2", "sw3:1/1/2")}) for c in of.cables)
    others = tuple(h for h in of.hosts if h not in (first, second))
    hosts = (*others, first, second.model_copy(update={"interfaces": kept}), third)
    found = problems(of.model_copy(update={"hosts": hosts, "cables": cables}))
    assert [p.rule for p in found] == ([] if sound else ["lag-ends"])


KNOWN: tuple[Rule | HouseRule, ...] = (*RULES.values(), *HOUSE_RULES.values())


def test_every_rule_is_broken_by_some_case_here_and_says_why_it_is() -> None:
    assert {b[0] for b in BROKEN} == {*RULES, *HOUSE_RULES}
    assert all(r.why and r.fix for r in KNOWN)


PAGE = CODE / "docs" / "inventory-rules.md"


def test_the_page_names_every_rule_with_its_reason_and_what_to_do() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*) \| (.*) \|$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert rows[: len(KNOWN)] == [(r.id, " ".join(r.why.split()), r.fix) for r in KNOWN]


def test_the_page_names_what_is_found_before_the_rules_and_by_the_roles() -> None:
    root = CODE
    judges = (
        "inventory/snapshot.py",
        "inventory/yaml_source.py",
        "inventory/rules/house.py",
        "roles/shared/catalogue.py",
    )
    source = "".join((root / judge).read_text(encoding="utf-8") for judge in judges)
    ids = set(re.findall(r'(?:Problem\(|rule=|rule: str = )"([a-z-]+)"', source))
    rows = re.findall(r"^\| `([a-z-]+)` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert ids
    assert set(rows) == {*ids, *RULES, *PARAMETERS}


SOUND_TOO = {
    "a planned host needs no address yet": with_hosts(
        SERVER | {"status": "planned", "primary_address": None, "interfaces": []}
    ),
    "a host of the region's shared prefix": with_hosts(
        SERVER | {"interfaces": interfaces("10.59.0.250/24"), "primary_address": "10.59.0.250"}
    ),
    "a planned host has no host key yet": with_hosts(SERVER | {"status": "planned", "host_keys": []}),
    "a host that serves something": serving(53),
    "a host needs no config context": with_hosts(SERVER | {"context": {}}),
    "a text of several lines in a config context": with_hosts(
        SERVER | {"context": {"samdrift": {"base": {"banner": "one\ntwo"}}}}
    ),
    "a config context that says nothing": written({}),
    "devices without a serial number, and a virtual machine with that of a device": with_hosts(
        GATEWAY | {"serial": "A1"},
        planned("heb-gw2"),
        planned("heb-gw3"),
        SERVER | {"serial": "A1"},
    ),
    "a VLAN of one name at two sites": fleet(
        vlans=[*SOUND["vlans"], {"vid": 11, "name": "Personal", "site": "tierp-datahall"}]
    ),
    "a range that is set aside for networks": prefixes(
        {"prefix": "10.63.0.0/16", "site": "heby-kommunhus"},
        {"prefix": "10.63.0.0/17", "site": "heby-kommunhus"},
        {"prefix": "10.56.0.0/13", "region": "norra-uppland"},
    ),
    "networks of two sites that overlap": prefixes({"prefix": "10.63.10.0/28", "site": "tierp-datahall"}),
    "a region's gateway at any of its sites": prefixes(region("10.58.0.0/24", "10.58.0.1"), held="10.58.0.1/24"),
    "a gateway's address that nobody has and two share": with_hosts_and(
        SHARED, sharing("heb-gw2", "10.63.30.2"), sharing("heb-gw3", "10.63.30.3")
    ),
    "a gateway on its prefix' VLAN, tagged": prefixes(
        GUESTS | {"description": "", "vlan": 10}, held="10.63.30.1/24", untagged_vlan=None, tagged_vlans=[10]
    ),
    "two ranges side by side, up to the last address of a prefix": ranges(
        "10.63.10.200", "10.63.10.254", "10.63.10.2", "10.63.10.199"
    ),
    "guests with a way out of their own": prefixes(GUESTS, held="10.63.30.1/24", role="firewall"),
    "Swedish letters in names": fleet(**first("tags", name="Älvkarleby, Östhammar (å)")),
    "interfaces of a device with a CLI are named as its vendor does": with_hosts(
        GATEWAY | {"platform": "arubaos-cx", "interfaces": [{"name": "1/1/1", "addresses": ["10.59.0.63/24"]}]}
    ),
    "both addresses of a /31 can be used": prefixes(
        {"prefix": "10.59.1.0/31", "site": "heby-kommunhus", "gateway": "10.59.1.0"}, held="10.59.1.0/31"
    ),
    "one network behind a gateway of its own at each of two sites": with_hosts_and(
        cameras("heby-kommunhus"), camera("heby-kommunhus", 1), camera("tierp-datahall", 2), cameras("tierp-datahall")
    ),
    "one network in two VRFs of a site": with_hosts_and(
        cameras("heby-kommunhus"),
        camera("heby-kommunhus", 1),
        camera("heby-kommunhus", 2, vrf="cameras"),
        cameras("heby-kommunhus", vrf="cameras"),
    ),
    "a loopback inside a prefix": with_hosts(SERVER | {"interfaces": interfaces("10.60.10.11/24", "10.60.10.200/32")}),
    "a host of both families": both_families("2001:db8:10::11/64"),
    "a host of IPv6 alone": both_families("2001:db8:10::11/64", only=True),
    "the last address of a prefix of IPv6, which has no broadcast address": both_families("2001:db8:10::ffff:ffff/64"),
    "both ends of a /127": both_families("2001:db8:10::/127", "2001:db8:10::1/127"),
    "slugs as NetBox makes them of names with _, and as its API takes them": fleet(
        tags=[*SOUND["tags"], {"slug": "web_server", "name": "web_server"}, {"slug": "DMZ", "name": "DMZ"}]
    ),
    "a VRF": fleet(vrfs=[{"name": "Kameror (2)"}]),
    "rooms of one slug at two sites": fleet(
        locations=[{"site": s, "slug": "plan-1", "name": "Plan 1"} for s in ("heby-kommunhus", "tierp-datahall")]
    ),
    "VLANs of one number and name in two groups, each for a site": fleet(
        vlan_groups=[
            {"slug": slug, "name": slug, "site": site}
            for slug, site in (("a", "heby-kommunhus"), ("b", "tierp-datahall"))
        ],
        vlans=[*SOUND["vlans"], *({"vid": 77, "name": "Kameror", "group": g} for g in "ab")],
    ),
    "VLANs whose names nothing is left of on a device": fleet(
        vlans=[*SOUND["vlans"], *({"vid": 70 + n, "name": "北京"[n], "site": "heby-kommunhus"} for n in (0, 1))]
    ),
    "two hosts with one SSH host key, of which one was replaced by the other": with_hosts(
        GATEWAY, GATEWAY | {"name": "heb-gw2", "status": "decommissioning", "interfaces": []} | NOBODY
    ),
    "a 32 bit private AS number": fleet(**first("sites", asns=(4_200_000_000,))),
    "nothing at all": Fleet(),
}


@pytest.mark.parametrize("sound", SOUND_TOO.values(), ids=SOUND_TOO)
def test_what_is_unusual_but_sound_has_no_problem(sound: Fleet) -> None:
    assert problems(sound) == ()


def test_what_netbox_merged_of_a_config_context_is_no_second_problem() -> None:
    wrong = {"samdrift": {"wave": "x"}, "samdirft": 1, "banner": 1}
    local = {"samdrfit": 1}
    broken = fleet(
        **first("config_contexts", data=wrong),
        hosts=[
            GATEWAY | {"context": wrong},
            SERVER | {"context": wrong | local | {"sam-drift": 1}, "local_context": local},
        ],
    )

    assert [(p.rule, p.where) for p in problems(broken)] == [
        ("context", "config context gateways, data.samdrift.wave"),
        ("context-key", "config context gateways, data.samdirft"),
        ("context-key", "host tie-dns1, local_context.samdrfit"),
        ("context-key", "host tie-dns1, context.sam-drift"),
    ]


def test_an_overlap_in_a_region_is_told_once_and_not_for_every_site() -> None:
    found = problems(prefixes({"prefix": "10.59.0.0/25", "region": "norra-uppland"}))

    assert [(p.rule, p.where) for p in found if p.rule == "prefix-overlap"] == [
        ("prefix-overlap", "prefix 10.59.0.0/25")
    ]


def test_what_is_missing_is_told_once() -> None:
    assert [p.rule for p in problems(with_hosts(SERVER | {"platform": ""}))] == ["host-complete"]
    nowhere = SERVER | {"site": "", "interfaces": interfaces("10.60.10.11/24", untagged_vlan=10)}
    assert [p.rule for p in problems(with_hosts(nowhere))] == ["host-complete"]
    assert [p.rule for p in problems(fleet(**first("sites", tenant="")))] == ["site-owner"]


def test_all_problems_are_found_in_one_go() -> None:
    broken = with_hosts(
        SERVER | {"primary_address": None, "tags": ["x"], "description": "\x07", "host_keys": ["x"]},
        GATEWAY | {"interfaces": interfaces("10.60.10.11/24")},
    )

    assert {p.rule for p in problems(broken)} >= {
        "host-address",
        "reference",
        "text",
        "host-key",
        "address-twice",
        "primary-address",
        "address-prefix",
    }


def test_a_reference_into_what_could_not_be_read_is_no_problem() -> None:
    broken = fleet(tags=[], vlans=[], cables=[{"a": "heb-gw1:wan9", "b": "tie-dns1:eth0"}])

    assert {p.rule for p in problems(broken)} == {"reference", "vlan", "cable"}
    assert problems(broken, unread=frozenset({"tags", "vlans", "hosts"})) == ()


def test_a_problem_names_the_nearest_line_that_is_known() -> None:
    places = Places({("hosts", 0): "hosts/tierp.yaml:2", ("hosts", 0, "tags"): "hosts/tierp.yaml:9"})
    broken = with_hosts(SERVER | {"tags": ["x"], "cluster": "x"})

    assert {p.what[:9] + p.where[-2:] for p in problems(broken, places)} == {"tie-dns1::9", "tie-dns1::2"}
