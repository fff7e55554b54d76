"""Role lldp: lldpd speaks at this host's ports, and whom it hears there is whom NetBox's cables lead to.

A device at the other end that does not speak LLDP is not heard, which is no fault of this host's.
"""

from __future__ import annotations

import json
from typing import Any

from roles.lldp import SANDBOX, SHOWN, UNIT, Settings


def said(host: Any, what: str) -> Any:
    """What lldpd says, in the one of its JSON forms that has the same shape however much there is."""
    return json.loads(host.check_output(SHOWN.format(word=what)))


def first(value: Any, *path: str) -> str:
    """The first value at the end of this path through lists of one object; empty where there is none."""
    for step in (*path, "value"):
        value = (value or [{}])[0].get(step)
    return str(value or "")


def heard(host: Any) -> list[tuple[str, str]]:
    """(port, name of the neighbour) of everybody who speaks LLDP to this host."""
    interfaces = [i for part in said(host, "neighbors")["lldp"] for i in part.get("interface", [])]
    return [(i["name"], first([i], "chassis", "name").partition(".")[0]) for i in interfaces]


def test_lldpd_runs_and_is_enabled(unit: Any) -> None:
    assert unit(UNIT) == ("active", "enabled")


def test_its_service_may_do_what_it_needs_and_nothing_else(violations: Any) -> None:
    assert violations(SANDBOX) == []


def test_it_says_the_name_that_netbox_has_for_it(host: Any, settings: Settings) -> None:
    (part,) = said(host, "chassis")["local-chassis"]
    assert first([part], "chassis", "name") == settings.host


def test_it_speaks_at_the_ports_of_netbox_and_at_no_other(host: Any, settings: Settings) -> None:
    speaking = {i["name"] for part in said(host, "interfaces")["lldp"] for i in part.get("interface", [])}
    assert speaking == {p.name for p in settings.ports}


def test_every_neighbour_is_where_a_cable_of_netbox_leads(host: Any, settings: Settings) -> None:
    far = {p.name: p.far_host for p in settings.ports}
    strange = [f"{name or '(no name)'} at {port}" for port, name in heard(host) if far.get(port) != name]
    assert not strange, "NetBox has no cable to it, or one to another device"


PROVES = {
    "hardening": (
        "its service may do what it needs and nothing else",
        "it speaks at the ports of netbox and at no other",
    ),
    "inventory": (
        "lldpd runs and is enabled",
        "it says the name that netbox has for it",
        "it speaks at the ports of netbox and at no other",
        "every neighbour is where a cable of netbox leads",
    ),
    "network": ("every neighbour is where a cable of netbox leads",),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "lldpd runs and is enabled": "lldpd är igång och startar med värden",
    "its service may do what it needs and nothing else": "tjänsten får göra vad den behöver och inget annat",
    "it says the name that netbox has for it": "den uppger namnet som den har i NetBox",
    "it speaks at the ports of netbox and at no other": "den talar på de portar som står i NetBox och inga andra",
    "every neighbour is where a cable of netbox leads": "varje granne är dit en kabel i NetBox leder",
}
"""What its checks are called in a Swedish report."""
