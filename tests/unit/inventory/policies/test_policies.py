"""Every policy that is shipped holds where it should and is broken where it should be; the file of them is checked."""

from __future__ import annotations

import json
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from inventory.errors import InventoryError
from inventory.paths import POLICIES
from inventory.policies.policy import known_policies, read
from inventory.policies.wanted import LetIn, Wanted, WantedHost, WantedNetwork

GUESTS, STAFF, SERVERS = "10.63.30.0/24", "10.63.10.0/24", "10.60.10.0/24"
NETWORKS = (
    WantedNetwork(ip_network(GUESTS), "heby", "heby-kommunhus", "Gäster Heby, egen väg ut", "Gäst"),
    WantedNetwork(ip_network(STAFF), "heby", "heby-kommunhus", "Personal Heby", "Personal"),
    WantedNetwork(ip_network(SERVERS), "tierp", "tierp-datahall", "Servrar Tierp", "Servrar"),
)
PROXY = WantedHost("tie-web1", "tierp", addresses=("10.60.10.51/24",))


def let(*sources: str, port: int | None = 443, **more: Any) -> LetIn:
    return LetIn(tuple(map(ip_network, sources)), more.pop("protocol", "tcp"), port, **more)


def care(**more: Any) -> WantedHost:
    return WantedHost("tie-care1", "tierp", device_role="server", kind="vm", **more)


def of(*hosts: WantedHost) -> Wanted:
    return Wanted((*hosts, PROXY), NETWORKS)


def sshd(text: str) -> Wanted:
    return of(care(files={"/etc/ssh/sshd_config": lambda: text}))


CASES: dict[str, tuple[dict[str, Any], list[Wanted], list[Wanted]]] = {
    "reached-only-by": (
        {"hosts": {"names": ["tie-care*"]}, "by": ["tie-web1"], "besides": [22]},
        [
            of(care(lets_in=(let("10.60.10.51/32"),))),
            of(care(lets_in=(let(STAFF, port=22), let(STAFF, port=None, protocol="icmp")))),
            of(care(lets_in=None)),
        ],
        [
            of(care(lets_in=(let("10.60.10.51/32", STAFF),))),
            of(care(lets_in=(let("0.0.0.0/0"),))),
            of(care(lets_in=(let(STAFF, port=None),))),
        ],
    ),
    "closed-to": (
        {"networks": ["Gäst*"], "but_ports": [53]},
        [
            of(care(lets_in=(let(STAFF), let(GUESTS, port=53)))),
            of(care(lets_through=(let(GUESTS, port=None, protocol="", leaves_by="wan1"),))),
            of(care(lets_in=(let(GUESTS, port=None, protocol="icmp"),))),
        ],
        [
            of(care(lets_in=(let("10.63.30.7/32"),))),
            of(care(lets_in=(let("10.63.0.0/16"),))),
            of(care(lets_through=(let(GUESTS, destinations=(ip_network(SERVERS),)),))),
        ],
    ),
    "closed-to-the-internet": (
        {"but_ports": [443]},
        [of(care(lets_in=(let("0.0.0.0/0"), let(STAFF, port=22))))],
        [of(care(lets_in=(let("::/0", port=22),))), of(care(lets_in=(let("0.0.0.0/0", port=None),)))],
    ),
    "managed-from": (
        {"by": ["tie-web1"]},
        [of(care(lets_in=(let("10.60.10.51/32", port=22), let(STAFF, port=443))))],
        [of(care(lets_in=(let(STAFF, port=22),)))],
    ),
    "apart": (
        {"shared": {"municipalities": ["tierp"]}},
        [
            of(care(lets_in=(let(STAFF),))),
            of(WantedHost("heb-app1", "heby", lets_in=(let(STAFF),))),
        ],
        [of(WantedHost("heb-app1", "heby", lets_in=(let(SERVERS),)))],
    ),
    "roles-of": (
        {"hosts": {"device_roles": ["server"]}, "roles": ["backup"]},
        [of(care(roles=("base", "backup")))],
        [of(care(roles=("base",)))],
    ),
    "packages-not": (
        {"packages": ["telnetd"]},
        [of(care(packages=frozenset({"sudo"})))],
        [of(care(packages=frozenset({"sudo", "telnetd"})))],
    ),
    "group-members": (
        {"group": "admins", "most": 1, "only": ["anna"]},
        [of(care(groups={"anna": ("admins",), "bo": ("people",)}))],
        [of(care(groups={"bo": ("admins",)})), of(care(groups={"anna": ("admins",), "bo": ("admins",)}))],
    ),
    "file-says": (
        {
            "path": "/etc/ssh/sshd_config",
            "must": ["^PermitRootLogin no$"],
            "must_not": ["^PasswordAuthentication yes"],
            "hosts": {"names": ["tie-care1"]},
        },
        [sshd("PermitRootLogin no\nPasswordAuthentication no\n")],
        [sshd("PermitRootLogin no\nPasswordAuthentication yes\n"), sshd("#\n"), of(care())],
    ),
    "approvals-of": (
        {"hosts": {"names": ["tie-care*"]}, "approvals": 2},
        [of(care(approvals=2))],
        [of(care(approvals=1))],
    ),
    "guarded": (
        {},
        [of(care(unguarded=("no way back",))), of(care(changes=True))],
        [of(care(changes=True, unguarded=("no way back",)))],
    ),
    "large-change": (
        {"hosts": 1, "municipalities": 1},
        [of(care(changes=True))],
        [
            of(care(changes=True), WantedHost("tie-a1", "tierp", changes=True)),
            of(care(changes=True), WantedHost("heb-a1", "heby", changes=True)),
        ],
    ),
}


