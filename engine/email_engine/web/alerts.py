# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts: open ones, the worst first; those that are over, the newest first."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import case

from email_engine.api.alerts import seen_by
from email_engine.api.deps import Transaction
from email_engine.store.alerts import OF_SENDERS
from email_engine.store.models import ALERT_SEVERITIES, Alert

from .render import page
from .session import Seen

router = APIRouter(prefix="/alerts")
ROWS = 50
_WORST = case({name: number for number, name in enumerate(ALERT_SEVERITIES)}, value=Alert.severity)


@router.get("")
def alerts(
    request: Request,
    session: Transaction,
    visit: Seen,
    closed: bool = False,
    number: Annotated[int, Query(alias="page", ge=1, le=10**6)] = 1,
) -> Response:
    wanted = seen_by(visit.key)
    if closed:
        wanted = wanted.where(Alert.closed_at.isnot(None)).order_by(Alert.closed_at.desc(), Alert.id.desc())
    else:
        wanted = wanted.where(Alert.closed_at.is_(None)).order_by(_WORST, Alert.id)
    found = session.execute(wanted.offset((number - 1) * ROWS).limit(ROWS + 1)).all()
    return page(
        request,
        "alerts.html",
        visit,
        alerts=[(one, tenant, _sender(one)) for one, tenant in found[:ROWS]],
        more=len(found) > ROWS,
        number=number,
        closed=closed,
    )


def _sender(alert: Alert) -> str | None:
    return alert.key.partition("/")[2] if alert.kind in OF_SENDERS else None
