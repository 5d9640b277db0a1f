# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Campaigns: asked for here, sent by the tenant's MailWizz, from a sender that is chosen once and never exchanged."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils import selection
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.status import PURPOSES
from email_engine.store import campaigns, jobs, mailwizz_instances, placing, templates
from email_engine.store.mail_models import CAMPAIGN_STATES, Campaign, CampaignStats, MailingList, Template
from email_engine.store.models import Ip, Job, Tenant

from . import finding
from .answers import Asked, asked
from .deps import Caller, Transaction
from .errors import Refusal
from .keys import Caller as Key
from .once import Creating, Made
from .paging import After, Limit, Page
from .select import sender_for, tenant_of
from .senders import TenantName
from .stops import Why

router = APIRouter(prefix="/campaigns", tags=["campaigns"])
#: Characters that MailWizz' names and subjects hold, with room for the mark.
LONGEST = 200


def _plain(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    if not text.isprintable():
        raise ValueError("has signs that cannot be shown")
    return text


Line = Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(_plain)]
Address = Annotated[str, Field(max_length=320, pattern=r"^[^\s@<>,;\x00]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+$")]


class CampaignOptions(BaseModel):
    """As MailWizz has them; what is left out is as its own default."""

    model_config = ConfigDict(extra="forbid")

    url_tracking: bool | None = None
    plain_text_email: bool | None = None
    email_stats: Address | None = None


class NewCampaign(BaseModel):
    """tenant: needed from an admin. type, mode: by which the sender is chosen, unless `sender` names one that may send. list, template:
    names; html instead of a template. from_name, reply_to: the sender's and the list's unless given. send_at: at once where left out."""

    model_config = ConfigDict(extra="forbid")

    tenant: Annotated[str, Field(max_length=100)] | None = None
    type: Literal[PURPOSES]  # type: ignore[valid-type]
    mode: Literal[selection.MODES] = "weighted_random"  # type: ignore[valid-type]
    sender: Annotated[str, Field(max_length=253)] | None = None
    name: Line
    subject: Line
    from_name: Annotated[Line, Field(max_length=100)] | None = None
    reply_to: Address | None = None
    list: Annotated[str, Field(max_length=200)]
    template: Annotated[str, Field(max_length=200)] | None = None
    html: Annotated[str, Field(min_length=1, max_length=2_000_000, pattern=r"^[^\x00]*$")] | None = None
    send_at: AwareDatetime | None = None
    options: CampaignOptions = CampaignOptions()

    @model_validator(mode="after")
    def _one_content(self) -> NewCampaign:
        if (self.template is None) == (self.html is None):
            raise ValueError("give either template or html")
        return self


class CampaignProgress(BaseModel):
    """Of the list's contacts: brought into MailWizz, refused, all. processed, delivered: by MailWizz, of its subscribers; null before it
    was asked."""

    injected: int
    refused: int
    total: int
    processed: int | None
    delivered: int | None


class CampaignShown(BaseModel):
    """state: preparing, scheduled, sending, paused, sent, failed, cancelled. sender: fixed. error, paused_reason: in words. stats: as
    MailWizz counts, read at stats_at."""

    id: UUID
    number: int
    tenant: str
    type: str
    mode: str
    sender: str
    from_email: str
    from_name: str
    reply_to: str
    name: str
    subject: str
    list: str
    template: str | None
    options: dict[str, Any]
    send_at: datetime | None
    state: str
    error: str | None
    paused_reason: str | None
    mailwizz_uid: str | None
    asked_by: str
    created_at: datetime
    scheduled_at: datetime | None
    ended_at: datetime | None
    progress: CampaignProgress
    stats: dict[str, Any] | None
    stats_at: datetime | None


class CampaignChanged(BaseModel):
    """job: what brings it to MailWizz."""

    campaign: CampaignShown
    job: Asked


class CampaignRead(CampaignShown):
    """reading: the job that asks MailWizz for the numbers anew, where that was wanted."""

    reading: Asked | None = None


def mine(key: Key) -> Select[Any]:
    """What `shown` takes, of every campaign that the caller may see."""
    wanted = (
        select(Campaign, Tenant.name, Ip, MailingList.name, Template.name, CampaignStats)
        .join(Tenant, Tenant.id == Campaign.tenant_id)
        .join(Ip, Ip.id == Campaign.ip_id)
        .join(MailingList, MailingList.id == Campaign.list_id)
        .outerjoin(Template, Template.id == Campaign.template_id)
        .outerjoin(CampaignStats, CampaignStats.campaign_id == Campaign.id)
    )
    return wanted if key.tenant_id is None else wanted.where(Campaign.tenant_id == key.tenant_id)


