"""Who may log in: the organisation's people, those whom role `base` is told of besides, those who could before it was
applied, and samdrift. Pure.

Not here: what the role declares (`roles.base`), and how the accounts were found (`roles.shared.survey`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from inventory.frozen import Frozen
from inventory.organisation import ADMINISTER, FullName, Grant, People, Person, Principal, PublicKey
from roles.shared.duties import Duty, Entitlement
from roles.shared.settings import Options, Settings, SettingsError
from roles.shared.survey import Account, Loss, Survey, key_name, plain_key


class OwnAccount(Frozen):
    """An account by which samdrift itself logs in to a device, and its public keys (`type base64`)."""

    user: str
    keys: tuple[str, ...]


class Admin(Options):
    """A person who administers hosts."""

    full_name: FullName
    keys: tuple[PublicKey, ...] = ()
    principals: tuple[Principal, ...] = ()
    absent: bool = False


class User(Settings):
    """An account that may log in, what proves that it is theirs, and the last day of it, if one is known."""

    name: str
    full_name: str
    keys: tuple[str, ...]
    principals: tuple[str, ...]
    until: date | None = None


class Logins(Settings):
    """The people who may log in to one host.

    Attributes:
        admins: they may become root.
        helpers: they may do what their duties say, and nothing else as root.
        duties: those of the helpers.
        others: people of the organisation who may not log in.
        former: accounts that are locked.
    """

    admins: tuple[User, ...] = ()
    helpers: tuple[User, ...] = ()
    duties: tuple[Entitlement, ...] = ()
    others: tuple[str, ...] = ()
    former: tuple[str, ...] = ()


def logins(people: People, municipality: str, duties: Mapping[str, Duty], *, runs_here: bool) -> Logins:
    """Return who may log in to a municipality's host, of the people of the organisation.

    Args:
        duties: those that its roles declare, by `<role>.<duty>`.
        runs_here: people run samdrift there, so that everybody comes in who may have it do something.
    """
    admins, helpers, entitlements = [], [], []
    for person in people.everybody:
        grants = person.grants_for(municipality)
        if root := [grant for grant in grants if ADMINISTER in grant.duties]:
            admins.append(_user(person, root))
            continue
        helping = [grant for grant in grants if not duties.keys().isdisjoint(grant.duties)]
        running = [g for g in person.grants if g.runs and g.employment == "now"] if runs_here else []
        if helping or running:
            helpers.append(_user(person, (*helping, *running)))
        for name in sorted(duties):
            if giving := [grant for grant in helping if name in grant.duties]:
                until, commands = _last_day(giving), duties[name].commands
                entitlements.append(Entitlement(user=person.name, duty=name, until=until, commands=commands))
    own = {user.name for user in (*admins, *helpers)}
    others = tuple(person.name for person in people.everybody if person.name not in own)
    return Logins(admins=tuple(admins), helpers=tuple(helpers), duties=tuple(entitlements), others=others)


def _user(person: Person, grants: Iterable[Grant]) -> User:
    return User(
        name=person.name,
        full_name=person.full_name,
        keys=person.keys,
        principals=person.principals,
        until=_last_day(grants),
    )


def _last_day(grants: Iterable[Grant]) -> date | None:
    """Return the last day of the grant that lasts longest; None if one has no end."""
    days = [grant.until for grant in grants]
    return None if None in days else max(day for day in days if day is not None)


def with_admins(found: Logins, given: Mapping[str, Admin], former: Collection[str], *, authorities: bool) -> Logins:
    """Add whom a config context names as admins and as former ones, beside the organisation's people.

    Args:
        authorities: whether SSH certificates are believed.

    Raises:
        SettingsError: one of them is no person's account, could not log in, or is both.
    """
    field = "config context samdrift.base.admins"
    own = (*found.admins, *found.helpers)
    if not authorities and (stuck := [user.name for user in own if not user.keys]):
        fix = "add user_ca_keys, or keys to inventory/people.yaml"
        raise SettingsError(f"{stuck[0]} has principals, and no authority is believed", field=field, fix=fix)
    absent = {*former, *(name for name, admin in given.items() if admin.absent)}
    if kept := sorted(absent & NOBODYS):
        fix = "take it off former_admins, and off admins where it is absent"
        raise SettingsError(f"{kept[0]} must not be locked", field="config context samdrift.base", fix=fix)
    present = {name for name in given if name not in absent}
    own_names = {user.name for user in own}
    if both := sorted((own_names & {*given, *absent}) | (present & {*found.others})):
        what = f"{both[0]} is named in inventory/people.yaml, too, which says what the person may do here"
        raise SettingsError(what, field=f"{field}.{both[0]}", fix="take the name off admins and former_admins")
    users = (_admin(name, admin, authorities) for name, admin in given.items() if name not in absent)
    admins = tuple(sorted((*found.admins, *users), key=lambda user: user.name))
    return found.model_copy(update={"admins": admins, "former": tuple(sorted(absent))})


def _admin(name: str, admin: Admin, authorities: bool) -> User:
    field = "config context samdrift.base.admins"
    if name in NOBODYS:
        raise SettingsError(f"{name} is no person's account", field=f"{field}.{name}", fix="choose another name")
    if admin.principals and not authorities:
        fix = "add user_ca_keys, or keys"
        raise SettingsError(f"{name} has principals, and no authority is believed", field=field, fix=fix)
    if not admin.keys and not admin.principals:
        fix = "add keys or principals, or absent: true"
        raise SettingsError(f"{name} could not log in", field=f"{field}.{name}", fix=fix)
    return User(name=name, full_name=admin.full_name, keys=admin.keys, principals=admin.principals)


RUNS_AS = "samdrift-runs"
"""The account that holds the key to all hosts on a management station, and that people run samdrift as."""
LOOKS_AS = "samdrift-look"
"""The account by which samdrift looks at hosts, and which can change nothing there."""
NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
KINDS = ("ssh-ed25519", "sk-ssh-ed25519@openssh.com")
LOCK = "passwd --lock"
"""How somebody takes a password away; samdrift touches no account that it is not told of."""
NOBODYS = frozenset({"root", "samdrift", RUNS_AS, LOOKS_AS})
"""Accounts that are no person's."""


