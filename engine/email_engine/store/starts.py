# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Standby senders that start by themselves. Beside a listing that is a failover, and has the brakes of `lifecycle.brakes`."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.brakes import (
    Brakes,
    Start,
    may_start,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.moves import CHECK

from . import lifecycle, policy
from .audit import Actor, record
from .models import AuditRow, Incident, Ip, Tenant

#: Kind of the incident that ends, with a cause, the hold of a tenant.
HELD = "held"
# Any number, always the same: the platform's budget is one.
_STARTING = 0x7374617274


def by_check(session: Session, actor: Actor, ip: Ip) -> bool:
    """Whether a sender, held locked, starts now. A reserve waits for a person, a held tenant for the end of its hold."""
    if ip.status != "standby" or ip.reserve or not ip.declared:
        return False
    session.execute(select(func.pg_advisory_xact_lock(_STARTING)))
    tenant = session.scalars(
        select(Tenant).where(Tenant.id == ip.tenant_id).execution_options(populate_existing=True)
    ).one()
    if tenant.held_reason is not None:
        return False
    standing = Ip.status != "retired"
    listed = session.scalar(
        select(func.count()).select_from(Ip).where(Ip.tenant_id == tenant.id, standing, lifecycle.is_listed(Ip.id))
    )
    if listed:
        size = session.scalar(select(func.count()).select_from(Ip).where(standing))
        verdict = may_start(Brakes(), _earlier(session), tenant.name, listed, size, session.scalar(select(func.now())))
        if verdict.hold_tenant:
            hold_tenant(session, actor, tenant, str(verdict.reason))
        if not verdict.allowed:
            return False
    try:
        evidence = {"after_listing": bool(listed)}
        lifecycle.move(session, actor, ip, "start", CHECK, policy.load(session), evidence=evidence)
    except lifecycle.NotNow:
        return False
    return True


def hold_tenant(session: Session, actor: Actor, tenant: Tenant, reason: str) -> None:
    """Nothing of the tenant starts by itself until a person closes the incident with its cause."""
    tenant.held_reason = reason
    session.add(Incident(tenant_id=tenant.id, kind=HELD, summary=reason))
    about = {"before": {"held_reason": None}, "after": {"held_reason": reason}}
    record(session, actor, "held", f"tenant {tenant.name}", tenant_id=tenant.id, reason=reason, **about)
    session.flush()


def _earlier(session: Session) -> list[Start]:
    """Automatic starts beside a listing, of all tenants, as far back as any brake looks."""
    brakes = Brakes()
    window = max(brakes.tenant_window, brakes.platform_window)
    rows = session.execute(
        select(Tenant.name, AuditRow.at)
        .join(Tenant, Tenant.id == AuditRow.tenant_id)
        .where(
            AuditRow.action == "moved",
            AuditRow.at > func.now() - window,
            AuditRow.evidence.contains({"event": "start", "by": CHECK, "after_listing": True}),
        )
    )
    return [Start(*row) for row in rows]
