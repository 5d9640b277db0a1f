# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Standby senders that start by themselves: who goes live when its DNS is green, and a failover beside a listing, which has the brakes
of `lifecycle.brakes`."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle import brakes
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.decide import NO
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.moves import CHECK

from . import incidents, lifecycle, policy
from .audit import Actor
from .fleet import HELD as LOCKED
from .models import AuditRow, Ip, Tenant

# Any number, always the same: the platform's budget is one.
_STARTING = 0x7374617274


class Failover(NamedTuple):
    """started: the standby that begins. held: the tenant is held now. why: what kept it from starting."""

    started: Ip | None = None
    held: bool = False
    why: str | None = None


def by_check(session: Session, actor: Actor, ip: Ip) -> bool:
    """Whether a sender, held locked, starts now. A reserve waits for a person, a held tenant for the end of its hold."""
    if ip.status != "standby" or ip.reserve or not ip.declared:
        return False
    tenant = _tenant(session, ip.tenant_id)
    if tenant.held_reason is not None:
        return False
    declared = policy.load(session)
    if ip.starts_as is not None:
        # The inventory says that it sends, so it replaces nobody.
        event = "go_live" if ip.starts_as["status"] == "active" else "start"
        about = {"evidence": {"declared": dict(ip.starts_as)}, "quota": ip.daily_quota}
        return _move(session, actor, ip, event, declared, **about) is None
    listed = _listed(session, tenant)
    if listed:
        verdict = _may_start(session, declared, tenant, listed)
        if verdict.hold_tenant:
            incidents.hold_tenant(session, actor, tenant, str(verdict.reason), {"listed": listed})
        if not verdict.allowed:
            return False
    return _move(session, actor, ip, "start", declared, evidence={"after_listing": bool(listed)}) is None


def failover(session: Session, actor: Actor, stopped: Ip) -> Failover:
    """One standby of the tenant whose sender was stopped begins its own warm-up, for new campaigns. The fleet is held."""
    tenant = _tenant(session, stopped.tenant_id)
    if tenant.held_reason is not None:
        return Failover()  # a person has been told
    declared = policy.load(session)
    listed = _listed(session, tenant)
    verdict = _may_start(session, declared, tenant, listed)
    if verdict.hold_tenant:
        evidence = {"listed": listed, "stopped": stopped.hostname}
        incidents.hold_tenant(session, actor, tenant, str(verdict.reason), evidence)
        return Failover(held=True, why=verdict.reason)
    if not verdict.allowed:
        return Failover(why=verdict.reason)
    standing = select(Ip).where(
        Ip.tenant_id == tenant.id,
        Ip.status == "standby",
        Ip.declared,
        Ip.starts_as.is_(None),  # they start by themselves
        ~Ip.paused,
        Ip.hold_reason.is_(None),
        ~lifecycle.is_listed(Ip.id),
    )
    refused = []
    for ip in session.scalars(standing.order_by(Ip.reserve.desc(), Ip.id)).all():
        facts, _now = lifecycle.look(session, ip)
        if facts.listed != NO:
            # A new sender may start unseen by the lists; one that takes over beside a listing may not.
            refused.append(f"{ip.hostname}: no healthy list has answered for it, or one that can stop it has not")
            continue
        evidence = {"after_listing": True, "beside": stopped.hostname}
        why = _move(session, actor, ip, "start", declared, evidence=evidence)
        if why is None:
            return Failover(started=ip)
        refused.append(f"{ip.hostname}: {why}")
    return Failover(why="; ".join(refused) or "it has no standby")


def _move(session: Session, actor: Actor, ip: Ip, event: str, declared: policy.Declared, **about: Any) -> str | None:
    """Why not; None when it was done."""
    try:
        lifecycle.move(session, actor, ip, event, CHECK, declared, **about)
    except lifecycle.NotNow as refused:
        return str(refused)
    return None


def _tenant(session: Session, number: int) -> Tenant:
    """Locked, and with it the budgets: of two who ask, the second one sees what the first one did."""
    session.execute(select(func.pg_advisory_xact_lock(_STARTING)))
    wanted = select(Tenant).where(Tenant.id == number).with_for_update(**LOCKED)
    return session.scalars(wanted.execution_options(populate_existing=True)).one()


def _listed(session: Session, tenant: Tenant) -> int:
    session.flush()
    wanted = select(func.count()).select_from(Ip).where(Ip.tenant_id == tenant.id, Ip.status != "retired")
    return session.scalar(wanted.where(lifecycle.is_listed(Ip.id))) or 0


def _may_start(session: Session, declared: policy.Declared, tenant: Tenant, listed: int) -> brakes.Verdict:
    limits = brakes.of(declared.policy.get("brakes", {}))
    size = session.scalar(select(func.count()).select_from(Ip).where(Ip.status != "retired")) or 0
    now = session.execute(select(func.now())).scalar_one()
    return brakes.may_start(limits, _earlier(session, limits), tenant.name, listed, size, now)


def _earlier(session: Session, limits: brakes.Brakes) -> list[brakes.Start]:
    """Automatic starts beside a listing, of all tenants, as far back as any brake looks."""
    window = max(limits.tenant_window, limits.platform_window)
    rows = session.execute(
        select(Tenant.name, AuditRow.at)
        .join(Tenant, Tenant.id == AuditRow.tenant_id)
        .where(
            AuditRow.action == "moved",
            AuditRow.at > func.now() - window,
            AuditRow.evidence.contains({"event": "start", "by": CHECK, "after_listing": True}),
        )
    )
    return [brakes.Start(*row) for row in rows]
