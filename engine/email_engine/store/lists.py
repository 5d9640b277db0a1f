# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of a tenant, and who is on them."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError, Problem

from .mail_models import PLACEMENT_STATES, MailingList, Placement
from .models import Ip, Tenant


class From(NamedTuple):
    """Whom the mail of a list says it is from, where a campaign says nothing else."""

    name: str
    email: str
    reply_to: str


class NoSender(FleetError):
    """The tenant has nobody to write as."""


def hold_name(session: Session, kind: str, tenant: Tenant, name: str) -> None:
    """Until the transaction ends, nobody else makes a *kind* of this name: MailWizz would have two, and the engine know one."""
    key = f"{kind} {tenant.id} {name}"
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key})


def default_from(session: Session, tenant: Tenant) -> From:
    """As the tenant's first sender. Raises NoSender."""
    wanted = select(Ip).where(Ip.tenant_id == tenant.id, Ip.status != "retired").order_by(Ip.id).limit(1)
    first = session.scalars(wanted).first()
    if first is None:
        remedy = "Add a sender to it (POST /ips, or the inventory), or give the list a from_email."
        raise NoSender([Problem(f"tenant {tenant.name}", "has no sender to write as", remedy)])
    return From(first.sender_name or tenant.name, first.sender_email, first.sender_email)


def place(session: Session, mails: MailingList, contacts: Collection[int]) -> int:
    """Put contacts on a list; how many have to go to MailWizz for it. Those that it refused before are tried again."""
    rows = [{"tenant_id": mails.tenant_id, "list_id": mails.id, "contact_id": one} for one in sorted(contacts)]
    if not rows:
        return 0
    statement = insert(Placement).on_conflict_do_update(
        index_elements=["list_id", "contact_id"],
        set_={"state": "waiting", "error": None},
        where=Placement.state == "refused",
    )
    return len(session.scalars(statement.returning(Placement.contact_id), rows).all())


def counts(session: Session, lists: Collection[int]) -> dict[int, dict[str, int]]:
    """Per list, how many contacts are in each state."""
    found = {one: dict.fromkeys(PLACEMENT_STATES, 0) for one in lists}
    wanted = select(Placement.list_id, Placement.state, func.count()).where(Placement.list_id.in_(lists))
    for number, state, count in session.execute(wanted.group_by(Placement.list_id, Placement.state)):
        found[number][state] = count
    return found
