"""`group`, `account`, `locked_account`, `members`: who may exist on a host. One cheap question each, no home is moved.

pyinfra's own `server.user` asks about every account of the host (a few hundred forks) and in several rounds; these
ask about one. Keys are not set here: sshd reads them from root's own directory, see role `base`.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Generator
from datetime import date, timedelta

from pyinfra import host
from pyinfra.api import FactBase, StringCommand, operation
from pyinfra.api.operation import OperationMeta

from inventory.frozen import Frozen
from roles.shared.change import Change
from roles.shared.guard import kept_text
from roles.shared.parts.expected import Expected, answer_digest, expecting
from roles.shared.parts.explain import explain
from roles.shared.parts.registration import current
from roles.shared.people import NOBODYS

SHELL = "/bin/bash"
NO_SHELL = "/usr/sbin/nologin"
NO_GROUP = "nogroup"
NO_AGE = frozenset({"", "-1", "99999"})
"""After how many days a password must be changed that never need be."""
FIRST_PERSON, LAST_PERSON = 1000, 60000
"""The numbers of people's accounts; others are the system's, and stay as they are but for the groups."""
EPOCH = date(1970, 1, 1)
EXPIRED = "1"
"""The day of expiry (in days since 1970) of a locked account: long ago."""


class Account(Frozen):
    """An account as it stands on a host.

    Attributes:
        groups: those beside its primary one.
        expires: the day, in days since 1970; empty for never.
        ages: its password must be changed some day; from then on nobody logs in, by a key neither.
        answer: the digest of what the host said.
    """

    full_name: str
    shell: str
    groups: tuple[str, ...]
    expires: str = ""
    ages: bool = False
    answer: str = ""

    @property
    def text(self) -> str:
        """Return the account as lines, for reading and comparing."""
        fields = (("name", self.full_name), ("shell", self.shell), ("groups", ", ".join(self.groups)))
        more = (
            ("expires", self.expires or "never"),
            *([("password", "must be changed some day")] if self.ages else []),
        )
        return "".join(f"{what}: {value}\n" for what, value in (*fields, *more))


class AccountState(FactBase["Account | None"]):
    """An account as it stands on a host; None if it does not exist."""

    @staticmethod
    def default() -> None:
        return None

    def command(self, user: str) -> str:
        u = shlex.quote(user)
        return (
            f"if getent passwd {u} >/dev/null; then getent passwd {u}; id -gn {u}; id -Gn {u}; "
            f"getent shadow {u} | cut -d: -f5,8; fi"
        )

    def process(self, output: list[str]) -> Account | None:
        if not output:
            return None
        passwd, primary, groups, *shadow = output
        max_days, _, expires = "".join(shadow).partition(":")
        _name, _password, _uid, _gid, full_name, _home, shell = passwd.split(":")
        others = tuple(sorted(g for g in groups.split() if g != primary))
        ages = max_days not in NO_AGE
        answer = answer_digest(output)
        return Account(full_name=full_name, shell=shell, groups=others, expires=expires, ages=ages, answer=answer)


class Members(FactBase[tuple[str, ...]]):
    """Who is in any of these groups, added to it or by the primary group, by the alphabet."""

    default = tuple

    def command(self, groups: tuple[str, ...]) -> str:
        return f"getent group {shlex.join(groups)} | cut -d: -f3,4; getent passwd | cut -d: -f1,3,4"

    def process(self, output: list[str]) -> tuple[str, ...]:
        lines = [line.split(":") for line in output]
        numbers = {fields[0] for fields in lines if len(fields) == 2}
        added = {name for fields in lines if len(fields) == 2 for name in fields[1].split(",") if name}
        return tuple(sorted(added | {fields[0] for fields in lines if len(fields) == 3 and fields[2] in numbers}))


class GroupIsThere(FactBase[bool]):
    """Whether a group exists."""

    default = bool

    def command(self, group: str) -> str:
        return f"getent group {shlex.quote(group)} || true"

    def process(self, output: list[str]) -> bool:
        return bool(output)


def group(name: str) -> OperationMeta:
    """Declare that a group exists."""
    return ensure_group(name=f"group {name}", group=name)


def account(
    user: str, *, full_name: str, groups: tuple[str, ...], until: date | None = None, guarded: bool = False
) -> OperationMeta:
    """Declare an account with a shell, no password, and exactly these groups beside its own.

    Args:
        until: the last day on which anybody may log in by it; the host itself sees to that.
        guarded: it may be the way to the host, and by a group that it loses: the host puts shell, groups and expiry
            back by itself unless it is told that all is well. An account that is new stays.
    """
    expires = "" if until is None else str((until + timedelta(days=1) - EPOCH).days)
    wanted = Account(full_name=full_name, shell=SHELL, groups=tuple(sorted(groups)), expires=expires)
    name = f"user {user}"
    if guarded:
        current().guards[name] = kept_text(f"account {user}", tell=_told_of(user), put_back=f"{{ {_put_back(user)}; }}")
    return ensure_account(name=name, user=user, wanted=wanted)


def _told_of(user: str) -> str:
    """Return a command that prints an account's shell, expiry and groups, each on a line; nothing if there is none."""
    u = shlex.quote(user)
    groups = f"id -Gn {u} | tr ' ' '\\n' | grep -vxF \"$(id -gn {u})\" | paste -sd,"
    fields = (f"getent passwd {u} | cut -d: -f7", f"getent shadow {u} | cut -d: -f8", groups)
    lines = " ".join(f'"$({field})"' for field in fields)
    return f"if getent passwd {u} > /dev/null; then printf '%s\\n' {lines}; fi"


def _put_back(user: str) -> str:
    """Return a command that gives an account what was told of it."""
    return (
        "if read -r shell; then read -r expires; read -r groups; "
        f'usermod --shell "$shell" --expiredate "$expires" --groups "$groups" {shlex.quote(user)}; fi'
    )


