# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What checks report. The engine decides what follows."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from email_engine.store import checks, jobs
from email_engine.store.models import VERDICTS

from .deps import WHOLE_FLEET, Admin, Transaction

router = APIRouter(prefix="/checks", tags=["checks"])
EDGES = ("a", "ptr", "spf", "helo_spf", "dkim", "dmarc", "mx")


class Edge(BaseModel):
    """One line of the identity graph. found, wanted: for people."""

    model_config = ConfigDict(extra="allow")

    verdict: Literal["ok", "wrong", "missing", "unknown"]
    wanted: Any = None
    found: Any = None
    server: str | None = None
    remedy: str | None = None


class Seen(BaseModel):
    """green: of all edges; unknown where any was not seen, and none is wrong."""

    name: Annotated[str, Field(min_length=1, max_length=253)]
    green: Literal[VERDICTS]  # type: ignore[valid-type]
    edges: dict[Literal[EDGES], Edge]  # type: ignore[valid-type]


class Report(BaseModel):
    checked_at: AwareDatetime
    senders: Annotated[list[Seen], Field(max_length=100_000)]


class Followed(BaseModel):
    """started: standby senders that begin their warm-up. job: the converge that lets them send. unknown: names no sender has."""

    started: list[str]
    job: uuid.UUID | None
    unknown: list[str]


@router.post("/dns", dependencies=WHOLE_FLEET, summary="Report a DNS check; a standby whose DNS is green starts by it")
def dns(report: Report, key: Admin, session: Transaction) -> Followed:
    seen = [checks.Seen(one.name, one.green, one.model_dump(mode="json")["edges"]) for one in report.senders]
    started, unknown = checks.dns(session, key.actor, report.checked_at, seen)
    job = jobs.enqueue(session, key.actor, "converge", once=True).id if started else None
    return Followed(started=started, job=job, unknown=unknown)
