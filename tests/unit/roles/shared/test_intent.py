"""Intent: settings are computed once, build on each other without going round, and every problem is told."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from types import MappingProxyType

import pytest

from inventory.errors import InventoryError, SamdriftError
from inventory.fleet import Fleet, Host
from inventory.snapshot import load
from roles.shared import catalogue as catalogue_module
from roles.shared import intent as intent_module
from roles.shared.catalogue import Role, catalogue, roles_of
from roles.shared.intent import Intent
from roles.shared.settings import Options, Settings, SettingsError

SHIPPED = load()


class _Say(Settings):
    text: str


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[str, str]]:
    """How often settings were computed, by host and role."""
    counted: Counter[tuple[str, str]] = Counter()

    def counting(role: Role) -> Role:
        def compute(host: Host, fleet: Fleet, options: Options, intent: Intent) -> Settings:
            counted[host.name, role.name] += 1
            return role.compute(host, fleet, options, intent)

        return replace(role, compute=compute)

    _use(monkeypatch, {name: counting(role) for name, role in catalogue().items()})
    return counted


def _use(monkeypatch: pytest.MonkeyPatch, roles: dict[str, Role]) -> None:
    known = MappingProxyType(roles)
    monkeypatch.setattr(catalogue_module, "catalogue", lambda: known)
    monkeypatch.setattr(intent_module, "catalogue", lambda: known)


def _with(monkeypatch: pytest.MonkeyPatch, **computes: str) -> None:
    """Two roles of made-up names in place of `time` and `lldp`, of which each builds on the settings of another."""

    def building_on(other: str) -> Role:
        def compute(host: Host, _fleet: Fleet, _options: Options, intent: Intent) -> Settings:
            return intent.required(host, other) if other else _Say(text=host.name)

        return replace(catalogue()["time"], options=Options, compute=compute)

    _use(monkeypatch, {name: replace(building_on(other), name=name) for name, other in computes.items()})


def _host(*roles: str) -> Host:
    section = {"roles": dict.fromkeys(roles, True)}
    return SHIPPED.host("tie-dns1").model_copy(update={"context": {"samdrift": section}})


def test_whatever_is_asked_in_whatever_order_every_setting_is_computed_once(
    computed: Counter[tuple[str, str]],
) -> None:
    intent = Intent(SHIPPED)
    for _ in range(2):
        for host in SHIPPED.hosts:
            intent.problems(host)
            intent.settings(host)
        intent.secrets(SHIPPED.hosts)

    assert {(h.name, role) for h in SHIPPED.hosts for role in h.roles} == set(computed)
    assert set(computed.values()) == {1}


def test_one_host_costs_one_host_and_what_its_roles_build_on(computed: Counter[tuple[str, str]]) -> None:
    Intent(SHIPPED).settings(SHIPPED.host("tie-web1"))

    assert {host for host, _ in computed} == {"tie-web1"}


@pytest.mark.long
@pytest.mark.parametrize("host", [h for h in SHIPPED.hosts if h.roles], ids=lambda h: h.name)
def test_settings_come_in_the_order_of_the_roles(host: Host) -> None:
    assert tuple(Intent(SHIPPED).settings(host)) == roles_of(host)


def test_what_is_derived_is_made_once() -> None:
    made: list[Intent] = []

    def count(of: Intent) -> int:
        made.append(of)
        return len(of.fleet.hosts)

    intent = Intent(SHIPPED)
    assert intent.derive(count) == intent.derive(count) == len(SHIPPED.hosts)
    assert made == [intent]


def test_settings_that_build_on_each_other_in_a_circle_are_an_error_of_the_code_that_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _with(monkeypatch, one="two", two="one")
    host = _host("one", "two")

    with pytest.raises(SamdriftError, match="one of tie-dns1 → two of tie-dns1 → one of tie-dns1"):
        Intent(SHIPPED).settings(host)


def test_a_role_that_builds_on_one_with_a_problem_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> Settings:
        raise SettingsError("there is no server", field="config context samdrift.two")

    _with(monkeypatch, one="two", two="")
    roles = dict(catalogue_module.catalogue())
    _use(monkeypatch, {**roles, "two": replace(roles["two"], compute=missing)})
    host, intent = _host("one", "two"), Intent(SHIPPED)

    assert [p.what for p in intent.problems(host)] == [
        "one: host tie-dns1, config context samdrift.two: two: there is no server [role-settings]",
        "two: there is no server",
    ]
    assert intent.settings(host) == {}
    with pytest.raises(InventoryError, match="there is no server"):
        intent.require([host])


def test_a_host_with_a_role_that_does_not_fit_its_platform_has_no_settings_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _with(monkeypatch, one="", two="")
    host = _host("one", "two").model_copy(update={"platform": "junos"})

    assert Intent(SHIPPED).settings(host) == {}
    assert [p.rule for p in Intent(SHIPPED).problems(host)] == ["role-platform", "role-platform"]


def test_what_fits_no_setting_costs_its_host_and_no_other() -> None:
    shipped = load()
    orphan = shipped.host("alv-fw1").model_copy(update={"tenant": ""})
    fleet = shipped.model_copy(update={"hosts": tuple(orphan if h.name == orphan.name else h for h in shipped.hosts)})
    intent = Intent(fleet)

    assert any(p.where == "host alv-fw1, municipality" for p in intent.problems(orphan))
    assert intent.problems(fleet.host("heb-fw1")) == ()
