# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop and go on. A stop takes no lock and waits for nobody; going on is an admin's decision."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from email_engine.store import stops

from . import finding
from .answers import Asked, asked
from .deps import Admin, Caller, Transaction
from .errors import WithoutSecrets
from .senders import Name

router = APIRouter(tags=["stops"])


class Why(BaseModel):
    """For the audit log, and for whoever wonders later."""

    reason: Annotated[str, Field(min_length=1, max_length=500), WithoutSecrets]


class Done(BaseModel):
    """changed: false when it was so already. job: what does it on the hosts."""

    paused: bool
    changed: bool
    job: Asked


def _done(paused: bool, stopped: stops.Stopped) -> Done:
    return Done(paused=paused, changed=stopped.changed, job=asked(stopped.job))


@router.post("/ips/{name}:pause", summary="Stop a sender")
def pause_sender(name: Name, why: Why, key: Caller, session: Transaction) -> Done:
    ip = finding.sender(session, key, name)
    return _done(True, stops.sender(session, key.actor, ip, True, why.reason))


@router.post("/ips/{name}:resume", summary="Let a sender go on, as far as its status, its tenant and the platform do")
def resume_sender(name: Name, why: Why, key: Admin, session: Transaction) -> Done:
    ip = finding.sender(session, key, name)
    return _done(False, stops.sender(session, key.actor, ip, False, why.reason))


@router.post("/tenants/{tenant}:pause", summary="Stop all senders of a tenant")
def pause_tenant(tenant: str, why: Why, key: Caller, session: Transaction) -> Done:
    found = finding.tenant(session, key, tenant)
    return _done(True, stops.tenant(session, key.actor, found, True, why.reason))


@router.post("/tenants/{tenant}:resume", summary="Let a tenant's senders go on")
def resume_tenant(tenant: str, why: Why, key: Admin, session: Transaction) -> Done:
    found = finding.tenant(session, key, tenant)
    return _done(False, stops.tenant(session, key.actor, found, False, why.reason))


@router.post("/fleet:pause", summary="Stop everything")
def pause_everything(why: Why, key: Admin, session: Transaction) -> Done:
    return _done(True, stops.everything(session, key.actor, True, why.reason))


@router.post("/fleet:resume", summary="Let everything go on that nothing else stops")
def resume_everything(why: Why, key: Admin, session: Transaction) -> Done:
    return _done(False, stops.everything(session, key.actor, False, why.reason))
