# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as rows: the only truth about what is to be done, is being done, and was done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from email_engine.jobs.kinds import KINDS

from .audit import Actor, record
from .models import Job

#: In a session's info: the lanes that have new work once it commits.
WAKE = "lanes to wake"


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
    the answer. It is held until the commit, so it cannot begin before it either.
    """
    lane = lane or KINDS[kind].lane
    wanted = dict(arguments or {})
    session.info.setdefault(WAKE, set()).add(lane)
    if once:
        # Of two who ask for the same at once, the second one finds the first one's.
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"job {lane} {kind}", 0))))
        same = (Job.state == "queued", Job.lane == lane, Job.kind == kind, Job.arguments == wanted)
        found = session.scalars(select(Job).where(*same).order_by(Job.number).limit(1).with_for_update()).first()
        if found is not None:
            return found
    job = Job(kind=kind, lane=lane, tenant_id=tenant_id, subject=subject, arguments=wanted, asked_by=actor.name)
    session.add(job)
    session.flush()
    said = {"kind": kind, "lane": lane, "subject": subject, "arguments": wanted}
    record(session, actor, "queued", f"job {job.number}", tenant_id=tenant_id, after=said)
    return job
