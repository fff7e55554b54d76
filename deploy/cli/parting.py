"""Write what a municipality takes along: its part of a history, its secrets; read the first again, to judge it. Thin.

Not here: which part of a record that is (`report.parting`), and its inventory (`inventory.leaving`).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml
from pydantic import ValidationError

from deploy.model import clock
from deploy.model.chain import Event, Head
from deploy.report.bundle import Claim, as_json
from deploy.report.parting import INDEX, Index, Listed, judge, names_of, own_links, part_of, written
from deploy.store.ports import StoreError, Stores, readable
from deploy.vault.age import RECIPIENTS, AgeVault
from inventory.errors import UsageError
from inventory.fleet import Fleet
from inventory.whole_file import put_in_place

RECORDS, BACKUPS = "records", "backups"


def take_along(stores: Stores, fleet: Fleet, municipality: str, out: Path, faults: list[StoreError]) -> Index:
    """Write what a municipality takes along to a directory; return what it is.

    Each record is read twice, since which hosts others ever had only all of them tell; one at a time.

    Args:
        faults: gets what is wrong with a record that cannot be read.
    """
    history = stores.history
    names = names_of(fleet, municipality, readable(history, history.runs(), []))
    digests, number, head = dict[str, str](), 0, ""
    for link in history.links():
        number, head = link.number, link.hash
        if link.entry.event not in {Event.STEP, Event.PRUNED}:
            digests[link.entry.record] = link.entry.digest
    (out / RECORDS).mkdir(parents=True)
    listed, hosts = [], dict[str, set[str]]()
    for record in readable(history, history.runs(), faults):
        part = part_of(record, history.progress(record.id), municipality, names)
        if part is None:
            continue
        text = written(part)
        put_in_place(_file(out, record.id), text)
        listed.append(Listed.of(part, text, digests.get(record.id, "")))
        hosts[record.id] = {h.host for h in part.record.hosts}
    theirs = {h.name for h in fleet.hosts if h.tenant == municipality}
    _keep_backups(stores, theirs.union(*hosts.values()), municipality, out)
    index = Index(
        municipality=municipality,
        at=clock.now(),
        chain=history.chain(),
        links=number,
        head=head,
        records=tuple(listed),
        own_links=tuple(own_links(history.chain(), history.links(), hosts)),
    )
    put_in_place(out / INDEX, as_json(index))
    return index


def _file(directory: Path, record: str) -> Path:
    """Return the file of a part; a record's id is samdrift's own, and no path."""
    return directory / RECORDS / f"{Path(record).name}.json"


def _keep_backups(stores: Stores, hosts: Iterable[str], municipality: str, out: Path) -> None:
    """Copy the backups of these hosts as they are: encrypted to their municipality's recipients."""
    for host in sorted(hosts):
        for backup in (b for b in stores.backups.of(host) if b.municipality == municipality):
            place = out / BACKUPS / Path(host).name
            place.mkdir(parents=True, exist_ok=True)
            put_in_place(place / f"{backup.taken}-{backup.digest[:12]}.json", as_json(backup))


def take_secrets(vault: AgeVault, municipality: str, out: Path) -> bool:
    """Copy a municipality's secrets, encrypted as they are, and its recipients alone; return whether it has any."""
    if not vault.is_there(municipality):
        return False
    out.mkdir(parents=True)
    put_in_place(out / vault.path(municipality).name, vault.path(municipality).read_bytes())
    recipients = yaml.safe_dump({municipality: vault.recipients(municipality)}, allow_unicode=True)
    put_in_place(out / RECIPIENTS, recipients.encode())
    return True


def judge_part(directory: Path, heads: Iterable[Head]) -> tuple[Claim, ...]:
    """Say whether what a municipality took along is as it was written.

    Raises:
        UsageError: it is no such directory.
    """
    try:
        index = Index.model_validate_json((directory / INDEX).read_bytes())
    except (OSError, ValidationError) as e:
        fix = "name a directory that samdrift history part has written"
        raise UsageError(f"{INDEX} cannot be read there", where=f"--part {directory}", fix=fix) from e
    files = {file.stem: file.read_bytes() for file in sorted((directory / RECORDS).glob("*.json"))}
    return tuple(judge(index, files, heads))
