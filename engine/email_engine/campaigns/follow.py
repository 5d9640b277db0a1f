# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MailWizz as the row says: paused, going on, or given up. Reads before it acts, and reads the row again after it."""

from __future__ import annotations

import uuid
from typing import Any

from email_engine.jobs.functions import Failed, Occupied, Work
from email_engine.mailwizz import shapes
from email_engine.mailwizz.client import Client
from email_engine.mailwizz.faults import NotFound, Refused
from email_engine.store import campaigns, jobs
from email_engine.store.mail_models import Campaign

from . import delivery, reach

#: Seconds that whoever follows waits for whoever prepares.
PATIENCE = 60.0
_ROUNDS = 6


def run(work: Work) -> None:
    number = uuid.UUID(work.arguments["campaign"])
    with work.sessions() as session:
        tenant_id = session.get_one(Campaign, number).tenant_id
    with reach.client(work, tenant_id) as client:
        work.result(bring(work, client, number))


def marked(client: Client, campaign: Campaign) -> list[shapes.Campaign]:
    """Its twins: one, none, or after lost answers two. What is no draft any more comes first."""
    mark = campaigns.mark(campaign)
    found = [one for one in client.campaigns() if one.name.endswith(mark) and one.status != "pending-delete"]
    return sorted(found, key=lambda one: (one.status == "draft", one.uid))


def bring(work: Work, client: Client, number: uuid.UUID) -> dict[str, Any]:
    """What the campaign is in the end, here and there."""
    with work.sessions() as session:
        lock = session.get_one(Campaign, number).number
    try:
        with work.alone(reach.TWINS, lock, PATIENCE):
            for _round in range(_ROUNDS):
                said = _round_of(work, client, number)
                if said is not None:
                    return said
    except Occupied as fault:
        raise Failed(
            "Another job works on the same campaign, and does not end: cancel that one, then ask again."
        ) from fault
    raise Failed("MailWizz does not stay as it was told: does somebody else change the campaign there?")


def _round_of(work: Work, client: Client, number: uuid.UUID) -> dict[str, Any] | None:
    """One look, and one act where one is due; None where there is to be another look."""
    with work.sessions() as session:
        campaign = session.get_one(Campaign, number)
    uid = campaign.mailwizz_uid or _lost(work, client, campaign)
    status = None if uid is None else _patiently(work, lambda: _status(client, uid))
    lost = campaigns.GONE if status is None else campaigns.DRAFT if status == "draft" else None
    if uid is not None and lost is not None and campaign.state in ("scheduled", "sending"):
        campaign = _stand_still(work, number, lost)
    if uid is None or status is None or not _act(work, client, campaign, uid, status):
        return {"campaign": campaign.state, "mailwizz": status or "none", "reason": campaign.paused_reason}
    return None


def _stand_still(work: Work, number: uuid.UUID, reason: str) -> Campaign:
    """There is nothing in MailWizz that could go on. Of a draft: resumed, it is prepared anew."""
    with work.sessions() as session, session.begin():
        campaign = campaigns.lock(session, number)
        if campaign.state in ("scheduled", "sending"):
            campaigns.pause(session, jobs.WORKER, campaign, reason)
            if reason == campaigns.DRAFT:
                campaign.scheduled_at = None
        session.flush()
        return campaign


def _lost(work: Work, client: Client, campaign: Campaign) -> str | None:
    """Of a draft whose uid was not remembered, when it is to go."""
    if campaign.state != "cancelled":
        return None
    return next((one.uid for one in _patiently(work, lambda: marked(client, campaign))), None)


def _status(client: Client, uid: str) -> str | None:
    """None: it is not there any more."""
    try:
        found = client.get_campaign(uid).status
    except NotFound:
        return None
    return None if found == "pending-delete" else found


def _act(work: Work, client: Client, campaign: Campaign, uid: str, status: str) -> bool:
    """Whether anything was done, so that it has to be looked at again."""
    if campaign.state in ("paused", "failed", "cancelled") and status in campaigns.RUNS:
        _try(work, lambda: client.pause(uid))
    elif campaign.state == "cancelled" and status in ("draft", "pending-approve"):
        _try(work, lambda: client.delete_campaign(uid))
    elif campaign.state == "cancelled" and status == "paused":
        # What was sent stays told of.
        sent = _patiently(work, lambda: client.stats(uid)).get("processed_count") or 0
        _try(work, lambda: client.mark_sent(uid) if sent else client.delete_campaign(uid))
    elif campaign.state in ("scheduled", "sending") and status == "paused":
        if not _may_go_on(work, client, campaign):
            return True
        _try(work, lambda: client.resume(uid))
    else:
        return False
    return True


def _patiently(work: Work, ask: Any) -> Any:
    return reach.patiently(work, ask, reach.SHORT)


def _try(work: Work, ask: Any) -> None:
    """A refusal may be that it ended meanwhile: the next look tells."""

    def once() -> None:
        try:
            ask()
        except (Refused, NotFound) as fault:
            work.say(reach.words(fault))

    _patiently(work, once)


def _may_go_on(work: Work, client: Client, wanted: Campaign) -> bool:
    """Whether its sender may send, and its server does; else it is paused here, too."""
    try:
        _patiently(work, lambda: delivery.of_sender(work, client, wanted))
        server = None
    except delivery.NotSending as fault:
        server = str(fault)
    with work.sessions() as session, session.begin():
        campaigns.hold_senders(session, session.get_one(Campaign, wanted.id))
        campaign = campaigns.lock(session, wanted.id)
        why = campaigns.barred(session, campaign) or server
        if why is not None and campaign.state in campaigns.LIVE:
            campaigns.pause(session, jobs.WORKER, campaign, why)
        return why is None
