# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reports of a signal are worth: complaints, opens and bounces by provider, where somebody feeds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.accounting import signals as rules
from ansible_collections.email_engine.fleet.plugins.module_utils.accounting.providers import OTHER

from . import alerts, policy
from .audit import Actor, record
from .models import AccountingDay, CheckRun, Ip, Signal

#: What a feed may bring, and its column.
COLUMNS = ("complaints", "opens", "clicks")
_RUN = "accounting/"
_REMEDY = (
    "Look whether its feed works (POST /api/v1/signals, or PowerMTA's feedback-loop processor), or declare the signal not_available for"
    " this provider in policy_signals."
)


class Count(NamedTuple):
    """Of one sender, provider and day, as its source has counted it so far; said again, it replaces itself."""

    signal: str
    sender: str
    provider: str
    day: date
    count: int
    seen_at: datetime


def feed(session: Session, actor: Actor, counts: Iterable[Count]) -> list[str]:
    """Names that no sender has. Of two counts of one cell the later one holds."""
    given = sorted(counts, key=lambda one: (one.sender, one.provider, one.day, one.signal, one.seen_at))
    names = {one.sender for one in given}
    senders = {
        ip.hostname: ip for ip in session.scalars(select(Ip).where(Ip.hostname.in_(names), Ip.status != "retired"))
    }
    heard: dict[tuple[str, str], datetime] = {}
    for one in given:
        ip = senders.get(one.sender)
        if ip is None:
            continue
        statement = insert(AccountingDay).values(
            tenant_id=ip.tenant_id, ip_id=ip.id, day=one.day, provider=one.provider, **{one.signal: one.count}
        )
        changed = {one.signal: one.count}
        session.execute(statement.on_conflict_do_update(index_elements=["ip_id", "day", "provider"], set_=changed))
        key = (one.signal, one.provider)
        heard[key] = max(one.seen_at, heard.get(key, one.seen_at))
    for (signal, provider), at in sorted(heard.items()):
        hear(session, signal, provider, at)
    if heard:
        shown = sorted(f"{signal} of {provider}" for signal, provider in heard)
        record(session, actor, "counted", "signals", evidence={"signals": shown, "counts": len(given)})
    return sorted(names - set(senders))


def hear(session: Session, signal: str, provider: str, at: Any) -> None:
    """A signal was heard of then; a clock that runs ahead does not keep it alive."""
    statement = insert(Signal).values(signal=signal, provider=provider, seen_at=func.least(at, func.now()))
    newest = func.greatest(Signal.seen_at, statement.excluded.seen_at)
    session.execute(statement.on_conflict_do_update(index_elements=["signal", "provider"], set_={"seen_at": newest}))


def states(session: Session) -> dict[tuple[str, str], str]:
    """fed, silent or not_available, of each signal and provider of the policy."""
    declared = policy.load(session).policy
    told: Mapping[str, Any] = declared.get("signals") or {}
    providers = [*declared.get("providers", {}), OTHER]
    now = session.scalars(select(func.now())).one()
    seen = {(one.signal, one.provider): one.seen_at for one in session.scalars(select(Signal))}
    collected = _collected(session)
    found = {}
    for signal in rules.SIGNALS:
        wait = timedelta(hours=rules.patience(told, signal))
        busy = _delivered_to(session, (now - wait).date()) if signal != "bounces" else set()
        for provider in providers:
            # Bounces come with the accounting of every MTA, or are not complete.
            at = collected if signal == "bounces" else seen.get((signal, provider))
            expected = provider in busy or signal == "bounces" and collected is not None
            age = None if at in (None, _NEVER) else (now - at).total_seconds() / 3600
            found[signal, provider] = rules.state(told, signal, provider, age, expected)
    return found


def silent(session: Session) -> set[tuple[str, str]]:
    """(signal, provider) of what is fed and was not heard of for too long."""
    return {key for key, state in states(session).items() if state == rules.SILENT}


def watch(session: Session) -> None:
    """Opens and ends the alerts ``silent/``. Bounces come with the accounting, which is told of by itself when it is late."""
    found = {one for one in silent(session) if one[0] != "bounces"}
    declared = policy.load(session).policy.get("signals") or {}
    for signal, provider in sorted(found):
        hours = rules.patience(declared, signal)
        alerts.tell(
            session,
            key=f"silent/{signal}/{provider}",
            kind="silent",
            severity="warning",
            subject=f"No {signal} of {provider} have been heard of for {hours} hours",
            text="The signal is declared as fed. Until it is heard of again, no sender in warm-up is given more.",
            remedy=_REMEDY,
        )
    alerts.over_but(session, "silent/", (f"silent/{signal}/{provider}" for signal, provider in found))


_NEVER = datetime.min


def _collected(session: Session) -> datetime | None:
    """When the MTA that was collected longest ago was; `_NEVER` where one never was, None where no MTA has senders."""
    mtas = select(Ip.mta).where(Ip.status.not_in(("retired", "standby"))).distinct().subquery()
    rows = session.execute(
        select(CheckRun.at).select_from(mtas).outerjoin(CheckRun, CheckRun.name == _RUN + mtas.c.mta)
    )
    times = [row.at for row in rows]
    return (_NEVER if None in times else min(times)) if times else None


def _delivered_to(session: Session, since: date) -> set[str]:
    wanted = select(AccountingDay.provider).where(AccountingDay.day >= since, AccountingDay.delivered > 0)
    return set(session.scalars(wanted.distinct()))
