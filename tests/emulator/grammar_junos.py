"""What Junos makes of statements that are typed in its configuration mode. Pure.

Each rule names its source:

- CLI: Junos OS CLI User Guide (`set`, `delete`, `insert`, `deactivate`, `activate`, `protect`, "Configuration mode
  commands"; "Inserting a new identifier": what is not inserted comes last, and must be there before it is inserted).
- REF: Junos OS configuration statement reference (syntax: which statements take a list, which one value, which a name).
- LAB: what ninety routers and switches of Juniper show for `display set`, as batfish/lab-validation publishes it.
- SRX: the published SRX300 (22.4) of the oxidized project.

Not here: drafts and commits (`tests.emulator.dialects`).
"""

from __future__ import annotations

import re

from tests.emulator.language import Editor, Refused, Tree, hashed, set_of

ONE_VALUE = set_of(
    """host-name domain-name time-zone description mtu vlan-id native-vlan-id l3-interface interface-mode class
    encrypted-password plain-text-password-value secret location contact security-model security-level notify-view
    read-view write-view authentication-key authentication-password privacy-key privacy-password
    bridge-priority 802.3ad device-count uid full-name transport storm-control bandwidth-percentage
    configuration-name allow-commands deny-commands screen redundant-parent alarm-threshold attack-threshold
    source-threshold destination-threshold"""
)
"""Statements of one value (REF); `next-hop` of a static route is none of them, "all the next-hop addresses" count."""
ONE_OF = (
    (r"interfaces .* family \S+ filter (input|output)", r".*"),
    (r"interfaces \S+ redundant-ether-options redundancy-group", r".*"),
    (r"security log (mode|format|source-address)", r".*"),
    (r"security log stream \S+ (format|severity)", r".*"),
    (r"security log stream \S+ host", r"[\d.:a-f]+"),
    (r"security forwarding-options family inet6 mode", r".*"),
    (r"security address-book \S+ address \S+", r"[\d.:a-f]+/\d+"),
    (r"security policies .* policy \S+ then", r"permit|deny|reject"),
    (r"security nat source rule-set \S+ rule \S+ then source-nat", r"interface|off|pool"),
    (r"applications application \S+ (protocol|destination-port|source-port|inactivity-timeout)", r".*"),
    (r"security screen ids-option \S+ tcp syn-flood timeout", r".*"),
)
"""Below what, of which words, there is one (REF), most of them statements of firewalls: a new one takes its place."""
NAMED = set_of(
    """unit family user file host server address route term filter prefix-list group view oid tacplus-server
    radius-server interface community security-name policy rule rule-set policy-statement security-zone ids-option
    from-zone to-zone address-book application stream zone rib"""
)
"""Words that are followed by a name, without which they mean nothing (REF)."""
WHOLE = {
    ("source-nat", "interface"),
    ("mode", "stream"),
    ("next", "term"),
    ("next", "policy"),
    *(("permissions", flag) for flag in ("view", "interface", "firewall")),
}
"""Where such a word is an action or a flag and has no name (SRX: `then source-nat interface`; LAB: `then next policy`;
REF: `permissions`).
"""
TOGETHER = {"from-zone"}
"""Names an entry together with another word: `from-zone A to-zone B` is one (REF, `policies`)."""
HOLDERS = frozenset({"interfaces", "vlans", "prefix-list", "groups"})
"""Words below which every word is a name (REF)."""
JUNOS_SECRETS = (
    (r"^plain-text-password-value$", "encrypted-password", "$6$"),
    (r"^authentication-password$", "authentication-key", "$9$"),
    (r"^privacy-password$", "privacy-key", "$9$"),
    (r"^secret$", "secret", "$9$"),
)
"""A secret is shown under the first name that matches as the second, with a mark of its encoding (REF, SRX)."""
JUNOS_WORDS = set_of(
    """system interfaces vlans snmp protocols routing-options firewall policy-options forwarding-options chassis
    groups apply-groups security poe switch-options access virtual-chassis version class-of-service event-options
    applications services routing-instances multi-chassis ethernet-switching-options bridge-domains"""
)
"""The outermost statements (REF, "Configuration statement hierarchy")."""
FIRST_UID = 2000
"""The number of the first local account; SRX shows one that a person was given 2002."""
MARKS = {"deactivate": "inactive:", "protect": "protect:"}
TAKEN_AWAY = {"activate": "inactive:", "unprotect": "protect:"}


def words(statement: str) -> list[str]:
    """The words of a statement; what is in quotes is one, and needs none if it is a plain word."""
    found = re.findall(r'"(?:[^"\\]|\\.)*"|[^\s"]+', statement)
    return [w[1:-1] if re.fullmatch(r'"[\w./:@+$-]+"', w, re.ASCII) else w for w in found]


