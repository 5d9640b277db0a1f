# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop a tenant, or everything; and let go on."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from email_engine.api import stops as api
from email_engine.api.deps import Transaction
from email_engine.store import overview

from . import done
from .render import page
from .session import FORM, Admin, Seen

router = APIRouter(prefix="/stop")
Why = Annotated[api.Why, Form()]


@router.get("")
def stop(request: Request, session: Transaction, visit: Seen) -> Response:
    return page(
        request,
        "stop.html",
        visit,
        tenants=overview.tenants(session, visit.key.tenant_id),
        everything=overview.everything_paused(session),
        said=done.said(request),
    )


@router.post("/everything/pause", dependencies=FORM)
def pause_everything(why: Why, session: Transaction, visit: Admin) -> Response:
    return done.stopped("/stop", api.pause_everything(why, visit.key, session))


@router.post("/everything/resume", dependencies=FORM)
def resume_everything(why: Why, session: Transaction, visit: Admin) -> Response:
    return done.stopped("/stop", api.resume_everything(why, visit.key, session))


@router.post("/tenants/{name}/pause", dependencies=FORM)
def pause_tenant(name: str, why: Why, session: Transaction, visit: Seen) -> Response:
    return done.stopped("/stop", api.pause_tenant(name, why, visit.key, session))


@router.post("/tenants/{name}/resume", dependencies=FORM)
def resume_tenant(name: str, why: Why, session: Transaction, visit: Admin) -> Response:
    return done.stopped("/stop", api.resume_tenant(name, why, visit.key, session))
