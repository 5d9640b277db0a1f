# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Incidents: what checks opened, and what a person did about it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from email_engine.store import incidents
from email_engine.store.models import Incident

from . import finding
from .deps import Caller, Transaction
from .paging import After, Limit, Page, page

router = APIRouter(prefix="/incidents", tags=["incidents"])
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]


class Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
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

    cause: Annotated[str, Field(min_length=3, max_length=1000)]


@router.get("", summary="Incidents, open ones only unless asked")
def read_all(
    key: Caller, session: Transaction, closed: bool = False, limit: Limit = 100, after: After = 0
) -> Page[Shown]:
    wanted = finding.incidents(key).where(Incident.id > after).order_by(Incident.id).limit(limit + 1)
    if not closed:
        wanted = wanted.where(Incident.closed_at.is_(None))
    return Page(**page(session.scalars(wanted).all(), limit, Shown.model_validate))


@router.post("/{number}:acknowledge", summary="Somebody looks after it")
def acknowledge(number: Number, key: Caller, session: Transaction) -> Shown:
    found = finding.incident(session, key, number)
    incidents.acknowledge(session, key.actor, key.name, found)
    return Shown.model_validate(found)


@router.post("/{number}:close", summary="It is mended, and this was the cause")
def close(number: Number, closing: Closing, key: Caller, session: Transaction) -> Shown:
    found = finding.incident(session, key, number)
    incidents.close(session, key.actor, key.name, found, closing.cause)
    return Shown.model_validate(found)
