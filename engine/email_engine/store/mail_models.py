# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of campaigns: where a tenant's MailWizz is, whom it may write to, and what it sends. Their rules are those of `models`."""

from __future__ import annotations

import uuid
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.status import PURPOSES

from .models import Base, now, one_of

#: unsubscribed and complained are the recipient's own word, bounced is the receiver's.
CONTACT_STATUSES = ("subscribed", "unsubscribed", "bounced", "complained")
#: Statuses that only a consent after them ends.
SAID_NO = ("unsubscribed", "bounced", "complained")
#: Of a contact on a list: not in MailWizz yet; there; MailWizz does not take it.
PLACEMENT_STATES = ("waiting", "injected", "refused")
CAMPAIGN_STATES = ("preparing", "scheduled", "sending", "paused", "sent", "failed", "cancelled")


class MailwizzInstance(Base):
    """Where a tenant's customer in MailWizz is reached. url: of its API. key_sealed: see `sealing`. certificate: PEM to trust instead of
    this host's authorities."""

    __tablename__ = "mailwizz_instances"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), primary_key=True, autoincrement=False)
    url: Mapped[str]
    key_sealed: Mapped[bytes]
    certificate: Mapped[str | None]
    changed_at: Mapped[datetime] = now()


class Contact(Base):
    """Somebody whom a tenant may write to, and why it may.

    email: as mail is sent to it, lower case, the domain in ASCII. given_email: as it was given. status_at: when it became so. consent_*: the
    last consent: where it was given, when, from which address. fields: {tag of a MailWizz field: text}."""

    __tablename__ = "contacts"

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    email: Mapped[str]
    given_email: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="subscribed")
    status_at: Mapped[datetime] = now()
    consent_source: Mapped[str]
    consent_at: Mapped[datetime]
    consent_address: Mapped[IPv4Address | IPv6Address] = mapped_column(INET)
    fields: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    tags: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = now()
    updated_at: Mapped[datetime] = now()

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "email"),
        one_of("status", CONTACT_STATUSES),
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint("consent_source <> ''", name="consent_source"),
        Index("ix_contacts_tags", "tags", postgresql_using="gin"),
    )
    __mapper_args__ = {"version_id_col": version}


class MailingList(Base):
    """A list of a tenant, and its twin in MailWizz. company: as the footer of its mail names the sender, keys as in MailWizz's API."""

    __tablename__ = "lists"

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str]
    description: Mapped[str]
    mailwizz_uid: Mapped[str]
    from_name: Mapped[str]
    from_email: Mapped[str]
    reply_to: Mapped[str]
    company: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    created_at: Mapped[datetime] = now()

    __table_args__ = (UniqueConstraint("tenant_id", "id"), UniqueConstraint("tenant_id", "name"))


class Placement(Base):
    """A contact on a list. error: why MailWizz does not take it. subscriber_uid: its twin there, once it was injected; where it waits
    with one, its fields are to be told anew. agreed_again: it said no and then yes, so that its twin is to be written to again."""

    __tablename__ = "list_contacts"

    tenant_id: Mapped[int]
    list_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    contact_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(server_default="waiting")
    error: Mapped[str | None]
    subscriber_uid: Mapped[str | None]
    agreed_again: Mapped[bool] = mapped_column(server_default=text("false"))
    injected_at: Mapped[datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "list_id"], ["lists.tenant_id", "lists.id"]),
        ForeignKeyConstraint(["tenant_id", "contact_id"], ["contacts.tenant_id", "contacts.id"]),
        one_of("state", PLACEMENT_STATES),
        Index("ix_list_contacts_list_id_state_contact_id", "list_id", "state", "contact_id"),
        Index("ix_list_contacts_contact_id", "contact_id"),
    )


class Withdrawal(Base):
    """What MailWizz has still to be told of one who said no, or was erased (erase), on a list. The contact may be gone: email is where to look
    for the subscriber, subscriber_uid the one that was known."""

    __tablename__ = "withdrawals"

    tenant_id: Mapped[int]
    list_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    contact_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    email: Mapped[str]
    subscriber_uid: Mapped[str | None]
    erase: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = now()

    __table_args__ = (ForeignKeyConstraint(["tenant_id", "list_id"], ["lists.tenant_id", "lists.id"]),)


class ErasedNo(Base):
    """That somebody who was erased had said no, and when; nobody can read from it who. digest: see `noes`."""

    __tablename__ = "erased_noes"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), primary_key=True, autoincrement=False)
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    status: Mapped[str]
    at: Mapped[datetime]

    __table_args__ = (one_of("status", SAID_NO),)


class Template(Base):
    """The HTML of a tenant's campaigns, and its twin in MailWizz. sha256: of the content as it is there, in hexadecimal."""

    __tablename__ = "templates"

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str]
    mailwizz_uid: Mapped[str]
    content: Mapped[str] = mapped_column(deferred=True)
    sha256: Mapped[str]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = now()
    updated_at: Mapped[datetime] = now()

    __table_args__ = (UniqueConstraint("tenant_id", "id"), UniqueConstraint("tenant_id", "name"))
    __mapper_args__ = {"version_id_col": version}


class Campaign(Base):
    """A mailing of one list from one sender. type, mode: what the sender was chosen by. html: what it says, of its own
    or as the template, if there is one, said when it was asked for.
    options: as MailWizz' API names them. send_at: null is at once. mailwizz_uid: of its twin, once there is one. error: why it failed;
    paused_reason: why it stands still, each for an operator. scheduled_at: when MailWizz had been told to send it. ended_at: when it was
    seen sent, or was given up."""

    __tablename__ = "campaigns"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    number: Mapped[int] = mapped_column(Identity(), unique=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    ip_id: Mapped[int]
    list_id: Mapped[int]
    template_id: Mapped[int | None]
    html: Mapped[str] = mapped_column(deferred=True)
    options: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    type: Mapped[str]
    mode: Mapped[str]
    name: Mapped[str]
    subject: Mapped[str]
    from_name: Mapped[str]
    reply_to: Mapped[str]
    send_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(server_default="preparing")
    mailwizz_uid: Mapped[str | None]
    error: Mapped[str | None]
    paused_reason: Mapped[str | None]
    asked_by: Mapped[str]
    scheduled_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = now()
    updated_at: Mapped[datetime] = now()

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "ip_id"], ["ips.tenant_id", "ips.id"]),
        ForeignKeyConstraint(["tenant_id", "list_id"], ["lists.tenant_id", "lists.id"]),
        ForeignKeyConstraint(["tenant_id", "template_id"], ["templates.tenant_id", "templates.id"]),
        one_of("type", PURPOSES),
        one_of("state", CAMPAIGN_STATES),
        Index("ix_campaigns_tenant_id_state", "tenant_id", "state"),
        Index("ix_campaigns_ip_id_state", "ip_id", "state"),
    )
    __mapper_args__ = {"version_id_col": version}


class CampaignStats(Base):
    """What MailWizz last said of a campaign. numbers: as its API names them, numbers as such; read_at: when."""

    __tablename__ = "campaign_stats"

    tenant_id: Mapped[int]
    campaign_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    numbers: Mapped[dict[str, Any]]
    read_at: Mapped[datetime] = now()

    __table_args__ = (ForeignKeyConstraint(["tenant_id", "campaign_id"], ["campaigns.tenant_id", "campaigns.id"]),)
