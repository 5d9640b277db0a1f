# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Incidents: what checks opened, and what a person did about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from email_engine.store import incidents
from email_engine.store.models import Incident, Ip, Tenant

from . import finding
from .deps import Caller, Transaction
from .errors import Refusal, WithoutSecrets
from .paging import After, Limit, Page, page
from .senders import TenantName

router = APIRouter(prefix="/incidents", tags=["incidents"])
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]


class Shown(BaseModel):
    """sender: null where it is about the whole tenant."""

    id: int
    tenant: str
    sender: str | None
    kind: str
    summary: str
    evidence: dict[str, Any]
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    closed_at: datetime | None
    closed_by: str | None
    cause: str | None


class Closing(BaseModel):
    """What was at fault; without it the same would happen again."""

    cause: Annotated[str, Field(min_length=3, max_length=1000), WithoutSecrets]


def _shown(session: Session, rows: Sequence[Incident]) -> list[Shown]:
    tenants = select(Tenant.id, Tenant.name).where(Tenant.id.in_({row.tenant_id for row in rows}))
    senders = select(Ip.id, Ip.hostname).where(Ip.id.in_({row.ip_id for row in rows}))
    tenant, sender = ({row.id: row[1] for row in session.execute(names)} for names in (tenants, senders))
    own = [name for name in Shown.model_fields if name not in ("tenant", "sender")]
    return [
        Shown(
            tenant=tenant[row.tenant_id],
            sender=sender.get(row.ip_id),
            **{name: getattr(row, name) for name in own},
        )
        for row in rows
    ]


@router.get("", summary="Incidents, open ones only unless asked")
def read_all(
    key: Caller,
    session: Transaction,
    closed: Annotated[bool, Query(description="Closed ones as well.")] = False,
    kind: Annotated[str | None, Query(max_length=100)] = None,
    sender: Annotated[str | None, Query(max_length=253, description="Only this sender's.")] = None,
    tenant: TenantName | None = None,
    limit: Limit = 100,
    after: After = 0,
) -> Page[Shown]:
    wanted = finding.incidents(key).where(Incident.id > after).order_by(Incident.id).limit(limit + 1)
    if not closed:
        wanted = wanted.where(Incident.closed_at.is_(None))
    if kind is not None:
        wanted = wanted.where(Incident.kind == kind)
    if sender is not None:
        # By name, so that the history of a retired one is found as well.
        wanted = wanted.where(Incident.ip_id.in_(select(Ip.id).where(Ip.hostname == sender)))
    if tenant is not None:
        wanted = wanted.where(Incident.tenant_id == finding.tenant(session, key, tenant).id)
    rows = session.scalars(wanted).all()
    shapes = dict(zip(rows, _shown(session, rows), strict=True))
    return Page(**page(rows, limit, shapes.__getitem__))


@router.post("/{number}:acknowledge", summary="Somebody looks after it")
def acknowledge(number: Number, key: Caller, session: Transaction) -> Shown:
    found = finding.incident(session, key, number)
    incidents.acknowledge(session, key.actor, key.name, found)
    return _shown(session, [found])[0]


@router.post("/{number}:close", summary="It is mended, and this was the cause")
def close(number: Number, closing: Closing, key: Caller, session: Transaction) -> Shown:
    found = finding.incident(session, key, number)
    if found.kind in incidents.OF_ADMINS and key.tenant_id is not None:
        raise Refusal(
            403,
            "Admins only",
            f"an incident of kind {found.kind} is what keeps the tenant's senders from going on: an admin closes it. Acknowledge it, and "
            "tell an admin the cause",
        )
    incidents.close(session, key.actor, key.name, found, closing.cause)
    if found.kind == incidents.LISTING:
        incidents.end_unasked(session, key.actor, found)
    return _shown(session, [found])[0]
