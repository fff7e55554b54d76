"""What an account may do on a device, and what it is shown of the configuration, by the rights that stand there. Pure.

Written from vendors' documents and what people publish, and not from samdrift's data.

- AOS-CX: Security Guide (10.07), `user-group`: rules of the lowest number first, the first that matches decides, at
  the end an implicit deny; the first word of a rule is a word, and what follows a regular expression. Built-in
  groups: administrators may do everything, operators a few commands that show nothing sensitive, auditors hardly
  anything. What is denied is answered as OpenSwitch's vtysh does ("Cannot execute command. Command not allowed."),
  from which AOS-CX comes; leaving is never asked for there (`exit`, `end`).
- Cisco IOS: Security Command Reference, `privilege` ("all commands whose syntax is a subset of that command are also
  set to that level … unless you set them individually to different levels"; `show` stands at level 1 in published
  running configurations that give a level a `show` of its own); Cisco's "IOS Privilege Levels Cannot See Complete
  Running Configuration" (`show running-config` shows what the level may configure); oxidized issue 677 (`file
  privilege`, without which `show running-config view full` is blank from 15.2 on). What a level has not is a command
  that is not there.
- Junos: User Access Guide, "Login Classes", and the reference of permission flags: `view` shows, `view-configuration`
  the configuration, `secret` what is secret in it, `configure` enters configuration mode, `maintenance` requests and
  shells (`shell` too), `network` pings and logs in elsewhere; `allow-commands` and `deny-commands` are regular
  expressions, and deny wins. That `edit` is "unknown command." to a class of `view view-configuration`, and what it
  is shown for hashes and keys (`/* SECRET-DATA */`): a training of Acorus networks on GitHub. Statements that nobody
  may see but who has `maintenance` (scripts) are not modelled.
- FortiOS: CLI Reference 7.4, `config system accprofile`; Technical Tip 223742 (what a read-only administrator has:
  `get`, `show`, `execute`, `diagnose` if allowed, and a prompt that ends in `$`), 300795 (the `cli-*` rights of
  7.4.2, off unless told otherwise); "Prof_Admin … will not be able to back up the Super_Admin" (administrators with
  `super_admin` are hidden from others). A group of rights that is not named is *none*.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence

from tests.emulator.language import Tree, set_of


class Rights(ABC):
    """What one account may do. The console's people (no name) may do everything."""

    refusal: str
    """What the device says to a line that it does not let the account type; nothing: as to one that is not there."""

    def __init__(self, running: Tree, user: str) -> None:
        self.running, self.user = running, user

    @abstractmethod
    def may(self, line: str) -> bool:
        """Whether it may type this line, outside of a configuration mode."""

    def may_configure(self, _path: Sequence[str], _line: str) -> bool:
        """Whether it may type this line in a configuration mode, where it stands."""
        return self.is_everybody

    def shown(self, tree: Tree) -> Tree:
        """What it is shown of a configuration, whole."""
        return tree

    def shown_by(self, _line: str, tree: Tree) -> Tree:
        """What a line that shows the configuration shows it."""
        return self.shown(tree)

    @property
    def is_everybody(self) -> bool:
        """Whether it may do everything."""
        return not self.user


class CxRights(Rights):
    """AOS-CX: a group, and its rules."""

    refusal = "Cannot execute command. Command not allowed.\n"

    @property
    def group(self) -> str:
        """The group that the account is in."""
        return _first(self.running, rf"user {re.escape(self.user)} group (\S+).*")

    @property
    def is_everybody(self) -> bool:
        """Whether it is an administrator."""
        return super().is_everybody or self.group == "administrators"

    def may(self, line: str) -> bool:
        """Whether a rule of the group permits it."""
        if self.is_everybody or line in {"exit", "end", "quit"}:
            return True
        for permits, rule in self._rules():
            if re.fullmatch(rule, line) or line.startswith(f"{rule} "):
                return permits
        return False

    def may_configure(self, _path: Sequence[str], line: str) -> bool:
        """As outside of it: a rule is about what is typed."""
        return self.may(line)

    def _rules(self) -> Iterator[tuple[bool, str]]:
        found = (
            re.fullmatch(r'(\d+) (permit|deny) cli command "(.*)"', line)
            for line in self.running.get(f"user-group {self.group}", {})
        )
        rules = sorted((int(m[1]), m[2] == "permit", m[3]) for m in found if m)
        return ((permits, rule) for _, permits, rule in rules)


