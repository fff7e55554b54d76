"""Whose a scan in the queue is: a lease of its worker's, by job and try, which nobody but that worker ends.

procrastinate ends a job, and puts one back, by its number alone: a worker that was thought dead could end a scan which
another has been given since. Here each statement says which try of which worker it is about, and does nothing
otherwise. Not here: when a worker counts as silent (`given`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import psycopg
from procrastinate.connector import BaseConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from psycopg_pool import PoolTimeout

from deploy.jobs.given import Held
from deploy.jobs.queue import TASK
from deploy.jobs.schedule import now
from deploy.jobs.watch import Pace

NOT_HEARD = (ConnectorException, PoolTimeout, psycopg.OperationalError, TimeoutError)
"""What a database that is not there comes to, by way of procrastinate and its pool."""

_OURS = """
SELECT id FROM procrastinate_jobs
 WHERE id = %(job)s AND status = 'doing' AND attempts = %(tries)s AND worker_id = %(worker)s
"""
_FINISH = f"SELECT procrastinate_finish_job_v1(id, %(status)s, false) FROM ({_OURS} FOR UPDATE) ours"  # noqa: S608
_RETRY = f"""
SELECT procrastinate_retry_job_v2(id, %(at)s, NULL, NULL, NULL) FROM ({_OURS} FOR UPDATE) ours
"""  # noqa: S608
_HELD = """
SELECT job.id, job.attempts, job.worker_id, worker.last_heartbeat
  FROM procrastinate_jobs job LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id
 WHERE job.status = 'doing' AND job.task_name = %(task)s AND job.queue_name = ANY(%(queues)s)
"""
_GIVE_BACK = """
SELECT procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL) FROM
       (SELECT job.id FROM procrastinate_jobs job
         WHERE job.id = %(job)s AND job.status = 'doing' AND job.attempts = %(tries)s
           AND job.worker_id IS NOT DISTINCT FROM %(worker)s
           AND (SELECT last_heartbeat FROM procrastinate_workers worker WHERE worker.id = job.worker_id)
               IS NOT DISTINCT FROM %(beat)s
           FOR UPDATE OF job) broken
"""


def is_away(error: BaseException) -> bool:
    """Tell whether an error means that the database is not there, and not that it refuses what it is asked."""
    cause = error.__cause__ if isinstance(error, ConnectorException) else error
    return cause is None or isinstance(cause, psycopg.OperationalError | TimeoutError)


class Leases(JobManager):
    """procrastinate's jobs, each the lease of one worker for one try."""

    def __init__(self, connector: BaseConnector, pace: Pace) -> None:
        super().__init__(connector)
        self._pace = pace

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:  # noqa: ARG002  rows are a journal
        """End a scan, if it is still its worker's."""
        await self._all(_FINISH, **_lease(job), status=status.value)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,  # noqa: ARG002
        queue: str | None = None,  # noqa: ARG002
        lock: str | None = None,  # noqa: ARG002
    ) -> None:
        """Put a scan back, if it is still its worker's."""
        await self._all(_RETRY, **_lease(job), at=retry_at or datetime.now(UTC))

    async def update_heartbeat(self, worker_id: int) -> None:
        """Show that a worker is there, if the database can be reached. If not, it goes on: who is at a scan finds out.

        procrastinate would end with the first beat that is not heard, and tell nobody.
        """
        with contextlib.suppress(*NOT_HEARD):
            await super().update_heartbeat(worker_id)

    async def held(self, municipalities: Collection[str]) -> tuple[Held, ...]:
        """Return the scans of these municipalities that are at work."""
        rows = await self._all(_HELD, task=TASK, queues=list(municipalities))
        return tuple(Held(r["id"], r["attempts"], r["worker_id"], r["last_heartbeat"]) for r in rows)

    async def give_back(self, held: Held) -> bool:
        """Put a scan back whose worker is silent, unless it was heard meanwhile. Returns whether it was put back."""
        lease = {"job": held.job, "tries": held.tries, "worker": held.worker, "beat": held.beat}
        return bool(await self._all(_GIVE_BACK, **lease))

    async def hold(self, job: Job) -> str:
        """Show again and again that a worker is at its scan. Returns why it is not the worker's any more."""
        heard = now().up
        while True:
            await asyncio.sleep(self._pace.beat)
            try:
                async with asyncio.timeout(self._pace.beat):
                    if job.worker_id is not None:
                        await super().update_heartbeat(job.worker_id)
                    if not await self._all(_OURS, **_lease(job)):
                        return "another worker was given it"
                heard = now().up
            except NOT_HEARD:
                if now().up - heard > self._pace.fenced:
                    return f"the database was not heard for {self._pace.fenced:g} seconds"

    async def _all(self, query: str, **values: Any) -> list[dict[str, Any]]:
        return await self.connector.execute_query_all_async(query, **values)


def _lease(job: Job) -> dict[str, int | None]:
    return {"job": job.id, "tries": job.attempts, "worker": job.worker_id}
