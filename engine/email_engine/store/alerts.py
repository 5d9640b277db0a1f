# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits for a person, told again each day until somebody has acted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.decide import (
    Facts,
    alert_is_due,
    waits_for_person,
)

from .audit import Actor, record
from .models import AuditRow, Incident, Ip, Tenant

# Any number, always the same.
_ALERTING = 0x616C657274
SWEEP = Actor("sweep")


class Alert(NamedTuple):
    """target: "incident 7" or "sender mail1.example.com". tenant: its name. why: what has to be done."""

    target: str
    tenant: str
    why: str


def raise_due(session: Session, now: datetime | None = None) -> list[Alert]:
    """What is to be told now; it counts as told when the transaction commits. Of two who ask at once, one is told.

    now: the database's time unless given.
    """
    if not session.scalar(select(func.pg_try_advisory_xact_lock(_ALERTING))):
        return []
    moment = now or session.execute(select(func.now())).scalar_one()
    found = [*_incidents(session, moment), *_senders(session, moment)]
    session.flush()
    return found


def _incidents(session: Session, now: datetime) -> list[Alert]:
    rows = session.execute(
        select(Incident, Tenant.name)
        .join(Tenant, Tenant.id == Incident.tenant_id)
        .where(Incident.closed_at.is_(None))
        .order_by(Incident.id)
        .with_for_update(of=Incident)
    )
    due = []
    for incident, tenant in rows:
        if alert_is_due(incident.alerted_at, now):
            incident.alerted_at = now
            why = f"{incident.summary}: close it with its cause"
            due.append(_tell(session, Alert(f"incident {incident.id}", tenant, why), incident.tenant_id, now))
    return due


def _senders(session: Session, now: datetime) -> list[Alert]:
    """Those that wait without an open incident, which would have been told of."""
    told = func.max(AuditRow.evidence["told_at"].astext)
    rows = session.execute(
        select(Ip, Tenant.name)
        .join(Tenant, Tenant.id == Ip.tenant_id)
        .where(
            Ip.status == "quarantine",
            ~select(Incident.id).where(Incident.ip_id == Ip.id, Incident.closed_at.is_(None)).exists(),
        )
        .order_by(Ip.id)
    ).all()
    due = []
    for ip, tenant in rows:
        why = waits_for_person({"status": ip.status}, Facts(until=ip.until), now)
        if why is None:
            continue
        target = f"sender {ip.hostname}"
        mine = (AuditRow.tenant_id == ip.tenant_id, AuditRow.action == "alerted", AuditRow.target == target)
        last = session.scalar(select(told).where(*mine, AuditRow.at >= ip.status_changed_at))
        if alert_is_due(datetime.fromisoformat(last) if last else None, now):
            due.append(_tell(session, Alert(target, tenant, why), ip.tenant_id, now))
    return due


def _tell(session: Session, alert: Alert, tenant_id: int, now: datetime) -> Alert:
    # In one time zone, so that the latest text is the latest moment.
    evidence = {"told_at": now.astimezone(UTC).isoformat()}
    record(session, SWEEP, "alerted", alert.target, tenant_id=tenant_id, reason=alert.why, evidence=evidence)
    return alert