def locked_account(user: str) -> OperationMeta:
    """Declare that nobody can use this account, if it exists; its files stay."""
    return ensure_locked(name=f"user {user} locked", user=user)


def members(groups: tuple[str, ...], wanted: Collection[str]) -> OperationMeta:
    """Declare that nobody but these is in any of these groups, which are samdrift's; whoever else is, is locked out."""
    return ensure_members(name=f"members of {', '.join(groups)}", groups=groups, wanted=tuple(sorted(wanted)))


@operation()
def ensure_group(group: str) -> Generator[str]:
    """Make a group if it is not there."""
    if host.get_fact(GroupIsThere, group=group):
        host.noop(f"group {group} exists")
    else:
        yield f"groupadd {shlex.quote(group)}"


@operation()
def ensure_account(user: str, wanted: Account) -> Generator[StringCommand]:
    """Make an account, or mend what differs of it."""
    live = host.get_fact(AccountState, user=user)
    if live is not None and live == wanted.model_copy(update={"answer": live.answer}):
        host.noop(f"user {user} is as wanted")
        return
    u = shlex.quote(user)
    program = "useradd --create-home --user-group" if live is None else "usermod"
    if live is not None and user not in NOBODYS:  # or a person of the same name would log in as a program
        refusal = f"echo {u} is an account of the system >&2; exit 1"
        program = f'{{ [ "$(id -u {u})" -ge {FIRST_PERSON} ] || {{ {refusal}; }}; }} && usermod'
    command = (
        f"{program} --comment {shlex.quote(wanted.full_name)} --shell {wanted.shell} "
        f"--groups {shlex.quote(','.join(wanted.groups))} --expiredate {shlex.quote(_day(wanted.expires))} "
        f"{u}"
    )
    if live is not None and live.ages:
        command += f" && chage --maxdays -1 {u}"
    change = Change(what=f"user {user}", before=live.text if live else None, after=wanted.text)
    yield expecting(explain(StringCommand(command), change), _expected(user, live))


def _expected(user: str, live: Account | None) -> Expected:
    """Return that an account must be as it was seen."""
    question, what = AccountState().command(user), f"user {user}"
    if live is None:  # packages bring accounts along
        absent = f"! getent passwd {shlex.quote(user)} > /dev/null"
        return Expected(what=what, question=question, answers=(answer_digest([]),), absent=absent)
    return Expected(what=what, question=question, answers=(live.answer,))


@operation()
def ensure_locked(user: str) -> Generator[StringCommand]:
    """Lock and expire an account, take its groups and shell, and end its sessions."""
    live = host.get_fact(AccountState, user=user)
    if live is None:
        host.noop(f"there is no user {user}")
        return
    wanted = live.model_copy(update={"shell": NO_SHELL, "groups": (), "expires": EXPIRED})
    if live == wanted:
        host.noop(f"user {user} is locked")
        return
    change = Change(what=f"user {user}", before=live.text, after=wanted.text)
    yield expecting(explain(StringCommand(_locked(user)), change), _expected(user, live))


@operation()
def ensure_members(groups: tuple[str, ...], wanted: tuple[str, ...]) -> Generator[StringCommand]:
    """Take whoever is not wanted out of these groups; lock the account, if a person's, and end its sessions."""
    live = host.get_fact(Members, groups=groups)
    strangers = [name for name in live if name not in wanted]
    if not strangers:
        host.noop("nobody else is a member")
        return
    left = [name for name in live if name in wanted]
    for user in strangers:
        change = Change(what=f"who is in {', '.join(groups)}", before=_lines(live), after=_lines(left))
        yield explain(StringCommand(_locked_out(user, groups)), change)


def _locked(user: str) -> str:
    """Return a command by which nobody can use an account any more: not by a key, nor from a session that is open.

    Sessions are ended by logind, where there is one, and every process of the account besides: what was started to go
    on without a session, too. Of an account that has its number from another, root say, nothing is ended.
    """
    u = shlex.quote(user)
    own = f'[ "$(id -u {u})" -ge {FIRST_PERSON} ] && [ "$(getent passwd "$(id -u {u})" | cut -d: -f1)" = {u} ]'
    end = f"loginctl disable-linger {u}; loginctl terminate-user {u}; pkill -KILL -U {u}"
    return (
        f"usermod --lock --expiredate {EXPIRED} --shell {NO_SHELL} --groups '' {u} && "
        f"{{ if {own}; then {{ {end}; }} 2> /dev/null; fi; true; }}"
    )


def _locked_out(user: str, groups: tuple[str, ...]) -> str:
    """Return a command that takes an account out of groups, its keys away, and locks it if it is a person's."""
    u = shlex.quote(user)
    out = "; ".join(f"gpasswd --delete {u} {shlex.quote(group)} 2> /dev/null" for group in groups)
    primary = f'case "$(id -gn {u})" in {"|".join(map(shlex.quote, groups))}) usermod --gid {NO_GROUP} {u};; esac'
    keys = " ".join(shlex.quote(f"/etc/ssh/authorized_{what}/{user}") for what in ("keys", "principals"))
    person = f'[ "$(id -u {u})" -ge {FIRST_PERSON} ] && [ "$(id -u {u})" -lt {LAST_PERSON} ]'
    return f"{{ {out}; true; }} && {primary} && rm -f {keys} && if {person}; then {_locked(user)}; fi"


def _lines(names: Collection[str]) -> str:
    return "".join(f"{name}\n" for name in names)


def _day(days: str) -> str:
    """Return a day of expiry as usermod takes it."""
    return (EPOCH + timedelta(days=int(days))).isoformat() if days else ""
