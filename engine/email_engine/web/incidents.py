# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Incidents with their buttons: open ones, the oldest first; closed ones, the newest first."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response

from email_engine.api import finding
from email_engine.api import incidents as api
from email_engine.api.deps import Transaction
from email_engine.store import incidents as store
from email_engine.store.models import Incident, Ip, Tenant

from . import done
from .render import page
from .session import FORM, Seen

router = APIRouter(prefix="/incidents")
ROWS = 50


@router.get("")
def incidents(
    request: Request,
    session: Transaction,
    visit: Seen,
    closed: bool = False,
    number: Annotated[int, Query(alias="page", ge=1, le=10**6)] = 1,
) -> Response:
    wanted = (
        finding.incidents(visit.key)
        .add_columns(Tenant.name, Ip.hostname)
        .join(Tenant, Tenant.id == Incident.tenant_id)
        .outerjoin(Ip, Ip.id == Incident.ip_id)
        .where(Incident.closed_at.isnot(None) if closed else Incident.closed_at.is_(None))
        .order_by(Incident.id.desc() if closed else Incident.id)
    )
    found = session.execute(wanted.offset((number - 1) * ROWS).limit(ROWS + 1)).all()
    return page(
        request,
        "incidents.html",
        visit,
        incidents=found[:ROWS],
        more=len(found) > ROWS,
        number=number,
        closed=closed,
        of_admins=store.OF_ADMINS,
        said=done.said(request),
    )


@router.post("/{number}/acknowledge", dependencies=FORM)
def acknowledge(number: api.Number, session: Transaction, visit: Seen) -> Response:
    api.acknowledge(number, visit.key, session)
    return done.back("/incidents", "acknowledged")


@router.post("/{number}/close", dependencies=FORM)
def close(number: api.Number, closing: Annotated[api.Closing, Form()], session: Transaction, visit: Seen) -> Response:
    api.close(number, closing, visit.key, session)
    return done.back("/incidents", "closed")
