# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the accounting of the MTAs says: reported by collections, read by people. And signals that others feed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import func, select

from email_engine.settings import Settings
from email_engine.store import accounting, signals
from email_engine.store.models import AccountingDay, Ip, Tenant

from . import finding
from .deps import Admin, Caller, Transaction, settings
from .errors import Refusal

router = APIRouter(tags=["accounting"])
Name = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[^\x00]+$")]
#: Of a provider or a bounce category: a word.
Word = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]
Count = Annotated[int, Field(ge=0, le=2**53)]
# Days that PostgreSQL and the mail have in common.
Seconds = Annotated[int, Field(ge=0, le=4 * 10**9)]
Told = Annotated[str, Field(max_length=1000, pattern=r"^[^\x00]*$")]
LONGEST = 100


class Cursor(BaseModel):
    """How far a file was counted. identity: of what it begins with; anchor: of what stands before the position."""

    identity: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    name: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00/]+$")]
    position: Count
    anchor: Annotated[str, Field(pattern=r"^[0-9a-f]{32}\.[0-9]{1,16}$")]


class Former(BaseModel):
    name: str
    vmta: str
    domain: str
    ip: str


class Known(BaseModel):
    """former: senders that left this MTA, or were called otherwise there, whose last rows may still come; the latest first. tracked: senders
    in warm-up, whose recipients are told one by one; salt: key of their hashes."""

    cursors: list[Cursor]
    former: list[Former]
    tracked: list[str]
    salt: str


class File(Cursor):
    """start: the position as it was. rows, bad_rows: between the two."""

    start: Count
    rows: Count
    bad_rows: Count


class Sum(BaseModel):
    """complaints: null where no report came, which is not 0."""

    sender: Name
    provider: Word
    day: date
    attempts: Count
    delivered: Count
    deferred: Count
    bounced: Count
    bounces: dict[Word, Count] = {}
    complaints: Count | None = None


Sighting = tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")], Seconds, Seconds | None]


class Collected(BaseModel):
    """What pmta_accounting read. hours: sender, hour, attempts. recipients: by sender key, first attempt and delivery, in seconds since
    1970. complete: everything was counted that was there at that time. left: of the problems those about what is there and was not."""

    mta: Name
    collected_at: AwareDatetime
    complete: bool
    files: Annotated[list[File], Field(max_length=10_000)]
    days: Annotated[list[Sum], Field(max_length=200_000)]
    hours: Annotated[list[tuple[Name, AwareDatetime, Count]], Field(max_length=1_000_000)]
    recipients: dict[Name, Annotated[list[Sighting], Field(max_length=1_000_000)]] = {}
    strays: Annotated[dict[Told, Count], Field(max_length=1000)] = {}
    gaps: Annotated[list[Told], Field(max_length=10_000)] = []
    problems: Annotated[list[Told], Field(max_length=10_000)] = []
    left: Annotated[list[Told], Field(max_length=10_000)] = []


class Counted(BaseModel):
    """unknown: names that no sender of this MTA has. overshot: senders stopped until midnight UTC, because they handed over more than
    their quota."""

    rows: int
    unknown: list[str]
    overshot: list[str]


class Feed(BaseModel):
    """Of one sender, provider and day, as its source has counted so far. Said again, it replaces itself."""

    signal: Literal["complaints", "opens", "clicks"]
    sender: Name
    provider: Word
    day: date
    count: Annotated[int, Field(ge=0, le=2**53)]
    seen_at: AwareDatetime


class Heard(BaseModel):
    unknown: list[str]


class Shown(BaseModel):
    """A sender's day, UTC. bounces: by category, those of expired and undeliverable mail among them; bounced: refused for good by the
    recipient's fault. complaints, opens, clicks: null where there is no data."""

    sender: str
    tenant: str
    day: date
    provider: str
    attempts: int
    delivered: int
    deferred: int
    bounced: int
    bounces: dict[str, int]
    complaints: int | None
    opens: int | None
    clicks: int | None


class State(BaseModel):
    signal: str
    provider: str
    state: Literal["fed", "silent", "not_available"]


