"""Policies of what hosts are to have: roles, packages, people, files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from inventory.frozen import Frozen
from inventory.policies.policy import Broken, policy
from inventory.policies.wanted import Wanted, WhichHosts, matches


class RolesOf(Frozen):
    """`hosts` have all of `roles`."""

    hosts: WhichHosts
    roles: tuple[str, ...] = Field(min_length=1)


@policy("roles-of", RolesOf)
def roles_of(wanted: Wanted, asked: RolesOf) -> Iterator[Broken]:
    """Every host of a kind has what it must: a backup, a firewall, logs that are sent."""
    for host in wanted.of(asked.hosts):
        for role in asked.roles:
            if role not in host.roles:
                yield Broken(f"it has no role {role}", host.name, host.municipality)


class PackagesNot(Frozen):
    """No role installs any of `packages` on `hosts`."""

    packages: tuple[str, ...] = Field(min_length=1)
    hosts: WhichHosts = WhichHosts()


@policy("packages-not", PackagesNot)
def packages_not(wanted: Wanted, asked: PackagesNot) -> Iterator[Broken]:
    """Unwanted packages are installed nowhere."""
    for host in wanted.of(asked.hosts):
        for package in sorted(host.packages & set(asked.packages)):
            yield Broken(f"a role installs {package}", host.name, host.municipality)


class GroupMembers(Frozen):
    """No more than `most` accounts are in `group` on any of `hosts`; if `only` names some, no others."""

    group: str
    most: int = Field(ge=0)
    only: tuple[str, ...] = ()
    hosts: WhichHosts = WhichHosts()


@policy("group-members", GroupMembers)
def group_members(wanted: Wanted, asked: GroupMembers) -> Iterator[Broken]:
    """Few people may do everything."""
    for host in wanted.of(asked.hosts):
        members = sorted(account for account, groups in host.groups.items() if asked.group in groups)
        if len(members) > asked.most:
            yield Broken(f"{len(members)} accounts are in {asked.group}", host.name, host.municipality)
        for stranger in members if asked.only else ():
            if stranger not in asked.only:
                yield Broken(f"{stranger} is in {asked.group}", host.name, host.municipality)


def _is_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as e:
        raise ValueError(f"it is no regular expression: {e}") from None
    return text


Pattern = Annotated[str, AfterValidator(_is_pattern)]


class FileSays(Frozen):
    """The file at `path` has a line that matches each of `must`, and none that matches any of `must_not`.

    A host that has no such file breaks it only where `required`.
    """

    path: str
    must: tuple[Pattern, ...] = ()
    must_not: tuple[Pattern, ...] = ()
    required: bool = True
    hosts: WhichHosts = WhichHosts()


@policy("file-says", FileSays)
def file_says(wanted: Wanted, asked: FileSays) -> Iterator[Broken]:
    """A file says what it must, however it is made."""
    for host in wanted.of(asked.hosts):
        if asked.path not in host.files:
            if asked.required:
                yield Broken(f"no role declares {asked.path}", host.name, host.municipality)
            continue
        text = host.files[asked.path]()
        for pattern in asked.must:
            if not matches(pattern, text):
                yield Broken(f"{asked.path} has no line like {pattern}", host.name, host.municipality)
        for pattern in asked.must_not:
            if matches(pattern, text):
                yield Broken(f"{asked.path} has a line like {pattern}", host.name, host.municipality)
