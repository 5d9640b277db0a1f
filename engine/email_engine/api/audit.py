# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit log, newest last."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from email_engine.store.models import AuditRow

from .deps import Caller, Transaction
from .paging import After, Limit, Page, page

router = APIRouter(prefix="/audit", tags=["audit"])


class Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    actor: str
    action: str
    target: str
    reason: str | None
    evidence: dict[str, Any]
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@router.get("", summary="Who changed what, and why")
def read(key: Caller, session: Transaction, limit: Limit = 100, after: After = 0) -> Page[Shown]:
    wanted = select(AuditRow).where(AuditRow.id > after).order_by(AuditRow.id).limit(limit + 1)
    if key.tenant_id is not None:
        wanted = wanted.where(AuditRow.tenant_id == key.tenant_id)
    return Page(**page(session.scalars(wanted).all(), limit, Shown.model_validate))
