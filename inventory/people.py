"""The people of the organisation, `inventory/people.yaml`: who they are, where they belong, and what they may do where.

    functions:
      technician: {title: Tekniker, duties: [print_server.jobs], runs: [plan]}
    people:
      maja-holm:
        full_name: Maja Holm
        home: heby                     # a municipality, or `joint`
        since: '2021-08-16'
        until: '2026-12-31'            # the last day of employment; without, it goes on
        keys: [ssh-ed25519 AAAA…]
        grants:
        - {function: technician, of: [heby], since: '2022-01-10'}

It is a file of the project, whatever the source of the fleet: who becomes root is decided in a merge request, and never
by who may write in NetBox. Not here: what a duty lets somebody do (`roles.shared.duties`), and the values themselves
(`organisation`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from inventory.errors import InventoryError
from inventory.frozen import Frozen
from inventory.organisation import (
    ALL,
    JOINT,
    AccountName,
    Employment,
    FullName,
    Grant,
    People,
    Person,
    Principal,
    PublicKey,
    RunVerb,
)
from inventory.paths import PEOPLE
from inventory.rules.rule import most_like
from inventory.yaml_file import document_in, value_of

RULE = "people"
NOBODYS = re.compile(
    "root|_.*|(samdrift|systemd)(-.*)?|"
    "daemon|bin|sys|sync|games|man|lp|mail|news|uucp|proxy|www-data|backup|list|irc|gnats|nobody|messagebus|sshd"
)
"""Accounts that are no person's: samdrift's, and those that every Debian has."""

Duty = Annotated[str, Field(pattern=r"^(administer|[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*)$")]
Municipality = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,98}$")]


class WrittenFunction(Frozen):
    """A function, as it is written: what everybody who has it may do."""

    title: str = Field(min_length=1, max_length=80)
    duties: tuple[Duty, ...] = ()
    runs: tuple[RunVerb, ...] = ()


class WrittenGrant(Frozen):
    """A person's function, as it is written: of which municipalities, and from when to when."""

    function: str
    of: tuple[Municipality, ...] | Literal["all"]
    since: date | None = None
    until: date | None = None


class WrittenPerson(Frozen):
    """A person, as written."""

    full_name: FullName
    home: Municipality
    since: date
    until: date | None = None
    keys: tuple[PublicKey, ...] = ()
    principals: tuple[Principal, ...] = ()
    grants: tuple[WrittenGrant, ...] = ()
    lent_to: tuple[Municipality, ...] = Field(
        default=(), description="other municipalities that one of a municipality may hold functions for"
    )


class Written(Frozen):
    """The whole file."""

    functions: dict[str, WrittenFunction] = Field(default_factory=dict)
    people: dict[AccountName, WrittenPerson] = Field(default_factory=dict)


def of_the_project(today: date) -> People:
    """Read the people of the project's file, as they are employed today; nobody, if there is no file.

    Raises:
        InventoryError: with everything that is wrong in it.
    """
    return read(PEOPLE, today) if PEOPLE.exists() else People()


def read(file: Path, today: date) -> People:
    """Read people, as they are employed today.

    Raises:
        InventoryError: with everything that is wrong in the file.
    """
    document = document_in(file, RULE, "mend it")
    written = value_of(document, Written, RULE)
    for path, what, fix in _wrong(written):
        document.wrong(document.line_of(path), what, rule=RULE, fix=fix)
    if document.problems:
        raise InventoryError(tuple(document.problems))
    return People(everybody=tuple(_person(name, written, today) for name in sorted(written.people)))


def _person(name: str, written: Written, today: date) -> Person:
    person = written.people[name]
    return Person(
        name=name,
        full_name=person.full_name,
        home=person.home,
        since=person.since,
        until=person.until,
        employment=_employment(person.since, person.until, today),
        keys=person.keys,
        principals=person.principals,
        grants=tuple(_grant(grant, person, written.functions[grant.function], today) for grant in person.grants),
    )


def _grant(grant: WrittenGrant, person: WrittenPerson, function: WrittenFunction, today: date) -> Grant:
    since = max(grant.since or person.since, person.since)
    until = min((day for day in (grant.until, person.until) if day is not None), default=None)
    return Grant(
        function=grant.function,
        title=function.title,
        duties=function.duties,
        runs=function.runs,
        of=(ALL,) if grant.of == ALL else tuple(sorted(set(grant.of))),
        since=since,
        until=until,
        employment=_employment(since, until, today),
    )


def _employment(since: date, until: date | None, today: date) -> Employment:
    if today < since:
        return "to come"
    return "ended" if until is not None and today > until else "now"


Wrong = tuple[tuple[str | int, ...], str, str]


def _wrong(written: Written) -> Iterator[Wrong]:
    """Yield what is wrong although each part of the file is as it should be: where, what, and what to write."""
    owners: dict[str, str] = {}
    for name, person in written.people.items():
        path = ("people", name)
        if NOBODYS.fullmatch(name):
            yield path, f"{name} is no person's account", "choose another name"
        if person.until is not None and person.until < person.since:
            yield (*path, "until"), f"{name} leaves on {person.until}, before coming on {person.since}", "mend a date"
        for i, key in enumerate(person.keys):
            if (other := owners.setdefault(_bare(key), name)) != name:
                what = f"{name} and {other} have one key: whose login it is, nobody could tell"
                yield (*path, "keys", i), what, "a key of his or her own for each"
        if person.grants and not person.keys and not person.principals:
            yield path, f"{name} could not log in", "add keys or principals"
        for i, grant in enumerate(person.grants):
            for at, what, fix in _wrong_grant(grant, name, person, written):
                yield (*path, "grants", i, *at), what, fix


def _wrong_grant(grant: WrittenGrant, name: str, person: WrittenPerson, written: Written) -> Iterator[Wrong]:
    if grant.function not in written.functions:
        what = f"there is no function {grant.function!r}{most_like(grant.function, {*written.functions})}"
        yield ("function",), what, f"one of: {', '.join(written.functions)}"
    if grant.until is not None and grant.until < (grant.since or person.since):
        yield ("until",), f"it ends on {grant.until}, before it begins", "mend a date"
    if person.home == JOINT:
        return
    strange = [ALL] if grant.of == ALL else sorted({*grant.of} - {person.home, *person.lent_to})
    if strange:
        what = f"{name} is of {person.home}, and would hold {grant.function} for {', '.join(strange)}"
        yield ("of",), what, f"of: [{person.home}], or name the others in lent_to"


def _bare(key: str) -> str:
    """Return a key without its comment."""
    return " ".join(key.split()[:2])
