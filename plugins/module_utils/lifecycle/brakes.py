# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The brakes on automatic actions, as data: how many standby senders may start by themselves, and when many verdicts are too many.

Moving to another address because of a listing is what Spamhaus calls snowshoe; a standby is an identity of its own, for new campaigns.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta

from ..problems import Problem

_VARIABLE = "policy_brakes"
#: A listing of these severities may stop a sender. Others are told of: they say little, or name a fault that no other address mends.
CRITICAL, MAJOR = "critical", "major"
STOPPING = (CRITICAL, MAJOR)


class Brakes(t.NamedTuple):
    """Policy. *_share: of all senders; the larger of share and least counts. stops: severities of a listing that stop a sender. clears:
    sound answers "not listed" in a row that end a listing. moves: retirements and rests by a person in one window."""

    tenant_starts: int = 1
    tenant_window: timedelta = timedelta(days=7)
    platform_share: float = 0.1
    platform_least: int = 2
    platform_window: timedelta = timedelta(days=1)
    mass_share: float = 0.2
    mass_least: int = 3
    moves_share: float = 0.1
    moves_least: int = 2
    moves_window: timedelta = timedelta(days=1)
    stops: tuple[str, ...] = STOPPING
    clears: int = 2


#: Name in the policy -> field, and its smallest and largest value.
_WHOLE = {
    "tenant_starts": ("tenant_starts", 0, 100),
    "tenant_days": ("tenant_window", 1, 365),
    "platform_least": ("platform_least", 0, 1000),
    "platform_days": ("platform_window", 1, 365),
    "mass_least": ("mass_least", 2, 1000),
    "moves_least": ("moves_least", 1, 1000),
    "moves_days": ("moves_window", 1, 365),
    "clears": ("clears", 1, 100),
}
_SHARES = ("platform_share", "mass_share", "moves_share")


def of(policy: t.Mapping[str, t.Any]) -> Brakes:
    """The brakes of the declared policy's key ``brakes``; what it leaves out is as by default. Sound by `problems`."""
    found: dict[str, t.Any] = {}
    for name, value in policy.items():
        if name in _WHOLE:
            field = _WHOLE[name][0]
            found[field] = timedelta(days=value) if field.endswith("_window") else value
        elif name in _SHARES:
            found[name] = float(value)
        elif name == "stops":
            found[name] = tuple(value)
    return Brakes(**found)


def problems(policy: t.Any) -> list[Problem]:
    """What is unsound in ``policy_brakes``."""
    if not isinstance(policy, t.Mapping):
        return [Problem(_VARIABLE, "is no mapping", "Write names and values, as in roles/policy.")]
    found = []
    for name, value in policy.items():
        where = f"{_VARIABLE}.{name}"
        if name in _WHOLE:
            _field, least, most = _WHOLE[name]
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                found.append(Problem(where, f"is {value!r}", f"Write a whole number from {least} to {most}."))
        elif name in _SHARES:
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
                found.append(Problem(where, f"is {value!r}", "Write a share from 0 to 1."))
        elif name == "stops":
            # Without the first, a listing by Spamhaus would go unanswered.
            if not isinstance(value, (list, tuple)) or CRITICAL not in value or set(value) - set(STOPPING):
                found.append(Problem(where, f"is {value!r}", f"Write [{CRITICAL}] or [{CRITICAL}, {MAJOR}]."))
        else:
            known = ", ".join(sorted([*_WHOLE, *_SHARES, "stops"]))
            found.append(Problem(where, "is not known", f"Known are {known}."))
    return found


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


def most_moves(brakes: Brakes, fleet_size: int) -> int:
    """How many senders may be taken out of service in one window."""
    return _larger(brakes.moves_share, brakes.moves_least, fleet_size)


def _larger(share: float, least: int, fleet_size: int) -> int:
    return max(least, int(share * fleet_size))


def _times(count: int, window: timedelta) -> str:
    return f"{count} automatic start{'' if count == 1 else 's'} in {window.days} day{'s' if window.days > 1 else ''}"
