"""Mask what may be a secret in a text of a device that no role declares: unmanaged lines, answers, errors. Pure.

What a role declares shows its secrets by name, since it is known where they are (`Vendor.secrets`). Of everything else
nobody knows, so here a line is withheld from the first place on at which a secret may begin:

- after a word that can name one (`community`, `key-string`, `psksecret`, `authentication` …), in any vendor's spelling;
- after a word that says how one is encoded (`7`, `8`, `9`, `ciphertext`, `ENC`);
- from a word on that looks like one: `$9$…`, long base64 or hex, what a URL has before its `@`;
- where the value follows without such a word (`snmp-server host`), or on the lines below (`config system snmp
  community`), or over several lines (PEM, a quoted text).

`NO_SECRET_IN` is the short list of beginnings in which such words name none. Too much is withheld rather than too
little; the whole configuration is in its backup (`docs/device-backups.md`).

Not here: which lines are a role's (`difference`), and values that samdrift itself knows (`roles.shared.parts.veil`).

Sources: oxidized's lists of what it removes (`lib/oxidized/model/*.rb`, `cmd :secret`), netconan's and rancid's
patterns, oxidized issues 3080, 3805 and 1468; the vendors' command references for what a word announces.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from inventory.secrets import MARK
from roles.shared.device.vendor import WITHHELD, any_of

NAMES = re.compile(
    r"communit(?:y|ies)\d*|.*key\d*|keys|keystring|keychain|keyring|.*secrets?\d*|.*pass(?:w(?:or)?d|phrase|code)s?\d*"
    r"|pass(?:es)?|p?wd\d*|pw|psk.*|.*psk|md5|sha|sha\d+|hmac|auth|authent|authenticat(?:e|ion|or)|authorization"
    r"|.*token\d*|bearer|credentials?|.*cipher(?:text)?|plaintext|cleartext|encrypted|hash(?:ed)?|wep|ckn|cak|pin"
    r"|priv|privacy|rsso|history\d|localized|l[öo]senord(?:et)?|.*nyckel(?:n)?"
)
"""One part of a word (`auth-pass` has two) that can name a secret, in lower case."""

ENCODING = frozenset({"5", "6", "7", "8", "9", "ENC"})
"""Words that say how the next one is encoded."""

COUNTED = re.compile(
    r"(?:.*-)?(?:vlan|vlans|vid|interface|unit|lag|group|priority|port|slot|vty|con|aux|line|level|privilege|version"
    r"|area|instance|standby|vrrp|glbp|distance|metric|cost|timeout|timers?|count|size|number|id|index|tag|seq|rule"
    r"|edit|term|member|members|switch|bgp|ospf|eigrp|as|remote-as|mtu|speed|rate|limit|allowed|native|access|queue"
    r"|class|dscp|cos|depth|length|threshold|interval|retries|attempts|retransmit|range|to|from|maximum|minimum"
    r"|max|min|ttl|hop|hops|track|session|sla|list|set|match|permit|deny|in|every|add|remove|expand|mode|period)"
)
"""Words after which a number is one, and says nothing of how the next word is encoded; in lower case."""

PLAIN = re.compile(r"\d{1,3}(?:[-.]\d+)*(?:/\d+)?|[a-z]{1,3}")
"""A number, a range, an address or a short word: nothing that is encoded."""

LOOKS = re.compile(
    r"\$(?:\d{1,2}|[0-9]?[a-z]{1,6}|sha\d+)\$\S"  # crypt(3), and what vendors made of it: $9$, $14$, $y$, $2b$
    r"|\{[A-Z0-9-]{3,12}\}\S{8}"  # {SSHA}…, as LDAP has them
    r"|-----BEGIN"
)

LONG = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9+/_-]{24,}={0,2}|[A-Za-z0-9+/]{14,}={1,2}|(?:0x)?[0-9A-Fa-f]{16,}")
"""A word that may be a key in base64 or hex."""
SPOKEN = re.compile(
    r"[A-Za-z-]+\d+(?:/\d+)*(?:\.\d+)?"  # an interface
    r"|/?[A-Za-z0-9.]{1,20}(?:[-_/][A-Za-z0-9.]{0,20})+"  # words joined together: a policy, a path
)
"""A long word that people read all the same."""

URL_LOGIN = re.compile(r"[a-z][a-z0-9+]*://(?=[^\s\"']*@)")
"""The beginning of a URL that holds a login, and maybe its password."""

VALUE_AFTER = (
    r"^(?:no )?snmp-server host \S+(?: vrf \S+)?",
    r"^(?:no )?standby (?:\d+ )?authentication",
    r"^(?:set |delete )?snmp (?:community|trap-group)",
    r"^syscon address \S+",
    r"^ppp chap hostname",
)
"""Beginnings of lines after which a secret may stand without a word that names it."""

NO_SECRET_IN = (
    r"aaa (?:authentication|authorization|accounting)\b",
    r"(?:no )?ip http authentication (?:aaa|local|enable)\b",
    r"(?:set )?(?:system syslog (?:file|host|user) \S+ )?authorization (?:any|none|info|notice|warning|error);?$",
    r"authentication (?:port-control|order|priority|host-mode|periodic|violation|event|timer|open)\b.*",
    r"(?:no )?ip(?:v6)? ospf authentication(?: message-digest| null| ipsec)?$",
    r"(?:no )?snmp-server (?:enable traps|group|view) .*",
    r"(?:ip (?:ext)?community-list|neighbor \S+ send-community)\b.*",
    r"(?:set )?policy-options (?:community|policy-statement) .*",
    (
        r"(?:no )?(?:ip )?ssh (?:(?:server|client) algorithm )?"
        r"(?:public-key|key-exchange|host-key|ciphers|macs?|kex|encryption)\S* [a-z0-9@., -]+$"
    ),
    r"(?:no )?(?:key chain|keychain) \S+$",
    r"(?:no )?service password-encryption$",
    r"set (?:\S+-)?auth-(?:type|method|mode|timeout|port|level) [a-z0-9-]+$",
    r"set (?:authorization (?:enable|disable)|key-?life\w* \d+)$",
    r"config (?:vpn certificate|system certificate|firewall ssh|user)\b.*",
)
"""Beginnings of lines in which a word that can name a secret names none; what stands behind them is looked at again."""

WORD = re.compile(r"""[^\s"'=:,;(){}\[\]<>]+""")
HAS_MARK = re.compile(rf'(?: (?:\d|plaintext|ciphertext|md5|sha\d*))?[ "]*{MARK}(?:secret:|withheld)')
"""A secret's name, or the mark of one, where a secret would stand: only samdrift writes such (see `tame`)."""
QUOTE = re.compile(r'(?<!\\)"')
PEM_ENDS = re.compile(r"-----END [A-Z0-9 ]+-----")
BELOW = re.compile(r"config .*\bcommunity$")
"""A section of FortiOS whose entries are secrets, and say so by no word of their own."""


