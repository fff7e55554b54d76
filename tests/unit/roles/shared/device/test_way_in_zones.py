"""What lets samdrift in to a firewall whose interfaces are in zones: the zone of the one that has the address."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from tests.emulator.grammar import Refused, applied, grammar
from tests.unit.roles.shared.device.test_way_in import RUNNING, gets_in, lines_of, lost, taking_away

ZONE = "security zones security-zone trust"
INBOUND = "host-inbound-traffic system-services"
SRX = (
    RUNNING["junos"]
    + f"""\
set {ZONE} {INBOUND} ping
set {ZONE} {INBOUND} ssh
set {ZONE} interfaces irb.101
set {ZONE} interfaces irb.110
set security zones security-zone lokal {INBOUND} ping
set security zones security-zone lokal interfaces ge-0/0/2.0
set security policies from-zone trust to-zone lokal policy a then permit
"""
)
OF_ITS_OWN = SRX.replace("irb.101", f"irb.101 {INBOUND} ssh").replace(f"{ZONE} {INBOUND} ssh", f"{ZONE} {INBOUND} dns")


@pytest.mark.parametrize(
    ("running", "entries"),
    [
        (SRX, (f"delete {ZONE} {INBOUND} ssh",)),
        (SRX, (f"delete {ZONE} host-inbound-traffic",)),
        (SRX, (f"delete {ZONE} interfaces irb.101",)),
        (SRX, (f"delete {ZONE}",)),
        (SRX, (f"delete {ZONE} interfaces irb.101", "set security zones security-zone lokal interfaces irb.101")),
        (SRX, (f"set {ZONE} interfaces irb.101 {INBOUND} ping",)),
        (SRX, (f"set {ZONE} {INBOUND} ssh except",)),
        (SRX, ("set security policies from-zone trust to-zone junos-host policy x then deny",)),
        (OF_ITS_OWN, (f"delete {ZONE} interfaces irb.101 {INBOUND} ssh",)),
        (OF_ITS_OWN, (f"delete {ZONE} interfaces irb.101",)),
    ],
)
def test_a_zone_that_would_let_ssh_in_no_more_is_told(running: str, entries: tuple[str, ...]) -> None:
    assert {found.part for found in lost("junos", entries, running=running)} == {"service"}


@pytest.mark.parametrize(
    ("running", "entries"),
    [
        (SRX, (f"delete {ZONE} {INBOUND} ping",)),
        (SRX, (f"delete {ZONE} interfaces irb.110",)),
        (SRX, (f"set {ZONE} interfaces irb.110 {INBOUND} ping",)),
        (SRX, (f"set {ZONE} interfaces irb.101 {INBOUND} all",)),
        (SRX, (f"delete {ZONE} {INBOUND} ssh", f"set {ZONE} {INBOUND} all")),
        (SRX, ("delete security zones security-zone lokal", "delete security policies")),
        (SRX, (f"delete {ZONE} interfaces irb.101", f"set security zones security-zone it {INBOUND} ssh",
               "set security zones security-zone it interfaces irb.101")),
        (OF_ITS_OWN, (f"delete {ZONE} host-inbound-traffic",)),
    ],
)  # fmt: skip
def test_what_leaves_ssh_let_in_is_none_of_its_business(running: str, entries: tuple[str, ...]) -> None:
    assert lost("junos", entries, running=running) == ()


@pytest.mark.parametrize("running", [SRX, OF_ITS_OWN])
@given(data=st.data())
@effort(max_examples=10)
def test_what_takes_nothing_of_the_zone_leaves_samdrift_in(running: str, data: st.DataObject) -> None:
    tree = grammar("junos").load(running)
    assert gets_in("junos", tree)
    ours = [path for path in lines_of(tree) if path[0] == "security"]
    gone = data.draw(st.lists(st.sampled_from(ours), max_size=3, unique=True))
    entries = tuple(line for path in gone for line in taking_away("junos", path))
    with contextlib.suppress(Refused):  # a word that only announces a name
        left = gets_in("junos", applied("junos", grammar("junos").load(running), entries))
        assert left or lost("junos", entries, running=running)
