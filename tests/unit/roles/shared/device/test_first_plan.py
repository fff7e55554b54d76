"""A first plan of a device that people run: the shipped roles remove nothing of it, and an apply leaves theirs."""

from __future__ import annotations

import pytest

from roles.shared.device.difference import Difference, difference
from roles.shared.device.known import known_vendors
from tests.device_texts import NAMES, device_text
from tests.emulator.grammar import applied, grammar
from tests.unit.roles.shared.device.switch_fleet import DEVICES, fleet
from tests.unit.roles.shared.device.test_settings import declared


@pytest.mark.parametrize("text", NAMES)
def test_a_published_device_loses_nothing_by_the_first_plan_and_its_apply(text: str) -> None:
    platform, running = device_text(text)
    if platform == "junos" and "{" in running:
        pytest.skip("it is in the form with braces, and samdrift asks Junos for statements")
    vendor, language = known_vendors()[platform], grammar(platform)
    roles = [(role, name) for role, of in DEVICES.items() for name, p in of.items() if p == platform]
    assert roles
    for role, name in roles:
        asked = declared(role, name, fleet())
        change = difference(vendor, running, asked.content, asked.managed)
        assert change.removals == ()
        there = language.show(applied(platform, language.load(running), change.entries))
        again = difference(vendor, there, asked.content, asked.managed)
        assert again.entries == ()
        assert nobodys(change) <= nobodys(again)


def nobodys(change: Difference) -> set[str]:
    """The lines that are told as unmanaged, each with its section."""
    return {f"{text.splitlines()[0]} / {line.strip()}" for text in change.unmanaged for line in text.splitlines()}
