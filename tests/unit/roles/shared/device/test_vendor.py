"""Vendors as data: each is whole, and says of itself what others believe of it."""

from __future__ import annotations

import re

import pytest
from hier_config import Platform
from netmiko.ssh_dispatcher import CLASS_MAPPER

from roles.shared.device.configure import ConfigurationSession, RunningConfiguration
from roles.shared.device.known import known_vendors
from roles.shared.device.vendor import Vendor
from tests.emulator.grammar import GRAMMARS

VENDORS = list(known_vendors().values())


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda v: v.platform)
def test_a_vendor_is_known_to_the_libraries_and_its_expressions_can_be_read(vendor: Vendor) -> None:
    assert vendor.netmiko in CLASS_MAPPER
    assert vendor.hier_config in Platform.__members__
    assert vendor.platform in GRAMMARS
    lineages = [p for lineage in (*vendor.replaces, *vendor.permanent) for p in lineage]
    lists = [of.line for of in vendor.lists]
    for pattern in (
        vendor.comment,
        *vendor.volatile,
        *vendor.errors,
        *vendor.ignored,
        *vendor.hidden,
        *lineages,
        *lists,
    ):
        re.compile(pattern)
    for pattern in (*vendor.secrets, *vendor.texts):
        assert re.compile(pattern).groups == 1
    for pattern in lists:
        assert re.compile(pattern).groups - len(re.compile(pattern).groupindex) == 1


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda v: v.platform)
def test_what_restores_a_device_has_times_and_a_source_or_the_vendor_has_none(vendor: Vendor) -> None:
    confirm = vendor.confirm
    assert (confirm is None) == (vendor.platform in {"fortios", "frr"})
    if confirm is not None:
        assert 1 <= confirm.minutes[0] < confirm.minutes[1]
        assert confirm.source
        assert any("{minutes}" in command for command in (*confirm.arm, *confirm.enter, *confirm.leave))


def test_a_pending_change_is_told_from_one_that_was_confirmed() -> None:
    def pending(platform: str, said: str) -> bool:
        confirm = known_vendors()[platform].confirm
        assert confirm is not None
        return any(re.search(confirm.pending_pattern, line) for line in said.splitlines())

    confirmed = "0   2026-11-27 06:00:00 UTC by samdrift via cli commit confirmed, rollback in 5mins\n1   2026-11-26\n"
    assert not pending("junos", confirmed)
    assert pending("junos", confirmed.replace("5mins\n", "5mins\n    rollback pending\n"))
    assert not pending("cisco-ios", "%No Rollback Confirmed Change pending")
    assert pending("cisco-ios", "Time configured(in minutes): 5\nTimer type: absolute timer\nTimer value: 4 min")


@pytest.mark.parametrize(
    ("platform", "refusal", "fine"),
    [
        ("arubaos-cx", "Invalid input: foo", "Operation successful"),
        ("cisco-ios", "% Invalid input detected at '^' marker.", "%SYS-5-CONFIG_I: Configured from console"),
        ("fortios", "Command fail. Return code -61", "heb-fw1 (interface) #"),
        ("frr", "% Unknown command: foo", "frr(config)#"),
        ("junos", "error: configuration check-out failed", "warning: statement not found"),
    ],
)
def test_a_refusal_is_told_from_other_output(platform: str, refusal: str, fine: str) -> None:
    vendor = known_vendors()[platform]
    assert vendor.refused(f"something\n  {refusal}\n") == refusal
    assert vendor.refused(fine) == ""


def test_a_line_without_a_secret_is_shown_as_it_is() -> None:
    texts = (
        "hostname x",
        "interface 1/1/1",
        " description key of the secret password 7",
        "set system ntp server 1.2.3.4",
    )
    for vendor in VENDORS:
        for line in (*texts, 'set interfaces ge-0/0/1 description "the secret authentication-key x"'):
            assert vendor.masked(line) == line


IOS, FORTIOS, JUNOS = (known_vendors()[p] for p in ("cisco-ios", "fortios", "junos"))


@pytest.mark.parametrize(
    ("vendor", "entry"),
    [
        (IOS, ("banner motd ^C", "  Endast för", "behöriga.", "^C")),
        (IOS, ("banner login #nej#",)),
        (FORTIOS, ('set buffer "<p>', '  Endast \\"behörig\\"', '</p>"')),
        (FORTIOS, ('set alias "Sal 4"',)),
        (JUNOS, ('set system login message "a',)),
    ],
)
def test_an_entry_is_typed_in_its_own_lines(vendor: Vendor, entry: tuple[str, ...]) -> None:
    assert vendor.lines_of("\n".join(entry)) == entry
    assert vendor.lines_of("\n".join(f"{line} " for line in entry)) == entry


@pytest.mark.parametrize(
    ("vendor", "entry"),
    [
        (IOS, "description a\nhostname b"),
        (IOS, "banner motd ^C\na"),
        (IOS, "banner motd ^C\n^C\nhostname b"),
        (IOS, "banner motd #a#\nhostname b"),
        (FORTIOS, 'set alias "a"\nend'),
        (FORTIOS, 'set buffer "a\nb"\nend'),
        (JUNOS, 'set system login message "a\nb"'),
    ],
)
def test_an_entry_that_is_more_than_a_line_or_a_text_is_not_taken_apart(vendor: Vendor, entry: str) -> None:
    assert vendor.lines_of(entry) == (entry,)


def test_a_session_is_its_entries_as_text_and_the_fact_the_vendors_own_question() -> None:
    session = ConfigurationSession("cisco-ios", ("vlan 110", "  name x"), ("no vlan 110",))
    assert (str(session), session.entries) == ("vlan 110\n  name x", ("vlan 110", "  name x"))
    fact = RunningConfiguration()
    assert fact.command(platform="junos") == "show configuration | display set"
    assert fact.process(["a", " b"]) == "a\n b\n"
