# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last run of each check, and whether it saw anything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from .models import CheckRun


def keep(session: Session, name: str, at: datetime, state: str, detail: Mapping[str, Any]) -> None:
    """A run that is older than the one that is known says nothing about the last one."""
    statement = insert(CheckRun).values(name=name, at=at, state=state, detail=dict(detail))
    new = statement.excluded
    values = {"at": new.at, "state": new.state, "detail": new.detail}
    newer = CheckRun.at <= new.at
    session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values, where=newer))
