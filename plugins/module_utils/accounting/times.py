# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times of accounting rows: ``2026-01-05 10:00:02+0000``, as PowerMTA writes them unless `iso-times no` is set."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timedelta, timezone

_ISO = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d):(\d\d):\d\d(?:Z|([+-])(\d\d):?(\d\d))", re.ASCII)
_KEPT = 20_000


class Minute(t.NamedTuple):
    """In UTC. day: ``2026-01-05``; hour: ``2026-01-05T10``; epoch: seconds since 1970 at which the minute begins."""

    day: str
    hour: str
    epoch: int


class Minutes:
    """Reads times; rows of one minute are many, so each minute is read once."""

    def __init__(self) -> None:
        self._known: dict[str, Minute] = {}

    def of(self, text: str) -> Minute | None:
        """None for a text in any other form, and for one without an offset: whose time it is would be a guess."""
        key = text[:16] + text[19:]
        found = self._known.get(key)
        return found if found is not None else self._read(key, text)

    def epoch(self, text: str) -> int | None:
        """Seconds since 1970."""
        minute = self.of(text)
        seconds = text[17:19]
        return minute.epoch + int(seconds) if minute is not None and seconds.isdecimal() else None

    def _read(self, key: str, text: str) -> Minute | None:
        found = _ISO.fullmatch(text)
        if found is None:
            return None
        day, hour, minute, sign, hours, minutes = found.groups()
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
        try:
            local = datetime.fromisoformat(f"{day}T{hour}:{minute}").replace(tzinfo=timezone(offset))
            utc = local.astimezone(timezone.utc)
        except (ValueError, OverflowError):
            return None
        if len(self._known) > _KEPT:
            self._known.clear()
        self._known[key] = Minute(f"{utc:%Y-%m-%d}", f"{utc:%Y-%m-%dT%H}", int(utc.timestamp()))
        return self._known[key]