def test_every_policy_has_cases_of_both_outcomes_and_there_are_twelve() -> None:
    assert set(CASES) == set(known_policies())
    assert len(CASES) == 12
    assert all(policy.why for policy in known_policies().values())


@pytest.mark.parametrize("name", CASES)
def test_a_policy_holds_where_it_should_and_is_broken_where_it_should_be(name: str) -> None:
    policy, (given, holding, breaking) = known_policies()[name], CASES[name]
    parameters = policy.parameters.model_validate_json(json.dumps(given), strict=True)
    for wanted in holding:
        assert list(policy.broken(wanted, parameters)) == []
    for wanted in breaking:
        assert list(policy.broken(wanted, parameters))


def test_a_word_that_means_nothing_is_an_error_and_never_nobody() -> None:
    with pytest.raises(LookupError, match="tie-wbe1"):
        of().called(["tie-wbe1"])


def test_the_shipped_file_asks_for_policies_that_there_are() -> None:
    asked = read(POLICIES)
    assert {one.policy.name for one in asked} == set(known_policies())
    assert len({one.id for one in asked}) == len(asked)
    assert all(one.reason for one in asked)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("care: {policy: reached-only-byy, hosts: {}, by: [x]}", "did you mean|there is 'reached-only-by'"),
        ("care: {hosts: {}}", "does not say which policy"),
        ("care: {policy: roles-of, hosts: {}, role: [base]}", "role"),
        ("care: {policy: file-says, path: /x, must: ['(']}", "no regular expression"),
        ("- care", "must be a mapping"),
        ("care: {policy: [", "policies.yaml"),
    ],
)
def test_what_is_wrong_in_the_file_is_told_and_nothing_passes(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "policies.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InventoryError, match=says):
        read(file)


def test_without_a_file_no_policy_is_asked(tmp_path: Path) -> None:
    assert read(tmp_path / "none.yaml") == ()


def test_a_file_that_is_no_utf_8_is_told_and_asks_for_nothing(tmp_path: Path) -> None:
    file = tmp_path / "policies.yaml"
    file.write_bytes(b"backup: {policy: k\xe4nd}\n")

    with pytest.raises(InventoryError, match="cannot be read: it is no UTF-8"):
        read(file)
