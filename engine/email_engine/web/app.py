# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page as an application of its own, behind the API's: what the API has no route for, this one answers."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import State

from email_engine.api import errors

from . import alerts, campaigns, fleet, incidents, jobs, login, render, stops
from .session import LoginNeeded

# No script, style or form of anybody else's, and none within the page: what is injected does nothing.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
FOR_EVER = "public, max-age=31536000, immutable"


def create_web(state: State) -> FastAPI:
    """state: of the API's application: settings, sessions, Redis."""
    web = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    web.state = state
    errors.install(web)
    web.mount("/static", StaticFiles(directory=render.STATIC))
    for part in (login, fleet, campaigns, stops, incidents, alerts, jobs):
        web.include_router(part.router)

    @web.exception_handler(LoginNeeded)
    def ask(request: Request, _fault: LoginNeeded) -> Response:
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        after = f"?after={quote(wanted, safe='')}" if request.method == "GET" and wanted != "/" else ""
        return RedirectResponse(f"/login{after}", 303)

    @web.middleware("http")
    async def dress(request: Request, go_on: Any) -> Response:
        """Headers for every page; a problem document becomes a page, except below /api, where programs read it."""
        answer = await go_on(request)
        if answer.headers.get("content-type") == errors.MEDIA_TYPE and not request.url.path.startswith("/api/"):
            problem = json.loads(b"".join([part async for part in answer.body_iterator]))
            kept = {name: value for name, value in answer.headers.items() if name in ("retry-after", "allow")}
            answer = render.page(request, "problem.html", None, problem["status"], problem=problem)
            answer.headers.update(kept)
        answer.headers.update(HEADERS)
        good = answer.status_code == 200 and request.url.path.startswith("/static/")
        answer.headers["Cache-Control"] = FOR_EVER if good else "no-store"
        return answer

    return web
