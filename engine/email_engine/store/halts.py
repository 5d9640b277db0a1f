# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops that the engine makes by itself, as jobs. On the hosts they stand beside a person's, and are lifted apart from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from . import campaigns, jobs
from .audit import Actor
from .models import Ip, Job

SWEEP = Actor("sweep")
#: Minutes until a stop that failed is made again: one, then twice as long each time, and no longer than this.
LONGEST = 15


def halt(session: Session, actor: Actor, senders: Sequence[Ip], reason: str) -> list[Job]:
    """Stop them at once, all in one job: it runs beside a converge, and one that follows renders what is stored. The jobs of both."""
    if not senders:
        return []
    names = sorted(ip.hostname for ip in senders)
    campaigns.stop(session, actor, Ip.id.in_([ip.id for ip in senders]), reason)
    for job in _late(session, "resume", names):
        jobs.cancel(session, actor, job)
    tenants = {ip.tenant_id for ip in senders}
    about = {
        "tenant_id": tenants.pop() if len(tenants) == 1 else None,
        "subject": names[0] if len(names) == 1 else f"{len(names)} senders",
        "arguments": {"senders": names, "by_engine": True, "reason": reason},
    }
    stop = jobs.enqueue(session, actor, "stop", once=True, **about)
    return [stop, jobs.enqueue(session, actor, "converge", once=True)]


def let_go(session: Session, actor: Actor, ip: Ip, reason: str) -> Job:
    """Lift the engine's stop of one sender in its turn. What else stops it stays."""
    about = {"tenant_id": ip.tenant_id, "subject": ip.hostname}
    arguments = {"senders": [ip.hostname], "by_engine": True, "reason": reason}
    return jobs.enqueue(session, actor, "resume", once=True, arguments=arguments, **about)


def overtaken(session: Session, actor: Actor, ip: Ip) -> bool:
    """Whether no stop of it is on its way any more: one that came after the resume would undo it. Its own is cancelled, one that stops
    others, too, has to arrive first."""
    late = _late(session, "stop", [ip.hostname])
    for job in late:
        if job.arguments["senders"] == [ip.hostname]:
            jobs.cancel(session, actor, job)
    return all(job.arguments["senders"] == [ip.hostname] for job in late)


def again(session: Session) -> list[str]:
    """Make the stops again that are not in force on the hosts, of senders that are in quarantine or on hold; their names.

    One is not when it failed, or when a resume, which takes a moment to die, ended after it began. What a person cancelled stays so,
    and who is in quarantine without a job has been so rendered by a converge.
    """
    now = session.scalar(select(func.clock_timestamp()))
    held = Ip.hold_reason.is_not(None) & (Ip.hold_until > now) & (Ip.status != "retired")
    senders = {ip.hostname: ip for ip in session.scalars(select(Ip).where(or_(Ip.status == "quarantine", held)))}
    if not senders:
        return []
    due: dict[tuple[str, str], list[Ip]] = defaultdict(list)
    for name, made in _made(session, senders).items():
        if (reason := _not_in_force(made, now)) is not None:
            due[senders[name].mta, reason].append(senders[name])
    # A host that cannot be reached would make the others' fail with its own.
    for (_mta, reason), stopped in sorted(due.items()):
        halt(session, SWEEP, stopped, reason)
    return sorted(ip.hostname for stopped in due.values() for ip in stopped)


def _made(session: Session, names: Iterable[str]) -> dict[str, list[Job]]:
    """The engine's own stops and resumes of each, in their order."""
    wanted = set(names)
    own = select(Job).where(Job.kind.in_(("stop", "resume")), Job.arguments.contains({"by_engine": True}))
    found: dict[str, list[Job]] = defaultdict(list)
    for job in session.scalars(own.order_by(Job.number)):
        for name in wanted.intersection(job.arguments.get("senders", ())):
            found[name].append(job)
    return found


def _not_in_force(made: Sequence[Job], now: datetime) -> str | None:
    """The reason of the stop that has to be made again now."""
    stops = [job for job in made if job.kind == "stop"]
    resumes = [job for job in made if job.kind == "resume"]
    if not stops or stops[-1].state in ("queued", "running", "cancelled"):
        return None
    last = stops[-1]
    reason = last.arguments.get("reason", "")
    if last.state == "failed":
        failed = 0
        while failed < len(stops) and stops[-1 - failed].state == "failed":
            failed += 1
        wait = timedelta(minutes=min(2 ** min(failed - 1, 10), LONGEST))
        # A clock that was set back holds up nothing.
        return reason if abs(now - last.finished_at) >= wait else None
    if any(job.state in ("queued", "running") for job in resumes):
        return None
    undone = (job.finished_at for job in resumes if job.started_at is not None and job.finished_at is not None)
    return reason if any(moment > last.started_at for moment in undone) else None


def follow(session: Session, actor: Actor, ip: Ip, was: str, reason: str) -> Job:
    """What brings a person's move of a sender, whose status *was* another, to the hosts."""
    if ip.status == "quarantine" and was != "quarantine":
        return halt(session, actor, [ip], reason)[0]
    if was == "quarantine" and ip.status != "quarantine" and ip.hold_reason is None:
        return let_go(session, actor, ip, reason)
    return jobs.enqueue(session, actor, "converge", once=True)


def _late(session: Session, kind: str, names: Sequence[str]) -> list[Job]:
    """Jobs of the engine's own, not over yet, about any of the senders."""
    waiting = select(Job).where(
        Job.kind == kind, Job.state.in_(("queued", "running")), Job.arguments.contains({"by_engine": True})
    )
    found = session.scalars(waiting.order_by(Job.number)).all()
    return [job for job in found if set(names) & set(job.arguments.get("senders", ()))]
