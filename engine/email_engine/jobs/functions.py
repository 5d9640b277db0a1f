# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that are a function instead of playbooks: what the function gets, and how it ends.

It runs in the thread of a worker's hand. Whoever takes the job over after its worker was killed calls it anew, so it looks first what is done
already. It asks `going` wherever it may stop, and writes its own rows in transactions of its own.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from email_engine.settings import Settings
from email_engine.store.models import Job

from .report import Report

#: Seconds between two looks whether to stop, while a function waits.
LOOK = 0.2


class Failed(Exception):
    """The job fails; the text says why and what to do, for an operator."""


class Stopped(Exception):
    """The job is to end before its end, whoever said so."""


class Occupied(Exception):
    """Somebody else has what the job has to be alone with, and keeps it."""


class Work:
    """A job as its function sees it. sessions: wake the workers of jobs that they queue."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        sessions: sessionmaker[Session],
        job: Job,
        report: Report,
        stopped: Callable[[], bool],
    ):
        self.settings, self.sessions = settings, sessions
        self.tenant_id, self.arguments = job.tenant_id, job.arguments
        self._engine, self._report, self._stopped = engine, report, stopped

    def going(self) -> None:
        """Raises Stopped."""
        if self._stopped():
            raise Stopped

    def tell(self, **progress: Any) -> None:
        """What the job's progress shows from now on: done, total, task."""
        self._report.tell(progress)

    def say(self, text: str) -> None:
        """A line of the job's log."""
        self._report.say(text)

    def result(self, found: Mapping[str, Any]) -> None:
        """Of the job, beside what is there."""
        self._report.found(found)

    def wait(self, seconds: float) -> None:
        """Raises Stopped."""
        end = time.monotonic() + seconds
        while True:
            self.going()
            left = end - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(LOOK, left))

    @contextmanager
    def alone(self, space: int, number: int, patience: float | None = None) -> Iterator[None]:
        """Beside nobody else who asked for the same pair of numbers. The lock is a connection's own, and ends with the process. patience:
        seconds to wait for it at most; raises Occupied then."""
        end = None if patience is None else time.monotonic() + patience
        connection = self._engine.connect()
        # Out of the pool: closed means closed, and the lock is free.
        connection.detach()
        try:
            while not connection.scalar(select(func.pg_try_advisory_lock(space, number % 2**31))):
                connection.commit()
                if end is not None and time.monotonic() > end:
                    raise Occupied
                self.wait(0.5)
            connection.commit()
            yield
        finally:
            try:
                connection.close()
            except (SQLAlchemyError, OSError):
                self.say("(a broken connection could not be closed)")


def named(name: str) -> Callable[[Work], None]:
    """The function of a kind. Imported only where it runs: playbooks need none of it."""
    module, _, attribute = name.partition(":")
    found: Callable[[Work], None] = getattr(importlib.import_module(module), attribute)
    return found
