# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops that the engine makes by itself, as jobs. On the hosts they stand beside a person's, and are lifted apart from it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from . import jobs
from .audit import Actor
from .models import Ip, Job


def halt(session: Session, actor: Actor, senders: Sequence[Ip], reason: str) -> list[Job]:
    """Stop them at once, all in one job: it runs beside a converge, and one that follows renders what is stored. The jobs of both."""
    if not senders:
        return []
    names = sorted(ip.hostname for ip in senders)
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
