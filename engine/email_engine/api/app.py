# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The application: routes of version 1, errors as problem documents."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from redis import Redis
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from email_engine.settings import Settings, load

from . import audit, errors, fleet, health, incidents, select, senders, stops


def create_app(settings: Settings | None = None) -> FastAPI:
    known = settings or load()
    app = FastAPI(title="Email-Engine", version="1", docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json")
    engine = create_engine(
        known.database.get_secret_value(), pool_size=known.database_connections, max_overflow=0, pool_pre_ping=True
    )
    app.state.settings = known
    app.state.sessions = sessionmaker(engine, expire_on_commit=False)
    # Short: a Redis that is away must not hold up whoever can do without.
    app.state.redis = Redis.from_url(known.redis.get_secret_value(), socket_timeout=0.5, socket_connect_timeout=0.5)
    app.state.senders = {}
    errors.install(app)
    app.include_router(health.router)
    version = APIRouter(prefix="/api/v1")
    for part in (fleet, senders, select, stops, incidents, audit):
        version.include_router(part.router)
    app.include_router(version)
    return app
