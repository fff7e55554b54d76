"""Make what a device printed anonymous: secrets, names, addresses, serial numbers and people's texts. Pure.

Secrets are withheld (`masking`). Everything else is replaced by something of its kind, the same wherever it stands, so
that a configuration can still be read and compared. Addresses keep which network holds which: private ones stay in
their private range, others go to 240.0.0.0/4 and 2001:db8::/32, each bit turned over or not by a key and by the bits
before it (the way of Crypto-PAn, Xu et al. 2002); the last eight bits of IPv4 stay. Netmasks, multicast and loopback
say nothing of anybody, and stay.

What cannot be known stays: names that people gave to objects which no word announces. Somebody reads a transcript
before it is sent.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network

from inventory.secrets import MARK
from roles.shared.device.masking import masked
from roles.shared.device.reading import tame
from roles.shared.device.vendor import WITHHELD, Vendor

V4 = r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)"
V6 = (
    r"(?<![\w:.])(?=[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:)[0-9A-Fa-f:]{2,}[0-9A-Fa-f](?![\w:])"
    r"|(?<![\w:])[0-9A-Fa-f:]+::(?![\w:])"
)
MAC = (
    r"(?:(?<![\w:.-])|(?<=\d\.)(?=\w{12}))(?:[0-9A-Fa-f]{1,2}(?P<colon>[:-])(?:[0-9A-Fa-f]{1,2}(?P=colon)){4}[0-9A-Fa-f]{1,2}"
    r"|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}|[0-9A-Fa-f]{6}-[0-9A-Fa-f]{6}|(?<=\d\.)[0-9A-Fa-f]{12})(?![\w:-]|\.\w)"
)
EMAIL = r"[\w.+-]+@(?!libssh\.org|openssh\.com)[\w-]+(?:\.[\w-]+)+"  # algorithms of SSH have such names
SERIAL = re.compile(
    r"(?i)\b(?:serial(?:[ _-]?(?:number|num|nbr|no\.?))?|sn|s/n|processor board id|system-uuid|uuid)\s*[:=]?\s+"
    r"(?P<of>(?=\S*\d)[A-Z0-9-]{6,})|self-signed-(?:certificate-)?(?P<self>\d{5,})"
)
TEXT = re.compile(
    r"(?P<before>(?:^|(?<=\s))(?:description|alias|comments?|remark|location|contact|full-name|announcement|message"
    r"|(?i:port[ -]desc(?:ription)?\s*:|sys(?:location|contact)"
    r"|(?:snmp-server |system[ -])(?:location|contact)\s*:?))\s+|^\s+(?:set )?name\s+(?!:))"
    r"(?P<text>\S.*)"
)
"""A word that says that the rest of the line is a text of people's."""
IN_JSON = re.compile(
    r'"(?P<element>[\w-]*(?:description|alias|comment|contact|location))"\s*:\s*'
    r'(?:\[\s*\{\s*"data"\s*:\s*)?"(?P<text>(?:[^"\\]|\\.)*)"'
)
"""And an element that does, where an answer is JSON."""
ANNOUNCING = re.compile(r"(?i)(?:system )?(?:description|location|contact|name|alias)s?")
NAME = re.compile(
    r"(?i)(?:^|\s)(?:hostname|host-name|domain[ -]name|domain-(?:list|search)|vtp domain|username|login user|^user"
    r"|(?:system|chassis|host|sys)[ -]?name)\s*:?\s+:?\s*\"?(?P<name>[^\s\"{}]*[^\s\"{}:])"
)
INTERFACE = re.compile(
    r"(?i)[a-z-]*\d+(?:/\d+)+(?:[.:]\d+)?|(?:vlan|lag|ae|irb|port-channel|loopback|mgmt|eth|port|wan|lan)[ .]?\d+"
)
"""What a port is called where a neighbour describes it, and no text of anybody's."""
PEOPLE = re.compile(r"config (?:system admin|user local)")
"""A section whose entries are named after people."""
PLAIN_NAMES = frozenset(
    re.findall(
        r"\S+",
        "admin administrator administrators all any authentication authorized-key auto class default group "
        "list local local-engine lookup manager name none operator password root secret server super-user "
        "user username",
    )
)
"""Words that are no names of anybody, where one stands."""
SHORTEST = 12
"""Of a text that a device may cut short in a table, so much says which it is."""


