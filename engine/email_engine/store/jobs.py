# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as rows: the only truth about what is to be done, is being done, and was done.

All times are the database's, so that no clock of a host decides. Who runs a job holds its lock (`lock`) on a connection of its own,
which ends with the process, and shows the token of its claim with everything it writes.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, insert, not_, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from email_engine.jobs.kinds import KINDS

from . import failures
from .audit import Actor, record
from .models import Job, JobLine

#: In a session's info: the lanes that have new work once it commits.
WAKE = "lanes to wake"
#: Who acts where nobody else does.
WORKER = Actor("jobs")
OVER = ("succeeded", "failed", "cancelled")
#: Kinds that bring contacts into MailWizz, as long as it takes.
LARGE = ("inject", "campaign")
# Any number, always the same; the second half of a lock is the job's number.
_RUNNING = 0x6A6F6273
_NOW = func.clock_timestamp()
STARTED = func.pg_postmaster_start_time()
# What a newer engine may have queued waits for one.
_KNOWN = Job.kind.in_(KINDS)


class Lost(Exception):
    """The job is somebody else's now, or over. Whoever is told so stops, and writes nothing more about it."""


def enqueue(
    session: Session,
    actor: Actor,
    kind: str,
    *,
    tenant_id: int | None = None,
    subject: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    lane: str | None = None,
    once: bool = False,
) -> Job:
    """Add a job to the caller's transaction: it starts only after the commit, and then sees what was committed.

    subject: the sender or tenant it is about. once: where the same work is queued already and nobody has begun it, that job is
    the answer. It is held until the commit, so it cannot begin before it either; let this be the transaction's last deed, because
    others who want the same wait for its end.
    """
    lane = lane or KINDS[kind].lane
    wanted = dict(arguments or {})
    session.info.setdefault(WAKE, set()).add(lane)
    if once:
        # Of two who ask for the same at once, the second one finds the first one's.
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"job {lane} {kind}", 0))))
        same = (Job.kind == kind, Job.lane == lane, Job.arguments == wanted)
        # One that goes on after its first playbook would leave that one's part of the new work undone.
        queued = select(Job).where(Job.state == "queued", Job.step == 0, *same).order_by(Job.number).limit(1)
        found = session.scalars(queued.with_for_update()).first()
        if found is not None:
            return found
    job = Job(kind=kind, lane=lane, tenant_id=tenant_id, subject=subject, arguments=wanted, asked_by=actor.name)
    session.add(job)
    session.flush()
    _say(session, actor, "queued", job, after={"kind": kind, "lane": lane, "subject": subject, "arguments": wanted})
    return job


def _say(session: Session, actor: Actor, action: str, job: Job, **more: Any) -> None:
    # What reads numbers once a minute would be most of the log, and changes nothing.
    if job.kind == "campaign_stats" and action in ("queued", "queued again", "succeeded"):
        return
    record(session, actor, action, f"job {job.number}", tenant_id=job.tenant_id, **more)


def lock(session: Session, number: int) -> bool:
    """Take the lock of a job for as long as the session's connection lasts; False: another one still has it."""
    return bool(session.scalar(select(func.pg_try_advisory_lock(_RUNNING, number % 2**31))))


def claim(session: Session, lane: str, worker: str, only: Collection[str] | None = None) -> Job | None:
    """The lane's next job, of these kinds, now running and locked for *worker*; None: there is none, or this is not the time.

    Commit, and close the connection at once when that fails: with it goes the lock.
    """
    busy = select(Job.id).where(Job.state == "running", Job.lane == lane)
    if lane == "converge" and session.scalar(busy.limit(1)) is not None:
        return None
    queued = select(Job).where(Job.state == "queued", Job.lane == lane, _KNOWN).order_by(Job.number).limit(1)
    if only is not None:
        queued = queued.where(Job.kind.in_(only))
    if lane == "check":
        # Two of a kind would ask the same, and of two DNS checks the earlier one's answer is thrown away.
        others = aliased(Job)
        queued = queued.where(~exists().where(others.state == "running", others.lane == lane, others.kind == Job.kind))
    if lane == "mail":
        # Of one tenant the second one would wait, and another tenant's go on meanwhile. Small things wait for no large one.
        others, failed = aliased(Job), aliased(Job)
        alike = (others.kind.in_(LARGE) & Job.kind.in_(LARGE)) | (
            (others.kind == "campaign_follow") & (Job.kind == "campaign_follow")
        )
        beside = (others.state == "running", others.lane == lane, others.tenant_id == Job.tenant_id)
        queued = queued.where(~exists().where(*beside, alike))
        # Whose MailWizz did not answer just now comes after all others.
        lately = failed.finished_at > _NOW - func.make_interval(0, 0, 0, 0, 0, 1)
        of = (failed.kind == "campaign_follow", failed.state == "failed", failed.tenant_id == Job.tenant_id)
        queued = queued.order_by(None).order_by(exists().where(*of, lately), Job.number)
    job = session.scalars(queued.with_for_update(skip_locked=True)).first()
    if job is None or not lock(session, job.number):
        return None
    job.state, job.worker, job.attempts = "running", worker, job.attempts + 1
    job.started_at, job.seen_at = func.coalesce(Job.started_at, _NOW), _NOW
    try:
        session.flush()
    except IntegrityError:  # somebody was faster: one converge runs at a time
        session.rollback()
        return None
    return job


def _of(job_id: uuid.UUID, worker: str) -> tuple[ColumnElement[bool], ...]:
    return Job.id == job_id, Job.worker == worker, Job.state == "running"


