"""`samdrift lab`: real hosts to rehearse on.

Not here: what a lab is (`lab`), and what `--lab` means to other commands (`cli.subject`).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import click

from deploy.cli.command import WORDS, Common, InOrder, answer, aside, command
from deploy.cli.subject import fleet_of

if TYPE_CHECKING:
    from deploy.store.ports import Applied


@click.group("lab", cls=InOrder)
def lab() -> None:
    """Real hosts to rehearse on, on this machine."""


@command("up", of=lab)
@click.argument("hosts", nargs=-1)
@click.option("--like", metavar="EXPR", type=WORDS, help="Twins of these hosts too, as --limit names them.")
@click.option("--apart", is_flag=True, help="Leave the real hosts' addresses to the machine: see docs/lab.md.")
def lab_up(common: Common, hosts: tuple[str, ...], like: str | None, apart: bool) -> None:
    """Boot the hosts that have the tag lab, or those of them that do not run; and HOSTS too, until the lab is down."""
    from deploy.lab.lab import Lab
    from deploy.lab.overlay import like_these
    from deploy.lab.place import STATE, lab_directory
    from deploy.store.opening import open_stores
    from deploy.views.progress import observing

    fleet = fleet_of(replace(common, lab=False)).fleet
    twins = like_these(fleet, like) if like else None

    @cache
    def applied() -> Applied:
        """Return the lab's own, and not that of a store which --state names: there it may be of the real hosts."""
        return open_stores(lab_directory() / STATE).applied

    guests = (*hosts, *(twins.bootable if twins else ()))
    with observing(common.aside) as observer:
        Lab().up(fleet, observer, guests, apart=apart, anew=lambda host: applied().forget(host))
    if twins and twins.others:
        aside(common, f"The lab has no twin of {', '.join(twins.others)}: it boots Debian 13, and nothing else.")
    _lab_status(common)


@command("down", of=lab)
@click.option("--purge", is_flag=True, help="Remove its image, keys, package cache and records too.")
def lab_down(common: Common, purge: bool) -> None:
    """Remove everything that the lab has on this machine, also after a crash."""
    from deploy.lab.lab import Lab

    Lab().down(purge=purge)
    _lab_status(common)


@command("status", of=lab)
def lab_status(common: Common) -> None:
    """Show which lab hosts run, and what a crash left behind."""
    _lab_status(common)


@command("cut", of=lab)
@click.argument("host")
def lab_cut(common: Common, host: str) -> None:
    """Pull a host's cables out: it runs on, and nobody reaches it."""
    from deploy.lab.lab import Lab

    Lab().cut_off(host)
    _lab_status(common)


@command("mend", of=lab)
@click.argument("host")
def lab_mend(common: Common, host: str) -> None:
    """Plug a host's cables in again."""
    from deploy.lab.lab import Lab

    Lab().mend(host)
    _lab_status(common)


def _lab_status(common: Common) -> None:
    from deploy.lab.lab import Lab
    from deploy.views import lab as view

    status = Lab().status()
    answer(common, status.model_dump(mode="json"), view.lab(status))
