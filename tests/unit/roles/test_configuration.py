"""What is typed makes a device what is intended, and the rollback what it was; nothing else of it moves."""

from __future__ import annotations

import copy
import re

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from roles.shared.configuration import Difference, difference
from roles.shared.vendor import Lineage, known_vendors
from tests.emulator.grammar import Tree, applied, grammar
from tests.unit.roles.cli_configurations import KINDS

PLATFORMS = sorted(KINDS)


def part(tree: Tree, managed: tuple[Lineage, ...], *, of_it: bool, depth: int = 0) -> Tree:
    """What of a configuration is managed, or what is not."""
    kept: Tree = {}
    for line, below in tree.items():
        here = [m for m in managed if len(m) > depth and re.fullmatch(m[depth], line)]
        if any(len(m) == depth + 1 for m in here):
            kept |= {line: copy.deepcopy(below)} if of_it else {}
        elif here:
            inner = part(below, tuple(here), of_it=of_it, depth=depth + 1)
            kept |= {line: inner} if inner else {}
        elif not of_it:
            kept[line] = copy.deepcopy(below)
    return kept


def both(a: Tree, b: Tree) -> Tree:
    return {line: both(a.get(line, {}), b.get(line, {})) for line in {**b, **a}}


def told(platform: str, running: Tree, intended: Tree) -> Difference:
    show, managed = grammar(platform).show, KINDS[platform].managed
    wanted = part(intended, managed, of_it=True)
    return difference(known_vendors()[platform], show(running), show(wanted), managed)


def bare(tree: Tree) -> Tree:
    """Without sections in which nothing stands and that are always there."""
    always = r"interface (\d+/|Gig|\S+$)|line |config |ntp$|syslog$|interfaces$|vlans$"
    below = {line: bare(inner) for line, inner in tree.items()}
    return {line: inner for line, inner in below.items() if inner or not re.match(always, line)}


def leads_there_and_back(platform: str, running: Tree, other: Tree) -> None:
    managed = KINDS[platform].managed
    unmanaged = part(running, managed, of_it=False)
    intended = both(unmanaged, part(other, managed, of_it=True))
    if platform == "fortios":
        intended = consistent(intended, running)
    change = told(platform, running, intended)
    result = applied(platform, running, change.lines)
    assert bare(result) == bare(intended)
    assert bare(applied(platform, result, change.rollback)) == bare(running)
    assert bool(change.lines) == (change.before != change.after) == bool(change.rollback)
    again = told(platform, result, intended)
    assert (again.lines, again.rollback, again.before) == ((), (), again.after)
    assert again.unmanaged == change.unmanaged


@pytest.mark.parametrize("platform", PLATFORMS)
@given(data=st.data())
@effort(max_examples=12)
def test_lines_lead_to_the_intended_and_the_rollback_back(platform: str, data: st.DataObject) -> None:
    leads_there_and_back(platform, data.draw(KINDS[platform].trees), data.draw(KINDS[platform].trees))


@pytest.mark.soak
@pytest.mark.parametrize("platform", PLATFORMS)
@given(data=st.data())
@effort(max_examples=500)
def test_they_do_so_many_times(platform: str, data: st.DataObject) -> None:
    leads_there_and_back(platform, data.draw(KINDS[platform].trees), data.draw(KINDS[platform].trees))


def consistent(intended: Tree, running: Tree) -> Tree:
    """Policies that name only what is there: an interface that is unmanaged may be in one of the two alone."""
    ports = running.get("config system interface", {}).keys() & {'edit "hand"'}
    if ports or '"hand"' not in str(intended.get("config firewall policy", {})):
        return intended
    return {line: below for line, below in intended.items() if line != "config firewall policy"}
