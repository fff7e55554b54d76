"""`samdrift-job MUNICIPALITY`: make the scan of a municipality that is due, if one is. systemd runs it; so may people.

It is asked again and again, and says in a line why it does nothing. Where the watch has workers (`worker`), it puts the
scan into their queue instead, and tells people what they found. It ends with what the scan ended with, with 1 where
somebody could not be told, the pages not be written or a queued scan was given up, and with 0 where there was nothing
to do. gevent patches nothing here: whatever talks to hosts is a process of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import click

from deploy.jobs.command import require_slug, run_command, saying_what_is_missing
from deploy.jobs.job import Scan, Scanner, answer_in, hosts_of, scan_if_due, show
from deploy.jobs.journal import JobFiles
from deploy.jobs.watch import FILE, Watch, read_watch
from deploy.model.kinds import Exit
from deploy.notify.outbox import OutboxFile
from deploy.notify.telling import Teller
from inventory.recipients import of_the_project


@click.command()
@click.argument("municipality")
@click.option("--watch", "file", type=click.Path(path_type=Path), default=FILE, show_default=True)
def job(municipality: str, file: Path) -> int:
    """Scan the hosts of MUNICIPALITY for drift, if its scan of today has not been made."""
    return run(require_slug(municipality), read_watch(file))


def run(municipality: str, watch: Watch) -> int:
    """Run the job of a municipality, tell its people, and return its exit code.

    Raises:
        SamdriftError: what it needs on this machine, or the queue, cannot be used.
    """
    files = JobFiles(watch.state, municipality)
    scanner = watch.scanner_of(municipality)
    with files.alone() as lock:
        if lock is None:
            click.echo(f"{municipality}: a scan is at work already", err=True)
            return Exit.OK
        if watch.queued:
            code = _queue(files, municipality, watch)
        else:
            scan = scan_if_due(files, lock, municipality, watch.at, scanner)
            click.echo(f"{municipality}: {_in_words(scan)}", err=True)
            code = _code_of(scan)
        not_shown = show(files, scanner, watch.pages) if watch.pages else ""
        untold = _tell(files, municipality, watch, scanner) if watch.tells else ()
        wrong = (*filter(None, [not_shown]), *untold)
    for line in wrong:
        click.echo(f"{municipality}: {line}", err=True)
    return Exit.ERROR if wrong else code


def _queue(files: JobFiles, municipality: str, watch: Watch) -> int:
    """Queue the scan that is due, take what workers found, and return the exit code that this means."""
    with saying_what_is_missing():
        from deploy.jobs.queue import queue_if_due  # noqa: PLC0415  only a watch with workers has a queue
        from deploy.jobs.recorded import bring_answer  # noqa: PLC0415

    found = queue_if_due(watch.database, municipality, watch.at)
    click.echo(f"{municipality}: {found.why or f'the scan of {found.day} is queued'}", err=True)
    if found.made is not None:
        bring_answer(watch.database, municipality, found.made, files, watch.metrics_of(municipality), limit=watch.limit)
    return Exit.ERROR if found.failed else Exit.OK


def _tell(files: JobFiles, municipality: str, watch: Watch, scanner: Scanner) -> tuple[str, ...]:
    """Tell a municipality's people what changed, and what could not be told before."""
    outbox = OutboxFile(watch.state / f"{municipality}.outbox.json")
    called = watch.called.get(municipality, municipality)
    teller = Teller(outbox, municipality, called, hears=of_the_project(), sender=watch.sender)
    record = answer_in(files)
    if record is not None and not teller.knows(record.id):
        teller.take_in(record, hosts_of(scanner))
    if teller.unreachable:
        without = "the station has no mail server (option `smtp` of role drift_watch)"
        click.echo(f"{municipality}: not told are {', '.join(teller.unreachable)}: {without}", err=True)
    return teller.tell()


def _code_of(scan: Scan) -> int:
    if scan.failed:
        return Exit.ERROR
    return scan.record.exit_code if scan.record is not None else Exit.OK


def _in_words(scan: Scan) -> str:
    if scan.record is None:
        return scan.why
    return f"scanned: {len(scan.record.findings)} findings in record {scan.record.id}"


def main() -> NoReturn:
    """Run the command line, and exit with the code that it means."""
    sys.exit(run_command(job, "samdrift-job"))


if __name__ == "__main__":
    main()
