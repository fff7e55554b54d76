"""A config context is judged where it is written, whether or not a host is given it, and as the part that it is."""

from __future__ import annotations

from typing import Any

import pytest

from inventory import snapshot
from inventory.fleet import Fleet, Host
from inventory.organisation import ConfigContext
from roles.shared.catalogue import problems_of_contexts, problems_of_roles
from roles.shared.intent import Intent

SHIPPED = snapshot.load()
PLACE = "config context unused, data.samdrift"


def written(samdrift: Any) -> list[tuple[str, str]]:
    """What is wrong with a config context of no host that says this."""
    unused = ConfigContext(name="unused", tags=("nobody-has-it",), data={"samdrift": samdrift})
    fleet = Fleet(config_contexts=(unused,))
    return [(p.rule, p.where) for p in problems_of_contexts(fleet)]


@pytest.mark.parametrize(
    ("samdrift", "rule", "where"),
    [
        ({"tiem": {}}, "role-section", f"{PLACE}.tiem"),
        ({"roles": {"base": True, "bse": True}}, "role-unknown", f"{PLACE}.roles"),
        ({"roles": {"bse": False}}, "role-unknown", f"{PLACE}.roles"),
        ({"base": {"apt_prxy": True}}, "role-option", f"{PLACE}.base.apt_prxy"),
        ({"base": {"apt_proxy": "yes"}}, "role-option", f"{PLACE}.base.apt_proxy"),
        ({"base": {"admins": {"anna": {"kyes": []}}}}, "role-option", f"{PLACE}.base.admins.anna.kyes"),
    ],
)
def test_what_no_role_would_read_is_found_in_a_context_that_no_host_is_given(
    samdrift: Any, rule: str, where: str
) -> None:
    assert written(samdrift) == [(rule, where)]


@pytest.mark.parametrize(
    "samdrift",
    [
        {},
        {"roles": {"base": True, "time": False}, "wave": 1, "time": {}},
        {"base": {"admins": {"anna": {"full_name": "Anna"}}}},  # her keys stand in another context
        [],  # rule `context` says so
        {"roles": 3, "base": []},  # likewise
        {"roles": ["base"]},  # likewise
    ],
)
def test_a_part_of_what_a_host_is_given_may_lack_the_rest(samdrift: Any) -> None:
    assert written(samdrift) == []


def test_a_local_context_is_judged_too() -> None:
    host = SHIPPED.host("tie-dns1").model_copy(update={"local_context": {"samdrift": {"tiem": {}}}})

    (found,) = problems_of_contexts(Fleet(hosts=(host,)))

    assert found.where == "host tie-dns1, local_context.samdrift.tiem"


def test_a_mistake_in_a_context_is_told_where_it_was_written_and_not_for_each_host_that_has_it() -> None:
    wrong, own = {"samdrift": {"base": {"journal_max": "much"}}}, {"samdrift": {"base": {"apt_proxy": "yes"}}}
    given = [SHIPPED.host(n).model_copy(update={"context": wrong}) for n in ("tie-dns1", "tie-dns2")]
    hosts = (*given, SHIPPED.host("tie-log1").model_copy(update={"context": own}))
    of_all = ConfigContext(name="samdrift, all", data=wrong)

    found = problems_of_roles(Fleet(config_contexts=(of_all,), hosts=tuple(_with_roles(h) for h in hosts)))

    assert [p.where for p in found] == [
        "config context samdrift, all, data.samdrift.base.journal_max",
        "host tie-log1, config context samdrift.base.apt_proxy",
    ]


def test_a_mistake_in_one_host_s_local_context_hides_no_other_host_s() -> None:
    wrong = {"samdrift": {"base": {"journal_max": "much"}}}
    one = SHIPPED.host("tie-dns1").model_copy(update={"context": wrong, "local_context": wrong})
    other = SHIPPED.host("heb-gw1").model_copy(update={"context": wrong})

    found = problems_of_roles(Fleet(hosts=(_with_roles(one), _with_roles(other))))

    assert [p.where for p in found] == [
        "host tie-dns1, local_context.samdrift.base.journal_max",
        "host heb-gw1, config context samdrift.base.journal_max",
    ]


def _with_roles(host: Host) -> Host:
    samdrift = host.context["samdrift"] | {"roles": {"base": True}}
    return host.model_copy(update={"context": {"samdrift": samdrift}})


def test_the_shipped_config_contexts_say_nothing_that_no_role_reads() -> None:
    assert SHIPPED.config_contexts
    assert problems_of_contexts(SHIPPED) == []


def without_firewall(name: str, **roles: bool) -> list[tuple[str, str]]:
    """What is wrong with the roles of a shipped host that has no firewall, and these roles otherwise."""
    host = SHIPPED.host(name)
    given = {**host.samdrift["roles"], "firewall": False, **roles}
    context = {"samdrift": {**host.samdrift, "roles": given}}
    hosts = tuple(h.model_copy(update={"context": context}) if h is host else h for h in SHIPPED.hosts)
    intent = Intent(SHIPPED.model_copy(update={"hosts": hosts}))
    return [(p.rule, p.what) for p in intent.problems(intent.fleet.host(name))]


def test_a_host_that_listens_has_a_firewall() -> None:
    ((rule, what),) = without_firewall("tie-dns1")

    assert rule == "role-firewall"
    assert "dns_resolver" in what


def test_a_host_that_serves_nobody_needs_no_firewall() -> None:
    roles = dict.fromkeys(SHIPPED.host("tie-dns1").roles, False) | {"lldp": True}

    assert "role-firewall" not in {rule for rule, _ in without_firewall("tie-dns1", **roles)}


def test_a_device_with_a_command_line_of_its_own_has_no_role_firewall_to_lack() -> None:
    assert without_firewall("alv-sw1") == []
