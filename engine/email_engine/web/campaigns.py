# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Campaigns: who sends what, how far it is, why it stands still; with what a person may do about it."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response

from email_engine.api import campaigns as api
from email_engine.api.deps import Transaction
from email_engine.api.stops import Why
from email_engine.store.campaigns import LIVE
from email_engine.store.mail_models import Campaign

from . import done
from .render import page
from .session import FORM, Seen

router = APIRouter(prefix="/campaigns")
ROWS = 50


@router.get("")
def campaigns(
    request: Request,
    session: Transaction,
    visit: Seen,
    number: Annotated[int, Query(alias="page", ge=1, le=10**6)] = 1,
) -> Response:
    wanted = api.mine(visit.key).order_by(Campaign.number.desc()).offset((number - 1) * ROWS).limit(ROWS + 1)
    found = session.execute(wanted).all()
    return page(
        request,
        "campaigns.html",
        visit,
        campaigns=api.shown(session, found[:ROWS]),
        live=LIVE,
        more=len(found) > ROWS,
        number=number,
        said=done.said(request),
    )


@router.post("/{number}/pause", dependencies=FORM)
def pause(number: uuid.UUID, why: Annotated[Why, Form()], session: Transaction, visit: Seen) -> Response:
    return done.back("/campaigns", "paused", api.pause(number, why, visit.key, session).job.id)


@router.post("/{number}/resume", dependencies=FORM)
def resume(number: uuid.UUID, why: Annotated[Why, Form()], session: Transaction, visit: Seen) -> Response:
    return done.back("/campaigns", "resumed", api.resume(number, why, visit.key, session).job.id)


@router.post("/{number}/cancel", dependencies=FORM)
def cancel(number: uuid.UUID, why: Annotated[Why, Form()], session: Transaction, visit: Seen) -> Response:
    return done.back("/campaigns", "given-up", api.cancel(number, why, visit.key, session).job.id)
