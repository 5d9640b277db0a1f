# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares of mail that bounced, was complained of, was opened: with what certainty they are on the wrong side of a line.

A pause needs certainty: the bound nearer to harmless must have crossed the line. Fewer messages than the sample give no verdict.
"""

from __future__ import annotations

import math
import typing as t

from .days import Day, Provider
from .policy import Thresholds

BOUNCE, COMPLAINT, OPEN = "bounce", "complaint", "open"
#: What a rate says: over the line; on neither side for certain; on the right side; too little mail.
BAD, UNSURE, GOOD, FEW = "bad", "unsure", "good", "few"
# 95 %, two-sided.
_Z = 1.959963984540054


class Rate(t.NamedTuple):
    """count of *of* messages, with the bounds of the share. provider: None for all of those that feed the signal, together."""

    signal: str
    provider: str | None
    count: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float | None:
        return self.count / self.of if self.of else None

    def shown(self) -> dict[str, t.Any]:
        """For an audit row."""
        share = self.share
        bounds = {"low": round(self.low, 5), "high": round(self.high, 5)}
        return {"count": self.count, "of": self.of, "share": None if share is None else round(share, 5), **bounds}


def wilson(count: int, of: int) -> tuple[float, float]:
    """The interval that holds the true share with 95 % (Wilson 1927); of nothing, everything is possible."""
    if of <= 0:
        return 0.0, 1.0
    count = min(max(count, 0), of)
    share, square = count / of, _Z * _Z
    middle = share + square / (2 * of)
    reach = _Z * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    whole = 1 + square / of
    # Rounding must not say that what never happened is impossible to exclude.
    low = 0.0 if count == 0 else max(0.0, (middle - reach) / whole)
    high = 1.0 if count == of else min(1.0, (middle + reach) / whole)
    return low, high


def measure(days: t.Iterable[Day]) -> list[Rate]:
    """Each signal that somebody feeds: of all its providers together, then of each. What is not fed has no rate at all."""
    counts: dict[tuple[str, str], list[int]] = {}
    for day in days:
        for name, provider in day.providers.items():
            for signal, count, of in _counts(provider):
                kept = counts.setdefault((signal, name), [0, 0])
                kept[0] += count
                kept[1] += of
    found = []
    for signal in (BOUNCE, COMPLAINT, OPEN):
        mine = {name: pair for (one, name), pair in counts.items() if one == signal}
        if mine:
            together = [sum(pair[n] for pair in mine.values()) for n in (0, 1)]
            found += [_rate(signal, None, together), *(_rate(signal, name, mine[name]) for name in sorted(mine))]
    return found


def judge(rate: Rate, lines: Thresholds) -> str:
    """BAD, UNSURE, GOOD or FEW."""
    if rate.of < lines.sample:
        return FEW
    if rate.signal == OPEN:
        return BAD if rate.high < lines.open else UNSURE if rate.low < lines.open else GOOD
    line = lines.bounce if rate.signal == BOUNCE else lines.complaint
    return BAD if rate.low > line else UNSURE if rate.high > line else GOOD


def _counts(provider: Provider) -> t.Iterator[tuple[str, int, int]]:
    """(signal, count, of): bounces of what has come to an end, complaints and opens of what arrived."""
    yield BOUNCE, provider.bounced, provider.delivered + provider.bounced
    if provider.complaints is not None:
        yield COMPLAINT, provider.complaints, provider.delivered
    if provider.opens is not None:
        yield OPEN, provider.opens, provider.delivered


def _rate(signal: str, provider: str | None, pair: t.Sequence[int]) -> Rate:
    return Rate(signal, provider, pair[0], pair[1], *wilson(pair[0], pair[1]))
