# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Campaigns as rows: what a person asked for, and what their senders' stops make of them. MailWizz is told by jobs (`campaigns`).

preparing -> scheduled -> sending -> sent; any of the first three -> paused, failed or cancelled. Only a person lets a paused one go on.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, case, exists, func, not_, or_, select
from sqlalchemy.orm import Session, aliased

from ansible_collections.email_engine.fleet.plugins.module_utils import selection

from . import fleet, jobs, lists, sends
from .audit import Actor, record
from .mail_models import Campaign, CampaignStats, Placement
from .models import FleetState, Ip, Job, Tenant

#: States in which mail is sent, or will be.
LIVE = ("preparing", "scheduled", "sending")
#: States that nothing follows; of failed and cancelled ones a draft may be left in MailWizz.
OVER = ("sent", "failed", "cancelled")
#: Kinds of jobs that change a campaign in MailWizz.
CHANGING = ("campaign", "campaign_follow")
SWEEP = Actor("sweep")
#: Statuses in MailWizz from which it sends, or will once somebody approves.
RUNS = ("pending-sending", "pending-approve", "sending", "processing")
#: What to do where a sender has no room.
ROOM = "Split the list, take another sender, or wait until its quota has room"
#: Why a campaign stands still, of which MailWizz has nothing that could go on.
DRAFT, GONE = "it was made a draft in MailWizz", "MailWizz does not know it any more"
#: Minutes until MailWizz is asked again after a failure: one, then twice as long each time, and no longer than this.
LONGEST = 15
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
    return _barred(session, campaign.tenant_id)(campaign.ip_id)


def _barred(session: Session, tenant_id: int) -> Callable[[int], str | None]:
    """`barred` of each sender of a tenant, by its id. Two queries, whatever is asked."""
    rows = session.execute(fleet.sender_rows().where(Ip.tenant_id == tenant_id)).all()
    known = {row.Ip.id: (row.Ip, selection.barred(fleet.sender_document(*row))) for row in rows}
    if session.get_one(Tenant, tenant_id).routing != "pool":
        return lambda number: known[number][1] and f"its sender {known[number][0].hostname} {known[number][1]}"
    pool = [(ip.hostname, why) for ip, why in known.values() if ip.status != "retired"]
    if any(why is None for _, why in pool):
        return lambda _number: None
    nobody = "of its pool nobody may send: " + "; ".join(f"{name} {why}" for name, why in pool)
    return lambda _number: nobody


def recipients(session: Session, list_id: int) -> int:
    """Of the list's contacts, those that MailWizz has or is to get."""
    wanted = select(func.count()).where(Placement.list_id == list_id, Placement.state != "refused")
    return session.scalar(wanted) or 0


def promised(session: Session, tenant_id: int, mine: Campaign | None = None) -> dict[int, int]:
    """By sender's id: recipients of its live campaigns who wait for their mail. mine: without this one, and without those that are
    prepared and were asked for after it."""
    number = case((func.jsonb_typeof(CampaignStats.numbers["processed_count"]) == "number",
                   CampaignStats.numbers["processed_count"].astext), else_="0")  # fmt: skip
    people = (
        select(Placement.list_id, func.count().label("count"))
        .where(Placement.tenant_id == tenant_id, Placement.state != "refused")
        .group_by(Placement.list_id)
        .subquery()
    )
    waiting = func.greatest(func.coalesce(people.c.count, 0) - func.coalesce(number.cast(Integer), 0), 0)
    wanted = (
        select(Campaign.ip_id, func.sum(waiting))
        .outerjoin(people, people.c.list_id == Campaign.list_id)
        .outerjoin(CampaignStats, CampaignStats.campaign_id == Campaign.id)
        .where(Campaign.tenant_id == tenant_id, Campaign.state.in_(LIVE))
        .group_by(Campaign.ip_id)
    )
    if mine is not None:
        wanted = wanted.where(Campaign.id != mine.id, (Campaign.state != "preparing") | (Campaign.number < mine.number))
    return {number: int(count) for number, count in session.execute(wanted)}


