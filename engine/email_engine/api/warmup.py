# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The warm-up: closing a day, and what is known of each sender's."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select

from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError
from email_engine.store import warmup
from email_engine.store.models import Ip, Tenant, WarmupDay, WarmupPlan

from .deps import WHOLE_FLEET, Admin, Caller, Transaction
from .errors import Refusal
from .paging import After, Limit, Page, page

router = APIRouter(prefix="/warmup", tags=["warmup"])
#: Days of each sender that are shown.
SHOWN = 14


class Asked(BaseModel):
    """day: the last one to close, UTC; yesterday where left out."""

    model_config = ConfigDict(extra="forbid")

    day: date | None = None


class Decided(BaseModel):
    """decision: nothing, wait, hold, advance, grow, finish, rest, rested, step back, restart, down or retire. daily_quota, phase: from now
    on. evidence: the numbers behind it."""

    name: str
    decision: str
    changed: bool
    status: str
    phase: str | None
    daily_quota: int
    reasons: list[str]
    evidence: dict[str, Any]


class Closed(BaseModel):
    """senders: those that had a day to close. job: the converge that brings it to the hosts; null where no sender changed."""

    day: date
    senders: list[Decided]
    job: uuid.UUID | None


class Day(BaseModel):
    """What a sender did on a day. cap: its quota then. verdict: qualified, open (judged again), short, over (more than its cap),
    late or idle."""

    day: date
    cap: int | None
    first_attempts: int
    delivered_24h: int
    attempts: int
    bounced: int
    deferred: int
    verdict: str | None


class Rates(BaseModel):
    """Shares of the last days, of all providers together; null is "no data", or too few messages for a verdict."""

    bounce: float | None
    complaint: float | None
    open: float | None


class Shown(BaseModel):
    """The warm-up of a sender. qualifying, needed: days of the phase that count, and how many end it. hold: why it is not given more."""

    name: str
    tenant: str
    status: str
    phase: str | None
    daily_quota: int
    target: int
    started_at: datetime
    phase_changed_at: datetime
    closed_day: date | None
    until: datetime | None
    down_until: datetime | None
    qualifying: int | None
    needed: int | None
    rates: Rates
    hold: list[str]
    days: list[Day]


@router.post(
    "",
    dependencies=WHOLE_FLEET,
    summary="Close the day, and decide for each sender; a second run of the day changes nothing",
)
def close(asked: Asked, key: Admin, session: Transaction) -> Closed:
    now: datetime = session.execute(select(func.now())).scalar_one().astimezone(UTC)
    if asked.day is not None:
        if asked.day >= now.date():
            detail = f"body.day: {asked.day} is not over yet, UTC"
            raise Refusal(422, "The request is not valid", detail)
        # As the run of the night after that day would have been.
        now = datetime.combine(asked.day + timedelta(days=1), time(), UTC)
    try:
        closed = warmup.close_day(session, key.actor, now)
    except FleetError as fault:
        errors = [{"where": one.where, "what": one.what, "remedy": one.remedy} for one in fault.problems]
        raise Refusal(409, "The declared policy cannot be followed", str(fault), errors=errors) from fault
    return Closed(
        day=closed.day,
        job=closed.job.id if closed.job else None,
        senders=[
            Decided(
                name=one.ip.hostname,
                decision=one.decision.kind,
                changed=one.changed,
                status=one.ip.status,
                phase=one.ip.phase,
                daily_quota=one.ip.daily_quota,
                reasons=list(one.decision.reasons),
                evidence=dict(one.decision.evidence),
            )
            for one in closed.judged
        ],
    )


@router.get("", summary="The warm-up of each sender, with its days")
def read_all(key: Caller, session: Transaction, limit: Limit = 100, after: After = 0) -> Page[Shown]:
    wanted = (
        select(Ip, WarmupPlan, Tenant.name)
        .join(WarmupPlan, WarmupPlan.ip_id == Ip.id)
        .join(Tenant, Tenant.id == Ip.tenant_id)
        .where(Ip.status != "retired", Ip.id > after)
        .order_by(Ip.id)
        .limit(limit + 1)
    )
    if key.tenant_id is not None:
        wanted = wanted.where(Ip.tenant_id == key.tenant_id)
    rows = session.execute(wanted).all()
    today = session.execute(select(func.now())).scalar_one().astimezone(UTC).date()
    judged = warmup.look(session, [ip for ip, _, _ in rows], today)
    days: dict[int, list[WarmupDay]] = {}
    newest = select(WarmupDay).where(
        WarmupDay.plan_id.in_([plan.id for _, plan, _ in rows]), WarmupDay.date >= today - timedelta(days=SHOWN)
    )
    for day in session.scalars(newest.order_by(WarmupDay.date)):
        days.setdefault(day.plan_id, []).append(day)
    shapes = {ip.id: _shown(ip, plan, tenant, judged.get(ip.id), days.get(plan.id, [])) for ip, plan, tenant in rows}
    return Page(**page([ip for ip, _, _ in rows], limit, lambda ip: shapes[ip.id]))


def _shown(ip: Ip, plan: WarmupPlan, tenant: str, judged: Any, days: list[WarmupDay]) -> Shown:
    evidence = judged.evidence if judged is not None else {}
    return Shown(
        name=ip.hostname,
        tenant=tenant,
        status=ip.status,
        phase=ip.phase,
        daily_quota=ip.daily_quota,
        target=plan.target_daily_quota,
        started_at=plan.started_at,
        phase_changed_at=plan.phase_changed_at,
        closed_day=plan.closed_day,
        until=ip.until,
        down_until=plan.down_until,
        qualifying=evidence.get("qualifying"),
        needed=evidence.get("needed"),
        rates=Rates(bounce=plan.bounce_rate_7d, complaint=plan.spam_rate_7d, open=plan.open_rate_7d),
        hold=list(judged.reasons) if judged is not None and judged.kind in ("hold", "wait") else [],
        days=[
            Day(
                day=day.date,
                cap=day.cap,
                first_attempts=day.first_attempts,
                delivered_24h=day.delivered_24h,
                attempts=day.sent,
                bounced=day.bounced,
                deferred=day.deferred,
                verdict=day.verdict,
            )
            for day in days
        ],
    )
