# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops: of a sender, a tenant, everything. Always allowed, never undone by anything but a resume."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from .audit import Actor, record
from .models import FleetState, Ip, Tenant


def _say(session: Session, actor: Actor, paused: bool, target: str, tenant_id: int | None, reason: str) -> None:
    record(
        session,
        actor,
        "paused" if paused else "resumed",
        target,
        tenant_id=tenant_id,
        reason=reason,
        before={"paused": not paused},
        after={"paused": paused},
    )


def sender(session: Session, actor: Actor, ip: Ip, paused: bool, reason: str) -> bool:
    """Whether anything changed. A pause keeps the reason with the sender; a resume clears what was given."""
    if ip.paused == paused:
        return False
    ip.paused, ip.reasons = paused, [reason] if paused else []
    _say(session, actor, paused, f"sender {ip.hostname}", ip.tenant_id, reason)
    return True


def tenant(session: Session, actor: Actor, found: Tenant, paused: bool, reason: str) -> bool:
    if found.paused == paused:
        return False
    found.paused = paused
    _say(session, actor, paused, f"tenant {found.name}", found.id, reason)
    return True


def everything(session: Session, actor: Actor, paused: bool, reason: str) -> bool:
    changed = session.execute(
        update(FleetState)
        .where(FleetState.id == 1, FleetState.paused != paused)
        .values(paused=paused, revision=FleetState.revision + 1)
        .returning(FleetState.id)
    ).first()
    if changed is None:
        return False
    _say(session, actor, paused, "everything", None, reason)
    return True
