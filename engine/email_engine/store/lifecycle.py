# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The domain decides what becomes of a sender; here are the facts it asks for, and its decision as rows."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle import brakes, listings
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.decide import (
    NO,
    UNKNOWN,
    YES,
    Change,
    Facts,
    Refused,
    decide,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.moves import BY_STATUS, PERSON
from ansible_collections.email_engine.fleet.plugins.module_utils.warmup.schedule import entered

from .audit import Actor, record
from .fleet import HELD
from .models import AuditRow, BlacklistEvent, DnsblList, DnsblVerdict, DnsCheck, Incident, Ip, QueueReport, WarmupPlan
from .policy import Declared

# How long what was seen counts as what is. DNS is checked daily, lists every few hours; one run may fail.
DNS_KEEPS, LISTS_KEEP, QUEUE_KEEPS = timedelta(hours=50), timedelta(hours=24), timedelta(hours=1)
_DNS, _LISTS, _QUEUE = (func.now() - age for age in (DNS_KEEPS, LISTS_KEEP, QUEUE_KEEPS))
#: Status of a warm-up plan that was gone through.
DONE = "active"
#: Growth of a plan: its sender was declared active at a quota of its own, which nothing raises.
STAYS = 1.0
#: What takes a sender out of service by somebody's wish. There is a most of it a day; what stops a sender for a cause is not counted.
BRAKED = ("retire", "rest")
# Any number, always the same: the budget of moves is one.
_MOVING = 0x6D6F7665


class NotNow(Exception):
    """The domain refused. reasons: each unmet condition, with what would meet it."""

    def __init__(self, reasons: tuple[str, ...]):
        super().__init__("; ".join(reasons))
        self.reasons = reasons


def lock(session: Session, ip_id: int) -> Ip:
    """The sender as it is now, held until the transaction ends."""
    return session.scalars(
        select(Ip).where(Ip.id == ip_id).with_for_update(**HELD).execution_options(populate_existing=True)
    ).one()


def is_listed(ip_id: Any) -> Any:
    """A condition: an open listing, or a list that says so now. Of lists that may stop a sender: what others say is no reputation."""
    return exists().where(
        BlacklistEvent.ip_id == ip_id,
        BlacklistEvent.cleared_at.is_(None),
        BlacklistEvent.severity.in_(brakes.STOPPING),
    ) | exists().where(
        DnsblVerdict.ip_id == ip_id,
        DnsblVerdict.listed == YES,
        DnsblVerdict.checked_at > _LISTS,
        or_(DnsblVerdict.severity.is_(None), DnsblVerdict.severity.in_(brakes.STOPPING)),
    )


def look(session: Session, ip: Ip) -> tuple[Facts, datetime]:
    """What is known about a sender, and the database's time. What was seen too long ago is unknown."""
    of = ip.id
    green = select(DnsCheck.green).where(DnsCheck.ip_id == of, DnsCheck.checked_at > _DNS).scalar_subquery()
    queued = select(QueueReport.queued).where(QueueReport.ip_id == of, QueueReport.seen_at > _QUEUE).scalar_subquery()
    incidents = (
        select(func.count()).select_from(Incident).where(Incident.ip_id == of, Incident.closed_at.is_(None))
    ).scalar_subquery()
    row = session.execute(select(func.now(), green, is_listed(of), queued, incidents)).one()
    now, dns, listed, waiting, open_ones = row
    verdict = YES if listed else NO if listings.seen_clean(_asked(session, of)) else UNKNOWN
    return Facts(dns or UNKNOWN, verdict, waiting, open_ones, ip.until, not ip.declared), now


def _asked(session: Session, ip_id: int) -> list[listings.Asked]:
    """The lists of the newest check that could stop a sender, with what they said of this one."""
    newest = select(func.max(DnsblList.checked_at)).scalar_subquery()
    rows = session.execute(
        select(DnsblList.name, DnsblList.severity, DnsblVerdict.listed)
        .outerjoin(
            DnsblVerdict,
            (DnsblVerdict.blacklist_name == DnsblList.name)
            & (DnsblVerdict.ip_id == ip_id)
            & (DnsblVerdict.checked_at > _LISTS)
            & (DnsblList.state == listings.HEALTHY),
        )
        .where(DnsblList.checked_at == newest, DnsblList.severity.in_(brakes.STOPPING))
    )
    found: dict[str, listings.Asked] = {}
    for name, severity, listed in rows:
        one = found.setdefault(name, listings.Asked(severity))
        if listed is not None:
            found[name] = one._replace(said=(*one.said, listed))
    return list(found.values())


def move(
    session: Session,
    actor: Actor,
    ip: Ip,
    event: str,
    by: str,
    declared: Declared,
    *,
    reason: str | None = None,
    evidence: Mapping[str, Any] | None = None,
    queued: int | None = None,
    quota: int | None = None,
    braked: bool = True,
) -> Change:
    """*event* happens to a sender that the caller holds locked. queued: when it was seen just now. quota: messages a day from now on,
    where the event gives it one; no event raises it by itself. braked: whether it counts as one of the day's `BRAKED`; false for who has a brake of its own.
    Raises NotNow, and nothing changed."""
    facts, now = look(session, ip)
    if queued is not None:
        facts = facts._replace(queued=queued)
    goes_to = BY_STATUS.get(ip.status, {}).get(event)
    if goes_to and goes_to.target in ("warming", "active") and not declared.phases:
        raise NotNow(("no policy was declared yet: run site.yml",))
    begins = (ip.starts_as or {}).get("phase")
    sender = {"status": ip.status, "phase": ip.phase}
    change = decide(sender, event, by, facts, now, list(declared.phases), begins)
    if isinstance(change, Refused):
        raise NotNow(change.reasons)
    counted = braked and event in BRAKED and by == PERSON
    if counted:
        brake(session, declared)
    before = _shown(ip)
    plan = session.scalars(select(WarmupPlan).where(WarmupPlan.ip_id == ip.id)).first()
    own = _own_quota(plan, ip)
    asked = ip.daily_quota if quota is None else quota
    if change.status == "warming":
        ip.daily_quota = entered(declared.quota(change.phase), asked, _target(declared, own))
    elif quota is not None:
        ip.daily_quota = quota
    elif change.phase != ip.phase:
        ip.daily_quota = min(asked, declared.quota(change.phase))
    ip.status, ip.phase, ip.until, ip.status_changed_at = change.status, change.phase, change.until, now
    ip.starts_as = None
    if event in ("start", "go_live"):
        ip.reserve = False
    _plan(session, ip, plan, change, declared, own, now)
    seen = {"event": event, "by": by, "dns_green": facts.dns_green, "listed": facts.listed, "queued": facts.queued}
    if counted:
        seen["counted"] = True
    record(
        session,
        actor,
        "moved",
        f"sender {ip.hostname}",
        tenant_id=ip.tenant_id,
        reason=reason,
        evidence={**seen, **(evidence or {})},
        before=before,
        after=_shown(ip),
    )
    session.flush()
    return change


def brake(session: Session, declared: Declared) -> None:
    """Refuse where so many senders were taken out of service lately that one more is somebody's decision about the platform: NotNow."""
    session.execute(select(func.pg_advisory_xact_lock(_MOVING)))
    limits = brakes.of(declared.policy.get("brakes", {}))
    size = session.scalar(select(func.count()).select_from(Ip).where(Ip.status != "retired"))
    most = brakes.most_moves(limits, size or 0)
    lately = session.scalar(
        select(func.count())
        .select_from(AuditRow)
        .where(AuditRow.at > func.now() - limits.moves_window, AuditRow.evidence.contains({"counted": True}))
    )
    if (lately or 0) >= most:
        days = limits.moves_window.days
        window = "a day" if days == 1 else f"{days} days"
        raise NotNow(
            (
                f"{lately} senders were taken out of service in {window} already, and no more than {most} may be: wait, or "
                "raise moves_least or moves_share of policy_brakes",
            )
        )


def leave(session: Session, actor: Actor, ip: Ip, declared: Declared, reason: str | None = None) -> None:
    """A sender, held locked, is taken out of the fleet: who may send empties its queue, any other keeps its status until it is empty."""
    ip.declared = False
    move_out = BY_STATUS.get(ip.status, {}).get("retire")
    if move_out is not None and move_out.target == "retiring":
        # Where it is refused, the sender stays stopped, and its mail held.
        with suppress(NotNow):
            # A declaration in which many vanish, and a deletion one by one, are looked at before they come here.
            move(session, actor, ip, "retire", PERSON, declared, reason=reason, braked=False)
    session.flush()


def prepare(session: Session, ip: Ip, declared: Declared) -> None:
    """The warm-up plan of a new sender; one that does not send yet has it waiting."""
    phases = list(declared.phases)
    becomes = (ip.starts_as or {}).get("status", ip.status)
    if not phases or becomes not in ("standby", "warming"):
        return
    begins = ip.phase or (ip.starts_as or {}).get("phase")
    phase = begins or phases[0]
    session.add(
        WarmupPlan(
            tenant_id=ip.tenant_id,
            ip_id=ip.id,
            phase=phase,
            current_daily_quota=ip.daily_quota if begins else declared.quota(phase),
            target_daily_quota=declared.quota(None),
            paused=ip.status == "standby",
        )
    )


def _shown(ip: Ip) -> dict[str, Any]:
    until = ip.until.isoformat() if ip.until else None
    return {
        "status": ip.status,
        "phase": ip.phase,
        "daily_quota": ip.daily_quota,
        "until": until,
        "reserve": ip.reserve,
    }


def shelter(plan: WarmupPlan, declared: Declared) -> None:
    """A sender that had a quota of its own has less now: it grows again, up to that one and never above the policy's target."""
    if plan.growth == STAYS:
        plan.growth, plan.own_quota = None, plan.target_daily_quota
        plan.target_daily_quota = _target(declared, plan.own_quota)


def _own_quota(plan: WarmupPlan | None, ip: Ip) -> int | None:
    """The quota of one that was declared active, also of one that left before its plan was written; None of all others."""
    if plan is None:
        return ip.daily_quota if ip.phase is None and ip.status != "standby" else None
    return plan.target_daily_quota if plan.growth == STAYS else plan.own_quota


def _target(declared: Declared, own: int | None) -> int:
    target = declared.quota(None)
    return target if own is None else min(target, own)


def _plan(
    session: Session,
    ip: Ip,
    plan: WarmupPlan | None,
    change: Change,
    declared: Declared,
    own: int | None,
    now: datetime,
) -> None:
    if change.status == "warming":
        if plan is None:
            plan = WarmupPlan(tenant_id=ip.tenant_id, ip_id=ip.id, started_at=now, phase_changed_at=now)
            session.add(plan)
        if change.event in ("start", "idle"):
            plan.started_at = now
        plan.phase, plan.phase_changed_at, plan.current_daily_quota = str(change.phase), now, ip.daily_quota
        plan.growth, plan.own_quota, plan.target_daily_quota = None, own, _target(declared, own)
        plan.paused, plan.pause_until = False, None
    elif plan is not None and change.status == "active":
        plan.phase, plan.phase_changed_at, plan.current_daily_quota = DONE, now, ip.daily_quota
        if change.event == "go_live":
            plan.growth, plan.target_daily_quota = STAYS, ip.daily_quota
    elif plan is not None:
        plan.paused, plan.pause_until = True, change.until
