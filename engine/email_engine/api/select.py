# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sender gets the next campaign."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils import selection
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.status import PURPOSES
from email_engine.store import campaigns, fleet, sends, turns

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
    chosen, candidates = sender_for(request, session, key, tenant_of(key, wish.tenant), wish.campaign, wish.mode)
    return Choice(
        **{field: chosen[field] for field in ("name", "ip", "domain", "from_email", "from_name", "vmta")},
        mode=wish.mode,
        candidates=candidates,
    )


def tenant_of(key: Key, named: str | None) -> str:
    """Whom a request is about. named: in its body. Raises Refusal."""
    tenant = key.tenant or named
    if tenant is None:
        raise Refusal(422, "The request is not valid", "body.tenant: an admin's key has no tenant of its own; name one")
    if named not in (None, tenant):
        # The same words as for a tenant that does not exist.
        raise Refusal(404, "No such tenant", f"there is no tenant {named}")
    return tenant


def sender_for(
    request: Request,
    session: Session,
    key: Key,
    tenant: str,
    campaign: str,
    mode: str,
    only: str | None = None,
    crowded: Mapping[str, str] | None = None,
) -> tuple[Mapping[str, Any], int]:
    """The sender of the tenant's next campaign of that type, and of how many it was chosen. only: the one that it has to be. crowded:
    those without room for it -> why. Raises Refusal with each sender's reason where nobody may."""
    senders = _senders(request, session, key, tenant)
    if mode == "least_used":
        today, lately = sends.today_and_last_hour(session, tenant)
    else:
        today, lately = sends.today(session, tenant), {}
    found = selection.candidates(senders, tenant, selection.CAMPAIGN_PURPOSES[campaign], today)
    found = selection.with_room(found, crowded or {})
    if only is not None:
        found = _only(found, tenant, only)
    if not found.senders:
        refused = [{"sender": one.sender, "reason": one.reason} for one in found.refused]
        full = any(one.reason == (crowded or {}).get(one.sender) for one in found.refused)
        remedy = f". {campaigns.ROOM}." if full else ""
        raise Refusal(409, "Nobody may send", _nobody(tenant, campaign, only) + remedy, senders=refused)
    if mode == "round_robin" and only is None:
        turn = turns.take(request.app.state.redis, request.app.state.aside, f"{tenant}/{campaign}")
        chosen = selection.round_robin(found.senders, turn)
    elif mode == "least_used":
        chosen = selection.least_used(found.senders, lately)
    else:
        chosen = selection.weighted_random(found.senders, random.random())
    return chosen, len(found.senders)


def _only(found: selection.Candidates, tenant: str, name: str) -> selection.Candidates:
    able = tuple(one for one in found.senders if one["name"] == name)
    refused = tuple(one for one in found.refused if one.sender == name)
    if not able and not refused:
        raise Refusal(404, "No such sender", f"{tenant} has no sender {name}")
    return selection.Candidates(able, refused)


def _nobody(tenant: str, campaign: str, only: str | None) -> str:
    if only is not None:
        return f"{only} may not send a {campaign} campaign now"
    return f"{tenant} has no sender for a {campaign} campaign now"


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
