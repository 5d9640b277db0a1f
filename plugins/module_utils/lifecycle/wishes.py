# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be said of a person's wish for a sender before the engine is asked, by its status alone."""

from __future__ import annotations

import typing as t
from datetime import datetime

from ..fleet.status import SELECTABLE
from .decide import NO, YES, Facts, Refused, decide
from .moves import BY_STATUS, MOVES, PERSON

#: All conditions hold: only the status is left to refuse.
_SOUND = Facts(dns_green=YES, listed=NO, queued=0)


class Wish(t.NamedTuple):
    """done: it is so already. target: the status that it leads to, else the one it has. less: it sends less each day first.
    reasons: why its status does not allow it."""

    done: bool
    target: str
    less: bool = False
    reasons: tuple[str, ...] = ()


def judge(sender: t.Mapping, event: str, now: datetime, goes: bool = False, days: int | None = None) -> Wish:
    """*event* is wished for *sender* (``status`` and ``phase`` of the fleet document). goes: it sends less each day already. days: of
    that, with ``retire``; None for the policy's. now: aware, UTC. What its DNS, lists and queue say is the engine's to judge."""
    status = sender["status"]
    if event == "retire" and goes and days != 0:
        return Wish(True, status)
    if event == "stay" and goes and status in SELECTABLE:
        return Wish(False, status)
    reaches = {move.target for move in MOVES if move.event == event and PERSON in move.by}
    if event not in BY_STATUS.get(status, {}) and not goes and status in reaches:
        return Wish(True, status)
    found = decide(sender, event, PERSON, _SOUND, now, [sender.get("phase") or ""])
    if isinstance(found, Refused):
        return Wish(False, status, reasons=found.reasons)
    if event == "retire" and days != 0 and status in SELECTABLE:
        return Wish(False, status, less=True)
    return Wish(False, found.status)
