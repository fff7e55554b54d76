"""`samdrift-worker MUNICIPALITY…`: make the scans that stations queue for these municipalities, one after the other.

Each is a `samdrift` process, with the command line that a station's own would have; the job in the queue says of which
municipality and day, and no more. A worker may be killed at any moment: its scan ends with it, and another worker makes
it. One that the database does not hear ends its scan before another may begin (`Pace`). procrastinate takes jobs and
puts them back; not here: what becomes of a scan (`given`), and what a job says (`queue`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.exceptions import JobAborted
from procrastinate.jobs import Job

from deploy.jobs import bound
from deploy.jobs.command import require_slug
from deploy.jobs.given import Silence, again_after
from deploy.jobs.job import MADE, answer_in
from deploy.jobs.journal import JobFiles
from deploy.jobs.leases import NOT_HEARD, Leases, is_away
from deploy.jobs.queue import CONNECTION, TASK, Asked, connected, conninfo
from deploy.jobs.recorded import reason_of, recorded
from deploy.jobs.schedule import TRIES, now
from deploy.jobs.watch import FILE, Watch, read_watch
from deploy.model.kinds import Exit
from deploy.store.opening import open_stores
from deploy.store.ports import StoreError
from inventory.errors import SamdriftError, UsageError

FORGOTTEN = 86400.0
"""Seconds after which a worker that is gone is forgotten. Nothing is decided by it: see `Silence`."""


class NotMade(SamdriftError):
    """A scan did not come to its end; `again` says after how long another try is made, if one is."""

    def __init__(self, why: str, again: timedelta | None) -> None:
        super().__init__(why)
        self.again = again


class _Again(BaseRetryStrategy):
    """Says when procrastinate is to give a scan out again: what did not come to its end says it itself."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, NotMade):
            return None if exception.again is None else RetryDecision(retry_at=datetime.now(UTC) + exception.again)
        stopped = isinstance(exception, asyncio.CancelledError | JobAborted)
        return RetryDecision(retry_at=datetime.now(UTC)) if stopped and job.attempts + 1 < TRIES else None


