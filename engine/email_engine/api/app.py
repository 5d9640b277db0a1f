# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The application: routes of version 1, errors as problem documents."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from redis import Redis
from sqlalchemy.orm import sessionmaker

from email_engine.jobs import waking
from email_engine.metrics import counting
from email_engine.metrics import route as metrics
from email_engine.settings import Settings, load
from email_engine.store.connection import connect
from email_engine.web.app import create_web

from . import (
    access,
    accounting,
    again,
    alerts,
    audit,
    bodies,
    campaigns,
    checks,
    contacts,
    domains,
    errors,
    fleet,
    health,
    incidents,
    jobs,
    lists,
    mailing,
    mailwizz,
    membership,
    places,
    requests,
    select,
    senders,
    stops,
    templates,
    tenants,
    warmup,
)


def create_app(settings: Settings | None = None) -> FastAPI:
    known = settings or load()
    app = FastAPI(title="Email-Engine", version="1", docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json")
    engine = connect(known.database.get_secret_value(), known.database_connections)
    app.state.settings = known
    app.state.sessions = sessionmaker(engine, expire_on_commit=False)
    app.state.places = places.Places(known.database_connections, known.patience)
    app.state.whole_fleet = places.Places(1, known.patience)
    # For whoever needs a second transaction beside its own: from the same pool, all who hold one would wait for each other's second.
    app.state.aside = sessionmaker(connect(known.database.get_secret_value(), 2))
    waking.install(app.state.sessions, known.redis.get_secret_value())
    # Short: a Redis that is away must not hold up whoever can do without.
    app.state.redis = Redis.from_url(known.redis.get_secret_value(), socket_timeout=0.5, socket_connect_timeout=0.5)
    app.state.senders = {}
    # Who waits for a MailWizz holds a connection meanwhile.
    app.state.mailwizz = places.Places(mailing.AT_ONCE, known.patience)
    errors.install(app)
    mailing.install(app)
    app.add_middleware(bodies.Bodies)
    app.add_middleware(again.Again)
    app.add_middleware(counting.CountRequests)
    app.add_middleware(requests.Requests)
    app.include_router(health.router)
    app.include_router(metrics.router)
    version = APIRouter(prefix="/api/v1")
    for part in (
        fleet,
        senders,
        membership,
        tenants,
        mailwizz,
        contacts,
        lists,
        templates,
        domains,
        select,
        stops,
        incidents,
        alerts,
        checks,
        accounting,
        warmup,
        jobs,
        campaigns,
        audit,
        access,
    ):
        version.include_router(part.router)
    version.include_router(fleet.beside)
    app.include_router(version)
    app.router.default = create_web(app.state)
    return app
