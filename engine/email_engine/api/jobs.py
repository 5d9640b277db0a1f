# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: what runs, how far it is, what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from email_engine.jobs.kinds import KINDS
from email_engine.store import jobs
from email_engine.store.models import JOB_STATES, LANES, Job

from . import finding
from .deps import Admin, Caller, Transaction
from .errors import Refusal
from .keys import Caller as Key
from .once import Creating, Made
from .paging import After, Limit, Page, page

router = APIRouter(prefix="/jobs", tags=["jobs"])
#: Of progress and result, what a tenant sees: a playbook's hosts and tasks are everybody's.
_PROGRESS = ("step", "steps", "playbook", "done", "total")


class Asking(BaseModel):
    """What nobody's change asks for, but a person or a schedule may. senders: whom to check in the DNS or at the lists, by host name;
    null checks everybody."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["converge", "dns_check", "dnsbl_check", "collect", "warmup", "recheck"]
    senders: Annotated[list[Annotated[str, Field(max_length=253)]], Field(min_length=1, max_length=1000)] | None = None


class Shown(BaseModel):
    """progress: playbook `step` of `steps`, its task, and counts by host; of what is no playbook, `done` of `total`. result: hosts, changes
    and playbooks of all attempts so far, final once the job is over; null for a tenant, like the words of an error."""

    id: UUID
    number: int
    kind: str
    lane: str
    subject: str | None
    state: str
    arguments: dict[str, Any]
    progress: dict[str, Any]
    result: dict[str, Any] | None
    error: str | None
    attempts: int
    asked_by: str
    cancel_asked_by: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Line(BaseModel):
    """outcome: of a task on a host (ok, changed, failed, unreachable, skipped); null for other lines."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    step: int
    host: str | None
    task: str | None
    outcome: str | None
    text: str


def shown(job: Job, key: Key) -> Shown:
    """*job* as its caller may see it."""
    known = {name: getattr(job, name) for name in Shown.model_fields}
    if key.tenant_id is not None:
        known["progress"] = {name: job.progress[name] for name in _PROGRESS if name in job.progress}
        known["result"] = None
        known["error"] = job.error and "the job failed: its log is the operator's"
    return Shown(**known)


def mine(key: Key):
    wanted = select(Job)
    return wanted if key.tenant_id is None else wanted.where(Job.tenant_id == key.tenant_id)


def one(session: Session, key: Key, job: UUID) -> Job:
    found = session.scalars(mine(key).where(Job.id == job)).first()
    if found is None:
        raise Refusal(404, "No such job", f"there is no job {job}")
    return found


@router.get("", summary="Jobs, in the order in which they were asked for")
def read_all(
    key: Caller,
    session: Transaction,
    state: Literal[JOB_STATES] | None = None,  # type: ignore[valid-type]
    lane: Literal[LANES] | None = None,  # type: ignore[valid-type]
    limit: Limit = 100,
    after: After = 0,
) -> Page[Shown]:
    wanted = mine(key).where(Job.number > after).order_by(Job.number).limit(limit + 1)
    for column, value in ((Job.state, state), (Job.lane, lane)):
        if value is not None:
            wanted = wanted.where(column == value)
    rows = session.scalars(wanted).all()
    last = rows[limit - 1].number if len(rows) > limit else None
    return Page(items=[shown(job, key) for job in rows[:limit]], next=last)


@router.post(
    "", status_code=202, response_model=Shown, summary="Converge, or check, now; of the same work, what is queued"
)
def ask(given: Asking, key: Admin, session: Transaction, creating: Creating) -> Response:
    def make() -> Made:
        if given.senders is not None and "senders" not in KINDS[given.kind].variables:
            detail = f"body.senders: a {given.kind} is of the whole fleet; leave it out"
            raise Refusal(422, "The request is not valid", detail)
        names = [finding.sender(session, key, name).hostname for name in given.senders or ()]
        job = jobs.enqueue(session, key.actor, given.kind, arguments={"senders": names} if names else {}, once=True)
        session.refresh(job)
        return Made(202, shown(job, key), f"/api/v1/jobs/{job.id}")

    return creating(make)


@router.get("/{job}", summary="One job, with its progress")
def read(job: UUID, key: Caller, session: Transaction) -> Shown:
    return shown(one(session, key, job), key)


@router.get("/{job}/log", summary="What its playbooks said, after the line with the ID `after`")
def log(job: UUID, key: Admin, session: Transaction, limit: Limit = 100, after: After = 0) -> Page[Line]:
    found = one(session, key, job)
    rows = session.scalars(jobs.lines(found.id, after).limit(limit + 1)).all()
    return Page(**page(rows, limit, Line.model_validate))


@router.post("/{job}:cancel", summary="Take a job out of the queue, or stop the playbook it runs")
def cancel(job: UUID, key: Admin, session: Transaction) -> Shown:
    found = one(session, key, job)
    if not jobs.cancel(session, key.actor, found):
        raise Refusal(409, "The job is over", f"job {found.number} is {found.state} since {found.finished_at}")
    session.flush()
    session.refresh(found)
    return shown(found, key)
