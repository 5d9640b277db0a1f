# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much a sender may hand over: rates of the policy and quotas of the warm-up, and which of two is stricter."""

from __future__ import annotations

import re
from fractions import Fraction

from ..problems import FleetError, Problem

_SECONDS = {"d": 86400, "day": 86400, "h": 3600, "hr": 3600, "m": 60, "min": 60, "s": 1, "sec": 1}
_RATE = re.compile(r"(\d+)/(\d*)([a-z]+)\Z")


def per_day(rate: str) -> Fraction | None:
    """Messages a day that a PowerMTA rate (``N/[M]unit``) lets through; None for ``unlimited``."""
    if rate.lower() == "unlimited":
        return None
    match = _RATE.match(rate.lower())
    if not match or match[3] not in _SECONDS or match[2] == "0":
        raise FleetError(
            [Problem(f"rate {rate!r}", "is not a PowerMTA rate", "Write N/unit, such as 100/h, 50/d or 83/10m.")]
        )
    return Fraction(int(match[1]) * 86400, int(match[2] or 1) * _SECONDS[match[3]])


def stricter(first: str | None, second: str | None) -> str | None:
    """The rate that lets fewer messages a day through; None means no rule."""
    rates = [rate for rate in (first, second) if rate is not None]
    if len(rates) < 2:
        return rates[0] if rates else None
    limited = [rate for rate in rates if per_day(rate) is not None]
    return min(limited, key=per_day) if limited else rates[0]


def daily(quota: int) -> str:
    return f"{quota}/d"
