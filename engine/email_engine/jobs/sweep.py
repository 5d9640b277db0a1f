# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every worker looks after, every few seconds: jobs that nobody runs, checks and alerts that are due, what has had its time.

Each part decides by the database's rows and time alone, one worker after the other: of timers that fire together, one acts.
"""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path

from sqlalchemy import ColumnElement, exists, func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.status import DELIVERING
from email_engine.settings import Settings
from email_engine.store import (
    accounting,
    campaigns,
    checks,
    dnsbl,
    halts,
    holds,
    incidents,
    jobs,
    signals,
    waiting,
    warmup,
    withdrawals,
)
from email_engine.store.models import DnsCheck, Incident, Ip, Job

from .kinds import KINDS

log = logging.getLogger(__name__)
# Any number, always the same: of two sweeps at the same part, one goes on to the next.
_SWEEPING = 0x73776570
#: Minutes between two checks of the DNS that a new sender waits for, and between two attempts to close the day; seconds between two
#: looks for what is too old.
CHECK_EVERY, WARM_UP_EVERY, PRUNE_EVERY = 15, 30, 3600


class Sweep:
    def __init__(self, sessions: sessionmaker[Session], settings: Settings):
        self._sessions, self._settings = sessions, settings
        self._pruned: float | None = None
        self._blind = float("-inf")

    def run(self) -> None:
        """Raises what the database raises; the next one starts anew."""
        for number, part in enumerate(
            (
                self._orphans,
                self._checks,
                self._holds,
                self._alerts,
                self._prune,
                self._warmup,
                self._stops,
                self._campaigns,
                self._numbers,
                self._withdrawals,
            )
        ):
            try:
                with self._sessions() as session, session.begin():
                    if session.scalar(select(func.pg_try_advisory_xact_lock(_SWEEPING, number))):
                        part(session)
            except SQLAlchemyError:
                self._blind = time.monotonic()
                raise
            except Exception:
                log.exception("a part of the sweep failed")
        self._leftovers()

    def _orphans(self, session: Session) -> None:
        # Where the database was silent to this worker, it was so to the others; they need time to give signs again.
        if time.monotonic() - self._blind < self._settings.job_silence:
            return
        for job in jobs.orphans(session, self._settings.job_silence):
            reason = f"its worker ended in attempt {job.attempts} of {self._settings.job_attempts}"
            if job.attempts < self._settings.job_attempts or job.cancel_asked_by is not None:
                jobs.requeue(session, job, reason, failed=True)
            else:
                jobs.close(session, job, "failed", _gave_up(job))
            log.warning("job %s: %s; it is %s now", job.number, reason, job.state)

    def _checks(self, session: Session) -> None:
        """Who waits for the DNS starts when it is green; somebody has to look. So where one look is not enough."""
        standby = (Ip.status == "standby") & Ip.reserve.is_(False) & Ip.declared
        red_once = exists().where(DnsCheck.ip_id == Ip.id, DnsCheck.green == "no", DnsCheck.streak < checks.LOOKS)
        self._check(session, "dns_check", standby | (Ip.status.in_(DELIVERING) & red_once))
        said_once = exists().where(
            Incident.ip_id == Ip.id,
            Incident.kind == incidents.LISTING,
            Incident.closed_at.is_(None),
            func.jsonb_array_length(func.coalesce(Incident.evidence["look_again"], text("'[]'::jsonb"))) > 0,
        )
        self._check(session, "dnsbl_check", (Ip.status != "retired") & said_once)
        # A mass of new listings waits for its second round, and whoever was to make it did not.
        if dnsbl.again_due(session) and not jobs.asked_lately(session, ["dnsbl_check"], dnsbl.SECOND_ROUND):
            jobs.enqueue(session, jobs.WORKER, "dnsbl_check", once=True)

    def _check(self, session: Session, kind: str, which: ColumnElement[bool]) -> None:
        playbooks = set(KINDS[kind].playbooks)
        same = [name for name, one in KINDS.items() if playbooks & set(one.playbooks)]
        names = list(session.scalars(select(Ip.hostname).where(which).order_by(Ip.hostname)))
        if names and not jobs.asked_lately(session, same, CHECK_EVERY):
            jobs.enqueue(session, jobs.WORKER, kind, arguments={"senders": names}, once=True)

    def _holds(self, session: Session) -> None:
        for name in holds.lift_due(session):
            log.info("sender %s: its hold is over", name)

    def _stops(self, session: Session) -> None:
        """Who is stopped in the database and not on the hosts goes on sending."""
        for name in halts.again(session):
            log.warning("sender %s: its stop is made again", name)

    def _campaigns(self, session: Session) -> None:
        for name in campaigns.look(session):
            log.warning("campaign %s goes on no longer", name)

    def _numbers(self, session: Session) -> None:
        """Of campaigns that run, every minute; of what waits or ended, every hour."""
        if campaigns.due(session) and not jobs.asked_lately(session, ["campaign_stats"], 1):
            jobs.enqueue(session, jobs.WORKER, "campaign_stats", once=True)

    def _withdrawals(self, session: Session) -> None:
        withdrawals.look(session)

    def _warmup(self, session: Session) -> None:
        """The timer's run met an accounting that was not complete, or a rest that lasted a moment longer."""
        if warmup.due(session) and not jobs.asked_lately(session, ["warmup"], WARM_UP_EVERY):
            jobs.enqueue(session, jobs.WORKER, "warmup", once=True)

    def _alerts(self, session: Session) -> None:
        waiting.look(session)
        signals.watch(session)

    def _prune(self, session: Session) -> None:
        if self._pruned is None or time.monotonic() - self._pruned > PRUNE_EVERY:
            jobs.prune(session)
            accounting.prune(session)
            self._pruned = time.monotonic()

    def _leftovers(self) -> None:
        """Directories of playbooks whose worker was killed."""
        places = {path.name: path for path in self._settings.work.glob(f"{PLACE}*")}
        if places:
            with self._sessions() as session:
                known = session.scalars(select(Job.worker).where(Job.state == "running"))
                kept = {place_of(self._settings, worker).name for worker in known if worker}
            for name in places.keys() - kept:
                shutil.rmtree(places[name], ignore_errors=True)


PLACE = "job-"


def place_of(settings: Settings, worker: str) -> Path:
    """Where the playbooks of a claim have their files."""
    return settings.work / f"{PLACE}{worker}"


def _gave_up(job: Job) -> str:
    where = job.progress or {}
    steps = KINDS[job.kind].steps
    name = steps[min(job.step, len(steps) - 1)]
    name = f"playbook {name}" if KINDS[job.kind].playbooks else f"the job {job.kind}"
    task = f", at its task {where['task']}" if where.get("task") else ""
    return (
        f"Its worker ended {job.attempts} times while it ran {name}{task}, and nobody told why. "
        "Look whether the engine's host runs out of memory or disk (journalctl -k), and at the journal of the worker of lane "
        f"{job.lane}; then ask for the job again: what is done already stays, what is not is done then."
    )
