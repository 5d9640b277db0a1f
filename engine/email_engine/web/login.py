# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In with an API key, and out."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from email_engine.api import keys, limits
from email_engine.api.deps import Transaction

from . import session as sessions
from .render import page
from .session import FORM, Visitor

router = APIRouter()
TRIES = 10


@router.get("/login")
def ask(request: Request, whose: Annotated[Visitor, Depends(sessions.visitor)], after: str = "/") -> Response:
    answer = page(request, "login.html", None, token=whose.token, after=sessions.local(after), fault=None)
    sessions.remember(request, answer, whose)
    return answer


@router.post("/login", dependencies=FORM)
def enter(
    request: Request,
    session: Transaction,
    whose: Annotated[Visitor, Depends(sessions.visitor)],
    key: Annotated[str, Form(max_length=200)] = "",
    after: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    known = request.app.state.settings
    where = request.client.host if request.client else "socket"
    limits.spend(request.app.state.redis, f"login-{where}", TRIES)
    pepper, key = known.key_pepper.get_secret_value(), key.strip()
    found = keys.find(session, pepper, key)
    if found is None:
        fault = "This key is unknown, expired or revoked."
        return page(request, "login.html", None, 401, token=whose.token, after=sessions.local(after), fault=fault)
    answer = RedirectResponse(sessions.local(after), 303)
    # A new token: the one before was seen by whoever was here before.
    sessions.remember(request, answer, Visitor(found.key_id, secrets.token_urlsafe(16), keys.digest(key, pepper)[:16]))
    return answer


@router.post("/logout", dependencies=FORM)
def leave() -> Response:
    answer = RedirectResponse("/login", 303)
    sessions.forget(answer)
    return answer
