# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which receiver is to be told what: an outbox, worked out from what each of them knows of each alert.

`claim`, commit, send, `done`, commit. A claim lasts `LEASE`: of many workers one sends, and what one of them had claimed when it died
is sent by another one after that. At least once, therefore: a receiver is told twice where a worker died between sending and saying so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.decide import alert_is_due

from .models import Alert, AlertTelling, Tenant

LEASE = timedelta(seconds=120)
#: Between attempts: from the first pause on each is twice the one before.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
#: How long ago a critical alert may have ended of which a receiver was never to be told, and is told all the same.
MISSED = timedelta(days=1)
ENDED = ("over", "was")
#: So many and more are told in one message.
MANY, MOST = 6, 200
# Any number, always the same.
_TELLING = 0x74656C6C


class Message(NamedTuple):
    """what: new, changed, again (a day later, it is still so), over, or was (over before it was
    told). version: of the alert's text. attempts: this one included."""

    alert_id: int
    what: str
    key: str
    severity: str
    tenant: str | None
    subject: str
    text: str
    remedy: str
    opened_at: datetime
    closed_at: datetime | None
    version: datetime
    attempts: int


def claim(session: Session, receiver: str, now: datetime | None = None) -> list[Message]:
    """What the receiver is to be told next, in one message: one alert, or `MANY` and more. Empty: nothing, or somebody else is at it.

    now: the database's time unless given.
    """
    if not session.scalar(select(func.pg_try_advisory_xact_lock(_TELLING, func.hashtext(receiver)))):
        return []
    moment = now or session.execute(select(func.clock_timestamp())).scalar_one()
    known = and_(AlertTelling.alert_id == Alert.id, AlertTelling.receiver == receiver)
    rows = session.execute(
        select(Alert, AlertTelling, Tenant.name)
        .outerjoin(AlertTelling, known)
        .outerjoin(Tenant, Tenant.id == Alert.tenant_id)
        # What was over before anybody told of it needs no end, unless it was critical.
        .where(
            or_(
                Alert.closed_at.is_(None),
                and_(AlertTelling.told_at.isnot(None), AlertTelling.over_told_at.is_(None)),
                and_(
                    AlertTelling.told_at.is_(None),
                    Alert.severity == "critical",
                    # Who came later has nothing to learn of it.
                    or_(AlertTelling.alert_id.isnot(None), Alert.closed_at > moment - MISSED),
                ),
            ),
            or_(AlertTelling.next_at.is_(None), AlertTelling.next_at <= moment),
        )
        .order_by(func.coalesce(Alert.closed_at, Alert.changed_at), Alert.id)
    ).all()
    due = [(what, *row) for row in rows if (what := _what(row[0], row[1], moment)) is not None]
    due = due[:MOST] if len(due) >= MANY else due[:1]
    return [_claimed(session, receiver, moment, *row) for row in due]


def _what(alert: Alert, known: AlertTelling | None, now: datetime) -> str | None:
    if alert.closed_at is not None:
        return "over" if known is not None and known.told_at is not None else "was"
    if known is None or known.told is None:
        return "new"
    if known.told < alert.changed_at:
        return "changed"
    # Good news and events are told once.
    return "again" if alert.severity != "info" and alert_is_due(known.told_at, now) else None


def _claimed(
    session: Session,
    receiver: str,
    now: datetime,
    what: str,
    alert: Alert,
    known: AlertTelling | None,
    tenant: str | None,
) -> Message:
    attempts = (known.attempts if known else 0) + 1
    values = {"attempts": attempts, "next_at": now + LEASE}
    statement = insert(AlertTelling).values(alert_id=alert.id, receiver=receiver, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["alert_id", "receiver"], set_=values))
    said = {name: getattr(alert, name) for name in ("key", "severity", "subject", "text", "remedy", "opened_at")}
    return Message(
        alert.id, what, **said, tenant=tenant, closed_at=alert.closed_at, version=alert.changed_at, attempts=attempts
    )


def done(
    session: Session,
    receiver: str,
    messages: Sequence[Message],
    error: str | None = None,
    *,
    counts: bool = True,
    now: datetime | None = None,
) -> None:
    """They were sent, or *error* tells why not. counts: whether a person reads what this receiver gets; only then the alert is told."""
    moment = now or session.execute(select(func.clock_timestamp())).scalar_one()
    for one in messages:
        mine = update(AlertTelling).where(AlertTelling.alert_id == one.alert_id, AlertTelling.receiver == receiver)
        alert = update(Alert).where(Alert.id == one.alert_id)
        if error is not None:
            session.execute(mine.values(error=error, next_at=moment + pause(one.attempts)))
            alert = alert.values(attempts=one.attempts, error=error)
        elif one.what in ENDED:
            end = mine.values(over_told_at=moment, next_at=None, attempts=0, error=None)
            session.execute(end if one.what == "over" else end.values(told=one.version, told_at=moment))
            alert = alert.values(closing_told_at=moment, attempts=0, error=None)
            alert = alert if one.what == "over" else alert.values(told_at=moment)
        else:
            session.execute(mine.values(told=one.version, told_at=moment, next_at=None, attempts=0, error=None))
            alert = alert.values(told_at=moment, attempts=0, error=None)
        if counts:
            session.execute(alert)


def pause(attempts: int) -> timedelta:
    """After so many attempts in vain."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts - 1, 20))


def forget(session: Session, receivers: Collection[str]) -> None:
    """What others than these know: they are receivers no more. What is over and told is history after 90 days."""
    session.execute(delete(AlertTelling).where(AlertTelling.receiver.not_in(receivers)))
    old = select(Alert.id).where(Alert.closed_at < func.now() - timedelta(days=90))
    session.execute(delete(AlertTelling).where(AlertTelling.alert_id.in_(old)))
