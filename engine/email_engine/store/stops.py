# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops: of a sender, a tenant, everything. Always allowed, never undone by anything but a resume.

What is asked again is done again: the change is none, but the job that brings it to the hosts may have failed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from . import campaigns, holds, jobs, lifecycle
from .audit import Actor, record
from .fleet import HELD
from .models import FleetState, Ip, Job, Tenant


class Stopped(NamedTuple):
    """changed: false when it was so already. job: what does it on the hosts."""

    changed: bool
    job: Job


def sender(session: Session, actor: Actor, ip: Ip, paused: bool, reason: str) -> Stopped:
    """A pause keeps the reason with the sender; a resume clears what was given."""
    # Of two at once the second one waits, and is not told that it is too late.
    ip = lifecycle.lock(session, ip.id)
    changed = ip.paused != paused
    if changed:
        before, ip.reasons = list(ip.reasons), [reason] if paused else []
        ip.paused = paused
        _say(session, actor, paused, f"sender {ip.hostname}", ip.tenant_id, reason, reasons=(before, ip.reasons))
    if not paused:
        # Who decides that it goes on decides over the engine's hold, too; a listing needs its release.
        changed = holds.end(session, actor, ip, reason) or changed
    else:
        campaigns.stop(session, actor, Ip.id == ip.id, reason)
    job = _on_the_hosts(session, actor, paused, {"senders": [ip.hostname]}, ip.tenant_id, ip.hostname, reason)
    return Stopped(changed, job)


def tenant(session: Session, actor: Actor, found: Tenant, paused: bool, reason: str) -> Stopped:
    session.refresh(found, with_for_update=HELD)
    changed = found.paused != paused
    if changed:
        found.paused = paused
        _say(session, actor, paused, f"tenant {found.name}", found.id, reason)
    if paused:
        campaigns.stop(session, actor, Ip.tenant_id == found.id, reason)
    return Stopped(changed, _on_the_hosts(session, actor, paused, {"tenant": found.name}, found.id, found.name, reason))


def everything(session: Session, actor: Actor, paused: bool, reason: str) -> Stopped:
    # Locked also where nothing changes: stops of the same come one after the other.
    before = session.scalars(select(FleetState.paused).with_for_update(**HELD)).one()
    changed = before != paused
    if changed:
        session.execute(update(FleetState).values(paused=paused, revision=FleetState.revision + 1))
        _say(session, actor, paused, "everything", None, reason)
    if paused:
        campaigns.stop(session, actor, None, reason)
    return Stopped(changed, _on_the_hosts(session, actor, paused, {"everything": True}, None, "everything", reason))


def _say(
    session: Session,
    actor: Actor,
    paused: bool,
    target: str,
    tenant_id: int | None,
    reason: str,
    **more: tuple[Any, Any],
) -> None:
    """more: what else changed, as (before, after)."""
    record(
        session,
        actor,
        "paused" if paused else "resumed",
        target,
        tenant_id=tenant_id,
        reason=reason,
        before={"paused": not paused, **{name: values[0] for name, values in more.items()}},
        after={"paused": paused, **{name: values[1] for name, values in more.items()}},
    )


def _on_the_hosts(
    session: Session,
    actor: Actor,
    paused: bool,
    target: dict[str, Any],
    tenant_id: int | None,
    subject: str,
    reason: str,
) -> Job:
    """A stop acts at once and waits for no converge, which follows and renders it; a resume comes in its turn."""
    kind, other = ("stop", "resume") if paused else ("resume", "stop")
    # One that is still on its way would undo this one when it arrives.
    late = select(Job).where(Job.kind == other, Job.state.in_(("queued", "running")), Job.arguments.contains(target))
    late = late.where(~Job.arguments.contains({"by_engine": True}))  # the engine's own is another stop (`halts`)
    for job in session.scalars(late.order_by(Job.number)).all():
        jobs.cancel(session, actor, job)
    about = {"tenant_id": tenant_id, "subject": subject, "arguments": {**target, "reason": reason}}
    wanted = jobs.enqueue(session, actor, kind, once=True, **about)
    if paused:
        jobs.enqueue(session, actor, "converge", once=True)
    return wanted
