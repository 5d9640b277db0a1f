# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet as a person looks at it: some senders at a time with all that is known of each, counts of the whole. Read only.

What was seen too long ago is unknown here, as it is for every decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.status import DELIVERING

from . import progress, sends
from .fleet import sender_document, sender_rows, standing
from .lifecycle import DNS_KEEPS, QUEUE_KEEPS, is_listed
from .models import (
    Alert,
    AuditRow,
    BlacklistEvent,
    DnsblVerdict,
    DnsCheck,
    Domain,
    FleetState,
    Incident,
    Ip,
    QueueReport,
    Tenant,
)

_LIVING = Ip.status != "retired"


class Wanted(NamedTuple):
    """Which senders. None and empty: whatever. text: part of a name, an address or a domain. attention: only those to look after."""

    tenant: str | None = None
    status: str | None = None
    text: str = ""
    attention: bool = False


class Seen(NamedTuple):
    """A sender. document: as in the fleet document. sent: today, None when its MTA's accounting was not collected. dns: None before its first check. lists: of
    the last DNSBL check, by name. listings: lists that it is known to be on, until a check sees it gone. incidents: open ones.
    queued: recipients that wait for it, None when its MTA was not asked lately. hold_until: when the engine's own stop of it ends.
    qualified: days that count for its phase, None when it is in no warm-up."""

    document: dict[str, Any]
    sent: int | None
    dns: DnsCheck | None
    lists: list[DnsblVerdict]
    listings: list[str]
    incidents: int
    queued: int | None
    hold_until: datetime | None = None
    qualified: int | None = None


def _paused() -> ColumnElement[bool]:
    return or_(Ip.paused, Ip.hold_reason.is_not(None), Tenant.paused, FleetState.paused)


def _incident() -> ColumnElement[bool]:
    return select(Incident.id).where(Incident.ip_id == Ip.id, Incident.closed_at.is_(None)).exists()


def _dns(verdict: str) -> ColumnElement[bool]:
    fresh = DnsCheck.checked_at > func.now() - DNS_KEEPS
    return select(DnsCheck.id).where(DnsCheck.ip_id == Ip.id, DnsCheck.green == verdict, fresh).exists()


def _of(statement: Select[Any], tenant_id: int | None) -> Select[Any]:
    return statement if tenant_id is None else statement.where(Ip.tenant_id == tenant_id)


def _joined(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(Ip)
        .join(Tenant, Tenant.id == Ip.tenant_id)
        .join(Domain, Domain.id == Ip.domain_id)
        .join(FleetState, FleetState.id == 1)
        .where(_LIVING)
    )


def _asked_for(wanted: Wanted) -> ColumnElement[bool]:
    parts: list[ColumnElement[bool]] = [true()]
    if wanted.tenant:
        parts.append(Tenant.name == wanted.tenant)
    if wanted.status:
        parts.append(Ip.status == wanted.status)
    if wanted.text:
        parts.append(
            or_(
                *(
                    column.icontains(wanted.text, autoescape=True)
                    for column in (Ip.hostname, Ip.sender_email, Domain.name, func.host(Ip.address))
                )
            )
        )
    if wanted.attention:
        parts.append(or_(_paused(), Ip.status == "quarantine", is_listed(Ip.id), _incident(), _dns("no")))
    return and_(*parts)


def counts(session: Session, tenant_id: int | None) -> dict[str, int]:
    """Of the living senders: all, by status, sending (may hand mail to receivers now), paused, listed, dns_wrong, dns_unknown,
    and open incidents and alerts, the tenant's own included."""
    number = func.count()
    columns = {
        "all": number,
        "sending": number.filter(Ip.status.in_(DELIVERING), ~_paused(), Ip.daily_quota > 0),
        "paused": number.filter(_paused()),
        "listed": number.filter(is_listed(Ip.id)),
        "dns_wrong": number.filter(_dns("no")),
        "dns_unknown": number.filter(~or_(_dns("no"), _dns("yes"))),
    }
    wanted = _of(_joined(*(column.label(name) for name, column in columns.items())), tenant_id)
    found = dict(session.execute(wanted).mappings().one())
    by_status = _of(select(Ip.status, func.count()).where(_LIVING).group_by(Ip.status), tenant_id)
    found |= dict(session.execute(by_status).all())
    incidents = select(func.count()).select_from(Incident).where(Incident.closed_at.is_(None))
    if tenant_id is not None:
        incidents = incidents.where(Incident.tenant_id == tenant_id)
    opened = select(func.count()).select_from(Alert).where(Alert.closed_at.is_(None))
    if tenant_id is not None:
        opened = opened.where(Alert.tenant_id == tenant_id)
    return {**found, "incidents": session.scalar(incidents), "alerts": session.scalar(opened)}


