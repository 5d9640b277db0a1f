# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding what a path names, within what the caller may see: somebody else's row is not there."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from email_engine.store.fleet import standing
from email_engine.store.models import Incident, Ip, Tenant

from .errors import Refusal
from .keys import Caller


def sender(session: Session, key: Caller, hostname: str) -> Ip:
    """The sender that holds the name now; retired ones are history."""
    wanted = select(Ip).where(Ip.hostname == hostname, Ip.status != "retired")
    if key.tenant_id is not None:
        wanted = wanted.where(Ip.tenant_id == key.tenant_id)
    found = session.scalars(wanted).first()
    if found is None:
        raise Refusal(404, "No such sender", f"there is no sender {hostname}")
    return found


def tenant(session: Session, key: Caller, name: str) -> Tenant:
    wanted = select(Tenant).where(Tenant.name == name, standing())
    if key.tenant_id is not None:
        wanted = wanted.where(Tenant.id == key.tenant_id)
    found = session.scalars(wanted).first()
    if found is None:
        raise Refusal(404, "No such tenant", f"there is no tenant {name}")
    return found


def incidents(key: Caller) -> Select[tuple[Incident]]:
    wanted = select(Incident)
    return wanted if key.tenant_id is None else wanted.where(Incident.tenant_id == key.tenant_id)


def incident(session: Session, key: Caller, number: int) -> Incident:
    """An open one, locked: of two who close it, the second one sees that it is closed."""
    found = session.scalars(incidents(key).where(Incident.id == number).with_for_update()).first()
    if found is None:
        raise Refusal(404, "No such incident", f"there is no incident {number}")
    if found.closed_at is not None:
        raise Refusal(409, "The incident is closed", f"{found.closed_by} closed it: {found.cause}")
    return found