def crowded_senders(
    session: Session, tenant_id: int, count: int, send_at: datetime | None, mine: Campaign | None = None
) -> dict[int, str]:
    """By sender's id, why a campaign to *count* recipients has no room in its daily quota. A pool is one sender. What is sent on a later
    day finds that day's quota whole."""
    tenant = session.get_one(Tenant, tenant_id)
    rows = session.execute(fleet.sender_rows().where(Ip.tenant_id == tenant_id, Ip.status != "retired")).all()
    documents = {row.Ip.id: fleet.sender_document(*row) for row in rows}
    later = (
        send_at is not None
        and send_at.astimezone(UTC).date() > session.scalar(select(func.now())).astimezone(UTC).date()
    )
    sent = {} if later else sends.today(session, tenant.name)
    others = promised(session, tenant_id, mine)
    if tenant.routing == "pool":
        quota = sum(one["daily_quota"] for one in documents.values() if selection.barred(one) is None)
        why = selection.lacks_room(count, quota, sum(sent.values()), sum(others.values()))
        return {number: why and f"the pool's {why}" for number in documents if why is not None}
    found = {
        number: selection.lacks_room(count, one["daily_quota"], sent.get(one["name"], 0), others.get(number, 0))
        for number, one in documents.items()
    }
    return {number: why for number, why in found.items() if why is not None}


def crowded(session: Session, campaign: Campaign) -> str | None:
    """Why the rest of the campaign has no room in its sender's daily quota: the rest would go by other senders."""
    stats = session.get(CampaignStats, campaign.id)
    done = stats.numbers.get("processed_count") if stats is not None else 0
    left = max(recipients(session, campaign.list_id) - (done if isinstance(done, int) else 0), 0)
    why = crowded_senders(session, campaign.tenant_id, left, campaign.send_at, campaign).get(campaign.ip_id)
    return why and f"{sender(session, campaign)['name']}: {why}"


def hold_names(session: Session, tenant: Tenant) -> None:
    """Until the transaction ends, nobody else asks for a campaign of the tenant: each would find the room that the other takes."""
    lists.hold_name(session, "campaigns", tenant, "")


def same(session: Session, tenant_id: int, list_id: int, name: str) -> Campaign | None:
    """One of this name to this list that is not over."""
    wanted = select(Campaign).where(Campaign.tenant_id == tenant_id, Campaign.list_id == list_id, Campaign.name == name)
    return session.scalars(wanted.where(Campaign.state.not_in(OVER)).limit(1)).first()


def stop(session: Session, actor: Actor, which: ColumnElement[bool] | None, reason: str) -> list[str]:
    """Pause the live campaigns of senders that were just stopped, in the transaction of the stop. which: of `Ip`; None is everybody.

    Their names. The playbook that stops the senders pauses them in the MailWizz on hosts of the inventory; a job asks each one, wherever
    it is."""
    session.flush()
    wanted = select(Campaign).where(Campaign.state.in_(LIVE)).order_by(Campaign.number).with_for_update()
    if which is not None:
        # Not by sender: a pool's campaign stands still only when the last one of the pool does.
        wanted = wanted.where(Campaign.tenant_id.in_(select(Ip.tenant_id).where(which)))
    paused, known = [], {}
    for campaign in session.scalars(wanted.execution_options(populate_existing=True)).all():
        why = known.get(campaign.tenant_id) or known.setdefault(
            campaign.tenant_id, _barred(session, campaign.tenant_id)
        )
        if why(campaign.ip_id) is not None:
            pause(session, actor, campaign, f"its sender is stopped: {reason}")
            paused.append(campaign)
    for campaign in paused:
        if campaign.mailwizz_uid is not None:
            _ask(session, actor, campaign, "campaign_follow", once=False)
    return [campaign.name for campaign in paused]


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
    """It goes on no longer, in MailWizz neither: of what MailWizz was told last, the answer may be what was lost."""
    _become(session, actor, campaign, "failed", "failed", error, error=error, ended_at=func.now())
    _ask(session, actor, campaign, "campaign_follow", once=False)


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