def masked(text: str) -> str:
    """Withhold what may be a secret in a text of a device, line by line.

    A line that was masked is masked no further, so it may be done twice.
    """
    lines = text.splitlines(keepends=True)
    shown = masked_lines([line.rstrip("\r\n") for line in lines])
    ends = (line[len(line.rstrip("\r\n")) :] for line in lines)
    return "".join(f"{line}{end}" for line, end in zip(shown, ends, strict=True) if line is not None)


def masked_beside(text: str, declared: str) -> str:
    """Mask the lines of a text that are not declared as they stand: of those that are, each secret has its name."""
    known, lines = frozenset(declared.splitlines()), text.splitlines()
    pairs = zip(masked_lines(lines, known), lines, strict=True)
    shown = (line if line in known else other for other, line in pairs)
    return "".join(f"{line}\n" for line in shown if line is not None)


def masked_line(line: str) -> str:
    """Withhold what may be a secret in one line, from where it may begin to the end; what has a mark there stays."""
    if (at := _secret_at(line)) is None or HAS_MARK.match(line, at):
        return line
    return f"{line[:at].rstrip()} {WITHHELD}" if line[:at].strip() else f"{line[:at]}{WITHHELD}"


def masked_lines(lines: Iterable[str], known: Collection[str] = ()) -> Iterator[str | None]:
    """Yield each line, masked; None for one that belongs to a secret of several lines, and is withheld whole.

    Args:
        known: lines that whoever asks shows as they are: they are looked at only where they may begin such a secret.
    """
    end: re.Pattern[str] | None = None  # of a secret of several lines
    below: int | None = None  # the indentation of a line that names the secrets below it
    for line in lines:
        if end is not None:
            end = None if end.search(line) else end
            yield None
            continue
        if line in known and not (_end_of(line) or BELOW.fullmatch(line.strip())):
            yield line
            continue
        indent = len(line) - len(line.lstrip())
        if below is not None and indent <= below:
            below = None
        named = below is not None and re.match(r"\s*set name(?= )", line)
        shown = f"{named[0]} {WITHHELD}" if named else masked_line(line)
        if shown != line:
            end = _end_of(line)
        if BELOW.fullmatch(line.strip()):
            below = indent
        yield shown


def _end_of(line: str) -> re.Pattern[str] | None:
    """Find what ends the secret that a line begins; None if it ends with the line."""
    if "-----BEGIN " in line and not PEM_ENDS.search(line):
        return PEM_ENDS
    return QUOTE if '"' in line and len(QUOTE.findall(line)) % 2 else None


def _secret_at(line: str) -> int | None:
    """Return where in a line a secret may begin; None if nothing says so."""
    start = len(line) - len(line.lstrip())
    harmless = any_of(*(f"(?:{beginning})" for beginning in NO_SECRET_IN)).match(line, start)
    places = [*_named(line, harmless.end() if harmless else start), *_looking(line, start)]
    return min(places, default=None)


def _named(line: str, start: int) -> Iterator[int]:
    """Yield where a word ends that says that a secret follows, if anything does."""
    before = ""
    for word in WORD.finditer(line, start):
        first = not line[: word.start()].strip()
        after = WORD.search(line, word.end())
        if after is None:
            break
        encodes = word[0] in ENCODING and not first and not COUNTED.fullmatch(before) and not PLAIN.fullmatch(after[0])
        if encodes or _names_one(word[0]):
            yield word.end()
            return
        before = word[0].lower()
    begun = any_of(*VALUE_AFTER).match(line.strip())
    if begun and WORD.search(line, at := len(line) - len(line.lstrip()) + begun.end()):
        yield at


def _names_one(word: str) -> bool:
    return any(NAMES.fullmatch(part) for part in re.split(r"[-_.+/@]", word.lower()))


def _looking(line: str, start: int) -> Iterator[int]:
    """Yield where a word begins that looks like a secret."""
    if url := URL_LOGIN.search(line):
        yield url.end()
    for word in re.finditer(r"\S+", line[start:]):
        bare = word[0].strip("\"';,{}()[]")
        if LOOKS.search(word[0]) or (LONG.fullmatch(bare) and not SPOKEN.fullmatch(bare)):
            yield start + word.start()
            return
