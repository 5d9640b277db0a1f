# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Campaigns as rows: what a person asked for, and what their senders' stops make of them. MailWizz is told by jobs (`campaigns`).

preparing -> scheduled -> sending -> sent; any of the first three -> paused, failed or cancelled. Only a person lets a paused one go on.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils import selection

from . import fleet, jobs
from .audit import Actor, record
from .mail_models import Campaign, CampaignStats
from .models import FleetState, Ip, Job, Tenant

#: States in which mail is sent, or will be.
LIVE = ("preparing", "scheduled", "sending")
#: States that nothing follows; of failed and cancelled ones a draft may be left in MailWizz.
OVER = ("sent", "failed", "cancelled")
#: Kinds of jobs that change a campaign in MailWizz.
CHANGING = ("campaign", "campaign_follow")
SWEEP = Actor("sweep")
#: Seconds between two readings of a campaign that runs, of one that is paused, and of one that waits or ended; days for which an ended
#: one is read.
OFTEN, PAUSED, SELDOM, DAYS = 60, 600, 3600, 3


def mark(campaign: Campaign) -> str:
    """What a campaign's twin in MailWizz is found by again, and nobody types by chance."""
    return f"[ee:{campaign.id.hex[:12]}]"


def twin_name(campaign: Campaign) -> str:
    return f"{campaign.name} {mark(campaign)}"


def create(session: Session, actor: Actor, campaign: Campaign) -> Job:
    """Store it, and have it prepared."""
    campaign.asked_by = actor.name
    session.add(campaign)
    session.flush()
    session.refresh(campaign)
    wanted = {"name": campaign.name, "type": campaign.type, "list": campaign.list_id, "sender": campaign.ip_id}
    record(session, actor, "created", _target(campaign), tenant_id=campaign.tenant_id, after=wanted)
    return _ask(session, actor, campaign, "campaign")


def lock(session: Session, number: uuid.UUID) -> Campaign:
    """The campaign as it is now, held until the transaction ends."""
    wanted = select(Campaign).where(Campaign.id == number).with_for_update()
    return session.scalars(wanted.execution_options(populate_existing=True)).one()


def sender(session: Session, campaign: Campaign) -> dict[str, Any]:
    """The campaign's sender, of the fleet document."""
    return fleet.sender_document(*session.execute(fleet.sender_rows().where(Ip.id == campaign.ip_id)).one())


def hold_senders(session: Session, campaign: Campaign) -> None:
    """A stop of the campaign's sender, its tenant or everything waits for the end of this transaction, or this one for the stop's. Before
    the campaign itself, in the order of `fleet.hold`."""
    for wanted in (
        select(Ip.id).where(Ip.tenant_id == campaign.tenant_id, Ip.status != "retired").order_by(Ip.id),
        select(Tenant.id).where(Tenant.id == campaign.tenant_id),
        select(FleetState.id),
    ):
        session.execute(wanted.with_for_update(read=True)).all()


def barred(session: Session, campaign: Campaign) -> str | None:
    """Why its sender may not send now; None where it may. A pool is one sender, which sends while one of its addresses may."""
    number = session.get_one(Tenant, campaign.tenant_id)
    if number.routing != "pool":
        found = sender(session, campaign)
        why = selection.barred(found)
        return why and f"its sender {found['name']} {why}"
    rows = session.execute(fleet.sender_rows().where(Ip.tenant_id == campaign.tenant_id, Ip.status != "retired")).all()
    reasons = [(row.Ip.hostname, selection.barred(fleet.sender_document(*row))) for row in rows]
    if any(why is None for _, why in reasons):
        return None
    return "of its pool nobody may send: " + "; ".join(f"{name} {why}" for name, why in reasons)


def stop(session: Session, actor: Actor, which: ColumnElement[bool] | None, reason: str) -> list[str]:
    """Pause the live campaigns of senders that were just stopped, in the transaction of the stop. which: of `Ip`; None is everybody.

    Their names. MailWizz is told on its host, by the playbook that stops the senders."""
    session.flush()
    wanted = select(Campaign).where(Campaign.state.in_(LIVE)).order_by(Campaign.number).with_for_update()
    if which is not None:
        # Not by sender: a pool's campaign stands still only when the last one of the pool does.
        wanted = wanted.where(Campaign.tenant_id.in_(select(Ip.tenant_id).where(which)))
    paused = []
    for campaign in session.scalars(wanted.execution_options(populate_existing=True)).all():
        if barred(session, campaign) is not None:
            pause(session, actor, campaign, f"its sender is stopped: {reason}")
            paused.append(campaign.name)
    return paused


def pause(session: Session, actor: Actor, campaign: Campaign, reason: str) -> None:
    """Of a live one, which the caller has locked."""
    _become(session, actor, campaign, "paused", "paused", reason, paused_reason=reason)


def ask_pause(session: Session, actor: Actor, campaign: Campaign, reason: str) -> Job:
    """A person's pause. Where it is paused already, MailWizz is told again."""
    if campaign.state in LIVE:
        pause(session, actor, campaign, reason)
    return _ask(session, actor, campaign, "campaign_follow")


def ask_resume(session: Session, actor: Actor, campaign: Campaign, reason: str) -> Job:
    """Let a paused one go on, or a failed one be tried again; the caller has looked that its sender may send. What was never scheduled is
    prepared anew: its draft is found again."""
    prepared = campaign.scheduled_at is not None
    state = "scheduled" if prepared else "preparing"
    _become(session, actor, campaign, state, "resumed", reason, paused_reason=None, error=None, ended_at=None)
    return _ask(session, actor, campaign, "campaign_follow" if prepared else "campaign")


