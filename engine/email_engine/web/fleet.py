# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet at a glance, and one sender with its history."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.status import STATUSES
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.moves import BY_STATUS, PERSON
from email_engine.api import membership
from email_engine.api import stops as api
from email_engine.api.deps import Transaction
from email_engine.api.errors import Refusal
from email_engine.api.senders import Name
from email_engine.store import overview
from email_engine.store.models import Ip, Job, WarmupDay, WarmupPlan

from . import done
from .render import page
from .session import FORM, Admin, Seen, Visit

router = APIRouter()
ROWS = 50
DAYS = 14
Number = Annotated[int, Query(ge=1, le=2**63 - 1)]


@router.get("/")
def fleet(
    request: Request,
    session: Transaction,
    visit: Seen,
    tenant: Annotated[str, Query(max_length=200)] = "",
    status: Annotated[str, Query(max_length=20)] = "",
    text: Annotated[str, Query(max_length=200)] = "",
    attention: bool = False,
    number: Annotated[int, Query(alias="page", ge=1, le=10**6)] = 1,
) -> Response:
    mine = visit.key.tenant_id
    wanted = overview.Wanted(tenant, status, text.strip(), attention)
    senders, total = overview.senders(session, mine, wanted, (number - 1) * ROWS, ROWS)
    jobs = select(Job).where(Job.state.in_(("queued", "running"))).order_by(Job.number)
    if mine is not None:
        jobs = jobs.where(Job.tenant_id == mine)
    return page(
        request,
        "fleet.html",
        visit,
        senders=senders,
        total=total,
        number=number,
        pages=max(1, -(-total // ROWS)),
        counts=overview.counts(session, mine),
        everything=overview.everything_paused(session),
        tenants=[one for one, _senders in overview.tenants(session, mine)],
        jobs=session.scalars(jobs.limit(5)).all(),
        statuses=[one for one in STATUSES if one != "retired"],
        wanted=wanted,
        said=done.said(request),
    )


def _latest(session: Session, visit: Visit, name: str) -> Ip:
    """The sender of that name; when it is retired, still its history."""
    wanted = select(Ip).where(Ip.hostname == name)
    if visit.key.tenant_id is not None:
        wanted = wanted.where(Ip.tenant_id == visit.key.tenant_id)
    found = session.scalars(wanted.order_by(Ip.status == "retired", Ip.id.desc()).limit(1)).first()
    if found is None:
        raise Refusal(404, "No such sender", f"there is no sender {name}")
    return found


@router.get("/senders/{name}")
def sender(name: Name, request: Request, session: Transaction, visit: Seen, before: Number | None = None) -> Response:
    ip = _latest(session, visit, name)
    (seen,) = overview.look(session, [ip.id])
    plan = session.scalars(select(WarmupPlan).where(WarmupPlan.ip_id == ip.id)).first()
    days = select(WarmupDay).where(WarmupDay.plan_id == plan.id) if plan else None
    history = overview.history(session, visit.key.tenant_id, f"sender {name}", before, ROWS + 1)
    return page(
        request,
        "sender.html",
        visit,
        ip=ip,
        seen=seen,
        plan=plan,
        events=_events(ip),
        days=session.scalars(days.order_by(WarmupDay.date.desc()).limit(DAYS)).all() if plan else [],
        incidents=overview.incidents_of(session, ip.id, 20),
        history=history[:ROWS],
        older=history[ROWS - 1].id if len(history) > ROWS else None,
        said=done.said(request),
    )


def _events(ip: Ip) -> dict[str, str]:
    """What a person may have happen to it, if its conditions hold, and what status it has then."""
    moves = {event: move.target for event, move in BY_STATUS.get(ip.status, {}).items() if PERSON in move.by}
    return {event: target for event, target in moves.items() if event != "removed" or not ip.declared}


@router.post("/senders/{name}/move", dependencies=FORM)
def move(name: Name, moving: Annotated[membership.Moving, Form()], session: Transaction, visit: Admin) -> Response:
    return done.back(f"/senders/{name}", "moved", membership.move(name, moving, visit.key, session).job.id)


@router.post("/senders/{name}/pause", dependencies=FORM)
def pause(name: Name, why: Annotated[api.Why, Form()], session: Transaction, visit: Seen) -> Response:
    return done.stopped(f"/senders/{name}", api.pause_sender(name, why, visit.key, session))


@router.post("/senders/{name}/resume", dependencies=FORM)
def resume(name: Name, why: Annotated[api.Why, Form()], session: Transaction, visit: Admin) -> Response:
    return done.stopped(f"/senders/{name}", api.resume_sender(name, why, visit.key, session))