EXEC_LEVELS: tuple[tuple[str, int], ...] = (
    (r"show (?:running-config|startup-config|archive|tech-support|configuration)\b.*", 15),
    (r"(?:show|terminal|ping|traceroute|exit|logout|quit|enable|disable|help)\b.*", 1),
    (r".*", 15),
)
"""From which level on a command of exec mode is there, first match first: Command Reference, "Command Modes"."""


class IosRights(Rights):
    """IOS: a privilege level."""

    refusal = ""

    @property
    def level(self) -> int:
        """The privilege level of the account; a local one without any has 1."""
        found = _first(self.running, rf"username {re.escape(self.user)} (?:.* )?privilege (\d+).*")
        return int(found) if found else 1

    @property
    def is_everybody(self) -> bool:
        """Whether it may do everything."""
        return super().is_everybody or self.level == 15

    def may(self, line: str) -> bool:
        """Whether each beginning of the command is there at the level."""
        if self.is_everybody:
            return True
        return self._has("exec", line)

    def may_configure(self, path: Sequence[str], line: str) -> bool:
        """Whether the level was given the command in this mode; its arguments are free."""
        if self.is_everybody or line in {"exit", "end"}:
            return True
        mode = "interface" if path and path[-1].startswith("interface ") else "configure"
        given = [m[1] for said in self.running if (m := re.fullmatch(rf"privilege {mode} level \d+ (.+)", said))]
        command = max((c for c in given if line == c or line.startswith(f"{c} ")), key=len, default="")
        incomplete = any(longer.startswith(f"{command} ") for longer in given)
        return bool(command) and not incomplete and self._has(mode, command)

    def _has(self, mode: str, line: str) -> bool:
        words = line.split()
        return all(self._needed(mode, " ".join(words[:n])) <= self.level for n in range(1, len(words) + 1))

    def _needed(self, mode: str, command: str) -> int:
        told = _first(self.running, rf"privilege {mode} level (\d+) {re.escape(command)}")
        usual = EXEC_LEVELS if mode == "exec" else ((r".*", 15),)
        return int(told) if told else next(n for pattern, n in usual if re.fullmatch(pattern, command))

    def shown_by(self, line: str, tree: Tree) -> Tree:
        """What the level may configure, which is nothing; all of it by `view full`, if the level may read files."""
        if self.is_everybody:
            return tree
        files = int(_first(self.running, r"file privilege (\d+)") or 15)
        return tree if line.endswith("view full") and files <= self.level else {}


SECRET_WORDS = set_of(
    "encrypted-password secret authentication-key privacy-key ssh-rsa ssh-dsa ssh-ecdsa ssh-ed25519 pre-shared-key"
)
"""Statements whose value is secret; public keys of accounts count as such."""
FLAGS: tuple[tuple[str, str], ...] = (
    (r"show configuration\b.*", "view-configuration"),
    (r"(?:show|monitor|set cli|set date)\b.*", "view"),
    (r"(?:configure|edit)\b.*", "configure"),
    (r"clear\b.*", "clear"),
    (r"(?:ping|traceroute|ssh|telnet|mtrace)\b.*", "network"),
    (r"restart\b.*", "reset"),
    (r"start shell\b.*", "shell"),
    (r".*", "maintenance"),
)
"""Which permission a command needs, first match first (reference of permission flags)."""
BUILT_IN = {
    "super-user": {"all"},
    "superuser": {"all"},
    "read-only": {"view"},
    "operator": {"clear", "network", "reset", "trace", "view"},
    "unauthorized": set[str](),
}


