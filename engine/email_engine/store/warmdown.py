# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wish that a sender goes: less each day, then retired, as the warm-up's daily run carries it out."""

from __future__ import annotations

from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.status import SELECTABLE

from . import lifecycle, policy, warmup
from .audit import Actor, record
from .models import Ip


def begin(session: Session, actor: Actor, ip: Ip, days: int | None, reason: str) -> bool:
    """Whether its warm-down begins now; it may have begun before. The sender is held locked. Raises `lifecycle.NotNow` where too many
    go at once: it counts as one that leaves today."""
    lifecycle.brake(session, policy.load(session))
    if not warmup.begin_down(session, actor, ip, days):
        return False
    about = {"tenant_id": ip.tenant_id, "reason": reason, "evidence": {"counted": True, "days": days}}
    record(session, actor, "retiring", f"sender {ip.hostname}", **about)
    return True


def call_off(session: Session, actor: Actor, ip: Ip, reason: str) -> bool:
    """Whether the sender, held locked, was to send less each day and now stays. One that is retiring already is moved back instead."""
    return ip.status in SELECTABLE and warmup.end_down(session, actor, ip, reason)
