# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which days count: the cap was used, and what was sent arrived."""

from __future__ import annotations

import typing as t
from datetime import date, datetime, time, timedelta, timezone

from .days import Day
from .policy import Policy

#: Of a day: it counts; its 24 hours are not over, so it is judged again; too little was sent; more than the cap; too little arrived;
#: nothing was sent.
QUALIFIED, OPEN, SHORT, OVER, LATE, IDLE = "qualified", "open", "short", "over", "late", "idle"
_DAY = timedelta(days=1)
# Days are closed soon after midnight; a change made then holds for the whole day.
_EARLY = time(2)


def verdict(day: Day, cap: int, today: date, policy: Policy) -> str:
    """What *day* counts for. cap: the quota it had, where the day does not say. today: on which this is asked, UTC."""
    cap = day.cap if day.cap is not None else cap
    if not day.first and not day.attempts:
        return IDLE
    # Who may send nothing cannot have used it.
    if cap < 1 or day.first < policy.use * cap:
        return SHORT
    # What went beyond the cap says nothing about how the cap is received.
    if max(day.first, day.attempts) > cap:
        return OVER
    if day.delivered >= policy.delivered * day.first:
        return QUALIFIED
    # The last message of a day has until the end of the next one.
    return OPEN if today - day.day <= _DAY else LATE


def first_day(changed: datetime) -> date:
    """The first whole day under a cap that changed at this moment."""
    moment = changed.astimezone(timezone.utc)
    return moment.date() if moment.time() < _EARLY else moment.date() + _DAY


def qualifying(days: t.Iterable[Day], since: date, cap: int, today: date, policy: Policy) -> list[Day]:
    """Days from *since* on that count for a phase of this cap, once each. A day that had a smaller one proves nothing about it."""
    found = {day.day: day for day in days if since <= day.day < today and (day.cap is None or day.cap >= cap)}
    return [day for _unused, day in sorted(found.items()) if verdict(day, cap, today, policy) == QUALIFIED]


def since_cap(days: t.Iterable[Day], since: date, cap: int) -> date:
    """The first day of the present cap, not before *since*."""
    others = [day.day for day in days if day.cap is not None and day.cap != cap]
    return max([since, *(one + _DAY for one in others)])


def last_activity(days: t.Iterable[Day]) -> date | None:
    return max((day.day for day in days if day.first or day.attempts), default=None)
