# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit log: a row about each change, in the transaction that makes it. There is no other way to write one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from .models import AuditRow


class Actor(NamedTuple):
    """Who acts. name: of an API key, of a declaring host, or of a check. tenant_id: the only tenant it may see, None for all."""

    name: str
    tenant_id: int | None = None


def record(
    session: Session,
    actor: Actor,
    action: str,
    target: str,
    *,
    tenant_id: int | None = None,
    reason: str | None = None,
    evidence: Mapping[str, Any] | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Add the row to the session's transaction: it is kept or lost together with the change.

    target: what was changed, by kind and name ("sender mail1.example.com"). Of before and after only what differs is kept.
    """
    if before is not None and after is not None:
        keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
        before, after = ({key: whole[key] for key in keys if key in whole} for whole in (before, after))
    session.add(
        AuditRow(
            actor=actor.name,
            tenant_id=tenant_id,
            action=action,
            target=target,
            reason=reason,
            evidence=dict(evidence or {}),
            before=before,
            after=after,
        )
    )
