# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs, and one with its progress, which a small script brings up to date while it runs."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from email_engine.api.deps import Transaction
from email_engine.api.errors import Refusal
from email_engine.jobs.kinds import KINDS
from email_engine.store.models import Job, JobLine

from . import done
from .render import page
from .session import Seen, Visit

router = APIRouter(prefix="/jobs")
ROWS = 50
LINES = 500


def _mine(visit: Visit):
    wanted = select(Job)
    return wanted if visit.key.tenant_id is None else wanted.where(Job.tenant_id == visit.key.tenant_id)


def _job(session: Session, visit: Visit, number: uuid.UUID) -> Job:
    found = session.scalars(_mine(visit).where(Job.id == number)).first()
    if found is None:
        raise Refusal(404, "No such job", f"there is no job {number}")
    return found


@router.get("")
def jobs(
    request: Request,
    session: Transaction,
    visit: Seen,
    number: Annotated[int, Query(alias="page", ge=1, le=10**6)] = 1,
) -> Response:
    wanted = _mine(visit).order_by(Job.number.desc()).offset((number - 1) * ROWS).limit(ROWS + 1)
    found = session.scalars(wanted).all()
    return page(
        request, "jobs.html", visit, jobs=found[:ROWS], more=len(found) > ROWS, number=number, said=done.said(request)
    )


def _lines(session: Session, job: Job, after: int) -> list[JobLine]:
    """The first ones behind *after*; of the whole log the last ones."""
    wanted = select(JobLine).where(JobLine.job_id == job.id, JobLine.id > after).limit(LINES)
    if after:
        return list(session.scalars(wanted.order_by(JobLine.id)))
    return list(reversed(session.scalars(wanted.order_by(JobLine.id.desc())).all()))


@router.get("/{number}")
def job(number: uuid.UUID, request: Request, session: Transaction, visit: Seen) -> Response:
    found = _job(session, visit, number)
    lines = _lines(session, found, 0)
    return page(
        request,
        "job.html",
        visit,
        job=found,
        playbooks=KINDS[found.kind].playbooks,
        lines=lines,
        cut=len(lines) == LINES,
        said=done.said(request),
    )


@router.get("/{number}/live")
def live(
    number: uuid.UUID,
    request: Request,
    session: Transaction,
    visit: Seen,
    after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
) -> Response:
    """The parts of the page that change, for the script: the state, and the lines that came after the last one it has."""
    found = _job(session, visit, number)
    return page(
        request,
        "live.html",
        visit,
        job=found,
        playbooks=KINDS[found.kind].playbooks,
        lines=_lines(session, found, after) if after else _lines(session, found, 0),
    )
