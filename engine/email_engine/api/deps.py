# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a route gets handed: settings, a transaction, the caller."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader
from sqlalchemy.orm import Session, sessionmaker

from email_engine.settings import Settings

from . import keys, limits
from .errors import Refusal

_header = APIKeyHeader(name="X-API-KEY", auto_error=False, description="ee_PREFIX_SECRET")


def settings(request: Request) -> Settings:
    return request.app.state.settings


async def place(request: Request) -> AsyncIterator[None]:
    async with request.app.state.places.one():
        yield


async def alone(request: Request) -> AsyncIterator[None]:
    async with request.app.state.whole_fleet.one():
        yield


#: Of a route that holds the whole fleet: its next one waits before it takes a connection, so that stops find one.
WHOLE_FLEET = [Depends(alone, scope="function")]


def transaction(request: Request, _place: Annotated[None, Depends(place, scope="function")]) -> Iterator[Session]:
    """One transaction a request: committed when the route returns, rolled back when it raises."""
    sessions: sessionmaker[Session] = request.app.state.sessions
    with sessions() as session, session.begin():
        yield session


# scope "function": committed before the answer leaves, so that who was told "done" can rely on it.
Transaction = Annotated[Session, Depends(transaction, scope="function")]


def caller(
    request: Request,
    session: Transaction,
    key: Annotated[str | None, Security(_header)],
    known: Annotated[Settings, Depends(settings)],
) -> keys.Caller:
    found = keys.find(session, known.key_pepper.get_secret_value(), key) if key else None
    if found is None:
        why = "unknown, expired or revoked" if key else "missing"
        raise Refusal(
            401, "No valid API key", f"the header X-API-KEY is {why}", {"WWW-Authenticate": 'ApiKey header="X-API-KEY"'}
        )
    request.state.key = found.name
    # Stops are counted by themselves: a key that chooses senders all day can still make one.
    who = f"stop-{found.key_id}" if request.url.path.endswith(":pause") else found.key_id
    limits.spend(request.app.state.redis, who, known.requests_per_minute)
    return found


Caller = Annotated[keys.Caller, Depends(caller)]


def admin(found: Caller) -> keys.Caller:
    if found.tenant_id is not None:
        raise Refusal(403, "Admins only", f"the key {found.name} is a tenant's; this takes an admin's")
    return found


Admin = Annotated[keys.Caller, Depends(admin)]
