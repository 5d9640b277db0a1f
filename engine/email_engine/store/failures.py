# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that fail, as alerts: one of each kind, until one of that kind succeeds."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from . import alerts
from .models import Alert

#: Kinds whose failure leaves mail unwatched or a stop unmade.
_GRAVE = frozenset({"stop", "dnsbl_check", "collect", "recheck"})
_NUMBERS = re.compile(r"\d+")


def tell(session: Session, kind: str, error: str) -> bool:
    """The same error with other numbers (times, attempts, addresses) is the same one."""
    text = error or "Nobody told why."
    before = session.scalar(select(Alert.text).where(Alert.key == _key(kind), Alert.closed_at.is_(None)))
    if before is not None and _shape(before) == _shape(text):
        return False
    return alerts.tell(
        session,
        key=_key(kind),
        kind="job",
        severity="critical" if kind in _GRAVE else "warning",
        subject=f"Job {kind} failed",
        text=text,
        remedy=f"Its log is on the page under Jobs. Mend what it tells of, then ask for it again: sudo email-engine jobs add {kind}.",
    )


def over(session: Session, kind: str) -> bool:
    return alerts.over(session, _key(kind))


def _key(kind: str) -> str:
    return f"job/{kind}"


def _shape(text: str) -> str:
    """Of what two texts share that tell of the same fault; the kept one may be cut short."""
    return _NUMBERS.sub("#", text)[: alerts.BODY // 2]
