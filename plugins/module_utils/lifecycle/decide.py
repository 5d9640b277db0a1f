# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One event for one sender: where it leads, or why not. What is unknown never promotes, never clears, never quarantines."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta

from .moves import BACK, BACK_ONE, BY_STATUS, CHECK, FIRST, LAST, Move

YES, NO, UNKNOWN = "yes", "no", "unknown"

QUARANTINE = timedelta(days=7)
REST = timedelta(days=7)
#: How far a release and the end of a rest go back in the warm-up; at least to the first phase.
STEPS_BACK = {BACK: 2, BACK_ONE: 1}
ALERT_AGAIN = timedelta(days=1)


class Facts(t.NamedTuple):
    """What is known about a sender now. dns_green, listed: "yes", "no" or "unknown". queued: messages in its queues, None when
    the MTA could not be asked. incidents: open ones. until: end of its rest or quarantine, None when it has none. left: it was taken
    out of the fleet."""

    dns_green: str = UNKNOWN
    listed: str = UNKNOWN
    queued: int | None = None
    incidents: int = 0
    until: datetime | None = None
    left: bool = False


class Change(t.NamedTuple):
    """What the caller persists, together with its audit row. until: None clears it."""

    status: str
    phase: str | None
    until: datetime | None
    event: str
    by: str


class Refused(t.NamedTuple):
    """Nothing changes. reasons: each unmet condition, with what would meet it."""

    reasons: tuple[str, ...]


class Condition(t.NamedTuple):
    """holds: YES, NO or UNKNOWN. no, unknown: the reason shown to an operator."""

    holds: t.Callable[[Facts, datetime], str]
    no: str
    unknown: str


def _over(facts: Facts, now: datetime) -> str:
    return YES if facts.until is None or now >= facts.until else NO


def _empty(facts: Facts, now: datetime) -> str:
    return UNKNOWN if facts.queued is None else YES if facts.queued == 0 else NO


_NOT = {YES: NO, NO: YES, UNKNOWN: UNKNOWN}

CONDITIONS: dict[str, Condition] = {
    "dns_green": Condition(
        lambda facts, now: facts.dns_green,
        "its DNS is not as wanted: run the DNS check and mend what it names",
        "its DNS was not seen: run the DNS check",
    ),
    "not_listed": Condition(
        lambda facts, now: _NOT[facts.listed],
        "it is listed: mend the cause and have it delisted",
        "no healthy list has answered for it, or one that can stop it has not: run the DNSBL check, and mend the lists that alerts name",
    ),
    "not_known_listed": Condition(
        lambda facts, now: NO if facts.listed == YES else YES, "it is listed: mend the cause and have it delisted", ""
    ),
    "no_incident": Condition(
        lambda facts, now: NO if facts.incidents else YES, "it has an open incident: close it with its cause", ""
    ),
    "queue_empty": Condition(
        _empty,
        "its queue holds mail: let it drain, or decide on the held mail",
        "its queue was not seen: is PowerMTA running?",
    ),
    "left": Condition(
        lambda facts, now: YES if facts.left else NO,
        "it belongs to the fleet: delete it, or take it out of the inventory",
        "",
    ),
    "rest_over": Condition(_over, "its rest is not over", ""),
}


def decide(
    sender: t.Mapping,
    event: str,
    by: str,
    facts: Facts,
    now: datetime,
    phases: t.Sequence[str],
    begins: str | None = None,
) -> Change | Refused:
    """*event* happens to *sender* (``status`` and ``phase`` of the fleet document).

    by: "check" or "person". now: aware, UTC. phases: names of the warm-up phases in order. begins: the phase that a first start begins
    with, where the inventory declares one.
    """
    move = BY_STATUS.get(sender["status"], {}).get(event)
    if move is None:
        known = ", ".join(BY_STATUS.get(sender["status"], ())) or "nothing"
        return Refused((f"{event} does not apply to a sender that is {sender['status']}; what does: {known}",))
    if by not in move.by:
        who = "a person" if by == CHECK else "a check"
        return Refused((f"only {who} may {event} a sender that is {sender['status']}",))
    unmet = [
        CONDITIONS[need].no if verdict == NO else CONDITIONS[need].unknown
        for need in move.needs
        for verdict in [CONDITIONS[need].holds(facts, now)]
        if verdict != YES
    ]
    if unmet:
        return Refused(tuple(unmet))
    return Change(move.target, _phase(move, sender["phase"], phases, begins), _until(move, now), event, by)


def _phase(move: Move, phase: str | None, phases: t.Sequence[str], begins: str | None) -> str | None:
    if move.phase == FIRST:
        return begins if begins in phases else phases[0]
    if move.phase == LAST:
        return None
    if move.phase in STEPS_BACK:
        # No phase means that the warm-up was over: back from behind the last one.
        at = phases.index(phase) if phase in phases else len(phases)
        return phases[max(0, at - STEPS_BACK[move.phase])]
    return phase


def _until(move: Move, now: datetime) -> datetime | None:
    return {"quarantine": now + QUARANTINE, "resting": now + REST}.get(move.target)


def waits_for_person(sender: t.Mapping, facts: Facts, now: datetime) -> str | None:
    """Why a person has to act before this sender goes on, None when nobody has to."""
    if facts.incidents:
        return f"{facts.incidents} open incident{'s' if facts.incidents > 1 else ''}"
    if sender["status"] == "quarantine" and _over(facts, now) == YES:
        return "its quarantine is over: release it or retire it"
    return None


def alert_is_due(last: datetime | None, now: datetime) -> bool:
    """What waits for a person is told of again each day; a last time that lies far ahead is a clock's that jumped."""
    return last is None or abs(now - last) >= ALERT_AGAIN
