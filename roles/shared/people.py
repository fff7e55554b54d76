"""Who may log in: the people that role `base` is told of, those who could before it was applied, and samdrift. Pure.

Not here: what the role declares (`roles.base`), and how the accounts were found (`roles.shared.survey`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from inventory.frozen import Frozen
from inventory.organisation import FullName, Principal, PublicKey
from roles.shared.settings import Options
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


NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
KINDS = ("ssh-ed25519", "sk-ssh-ed25519@openssh.com")
LOCK = "passwd --lock"
"""How somebody takes a password away; samdrift touches no account that it is not told of."""
NOBODYS = frozenset({"root", "samdrift"})
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