def senders(session: Session, tenant_id: int | None, wanted: Wanted, offset: int, limit: int) -> tuple[list[Seen], int]:
    """*limit* of the senders, by tenant and age, and how many there are. So many queries whatever the fleet's size."""
    chosen = _of(_joined(Ip.id), tenant_id).where(_asked_for(wanted))
    total = session.scalar(select(func.count()).select_from(chosen.subquery()))
    ids = session.scalars(chosen.order_by(Tenant.name, Ip.id).offset(offset).limit(limit)).all()
    return look(session, ids), total


def look(session: Session, ids: Sequence[int]) -> list[Seen]:
    """These senders, in this order."""
    documents = {row.Ip.id: sender_document(*row) for row in session.execute(sender_rows().where(Ip.id.in_(ids)))}
    sent = sends.known_today(session, ids)
    holds = select(Ip.id, Ip.hold_until).where(Ip.id.in_(ids), Ip.hold_reason.is_not(None))
    held = dict(session.execute(holds).all())
    qualified = progress.qualified(session, ids)
    dns = {one.ip_id: one for one in session.scalars(select(DnsCheck).where(DnsCheck.ip_id.in_(ids)))}
    lists: dict[int, list[DnsblVerdict]] = {}
    verdicts = select(DnsblVerdict).where(DnsblVerdict.ip_id.in_(ids)).order_by(DnsblVerdict.blacklist_name)
    for one in session.scalars(verdicts):
        lists.setdefault(one.ip_id, []).append(one)
    listings: dict[int, list[str]] = {}
    events = select(BlacklistEvent.ip_id, BlacklistEvent.blacklist_name).where(
        BlacklistEvent.ip_id.in_(ids), BlacklistEvent.cleared_at.is_(None)
    )
    for number, name in session.execute(events):
        listings.setdefault(number, []).append(name)
    waiting = select(QueueReport.ip_id, QueueReport.queued).where(
        QueueReport.ip_id.in_(ids), QueueReport.seen_at > func.now() - QUEUE_KEEPS
    )
    queued = dict(session.execute(waiting).all())
    opened = select(Incident.ip_id, func.count()).where(Incident.ip_id.in_(ids), Incident.closed_at.is_(None))
    incidents = dict(session.execute(opened.group_by(Incident.ip_id)).all())
    return [
        Seen(
            documents[one],
            sent.get(one),
            dns.get(one),
            lists.get(one, []),
            listings.get(one, []),
            incidents.get(one, 0),
            queued.get(one),
            held.get(one),
            qualified.get(one),
        )
        for one in ids
    ]


def history(session: Session, tenant_id: int | None, target: str, before: int | None, limit: int) -> Sequence[AuditRow]:
    """What happened to *target*, newest first; *before* is the last one of the page before."""
    wanted = select(AuditRow).where(AuditRow.target == target)
    if tenant_id is not None:
        wanted = wanted.where(AuditRow.tenant_id == tenant_id)
    if before is not None:
        wanted = wanted.where(AuditRow.id < before)
    return session.scalars(wanted.order_by(AuditRow.id.desc()).limit(limit)).all()


def incidents_of(session: Session, ip_id: int, limit: int) -> Sequence[Incident]:
    """A sender's, open ones first, then the newest."""
    wanted = select(Incident).where(Incident.ip_id == ip_id)
    return session.scalars(wanted.order_by(Incident.closed_at.isnot(None), Incident.id.desc()).limit(limit)).all()


def everything_paused(session: Session) -> bool:
    return session.scalars(select(FleetState.paused)).one()


def tenants(session: Session, tenant_id: int | None) -> Sequence[tuple[Tenant, int]]:
    """Each with the number of its living senders."""
    living = select(func.count()).select_from(Ip).where(Ip.tenant_id == Tenant.id, _LIVING).scalar_subquery()
    wanted = select(Tenant, living).where(standing()).order_by(Tenant.name)
    if tenant_id is not None:
        wanted = wanted.where(Tenant.id == tenant_id)
    return session.execute(wanted).all()
