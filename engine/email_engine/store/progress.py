# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far warm-ups are, for whoever looks. Read only; `warmup` decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.warmup.qualify import QUALIFIED, first_day

from .models import Ip, WarmupDay, WarmupPlan


def qualified(session: Session, ip_ids: Collection[int] | None = None) -> dict[int, int]:
    """Days that count for the present phase, by sender, of those in warm-up; None: of all."""
    plans = (
        select(WarmupPlan.id, WarmupPlan.ip_id, WarmupPlan.phase_changed_at)
        .join(Ip, Ip.id == WarmupPlan.ip_id)
        .where(Ip.status == "warming")
    )
    if ip_ids is not None:
        plans = plans.where(WarmupPlan.ip_id.in_(ip_ids))
    found = session.execute(plans).all()
    counts = Counter(dict.fromkeys((plan.ip_id for plan in found), 0))
    since = {plan.id: (plan.ip_id, first_day(plan.phase_changed_at)) for plan in found}
    days = (
        select(WarmupDay.plan_id, WarmupDay.date)
        .join(WarmupPlan, WarmupPlan.id == WarmupDay.plan_id)
        .join(Ip, Ip.id == WarmupPlan.ip_id)
        .where(
            Ip.status == "warming",
            WarmupDay.verdict == QUALIFIED,
            # One that had a smaller cap proves nothing about this one.
            or_(WarmupDay.cap.is_(None), WarmupDay.cap >= Ip.daily_quota),
        )
    )
    for plan_id, day in session.execute(days):
        ip_id, first = since.get(plan_id, (None, None))
        if ip_id is not None and day >= first:
            counts[ip_id] += 1
    return dict(counts)