def kept_admins(survey: Survey, known: Collection[str] = ()) -> Mapping[str, Any]:
    """Return the options of role `base` by which those who may become root today keep that, and their keys.

    Args:
        known: who is an admin already: which keys are theirs, has been decided.
    """
    admins = {a.name: _as_admin(a) for a in survey.accounts if a.name not in known and _can_be_admin(a)}
    return {"admins": admins} if admins else {}


def _can_be_admin(account: Account) -> bool:
    is_person = account.name not in NOBODYS and NAME.fullmatch(account.name) is not None
    return account.is_root and is_person and bool(_kept(account))


def _as_admin(account: Account) -> dict[str, Any]:
    plain = re.sub(r"[:,\x00-\x1f\x7f]", " ", account.full_name).strip()[:80]
    return {"full_name": plain or account.name, "keys": list(_kept(account))}


def _kept(account: Account) -> tuple[str, ...]:
    """Return the keys of an account that sshd will still take: their type is allowed, and they have no options."""
    plain = (plain_key(line) for line in account.keys)
    return tuple(key for key in plain if key is not None and key.split()[0] in KINDS)


def lost_logins(survey: Survey, admins: Mapping[str, Collection[str]], automation: Iterable[str]) -> Iterator[Loss]:
    """Yield who no longer logs in, and by what.

    Args:
        admins: the keys of each admin.
        automation: the keys that samdrift logs in with.
    """
    known_keys = {name: {_type_and_key(key) for key in keys} for name, keys in admins.items()}
    known_keys["samdrift"] = {_type_and_key(key) for key in automation}
    for account in survey.accounts:
        known = known_keys.get(account.name, set())
        yield from (
            Loss(kind="login", what=f"{account.name} by {key_name(line)}", keep=_keep(account, line))
            for line in account.keys
            if plain_key(line) not in known
        )
        if account.has_password:
            may = "root never logs in by SSH" if account.name == "root" else "sshd takes keys alone"
            what = f"{account.name} by password over SSH: {may}; the console stays"
            yield Loss(kind="login", what=f"{what}, and a check fails until somebody locks it: {LOCK} {account.name}")


def _type_and_key(line: str) -> str:
    return " ".join(line.split()[:2])


def _keep(account: Account, line: str) -> str:
    """Say how a login is kept; empty where nothing keeps it."""
    key = plain_key(line)
    if account.name in NOBODYS:
        return "add the key to samdrift.base.automation_keys" if account.name == "samdrift" else ""
    if not account.is_root:
        return "no option keeps a login without sudo; as an admin, it would become root"
    if not NAME.fullmatch(account.name):
        return "no admin can have this name: lower-case letters, digits and hyphens"
    if key is None:
        return "no option keeps a key with options (from=, command=)"
    can = key.split()[0] in KINDS
    name = f"samdrift.base.admins.{account.name}"
    return f"add it to {name}" if can else f"let its owner make an ed25519 key, and add that to {name}"
