# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many messages senders handed to receivers, as far as PowerMTA's accounting has been reported."""

from __future__ import annotations

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from .models import Ip, SentHour, Tenant


def _since(session: Session, tenant: str, start) -> dict[str, int]:
    rows = session.execute(
        select(Ip.hostname, func.sum(SentHour.sent))
        .join(Ip, Ip.id == SentHour.ip_id)
        # Not joined: the planner would not know that it is one tenant, and read the hours of all.
        .where(
            SentHour.tenant_id == select(Tenant.id).where(Tenant.name == tenant).scalar_subquery(),
            SentHour.hour >= start,
        )
        .group_by(Ip.hostname)
    )
    return {name: int(sent) for name, sent in rows}


def today(session: Session, tenant: str) -> dict[str, int]:
    """By sender, since midnight UTC."""
    return _since(session, tenant, text("date_trunc('day', now(), 'UTC')"))


def last_hour(session: Session, tenant: str) -> dict[str, int]:
    """By sender; whole hours are reported, so the running one and the one before it count."""
    return _since(session, tenant, text("date_trunc('hour', now()) - interval '1 hour'"))
