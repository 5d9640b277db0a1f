# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request that is sent twice acts once: its key is taken in the transaction that acts, so that a failure gives it free again."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from .models import IdempotencyKey


class Answered(NamedTuple):
    """request: digest of what was asked. answer: what was said."""

    request: str
    status: int
    answer: dict[str, Any]


def take(session: Session, api_key_id: int, key: str, request: str) -> Answered | None:
    """None when *key* is the caller's now; else the answer that the first request got. A second one waits here for the first to end."""
    mine = IdempotencyKey.api_key_id == api_key_id
    taken = insert(IdempotencyKey).values(api_key_id=api_key_id, key=key, request=request)
    taken = taken.on_conflict_do_nothing().returning(IdempotencyKey.key)
    if session.scalar(taken) is not None:
        return None
    row = session.execute(
        select(IdempotencyKey.request, IdempotencyKey.status, IdempotencyKey.answer).where(
            mine, IdempotencyKey.key == key
        )
    ).one()
    return Answered(*row)


def keep(session: Session, api_key_id: int, key: str, status: int, answer: dict[str, Any]) -> None:
    session.execute(
        update(IdempotencyKey)
        .where(IdempotencyKey.api_key_id == api_key_id, IdempotencyKey.key == key)
        .values(status=status, answer=answer)
    )
