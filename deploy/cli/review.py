"""`samdrift review`: what a proposed change does to which hosts, offline.

Not here: how both sides are rendered and compared (`review`), and how it looks (`views.review`, `report`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from deploy.cli.command import WORDS, Common, answer, command
from deploy.cli.subject import from_netbox, intent_of, snapshot_directory
from deploy.model import clock
from deploy.source.known import EMBEDDED, NETBOX, from_snapshot
from inventory.errors import UsageError


@command("review")
@click.option(
    "--against",
    metavar="REV",
    type=WORDS,
    default="HEAD",
    show_default=True,
    help="A revision; REV... for where this branch left it; a directory (./DIR); or netbox.",
)
def review(common: Common, against: str) -> int:
    r"""Review what a change does to which hosts: offline, by the code of both sides.

    The side after is this checkout as it stands, committed or not, with the inventory of --source.

    \b
        samdrift review                        what is not committed yet
        samdrift review --against main...      this branch
        samdrift review --against netbox       the snapshot, beside what NetBox says now
        samdrift review --against ./old --source ./new
    """
    from deploy.reach.world import World
    from deploy.review.comparing import review as compared
    from deploy.review.reaching import followed
    from deploy.review.sides import rendered, sides
    from deploy.views import review as view

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
    answer(common, view.document(made), view.page(made))
    return made.exit_code


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