def shown(session: Session, rows: Collection[Any]) -> list[CampaignShown]:
    counts = placing.counts_of(session, {row.Campaign.list_id for row in rows})
    return [_shown(*row, counts[row.Campaign.list_id]) for row in rows]


def _shown(
    one: Campaign,
    tenant: str,
    ip: Ip,
    target: str,
    template: str | None,
    stats: CampaignStats | None,
    counts: placing.Counts,
) -> CampaignShown:
    numbers = stats.numbers if stats is not None else {}
    same = {name: getattr(one, name) for name in CampaignShown.model_fields if hasattr(one, name)}
    same |= {
        "sender": ip.hostname,
        "from_email": ip.sender_email,
        "tenant": tenant,
        "list": target,
        "template": template,
    }
    processed, delivered = (numbers.get(name) for name in ("processed_count", "delivery_success_count"))
    return CampaignShown(
        **same,
        progress=CampaignProgress(
            injected=counts.injected,
            refused=counts.refused,
            total=counts.total,
            processed=processed if isinstance(processed, int) else None,
            delivered=delivered if isinstance(delivered, int) else None,
        ),
        stats=stats.numbers if stats is not None else None,
        stats_at=stats.read_at if stats is not None else None,
    )


def one(session: Session, key: Key, number: UUID) -> CampaignShown:
    session.flush()
    row = session.execute(mine(key).where(Campaign.id == number)).first()
    if row is None:
        raise _none(number)
    return shown(session, [row])[0]


def _none(number: UUID) -> Refusal:
    return Refusal(404, "No such campaign", f"there is no campaign {number}")


def _locked(session: Session, key: Key, number: UUID, *, senders: bool = False) -> Campaign:
    """senders: hold them first, so that none is stopped meanwhile."""
    wanted = select(Campaign).where(Campaign.id == number)
    if key.tenant_id is not None:
        wanted = wanted.where(Campaign.tenant_id == key.tenant_id)
    found = session.scalars(wanted).first()
    if found is None:
        raise _none(number)
    if senders:
        campaigns.hold_senders(session, found)
    return campaigns.lock(session, number)


@router.get("", summary="The campaigns, in the order in which they were asked for")
def read_all(
    key: Caller,
    session: Transaction,
    state: Literal[CAMPAIGN_STATES] | None = None,  # type: ignore[valid-type]
    tenant: TenantName | None = None,
    limit: Limit = 100,
    after: After = 0,
) -> Page[CampaignShown]:
    wanted = mine(key).where(Campaign.number > after).order_by(Campaign.number).limit(limit + 1)
    if state is not None:
        wanted = wanted.where(Campaign.state == state)
    if tenant is not None:
        wanted = wanted.where(Campaign.tenant_id == finding.tenant(session, key, tenant).id)
    rows = session.execute(wanted).all()
    last = rows[limit - 1].Campaign.number if len(rows) > limit else None
    return Page(items=shown(session, rows[:limit]), next=last)


@router.post("", status_code=202, response_model=CampaignChanged, summary="Send a campaign: its sender is chosen now")
def make(given: NewCampaign, key: Caller, session: Transaction, creating: Creating, request: Request) -> Response:
    def act() -> Made:
        tenant = finding.tenant(session, key, tenant_of(key, given.tenant))
        mailwizz_instances.access(session, tenant, request.app.state.settings.key_pepper.get_secret_value())
        target = _named(session, MailingList, tenant, given.list, "list")
        template = _named(session, Template, tenant, given.template, "template") if given.template else None
        if given.html is not None:
            templates.judge(given.html)
        campaigns.hold_names(session, tenant)
        ips = select(Ip.id, Ip.hostname).where(Ip.tenant_id == tenant.id, Ip.status != "retired")
        numbers = {row.hostname: row.id for row in session.execute(ips)}
        full = campaigns.crowded_senders(session, tenant.id, campaigns.recipients(session, target.id), given.send_at)
        crowded = {name: full[number] for name, number in numbers.items() if number in full}
        chosen, _ = sender_for(request, session, key, tenant.name, given.type, given.mode, given.sender, crowded)
        _twice(campaigns.same(session, tenant.id, target.id, given.name))
        campaign = Campaign(
            tenant_id=tenant.id,
            ip_id=numbers[chosen["name"]],
            list_id=target.id,
            template_id=template.id if template else None,
            html=template.content if template else given.html,
            options=given.options.model_dump(exclude_none=True),
            type=given.type,
            mode=given.mode,
            name=given.name,
            subject=given.subject,
            from_name=given.from_name or chosen["from_name"] or target.from_name,
            reply_to=given.reply_to or target.reply_to,
            send_at=given.send_at,
        )
        job = campaigns.create(session, key.actor, campaign)
        body = CampaignChanged(campaign=one(session, key, campaign.id), job=asked(job))
        return Made(202, body, f"/api/v1/campaigns/{campaign.id}")

    return creating(act)


