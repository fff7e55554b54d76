"""Which hosts a run is about: the sound ones; what is wrong with the others goes with them, and stops nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy.cli.command import Common
from deploy.cli.running import _refuse_other_devices, bastion, look_user
from deploy.cli.subject import about, intent_of, options_of
from deploy.source.known import sourced
from inventory.errors import Problem, UsageError
from inventory.fleet import Fleet
from inventory.order import in_order
from inventory.parts import parts
from tests.unit.inventory.fleets import GATEWAY, SERVER, fleet

QUIET: dict[str, Any] = {"context": {"samdrift": {"roles": {"firewall": True}}}}
"""A role that needs nothing."""


def chosen(of: Fleet, limit: str | None = None, *reported: Problem) -> tuple[list[str], list[tuple[str, str]]]:
    intent = intent_of(sourced(parts(in_order(of), reported=reported), "x", ""))
    sound, problems = about(Common(limit=limit), intent)
    return [h.name for h in sound], [(p.host, p.rule) for p in problems]


def both(**server: Any) -> Fleet:
    return fleet(hosts=[GATEWAY | QUIET, SERVER | QUIET | server])


def test_a_host_that_is_not_sound_is_told_and_the_others_are_run_on() -> None:
    assert chosen(both()) == (["heb-gw1", "tie-dns1"], [])
    assert chosen(both(host_keys=["x"])) == (["heb-gw1"], [("tie-dns1", "host-key")])


def test_a_limit_is_about_what_is_wrong_with_its_hosts_alone() -> None:
    assert chosen(both(host_keys=["x"]), "heby") == (["heb-gw1"], [])
    assert chosen(both(host_keys=["x"]), "tierp") == ([], [("tie-dns1", "host-key")])


def test_what_is_wrong_with_the_roles_of_a_host_costs_that_host_alone() -> None:
    wrong = {"samdrift": {"roles": {"firewall": True, "typo": True}}}

    assert chosen(both(context=wrong)) == (["heb-gw1"], [("tie-dns1", "role-unknown")])


def test_a_gateway_that_nobody_has_costs_those_who_need_it() -> None:
    prefixes = [{"prefix": "10.60.10.0/24", "site": "tierp-datahall", "gateway": "10.60.10.1"}]
    made = fleet(hosts=[SERVER | QUIET], cables=[], prefixes=prefixes, ranges=[])

    assert chosen(made) == ([], [("tie-dns1", "gateway-host")])


def test_a_managed_host_that_no_fleet_holds_is_told_where_all_are_meant() -> None:
    unnamed = Problem("netbox", "device number 7, name", "is not set", host="number 7")

    assert chosen(both(), None, unnamed) == (["heb-gw1", "tie-dns1"], [("number 7", "netbox")])
    assert chosen(both(), "heby", unnamed) == (["heb-gw1"], [])


def test_where_nothing_is_to_be_managed_that_is_a_wrong_question() -> None:
    with pytest.raises(UsageError, match="no host there is active and has roles"):
        chosen(both(status="planned"), "tie-dns1")


@pytest.mark.parametrize(
    ("common", "looks_as"),
    [
        (Common(), None),
        (Common(user="anna"), "anna"),
        (Common(key=Path("k")), "samdrift"),
        (Common(key=Path("k"), look_key=Path("l")), None),
        (Common(user="anna", look_user="oxidized"), "oxidized"),
    ],
)
def test_who_names_a_user_or_a_key_and_none_for_looks_means_it_for_everything(
    common: Common, looks_as: str | None
) -> None:
    assert look_user(common, "samdrift") == looks_as


def test_hosts_are_reached_through_one_of_the_fleet_that_can_be_believed_or_straight() -> None:
    assert bastion(None, both()) is None
    assert (bastion("heb-gw1", both()) or pytest.fail("none")).host == both().host("heb-gw1")
    with pytest.raises(UsageError, match="there is no host 'heb-gw9' in the fleet"):
        bastion("heb-gw9", both())
    with pytest.raises(UsageError, match="tie-dns1 has no address or no host key"):
        bastion("tie-dns1", both(host_keys=[]))


def test_an_advised_command_reaches_the_same_hosts_in_the_same_way() -> None:
    assert options_of(Common(source="netbox", through="tie-bastion1")) == (
        "--source", "netbox", "--through", "tie-bastion1"
    )  # fmt: skip


def test_a_line_to_remove_that_quotes_a_secret_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError) as refused:
        _refuse_other_devices((("heb-sw9", "snmp-server community hushhush ro"),), ())
    assert "quotes what may be a secret" in str(refused.value)
    assert "hushhush" not in f"{refused.value} {refused.value.fix}"
