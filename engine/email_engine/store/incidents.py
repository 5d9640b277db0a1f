# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person does about an incident. The caller has found it open, and locked it."""

from __future__ import annotations

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from .audit import Actor, record
from .models import Incident, Tenant
from .starts import HELD


def acknowledge(session: Session, actor: Actor, by: str, incident: Incident) -> bool:
    """Somebody, *by*, looks after it. Whether anything changed: the first one who says so counts."""
    if incident.acknowledged_at is not None:
        return False
    incident.acknowledged_at, incident.acknowledged_by = func.now(), by
    record(session, actor, "acknowledged", f"incident {incident.id}", tenant_id=incident.tenant_id)
    session.flush()
    session.refresh(incident)
    return True


def close(session: Session, actor: Actor, by: str, incident: Incident, cause: str) -> None:
    """It is mended, and *cause* was at fault."""
    incident.closed_at, incident.closed_by, incident.cause = func.now(), by, cause
    record(session, actor, "closed", f"incident {incident.id}", tenant_id=incident.tenant_id, reason=cause)
    if incident.kind == HELD:
        session.execute(update(Tenant).where(Tenant.id == incident.tenant_id).values(held_reason=None))
    session.flush()
    session.refresh(incident)
