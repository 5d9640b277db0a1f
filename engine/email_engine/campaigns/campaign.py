# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A campaign from the request to the moment that MailWizz has it: contacts, draft, delivery server, status. Each step looks first whether it
is done already, so that whoever takes the job over does nothing twice: the draft is found again by the mark in its name."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from email_engine.jobs.functions import Failed, Work
from email_engine.mailwizz import shapes
from email_engine.mailwizz.client import RUNNING, Client
from email_engine.store import campaigns, jobs
from email_engine.store.mail_models import Campaign, MailingList

from . import delivery, follow, inject, reach

#: As MailWizz takes times: of the customer's zone, and the platform's customers are of UTC.
TIME = "%Y-%m-%d %H:%M:%S"


def run(work: Work) -> None:
    number = uuid.UUID(work.arguments["campaign"])
    with work.sessions() as session:
        campaign = session.get_one(Campaign, number)
    with reach.client(work, campaign.tenant_id) as client:
        if campaign.state == "preparing":
            try:
                _prepare(work, client, campaign)
            except Failed as fault:
                _failed(work, number, str(fault))
                raise
        work.result(follow.bring(work, client, number))


def _failed(work: Work, number: uuid.UUID, error: str) -> None:
    with work.sessions() as session, session.begin():
        campaign = campaigns.lock(session, number)
        if campaign.state == "preparing":
            campaigns.fail(session, jobs.WORKER, campaign, error)


def _prepare(work: Work, client: Client, campaign: Campaign) -> None:
    counts = inject.bring(work, client, campaign.list_id, lambda: _wanted(work, campaign.id))
    if not _may(work, campaign.id):
        return
    if not counts.injected:
        raise Failed("Nobody of its list is in MailWizz: the list's contacts say why. Then resume it.")
    with work.sessions() as session:
        crowded = campaigns.crowded(session, session.get_one(Campaign, campaign.id))
    if crowded is not None:
        raise Failed(f"Nothing was sent: {crowded}. {campaigns.ROOM}, then resume it.")
    with work.alone(reach.TWINS, campaign.number):
        twin = _draft(work, client, campaign)
        _schedule(work, client, campaign, twin)


def _wanted(work: Work, number: uuid.UUID) -> bool:
    with work.sessions() as session:
        return session.get_one(Campaign, number).state == "preparing"


def _may(work: Work, number: uuid.UUID, *, told: bool = False) -> bool:
    """Whether it is still wanted, and its sender may send; else it is paused now, and says why. Never another sender. told: MailWizz was
    told to send it, so that it is scheduled where it may be."""
    with work.sessions() as session, session.begin():
        campaigns.hold_senders(session, session.get_one(Campaign, number))
        campaign = campaigns.lock(session, number)
        if campaign.state != "preparing":
            return False
        why = campaigns.barred(session, campaign)
        if why is not None:
            campaigns.pause(session, jobs.WORKER, campaign, why)
        elif told:
            campaigns.scheduled(session, jobs.WORKER, campaign)
        return why is None


def _draft(work: Work, client: Client, campaign: Campaign) -> shapes.Campaign:
    """The twin, made where there is none, and remembered."""
    if campaign.mailwizz_uid is None:
        twin = reach.patiently(work, lambda: _found_or_made(work, client, campaign))
        with work.sessions() as session, session.begin():
            campaigns.lock(session, campaign.id).mailwizz_uid = twin
    else:
        twin = campaign.mailwizz_uid
    found = reach.patiently(work, lambda: client.get_campaign(twin))
    with work.sessions() as session:
        wanted = campaigns.sender(session, campaign)["from_email"]
    if found.from_email.lower() != wanted.lower():
        raise Failed(
            f"MailWizz has the draft {twin} with From {found.from_email}, not {wanted}: it was changed there. Cancel it, make a new one."
        )
    return found


def _found_or_made(work: Work, client: Client, campaign: Campaign) -> str:
    """Its uid. Of two drafts, which a lost answer may leave, the other one goes."""
    found = follow.marked(client, campaign)
    if not found:
        work.tell(task="draft in MailWizz")
        return client.create_campaign(_form(work, client, campaign))
    for other in found[1:]:
        if other.status == "draft":
            client.delete_campaign(other.uid)
    return found[0].uid


def _form(work: Work, client: Client, campaign: Campaign) -> dict[str, Any]:
    with work.sessions() as session:
        sender = campaigns.sender(session, campaign)
        target = session.get_one(MailingList, campaign.list_id)
        content = session.scalar(select(Campaign.html).where(Campaign.id == campaign.id))
    server = delivery.of_sender(work, client, campaign)
    return {
        "name": campaigns.twin_name(campaign),
        "type": "regular",
        "from_name": campaign.from_name,
        "from_email": sender["from_email"],
        "subject": campaign.subject,
        "reply_to": campaign.reply_to,
        "send_at": _send_at(campaign),
        "list_uid": target.mailwizz_uid,
        "status": "draft",
        "template": {"content": content},
        "options": dict(campaign.options),
        "delivery_servers": str(server.id),
    }


def _send_at(campaign: Campaign) -> str:
    now = datetime.now(UTC)
    moment = max(campaign.send_at or now, now)
    return moment.astimezone(UTC).strftime(TIME)


def _schedule(work: Work, client: Client, campaign: Campaign, twin: shapes.Campaign) -> None:
    """Say that it may be sent, with the last look before it and one after: a stop that came between the two is seen by the second one, a
    later one finds the campaign in MailWizz. No stop waits for MailWizz' answer."""
    if not _may(work, campaign.id):
        return
    # A draft may be older than the last change of its server.
    reach.patiently(work, lambda: delivery.of_sender(work, client, campaign))
    if twin.status == "draft":
        work.tell(task="schedule in MailWizz")
        reach.patiently(work, lambda: _told(client, campaign, twin.uid))
    elif twin.status == "paused":
        reach.patiently(work, lambda: client.resume(twin.uid))
    elif twin.status not in (*RUNNING, "sent"):
        raise Failed(f"MailWizz has it as {twin.status}: look there, then resume it.")
    _may(work, campaign.id, told=True)


def _told(client: Client, campaign: Campaign, uid: str) -> None:
    # Asked again after a lost answer: what is no draft any more was told already.
    if client.get_campaign(uid).status == "draft":
        client.update_campaign(uid, {"status": "pending-sending", "send_at": _send_at(campaign)})
