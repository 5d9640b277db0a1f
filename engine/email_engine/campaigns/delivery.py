# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The delivery server of a campaign's sender in MailWizz. Of a chosen server that does not send MailWizz would draw another one."""

from __future__ import annotations

from email_engine.jobs.functions import Failed, Work
from email_engine.mailwizz.client import Client
from email_engine.mailwizz.shapes import DeliveryServer
from email_engine.store import campaigns
from email_engine.store.mail_models import Campaign
from email_engine.store.models import Tenant

#: Statuses of a delivery server that sends.
SENDING = ("active", "in-use")


class NotSending(Failed):
    """MailWizz has it otherwise than as one that sends."""


def of_sender(work: Work, client: Client, campaign: Campaign) -> DeliveryServer:
    """The one of its name, which sends. Raises NotSending."""
    with work.sessions() as session:
        tenant = session.get_one(Tenant, campaign.tenant_id)
        name = f"{tenant.name}-pool" if tenant.routing == "pool" else campaigns.sender(session, campaign)["name"]
    found = [one for one in client.delivery_servers() if one.name == name]
    if len(found) != 1:
        many = f"{len(found)} delivery servers" if found else "no delivery server"
        raise NotSending(
            f"MailWizz has {many} {name} of this customer: run playbooks/converge.yml, then resume the campaign."
        )
    if found[0].status not in SENDING:
        raise NotSending(
            f"MailWizz has the delivery server {name} as {found[0].status}. Where its sender was resumed just now, its converge"
            " lets it send; else run playbooks/converge.yml. Then resume the campaign."
        )
    return found[0]
