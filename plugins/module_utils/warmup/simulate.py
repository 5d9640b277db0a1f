# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the schedule would have made of a given history, day by day."""

from __future__ import annotations

import typing as t
from datetime import date, datetime, time, timedelta, timezone

from ..lifecycle import decide as life
from ..lifecycle.moves import CHECK
from . import decide as one
from . import qualify, schedule
from .days import Day, Provider
from .policy import Policy

_DAY = timedelta(days=1)
# Everything else is taken to be well: the question is about the volume and the signals alone.
_WELL = life.Facts(dns_green=life.YES, listed=life.NO, queued=0)


def simulate(history: t.Iterable[Day], policy: Policy, phase: str | None = None) -> list[dict[str, t.Any]]:
    """A row for each day from the first to the last of *history*, for a sender that starts its warm-up on the first.

    phase: where it starts, the first one unless given. What a day has beyond its cap would have waited, and is left out. Rows hold
    ``day, status, phase, cap, first, waited, delivered, verdict, decision, reasons``; decision and reasons are of the night after it.
    """
    given = {day.day: day for day in history}
    if not given:
        return []
    today, last = min(given), max(given)
    name = phase if phase in policy.names else policy.names[0]
    plan = one.Plan("warming", name, policy.cap(name), today, today, today)
    past: list[Day] = []
    rows: list[dict[str, t.Any]] = []
    until: datetime | None = None
    while today <= last:
        sending = plan.status in ("warming", "active")
        day = within(given.get(today, Day(today)), plan.cap if sending else 0)
        past.append(day)
        rows.append(
            {
                "day": today.isoformat(),
                "status": plan.status,
                "phase": plan.phase,
                "cap": day.cap,
                "first": day.first,
                "waited": given.get(today, day).first - day.first,
                "delivered": day.delivered,
            }
        )
        today += _DAY
        decision = one.decide(plan, past, one.Signals(), today, policy)
        rows[-1].update(decision=decision.kind, reasons=list(decision.reasons))
        plan, until = step(plan, decision, until, today, policy)
    for row, day in zip(rows, past):
        row["verdict"] = qualify.verdict(day, 0, today + _DAY, policy)
    return rows


def within(day: Day, cap: int) -> Day:
    """*day* as it had been under a cap: what is more would have waited. Everything is scaled alike, and rounded down."""
    if day.first <= cap:
        return day._replace(cap=cap, attempts=min(day.attempts, cap))
    most = max(day.first, 1)

    def scaled(count: int) -> int:
        return count * cap // most

    providers = {
        name: Provider(*(None if count is None else scaled(count) for count in provider))
        for name, provider in day.providers.items()
    }
    return day._replace(
        first=cap,
        delivered=scaled(day.delivered),
        attempts=min(cap, scaled(day.attempts)),
        providers=providers,
        cap=cap,
    )


def step(
    plan: one.Plan, decision: one.Decision, until: datetime | None, today: date, policy: Policy
) -> tuple[one.Plan, datetime | None]:
    """The plan after a night's decision, with every other check well; until: the end of its rest."""
    now = datetime.combine(today, time(0, 5), timezone.utc)
    event = {one.REST: "rest", one.FINISH: "warmed"}.get(decision.kind)
    if decision.kind == one.RESTART and plan.status == "active":
        event = "idle"
    if plan.status == "resting":
        event = "rested"
    if event is None:
        if (decision.cap, decision.phase) == (plan.cap, plan.phase):
            return plan, until
        moved = decision.phase != plan.phase or decision.kind in (one.STEP_BACK, one.RESTART)
        started = today if decision.kind == one.RESTART else plan.started
        since = today if moved else plan.since
        if decision.kind == one.STEP_BACK:
            plan = plan.sheltered()
        return plan._replace(cap=decision.cap, phase=decision.phase, since=since, started=started), until
    sender = {"status": plan.status, "phase": plan.phase}
    change = life.decide(sender, event, CHECK, _WELL._replace(until=until), now, policy.names)
    if isinstance(change, life.Refused):
        return plan, until
    started = today if event == "idle" else plan.started
    cap, keeps = decision.cap, plan
    if change.status == "warming":
        keeps = plan.sheltered()
        cap = schedule.entered(policy.cap(change.phase), plan.cap, keeps.most(policy))
    return one.Plan(
        change.status, change.phase, cap, today, today, started, keeps.grows, None, keeps.target
    ), change.until
