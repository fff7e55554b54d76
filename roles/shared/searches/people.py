"""Accounts that let somebody in, and members of groups that make somebody root, which no role declares. Pure.

Read from the host's own files: passwd, shadow, group and gshadow of /etc. No password's hash leaves the host.
Not here: whose keys there are (`homes`), and what sudo allows (`sudo_rules`).
"""

from __future__ import annotations

from collections.abc import Iterator

from inventory.frozen import Frozen
from roles.shared.searches.search import Declarations, Found, Search

NO_SHELLS = frozenset(
    f"{directory}/{name}"
    for directory in ("/bin", "/sbin", "/usr/bin", "/usr/sbin")
    for name in ("nologin", "false", "sync")
)
"""Shells by which nobody logs in, word by word: one that only looks like them is none of them."""

AS_GOOD_AS_ROOT = frozenset(
    (
        *("root", "sudo", "admin", "wheel", "docker", "lxd", "incus", "incus-admin", "libvirt", "podman"),
        *("disk", "kmem", "shadow", "adm", "staff", "systemd-journal"),
    )
)
"""Groups whose members become root, read every file or password, write what root runs, or read every log."""
OURS = "samdrift-"
"""What samdrift's own groups begin with."""

LOCKED = "locked"
"""How a password is that nobody can type."""

HOW = r'function how(p) { return p == "" ? "empty" : p ~ /^[!*]/ ? "locked" : "set" }'
QUESTION = (
    rf"awk -F: -v OFS=: '{HOW} "
    'FILENAME == "/etc/shadow" { of[$1] = how($2); next } '
    'FILENAME == "/etc/gshadow" { print "g", $1, how($2); next } '
    'FILENAME == "/etc/group" { print "m", $1, $3, $4; next } '
    '{ print "a", $1, $3, $4, $7, $2 == "x" ? of[$1] : how($2); home[$1] = $6 } '
    'END { for (name in home) print "h", name, home[name] }\' '
    "/etc/shadow /etc/gshadow /etc/group /etc/passwd && "
    'while IFS=: read -r name _ _ _ _ home _ || [ "$name" ]; do '
    'for keys in "$home"/.ssh/authorized_keys "$home"/.ssh/authorized_keys2 "/etc/ssh/authorized_keys/$name"; do '
    '[ ! -s "$keys" ] || echo "k:$name"; done; done < /etc/passwd'
)


class Login(Frozen):
    """An account as the host's own files have it. `password` is locked, set or empty."""

    name: str
    uid: str
    gid: str
    shell: str
    password: str

    @property
    def has_shell(self) -> bool:
        return self.shell not in NO_SHELLS


class Group(Frozen):
    """A group: who was added to it, and whether it has a password."""

    name: str
    gid: str
    added: tuple[str, ...]


class People(Frozen):
    """Who there is on a host. `with_keys` have a file of keys somewhere, `open_groups` a password for whoever joins."""

    logins: tuple[Login, ...]
    groups: tuple[Group, ...]
    with_keys: frozenset[str]
    open_groups: frozenset[str]


def read(answer: str) -> People:
    """Read who there is on a host."""
    lines: dict[str, list[list[str]]] = {}
    for line in filter(None, answer.split("\n")):
        what, *fields = line.split(":")
        lines.setdefault(what, []).append(fields)
    logins = tuple(Login(name=n, uid=u, gid=g, shell=s, password=p) for n, u, g, s, p in lines.get("a", ()))
    if not any(login.uid == "0" for login in logins):
        raise ValueError("a host without root")
    return People(
        logins=logins,
        groups=tuple(
            Group(name=n, gid=g, added=tuple(filter(None, members.split(",")))) for n, g, members in lines.get("m", ())
        ),
        with_keys=frozenset(name for (name,) in lines.get("k", ())),
        open_groups=frozenset(name for name, how in lines.get("g", ()) if how != LOCKED),
    )


def passwords(answer: str, _declared: Declarations) -> Iterator[Found]:
    """Yield the accounts by which somebody logs in who knows a password, or who knows that there is none."""
    for login in read(answer).logins:
        if login.password != LOCKED:
            yield Found(name=login.name, state=login.password)


def shared_numbers(answer: str, _declared: Declarations) -> Iterator[Found]:
    """Yield the accounts that have the number of another one before them, and so are it: root, say."""
    first: dict[str, str] = {}
    for login in read(answer).logins:
        if (owner := first.setdefault(login.uid, login.name)) != login.name:
            yield Found(name=login.name, state=f"{login.uid}, {owner}")


def logins(answer: str, declared: Declarations) -> Iterator[Found]:
    """Yield the accounts with a shell and a key that no role lets in."""
    people = read(answer)
    for login in people.logins:
        if login.name in people.with_keys and login.has_shell and login.name not in (*declared.accounts, "root"):
            yield Found(name=login.name, state=login.shell)


def members(answer: str, declared: Declarations) -> Iterator[Found]:
    """Yield whom nobody declares to be in a group that makes somebody root, and such groups with a password."""
    people = read(answer)
    for group in people.groups:
        if not (group.name in AS_GOOD_AS_ROOT or group.gid == "0" or group.name.startswith(OURS)):
            continue
        by_account = (login.name for login in people.logins if login.gid == group.gid)
        for user in sorted({*group.added, *by_account}):
            own = declared.accounts.get(user)
            if user not in {"root", group.name} and (own is None or group.name not in own):
                yield Found(name=f"{user} in {group.name}")
        if group.name in people.open_groups:
            yield Found(name=f"whoever has its password in {group.name}")


PASSWORDS = Search(kind="password", question=QUESTION, undeclared=passwords, remove=("usermod", "--lock", "{name}"))
SHARED_NUMBERS = Search(kind="uid", question=QUESTION, undeclared=shared_numbers)
LOGINS = Search(kind="login", question=QUESTION, undeclared=logins)
MEMBERS = Search(kind="member", question=QUESTION, undeclared=members)