def _twice(found: Campaign | None) -> None:
    """A request that is sent again without its key would be mail that is sent twice. Raises Refusal."""
    if found is not None:
        detail = f"body.name: campaign {found.name} to this list is {found.state} ({found.id}); wait, cancel it, or take another name"
        raise Refusal(409, "The campaign is there already", detail)


def _named(session: Session, model: Any, tenant: Tenant, name: str, what: str) -> Any:
    found = session.scalars(select(model).where(model.tenant_id == tenant.id, model.name == name)).first()
    if found is None:
        raise Refusal(404, f"No such {what}", f"body.{what}: {tenant.name} has no {what} {name}")
    return found


@router.get("/{campaign}", summary="One campaign, with its progress and numbers; fresh=true has them read again")
def read(campaign: UUID, key: Caller, session: Transaction, fresh: bool = False) -> CampaignRead:
    found = one(session, key, campaign)
    job = None
    if fresh and found.mailwizz_uid is not None:
        job = jobs.enqueue(
            session,
            key.actor,
            "campaign_stats",
            tenant_id=finding.tenant(session, key, found.tenant).id,
            subject=f"campaign {found.name}",
            arguments={"campaign": str(campaign)},
            once=True,
        )
    return CampaignRead(**found.model_dump(), reading=asked(job) if job else None)


@router.post("/{campaign}:pause", summary="Stop a campaign; nothing lets it go on by itself")
def pause(campaign: UUID, why: Why, key: Caller, session: Transaction) -> CampaignChanged:
    found = _locked(session, key, campaign)
    if found.state in campaigns.OVER:
        raise _over(found)
    return _answer(session, key, found, campaigns.ask_pause(session, key.actor, found, why.reason))


@router.post("/{campaign}:resume", summary="Let a paused campaign go on, or try a failed one again")
def resume(campaign: UUID, why: Why, key: Caller, session: Transaction) -> CampaignChanged:
    found = _locked(session, key, campaign, senders=True)
    if found.state not in ("paused", "failed"):
        raise Refusal(409, "The campaign is not paused", f"campaign {found.name} is {found.state}")
    reason = campaigns.barred(session, found)
    if reason is not None:
        raise Refusal(409, "The sender may not send", f"campaign {found.name} stays {found.state}: {reason}")
    campaigns.hold_names(session, session.get_one(Tenant, found.tenant_id))
    if found.state == "failed":
        _twice(campaigns.same(session, found.tenant_id, found.list_id, found.name))
    crowded = campaigns.crowded(session, found)
    if crowded is not None:
        detail = f"campaign {found.name} stays {found.state}: {crowded}. {campaigns.ROOM}."
        raise Refusal(409, "The sender has no room", detail)
    return _answer(session, key, found, campaigns.ask_resume(session, key.actor, found, why.reason))


@router.post("/{campaign}:cancel", summary="Give a campaign up: what was not sent yet never will be")
def cancel(campaign: UUID, why: Why, key: Caller, session: Transaction) -> CampaignChanged:
    found = _locked(session, key, campaign)
    if found.state in ("sent", "cancelled"):
        raise _over(found)
    return _answer(session, key, found, campaigns.ask_cancel(session, key.actor, found, why.reason))


def _over(found: Campaign) -> Refusal:
    return Refusal(409, "The campaign is over", f"campaign {found.name} is {found.state} since {found.ended_at}")


def _answer(session: Session, key: Key, found: Campaign, job: Job) -> CampaignChanged:
    return CampaignChanged(campaign=one(session, key, found.id), job=asked(job))
