# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker: one process for each lane, whose hands run its jobs.

Celery's part is to wake the hands, and takes no time: its solo pool answers the broker while playbooks run in the hands' threads.
Threads, because a playbook is a process of its own anyway and a function mostly waits, and because they end with the process that holds
the claim. A worker also looks for work by itself, so neither a lost message nor a Redis that is away holds up anything for longer than
`job_sweep`.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import threading
import time
import uuid
from collections.abc import Collection
from typing import Any

from celery import bootsteps
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from email_engine import logs
from email_engine.redaction import Redactor
from email_engine.settings import Settings, load
from email_engine.store.connection import connect
from email_engine.store.models import Job

from . import celery, functions, hold, kinds, redaction, runner, waking
from .report import Report
from .sweep import Sweep, place_of

log = logging.getLogger(__name__)
#: Jobs at once. A stop waits for none, a check for no converge, of mail two lists go in beside each other.
HANDS = {"converge": 1, "stop": 2, "check": 3, "mail": 3}
#: What the first hand of a lane takes, and nothing else: what is due every ten minutes waits for no check of an hour, a campaign's pause
#: for no large list.
KEPT = {"check": ("collect",), "mail": ("campaign_follow", "campaign_stats", "withdraw")}
#: Connections of a hand: its hold, and where its job is a function, that one's transaction and lock.
CONNECTIONS = {"mail": 3}
#: The lane whose worker also brings alerts to people.
ALERTING = "check"


class Hands:
    """The threads of a lane: each, when woken, works until nothing is queued."""

    def __init__(self, lane: str, settings: Settings):
        self._lane, self._settings = lane, settings
        # The hands, and the sweep.
        self._engine = connect(settings.database.get_secret_value(), HANDS[lane] * CONNECTIONS.get(lane, 1) + 2)
        self._sessions = sessionmaker(self._engine, expire_on_commit=False)
        waking.install(self._sessions, settings.redis.get_secret_value())
        self._sweep = Sweep(self._sessions, settings)
        self._ending = threading.Event()
        self._calls = [threading.Event() for _ in range(HANDS[lane])]
        takes = [KEPT.get(lane), *[None] * (HANDS[lane] - 1)]
        self._threads = [
            threading.Thread(target=self._work, args=one, daemon=True) for one in zip(self._calls, takes, strict=True)
        ]
        self._threads.append(threading.Thread(target=self._look, daemon=True))
        self._couriers = None
        if lane == ALERTING:
            # apprise is this lane's alone.
            from email_engine.alerting.couriers import Couriers

            self._couriers = Couriers(settings)

    def start(self) -> None:
        self._settings.work.mkdir(mode=0o700, parents=True, exist_ok=True)
        for thread in self._threads:
            thread.start()
        if self._couriers is not None:
            self._couriers.start()

    def wake(self) -> None:
        for call in self._calls:
            call.set()

    def stop(self) -> None:
        """Jobs that run are stopped and go back to the queue; who starts next goes on with them."""
        self._ending.set()
        self.wake()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        if self._couriers is not None:
            self._couriers.stop()
        self._engine.dispose()

    def _look(self) -> None:
        while not self._ending.is_set():
            try:
                self._sweep.run()
            except (SQLAlchemyError, OSError) as fault:
                log.warning("the database is away (%s)", type(fault).__name__)
            except Exception:
                log.exception("the sweep failed")
            self.wake()
            self._ending.wait(self._settings.job_sweep)

    def _work(self, call: threading.Event, only: Collection[str] | None) -> None:
        while not self._ending.is_set():
            call.wait()
            call.clear()
            try:
                while not self._ending.is_set() and self._one(only):
                    pass
            except (SQLAlchemyError, OSError) as fault:
                log.warning("the database is away (%s)", type(fault).__name__)
            except Exception:
                log.exception("a job could not be worked on")

    def _one(self, only: Collection[str] | None) -> bool:
        """Whether there was a job. only: kinds."""
        worker = uuid.uuid4().hex
        found = hold.take(self._engine, self._lane, worker, only)
        if found is None:
            return False
        with logs.about(job=found[0].number, kind=found[0].kind):
            _Attempt(self._settings, self._engine, self._sessions, self._ending, worker, *found).run()
        return True


def minutes(settings: Settings, kind: str) -> int:
    """That a job of this kind may take."""
    return max(settings.job_minutes, kinds.KINDS[kind].minutes or 0)


