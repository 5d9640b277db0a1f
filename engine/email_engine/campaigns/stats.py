# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers and statuses of campaigns, read from MailWizz, and who unsubscribed there: the rows follow what it says, except that what was stopped
here stays stopped."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from email_engine.jobs.functions import Failed, Occupied, Work
from email_engine.mailwizz.client import Client
from email_engine.mailwizz.faults import MailwizzError, NotFound
from email_engine.store import campaigns, contacts, jobs
from email_engine.store.mail_models import Campaign, CampaignStats, MailingList

from . import reach

#: Instead of a status: MailWizz does not know the campaign, though it knows its list.
GONE = "gone"
#: Of MailWizz -> of the row, and why where that has to be said.
STATES = {
    "pending-sending": ("scheduled", None),
    "pending-approve": ("scheduled", None),
    "sending": ("sending", None),
    "processing": ("sending", None),
    "sent": ("sent", None),
    "paused": ("paused", "it was paused in MailWizz"),
    "draft": ("paused", campaigns.DRAFT),
    GONE: ("paused", campaigns.GONE),
    "blocked": ("failed", "MailWizz blocked it: its administrator says why"),
    "pending-delete": ("cancelled", None),
}
#: Of the row -> ends, and pauses, which that status of MailWizz says nothing against.
ENDED = {"sent": ("cancelled",), "paused": ("sent", "failed", "cancelled"), "cancelled": ("sent",)}


def run(work: Work) -> None:
    """The job: one campaign, or all that are due."""
    asked = work.arguments.get("campaign")
    with work.sessions() as session:
        due = [uuid.UUID(asked)] if asked else list(campaigns.due(session))
        found = [session.get_one(Campaign, number) for number in due]
    failed: dict[int, str] = {}
    for position, campaign in enumerate(found):
        work.tell(done=position, total=len(found), task=None)
        work.going()
        # One MailWizz that does not answer holds up no other tenant's.
        if campaign.tenant_id not in failed:
            try:
                _one(work, campaign)
            except (Failed, MailwizzError) as fault:
                failed[campaign.tenant_id] = reach.words(fault) if isinstance(fault, MailwizzError) else str(fault)
                work.say(failed[campaign.tenant_id])
    work.tell(done=len(found), total=len(found), task=None)
    if failed:
        raise Failed("\n".join(dict.fromkeys(failed.values())))


def _one(work: Work, campaign: Campaign) -> None:
    if campaign.mailwizz_uid is None:
        return
    try:
        with work.alone(reach.TWINS, campaign.number, 2), reach.client(work, campaign.tenant_id) as client:
            try:
                numbers = client.stats(campaign.mailwizz_uid)
            except NotFound:
                numbers = _gone(work, client, campaign)
            _keep(work, campaign, numbers, _left(work, client, campaign, numbers))
    except Occupied:
        work.say(f"campaign {campaign.name}: another job works on it")


def _gone(work: Work, client: Client, campaign: Campaign) -> dict[str, Any]:
    """The numbers as they were. Raises NotFound where MailWizz does not even know its list: it is another one, or one that was set back."""
    with work.sessions() as session:
        known = session.get(CampaignStats, campaign.id)
        target = session.get_one(MailingList, campaign.list_id).mailwizz_uid
    client.get_list(target)
    return {**(known.numbers if known is not None else {}), "campaign_status": GONE}


def _left(work: Work, client: Client, campaign: Campaign, numbers: dict[str, Any]) -> list[str]:
    """Uids of those who unsubscribed from its list, where it has more of them than at the last look."""
    with work.sessions() as session:
        known = session.get(CampaignStats, campaign.id)
        target = session.get_one(MailingList, campaign.list_id).mailwizz_uid
    before = known.numbers.get("unsubscribes_count") if known is not None else 0
    if (numbers.get("unsubscribes_count") or 0) == (before or 0):
        return []
    return [one.uid for one in client.subscribers(target, "unsubscribed")]


def _keep(work: Work, one: Campaign, numbers: dict[str, Any], left: Sequence[str]) -> None:
    status = str(numbers.get("campaign_status") or "")
    with work.sessions() as session, session.begin():
        contacts.left(session, jobs.WORKER, one.list_id, left)
        campaign = campaigns.lock(session, one.id)
        campaigns.keep_numbers(session, campaign, numbers)
        if campaigns.being_changed(session, campaign):
            return  # the status was that of before
        state, why = STATES.get(status, (None, None))
        running = status in campaigns.RUNS
        if campaign.state in ("paused", "cancelled", "failed") and running:
            # A stop, or a person, said otherwise: it is said again.
            campaigns.ask_follow(session, jobs.WORKER, campaign)
        elif state is not None and campaign.scheduled_at is not None and campaign.state not in ENDED.get(state, ()):
            campaigns.seen(session, jobs.WORKER, campaign, state, why)
            if why == campaigns.DRAFT:
                # Resumed, it is prepared anew.
                campaign.scheduled_at = None
