# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many messages a day: the table's phases, the growth after it, the steps back, the way down. Whole numbers, always rounded down."""

from __future__ import annotations

from fractions import Fraction

from .policy import Policy


def position(policy: Policy, phase: str | None, cap: int) -> int:
    """Index of the phase. One that the policy does not have is known by the cap: the last phase that allows no more."""
    if phase in policy.names:
        return policy.names.index(phase)
    allowed = [index for index, (_unused, quota) in enumerate(policy.phases) if quota <= cap]
    return allowed[-1] if allowed else 0


def label(policy: Policy, cap: int) -> str:
    """The phase that a cap of the geometric schedule has reached."""
    return policy.names[position(policy, None, cap)]


def grown(cap: int, factor: Fraction, target: int) -> int:
    """One step of growth, at most to the target."""
    return min(target, int(cap * factor))


def entered(quota: int, cap: int, target: int) -> int:
    """The cap of a sender that comes to a phase of *quota* otherwise than by its days: a way back raises nothing."""
    return min(quota, cap, target)


def returned(cap: int, factor: Fraction, quota: int) -> int:
    """One step of growth back to a quota that it had: at least one message, so that it arrives."""
    return min(quota, max(cap + 1, int(cap * factor)))


def shrunk(policy: Policy, cap: int, least: int) -> int:
    """One step of growth taken back."""
    return max(least, int(cap / policy.growth))


def down(policy: Policy, quota: int, day: int) -> int:
    """The cap on a day of the warm-down; 0 is the day it began. Never 0, which would hold the queue that is to empty."""
    return max(1, int(quota * policy.down_factor**day))
