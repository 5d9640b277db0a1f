# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What checks report. The engine decides what follows."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from email_engine.store import checks, dnsbl, jobs
from email_engine.store.models import LIST_STATES, VERDICTS

from .deps import WHOLE_FLEET, Admin, Transaction

router = APIRouter(prefix="/checks", tags=["checks"])
#: What people read of a list's answer. One that is too long is cut: it must not keep the rest of the report out.
_MOST_WORDS = 1000
Words = Annotated[
    str,
    BeforeValidator(lambda text: text[:_MOST_WORDS] if isinstance(text, str) else text),
    Field(max_length=_MOST_WORDS),
]
EDGES = ("mta", "a", "ptr", "spf", "helo_spf", "dkim", "dmarc", "mx", "mail")


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


class Listing(BaseModel):
    """A list, and what its own test showed (RFC 5782). severity: the worst that its answers can mean."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    zone: Annotated[str, Field(max_length=253)]
    kind: Literal["ip", "domain"]
    state: Literal[LIST_STATES]  # type: ignore[valid-type]
    detail: Words | None = None
    severity: Literal["critical", "major", "minor", "configuration", "information"] = "information"


class Resolver(BaseModel):
    """blind: what it answers is not to be believed, and reasons say why."""

    verdict: Literal["healthy", "blind"]
    reasons: Annotated[list[Words], Field(max_length=100)] = []


class Verdict(BaseModel):
    """What a list said about an address or a domain of a sender. codes, meaning, severity: where it is listed."""

    list_: Annotated[str, Field(alias="list", min_length=1, max_length=100)]
    target: Annotated[str, Field(max_length=253)]
    verdict: Literal["listed", "clean", "unknown"]
    codes: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=100)] = []
    meaning: Words | None = None
    severity: Literal["critical", "major", "minor", "configuration", "information"] | None = None
    detail: Words | None = None


class Control(BaseModel):
    """What a list said about something that must not be listed. severity: where it is listed; what stops nobody says nothing here."""

    list_: Annotated[str, Field(alias="list", min_length=1, max_length=100)]
    target: Annotated[str, Field(max_length=253)]
    verdict: Literal["listed", "clean", "unknown"]
    severity: Literal["critical", "major", "minor", "configuration", "information"] | None = None


class AskedAbout(BaseModel):
    """A sender, and what the lists said about it."""

    name: Annotated[str, Field(min_length=1, max_length=253)]
    verdicts: Annotated[list[Verdict], Field(max_length=1000)]


class Lists(BaseModel):
    """A check of the blocklists. round: again, when the first one's answer said so; controls are then what must not be listed."""

    checked_at: AwareDatetime
    round: Literal["first", "again"] = "first"
    resolver: Resolver
    lists: Annotated[list[Listing], Field(max_length=1000)]
    controls: Annotated[list[Control], Field(max_length=10_000)] = []
    senders: Annotated[list[AskedAbout], Field(max_length=100_000)]


class Decided(BaseModel):
    """listed, cleared, stopped, started: names of senders. held: tenants. incidents: numbers of those that were opened. again: so many
    verdicts changed that nothing was done yet: check again at once, with controls, and report that as round `again`. distrusted: that
    was done, and the check is not believed. unknown: names no sender has. jobs: the stop first."""

    listed: list[str]
    cleared: list[str]
    stopped: list[str]
    started: list[str]
    held: list[str]
    incidents: list[int]
    again: bool
    distrusted: bool
    unknown: list[str]
    jobs: list[uuid.UUID]


@router.post("/dnsbl", dependencies=WHOLE_FLEET, summary="Report a check of the blocklists; who is listed stops by it")
def lists(report: Lists, key: Admin, session: Transaction) -> Decided:
    resolver = report.resolver
    given = dnsbl.Report(
        report.checked_at,
        report.round,
        None if resolver.verdict == "healthy" else "; ".join(resolver.reasons) or "its resolver cannot be believed",
        [dnsbl.Listing(one.name, one.zone, one.kind, one.state, one.detail, one.severity) for one in report.lists],
        [dnsbl.Control(one.list_, one.verdict, one.severity) for one in report.controls],
        {one.name: [_heard(verdict) for verdict in one.verdicts] for one in report.senders},
    )
    found = dnsbl.report(session, key.actor, given)
    told = {name: getattr(found, name) for name in Decided.model_fields if name != "jobs"}
    return Decided(**told, jobs=[job.id for job in found.jobs])


def _heard(one: Verdict) -> dnsbl.Heard:
    listed = one.verdict == "listed"
    # A list that says listed and not how bad is taken at its worst but one: it is looked at again before anything stops.
    severity = (one.severity or "major") if listed else None
    return dnsbl.Heard(
        one.list_, one.target, one.verdict, tuple(one.codes) if listed else (), severity, one.meaning, one.detail
    )
