# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is it there, and can it work."""

from __future__ import annotations

from functools import cache

from alembic.script import ScriptDirectory
from fastapi import APIRouter, Request
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from email_engine.store import migrations

from .errors import Refusal

router = APIRouter(tags=["health"])
_TITLE = "The engine cannot work now"


@cache
def _wanted() -> str | None:
    return ScriptDirectory(str(migrations.HERE)).get_current_head()


# async: answered by the loop itself, even when every thread waits for a database that hangs.
@router.get("/health", summary="The process answers")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@router.get(
    "/ready", summary="The database answers and has this version's tables; without Redis it is ready, and slower"
)
def ready(request: Request) -> dict[str, str]:
    try:
        with request.app.state.sessions() as session:
            found = session.scalar(text("SELECT version_num FROM alembic_version"))
    except ProgrammingError:
        found = None
    except (OperationalError, PoolTimeout) as fault:
        raise Refusal(
            503, _TITLE, "the database does not answer: is PostgreSQL running (systemctl status postgresql)?"
        ) from fault
    if found != _wanted():
        what = f"its tables are of version {found}, this program's are {_wanted()}: run site.yml, which migrates them"
        raise Refusal(503, _TITLE, what)
    try:
        request.app.state.redis.ping()
    except RedisError:
        return {"status": "ok", "database": "ok", "redis": "does not answer: everything works, slower"}
    return {"status": "ok", "database": "ok", "redis": "ok"}