def _ask(session: Session, actor: Actor, campaign: Campaign, kind: str, *, once: bool = True) -> Job:
    """once: see `jobs.enqueue`; not for who goes on to lock other rows."""
    about = {"tenant_id": campaign.tenant_id, "subject": f"campaign {campaign.name}"}
    return jobs.enqueue(session, actor, kind, arguments={"campaign": str(campaign.id)}, once=once, **about)


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
    # Until MailWizz showed, after it was given up here, that it does not run there.
    shown = func.coalesce(CampaignStats.numbers["campaign_status"].astext, "")
    seen_still = CampaignStats.read_at.is_not(None) & (CampaignStats.read_at > Campaign.updated_at) & shown.not_in(RUNS)
    given_up = Campaign.state.in_(("paused", "failed", "cancelled")) & not_(func.coalesce(seen_still, False))
    cadence = or_(age >= SELDOM, often & (age >= OFTEN), (Campaign.state == "paused") & (age >= PAUSED))
    wanted = (
        select(Campaign.id)
        .outerjoin(CampaignStats, CampaignStats.campaign_id == Campaign.id)
        .where(
            Campaign.mailwizz_uid.is_not(None),
            or_(
                Campaign.scheduled_at.is_not(None) & lately & or_(age.is_(None), cadence),
                given_up & or_(age.is_(None), age >= OFTEN),
            ),
        )
        .order_by(Campaign.number)
    )
    return session.scalars(wanted).all()


def look(session: Session) -> list[str]:
    """What no request and no job noticed: senders that may send no longer, and campaigns that nobody prepares any more. Their names."""
    found = []
    live = select(Campaign.id, Campaign.tenant_id, Campaign.ip_id, Campaign.state).where(Campaign.state.in_(LIVE))
    rows = session.execute(live.order_by(Campaign.number)).all()
    known = {number: _barred(session, number) for number in {row.tenant_id for row in rows}}
    changing = _changing(session) if rows else set()
    for row in rows:
        why = known[row.tenant_id](row.ip_id)
        if why is None and (row.state != "preparing" or str(row.id) in changing):
            continue
        campaign = lock(session, row.id)
        if campaign.state not in LIVE:
            continue
        if why is not None:
            pause(session, SWEEP, campaign, why)
            _ask(session, SWEEP, campaign, "campaign_follow", once=False)
        elif campaign.state == "preparing" and not being_changed(session, campaign):
            fail(session, SWEEP, campaign, _last_words(session, campaign))
        else:
            continue
        found.append(campaign.name)
    _follow_again(session)
    return found


def _changing(session: Session) -> set[str]:
    """Of which campaigns a job is on its way that changes them in MailWizz."""
    wanted = select(Job.arguments["campaign"].astext).where(Job.kind.in_(CHANGING), Job.state.not_in(jobs.OVER))
    return set(session.scalars(wanted))


def _follow_again(session: Session) -> None:
    """Have done what failed, because MailWizz did not answer: what is paused here has to be paused there."""
    name = Job.arguments["campaign"].astext
    newer = aliased(Job)
    after = (newer.kind.in_(CHANGING), newer.arguments["campaign"].astext == name, newer.number > Job.number)
    last = select(Job).where(
        Job.kind == "campaign_follow",
        Job.state == "failed",
        Job.finished_at > func.clock_timestamp() - func.make_interval(0, 0, 0, DAYS),
        ~exists().where(*after),
    )
    for job in session.scalars(last.order_by(Job.number)).all():
        same = select(func.count()).where(
            Job.kind == "campaign_follow",
            Job.state == "failed",
            Job.arguments == job.arguments,
            Job.finished_at > func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 1),
        )
        minutes = min(2 ** min(max(session.scalar(same) - 1, 0), 10), LONGEST)
        age = session.scalar(select(func.abs(func.extract("epoch", func.clock_timestamp() - job.finished_at))))
        if age >= minutes * 60:
            _ask(
                session,
                SWEEP,
                session.get_one(Campaign, uuid.UUID(job.arguments["campaign"])),
                "campaign_follow",
                once=False,
            )


def _last_words(session: Session, campaign: Campaign) -> str:
    wanted = select(Job).where(Job.kind == "campaign", Job.arguments.contains({"campaign": str(campaign.id)}))
    job = session.scalars(wanted.order_by(Job.number.desc()).limit(1)).first()
    if job is None:
        return "nobody prepares it: resume it, and it is tried again"
    return job.error or f"its job {job.number} is {job.state}: resume it, and it is tried again"
