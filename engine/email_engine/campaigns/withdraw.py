# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MailWizz is told who said no, or was erased. Only beside no batch of the same list: what was not found there could still come."""

from __future__ import annotations

from email_engine.jobs.functions import Failed, Occupied, Work
from email_engine.mailwizz.client import Client
from email_engine.mailwizz.faults import NotFound, Refused
from email_engine.store import withdrawals
from email_engine.store.mail_models import MailingList, Withdrawal

from . import reach

#: Seconds that it waits for whoever injects into the same list, who tells it after each batch.
PATIENCE = 60.0
#: Statuses in MailWizz in which nobody is written to, by the recipient's or the receiver's word -> what the contact is.
GONE = {"unsubscribed": "unsubscribed", "blacklisted": "bounced"}


def run(work: Work) -> None:
    """The job: all of one tenant."""
    if work.tenant_id is None:
        raise Failed("the job names no tenant")
    with work.sessions() as session:
        lists = withdrawals.lists(session, work.tenant_id)
    with reach.client(work, work.tenant_id) as client:
        for one in lists:
            try:
                with work.alone(reach.LISTS, one, PATIENCE):
                    tell(work, client, one)
            except Occupied:
                work.say(f"list {one}: whoever injects into it tells them")


def tell(work: Work, client: Client, list_id: int) -> None:
    """All of a list, which the caller is alone with."""
    with work.sessions() as session:
        uid = session.get_one(MailingList, list_id).mailwizz_uid
        rows = withdrawals.of_list(session, list_id)
    for row in rows:
        _one(work, client, uid, row)


def _one(work: Work, client: Client, uid: str, row: Withdrawal) -> None:
    reach.patiently(work, lambda: say(client, uid, row))
    with work.sessions() as session, session.begin():
        withdrawals.done(session, row)


def say(client: Client, uid: str, row: Withdrawal) -> bool:
    """Whether its subscriber was found. May be said again. uid: of the list. Raises MailwizzError."""
    if row.erase:
        if row.subscriber_uid is not None:
            client.delete_subscriber(uid, row.subscriber_uid)
        found = client.find_subscriber(uid, row.email)
        if found is not None:
            client.delete_subscriber(uid, found.uid)
        return found is not None or row.subscriber_uid is not None
    if row.subscriber_uid is not None:
        try:
            client.unsubscribe(uid, row.subscriber_uid)
            return True
        except (NotFound, Refused):
            # It may have another uid by now, or gets no mail anyway.
            pass
    found = client.find_subscriber(uid, row.email)
    if found is not None and found.status not in GONE:
        client.unsubscribe(uid, found.uid)
    return found is not None
