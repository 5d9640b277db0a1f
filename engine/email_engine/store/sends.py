# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many messages senders handed to receivers, as far as PowerMTA's accounting has been reported."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, func, select, text
from sqlalchemy.orm import Session

from . import accounting
from .models import Ip, SentHour, Tenant

# Hours are reported whole, so the running one and the one before it count as the last.
_DAY = text("date_trunc('day', now(), 'UTC')")
_HOUR = text("date_trunc('hour', now(), 'UTC') - interval '1 hour'")


def _sums(session: Session, tenant: str, start: Any, *sums: Any) -> Sequence[Row[Any]]:
    """Rows of name and sums, of the senders that handed anything on since *start*."""
    # Not joined: the planner would not know that it is one tenant, and read the hours and senders of all.
    number = select(Tenant.id).where(Tenant.name == tenant).scalar_subquery()
    return session.execute(
        select(Ip.hostname, *sums)
        .join(Ip, Ip.id == SentHour.ip_id)
        .where(SentHour.tenant_id == number, Ip.tenant_id == number, SentHour.hour >= start)
        .group_by(Ip.hostname)
    ).all()


def today(session: Session, tenant: str) -> dict[str, int]:
    """By sender, since midnight UTC. Who is missing handed on nothing, or is not known; a choice takes both for nothing."""
    return {name: int(sent) for name, sent in _sums(session, tenant, _DAY, func.sum(SentHour.sent))}


def today_and_last_hour(session: Session, tenant: str) -> tuple[dict[str, int], dict[str, int]]:
    """Both at once, each by sender."""
    of = [func.coalesce(func.sum(SentHour.sent).filter(SentHour.hour >= start), 0) for start in (_DAY, _HOUR)]
    rows = _sums(session, tenant, func.least(_DAY, _HOUR), *of)
    return {row[0]: int(row[1]) for row in rows}, {row[0]: int(row[2]) for row in rows}


def known_today(session: Session, ip_ids: Collection[int]) -> dict[int, int]:
    """By id, since midnight UTC. Of whom nothing is known is absent: nothing was reported of it, and its MTA was not read today."""
    wanted = select(SentHour.ip_id, func.sum(SentHour.sent)).where(SentHour.ip_id.in_(ip_ids), SentHour.hour >= _DAY)
    sent = {number: int(count) for number, count in session.execute(wanted.group_by(SentHour.ip_id))}
    read = select(Ip.id).where(Ip.id.in_(ip_ids), Ip.mta.in_(accounting.collected(session)))
    return {**dict.fromkeys(session.scalars(read), 0), **sent}
