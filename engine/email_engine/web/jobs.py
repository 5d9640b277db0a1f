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

from email_engine.api import jobs as api
from email_engine.api.deps import Transaction
from email_engine.api.paging import After
from email_engine.jobs.kinds import KINDS
from email_engine.store.models import Job, JobLine

from . import done
from .render import page
from .session import FORM, Admin, Seen, Visit

router = APIRouter(prefix="/jobs")
ROWS = 50
LINES = 500


@router.get("")
def jobs(
    request: Request,
    session: Transaction,
    visit: Seen,
    number: Annotated[int, Query(alias="page", ge=1, le=10**6)] = 1,
) -> Response:
    wanted = api.mine(visit.key).order_by(Job.number.desc()).offset((number - 1) * ROWS).limit(ROWS + 1)
    found = session.scalars(wanted).all()
    return page(
        request,
        "jobs.html",
        visit,
        jobs=[api.shown(one, visit.key) for one in found[:ROWS]],
        more=len(found) > ROWS,
        number=number,
        said=done.said(request),
    )


def _lines(session: Session, visit: Visit, job: Job, after: int) -> list[JobLine]:
    """The first ones behind *after*; of the whole log the last ones. As in the API, none for a tenant."""
    if not visit.admin:
        return []
    wanted = select(JobLine).where(JobLine.job_id == job.id, JobLine.id > after).limit(LINES)
    if after:
        return list(session.scalars(wanted.order_by(JobLine.id)))
    return list(reversed(session.scalars(wanted.order_by(JobLine.id.desc())).all()))


def _page(request: Request, session: Session, visit: Visit, template: str, number: uuid.UUID, after: int) -> Response:
    found = api.one(session, visit.key, number)
    return page(
        request,
        template,
        visit,
        job=api.shown(found, visit.key),
        steps=len(KINDS[found.kind].steps),
        lines=_lines(session, visit, found, after),
        most=LINES,
        said=done.said(request),
    )


@router.get("/{number}")
def job(number: uuid.UUID, request: Request, session: Transaction, visit: Seen) -> Response:
    return _page(request, session, visit, "job.html", number, 0)


@router.get("/{number}/live")
def live(number: uuid.UUID, request: Request, session: Transaction, visit: Seen, after: After = 0) -> Response:
    """The parts of the page that change, for the script: the state, and the lines that came after the last one it has."""
    return _page(request, session, visit, "live.html", number, after)


@router.post("/{number}/cancel", dependencies=FORM)
def cancel(number: uuid.UUID, session: Transaction, visit: Admin) -> Response:
    api.cancel(number, visit.key, session)
    return done.back(f"/jobs/{number}", "cancelled")
