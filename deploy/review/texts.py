"""Texts of a review as people may read them: what may be a secret withheld, and a diff of bounded size. Pure.

Both sides are what a merge request says: nobody promised that a password in it stands where a secret should. What a
role declares as a secret has its name (`‹secret:name›`), and that stays.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from inventory.secrets import PLACEHOLDER
from roles.shared.device.masking import masked_lines
from roles.shared.device.vendor import WITHHELD

LINES_COMPARED = 6000
"""Lines that are compared one by one: beyond them a diff takes minutes, and nobody reads it."""
LONGEST_DIFF = 200_000
"""Characters of one diff; the rest is counted."""
LONGEST_LINE = 2000

NAMED = re.compile(
    r"(?i)(?<![^\W_])(?<![/$])(?P<word>\w{0,64}(?:pass(?:word|wd|phrase|code)?|token|pre-?shared-?key|community)"
    r"|(?:\w{0,64}[-_ ])?(?:secret|private|access|shared|signing|encryption|session|service|master|auth|api|account)"
    r"[-_ ]?key(?:[-_ ]value)?|pwd|(?:bind|root|user|admin|db)?pw|secrets?|psk|credentials?|bearer|lösenord|hemlighet)"
    r"[\"']?(?P<between>\s*(?::=|=>|[:=]|\s)\s*)(?=\S)"
)
"""A word that names a secret, in a line of a server's file, before what may be one."""
HINTS = ("pass", "pw", "secret", "token", "key", "psk", "community", "credential", "bearer", "lösenord", "hemlighet")
"""One of these is in each such word, letters folded: a line without any is not searched."""
NONE_NAMED = re.compile(
    rf"{PLACEHOLDER.pattern}|"
    r"\bgetent (?:-\S+ )*passwd\b"  # the database of accounts
    r"|\bg?passwd(?: (?:--(?:lock|unlock|expire|status|add|delete|members)|-[luedaM]))+(?= )"  # of whom, follows
    r"|\bNOPASSWD:|\)\s*(?:[A-Z]+:\s*)*PASSWD:"  # which commands sudo lets run, follows
    r"|^\s*passwd:(?=(?:\s+(?:files|compat|db|systemd|sss|ldap|winbind|nis|\[!?\w+=\w+\]))+\s*$)"  # nsswitch.conf
    r"|^\s*-?password\s+(?:requisite|required|sufficient|optional|include|substack|\[[\w= ]+\])(?=\s)"  # pam.d
    r"|\b(?:proxy|fastcgi|uwsgi|scgi|grpc)_pass(?=\s+(?:[a-z]+://|unix:|[$@]))"  # nginx: where a request goes on
    r"|\bsend-community\b|\b(?:set|match) (?:large-|ext)?community(?=(?: (?:\d+(?::\d+)+|no-(?:export|advertise|peer)"
    r"|local-AS|graceful-shutdown|accept-own|additive|none|internet|blackhole))+\s*$)"  # BGP
)
"""Where such a word names none; what stands behind it is looked at again."""
NO_VALUE = re.compile(
    rf"(?:(?:plain|cipher)text\s+)?[\"']?(?:{PLACEHOLDER.pattern}|‹withheld(?::[0-9a-f]+)?›)[\"']?"
    r"|[\"']?/(?:etc|run|var|usr|opt|srv|dev|proc|sys|root)(?:/[\w.@%-]+)+/?[\"']?(?=[\s,;|&)\]}]|$)"
)
"""What may stand behind such a word, and is none itself: a secret's name, or the file that it is in."""
LOOKS = re.compile(
    r"\$(?:[0-9]|2[aby]|y|7|apr1|argon2id?|sha\d+)\$\S{8,}|\{[A-Z0-9-]{3,12}\}[\w+/=]{8,}|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
    r"|(?i:(?<=authorization: basic )[\w+/]{4,}=*)"
)
"""What is one whatever stands before it: crypt(3), a login in a URL."""
PGPASS = re.compile(r"^((?:[\w.*-]+|\[[0-9a-f:]+\]):(?:\d+|\*):(?:[^:\s\\]|\\.)+:(?:[^:\s\\]|\\.)+:)(?!‹secret:)\S+$")
"""A line of PostgreSQL's file of passwords, which has no word for what stands last."""
HARMLESS = re.compile(r"(?i)^\W*(?:no|yes|true|false|none|null|prohibit-password|\d{1,4}|\[|\{|\\?\n|)\W*$")
"""What may stand behind such a word and is none: a switch, a number, the beginning of a block."""
PROSE = re.compile(r"[^\W\d_]+(?:[ ,.;:()'`/-]+[^\W\d_]+)*[.,:;)`]*\s*$")
PEM = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY")


