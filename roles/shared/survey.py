"""What runs on a server that nobody manages yet: the questions that are asked, and their answers as values. Pure.

Each question only shows something. What cannot be read is said in `unknown`, and never taken for nothing. No password's
hash leaves the host. Not here: who asks (`deploy.runs.adopt`), and what a role would change of it (`Role.loses`).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface
from typing import Any, Literal

from inventory.frozen import Frozen
from inventory.network import InterfaceAddress

NO_LOGIN = ("/nologin", "/false", "/sync", "/shutdown", "/halt")
"""Ends of the shells of accounts that nobody logs in to."""

LOGINS = "getent passwd | grep -Ev '(nologin|false|sync|shutdown|halt)$' | cut -d: -f1,6"

QUESTIONS: Mapping[str, str] = {
    "system": '. /etc/os-release && echo "$ID-$VERSION_ID" && hostname',
    "sockets": "ss -H -ltnup",
    "interfaces": "ip -j -d addr show",
    "accounts": "getent passwd",
    "groups": "getent group",
    "passwords": r"""awk -F: '$2 !~ /^[!*]/ && $2 != "" { print $1 }' /etc/shadow""",
    "sudo": f"{LOGINS} | while IFS=: read -r n _; do "
    # For each account, sudo looks the host's own name up: where nobody knows it, that shall not take long.
    'RES_OPTIONS="timeout:1 attempts:1" sudo -n -l -U "$n" 2>/dev/null | grep -q \'may run the following\' '
    '&& echo "$n"; done; true',
    "keys": f"{LOGINS} | while IFS=: read -r n h; do "
    'for f in "$h/.ssh/authorized_keys" "$h/.ssh/authorized_keys2" "/etc/ssh/authorized_keys/$n"; do '
    '[ ! -f "$f" ] || printf "%s %s\\n" "$n" "$(head -c 65536 -- "$f" | base64 -w0)"; done; done',
    "tables": "if command -v nft >/dev/null; then nft list tables; fi",
    "units": "find /etc/systemd/system -maxdepth 1 -type f -name '*.*'",
    "schedules": "find /etc/cron.d /var/spool/cron/crontabs -maxdepth 1 -type f ! -name .placeholder 2>/dev/null; true",
}
"""What a server is asked, each a shell command that writes nothing."""

WHAT = {
    "system": "which system it is",
    "sockets": "which ports listen",
    "interfaces": "its interfaces and addresses",
    "accounts": "its accounts",
    "groups": "its groups",
    "passwords": "which accounts have a password",
    "sudo": "who may become root",
    "keys": "whose SSH keys are let in",
    "tables": "which firewall tables are loaded",
    "units": "which systemd units were made by hand",
    "schedules": "which cron jobs there are",
}


class Socket(Frozen):
    """A port that a program listens at. `address` is empty for all of them; `program` where it is not known."""

    protocol: Literal["tcp", "udp"]
    address: str
    port: int
    program: str

    @property
    def is_local(self) -> bool:
        """Tell whether only the host itself can reach it."""
        try:
            return bool(self.address) and ip_address(self.address.partition("%")[0]).is_loopback
        except ValueError:
            return False

    @property
    def what(self) -> str:
        """Name it as people do: `8080/tcp (nginx)`."""
        return f"{self.port}/{self.protocol}" + (f" ({self.program})" if self.program else "")


class Account(Frozen):
    """An account that somebody can log in to. `keys` are lines of its `authorized_keys`."""

    name: str
    uid: int
    full_name: str
    home: str
    shell: str
    groups: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    has_password: bool = False
    is_root: bool = False
    """It may become root, or is."""


class Link(Frozen):
    """A network interface with its lasting addresses; `lent` are those by DHCP or advertisement, which may change."""

    name: str
    kind: str
    vlan: int | None = None
    addresses: tuple[InterfaceAddress, ...] = ()
    lent: tuple[InterfaceAddress, ...] = ()


class Survey(Frozen):
    """What runs on a server. `unknown` says what could not be read, and why."""

    system: str = ""
    name: str = ""
    sockets: tuple[Socket, ...] = ()
    links: tuple[Link, ...] = ()
    accounts: tuple[Account, ...] = ()
    tables: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def open_ports(self) -> tuple[Socket, ...]:
        """Return the ports that others can reach, each once."""
        found: dict[tuple[str, int], Socket] = {}
        for socket in self.sockets:
            if not socket.is_local:
                found.setdefault((socket.protocol, socket.port), socket)
        return tuple(found[key] for key in sorted(found))


def survey(answers: Mapping[str, str | None], why: Mapping[str, str]) -> Survey:
    """Make a survey of the answers to `QUESTIONS`; None where there was no answer, for the reason in `why`."""
    unknown = [f"{WHAT[name]}: {why.get(name, 'no answer')}" for name in QUESTIONS if answers.get(name) is None]
    given = {name: answers.get(name) or "" for name in QUESTIONS}
    sockets, strange = _sockets(given["sockets"])
    unknown += [f"{WHAT['sockets']}: {line!r} cannot be read" for line in strange]
    try:
        links = _links(given["interfaces"])
    except (ValueError, TypeError, KeyError, AttributeError) as e:
        links = ()
        unknown.append(f"{WHAT['interfaces']}: {type(e).__name__}: {e}")
    system, _, name = given["system"].strip().partition("\n")
    return Survey(
        system=system,
        name=name.strip(),
        sockets=sockets,
        links=links,
        accounts=_accounts(given),
        tables=tuple(line.removeprefix("table ") for line in given["tables"].splitlines() if line.startswith("table ")),
        units=tuple(sorted(given["units"].splitlines())),
        schedules=tuple(sorted(given["schedules"].splitlines())),
        unknown=tuple(unknown),
    )


HIGHEST_PORT = 65535
PROGRAM = re.compile(r'\(\("(.*?)",pid=')


def _sockets(text: str) -> tuple[tuple[Socket, ...], list[str]]:
    """Read `ss -H -ltnup`; returns the sockets, and the lines that are none."""
    found, strange = [], []
    for line in filter(str.strip, text.splitlines()):
        words = line.split(None, 6)
        address, _, port = words[4].rpartition(":") if len(words) > 4 else ("", "", "")
        if words[0] not in {"tcp", "udp"} or not re.fullmatch(r"\d{1,5}", port, re.ASCII) or int(port) > HIGHEST_PORT:
            strange.append(line)
            continue
        program = PROGRAM.search(words[6]) if len(words) > 6 else None
        whole = re.sub(r"[\[\]]", "", address)
        everywhere = whole in {"*", "0.0.0.0", "::"}  # noqa: S104  what a program listens at
        found.append(
            Socket.model_validate(
                {
                    "protocol": words[0],
                    "address": "" if everywhere else whole,
                    "port": int(port),
                    "program": program[1] if program else "",
                }
            )
        )
    return tuple(found), strange


def _links(text: str) -> tuple[Link, ...]:
    """Read `ip -j -d addr show`, without the loopback and what serves containers: theirs have no address out here. The
    interface of a host that is a container itself is of that kind, too, and has one.
    """
    return tuple(
        _link(entry)
        for entry in json.loads(text or "[]")
        if entry.get("ifname") and entry.get("link_type") != "loopback" and _kind(entry) != "dummy"
        if _kind(entry) != "veth" or any(a.get("scope") == "global" for a in entry.get("addr_info", ()))
    )


def _kind(entry: Mapping[str, Any]) -> str:
    return str(entry.get("linkinfo", {}).get("info_kind", ""))


def _link(entry: Mapping[str, Any]) -> Link:
    given = [a for a in entry.get("addr_info", ()) if a.get("scope") == "global"]
    tag = entry.get("linkinfo", {}).get("info_data", {}).get("id") if _kind(entry) == "vlan" else None
    return Link(
        name=entry["ifname"],
        kind=_kind(entry),
        vlan=tag if isinstance(tag, int) else None,
        addresses=tuple(_address(a) for a in given if not a.get("dynamic")),
        lent=tuple(_address(a) for a in given if a.get("dynamic")),
    )


def _address(given: Mapping[str, Any]) -> IPv4Interface | IPv6Interface:
    return ip_interface(f"{given['local']}/{given['prefixlen']}")


def _accounts(given: Mapping[str, str]) -> tuple[Account, ...]:
    """Return the accounts with a shell, by user id."""
    groups = _groups(given["groups"])
    passwords, rooted = set(given["passwords"].split()), set(given["sudo"].split())
    keys = _keys(given["keys"])
    found = []
    for line in given["accounts"].splitlines():
        fields = line.split(":")
        if len(fields) != 7 or not fields[2].isdecimal() or fields[6].endswith(NO_LOGIN):
            continue
        name, _, uid, _, gecos, home, shell = fields
        found.append(
            Account(
                name=name,
                uid=int(uid),
                full_name=gecos.split(",")[0],
                home=home,
                shell=shell,
                groups=groups.get(name, ()),
                keys=keys.get(name, ()),
                has_password=name in passwords,
                is_root=name in rooted or uid == "0",
            )
        )
    return tuple(sorted(found, key=lambda a: (a.uid, a.name)))


def _groups(text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        fields = line.split(":")
        for member in filter(None, fields[3].split(",") if len(fields) == 4 else ()):
            found.setdefault(member, []).append(fields[0])
    return {member: tuple(sorted(of)) for member, of in found.items()}


def _keys(text: str) -> dict[str, tuple[str, ...]]:
    """Return the lines of `authorized_keys` by account, without comments and duplicates."""
    found: dict[str, dict[str, None]] = {}
    for line in text.splitlines():
        name, _, encoded = line.partition(" ")
        try:
            content = base64.b64decode(encoded).decode("utf-8", "replace")
        except ValueError:
            continue
        lines = (key.strip() for key in content.splitlines())
        found.setdefault(name, {}).update({key: None for key in lines if key and not key.startswith("#")})
    return {name: tuple(keys) for name, keys in found.items()}


KEY = re.compile(r"(?:^|\s)((?:sk-)?(?:ssh|ecdsa)-[\w@.-]+)\s+([A-Za-z0-9+/]+={0,2})(?:\s+(.*))?$")


def key_name(line: str) -> str:
    """Name an SSH key by its type, its comment and the end of it, and never print its options."""
    found = KEY.search(line)
    if found is None:
        return "a line that is no key"
    comment = f" {found[3]}" if found[3] else ""
    return f"{found[1]} …{found[2].rstrip('=')[-8:]}{comment}"


def plain_key(line: str) -> str | None:
    """Return type and key of a line without options; None if it has options, or is no key."""
    found = KEY.fullmatch(line.strip())
    return f"{found[1]} {found[2]}" if found else None


class Loss(Frozen):
    """A thing that runs or is let in today, and that a role would end.

    Attributes:
        kind: what it is.
        what: the thing, in words.
        keep: how it is kept; empty where no option keeps it.
    """

    kind: Literal["port", "login", "table", "file", "line", "package", "service", "account"]
    what: str
    keep: str = ""
