"""Findings about what nobody declares: a few are one each, many are one with a list, and each can be accepted."""

from __future__ import annotations

from datetime import date

import pytest
import yaml

from deploy.model.findings import Finding, Severity
from deploy.model.messages import MessageId
from deploy.model.plan import HostPlan, Unmanaged
from deploy.model.unmanaged import FEW, SAYS, unmanaged_findings
from deploy.model.waivers import Waivers, difference, proposed
from inventory.waivers import Waiver
from roles.shared.catalogue import catalogue
from roles.shared.searches.search import FILE


def package(name: str, state: str = "1.0") -> Unmanaged:
    return Unmanaged(role="base", kind="package", name=name, state=state, remove=("apt-get", "purge", name))


def told(*things: Unmanaged) -> list[Finding]:
    return list(unmanaged_findings(HostPlan(host="h", municipality="heby", unmanaged=things), {}, {"base"}))


def waivers(**said: object) -> Waivers:
    about = {"name": "w", "hosts": "h", "role": "base", "owner": "anna", "reason": "it was always there", **said}
    waiver = Waiver.model_validate({"until": date(2027, 1, 1), **about})
    return Waivers((waiver,), date(2026, 12, 1), {"w": frozenset({"h"})})


def test_a_thing_is_told_with_what_to_do() -> None:
    (finding,) = told(package("nmap"))
    assert (finding.step, finding.severity) == ("package nmap", Severity.MEDIUM)
    assert "on h: apt-get purge nmap" in finding.remedy
    assert "waivers propose --limit h" in finding.remedy


def test_many_of_a_kind_are_one_finding_that_lists_them_and_another_one_when_there_is_one_more() -> None:
    many = [package(f"p{n}") for n in range(FEW + 1)]
    (finding,) = told(*many)
    assert all(one.name in finding.detail for one in many)
    (more,) = told(*many, package("new"))
    assert more.fingerprint != finding.fingerprint
    assert len(told(*many[:FEW])) == FEW


def test_files_and_lines_are_told_one_by_one() -> None:
    files = [Unmanaged(role="base", path=f"/etc/sudoers.d/{n}") for n in range(FEW + 1)]
    assert len(told(*files)) == FEW + 1


def test_a_name_that_cannot_be_pasted_is_in_no_command() -> None:
    assert told(Unmanaged(role="base", kind="own", name="x"))[0].summary == "own x is there, and nobody declares it"
    (finding,) = told(Unmanaged(role="base", kind="package", name="a\nb", remove=("rm", "--", "a\nb")))
    assert finding.message.id is MessageId.PACKAGE_UNDECLARED
    assert "rm --" not in finding.remedy


def test_a_search_without_an_answer_is_a_finding_and_never_silence() -> None:
    (finding,) = told(Unmanaged(role="base", kind="package", state="its command ended with 127"))
    assert (finding.message.id, finding.severity) == (MessageId.SEARCH_UNREAD, Severity.HIGH)


@pytest.mark.parametrize(
    ("said", "accepted"),
    [
        ({"unmanaged": "package nmap"}, True),
        ({"unmanaged": "package n*"}, True),
        ({"unmanaged": "package"}, False),
        ({"unmanaged": "unit nmap"}, False),
        ({"unmanaged": "package nmap", "seen": ["0" * 16]}, False),
        ({"unmanaged": "package nmap", "seen": [difference(package("nmap"))]}, True),
    ],
)
def test_a_waiver_accepts_by_name_or_pattern(said: dict[str, object], accepted: bool) -> None:
    thing = waivers(**said).on_unmanaged("h", package("nmap"))
    assert bool(thing.waived and thing.waived.accepted) is accepted


def test_what_is_proposed_for_many_accepts_them_and_nothing_that_comes_later() -> None:
    many = [package(f"p{n}") for n in range(FEW + 1)]
    (said,) = yaml.safe_load(proposed(told(*many))).values()
    known = waivers(unmanaged=said["unmanaged"], seen=said["seen"])
    marked = [known.on_unmanaged("h", one) for one in (*many, package("new"), package("p1", "2.0"))]
    assert [bool(one.waived and one.waived.accepted) for one in marked] == [True] * len(many) + [False, False]


def test_every_search_has_words() -> None:
    kinds = {search.kind for role in catalogue().values() for search in role.searches} - {FILE}
    assert kinds == SAYS.keys()