def shown(text: str, *, of_device: bool) -> list[str]:
    """Return the lines of a text, each safe to be read by whoever reads a merge request."""
    lines = text.splitlines()
    if of_device:
        lines = [line for line in masked_lines(lines) if line is not None]
    found: list[str] = []
    in_key = False
    for line in lines:
        if in_key:
            in_key = "-----END " not in line
            continue
        if PEM.search(line):
            in_key = "-----END " not in line
            found.append(WITHHELD)
            continue
        found.append(masked(line))
    return found


def masked(line: str) -> str:
    """Return a line, or a name, a reason, a problem, without what may be a secret in it."""
    at = _secret_at(line)
    kept = line if at is None else line[:at]
    if at is None and (login := PGPASS.match(line)):
        return f"{login[1]}{WITHHELD}"
    return LOOKS.sub(WITHHELD, kept) + ("" if at is None else WITHHELD)


def _secret_at(line: str) -> int | None:
    """Return where in a line what may be a secret begins; None if no word says so."""
    folded = line.casefold()
    if not any(hint in folded for hint in HINTS):
        return None
    none_named = [found.span() for found in NONE_NAMED.finditer(line)]
    at = 0
    while named := NAMED.search(line, at):
        place = named.start("word")
        passed = next((end for start, end in none_named if start <= place < end), None)
        value = NO_VALUE.match(line, named.end())
        if passed is None and value is None and not HARMLESS.match(line[named.end() :]) and not _is_prose(line, named):
            return named.end()
        at = max(named.end("word"), passed or 0, value.end() if value else 0)
    return None


def _is_prose(line: str, named: re.Match[str]) -> bool:
    """Tell whether a word stands in a comment, before nothing but words."""
    return line.lstrip().startswith("#") and not named["between"].strip() and bool(PROSE.match(line[named.end() :]))


def diff(before: str, after: str, *, of_device: bool = False) -> str:
    """Return a unified diff of two texts, of bounded size; it always says something where they differ."""
    old, new = shown(before, of_device=of_device), shown(after, of_device=of_device)
    if old == new:
        same = before.splitlines() == after.splitlines()
        why = "they differ in how lines end" if same else f"a value that may be a secret differs: {WITHHELD}"
        return f"@@ @@\n\\ {why}\n"
    start, end = _common(old, new)
    middle = (old[start : len(old) - end], new[start : len(new) - end])
    large = sum(map(len, middle)) > LINES_COMPARED
    if large and not all(middle):  # lines are there on one side alone: nothing is to be compared
        place = f"@@ -{start + 1},{len(middle[0])} +{start + 1},{len(middle[1])} @@"
        return _bounded([place, *(f"-{line}" for line in middle[0]), *(f"+{line}" for line in middle[1])])
    if large:
        return f"@@ -{start + 1},{len(middle[0])} +{start + 1},{len(middle[1])} @@\n\\ too long to be compared\n"
    lines = list(difflib.unified_diff(old, new, "before", "after", n=2, lineterm=""))[2:]
    return _bounded(lines)


def _common(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """Return how many lines are the same at the start, and at the end."""
    most = min(len(old), len(new))
    start = next((n for n in range(most) if old[n] != new[n]), most)
    end = next((n for n in range(most - start) if old[-1 - n] != new[-1 - n]), most - start)
    return start, end


def _bounded(lines: Sequence[str]) -> str:
    lines = [line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…" for line in lines]
    room, kept = LONGEST_DIFF, 0
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept += 1
    more = f"\\ {len(lines) - kept} more lines\n" if kept < len(lines) else ""
    return "".join(f"{line}\n" for line in lines[:kept]) + more