class _Attempt:
    """One worker's attempt at one job."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        sessions: sessionmaker[Session],
        ending: threading.Event,
        worker: str,
        job: Job,
        connection: Connection,
    ):
        self._settings, self._ending, self._job = settings, ending, job
        self._engine, self._sessions = engine, sessions
        self._place = place_of(settings, worker)
        self._report = Report(kinds.KINDS[job.kind].steps, job.step, job.result)
        self._hold = hold.Hold(engine, job, worker, connection, self._report, settings.job_beat)
        self._minutes = minutes(settings, job.kind)
        self._until = time.monotonic() + self._minutes * 60

    def run(self) -> None:
        log.info("job begins, attempt %s", self._job.attempts)
        function = kinds.KINDS[self._job.kind].function
        try:
            state, error = self._playbooks() if function is None else self._function(function)
        except redaction.Unreadable as fault:
            state, error = "failed", str(fault)
        except Exception as fault:
            # Its text may hold anything.
            log.exception("the job could not be run")
            state, error = (
                "failed",
                f"The worker could not run it ({type(fault).__name__}): its journal tells more. Is there room in {self._settings.work}?",
            )
        finally:
            shutil.rmtree(self._place, ignore_errors=True)
        self._hold.close(state, error)
        log.info("job ends: %s", "somebody else has it" if self._hold.lost else state)

    def _playbooks(self) -> tuple[str, str | None]:
        """The job's next state, and why."""
        if not self._settings.inventory.exists():
            return (
                "failed",
                f"No inventory is installed here ({self._settings.inventory}): run site.yml from the control node.",
            )
        while self._report.step < len(self._report.playbooks):
            if (end := self._stopped()) is not None:
                return end
            self._report.begin(redaction.redactor(self._settings))
            began = time.monotonic()
            status = self._playbook(self._report.playbooks[self._report.step])
            end = self._stopped() if status else None
            error = self._report.error(status) if status and end is None else None
            self._report.end(time.monotonic() - began, "stopped" if end else "failed" if status else "succeeded")
            if end is not None:
                return end
            if error is not None:
                return "failed", error
        return "succeeded", None

    def _function(self, name: str) -> tuple[str, str | None]:
        """The job's next state, and why."""
        if (end := self._stopped()) is not None:
            return end
        self._report.begin(Redactor())
        began = time.monotonic()
        state, error = self._called(name)
        over = {"succeeded": "succeeded", "failed": "failed"}.get(state, "stopped")
        self._report.end(time.monotonic() - began, over)
        return state, error

    def _called(self, name: str) -> tuple[str, str | None]:
        work = functions.Work(
            self._settings, self._engine, self._sessions, self._job, self._report, lambda: self._stopped() is not None
        )
        try:
            while True:
                try:
                    functions.named(name)(work)
                    return "succeeded", None
                except (OperationalError, InterfaceError, PoolTimeout) as fault:
                    log.warning("the database is away (%s)", type(fault).__name__)
                work.wait(self._settings.job_beat)
        except functions.Stopped:
            return self._stopped() or ("queued", "it was told to stop")
        except functions.Failed as fault:
            return "failed", str(fault)

    def _playbook(self, name: str) -> int:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._place)
        self._place.mkdir(mode=0o700)
        lock = self._settings.work / f"{self._job.lane}.lock" if self._job.lane == "converge" else None
        variables: dict[str, Any] = kinds.variables(self._job.kind, self._job.arguments)
        return runner.run(
            self._settings,
            name,
            variables,
            self._place,
            lock,
            self._report.event,
            lambda: self._stopped() is not None,
        )

    def _stopped(self) -> tuple[str, str | None] | None:
        """Why to end before the end: the next state, and the reason."""
        if self._hold.lost:
            return "queued", "somebody else has it"
        if self._hold.cancelled_by is not None:
            return "cancelled", None
        if self._ending.is_set():
            return "queued", "its worker was told to end"
        if time.monotonic() > self._until:
            return "failed", f"It was stopped after {self._minutes} minutes; its log tells what it waited for."
        return None


def run(lane: str, settings: Settings | None = None) -> int:
    """Work on a lane's jobs until told to end (SIGTERM). The exit status."""
    known = settings or load()
    logs.configure(known)
    hands = Hands(lane, known)

    class Step(bootsteps.StartStopStep):
        """Starts before the broker is asked, so that jobs run without one."""

        def __init__(self, _worker: object, **_options: object):
            pass

        def start(self, _worker: object) -> None:
            hands.start()

        def stop(self, _worker: object) -> None:
            hands.stop()

        terminate = stop

    app = celery.make_app(known.redis.get_secret_value(), patient=True)
    app.task(name=celery.WAKE)(hands.wake)
    app.steps["worker"].add(Step)
    worker = app.Worker(
        hostname=f"{lane}@%h",
        queues=[celery.queue(lane)],
        pool="solo",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    worker.start()
    return worker.exitcode or 0
