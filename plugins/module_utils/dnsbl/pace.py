# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast one list is asked, and when asking it ends."""

from __future__ import annotations

#: Seconds that one list may be asked for, at most: two rounds of a check have to end within the hour that the engine gives it.
LONGEST = 1440
#: Tests before and after the questions, of both families of addresses.
_TESTS = 8
#: Answers take time as well; a list that is slower than that is not waited for.
_SLACK = 1.1


def pace(questions: int, spacing: float, jitter: float, within: float) -> tuple[float, float]:
    """Seconds between the beginnings of two questions, and how many come on top at most, at random: all of them begin *within*."""
    each = within / (max(0, questions) + _TESTS)
    jitter = min(jitter, spacing, each / 3)
    return min(spacing, each - jitter), jitter


def end(within: float) -> float:
    """Seconds after which nothing more is asked."""
    return within * _SLACK
