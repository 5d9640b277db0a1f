# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a row says of a message: whether it was handed to a receiver, and what became of it."""

from __future__ import annotations

import re
import typing as t

#: PowerMTA's categories that say the recipient is not there. All others are the sender's, the way's, or pass.
HARD = frozenset(("bad-mailbox", "inactive-mailbox", "bad-domain"))
EXPIRED = "message-expired"
#: Feedback that is no complaint: RFC 6430 (not-spam), RFC 6591 (auth-failure), and the report types of list hygiene.
NO_COMPLAINT = frozenset(("not-spam", "auth-failure", "dmarc", "opt-out", "opt-out-list"))


class Outcome(t.NamedTuple):
    """attempt: the message was handed to a receiver, which answered. bounced: refused for good, by the recipient's fault. category:
    of a bounce, whoever made it."""

    attempt: bool = False
    delivered: bool = False
    deferred: bool = False
    bounced: bool = False
    category: str | None = None
    complaint: bool = False


_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}")
NOTHING = Outcome()
DELIVERED = Outcome(attempt=True, delivered=True)
DEFERRED = Outcome(attempt=True, deferred=True)
COMPLAINT = Outcome(complaint=True)


def _named(category: str) -> str:
    """What is no word is no category of anybody's patterns."""
    return category if _WORD.fullmatch(category) else "other"


def delivery(way: str) -> Outcome:
    """way: dlvType; empty where it is not recorded. What goes into a file, a pipe or nowhere met no receiver."""
    return DELIVERED if way in ("smtp", "") else NOTHING


def remote(diagnostic: str, receiver: str, address: str) -> bool:
    """Whether a receiver took part. diagnostic: dsnDiag, of a remote reply ``smtp;550 ...``; receiver: dsnMta; address: dlvDestinationIp."""
    return bool(receiver or address) or diagnostic[:5].lower() == "smtp;"


def transient(met: bool) -> Outcome:
    return DEFERRED if met else NOTHING


def bounce(status: str, category: str, met: bool) -> Outcome:
    """A ``b``: the end of a message. status: dsnStatus, ``5.1.1 (bad destination mailbox address)``.

    One that waited too long repeats what its last attempt was told; that attempt has a row of its own (RFC 3463, X.4.7).
    """
    category = _named(category)
    expired = category == EXPIRED or status[1:5] == ".4.7" and not status[5:6].isdecimal()
    answered = met and not expired and status[:1] != "4"
    return Outcome(
        attempt=answered,
        bounced=answered and status[:1] == "5" and category in HARD,
        category=EXPIRED if expired else category,
    )


def remote_bounce(status: str, category: str) -> Outcome:
    """An ``rb``: accepted first, refused later by a report. The attempt was counted when it was accepted."""
    category = _named(category)
    return Outcome(bounced=status[:1] == "5" and category in HARD, category=category)


def feedback(kind: str) -> Outcome:
    """An ``f``. kind: feedbackType (RFC 5965); empty for Microsoft's JMRP."""
    return NOTHING if kind.strip().lower() in NO_COMPLAINT else COMPLAINT
