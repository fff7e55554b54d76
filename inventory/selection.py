"""Which hosts `--limit` means: a small language, parsed by a grammar and asked of a fleet. Pure.

    heby                          a tenant, site, region or host, by slug or name (Älvkarleby finds alvkarleby)
    tie-*                         hosts by name; * is any letters, ? is one
    role=dns_resolver             host, tenant, site, region, role, device_role, platform, tag, status, wave
    site="Heby kommunhus"         what has blanks, in quotes
    heby and not (tag=lab or status=planned)

`not` binds closer than `and`, `and` closer than `or`. Letters' case is all the same. A word that the fleet does not
know is an error, never an empty answer: else a typing error would mean that all is well.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args

from inventory.errors import UsageError
from inventory.fleet import STATUSES, Fleet, Host

LONGEST = 1500
"""Characters in an expression. Enough for a hundred hosts by name, too few to nest too deep."""

GRAMMAR = r"""
    start: any_of
    ?any_of: all_of (OR all_of)*
    ?all_of: one (AND one)*
    ?one: NOT one -> negation
        | "(" any_of ")"
        | WORD "=" (WORD | QUOTED) -> keyed
        | (WORD | QUOTED) -> bare

    AND.2: /and(?![^\s()="])/i
    OR.2: /or(?![^\s()="])/i
    NOT.2: /not(?![^\s()="])/i
    WORD: /[^\s()="]+/
    QUOTED: /"[^"]*"/
    %ignore /\s+/
"""

KEYS = ("host", "tenant", "site", "region", "role", "device_role", "platform", "tag", "status", "wave")

BARE = ("host", "tenant", "site", "region")
"""What a word without a key may be."""


Facets = Mapping[str, tuple[str, ...]]
"""What there is to say about a host (or the whole fleet), by key."""


@dataclass(frozen=True)
class Term:
    """A word, with its key if one was written; `at` is its position, counted from 1."""

    word: str
    key: str | None = None
    at: int = field(default=1, compare=False)

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the keys whose values the word may be."""
        if self.key is not None:
            return (_fold(self.key),)
        return ("host",) if _is_glob(self.word) else BARE

    def holds(self, facets: Facets) -> bool:
        """Tell whether the word is one of the host's."""
        pattern = _pattern(self.word)
        return any(pattern.fullmatch(_fold(value)) for key in self.keys for value in facets[key])

    def __str__(self) -> str:
        return _quoted(self.word) if self.key is None else f"{self.key}={_quoted(self.word)}"


@dataclass(frozen=True)
class Not:
    """A negation."""

    of: Expression

    def holds(self, facets: Facets) -> bool:
        """Tell whether the inner expression does not hold."""
        return not self.of.holds(facets)

    def __str__(self) -> str:
        return f"not {_inside(self.of, (All, Any_))}"


@dataclass(frozen=True)
class All:
    """A conjunction of two or more parts."""

    of: tuple[Expression, ...]

    def holds(self, facets: Facets) -> bool:
        """Tell whether all parts hold."""
        return all(e.holds(facets) for e in self.of)

    def __str__(self) -> str:
        return " and ".join(_inside(e, (All, Any_)) for e in self.of)


@dataclass(frozen=True)
class Any_:  # noqa: N801  `Any` is typing's
    """A disjunction of two or more parts."""

    of: tuple[Expression, ...]

    def holds(self, facets: Facets) -> bool:
        """Tell whether at least one part holds."""
        return any(e.holds(facets) for e in self.of)

    def __str__(self) -> str:
        return " or ".join(_inside(e, (Any_,)) for e in self.of)


Expression = Term | Not | All | Any_


def select(expression: str, fleet: Fleet, among: Sequence[Host]) -> tuple[Host, ...]:
    """Return the hosts among these that the expression selects, in their order.

    Raises:
        UsageError: it does not parse, says something that the fleet does not know, or means no host.
    """
    chosen = matching(expression, fleet, among)
    if not chosen:
        raise UsageError("means no host", where=_place(expression), fix="`samdrift hosts` lists them all")
    return chosen


def matching(expression: str, fleet: Fleet, among: Sequence[Host]) -> tuple[Host, ...]:
    """Return the hosts among these that the expression selects, in their order; it may be none of them.

    Raises:
        UsageError: it does not parse, or says something that the fleet does not know.
    """
    meant = parse(expression)
    words = _Words(fleet)
    for term in _terms(meant):
        _require_known(term, words.known, expression)
    return tuple(h for h in among if meant.holds(words.of(h)))


def named(expression: str, among: Iterable[Host]) -> frozenset[str]:
    """Return the names of hosts that the expression says one by one: not by a glob, nor by what they have in common.

    Raises:
        UsageError: it does not parse.
    """
    words = {_fold(term.word) for term in _selecting(parse(expression)) if "host" in term.keys} if expression else set()
    return frozenset(host.name for host in among if _fold(host.name) in words)


def _selecting(expression: Expression) -> Iterator[Term]:
    """Yield the words that hosts are selected by, and not left out by."""
    if isinstance(expression, Term):
        yield expression
    elif not isinstance(expression, Not):
        yield from (term for part in expression.of for term in _selecting(part))


def parse(expression: str) -> Expression:
    """Parse the expression into a tree.

    Raises:
        UsageError: it does not parse.
    """
    if len(expression) > LONGEST:
        raise UsageError(f"longer than {LONGEST} characters", where="--limit", fix="use globs, tags or roles")
    try:
        return _parser.parse(expression)  # type: ignore[return-value]
    except UnexpectedInput as e:
        is_at_end = isinstance(e, UnexpectedToken) and e.token.type == "$END"
        at = len(expression) if is_at_end else e.pos_in_stream or 0
        rest = expression[at:].split()
        what = f"{_shown(rest[0])} makes no sense here" if rest else "something is missing at the end"
        fix = "like: heby and not (role=monitoring or tie-*)"
        raise UsageError(what, where=_place(expression, at + 1), fix=fix) from e


@v_args(inline=True)
class _Tree(Transformer[Token, Expression]):
    """Makes the tree while it is parsed."""

    def start(self, expression: Expression) -> Expression:
        return expression

    def any_of(self, *parts: Expression | Token) -> Expression:
        return Any_(tuple(p for p in parts if not isinstance(p, Token)))

    def all_of(self, *parts: Expression | Token) -> Expression:
        return All(tuple(p for p in parts if not isinstance(p, Token)))

    def negation(self, _not: Token, of: Expression) -> Expression:
        return Not(of)

    def keyed(self, key: Token, word: Token) -> Expression:
        return Term(_word(word), str(key), at=(key.start_pos or 0) + 1)

    def bare(self, word: Token) -> Expression:
        return Term(_word(word), at=(word.start_pos or 0) + 1)


_parser = Lark(GRAMMAR, parser="lalr", transformer=_Tree(), start="start")


def _word(token: Token) -> str:
    return str(token)[1:-1] if token.type == "QUOTED" else str(token)


# What the fleet knows


class _Words:
    """The words that can be said about the hosts of a fleet."""

    def __init__(self, fleet: Fleet) -> None:
        self._called = {
            "tenant": _slug_and_name(fleet.tenants),
            "site": _slug_and_name(fleet.sites),
            "region": _slug_and_name(fleet.regions),
            "device_role": _slug_and_name(fleet.device_roles),
            "platform": _slug_and_name(fleet.platforms),
            "tag": _slug_and_name(fleet.tags),
        }
        self._fleet = fleet
        self._regions_of = {s.slug: fleet.regions_of(s) for s in fleet.sites}
        self.known: Facets = self._all(fleet)

    def of(self, host: Host) -> Facets:
        """Return the words that match a host, by key."""
        return {
            "host": (host.name,),
            "tenant": self._names("tenant", host.tenant),
            "site": self._names("site", host.site),
            "region": self._all_names("region", self._regions_of.get(host.site, ())),
            "role": host.roles,
            "device_role": self._all_names("device_role", self._fleet.device_roles_of(host)),
            "platform": self._names("platform", host.platform),
            "tag": self._all_names("tag", host.tags),
            "status": (host.status,),
            "wave": (str(host.wave),),
        }

    def _names(self, key: str, slug: str) -> tuple[str, ...]:
        return self._called[key].get(slug, ())

    def _all_names(self, key: str, slugs: Iterable[str]) -> tuple[str, ...]:
        return tuple(name for slug in slugs for name in self._names(key, slug))

    def _all(self, fleet: Fleet) -> Facets:
        """Return every value that a key has in this fleet, also one that no host has."""
        known: dict[str, dict[str, None]] = {key: {} for key in KEYS}
        for key, called in self._called.items():
            known[key] |= dict.fromkeys(name for names in called.values() for name in names)
        known["status"] |= dict.fromkeys(STATUSES)
        for host in fleet.hosts:
            for key, values in self.of(host).items():
                known[key] |= dict.fromkeys(values)
        return {key: tuple(values) for key, values in known.items()}


def _slug_and_name(objects: Iterable[Any]) -> dict[str, tuple[str, ...]]:
    return {o.slug: (o.slug, o.name) for o in objects}


def _terms(expression: Expression) -> Iterable[Term]:
    """Return every word of the expression, from left to right."""
    if isinstance(expression, Term):
        return [expression]
    parts = (expression.of,) if isinstance(expression, Not) else expression.of
    return [term for part in parts for term in _terms(part)]


def _require_known(term: Term, known: Facets, expression: str) -> None:
    where = _place(expression, term.at)
    if term.key is not None and term.keys[0] not in KEYS:
        fix = _near(term.key, KEYS) or f"keys are {', '.join(KEYS)}"
        raise UsageError(f"there is no key {_shown(term.key)}", where=where, fix=fix)
    if term.holds(known):
        return
    values = [v for key in term.keys for v in known[key]]
    noun = term.keys[0].replace("_", " ") if len(term.keys) == 1 else "host, tenant, site or region"
    few = f"known: {', '.join(values)}" if 0 < len(values) <= 12 else "`samdrift hosts` lists them all"
    raise UsageError(f"no {noun} is called {_shown(term.word)}", where=where, fix=_near(term.word, values) or few)


def _near(word: str, known: Iterable[str]) -> str:
    folded = {_fold(k): k for k in reversed(tuple(known))}
    near = get_close_matches(_fold(word), sorted(folded), n=3)
    return f"did you mean {' or '.join(folded[n] for n in near)}?" if near else ""


# Words


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _is_glob(word: str) -> bool:
    return "*" in word or "?" in word


def _pattern(word: str) -> re.Pattern[str]:
    # A run of wildcards becomes one, so that no glob makes the matcher try every way to share letters among them.
    parts = re.split(r"([*?]+)", _fold(word))
    return re.compile("".join(_wild(p) if i % 2 else re.escape(p) for i, p in enumerate(parts)), re.DOTALL)


def _wild(run: str) -> str:
    return f".{{{run.count('?')},}}" if "*" in run else f".{{{len(run)}}}"


def _quoted(word: str) -> str:
    is_plain = re.fullmatch(r'[^\s()="]+', word) and word.lower() not in {"and", "or", "not"}
    return word if is_plain else f'"{word}"'


def _inside(expression: Expression, needs_parentheses: tuple[type, ...]) -> str:
    return f"({expression})" if isinstance(expression, needs_parentheses) else str(expression)


def _place(expression: str, at: int | None = None) -> str:
    return f"--limit {_shown(expression)}" + (f", character {at}" if at is not None else "")


def _shown(text: str) -> str:
    """Return the text in quotes, harmless to a terminal, and not too long."""
    return repr(text) if len(text) <= 80 else repr(text[:77] + "…")
