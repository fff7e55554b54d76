"""`samdrift-job MUNICIPALITY`: make the scan of a municipality that is due, if one is. systemd runs it; so may people.

It is asked again and again, and says in a line why it does nothing. It ends with what the scan ended with, with 1 where
somebody could not be told or the pages not be written, and with 0 where there was nothing to do. gevent patches nothing
here: whatever talks to hosts is a process of its own.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NoReturn

import click

from deploy.jobs.job import Scan, Scanner, answer_in, hosts_of, scan_if_due, show
from deploy.jobs.journal import JobFiles
from deploy.jobs.watch import FILE, Watch, read_watch
from deploy.model.kinds import Exit
from deploy.notify.outbox import OutboxFile
from deploy.notify.telling import Teller
from inventory.errors import SamdriftError, UsageError
from inventory.recipients import of_the_project

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,98}")


@click.command()
@click.argument("municipality")
@click.option("--watch", "file", type=click.Path(path_type=Path), default=FILE, show_default=True)
def job(municipality: str, file: Path) -> int:
    """Scan the hosts of MUNICIPALITY for drift, if its scan of today has not been made."""
    if not SLUG.fullmatch(municipality):
        raise UsageError("that is no municipality's short name", where=municipality, fix="its slug: heby, say")
    return run(municipality, read_watch(file))


def run(municipality: str, watch: Watch) -> int:
    """Run the job of a municipality, tell its people, and return its exit code.

    Raises:
        SamdriftError: what it needs on this machine cannot be used.
    """
    files = JobFiles(watch.state, municipality)
    scanner = Scanner((str(watch.program),), watch.environment, watch.metrics_of(municipality))
    with files.alone() as lock:
        if lock is None:
            click.echo(f"{municipality}: a scan is at work already", err=True)
            return Exit.OK
        scan = scan_if_due(files, lock, municipality, watch.at, scanner)
        click.echo(f"{municipality}: {_in_words(scan)}", err=True)
        not_shown = show(files, scanner, watch.pages) if watch.pages else ""
        wrong = (*filter(None, [not_shown]), *_tell(files, municipality, watch, scanner))
    for line in wrong:
        click.echo(f"{municipality}: {line}", err=True)
    if scan.failed or wrong:
        return Exit.ERROR
    return scan.record.exit_code if scan.record is not None else Exit.OK


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


def _in_words(scan: Scan) -> str:
    if scan.record is None:
        return scan.why
    return f"scanned: {len(scan.record.findings)} findings in record {scan.record.id}"


def main() -> NoReturn:
    """Run the command line, and exit with the code that it means."""
    try:
        code = job.main(sys.argv[1:], prog_name="samdrift-job", standalone_mode=False)
    except SamdriftError as e:
        click.echo(f"error: {e}", err=True)
        sys.exit(e.exit_code)
    except click.ClickException as e:
        e.show()
        sys.exit(Exit.USAGE)
    sys.exit(int(code or 0))


if __name__ == "__main__":
    main()
