# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests: how many, how long, by the template of the route, so that names in paths make no series."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from email_engine.routes import template

from .families import FAMILIES

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

disable_created_metrics()
#: This process's; with shared files they hold the same and that of the others.
REGISTRY = CollectorRegistry()
_COUNT, _DURATION = "email_engine_requests_total", "email_engine_request_duration_seconds"
_count = Counter(_COUNT, FAMILIES[_COUNT].meaning, FAMILIES[_COUNT].labels, registry=REGISTRY)
_duration = Histogram(
    _DURATION, FAMILIES[_DURATION].meaning, FAMILIES[_DURATION].labels, registry=REGISTRY, buckets=BUCKETS
)


class CountRequests:
    """ASGI middleware. What no route answers is counted as route "none"; a request that failed without an answer as status 500."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            method = scope["method"] if scope["method"] in METHODS else "other"
            route = template(scope) or "none"
            _count.labels(method, route, str(status)).inc()
            _duration.labels(method, route).observe(time.perf_counter() - began)
