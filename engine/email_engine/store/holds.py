# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds: the engine's own stop of a sender until a moment. It ends by itself, or by a person; a person's stop it never touches."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from . import halts, lifecycle
from .audit import Actor, record
from .models import Ip

#: A listing is waited for by a person, not by a clock.
STOPPED_OTHERWISE = ("quarantine", "retired")
SWEEP = Actor("sweep")


def hold(session: Session, actor: Actor, ip: Ip, reason: str, until: datetime) -> bool:
    """Stop a sender at once until then. False: it is held so long already, and nothing changed. Of two holds the longer one counts."""
    ip = lifecycle.lock(session, ip.id)
    if ip.hold_until is not None and ip.hold_until >= until:
        return False
    before = _shown(ip)
    ip.hold_reason, ip.hold_until = reason, until
    about = {"tenant_id": ip.tenant_id, "reason": reason, "before": before, "after": _shown(ip)}
    record(session, actor, "on hold", f"sender {ip.hostname}", **about)
    session.flush()
    halts.halt(session, actor, [ip], reason)
    return True


def end(session: Session, actor: Actor, ip: Ip, reason: str) -> bool:
    """The sender, held locked, is on hold no longer. False: it was not, or its stop has not arrived yet."""
    if ip.hold_reason is None or not halts.overtaken(session, actor, ip):
        return False
    before = _shown(ip)
    ip.hold_reason, ip.hold_until = None, None
    about = {"tenant_id": ip.tenant_id, "reason": reason, "before": before, "after": _shown(ip)}
    record(session, actor, "hold ended", f"sender {ip.hostname}", **about)
    session.flush()
    if ip.status not in STOPPED_OTHERWISE:
        halts.let_go(session, actor, ip, reason)
    return True


def lift_due(session: Session) -> list[str]:
    """Names of the senders whose hold ends now. The time is the database's."""
    due = select(Ip.id).where(Ip.hold_until <= func.now(), Ip.status != "retired").order_by(Ip.id)
    found = []
    for number in session.scalars(due).all():
        ip = lifecycle.lock(session, number)
        # Somebody may have made it longer meanwhile.
        if ip.hold_until is None or not session.scalar(select(func.now() >= ip.hold_until)):
            continue
        if end(session, SWEEP, ip, f"its time is over: {ip.hold_reason}"):
            found.append(ip.hostname)
    return found


def _shown(ip: Ip) -> dict[str, str | None]:
    return {"hold_reason": ip.hold_reason, "hold_until": ip.hold_until.isoformat() if ip.hold_until else None}
