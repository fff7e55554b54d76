"""`--limit`: which hosts an expression means, and that whatever it cannot mean is told, never guessed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.errors import UsageError
from inventory.fleet import Fleet
from inventory.selection import KEYS, LONGEST, All, Any_, Expression, Not, Term, named, parse, select
from inventory.snapshot import load

FLEET = load()


def names(expression: str, fleet: Fleet = FLEET) -> set[str]:
    return {h.name for h in select(expression, fleet, fleet.hosts)}


def of(**fields: str) -> set[str]:
    return {h.name for h in FLEET.hosts if all(getattr(h, k) == v for k, v in fields.items())}


MEANS = {
    "heby": of(tenant="heby"),
    "heby-kommunhus": of(site="heby-kommunhus"),
    "norra-uppland": {h.name for h in FLEET.hosts},
    "tie-dns1": {"tie-dns1"},
    "Älvkarleby": of(tenant="alvkarleby"),
    "ÄLVKARLEBY": of(tenant="alvkarleby"),
    "A\u0308lvkarleby": of(tenant="alvkarleby"),  # the same letters, composed otherwise
    '"Östhammar kommunhus"': of(site="osthammar-kommunhus"),
    "tie-dns*": {"tie-dns1", "tie-dns2"},
    "*-gw?": of(role="edge-gateway"),
    "TIE-DNS*": {"tie-dns1", "tie-dns2"},
    "host=tie-dns1": {"tie-dns1"},
    "tenant=heby": of(tenant="heby"),
    "site=heby-kommunhus": of(site="heby-kommunhus"),
    'region="norra uppland"': {h.name for h in FLEET.hosts},
    "role=dns_resolver": {"tie-dns1", "tie-dns2"},
    "role=log_*": {h.name for h in FLEET.hosts if {"log_server", "log_client"} & set(h.roles)},
    "device_role=firewall": of(role="firewall"),
    "platform=junos": of(platform="junos"),
    "tag=lab": {h.name for h in FLEET.hosts if "lab" in h.tags},
    "tag=Labb": {h.name for h in FLEET.hosts if "lab" in h.tags},
    "status=planned": of(status="planned"),
    "wave=30": {h.name for h in FLEET.hosts if h.wave == 30},
    "ROLE = dns_resolver": {"tie-dns1", "tie-dns2"},
    "not norra-uppland or heby": of(tenant="heby"),
    "heby AND NOT platform=debian-13": of(tenant="heby") - {"heb-gw1"},
    "heby or knivsta and device_role=firewall": of(tenant="heby") | {"kni-fw1"},
    "(heby or knivsta) and device_role=firewall": {"heb-fw1", "kni-fw1"},
    "not(not(heby))": of(tenant="heby"),
    "tie-dns1 or not status=offline and not tierp and tag=lab": {
        "tie-dns1",
        "alv-gw1",
        "heb-gw1",
        "kni-gw1",
        "ost-gw1",
    },
}


@pytest.mark.parametrize(("expression", "meant"), MEANS.items(), ids=MEANS)
def test_an_expression_means_these_hosts(expression: str, meant: set[str]) -> None:
    assert names(expression) == meant


MEANINGLESS = {
    "": "--limit '', character 1: something is missing at the end",
    "   ": "character 4: something is missing at the end",
    "heby and": "character 9: something is missing at the end",
    "(heby": "character 6: something is missing at the end",
    "heby)": "character 5: ')' makes no sense here",
    "heby tierp": "character 6: 'tierp' makes no sense here",
    "role=": "character 6: something is missing at the end",
    "=heby": "character 1: '=heby' makes no sense here",
    'heby and "tie': "character 10: '\"tie' makes no sense here",
    "or heby": "character 4: 'heby' makes no sense here",
    "hebby": "character 1: no host, tenant, site or region is called 'hebby' (did you mean heby",
    "not hebby": "character 5: no host, tenant, site or region is called 'hebby'",
    "tierp or (heby and Älvkarlebi)": "character 20: no host, tenant, site or region is called 'Älvkarlebi' (did",
    "tei-*": "character 1: no host is called 'tei-*'",
    "role=dns_resolvr": "character 1: no role is called 'dns_resolvr' (did you mean dns_resolver?)",
    "status=broken": "no status is called 'broken' (known: active, planned, staged, offline, ",
    "wave=99": "no wave is called '99' (known: ",
    "rolle=base": "there is no key 'rolle' (did you mean role?)",
    "x=base": f"there is no key 'x' (keys are {', '.join(KEYS)})",
    "heby and tierp": "--limit 'heby and tierp': means no host",
    "status=offline": "--limit 'status=offline': means no host",
    "\x1b[2J": r"no host, tenant, site or region is called '\x1b[2J'",
    "a" * (LONGEST + 1): "longer than 1500 characters",
}


@pytest.mark.parametrize(("expression", "says"), MEANINGLESS.items(), ids=lambda v: v[:30])
def test_what_means_nothing_is_told_with_its_place(expression: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        names(expression)

    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 64


def test_a_typing_error_is_told_even_where_the_rest_means_something() -> None:
    with pytest.raises(UsageError, match="'hebby'"):
        names("tierp or hebby")


@pytest.mark.parametrize(("expression", "names"), [
    ("heb-sw1", {"heb-sw1"}),
    ("HEB-SW1 or host=heb-gw1", {"heb-sw1", "heb-gw1"}),
    ("heby and (heb-sw1 or role=base)", {"heb-sw1"}),
    ("heby", set()),
    ("heb-sw*", set()),
    ("heb-sw?", set()),
    ("role=access_switch or platform=junos", set()),
    ("not heb-sw1", set()),
    ("heby and not (heb-sw1 or heb-gw1)", set()),
    ("", set()),
])  # fmt: skip
def test_a_host_is_named_by_its_name_alone(expression: str, names: set[str]) -> None:
    assert named(expression, FLEET.hosts) == names


def test_hosts_are_chosen_among_those_given_and_in_their_order() -> None:
    among = tuple(reversed([h for h in FLEET.hosts if h.tenant != "tierp"]))

    assert [h.name for h in select("device_role=edge-gateway", FLEET, among)] == [
        "ost-gw1",
        "kni-gw1",
        "heb-gw1",
        "alv-gw1",
    ]
    with pytest.raises(UsageError, match="means no host"):
        select("tierp", FLEET, among)


# Whatever anybody writes

WORDS = st.sampled_from(["heby", "tierp", "tie-*", "*-gw1", "tie-dns1", "Östhammar", "Heby kommunhus", "norra-uppland"])
KEYED = st.sampled_from(
    [("role", "base"), ("role", "time"), ("tag", "lab"), ("status", "active"), ("wave", "30"), ("platform", "junos")]
)
KNOWN = st.builds(Term, WORDS) | KEYED.map(lambda k: Term(k[1], k[0]))
ANY_WORD = st.text(st.characters(blacklist_characters='"', blacklist_categories=["Cs"]), max_size=8)
SOME_KEY = st.text("abcdefghijklmnopqrstuvwxyzåäö_*-", min_size=1).filter(lambda k: k not in {"and", "or", "not"})
UNKNOWN = st.builds(Term, ANY_WORD, st.none() | SOME_KEY)


def expressions(terms: st.SearchStrategy[Term]) -> st.SearchStrategy[Expression]:
    def larger(smaller: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
        some = st.lists(smaller, min_size=2, max_size=3).map(tuple)
        return st.builds(Not, smaller) | st.builds(All, some) | st.builds(Any_, some)

    return st.recursive(terms, larger, max_leaves=8)


@given(expressions(KNOWN | UNKNOWN))
def test_an_expression_is_parsed_back_from_how_it_is_written(expression: Expression) -> None:
    assert parse(str(expression)) == expression


def meant(expression: Expression) -> frozenset[str]:
    """The hosts it means; none where `select` says that it means none."""
    try:
        return frozenset(names(str(expression)))
    except UsageError as e:
        said = e.what
    assert said == "means no host"
    return frozenset()


EVERYBODY = meant(Term("norra-uppland"))


@pytest.mark.long
@settings(max_examples=40)
@given(expressions(KNOWN), expressions(KNOWN))
def test_and_or_not_are_those_of_logic(a: Expression, b: Expression) -> None:
    assert meant(Not(a)) == EVERYBODY - meant(a)
    assert meant(All((a, b))) == meant(a) & meant(b)
    assert meant(Any_((a, b))) == meant(a) | meant(b)
    assert meant(Not(All((a, b)))) == meant(Any_((Not(a), Not(b))))


@given(st.text() | st.text('tie-*() "=andornot?\\[].', max_size=60))
def test_any_text_means_hosts_or_is_told_in_one_line(text: str) -> None:
    said = "means some"
    try:
        assert select(text, FLEET, FLEET.hosts)
    except UsageError as e:
        said = str(e)
    assert said.isprintable()


DEEP = ["not " * 370 + "heby", "(" * 700 + "heby" + ")" * 700, "(heby or " * 148 + "heby" + ")" * 148]


@pytest.mark.parametrize("text", DEEP, ids=["not", "parentheses", "or"])
def test_deep_nesting_is_no_trouble(text: str) -> None:
    assert names(text) == of(tenant="heby")


def test_no_glob_takes_long() -> None:
    with pytest.raises(UsageError, match="no host is called"):
        names("*?" * 700 + "z")
