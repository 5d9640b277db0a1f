# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Incidents: opened by a check with its evidence, acknowledged and closed by a person, or closed by evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.targets import targets_of
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.listings import HEALTHY

from . import alerts
from .audit import Actor, record
from .models import BlacklistEvent, DnsblList, Domain, Incident, Ip, Tenant

#: Kinds. A listing and a hold end by a person's word, with a cause; what is at fault in a set-up ends when a check sees it mended.
LISTING, CONFIGURATION, DNS, HELD = "listing", "configuration", "dns", "held"
#: Nothing of the tenant goes on while they are open; so the tenant does not close them itself.
OF_ADMINS = frozenset({LISTING, HELD})


def opened(session: Session, ip: Ip, kind: str) -> Incident | None:
    """The sender's open incident of that kind."""
    wanted = select(Incident).where(Incident.ip_id == ip.id, Incident.kind == kind, Incident.closed_at.is_(None))
    return session.scalars(wanted.with_for_update()).first()


def open_(session: Session, actor: Actor, ip: Ip, kind: str, summary: str, evidence: Mapping[str, Any]) -> Incident:
    """The sender's open incident of that kind, with this evidence; opened where there is none. The caller holds the sender."""
    found = opened(session, ip, kind)
    if found is not None:
        if (found.summary, found.evidence) != (summary, dict(evidence)):
            found.summary, found.evidence = summary, dict(evidence)
            session.flush()
        return found
    found = Incident(tenant_id=ip.tenant_id, ip_id=ip.id, kind=kind, summary=summary, evidence=dict(evidence))
    session.add(found)
    session.flush()
    about = {"tenant_id": ip.tenant_id, "reason": summary, "evidence": {"sender": ip.hostname, "kind": kind}}
    record(session, actor, "opened", f"incident {found.id}", **about)
    return found


def hold_tenant(session: Session, actor: Actor, tenant: Tenant, reason: str, evidence: Mapping[str, Any]) -> None:
    """Nothing of the tenant, held locked, starts by itself until a person closes the incident with its cause."""
    tenant.held_reason = reason
    incident = Incident(tenant_id=tenant.id, kind=HELD, summary=reason, evidence=dict(evidence))
    session.add(incident)
    about = {"before": {"held_reason": None}, "after": {"held_reason": reason}, "evidence": evidence}
    record(session, actor, "held", f"tenant {tenant.name}", tenant_id=tenant.id, reason=reason, **about)
    session.flush()
    alerts.tell(
        session,
        key=f"hold/{tenant.name}",
        kind="hold",
        severity="critical",
        subject=f"Tenant {tenant.name} is held: {reason}",
        text="No sender of the tenant starts by itself any more. Those that send now go on.",
        remedy=f"Find out what the tenant sends, and to whom; then close incident {incident.id} with the cause. See the runbook hold.md.",
        tenant_id=tenant.id,
    )


def acknowledge(session: Session, actor: Actor, by: str, incident: Incident) -> bool:
    """Somebody, *by*, looks after it. Whether anything changed: the first one who says so counts."""
    if incident.acknowledged_at is not None:
        return False
    incident.acknowledged_at, incident.acknowledged_by = func.now(), by
    record(session, actor, "acknowledged", f"incident {incident.id}", tenant_id=incident.tenant_id)
    session.flush()
    session.refresh(incident)
    return True


def close(session: Session, actor: Actor, by: str, incident: Incident, cause: str) -> None:
    """It is mended, and *cause* was at fault."""
    incident.closed_at, incident.closed_by, incident.cause = func.now(), by, cause
    record(session, actor, "closed", f"incident {incident.id}", tenant_id=incident.tenant_id, reason=cause)
    if incident.kind == HELD:
        session.execute(update(Tenant).where(Tenant.id == incident.tenant_id).values(held_reason=None))
        tenant = session.scalars(select(Tenant.name).where(Tenant.id == incident.tenant_id)).one()
        for kind in ("hold", "failover"):
            alerts.over(session, f"{kind}/{tenant}")
    elif incident.kind == LISTING:
        found = select(Ip.hostname, Tenant.name).join(Tenant, Tenant.id == Ip.tenant_id).where(Ip.id == incident.ip_id)
        sender, tenant = session.execute(found).one()
        for key in (f"listing/{sender}", f"failover/{tenant}"):
            alerts.over(session, key)
    session.flush()
    session.refresh(incident)


def end_unasked(session: Session, actor: Actor, incident: Incident) -> None:
    """With the incident that an admin closes, listings of whose end no check would hear: where the list is asked no longer, or is not
    healthy, or the sender has no longer what it names. What a healthy list says stays, whoever closes the incident."""
    ip, domain = session.execute(
        select(Ip, Domain.name).join(Domain, Domain.id == Ip.domain_id).where(Ip.id == incident.ip_id)
    ).one()
    targets = targets_of(
        {"ip": str(ip.address), "domain": domain, "from_email": ip.sender_email, "hostname": ip.hostname}
    )
    newest = select(func.max(DnsblList.checked_at)).scalar_subquery()
    states = dict(session.execute(select(DnsblList.name, DnsblList.state).where(DnsblList.checked_at == newest)).all())
    wanted = select(BlacklistEvent).where(BlacklistEvent.ip_id == ip.id, BlacklistEvent.cleared_at.is_(None))
    for event in session.scalars(wanted.order_by(BlacklistEvent.id).with_for_update()):
        state = states.get(event.blacklist_name)
        if event.target not in targets:
            why = "the sender has it no longer"
        elif state is None:
            why = "the list is asked no longer"
        elif state != HEALTHY:
            why = f"the list is {state}"
        else:
            continue
        event.cleared_at = func.now()
        about = {"list": event.blacklist_name, "target": event.target, "why": why, "incident": incident.id}
        record(session, actor, "cleared", f"sender {ip.hostname}", tenant_id=ip.tenant_id, reason=why, evidence=about)