def ask_cancel(session: Session, actor: Actor, campaign: Campaign, reason: str) -> Job:
    """What was not sent yet never will be."""
    _become(session, actor, campaign, "cancelled", "cancelled", reason, paused_reason=None, ended_at=func.now())
    return _ask(session, actor, campaign, "campaign_follow")


def scheduled(session: Session, actor: Actor, campaign: Campaign) -> None:
    """MailWizz has it, and sends it when it is time."""
    _become(session, actor, campaign, "scheduled", "scheduled", None, scheduled_at=func.now())


def fail(session: Session, actor: Actor, campaign: Campaign, error: str) -> None:
    _become(session, actor, campaign, "failed", "failed", error, error=error, ended_at=func.now())


def seen(session: Session, actor: Actor, campaign: Campaign, state: str, reason: str | None = None) -> None:
    """MailWizz says so. reason: of a pause, or of a failure."""
    if state == campaign.state:
        return
    more: dict[str, Any] = {"paused_reason": reason if state == "paused" else None}
    if state == "failed":
        more["error"] = reason
    if state in OVER:
        more["ended_at"] = func.now()
    if campaign.scheduled_at is None and state != "failed":
        more["scheduled_at"] = func.now()
    _become(session, actor, campaign, state, f"was seen {state}", reason, **more)


def _become(
    session: Session, actor: Actor, campaign: Campaign, state: str, action: str, reason: str | None, **more: Any
):
    before = campaign.state
    campaign.state, campaign.updated_at = state, func.now()
    for name, value in more.items():
        setattr(campaign, name, value)
    about = {"before": {"state": before}, "after": {"state": state}, "reason": reason}
    record(session, actor, action, _target(campaign), tenant_id=campaign.tenant_id, **about)
    session.flush()


def _target(campaign: Campaign) -> str:
    return f"campaign {campaign.number}"


def _ask(session: Session, actor: Actor, campaign: Campaign, kind: str) -> Job:
    about = {"tenant_id": campaign.tenant_id, "subject": f"campaign {campaign.name}"}
    return jobs.enqueue(session, actor, kind, arguments={"campaign": str(campaign.id)}, once=True, **about)


def ask_follow(session: Session, actor: Actor, campaign: Campaign) -> Job:
    """Have MailWizz brought to what the row says."""
    return _ask(session, actor, campaign, "campaign_follow")


def being_changed(session: Session, campaign: Campaign) -> bool:
    """Whether a job is on its way that brings MailWizz to what the row says."""
    wanted = select(Job.id).where(
        Job.kind.in_(CHANGING),
        Job.state.not_in(jobs.OVER),
        Job.arguments.contains({"campaign": str(campaign.id)}),
    )
    return session.scalar(wanted.limit(1)) is not None


def keep_numbers(session: Session, campaign: Campaign, numbers: Mapping[str, Any]) -> None:
    row = session.get(CampaignStats, campaign.id)
    if row is None:
        session.add(CampaignStats(tenant_id=campaign.tenant_id, campaign_id=campaign.id, numbers=dict(numbers)))
    else:
        row.numbers, row.read_at = dict(numbers), func.now()
    session.flush()


def due(session: Session) -> Sequence[uuid.UUID]:
    """The campaigns to read from MailWizz now."""
    age = func.extract("epoch", func.now() - CampaignStats.read_at)
    soon = or_(Campaign.send_at.is_(None), Campaign.send_at < func.now() + func.make_interval(0, 0, 0, 0, 0, 2))
    often = (Campaign.state == "sending") | ((Campaign.state == "scheduled") & soon)
    lately = or_(Campaign.ended_at.is_(None), Campaign.ended_at > func.now() - func.make_interval(0, 0, 0, DAYS))
    wanted = (
        select(Campaign.id)
        .outerjoin(CampaignStats, CampaignStats.campaign_id == Campaign.id)
        .where(Campaign.mailwizz_uid.is_not(None), Campaign.scheduled_at.is_not(None))
        .where(
            or_(age.is_(None), age >= SELDOM, often & (age >= OFTEN), (Campaign.state == "paused") & (age >= PAUSED)),
            lately,
        )
        .order_by(Campaign.number)
    )
    return session.scalars(wanted).all()


def look(session: Session) -> list[str]:
    """What no request and no job noticed: senders that may send no longer, and campaigns that nobody prepares any more. Their names."""
    found = []
    for number in session.scalars(select(Campaign.id).where(Campaign.state.in_(LIVE)).order_by(Campaign.number)).all():
        campaign = session.get_one(Campaign, number)
        why = barred(session, campaign)
        abandoned = campaign.state == "preparing" and not being_changed(session, campaign)
        if why is None and not abandoned:
            continue
        campaign = lock(session, number)
        if campaign.state not in LIVE:
            continue
        if why is not None:
            pause(session, SWEEP, campaign, why)
            # The stop of a sender reaches MailWizz on its host; what else takes a sender away does not.
            _ask(session, SWEEP, campaign, "campaign_follow")
        elif campaign.state == "preparing" and not being_changed(session, campaign):
            fail(session, SWEEP, campaign, _last_words(session, campaign))
        else:
            continue
        found.append(campaign.name)
    return found


def _last_words(session: Session, campaign: Campaign) -> str:
    wanted = select(Job).where(Job.kind == "campaign", Job.arguments.contains({"campaign": str(campaign.id)}))
    job = session.scalars(wanted.order_by(Job.number.desc()).limit(1)).first()
    if job is None:
        return "nobody prepares it: resume it, and it is tried again"
    return job.error or f"its job {job.number} is {job.state}: resume it, and it is tried again"
