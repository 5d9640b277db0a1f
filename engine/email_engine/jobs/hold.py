# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker's hold on the job it runs: signs of life, and what there is to tell, until the job is over or somebody else's."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, ProgrammingError, SQLAlchemyError
from sqlalchemy.orm import Session

from email_engine.store import jobs
from email_engine.store.models import Job

from .report import Report

log = logging.getLogger(__name__)


def take(engine: Engine, lane: str, worker: str, only: Collection[str] | None = None) -> tuple[Job, Connection] | None:
    """The lane's next job, of these kinds, claimed, and the connection that holds its lock. Raises what the database raises."""
    connection = engine.connect()
    # Out of the pool: closed means closed, and the lock is free.
    connection.detach()
    try:
        with Session(connection, expire_on_commit=False) as session, session.begin():
            job = jobs.claim(session, lane, worker, only)
        if job is not None:
            return job, connection
    except BaseException:
        connection.close()
        raise
    connection.close()
    return None


class Hold:
    """Beats in a thread of its own. While the database is away it goes on trying: the lock says that it lives as soon as it can."""

    def __init__(self, engine: Engine, job: Job, worker: str, connection: Connection, report: Report, every: float):
        self.lost = False
        self.cancelled_by: str | None = None
        self._engine, self._job, self._worker, self._report, self._every = engine, job, worker, report, every
        self._connection: Connection | None = connection
        self._locked = True
        # As the database knows it for certain.
        self._told: dict[str, Any] = {}
        self._over = threading.Event()
        self._guard = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"hold of job {job.number}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(self._every) and not self.lost:
            self.beat()

    def beat(self) -> bool:
        """One sign of life, with everything new. False: not now, the database is away; or never again, `lost` tells."""
        with self._guard:
            if self.lost:
                return False
            lines = self._report.take()
            try:
                with self._session() as session, session.begin():
                    # Where the end of an old connection is not known yet, that one still holds it, for the same claim.
                    self._locked = self._locked or jobs.lock(session, self._job.number)
                    state = self._report.state()
                    new = {name: one for name, one in state.items() if self._told.get(name) != one}
                    by = jobs.heartbeat(session, self._job.id, self._worker, lines, **new)
                self._told = state
                self.cancelled_by = self.cancelled_by or by
                return True
            except jobs.Lost:
                self.lost = True
            except (DataError, ProgrammingError) as fault:
                log.error("job %s: %d lines cannot be stored (%s)", self._job.number, len(lines), type(fault).__name__)
                self._report.say(f"({len(lines)} lines could not be stored: {type(fault).__name__})")
                self._drop()
            except (SQLAlchemyError, OSError) as fault:
                log.warning("job %s: the database is away (%s)", self._job.number, type(fault).__name__)
                self._report.untake(lines)
                self._drop()
            return False

    def close(self, state: str, error: str | None = None) -> None:
        """Write the end, or give the job back (state "queued", error: why). Waits for a database that is away; nothing if `lost`."""
        self._over.set()
        self._thread.join()
        while not self._closed(state, error):
            time.sleep(self._every)
        self._drop()

    def _closed(self, state: str, error: str | None) -> bool:
        if not self.beat():
            return self.lost
        try:
            with self._guard, self._session() as session, session.begin():
                if state == "queued":
                    jobs.release(session, self._job.id, self._worker, error or "")
                else:
                    jobs.finish(session, self._job.id, self._worker, state, error)
        except jobs.Lost:  # or this end is stored already, and only the database's word for it got lost
            self.lost = True
        except (SQLAlchemyError, OSError) as fault:
            log.warning("job %s: the database is away (%s)", self._job.number, type(fault).__name__)
            self._drop()
            return False
        return True

    def _session(self) -> Session:
        if self._connection is None or self._connection.invalidated or self._connection.closed:
            self._drop()
            self._connection = self._engine.connect()
            self._connection.detach()
        return Session(self._connection)

    def _drop(self) -> None:
        if self._connection is not None:
            try:
                self._connection.close()
            except (SQLAlchemyError, OSError):
                log.debug("a broken connection could not be closed")
        self._connection, self._locked, self._told = None, False, {}
