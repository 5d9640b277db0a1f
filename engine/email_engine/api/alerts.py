# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts: what an operator was told about, and what to do."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel
from sqlalchemy import Select, select

from email_engine.store.models import ALERT_SEVERITIES, Alert, Tenant

from . import finding
from .deps import Caller, Transaction
from .keys import Caller as Key
from .paging import After, Limit, Page, page
from .senders import TenantName

router = APIRouter(prefix="/alerts", tags=["alerts"])


class Shown(BaseModel):
    """key: what it is about; of each there is one open alert at most. tenant: null for what admins alone see. told_at: when a person was
    last told of it; null, with an error, where nobody could be."""

    id: int
    key: str
    kind: str
    severity: Literal[ALERT_SEVERITIES]  # type: ignore[valid-type]
    tenant: str | None
    subject: str
    text: str
    remedy: str
    opened_at: datetime
    changed_at: datetime
    told_at: datetime | None
    closed_at: datetime | None
    error: str | None


def seen_by(key: Key) -> Select[tuple[Alert, str | None]]:
    """Those that the caller may see, with the tenant's name."""
    wanted = select(Alert, Tenant.name).outerjoin(Tenant, Tenant.id == Alert.tenant_id)
    return wanted if key.tenant_id is None else wanted.where(Alert.tenant_id == key.tenant_id)


def _shown(alert: Alert, tenant: str | None, key: Key) -> Shown:
    own = {name: getattr(alert, name) for name in Shown.model_fields if name not in ("tenant", "error")}
    # Why an operator's receiver did not take it is the operator's business.
    return Shown(**own, tenant=tenant, error=alert.error if key.tenant_id is None else None)


@router.get("", summary="Alerts, open ones only unless asked")
def read_all(
    key: Caller,
    session: Transaction,
    closed: Annotated[bool, Query(description="Those that are over as well.")] = False,
    kind: Annotated[str | None, Query(max_length=100)] = None,
    severity: Literal[ALERT_SEVERITIES] | None = None,  # type: ignore[valid-type]
    tenant: TenantName | None = None,
    limit: Limit = 100,
    after: After = 0,
) -> Page[Shown]:
    wanted = seen_by(key).where(Alert.id > after).order_by(Alert.id).limit(limit + 1)
    if not closed:
        wanted = wanted.where(Alert.closed_at.is_(None))
    if kind is not None:
        wanted = wanted.where(Alert.kind == kind)
    if severity is not None:
        wanted = wanted.where(Alert.severity == severity)
    if tenant is not None:
        wanted = wanted.where(Alert.tenant_id == finding.tenant(session, key, tenant).id)
    rows = session.execute(wanted).all()
    shapes = {alert.id: _shown(alert, name, key) for alert, name in rows}
    return Page(**page([alert for alert, _name in rows], limit, lambda alert: shapes[alert.id]))
