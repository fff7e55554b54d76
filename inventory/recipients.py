"""Who hears of what the watch finds, and when nobody is to: the organisation's file, `inventory/recipients.yaml`.

    municipalities:
      heby:
        language: sv
        email: [it@heby.example]
        webhooks: [{url: 'https://chat.heby.example/hooks/samdrift', signed: true}]
    quiet:
    - {of: [heby], since: '2026-12-05T22:00', until: '2026-12-06T04:00', why: Nytt nät i kommunhuset}

Times are the clock's in Sweden. Like `people.yaml` it is a file of the project, and nothing of NetBox's. Not here: what
is told, and how (`deploy.notify`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from inventory.errors import InventoryError, Problem
from inventory.fleet import Fleet
from inventory.frozen import Frozen
from inventory.organisation import ALL, TIME_ZONE
from inventory.paths import RECIPIENTS
from inventory.rules.rule import most_like
from inventory.yaml_file import document_in, value_of
from inventory.yaml_source import Document

RULE = "recipients"

Email = Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,190}$")]
Url = Annotated[str, Field(pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[A-Za-z0-9._~/?=&%-]*$", max_length=500)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,98}$")]


class Webhook(Frozen):
    """An address that is sent JSON; with `signed`, by a key that it shares with the watch."""

    url: Url
    signed: bool = False


class Recipients(Frozen):
    """Who hears of a municipality's hosts, and in which language."""

    language: Literal["sv", "en"] = "sv"
    email: tuple[Email, ...] = ()
    webhooks: tuple[Webhook, ...] = ()


class Quiet(Frozen):
    """A time in which nothing is told: all of it is told at the end, as one. The clock's in Sweden."""

    of: tuple[Slug, ...] | Literal["all"]
    since: datetime
    until: datetime
    why: str = Field(min_length=1, max_length=200)

    def holds(self, municipality: str, at: datetime) -> bool:
        """Tell whether nothing is told of a municipality at this time."""
        since, until = (time.replace(tzinfo=TIME_ZONE) for time in (self.since, self.until))
        return (self.of == ALL or municipality in self.of) and since <= at < until


class WhoHears(Frozen):
    """The whole file."""

    municipalities: dict[Slug, Recipients] = Field(default_factory=dict)
    quiet: tuple[Quiet, ...] = ()

    def of(self, municipality: str) -> Recipients:
        """Return who hears of a municipality; nobody, if the file does not name it."""
        return self.municipalities.get(municipality, Recipients())

    def quiet_for(self, municipality: str, at: datetime) -> Quiet | None:
        """Return the quiet time that a municipality has now, if it has any."""
        return next((quiet for quiet in self.quiet if quiet.holds(municipality, at)), None)


def of_the_project() -> WhoHears:
    """Read the project's file; nobody hears, if there is none.

    Raises:
        InventoryError: with everything that is wrong in it.
    """
    return read(RECIPIENTS) if RECIPIENTS.exists() else WhoHears()


def read(file: Path) -> WhoHears:
    """Read who hears.

    Raises:
        InventoryError: with everything that is wrong in the file.
    """
    return _read(file)[0]


def problems(fleet: Fleet, file: Path = RECIPIENTS) -> tuple[Problem, ...]:
    """Return everything that is wrong in the file, if there is one, also as it is asked of a fleet.

    Who is nearly called as a municipality of it would hear of nothing. A fleet may lack municipalities of the file: it
    may be a part of it, or somebody else's.
    """
    if not file.exists():
        return ()
    try:
        hears, document = _read(file)
    except InventoryError as e:
        return e.problems
    known = {tenant.slug for tenant in fleet.tenants}
    for path, slug in _named(hears):
        if slug not in known and (alike := most_like(slug, known)):
            what, fix = f"there is no municipality {slug}{alike}", f"one of: {', '.join(sorted(known))}"
            document.wrong(document.line_of(path), what, rule=RULE, fix=fix)
    return tuple(document.problems)


def _read(file: Path) -> tuple[WhoHears, Document]:
    document = document_in(file, RULE, "mend it")
    hears = value_of(document, WhoHears, RULE)
    for path, what, fix in _wrong(hears):
        document.wrong(document.line_of(path), what, rule=RULE, fix=fix)
    if document.problems:
        raise InventoryError(tuple(document.problems))
    return hears, document


def _named(hears: WhoHears) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield each municipality that is named, and where."""
    yield from ((("municipalities", slug), slug) for slug in hears.municipalities)
    for number, quiet in enumerate(hears.quiet):
        if quiet.of != ALL:
            yield from ((("quiet", number, "of", at), slug) for at, slug in enumerate(quiet.of))


def _wrong(hears: WhoHears) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Yield what is wrong although each part of the file is as it should be: where, what, and what to write."""
    for number, quiet in enumerate(hears.quiet):
        path = ("quiet", number)
        if quiet.since.tzinfo is not None or quiet.until.tzinfo is not None:
            yield path, "times are the clock's in Sweden, without a zone", "write '2026-12-05T22:00'"
        elif quiet.until <= quiet.since:
            yield (*path, "until"), f"it ends at {quiet.until}, before it begins", "mend a time"
    for name, one in hears.municipalities.items():
        if len({*one.email}) < len(one.email) or len({w.url for w in one.webhooks}) < len(one.webhooks):
            yield ("municipalities", name), f"{name} has a recipient twice, who would hear of all twice", "take one out"