@router.get("/accounting/cursors", summary="How far the accounting files of an MTA were counted")
def cursors(
    mta: Annotated[str, Query(min_length=1, max_length=253, pattern=r"^[^\x00]+$")],
    _key: Admin,
    session: Transaction,
    known: Annotated[Settings, Depends(settings)],
) -> Known:
    return Known(
        cursors=[
            Cursor(identity=one.identity, name=one.name, position=one.position, anchor=one.anchor)
            for one in accounting.cursors(session, mta)
        ],
        former=[Former(**one) for one in accounting.former(session, mta)],
        tracked=accounting.followed(session, mta),
        salt=accounting.salt(known.key_pepper.get_secret_value(), mta),
    )


@router.post(
    "/accounting",
    summary="Report what was read of an MTA's accounting files; counted whole or not at all",
    responses={409: {"description": "A file was counted from elsewhere: ask for the cursors again"}},
)
def report(given: Collected, key: Admin, session: Transaction) -> Counted:
    told = accounting.Report(
        given.mta,
        given.collected_at,
        given.complete and not given.left,
        [accounting.File(**one.model_dump()) for one in given.files],
        [accounting.Sum(**one.model_dump()) for one in given.days],
        given.hours,
        {
            sender: [(bytes.fromhex(number), first, delivered) for number, first, delivered in seen]
            for sender, seen in given.recipients.items()
        },
        given.strays,
        given.gaps,
        given.problems,
        given.left,
    )
    try:
        taken = accounting.take(session, key.actor, told)
    except accounting.Elsewhere as why:
        detail = f"{why}. Nothing was counted: ask for the cursors again and read on from there."
        raise Refusal(409, "Counted from elsewhere", detail) from why
    return Counted(rows=taken.rows, unknown=taken.unknown, overshot=taken.overshot)


@router.get("/accounting", summary="The sums per sender, day and provider")
def read(
    key: Caller,
    session: Transaction,
    sender: Annotated[str | None, Query(max_length=253, pattern=r"^[^\x00]*$")] = None,
    since: date | None = None,
    until: date | None = None,
) -> list[Shown]:
    """The last seven days unless said otherwise."""
    today: date = session.scalars(select(func.date(func.timezone("UTC", func.now())))).one()
    last = until or today
    first = since or (last - timedelta(days=6) if last > date.min + timedelta(days=6) else last)
    if (last - first).days >= LONGEST:
        raise Refusal(422, "The request is not valid", f"query.since: at most {LONGEST} days at once")
    wanted = (
        select(AccountingDay, Ip.hostname, Tenant.name)
        .join(Ip, Ip.id == AccountingDay.ip_id)
        .join(Tenant, Tenant.id == AccountingDay.tenant_id)
        .where(AccountingDay.day.between(first, last))
        .order_by(Ip.hostname, AccountingDay.day, AccountingDay.provider)
    )
    if sender is not None:
        wanted = wanted.where(AccountingDay.ip_id == finding.sender(session, key, sender).id)
    if key.tenant_id is not None:
        wanted = wanted.where(AccountingDay.tenant_id == key.tenant_id)
    return [_shown(*row) for row in session.execute(wanted)]


def _shown(row: AccountingDay, sender: str, tenant: str) -> Shown:
    same: dict[str, Any] = {name: getattr(row, name) for name in Shown.model_fields if name not in ("sender", "tenant")}
    return Shown(sender=sender, tenant=tenant, **same)


@router.post("/signals", summary="Report complaints, opens or clicks of a feed; said again, it changes nothing")
def feed(given: Annotated[list[Feed], Field(max_length=50_000)], key: Admin, session: Transaction) -> Heard:
    counts = [signals.Count(**one.model_dump()) for one in given]
    return Heard(unknown=signals.feed(session, key.actor, counts))


@router.get("/signals", summary="Which signals are fed, which fell silent, which are not to be had")
def states(_key: Caller, session: Transaction) -> list[State]:
    found = signals.states(session)
    return [State(signal=signal, provider=provider, state=state) for (signal, provider), state in found.items()]