class Anonymiser:
    """Replaces what says of whom a device is, in everything that one device printed.

    Args:
        names: of hosts, sites, municipalities: replaced in whatever letters they stand.
        ports: their names stay, also where somebody called something after one.
        key: makes addresses unlike those of other transcripts.
    """

    def __init__(self, vendor: Vendor, names: Iterable[str], key: bytes, ports: Iterable[str] = ()) -> None:
        self._vendor, self._key = vendor, key
        self._tokens: dict[tuple[str, str], str] = {}
        self._names = {name for name in names if _is_name(name)}
        self._ports = frozenset(ports)
        self._texts: set[str] = set()
        self._serials: set[str] = set()

    def anonymised(self, answers: Mapping[str, str]) -> dict[str, str]:
        """Return these answers, by what was asked, without what says of whom they are."""
        shown = {
            asked: self._without_banners(self._without_texts(self._masked(answer))) for asked, answer in answers.items()
        }
        for text in shown.values():
            self._learn(text)
        everywhere = self._everywhere()
        return {
            asked: "".join(f"{self._line(line, everywhere).rstrip()}\n" for line in text)
            for asked, text in shown.items()
        }

    def left(self, text: str) -> list[str]:
        """Return what is known to say of whom a text is, and still stands in it."""
        known = {word: _whole(word) for word in (*self._names, *self._serials)}
        known |= {word: _cut_short(word) for word in self._texts if _stands_out(word)}
        return sorted(word for word, pattern in known.items() if self._is_left(pattern, text))

    def _is_left(self, pattern: str, text: str) -> bool:
        found = (m[0] for m in re.finditer(pattern, text, re.IGNORECASE))
        return any(word not in self._ports and not INTERFACE.fullmatch(word) for word in found)

    def _masked(self, answer: str) -> str:
        lines = masked(tame(answer)).split("\n")  # first: a secret of several lines is known by its beginning
        return "\n".join(self._vendor.masked(line) for line in lines)

    def _without_texts(self, answer: str) -> str:
        """Replace the texts of people's in JSON."""

        def replaced(found: re.Match[str]) -> str:
            if not (text := found["text"]) or INTERFACE.fullmatch(text):
                return found[0]
            return found[0][: found.start("text") - found.start()] + self._token("text", text) + '"'

        return IN_JSON.sub(replaced, answer)

    def _without_banners(self, text: str) -> list[str]:
        return list(self._banners_replaced(iter(text.splitlines())))

    def _banners_replaced(self, lines: Iterator[str]) -> Iterator[str]:
        for line in lines:
            is_last = None if WITHHELD in line else self._vendor.text_begun(line.strip())
            begun = next((m for p in self._vendor.texts if (m := re.match(p, line.strip()))), None)
            if begun:
                within, last = [line.strip()[begun.end() :]], line
                while is_last is not None and not is_last(last := next(lines, begun[1])):
                    within.append(last)
                yield f"{begun[0]} {self._token('text', ' '.join(within).replace(begun[1], '').strip())} {begun[1]}"
            elif is_last is not None:
                within = [line]
                while (last := next(lines, '"')) and not is_last(last):
                    within.append(last)
                yield f'{line[: line.index(chr(34))]}"{self._token("text", " ".join(within))}"'
            else:
                yield line

    def _learn(self, lines: list[str]) -> None:
        people = False
        for line in lines:
            people = bool(PEOPLE.fullmatch(line.strip())) or (people and line.strip() != "end")
            if people and (one := re.match(r'\s*edit "?(?P<name>[^"]+)', line)) and _is_name(one["name"]):
                self._names.add(one["name"])
            self._names |= {m["name"] for m in NAME.finditer(line) if _is_name(m["name"])}
            self._serials |= {of for m in SERIAL.finditer(line) if (of := m["of"] or m["self"])}
            if (m := TEXT.search(line)) and not m["text"].startswith("text-"):
                self._texts |= {m["text"].split(WITHHELD)[0].strip().strip('"').strip()} - self._ports

    def _everywhere(self) -> re.Pattern[str]:
        """Return what is replaced wherever it stands in a line."""
        known = {
            "text": [_cut_short(text) for text in _longest_first(t for t in self._texts if _stands_out(t))],
            "email": [EMAIL],
            "serial": [_whole(serial) for serial in _longest_first(self._serials)],
            "name": [_whole(name) for name in _longest_first(self._names)],
            "mac": [MAC],
            "v6": [V6],
            "v4": [V4],
        }
        return re.compile("|".join(f"(?P<{kind}>{'|'.join(p)})" for kind, p in known.items() if p), re.IGNORECASE)

    def _line(self, line: str, everywhere: re.Pattern[str]) -> str:
        announced = TEXT.search(line)
        if announced is None:
            return self._replaced(line, everywhere)
        shown = self._replaced(line[: announced.start("before")], everywhere) + announced["before"]
        text = announced["text"].strip()
        if re.fullmatch(rf'"?text-\d+"?|{WITHHELD}', text):
            return shown + text
        quote = '"' if text.startswith('"') else ""
        return f"{shown}{quote}{self._token('text', text.strip(chr(34)))}{quote}"

    def _replaced(self, text: str, everywhere: re.Pattern[str]) -> str:
        parts, at = [], 0
        for found in everywhere.finditer(text):
            new = self._instead(str(found.lastgroup if found.lastgroup != "colon" else "mac"), found[0])
            new = new.ljust(len(found[0])) if text[found.end() : found.end() + 2] == "  " else new
            parts += [text[at : found.start()], self._network(new, found[0], text[found.end() :])]
            at = found.end()
        return "".join([*parts, text[at:]])

    def _instead(self, kind: str, old: str) -> str:
        if kind == "mac":
            return self._mac(old)
        if kind in {"v4", "v6"}:
            try:
                return str(self.address4(IPv4Address(old)) if kind == "v4" else self.address6(IPv6Address(old)))
            except ValueError:
                return old
        if kind == "text" and (old in self._ports or INTERFACE.fullmatch(old)):
            return old
        if kind == "text":  # it may be cut short
            whole = next((t for t in _longest_first(self._texts) if t.lower().startswith(old.lower())), old)
            return self._token(kind, whole)
        return f"{self._token(kind, old.lower())}{'@example.org' if kind == 'email' else ''}"

    def _network(self, new: str, old: str, after: str) -> str:
        """Return a replaced address without bits of a host, where the address was that of a network."""
        length = re.match(r"/(\d{1,3})\b|(?: mask| netmask)? ((?:255|0)\.\d+\.\d+\.\d+)\b", after)
        if length is None:
            return new
        try:
            if str(ip_network(f"{old}/{length[1] or length[2]}").network_address) == str(ip_network(old)[0]):
                return str(ip_network(f"{new.strip()}/{length[1] or length[2]}", strict=False).network_address)
        except ValueError:
            pass
        return new

    def _token(self, kind: str, old: str) -> str:
        number = 1 + sum(1 for known, _ in self._tokens if known == kind)
        return self._tokens.setdefault((kind, old), f"{kind}-{number}")

    def _mac(self, old: str) -> str:
        parts = re.split(r"[:-]", old)
        digits = "".join(p.rjust(2, "0") for p in parts) if len(parts) == 6 else re.sub(r"\W", "", old)
        if len(set(digits)) == 1 or int(digits[1], 16) % 2:  # nobody's: none, everybody, a group
            return old
        new = "02" + self._digest(digits.lower().encode())[:10]
        places = iter(new)
        if len(parts) == 6:
            return ":".join(re.findall("..", new)) if ":" in old else "-".join(re.findall("..", new))
        return "".join(next(places) if c.isalnum() else c for c in old)

    def address4(self, old: IPv4Address) -> IPv4Address:
        """Return the address that stands for one."""
        whole = int(old)
        bits = f"{whole:032b}"
        is_mask = re.fullmatch(r"1*0*|0*1*", bits)
        if is_mask or old.is_loopback or old.is_multicast or old.is_link_local or not whole >> 24:
            return old
        kept = next((n for net, n in PRIVATE.items() if whole >> (32 - n) == net), None)
        start = "1111" if kept is None else bits[:kept]
        return IPv4Address(int(self._turned(bits, start, 24), 2))

    def address6(self, old: IPv6Address) -> IPv6Address:
        """Return the address that stands for one."""
        bits = f"{int(old):0128b}"
        if old.is_multicast or not int(old) >> 112:
            return old
        start = bits[:64] if old.is_link_local else bits[:8] if old in ULA else f"{0x20010DB8:032b}"
        short = not int(bits[64:112], 2)  # ::1 and the like say nothing
        return IPv6Address(int(self._turned(bits, start, 64 if short else 128), 2))

    def _turned(self, bits: str, start: str, end: int) -> str:
        """Turn bits over, each or not by those before it, from behind `start` to `end`."""
        turns = (int(self._digest(bits[:n].encode())[0], 16) & 1 for n in range(len(start), end))
        middle = "".join(str(int(bits[n]) ^ turn) for n, turn in zip(range(len(start), end), turns, strict=True))
        return start + middle + bits[len(start) + len(middle) :]

    def _digest(self, what: bytes) -> str:
        return hmac.new(self._key, what, hashlib.sha256).hexdigest()


