# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What MailWizz has still to be told of who said no, or was erased: kept until it was told, whoever is killed meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, literal, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from . import jobs
from .audit import Actor
from .mail_models import Contact, MailwizzInstance, Placement, Withdrawal
from .models import Tenant

#: Minutes between two attempts.
AGAIN_EVERY = 10


def add(session: Session, contact_id: int, *, erase: bool = False) -> None:
    """For each list that the contact is on: where MailWizz has no subscriber yet, its batch may be under way."""
    rows = (
        select(
            Placement.tenant_id,
            Placement.list_id,
            Placement.contact_id,
            Contact.email,
            Placement.subscriber_uid,
            literal(erase),
        )
        .join(Contact, Contact.id == Placement.contact_id)
        .where(Placement.contact_id == contact_id)
        .order_by(Placement.list_id)
    )
    names = ["tenant_id", "list_id", "contact_id", "email", "subscriber_uid", "erase"]
    new = insert(Withdrawal).from_select(names, rows)
    session.execute(
        new.on_conflict_do_update(
            index_elements=["list_id", "contact_id"],
            set_={
                "subscriber_uid": func.coalesce(new.excluded.subscriber_uid, Withdrawal.subscriber_uid),
                "erase": or_(new.excluded.erase, Withdrawal.erase),
            },
        )
    )


def call_off(session: Session, contact_id: int) -> None:
    """The contact agreed again."""
    gone = delete(Withdrawal).where(Withdrawal.contact_id == contact_id, ~Withdrawal.erase)
    session.execute(gone.execution_options(synchronize_session=False))


def of_contact(session: Session, contact_id: int) -> Sequence[Withdrawal]:
    wanted = select(Withdrawal).where(Withdrawal.contact_id == contact_id).order_by(Withdrawal.list_id)
    return session.scalars(wanted).all()


def of_list(session: Session, list_id: int) -> Sequence[Withdrawal]:
    wanted = select(Withdrawal).where(Withdrawal.list_id == list_id).order_by(Withdrawal.contact_id)
    return session.scalars(wanted).all()


def lists(session: Session, tenant_id: int) -> Sequence[int]:
    wanted = select(Withdrawal.list_id).where(Withdrawal.tenant_id == tenant_id).distinct()
    return session.scalars(wanted.order_by(Withdrawal.list_id)).all()


def done(session: Session, told: Withdrawal) -> None:
    """Who was erased after MailWizz was told of the no has still to be."""
    same = (Withdrawal.list_id == told.list_id, Withdrawal.contact_id == told.contact_id)
    session.execute(delete(Withdrawal).where(*same, Withdrawal.erase == told.erase))


def ask(session: Session, actor: Actor, tenant: Tenant) -> None:
    """For the job that tells them."""
    about = {"tenant_id": tenant.id, "subject": tenant.name, "arguments": {"tenant": tenant.id}}
    jobs.enqueue(session, actor, "withdraw", **about, once=True)


def look(session: Session) -> None:
    """Those that MailWizz was not told of are tried again, where the engine knows one."""
    wanted = select(Tenant).join(MailwizzInstance, MailwizzInstance.tenant_id == Tenant.id)
    wanted = wanted.where(Tenant.id.in_(select(Withdrawal.tenant_id))).order_by(Tenant.id)
    tenants = session.scalars(wanted).all()
    if tenants and not jobs.asked_lately(session, ["withdraw"], AGAIN_EVERY):
        for tenant in tenants:
            ask(session, jobs.WORKER, tenant)