def heartbeat(
    session: Session,
    job_id: uuid.UUID,
    worker: str,
    lines: Sequence[Mapping[str, Any]] = (),
    **told: Any,
) -> str | None:
    """A sign of life, with what is new. The answer: who asked to cancel the job. Raises Lost.

    lines: columns of JobLine each, but for job_id. told: step, progress, result of the job.
    """
    beaten = update(Job).where(*_of(job_id, worker)).values(seen_at=_NOW, **told).returning(Job.cancel_asked_by)
    found = session.execute(beaten).first()
    if found is None:
        raise Lost
    if lines:
        session.execute(insert(JobLine), [{"job_id": job_id, **line} for line in lines])
    return found.cancel_asked_by


def finish(session: Session, job_id: uuid.UUID, worker: str, state: str, error: str | None) -> None:
    """The end of a job, of which the last heartbeat told everything else. Raises Lost."""
    job = session.scalars(select(Job).where(*_of(job_id, worker)).with_for_update()).first()
    if job is None:
        raise Lost
    close(session, job, state, error)


def close(session: Session, job: Job, state: str, error: str | None = None) -> None:
    """End a job whose row the caller has locked."""
    job.state, job.error, job.finished_at = state, error, _NOW
    if state == "cancelled" and job.started_at is not None:
        job.result = {**(job.result or {}), "note": f"stopped {_left(job)}"}
    _say(session, WORKER, state, job, reason=error)
    if state == "failed":
        failures.tell(session, job.kind, error or "")
    elif state == "succeeded":
        failures.over(session, job.kind)


def _left(job: Job) -> str:
    """Where a cancelled job stopped, by whom, and who does the rest."""
    kind = KINDS[job.kind]
    if kind.function is not None:
        return f"on the demand of {job.cancel_asked_by}; what is done stays done, and the same job goes on there when it is asked for again"
    where = f"in playbook {min(job.step + 1, len(kind.playbooks))} of {len(kind.playbooks)}"
    return f"{where}, on the demand of {job.cancel_asked_by}; the next converge completes what it had begun"


def requeue(session: Session, job: Job, reason: str, *, failed: bool) -> None:
    """Let a job whose row the caller has locked go on later, where it was. failed: whether the attempt counts."""
    if job.cancel_asked_by is not None:
        close(session, job, "cancelled")
        return
    job.state, job.worker = "queued", None
    if not failed:
        job.attempts -= 1
    session.info.setdefault(WAKE, set()).add(job.lane)
    _say(session, WORKER, "queued again", job, reason=reason)


def release(session: Session, job_id: uuid.UUID, worker: str, reason: str) -> None:
    """Give the job back unfinished, because the worker ends. Raises Lost."""
    job = session.scalars(select(Job).where(*_of(job_id, worker)).with_for_update()).first()
    if job is None:
        raise Lost
    requeue(session, job, reason, failed=False)


def orphans(session: Session, seconds: float) -> list[Job]:
    """Running jobs that nobody runs, their rows locked: without a sign of life for so long, and with a free lock.

    After a start of the database its workers get as long to come back. A moment that lies ahead is no better than one long past.
    """

    def recent(moment: ColumnElement[Any]) -> ColumnElement[bool]:
        return func.abs(func.extract("epoch", _NOW - moment)) < seconds

    silent = select(Job).where(Job.state == "running", _KNOWN, not_(recent(Job.seen_at)), not_(recent(STARTED)))
    found = session.scalars(silent.order_by(Job.number).with_for_update(skip_locked=True))
    free = func.pg_try_advisory_xact_lock
    return [job for job in found if session.scalar(select(free(_RUNNING, job.number % 2**31)))]


def cancel(session: Session, actor: Actor, job: Job) -> bool:
    """End a queued job, or ask the worker of a running one to stop. False: it is over already."""
    session.refresh(job, with_for_update=True)
    if job.state in OVER:
        return False
    if job.cancel_asked_by is None:
        job.cancel_asked_by = actor.name
        _say(session, actor, "asked to cancel", job)
    if job.state == "queued":
        close(session, job, "cancelled")
    return True


def lines(job_id: uuid.UUID, after: int = 0) -> Select[tuple[JobLine]]:
    return select(JobLine).where(JobLine.job_id == job_id, JobLine.id > after).order_by(JobLine.id)


def prune(session: Session) -> None:
    """What has had its time: repeated requests after two days, logs after 90. Readings of campaigns' numbers, one a minute, after one."""
    session.execute(text("DELETE FROM idempotency_keys WHERE created_at < now() - interval '48 hours'"))
    session.execute(text("DELETE FROM job_lines WHERE at < now() - interval '90 days'"))
    readings = "kind = 'campaign_stats' AND state = 'succeeded' AND finished_at < now() - interval '1 day'"
    session.execute(text(f"DELETE FROM job_lines USING jobs WHERE jobs.id = job_lines.job_id AND {readings}"))
    session.execute(text(f"DELETE FROM jobs WHERE {readings}"))


def asked_lately(session: Session, kinds: Sequence[str], minutes: int) -> bool:
    """Whether a job of these kinds waits, runs, or ended in the last so many minutes: what it looked at last is so old at least."""
    ended = func.coalesce(Job.finished_at, Job.created_at)
    near = func.abs(func.extract("epoch", _NOW - ended)) < minutes * 60
    wanted = select(Job.id).where(Job.kind.in_(kinds), Job.state.not_in(OVER) | near)
    return session.scalar(wanted.limit(1)) is not None
