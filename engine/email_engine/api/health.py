# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is it there, and can it work."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import text

from .deps import Transaction

router = APIRouter(tags=["health"])


@router.get("/health", summary="The process answers")
def health() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/ready", summary="The database answers")
def ready(session: Transaction) -> dict[str, str]:
    session.execute(text("SELECT 1"))
    return {"status": "ok"}
