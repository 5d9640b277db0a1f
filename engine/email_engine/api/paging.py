# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of a list: ``limit`` rows after ``after``, which is the ``next`` of the page before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

Row = TypeVar("Row")

Limit = Annotated[int, Query(ge=1, le=500, description="Rows of a page.")]
# PostgreSQL's bigint.
After = Annotated[int, Query(ge=0, le=2**63 - 1, description="The `next` of the page before.")]


class Page(BaseModel, Generic[Row]):
    """next: for the page that follows; null on the last one."""

    items: list[Row]
    next: int | None


def page(rows: Sequence[Any], limit: int, shape: Callable[[Any], Any]) -> dict[str, Any]:
    """rows: one more than *limit* were asked for, in the order of their ids."""
    more = len(rows) > limit
    rows = rows[:limit]
    return {"items": [shape(row) for row in rows], "next": rows[-1].id if more else None}
