"""What a command is about, as its options say: which fleet, hosts, records and secrets.

Not here: a run on them (`running`), and what a command does with them.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.cli.command import Common, aside
from deploy.model import clock
from deploy.source.known import EMBEDDED, NETBOX, SourcedFleet, from_snapshot, with_people
from inventory import snapshot
from inventory.errors import InventoryError, Problem, UsageError
from inventory.fleet import Fleet, Host
from inventory.parts import is_asked_for

if TYPE_CHECKING:
    from deploy.model.waivers import Waivers
    from deploy.store.place import Database
    from deploy.store.ports import Stores
    from deploy.vault.age import AgeVault
    from deploy.vault.interface import Vault
    from roles.shared.intent import Intent


def fleet_of(common: Common) -> SourcedFleet:
    """Load the fleet of this command line, and where it came from.

    Raises:
        InventoryError: it cannot be read; with everything that is wrong in what can, and with its roles.
    """
    try:
        known = _from_source(common)
    except InventoryError as e:
        from roles.shared.catalogue import problems_of_roles

        fleet = e.fleet
        if fleet is not None:
            with suppress(
                InventoryError
            ):  # of the people's file, which is among the problems, or comes when they are mended
                fleet = with_people(fleet)
        raise InventoryError((*e.problems, *problems_of_roles(fleet or Fleet())), fleet) from None
    known = known._replace(source=source_of(common))
    if not common.lab:
        return known
    from deploy.lab.lab import Lab

    return known._replace(fleet=Lab().overlay(known.fleet))


def intent_of(known: SourcedFleet) -> Intent:
    """Return what every host of a fleet should be, and everything that is wrong with each."""
    from roles.shared.intent import Intent, gateways_missing

    return Intent(known.fleet, (*known.problems, *gateways_missing(known.fleet)))


def source_of(common: Common) -> str:
    """Name the inventory of this command line, as plans, records and reports call it."""
    source = (common.netbox_url or NETBOX) if common.source == NETBOX else common.source or EMBEDDED
    return f"{source}, as in the lab" if common.lab else source


def _from_source(common: Common) -> SourcedFleet:
    """Load the fleet from `--source`."""
    if common.source == NETBOX:
        return from_netbox(common)
    return from_snapshot(snapshot_directory(common), common.source or EMBEDDED)


def from_netbox(common: Common, *, since_last: bool = True) -> SourcedFleet:
    """Read the fleet from NetBox; unless `since_last`, everything is read again."""
    from deploy.source.netbox import connected, from_netbox, instead
    from inventory.netbox.faults import NetBoxError

    netbox = connected(common.netbox_url, common.netbox_ca)
    cache = _cache(common)
    try:
        return from_netbox(netbox, cache, partial(aside, common), since_last=since_last)
    except NetBoxError as e:
        raise instead(e) if common.source == NETBOX else e from None


def snapshot_directory(common: Common) -> Path:
    """Return the snapshot's directory, whether or not it exists."""
    return snapshot.DEFAULT if common.source in {None, EMBEDDED, NETBOX} else Path(str(common.source))


def hosts_of(common: Common, fleet: Fleet) -> tuple[Host, ...]:
    """Select the hosts of --limit; with --lab, those of the lab."""
    among = fleet.hosts
    if common.lab:
        among = tuple(h for h in among if "lab" in h.tags)
    return _selected(common.limit, fleet, among) if common.limit else among


def about(common: Common, intent: Intent) -> tuple[tuple[Host, ...], tuple[Problem, ...]]:
    """Return the managed hosts of this command line that are sound, and what is wrong with the others.

    Raises:
        UsageError: no host is to be managed there.
    """
    asked_for = [h for h in hosts_of(common, intent.fleet) if is_asked_for(h)]
    sound = tuple(h for h in asked_for if not intent.problems(h))
    problems = [p for h in asked_for for p in intent.problems(h)]
    if not common.limit and not common.lab:
        problems += intent.nowhere()
    if not sound and not problems:
        where = f"--limit {common.limit!r}" if common.limit else "this inventory"
        raise UsageError("no host there is active and has roles", where=where, fix="see: samdrift hosts")
    return sound, tuple(problems)


def _selected(limit: str, fleet: Fleet, among: tuple[Host, ...]) -> tuple[Host, ...]:
    from inventory.selection import select

    return select(limit, fleet, among)


def stores_of(common: Common) -> Stores:
    """Open the stores where runs are recorded."""
    from deploy.store.opening import open_stores

    return open_stores(state_of(common))


def state_of(common: Common) -> Path | Database:
    """Return the directory or database that --state names, or else the lab's own, the system's, or this person's."""
    from deploy.store.place import default_directory, place_of

    if common.state is not None:
        return place_of(common.state)
    return _of_the_lab(common) or default_directory()


def _cache(common: Common) -> Path:
    """Return a directory for what can be read again: beside the store, unless that is a database or shared."""
    from deploy.store.place import SYSTEM, own_directory, private_directory

    place = state_of(common)
    if not isinstance(place, Path):
        place = _of_the_lab(common) or own_directory()
    return private_directory(own_directory() if place == SYSTEM else place)


def _of_the_lab(common: Common) -> Path | None:
    """Return the directory of the lab's own store; None if the run is not about the lab."""
    if not common.lab:
        return None
    from deploy.lab.place import STATE, lab_directory

    return lab_directory() / STATE


def waivers_of(common: Common, fleet: Fleet) -> Waivers:
    """Return the waivers beside the snapshot, as they are today.

    Raises:
        InventoryError: their file cannot be read whole.
    """
    from datetime import date

    from deploy.model import waivers
    from inventory.rules.house import of_the_project
    from inventory.waivers import FILE, Terms, read

    found = read(snapshot_directory(common).absolute().parent / FILE)
    terms = of_the_project().of(Terms) or Terms()
    return waivers.waivers_of(found, fleet, date.fromisoformat(clock.now()[:10]), terms.days)


def vault_of(common: Common) -> AgeVault:
    """Return the vault: the age files beside the snapshot. Nothing is opened before a value is needed."""
    from deploy.vault.age import AgeVault

    return AgeVault(snapshot_directory(common).absolute().parent / "secrets", common.identity)


def backup_vault(common: Common) -> Vault:
    """Return the vault whose keys open the backups of these hosts: in the lab, its own."""
    if not common.lab:
        return vault_of(common)
    from deploy.lab.lab import Lab

    return Lab().vault()


def options_of(common: Common) -> tuple[str, ...]:
    """Return the options that an advised command needs to reach the same hosts, by the same inventory and records."""
    lab = ("--lab",) if common.lab else ()
    source = ("--source", common.source) if common.source else ()
    state = ("--state", common.state) if common.state else ()
    through = ("--through", common.through) if common.through else ()
    return (*lab, *source, *state, *through)