class SetEditor(Editor):
    """Junos: each line is a whole statement, set, deleted, inserted or marked in a draft."""

    def type(self, line: str) -> None:
        """Take a line, or raise Refused."""
        typed = line.strip()
        if not typed or typed.startswith("#"):
            return
        if re.sub(r'"(?:[^"\\]|\\.)*"', "", typed).count('"'):
            raise Refused("syntax error")  # CLI: a text in quotation marks has an end
        verb, *path = words(typed)
        if verb not in {"set", "delete", "insert", *MARKS, *TAKEN_AWAY}:
            raise Refused("unknown command.")
        if not path or path[0] not in JUNOS_WORDS:
            raise Refused("syntax error")
        if verb == "insert":
            self._insert(path)
            return
        before, last = ("", *path)[-2:]
        if last in NAMED and (before, last) not in WHOLE and before not in ONE_VALUE | NAMED | HOLDERS:
            raise Refused("missing argument.")
        self._carry_out(verb, path)

    def _carry_out(self, verb: str, path: list[str]) -> None:
        if verb in MARKS:
            self._at(path)[MARKS[verb]] = {}
        elif verb in TAKEN_AWAY:
            self._at(path).pop(TAKEN_AWAY[verb], None)
        elif verb == "delete":
            self._delete(path)
        elif "[" in path[:-1] and path[-1] == "]":  # CLI: a list of values is as many statements
            begins = path.index("[")
            for value in path[begins + 1 : -1]:
                self._set([*path[:begins], value])
        else:
            self._set(path)

    def _at(self, path: list[str]) -> Tree:
        node = self.tree
        for word in path:
            if word not in node:
                raise Refused("error: statement not found")
            node = node[word]
        return node

    def _set(self, path: list[str]) -> None:
        for pattern, shown, mark in JUNOS_SECRETS:
            if len(path) > 1 and re.match(pattern, path[-2]) and not path[-1].strip('"').startswith(mark):
                path[-2:] = [shown, f"{mark}{hashed(path[-1])}"]
        self._make_room(path)
        node = self.tree
        for n, (before, word) in enumerate(zip(["", *path], path, strict=False)):
            is_list = before == "class" and path[n - 3 : n - 2] != ["user"]  # LAB: of accounts alone one value
            if before in ONE_VALUE and word not in node and not is_list:
                node.clear()
            node = node.setdefault(word, {})
        if path[:3] == ["system", "login", "user"] and len(path) > 3:
            self._number(path[3])

    def _make_room(self, path: list[str]) -> None:
        """Take away the statement of a firewall in whose place this one comes."""
        node = self.tree
        for depth, word in enumerate(path):
            above = " ".join(path[:depth])
            for pattern, words_of_it in ONE_OF:
                if word not in node and re.fullmatch(pattern, above) and re.fullmatch(words_of_it, word):
                    for old in [o for o in node if re.fullmatch(words_of_it, o)]:
                        del node[old]
            node = node.get(word, {})

    def _number(self, name: str) -> None:
        """Give an account a number that has none (REF, `uid`: "if you do not specify one, the software assigns it")."""
        users = self.tree["system"]["login"]["user"]
        taken = {uid for user in users.values() for uid in user.get("uid", {})}
        if "uid" not in users[name]:
            free = next(uid for uid in range(FIRST_UID, FIRST_UID + len(users) + 1) if str(uid) not in taken)
            users[name]["uid"] = {str(free): {}}

    def _delete(self, path: list[str]) -> None:
        way, node = [], self.tree
        for word in path:
            if word not in node:
                return  # CLI: "warning: statement not found", and it goes on
            way.append((node, word))
            node = node[word]
        holder, word = way.pop()
        del holder[word]
        while way and not holder.keys() - set(MARKS.values()):
            above, word = way.pop()
            before = way[-1][1] if way else ""
            if before in NAMED - TOGETHER | HOLDERS:
                break  # an entry stays, though nothing is left in it
            del above[word]
            holder = above

    def _insert(self, path: list[str]) -> None:
        """Put an entry before or after another one of its kind (CLI, `insert`)."""
        at = next((n for n in range(len(path) - 1, 0, -1) if path[n] in {"before", "after"}), 0)
        *section, entry = path[:at]
        other = path[at + 1 :]
        if not at or not section or other[:-1] not in ([], [section[-1]]):
            raise Refused("syntax error")
        if (section[-1] in NAMED) != (len(other) == 2):
            raise Refused("syntax error")
        holder = self._at(section)
        if entry not in holder or other[-1] not in holder:
            raise Refused("error: statement not found")
        moved = holder.pop(entry)
        rest = list(holder.items())
        holder.clear()
        for name, below in rest:
            if name == other[-1] and path[at] == "before":
                holder[entry] = moved
            holder[name] = below
            if name == other[-1] and path[at] == "after":
                holder[entry] = moved


def load_set(text: str) -> Tree:
    """A tree of the words of statements."""
    editor = SetEditor({})
    tree: Tree = {}
    for line in text.splitlines():
        verb, *path = words(line) or [""]
        node = tree
        for word in path if verb in {"set", *MARKS} and path[:1] != ["version"] else ():
            node = node.setdefault(word, {})
        if verb in MARKS:
            node[MARKS[verb]] = {}
    editor.tree = tree
    return tree


def show_set(tree: Tree, path: tuple[str, ...] = ()) -> str:
    """The tree as `display set` shows it: a mark after what it is about (CLI, `deactivate`)."""
    said = {verb: " ".join([verb, *path]) for verb, mark in MARKS.items() if mark in tree}
    below = {word: inner for word, inner in tree.items() if word not in MARKS.values()}
    if not below and path:
        return "".join(f"{line}\n" for line in (f"set {' '.join(path)}", *said.values()))
    return "".join(show_set(inner, (*path, word)) for word, inner in below.items()) + "".join(
        f"{line}\n" for line in said.values()
    )
