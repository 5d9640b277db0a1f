# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sender gets the next campaign."""

from __future__ import annotations

import random
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils import selection
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.status import PURPOSES
from email_engine.store import fleet, sends, turns

from .deps import Caller, Transaction
from .errors import Refusal
from .keys import Caller as Key

router = APIRouter(tags=["senders"])


class Wish(BaseModel):
    """tenant: needed from an admin; a tenant's key has its own."""

    campaign: Literal[PURPOSES]  # type: ignore[valid-type]
    mode: Literal[selection.MODES] = "weighted_random"  # type: ignore[valid-type]
    tenant: str | None = None


class Choice(BaseModel):
    """What a campaign needs of its sender. candidates: how many there were."""

    name: str
    ip: str
    domain: str
    from_email: str
    from_name: str | None
    vmta: str
    mode: str
    candidates: int


@router.post("/senders:select", summary="Choose the sender of a campaign")
def choose(wish: Wish, key: Caller, session: Transaction, request: Request) -> Choice:
    tenant = key.tenant or wish.tenant
    if tenant is None:
        raise Refusal(422, "The request is not valid", "body.tenant: an admin's key has no tenant of its own; name one")
    if wish.tenant not in (None, tenant):
        # The same words as for a tenant that does not exist.
        raise Refusal(404, "No such tenant", f"there is no tenant {wish.tenant}")
    senders = _senders(request, session, key, tenant)
    if wish.mode == "least_used":
        today, lately = sends.today_and_last_hour(session, tenant)
    else:
        today, lately = sends.today(session, tenant), {}
    found = selection.candidates(senders, tenant, selection.CAMPAIGN_PURPOSES[wish.campaign], today)
    if not found.senders:
        refused = [{"sender": one.sender, "reason": one.reason} for one in found.refused]
        raise Refusal(
            409, "Nobody may send", f"{tenant} has no sender for a {wish.campaign} campaign now", senders=refused
        )
    if wish.mode == "round_robin":
        turn = turns.take(request.app.state.redis, request.app.state.aside, f"{tenant}/{wish.campaign}")
        chosen = selection.round_robin(found.senders, turn)
    elif wish.mode == "least_used":
        chosen = selection.least_used(found.senders, lately)
    else:
        chosen = selection.weighted_random(found.senders, random.random())
    return Choice(
        **{field: chosen[field] for field in ("name", "ip", "domain", "from_email", "from_name", "vmta")},
        mode=wish.mode,
        candidates=len(found.senders),
    )


def _senders(request: Request, session: Session, key: Key, tenant: str) -> list[dict]:
    """The tenant's senders, read again only when the fleet's revision moved."""
    cache: dict[str, tuple[int, list[dict]]] = request.app.state.senders
    revision, senders = cache.get(tenant, (-1, []))
    if revision != key.revision:
        number = fleet.tenant_id(session, tenant)
        if number is None:
            raise Refusal(404, "No such tenant", f"there is no tenant {tenant}")
        senders = fleet.document(session, number)["senders"]
        cache[tenant] = (key.revision, senders)
    return senders
