# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cap divided among mailbox providers by the policy's shares; the rest is for all the others together."""

from __future__ import annotations

import typing as t
from fractions import Fraction


def split(cap: int, shares: t.Mapping[str, Fraction]) -> dict[str, int]:
    """Messages a day by provider, by largest remainder: together never more than the cap, nor than the shares' own sum of it."""
    exact = {name: cap * Fraction(share) for name, share in shares.items()}
    slices = {name: int(part) for name, part in exact.items()}
    left = min(cap, int(sum(exact.values()))) - sum(slices.values())
    # Of equal remainders the first by name: the same in every run.
    for name in sorted(exact, key=lambda name: (slices[name] - exact[name], name))[: max(0, left)]:
        slices[name] += 1
    return slices


def limits(sender: t.Mapping, shares: t.Mapping[str, Fraction], target: int) -> dict[str, int]:
    """Messages a day by provider for a sender of the fleet document: its own ``provider_quota``, and its slice of the cap while it
    grows, whichever is smaller. A slice of less than one message is none: the total of the virtual MTA holds for everybody.
    """
    own = dict(sender["provider_quota"])
    grows = sender["status"] == "warming" or (sender["status"] == "active" and sender["daily_quota"] < target)
    if not grows:
        return own
    slices = {name: part for name, part in split(sender["daily_quota"], shares).items() if part}
    return {**own, **{name: min(part, own.get(name, part)) for name, part in slices.items()}}
