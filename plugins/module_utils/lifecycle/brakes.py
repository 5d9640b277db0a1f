# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The brakes on automatic actions, as data: how many standby senders may start by themselves, and when many verdicts are too many.

Moving to another address because of a listing is what Spamhaus calls snowshoe; a standby is an identity of its own, for new campaigns.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta


class Brakes(t.NamedTuple):
    """Policy. platform_share, mass_share: of all senders; the larger of share and least counts."""

    tenant_starts: int = 1
    tenant_window: timedelta = timedelta(days=7)
    platform_share: float = 0.1
    platform_least: int = 2
    platform_window: timedelta = timedelta(days=1)
    mass_share: float = 0.2
    mass_least: int = 3


class Start(t.NamedTuple):
    """An automatic start of a standby."""

    tenant: str
    at: datetime


class Verdict(t.NamedTuple):
    """reason: why not, None when it may. hold_tenant: a person has to close the incident with a cause before anything goes on."""

    allowed: bool
    reason: str | None = None
    hold_tenant: bool = False


def may_start(
    brakes: Brakes, starts: t.Iterable[Start], tenant: str, listed: int, fleet_size: int, now: datetime
) -> Verdict:
    """Whether a standby of *tenant* may start by itself after a listing.

    starts: earlier automatic ones of all tenants. listed: senders of the tenant with an open listing, this one included.
    """
    if listed > 1:
        return Verdict(False, f"{listed} senders of {tenant} are listed: the cause is the tenant's mail", True)
    starts = list(starts)
    own = sum(1 for start in starts if start.tenant == tenant and now - start.at < brakes.tenant_window)
    if own >= brakes.tenant_starts:
        return Verdict(False, f"{tenant} has used its {_times(brakes.tenant_starts, brakes.tenant_window)}", True)
    most = _larger(brakes.platform_share, brakes.platform_least, fleet_size)
    recent = sum(1 for start in starts if now - start.at < brakes.platform_window)
    if recent >= most:
        return Verdict(False, f"the platform has used its {_times(most, brakes.platform_window)}")
    return Verdict(True)


def is_mass_event(brakes: Brakes, changed: int, fleet_size: int) -> bool:
    """Whether so many verdicts changed in one run that the source is to be checked before the senders are judged."""
    return changed >= _larger(brakes.mass_share, brakes.mass_least, fleet_size)


def _larger(share: float, least: int, fleet_size: int) -> int:
    return max(least, int(share * fleet_size))


def _times(count: int, window: timedelta) -> str:
    return f"{count} automatic start{'s' if count > 1 else ''} in {window.days} day{'s' if window.days > 1 else ''}"