class Worker:
    """A worker of some municipalities."""

    def __init__(self, watch: Watch, municipalities: tuple[str, ...], say: Callable[[str], None]) -> None:
        self._watch, self._municipalities, self._say = watch, municipalities, say

    async def run(self, app: App, leases: Leases) -> None:
        """Make scans until the database cannot be reached, or this is cancelled.

        Raises:
            ConnectorException: it cannot be reached.
        """
        app.task(name=TASK, pass_context=True, retry=_Again())(self._scan_with(leases))
        async with _beside(self._give_back_broken(leases)):
            await app.run_worker_async(
                queues=list(self._municipalities),
                install_signal_handlers=False,
                fetch_job_polling_interval=self._watch.pace.beat,
                listen_notify=False,  # its connection outlives no restart of the server, and ends the worker
                shutdown_graceful_timeout=self._watch.pace.stops,
                update_heartbeat_interval=self._watch.pace.beat,
                stalled_worker_timeout=FORGOTTEN,
            )

    def _scan_with(self, leases: Leases) -> Callable[..., Coroutine[Any, Any, str]]:
        async def scan(context: JobContext, **asked: Any) -> str:
            job, wanted = context.job, Asked.model_validate(asked)
            if wanted.municipality != job.queue or wanted.municipality not in self._municipalities:
                raise NotMade(f"a job in the queue of {job.queue} is about another municipality", None)
            about = f"{wanted.municipality}: the scan of {wanted.day}"
            try:
                made = await self._scan(job, wanted, leases)
            except NotMade as e:
                after = "it is given up" if e.again is None else f"again in {e.again.total_seconds() / 60:.0f} minutes"
                self._say(f"{about} did not come to its end: {e.what}; {after}")
                raise
            except SamdriftError as e:  # the store cannot be read, say
                self._say(f"{about} did not begin: {e}")
                raise NotMade(e.what, again_after(Exit.ERROR, job.attempts)) from e
            self._say(f"{about} is made: record {made}")
            return made

        return scan

    async def _scan(self, job: Job, wanted: Asked, leases: Leases) -> str:
        """Make one scan, unless its record is there; return the record's id."""
        history = (await asyncio.to_thread(open_stores, self._watch.database)).history
        there = await asyncio.to_thread(recorded, history, wanted.municipality, wanted.day, self._watch.limit)
        if there is not None:
            return there.id
        if job.attempts >= TRIES:
            raise NotMade(f"it was begun {TRIES} times", None)
        files = JobFiles(self._watch.state, f"{wanted.municipality}.worker")
        with files.alone() as lock:
            if lock is None:
                again = again_after(Exit.LOCKED, job.attempts)
                raise NotMade("a scan of it is at work on this machine already", again)
            code = await self._run(job, wanted, leases, files, lock)
        record = answer_in(files)
        if record is None or code not in MADE:
            raise NotMade(f"samdrift ended with {code}", again_after(code, job.attempts))
        return record.id

    async def _run(self, job: Job, wanted: Asked, leases: Leases, files: JobFiles, lock: int) -> int:
        """Run samdrift for as long as the scan is this worker's, and return its exit code.

        Raises:
            NotMade: it is not any more.
        """
        scanner = self._watch.scanner_of(wanted.municipality)
        reason = {"SAMDRIFT_REASON": reason_of(wanted.municipality, wanted.day)}
        files.answer.unlink(missing_ok=True)
        self._say(f"{wanted.municipality}: the scan of {wanted.day} begins")
        with files.answer.open("xb") as answer:
            files.answer.chmod(0o600)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", bound.__name__, str(os.getpid())),  # what kills the worker ends its scan, too
                *scanner.words(wanted.municipality),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=answer,
                stderr=sys.stderr,
                env={**scanner.environment, **reason},
                pass_fds=(lock,),
                start_new_session=True,
            )
        ended, lost = asyncio.create_task(process.wait()), asyncio.create_task(leases.hold(job))
        try:
            await asyncio.wait((ended, lost), return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                raise NotMade(lost.result(), timedelta(0))
            return ended.result()
        finally:
            lost.cancel()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await asyncio.shield(ended)

    async def _give_back_broken(self, leases: Leases) -> None:
        """Give scans back to the queue whose worker was not heard for too long, again and again."""
        silence = Silence(self._watch.pace.silent)
        while True:
            with contextlib.suppress(*NOT_HEARD):  # whoever takes jobs finds out, too
                for held in silence.broken(await leases.held(self._municipalities), now().up):
                    if await leases.give_back(held):
                        self._say(f"a scan (job {held.job}) is given to another worker: its own was not heard")
            await asyncio.sleep(self._watch.pace.beat)


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def work(watch: Watch, municipalities: tuple[str, ...], say: Callable[[str], None]) -> None:
    """Be a worker until told to stop (SIGTERM, SIGINT), whatever the database does meanwhile."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    while not stop.is_set():
        working = asyncio.create_task(_work_once(watch, municipalities, say))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            working.cancel()
        else:
            stopping.cancel()
        try:
            await working
            why = "its worker ended"
        except asyncio.CancelledError:
            return
        except NOT_HEARD as e:
            if not is_away(e):
                raise StoreError(f"the queue cannot be used: {e.__cause__ or e}", where=str(watch.database)) from e
            why = " ".join(str(e.__cause__ or e).split()) or type(e).__name__
        say(f"the queue cannot be reached: {why}; it is tried again in {watch.pace.beat:g} seconds")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), watch.pace.beat)


async def _work_once(watch: Watch, municipalities: tuple[str, ...], say: Callable[[str], None]) -> None:
    connector = PsycopgConnector(
        conninfo=conninfo(watch.database), kwargs=CONNECTION, min_size=1, max_size=4, timeout=watch.pace.beat
    )
    app = App(connector=connector)
    app.job_manager = leases = Leases(connector, watch.pace)
    async with app.open_async():
        await Worker(watch, municipalities, say).run(app, leases)


class _OneLine(logging.Formatter):
    """What procrastinate finds wrong, in a line, without a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        return " ".join(f"{record.getMessage()}{f': {error!r}' if error else ''}".split())


@click.command()
@click.argument("municipalities", metavar="MUNICIPALITY…", nargs=-1, required=True)
@click.option("--watch", "file", type=click.Path(path_type=Path), default=FILE, show_default=True)
def worker(municipalities: tuple[str, ...], file: Path) -> int:
    """Make the scans that are queued for these municipalities, until told to stop."""
    watch = read_watch(file)
    named = tuple(dict.fromkeys(map(require_slug, municipalities)))
    if not watch.queued:
        raise UsageError("this watch has no queue", where=str(file), fix="apply role drift_watch with option `store`")
    handler = logging.StreamHandler()
    handler.setLevel(logging.ERROR)
    handler.setFormatter(_OneLine())
    logging.getLogger("procrastinate").addHandler(handler)
    with connected(watch.database):  # what is wrong with it is said before anything begins
        pass
    asyncio.run(work(watch, named, lambda line: click.echo(line, err=True)))
    return Exit.OK