class JunosRights(Rights):
    """Junos: a login class."""

    refusal = f"{' ' * 12}^\nunknown command.\n"

    def may_configure(self, _path: Sequence[str], line: str) -> bool:
        """Whether the class may change the statement that the line is about; `commit` comes with `configure`."""
        if self.is_everybody or line in {"exit", "quit", "commit", "commit and-quit"}:
            return True
        login = self.running.get("system", {}).get("login", {})
        name = next(iter(login.get("user", {}).get(self.user, {}).get("class", {})), "unauthorized")
        told = login.get("class", {}).get(name, {}).get("allow-configuration", {})
        allowed = next(iter(told), "").strip('"')
        verb, _, statement = line.partition(" ")
        return verb in {"set", "delete"} and bool(allowed) and re.fullmatch(allowed, statement) is not None

    def _class(self) -> tuple[set[str], str, str]:
        login = self.running.get("system", {}).get("login", {})
        name = next(iter(login.get("user", {}).get(self.user, {}).get("class", {})), "unauthorized")
        if name in BUILT_IN:
            return BUILT_IN[name], "", ""
        said = login.get("class", {}).get(name, {})
        texts = (next(iter(said.get(f"{which}-commands", {})), "").strip('"') for which in ("allow", "deny"))
        allowed, denied = texts
        return set(said.get("permissions", {})), allowed, denied

    @property
    def is_everybody(self) -> bool:
        """Whether it may do everything."""
        return super().is_everybody or "all" in self._class()[0]

    def may(self, line: str) -> bool:
        """Whether the class permits it."""
        if self.is_everybody or line in {"exit", "quit"}:
            return True
        flags, allowed, denied = self._class()
        if denied and re.match(denied, line):
            return False
        if allowed and re.match(allowed, line):
            return True
        return next(flag for pattern, flag in FLAGS if re.fullmatch(pattern, line)) in flags

    def shown(self, tree: Tree) -> Tree:
        """The configuration, with a mask in the place of what is secret."""
        return tree if self.is_everybody or "secret" in self._class()[0] else _with_masks(tree)


def _with_masks(tree: Tree) -> Tree:
    return {
        word: {"/* SECRET-DATA */": {}} if word in SECRET_WORDS and below else _with_masks(below)
        for word, below in tree.items()
    }


FORTI_GROUPS = set_of("secfabgrp ftviewgrp authgrp sysgrp netgrp loggrp fwgrp vpngrp utmgrp wifi")


class FortiRights(Rights):
    """FortiOS: an access profile."""

    refusal = "Unknown action 0\nCommand fail. Return code 1\n"

    def _entry(self, table: str, name: str) -> Tree:
        return next(
            (
                below
                for line, below in self.running.get(table, {}).items()
                if line.removeprefix("edit ").strip('"') == name
            ),
            {},
        )

    @property
    def profile(self) -> str:
        """The name of the profile."""
        return _first(self._entry("config system admin", self.user), r'set accprofile "?([^"]+)"?')

    @property
    def is_everybody(self) -> bool:
        """Whether it is a `super_admin`."""
        return super().is_everybody or self.profile == "super_admin"

    def may(self, line: str) -> bool:
        """Whether the profile has the command, and a right to read or to write what it is about."""
        if self.is_everybody or line in {"exit", "quit"}:
            return True
        profile = self._entry("config system accprofile", self.profile)
        verb = line.split(maxsplit=1)[0]
        word = {
            "diagnose": "cli-diagnose",
            "get": "cli-get",
            "show": "cli-show",
            "execute": "cli-exec",
            "config": "cli-config",
        }
        if f"set {word.get(verb, '')} enable" not in profile:
            return False
        if verb in {"config", "execute"}:
            return any(re.fullmatch(r"set \S+ read-write", said) for said in profile)
        return "set sysgrp read" in profile or "set sysgrp read-write" in profile

    def shown(self, tree: Tree) -> Tree:
        """What it may read: sections of other groups of rights are not told apart, so all groups or nothing."""
        if self.is_everybody:
            return tree
        profile = self._entry("config system accprofile", self.profile)
        readable = {m[1] for said in profile if (m := re.fullmatch(r"set (\S+) read(?:-write)?", said))}
        if not readable >= FORTI_GROUPS:
            return {}
        admins = {
            entry: below
            for entry, below in tree.get("config system admin", {}).items()
            if _first(below, r'set accprofile "?([^"]+)"?') != "super_admin"
        }
        return {line: admins if line == "config system admin" else below for line, below in tree.items()}


class NoRights(Rights):
    """FRR: vtysh is a program, and knows no accounts (User Manual, VTY shell)."""

    refusal = ""

    def may(self, _line: str) -> bool:
        """Whoever runs it may do everything."""
        return True

    @property
    def is_everybody(self) -> bool:
        """Always."""
        return True


def _first(lines: Iterable[str], pattern: str) -> str:
    """Group 1 of the first line that matches; nothing if none does."""
    return next((m[1] for line in lines if (m := re.fullmatch(pattern, line))), "")


RIGHTS: dict[str, type[CxRights | IosRights | JunosRights | FortiRights | NoRights]] = {
    "arubaos-cx": CxRights,
    "cisco-ios": IosRights,
    "fortios": FortiRights,
    "frr": NoRights,
    "junos": JunosRights,
}
