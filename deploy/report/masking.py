"""Mask in a report what belongs to other municipalities: the words that name them, wherever they stand. Pure.

What was found on a host quotes files, answers and people, and any of these may name another's host or address. Not
here: which hosts, findings and runs a report is about (`report.content`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import Enum
from itertools import takewhile
from typing import Any, NamedTuple

from deploy.model.findings import Finding
from deploy.model.record import InSwedish, Title
from deploy.report.document import (
    Control,
    HostState,
    Municipality,
    Place,
    Report,
    ReportedFinding,
    Right,
    RoleState,
    SharedService,
)
from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from roles.shared.device.heard import Heard

MASK = "█████"
"""What stands for a word of another municipality's, in every language."""

OURS: Mapping[type[Frozen], frozenset[str]] = {
    Report: frozenset({"organisation", "scope"}),
    HostState: frozenset({"name"}),
    RoleState: frozenset({"name", "summary"}),
    InSwedish: frozenset({"summary"}),
    SharedService: frozenset({"roles"}),
    Municipality: frozenset({"name", "slug"}),
    Place: frozenset({"name", "slug", "municipality"}),
    Control: frozenset({"id"}),
    Title: frozenset({"swedish", "english"}),
    Right: frozenset({"full_name", "person", "function", "duties", "runs", "hosts"}),
}
"""Fields that say what is the report's own, or samdrift's."""

THEIRS: Mapping[type[Frozen], frozenset[str]] = {Heard: frozenset({"host", "id"})}
"""Fields that are called as one of samdrift's, and say what another host says of itself."""

KEY = 40
"""Characters from which on a word may be a key."""

WORDS_OF_SAMDRIFT = frozenset({
    "role", "roles", "controls", "host", "municipality", "site", "platform", "device_role", "command", "outcome",
    "at", "started", "finished", "until", "since", "first_seen", "last_looked_at", "checked_at", "id", "record", "look",
    "checks_of", "type", "difference", "several", "digest", "run_digest", "code_digest", "plan_digest", "known_as",
    "standing", "result", "manifest_of", "format", "employment", "municipalities",
})  # fmt: skip
"""Names of fields, of whatever value, that hold what samdrift itself calls things, moments and digests."""


class Names(NamedTuple):
    """What names municipalities, their sites, networks and hosts: others' and the report's own."""

    others: frozenset[str]
    own: frozenset[str]


def names_in(fleet: Fleet, tenants: Iterable[str]) -> Names:
    """Return what names other municipalities than these, and what names these."""
    own, words = frozenset(tenants), (set[str](), set[str]())
    for tenant in fleet.tenants:
        words[tenant.slug in own].update((tenant.slug, tenant.name))
    owner = {site.slug: site.tenant for site in fleet.sites}
    for site in fleet.sites:
        words[site.tenant in own].update((site.slug, site.name))
    for prefix in fleet.prefixes:
        if prefix.site is not None:
            named = (str(prefix.prefix), str(prefix.gateway or ""))
            words[owner.get(prefix.site) in own].update(named)
    for host in fleet.hosts:
        words[host.tenant in own].update(_words_of(host))
    others, ours = ({spelt for word in some if word.strip() for spelt in _spellings(word)} for some in words)
    return Names(frozenset(others - ours), frozenset(ours))


def _spellings(word: str) -> set[str]:
    """Return the ways in which people and programs write a name; of what is as long as a key, letters' case counts."""
    return {word} if len(word) >= KEY else {word, word.lower(), word.upper(), word.capitalize()}


def _words_of(host: Host) -> Iterator[str]:
    """Yield what names a host: names, numbers, addresses, keys; not what people say it is for, which is any word."""
    yield from (host.name, host.serial, host.wireguard_public_key, *host.host_keys)
    yield from (key.split()[1] for key in host.host_keys if " " in key)
    yield from (word for member in host.members for word in (member.name, member.serial))
    yield from (str(a) for a in (host.primary_address, host.primary_address6, host.oob_address) if a is not None)
    for interface in host.interfaces:
        yield from (str(a.ip) for a in interface.all_addresses)


def masked(report: Report, names: Names) -> Report:
    """Return a report in which the names of others are masked, and counted."""
    (made,), count = masked_values((report,), names)
    with_count: Report = made.model_copy(update={"masked": count})
    return with_count


def masked_values(values: Iterable[Frozen], names: Names) -> tuple[tuple[Any, ...], int]:
    """Return values, of the types that they have, in which the names of others are masked, and how often that was."""
    masking = _Masking(names)
    return tuple(map(masking.value, values)), masking.count


class _Masking:
    """Masks words, and counts how often it did."""

    def __init__(self, names: Names) -> None:
        self.count, self._others = 0, names.others
        whole = rf"(?<![^\W_])(?:{_any_of(names.others | names.own)})(?![^\W_])"
        self._pattern = re.compile(whole) if names.others else None

    def text(self, text: str) -> str:
        """Mask every word in a text that names another as a whole; one's own that has such a word in it stays."""
        return self._pattern.sub(self._instead, text) if self._pattern else text

    def _instead(self, found: re.Match[str]) -> str:
        if found[0] not in self._others:
            return found[0]
        self.count += 1
        return MASK

    def value(self, value: Any) -> Any:
        """Mask the texts in a value, whatever it is made of."""
        made = value
        match value:
            case Enum():
                pass
            case str():
                made = self.text(value)
            case tuple():
                made = tuple(map(self.value, value))
            case dict():
                made = {name: self.value(one) for name, one in value.items()}
            case Finding():
                made = self._finding(value)
            case Frozen():
                made = value.model_copy(update=self._fields(value))
        return made

    def _fields(self, value: Frozen) -> dict[str, Any]:
        kept = (WORDS_OF_SAMDRIFT | OURS.get(type(value), frozenset())) - THEIRS.get(type(value), frozenset())
        given = {name: getattr(value, name) for name in type(value).model_fields}
        masked_ones = {name: self.value(one) for name, one in given.items() if name not in kept or not _is_text(one)}
        return {name: made for name, made in masked_ones.items() if made != given[name]}

    def _finding(self, finding: Finding) -> Finding:
        """Mask a finding, which stays known by its fingerprint."""
        update = self._fields(finding)
        if isinstance(finding, ReportedFinding) and "step" in update:
            update["known_as"] = finding.fingerprint
        return finding.model_copy(update=update)


def _is_text(value: object) -> bool:
    """Tell whether a value is a text or some, and nothing that has other fields."""
    return isinstance(value, str) or (isinstance(value, tuple) and all(isinstance(one, str) for one in value))


def _any_of(words: Collection[str]) -> str:
    """Return a pattern of many words that reads each letter of a text once, and takes the longest that stands there."""
    by_first = defaultdict[str, list[str]](list)
    for word in sorted(words):
        by_first[word[:1]].append(word)
    choices = [_from(some) for first, some in by_first.items() if first]
    return f"(?:{'|'.join(choices)})" + ("?" if "" in words else "") if choices else ""


def _from(words: list[str]) -> str:
    """Return a pattern of words, sorted, that begin alike."""
    alike = takewhile(lambda letters: letters[0] == letters[1], zip(words[0], words[-1], strict=False))
    start = "".join(letter for letter, _ in alike)
    return re.escape(start) + _any_of({word[len(start) :] for word in words})