PRIVATE = {10: 8, 0xAC1: 12, 0xC0A8: 16}
"""The private ranges of IPv4: their first bits, and how many."""
ULA = IPv6Network("fc00::/7")


def _is_name(name: str) -> bool:
    return len(name) > 1 and not name.isdigit() and name.lower() not in PLAIN_NAMES and MARK not in name


def _stands_out(text: str) -> bool:
    """Tell whether a text can be told from a vendor's words where nothing announces it."""
    if INTERFACE.fullmatch(text) or ANNOUNCING.fullmatch(text):
        return False
    return len(text) >= 8 or (len(text) > 3 and not re.fullmatch(r"[a-z-]+|[\d., ]+", text))


def _whole(name: str) -> str:
    return rf"(?<![^\W_]){re.escape(name)}(?![^\W_])"


def _cut_short(text: str) -> str:
    """Return an expression for a text, or for as much of it as a table has room for."""
    more = ""
    for letter in reversed(text[SHORTEST:60]):
        more = f"(?:{re.escape(letter)}{more})?"
    whole = rf"(?<![\w-]){re.escape(text)}(?![\w-])"
    return rf"{whole}|(?<![\w-]){re.escape(text[:SHORTEST])}{more}(?![\w-])" if more else whole


def _longest_first(words: Iterable[str]) -> list[str]:
    return sorted(set(words), key=lambda word: (-len(word), word))
