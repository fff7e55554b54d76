"""`samdrift review`: what a proposed change does to which hosts, offline.

Not here: how both sides are rendered and compared (`review`), and how it looks (`views.review`, `report`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from deploy.cli.command import FILE, WORDS, Common, answer, command
from deploy.cli.subject import from_netbox, intent_of, snapshot_directory
from deploy.cli.written import refuse_unwritable, write
from deploy.model import clock
from deploy.source.known import EMBEDDED, NETBOX, from_snapshot
from inventory.errors import SamdriftError, UsageError
from inventory.paths import POLICIES

if TYPE_CHECKING:
    from deploy.model.review import Review


@command("review")
@click.option(
    "--against",
    metavar="REV",
    type=WORDS,
    default="HEAD",
    show_default=True,
    help="A revision; REV... for where this branch left it; a directory (./DIR); or netbox.",
)
@click.option("--markdown", metavar="FILE", type=FILE, help="Write it as Markdown here, for a comment.")
@click.option("--html", metavar="FILE", type=FILE, help="Write the whole as a page here.")
@click.option("--sarif", metavar="FILE", type=FILE, help="Write it as SARIF 2.1.0 here.")
@click.option("--junit", metavar="FILE", type=FILE, help="Write policies and hosts as JUnit XML here.")
@click.option("--out", metavar="FILE", type=FILE, help="Write the whole as JSON here.")
def review(common: Common, against: str, **files: Path | None) -> int:
    r"""Review what a change does to which hosts, offline.

    Each side is rendered by its own code. The side after is this checkout as it stands, committed or not, with the
    inventory of --source.

    \b
        samdrift review                        what is not committed yet
        samdrift review --against main...      this branch
        samdrift review --against netbox       the snapshot, beside what NetBox says now
        samdrift review --against ./old --source ./new
    """
    from deploy.reach.world import World
    from deploy.review.comparing import review as compared
    from deploy.review.policies import judged
    from deploy.review.reaching import followed
    from deploy.review.sides import rendered, sides
    from deploy.views import review as view
    from inventory.policies.policy import read as policies_asked

    named = {name: file for name, file in files.items() if file is not None}
    refuse_unwritable(named.values(), "output")
    if common.lab or common.limit:
        raise UsageError("a review is of all hosts", where="--lab, --limit", fix="leave the option out")
    with TemporaryDirectory(prefix="samdrift-review-") as name, _inventories(common, against, Path(name)) as found:
        other, own = found
        of = "this checkout" if common.source in {None, EMBEDDED} else f"this checkout, {common.source}"
        with sides(other, own, of) as (before, after):
            called = against if against == NETBOX else before.called
            states = rendered((before, after), Path(name), clock.today())
            made = compared(states[0], states[1], called, after.called)
            if any(reached.opening.kind == "opens" for reached in made.reached):
                made = followed(made, World(intent_of(from_snapshot(after.inventory, after.called))))
            made = judged(made, states[0], states[1], policies_asked(POLICIES))
    _write(made, named)
    answer(common, view.document(made), view.page(made))
    return made.exit_code


def _write(made: Review, named: Mapping[str, Path]) -> None:
    """Write a review to the files that were named.

    Raises:
        SamdriftError: one cannot be written.
    """
    from deploy.model.text import as_json
    from deploy.report.review_cases import AboutReview, cases_of_review
    from deploy.report.review_markdown import markdown
    from deploy.report.review_page import html
    from deploy.report.review_sarif import sarif
    from deploy.report.run_junit import junit
    from deploy.runs.commit import commit
    from deploy.views.review import document

    formats: Mapping[str, Callable[[], str]] = {
        "markdown": lambda: markdown(made),
        "html": lambda: html(made),
        "sarif": lambda: sarif(made, str(commit() or "")),
        "junit": lambda: junit(AboutReview(clock.now(), f"{made.against} → {made.of}"), cases_of_review(made)),
        "out": lambda: as_json(document(made)) + "\n",
    }
    for name, file in named.items():
        try:
            write(file, formats[name]())
        except OSError as e:
            raise SamdriftError(f"cannot write --{name}: {e.strerror}", where=str(file)) from None


@contextmanager
def _inventories(common: Common, against: str, directory: Path) -> Iterator[tuple[str, Path]]:
    """Find the other side, and this side's inventory; what NetBox says is written down where both can read it."""
    if NETBOX not in {against, common.source}:
        yield against, snapshot_directory(common)
        return
    from dataclasses import replace

    from inventory import snapshot

    there = directory / "netbox"
    known = from_netbox(replace(common, source=NETBOX))
    snapshot.dump(known.fleet, there)
    yield (str(there), snapshot_directory(replace(common, source=EMBEDDED))) if against == NETBOX else (against, there)
