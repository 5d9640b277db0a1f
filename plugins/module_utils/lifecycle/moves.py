# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state machine as a table: from which status which event leads where, who may cause it, and what has to be known first."""

from __future__ import annotations

import typing as t

from ..fleet.status import STATUSES

CHECK = "check"  # an automatic decision, from evidence
PERSON = "person"

#: What a move does to the warm-up phase. FIRST: or the one that the inventory declares. BACK_ONE, BACK: by one and by two steps.
FIRST, BACK_ONE, BACK, KEEP, LAST = "first", "back one", "back", "keep", "last"


class Move(t.NamedTuple):
    """One arrow. by: who may cause it. needs: names of conditions (`decide.CONDITIONS`), all of which must be known to hold."""

    status: str
    event: str
    target: str
    by: frozenset[str]
    needs: tuple[str, ...] = ()
    phase: str = KEEP


_CHECK = frozenset({CHECK})
_PERSON = frozenset({PERSON})
_EITHER = frozenset({CHECK, PERSON})

MOVES: tuple[Move, ...] = (
    # Nobody leaves standby before the DNS graph is green, whoever asks. A start by a check has its budget (`brakes`). Lists need
    # not have been asked: a new sender has sent nothing yet.
    Move("standby", "start", "warming", _EITHER, ("dns_green", "not_known_listed"), FIRST),
    # One that the inventory declares to be warmed up already: it was so before it came here.
    Move("standby", "go_live", "active", _CHECK, ("dns_green", "not_known_listed"), LAST),
    # It never sent, so there is nothing to drain.
    Move("standby", "retire", "retired", _PERSON, ("queue_empty",)),
    Move("warming", "warmed", "active", _CHECK, ("not_listed", "no_incident"), LAST),
    Move("warming", "listed", "quarantine", _EITHER),
    Move("warming", "rest", "resting", _EITHER),
    Move("warming", "retire", "retiring", _PERSON),
    Move("active", "listed", "quarantine", _EITHER),
    Move("active", "rest", "resting", _EITHER),
    # Receivers forget an idle address: SendGrid and MailWizz warm up again after 30 days.
    Move("active", "idle", "warming", _CHECK, (), FIRST),
    Move("active", "retire", "retiring", _PERSON),
    # A listing is never waited out: a person names the cause first, and volume starts lower than it was.
    Move("quarantine", "release", "warming", _PERSON, ("dns_green", "not_listed", "no_incident"), BACK),
    # A retiring sender delivers its queue; a listed one must not, so its held mail is decided on first.
    Move("quarantine", "retire", "retired", _PERSON, ("queue_empty",)),
    Move("resting", "rested", "warming", _CHECK, ("rest_over", "dns_green", "not_listed", "no_incident"), BACK_ONE),
    Move("resting", "listed", "quarantine", _EITHER),
    # It sends what it holds, so nothing may be known against that; lists that are silent keep nobody from leaving.
    Move("resting", "retire", "retiring", _PERSON, ("not_known_listed",)),
    Move("retiring", "listed", "quarantine", _EITHER),
    Move("retiring", "drained", "retired", _EITHER, ("queue_empty",)),
    # Put back into the inventory before it was empty. It never stopped sending, so there is nothing to prove.
    Move("retiring", "stay", "warming", _PERSON, (), BACK),
    # Whoever was taken out of the fleet goes for good once nothing waits, whatever its status was.
    *(
        Move(status, "removed", "retired", _EITHER, ("left", "queue_empty"))
        for status in STATUSES
        if status != "retired"
    ),
)

BY_STATUS: dict[str, dict[str, Move]] = {}
for _move in MOVES:
    BY_STATUS.setdefault(_move.status, {})[_move.event] = _move

EVENTS = tuple(dict.fromkeys(move.event for move in MOVES))
