# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""/metrics. Without a key: nginx lets only the listed addresses reach it."""

from __future__ import annotations

import os

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from . import SHARED, counting
from .fleet import Fleet

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
def metrics(request: Request) -> Response:
    registry = CollectorRegistry()
    registry.register(Fleet(request.app.state.sessions))
    if SHARED in os.environ:
        MultiProcessCollector(registry)
    else:
        registry.register(counting.REGISTRY)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
