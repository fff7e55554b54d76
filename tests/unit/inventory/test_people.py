"""Who may do what is read strictly, and begins and ends with the days that are written."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.source.known import from_snapshot
from inventory import snapshot
from inventory.errors import InventoryError
from inventory.organisation import ALL, JOINT, People
from inventory.paths import PEOPLE
from inventory.people import read
from inventory.rules.house import of_the_project

TODAY = date(2026, 11, 29)
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGyEcPTacAAZq77B3Ulk2ToRvSZREr26Nehpt0s1RMVh"
EMPLOYED = "full_name: A, home: joint, since: '2020-01-01'"
TECHNICIAN = "functions:\n  technician: {title: Tekniker, duties: [print_server.jobs], runs: [plan]}\npeople:\n"


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "people.yaml").write_text(text, encoding="utf-8")
    return tmp_path / "people.yaml"


def maja(tmp_path: Path, *, today: date = TODAY, more: str = "", grant: str = "of: [heby]") -> People:
    text = "  maja-holm:\n    full_name: Maja Holm\n    home: heby\n    principals: [maja]\n    since: '2021-08-16'\n"
    text += more
    text += f"    grants:\n    - {{function: technician, {grant}}}\n"
    return read(written(tmp_path, TECHNICIAN + text), today)


def test_a_technician_of_heby_may_what_the_function_says_in_heby_and_nothing_elsewhere(tmp_path: Path) -> None:
    people = maja(tmp_path)
    person = people.person("maja-holm")

    assert person is not None
    assert person.duties_for("heby") == ("print_server.jobs",)
    assert person.duties_for("tierp") == ()
    assert people.who_may("plan", "heby") == (person,)
    assert people.who_may("plan", "tierp") == people.who_may("apply", "heby") == ()


@given(st.integers(-400, 400), st.integers(0, 200), st.integers(0, 300))
@settings(max_examples=25)
def test_from_the_first_day_to_the_last_and_not_a_day_more(offset: int, start: int, length: int) -> None:
    first = date(2026, 1, 1) + timedelta(days=start)
    last = first + timedelta(days=length)
    today = TODAY + timedelta(days=offset)
    text = (
        f"{TECHNICIAN}  maja-holm:\n    full_name: Maja\n    home: heby\n    principals: [maja]\n"
        f"    since: '2026-01-01'\n    until: '{last}'\n"
        f"    grants: [{{function: technician, of: [heby], since: '{first}'}}]\n"
    )
    with tempfile.TemporaryDirectory() as directory:
        (person,) = read(written(Path(directory), text), today).everybody

    assert person.may("plan", "heby") == (first <= today <= last)
    assert (person.employment == "ended") == (today > last)


def test_a_grant_lasts_no_longer_than_the_employment(tmp_path: Path) -> None:
    ends = maja(tmp_path, more="    until: '2026-12-31'\n", grant="of: [heby], until: '2027-12-31'")
    (person,) = ends.everybody

    assert person.grants[0].until == date(2026, 12, 31)


@pytest.mark.parametrize(
    ("more", "grant", "words"),
    [
        (
            "    until: '2020-01-01'\n",
            "of: [heby]",
            "maja-holm leaves on 2020-01-01, before",
        ),
        ("", "of: [heby], until: '2021-01-01'", "it ends on 2021-01-01, before it begins"),
        ("", "of: all", "maja-holm is of heby, and would hold technician for all"),
        ("", "of: [heby, tierp]", "would hold technician for tierp"),
        ("    keys: [ssh-rsa AAAA]\n", "of: [heby]", "keys.0: string should match pattern"),
        ("    since: 2020-01-01\n", "of: [heby]", "is here twice"),
        ("    until: 2020-01-01\n", "of: [heby]", "would be read as a date"),
        ("    password: x\n", "of: [heby]", "unknown key 'password'"),
    ],
)
def test_what_cannot_be_meant_is_an_error_with_its_line(tmp_path: Path, more: str, grant: str, words: str) -> None:
    with pytest.raises(InventoryError) as caught:
        maja(tmp_path, more=more, grant=grant)

    assert any(words in str(p) for p in caught.value.problems), caught.value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{TECHNICIAN}  a: {{{EMPLOYED}, grants: [{{function: technician, of: all}}]}}\n", "a could not log in"),
        ("people:\n  root: {full_name: R, home: joint, since: '2020-01-01'}\n", "root is no person's account"),
        ("people:\n  samdrift: {full_name: R, home: joint, since: '2020-01-01'}\n", "samdrift is no person's account"),
        (
            "people:\n" + "".join(f"  {n}: {{{EMPLOYED}, keys: [{KEY} {n}@x]}}\n" for n in "ab"),
            "people.yaml:3: b and a have one key",
        ),
        (
            f"{TECHNICIAN}  a: {{{EMPLOYED}, grants: [{{function: technicain, of: all}}]}}\n",
            "there is no function 'technicain', but there is 'technician'",
        ),
        ("functions:\n  f: {title: F, duties: [root]}\n", "functions.f.duties.0: string should match"),
        ("functions:\n  f: {title: F, runs: [destroy]}\n", "functions.f.runs.0: input should be"),
    ],
)
def test_what_is_no_person_and_no_function_is_an_error(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InventoryError) as caught:
        read(written(tmp_path, text), TODAY)

    assert any(words in str(p) for p in caught.value.problems), caught.value


def test_one_who_helps_another_municipality_is_named_as_doing_so(tmp_path: Path) -> None:
    (person,) = maja(tmp_path, more="    lent_to: [tierp]\n", grant="of: [heby, tierp]").everybody

    assert person.duties_for("tierp") == ("print_server.jobs",)


def test_whatever_the_source_the_people_are_the_projects_and_no_part_of_what_the_source_says() -> None:
    known = from_snapshot(snapshot.DEFAULT, "snapshot")

    assert known.fleet.people.everybody
    assert known.fleet.digest == snapshot.load().digest


def test_of_the_five_nobody_of_a_municipality_is_root_and_each_has_somebody_who_approves() -> None:
    shipped = read(PEOPLE, TODAY)
    tenants = {t.slug for t in snapshot.load().tenants}

    assert of_the_project().problems == ()
    for person in shipped.everybody:
        assert {*(m for g in person.grants for m in g.of), person.home} <= {*tenants, ALL, JOINT}
        if person.home != JOINT:
            assert not any("administer" in g.duties or "apply" in g.runs for g in person.grants)
    assert all(shipped.who_may("approve", tenant) for tenant in tenants)
