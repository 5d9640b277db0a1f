# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy that the inventory declared last; what is made by the API is made by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from .models import FleetState


class Declared(NamedTuple):
    """policy: as the domain's `expand` takes it, with ``prefixes``; empty before the first declaration. mtas: hosts of the group powermta."""

    policy: dict[str, Any]
    mtas: list[str]

    @property
    def phases(self) -> dict[str, int]:
        """Messages a day of each warm-up phase, in order."""
        return self.policy.get("phases", {})

    def quota(self, phase: str | None) -> int:
        return self.phases.get(phase, self.policy["active_daily_quota"]) if phase else self.policy["active_daily_quota"]


def load(session: Session) -> Declared:
    row = session.execute(select(FleetState.policy, FleetState.mtas)).one()
    policy = {**row.policy, "phases": dict(row.policy["phases"])} if row.policy else {}
    return Declared(policy, list(row.mtas))


def save(session: Session, policy: Mapping[str, Any], mtas: Sequence[str]) -> None:
    """A change counts as one of the fleet: what was read with the old policy is read again."""
    # Pairs: PostgreSQL keeps no order of keys, and the order of phases is what they are about.
    stored = {**policy, "phases": [list(pair) for pair in policy["phases"].items()]}
    session.execute(
        update(FleetState)
        .where(FleetState.id == 1, (FleetState.policy != stored) | (FleetState.mtas != list(mtas)))
        .values(policy=stored, mtas=list(mtas), revision=FleetState.revision + 1)
    )
