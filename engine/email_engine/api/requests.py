# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every request gets: an ID that its answer and its log lines bear, one line when it is over, and a problem document even then
when nothing of this application foresaw what happened."""

from __future__ import annotations

import logging
import re
import secrets
import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from email_engine.routes import template

from .errors import problem

log = logging.getLogger(__name__)
_SANE = re.compile(rb"[A-Za-z0-9._-]{8,64}")
#: Asked every few seconds, and told only to who wants to know everything.
_QUIET = frozenset({"/health", "/ready", "/metrics"})


class Requests:
    """Outermost. Of a request its route is told, never path, query or body: they may hold anything."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin, status = time.perf_counter(), 0
        number = _request_id(scope)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=number)
        scope.setdefault("state", {})

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", number.encode())]
            await send(message)

        fault = None
        try:
            await self.app(scope, receive, tell)
        except Exception as caught:
            fault = caught
            if not status:
                detail = f"something went wrong that was not foreseen; the engine's log tells it under request {number}"
                await problem(500, "A fault of the engine", detail)(scope, receive, tell)
        route = template(scope)
        level = logging.ERROR if fault else logging.DEBUG if route in _QUIET else logging.INFO
        told = {"method": scope["method"], "route": route, "status": status, "key": scope["state"].get("key")}
        told["ms"] = round((time.perf_counter() - begin) * 1000, 1)
        log.log(level, "request", extra=told, exc_info=fault)


def _request_id(scope: Scope) -> str:
    """The caller's, when it is one, and no API key; it goes into logs and headers."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SANE.fullmatch(value) and not value.startswith(b"ee_"):
            return value.decode()
    return secrets.token_hex(8)
