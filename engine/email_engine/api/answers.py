# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several routes answer: a sender, a tenant, and the job that a change started."""

from __future__ import annotations

import uuid
from typing import Any

from pydantic import BaseModel
from sqlalchemy.orm import Session

from email_engine.store.fleet import sender_document, sender_rows, tenant_document
from email_engine.store.models import Domain, Ip, Job, Tenant

from .versions import etag


class Asked(BaseModel):
    """A job that was asked for, and where to follow it."""

    id: uuid.UUID
    href: str


def asked(job: Job) -> Asked:
    return Asked(id=job.id, href=f"/api/v1/jobs/{job.id}")


class Changed(BaseModel):
    """The sender as it is now. job: what brings the change to the hosts; null where they need not know."""

    sender: dict[str, Any]
    job: Asked | None


def sender(ip: Ip, domain: Domain, tenant: Tenant, everything: bool) -> dict[str, Any]:
    """As in the fleet document, and what only the engine knows of it. starts_as: what it becomes once its DNS is green. hold_until: end
    of the engine's own stop. etag: what `If-Match` takes."""
    return {
        **sender_document(ip, domain, tenant, everything),
        "owner": ip.owner,
        "reserve": ip.reserve,
        "since": ip.status_changed_at,
        "until": ip.until,
        "starts_as": ip.starts_as,
        "hold_until": ip.hold_until,
        "etag": etag(ip.version),
    }


def one_sender(session: Session, ip: Ip) -> dict[str, Any]:
    session.flush()
    return sender(*session.execute(sender_rows().where(Ip.id == ip.id)).one())


def tenant(found: Tenant) -> dict[str, Any]:
    """As in the fleet document, and what only the engine knows of it. held: why nothing of it starts by itself."""
    return {
        **tenant_document(found),
        "owner": found.owner,
        "paused": found.paused,
        "held_reason": found.held_reason,
        "etag": etag(found.version),
    }
