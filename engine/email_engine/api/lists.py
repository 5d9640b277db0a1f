# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of contacts. Each has a twin in the tenant's MailWizz from the moment it is made; its contacts follow by a job."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.joining import Invalid
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import Problem
from email_engine import recipients
from email_engine.settings import Settings
from email_engine.store import contacts as store
from email_engine.store import lists
from email_engine.store.audit import record
from email_engine.store.mail_models import PLACEMENT_STATES, Contact, MailingList, Placement
from email_engine.store.models import Tenant

from . import answers, contacts, mailing
from .answers import Asked
from .deps import Caller, Transaction, settings
from .errors import Refusal
from .once import Creating, Made
from .paging import After, Limit, Page, page

router = APIRouter(prefix="/lists", tags=["lists"])
#: Contacts of one request.
MOST = 5000
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=mailing.WORDS)]


class Company(BaseModel):
    """Who sends, as the footer says it by [COMPANY_FULL_ADDRESS]. country, zone: as MailWizz names them."""

    model_config = ConfigDict(extra="forbid")

    name: Line
    country: Line
    address_1: Line
    city: Line
    zip_code: Line
    address_2: Line | None = None
    zone: Line | None = None
    zone_name: Line | None = None
    phone: Line | None = None
    address_format: Annotated[str, Field(max_length=1000, pattern=mailing.WORDS)] | None = None


class NewList(BaseModel):
    """What is left out: from_name and from_email are the first sender's of the tenant, reply_to is from_email, company that of the
    customer in MailWizz."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=2, max_length=100, pattern=mailing.NAME)]
    tenant: mailing.TenantName | None = None
    description: Line | None = None
    from_name: Line | None = None
    from_email: Annotated[str, Field(max_length=320)] | None = None
    reply_to: Annotated[str, Field(max_length=320)] | None = None
    company: Company | None = None


class ListShown(BaseModel):
    """contacts: how many wait for MailWizz, are there, and were refused by it. mailwizz_uid: of its twin."""

    name: str
    tenant: str
    description: str
    from_name: str
    from_email: str
    reply_to: str
    mailwizz_uid: str
    contacts: dict[str, int]
    created_at: datetime


class NewRows(BaseModel):
    """contacts: each as POST /contacts takes it. tags: for all of them."""

    model_config = ConfigDict(extra="forbid")

    contacts: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST)]
    tags: contacts.Tags = []


class RowFault(BaseModel):
    """index: of the contact in the request."""

    index: int
    errors: list[dict[str, str]]


class RowsTaken(BaseModel):
    """taken: contacts that are on the list now; created: of those, new ones. waiting: that MailWizz does not have yet. refused: the
    others. job: what brings them to MailWizz; null where nothing has to be."""

    taken: int
    created: int
    waiting: int
    refused: list[RowFault]
    job: Asked | None


class Placed(BaseModel):
    """id: of the contact. state: waiting, injected or refused; error: in MailWizz's words."""

    id: int
    email: str
    state: str
    error: str | None
    injected_at: datetime | None


def _shown(mails: MailingList, tenant: str, counts: dict[str, int]) -> ListShown:
    same = ("name", "description", "from_name", "from_email", "reply_to", "mailwizz_uid", "created_at")
    return ListShown(tenant=tenant, contacts=counts, **{name: getattr(mails, name) for name in same})


def _address(given: str, where: str) -> str:
    try:
        return recipients.normalised(given)
    except ValueError as fault:
        raise Invalid([Problem(where, str(fault), "Give an address of the tenant's.")]) from fault


def _from(session: Session, tenant: Tenant, given: NewList) -> lists.From:
    if given.from_email is None:
        default = lists.default_from(session, tenant)
    else:
        email = _address(given.from_email, "body.from_email")
        default = lists.From(tenant.name, email, email)
    reply_to = default.reply_to if given.reply_to is None else _address(given.reply_to, "body.reply_to")
    return lists.From(given.from_name or default.name, default.email, reply_to)


@router.get("", summary="Lists, with how many contacts are in each state")
def read_all(
    key: Caller, session: Transaction, tenant: mailing.OfTenant = None, limit: Limit = 100, after: After = 0
) -> Page[ListShown]:
    wanted = select(MailingList, Tenant.name).join(Tenant, Tenant.id == MailingList.tenant_id)
    wanted = mailing.within(session, key, wanted.where(MailingList.id > after), MailingList.tenant_id, tenant)
    rows = session.execute(wanted.order_by(MailingList.id).limit(limit + 1)).all()
    counts = lists.counts(session, [row.MailingList.id for row in rows])
    names = {row.MailingList.id: row.name for row in rows}
    found = [row.MailingList for row in rows]
    return Page(**page(found, limit, lambda row: _shown(row, names[row.id], counts[row.id])))


@router.post(
    "",
    status_code=201,
    dependencies=mailing.ASKS_MAILWIZZ,
    response_model=ListShown,
    responses=mailing.FROM_MAILWIZZ,
    summary="Make a list, here and in the tenant's MailWizz",
)
def make(
    given: NewList,
    key: Caller,
    session: Transaction,
    creating: Creating,
    known: Annotated[Settings, Depends(settings)],
) -> Response:
    def now() -> Made:
        tenant = mailing.tenant_of(session, key, given.tenant)
        lists.hold_name(session, "list", tenant, given.name)
        mailing.taken(session, MailingList, "list", tenant, given.name)
        sender = _from(session, tenant, given)
        company = given.company.model_dump(exclude_none=True) if given.company else {}
        about = given.description or f"Contacts of {tenant.name}, kept by the engine"
        with mailing.asking(session, tenant, known) as client:
            mailing.own_servers(session, tenant, client.delivery_servers())
            uid = client.create_list(
                {"name": given.name, "description": about},
                {"from_name": sender.name, "from_email": sender.email, "reply_to": sender.reply_to},
                company,
            )
        mails = MailingList(
            tenant_id=tenant.id,
            name=given.name,
            description=about,
            mailwizz_uid=uid,
            from_name=sender.name,
            from_email=sender.email,
            reply_to=sender.reply_to,
            company=company,
        )
        session.add(mails)
        session.flush()
        after = {"from_email": sender.email, "reply_to": sender.reply_to, "mailwizz_uid": uid}
        record(session, key.actor, "made", f"list {given.name}", tenant_id=tenant.id, after=after)
        body = _shown(mails, tenant.name, dict.fromkeys(PLACEMENT_STATES, 0))
        return Made(201, body, f"/api/v1/lists/{mails.name}")

    return creating(now)


@router.get("/{name}", summary="One list, with how many contacts are in each state")
def read(name: mailing.Name, key: Caller, session: Transaction, tenant: mailing.OfTenant = None) -> ListShown:
    found = mailing.named(session, key, MailingList, "list", name, tenant)
    owner = session.get_one(Tenant, found.tenant_id)
    return _shown(found, owner.name, lists.counts(session, [found.id])[found.id])


@router.get("/{name}/contacts", summary="Who is on a list, and whether MailWizz has them")
def read_contacts(
    name: mailing.Name,
    key: Caller,
    session: Transaction,
    tenant: mailing.OfTenant = None,
    state: Annotated[Literal[PLACEMENT_STATES] | None, Query()] = None,  # type: ignore[valid-type]
    limit: Limit = 100,
    after: After = 0,
) -> Page[Placed]:
    found = mailing.named(session, key, MailingList, "list", name, tenant)
    wanted = (
        select(Contact.id, Contact.email, Placement.state, Placement.error, Placement.injected_at)
        .join(Placement, Placement.contact_id == Contact.id)
        .where(Placement.list_id == found.id, Contact.id > after)
    )
    if state is not None:
        wanted = wanted.where(Placement.state == state)
    rows = session.execute(wanted.order_by(Contact.id).limit(limit + 1)).all()
    return Page(**page(rows, limit, lambda row: Placed(**row._mapping)))


@router.post(
    "/{name}/contacts",
    status_code=202,
    response_model=RowsTaken,
    summary=f"Put up to {MOST} contacts on a list; the good ones are taken, the others told by their index",
)
def add_contacts(
    name: mailing.Name,
    given: NewRows,
    key: Caller,
    session: Transaction,
    creating: Creating,
    known: Annotated[Settings, Depends(settings)],
    tenant: mailing.OfTenant = None,
) -> Response:
    def make() -> Made:
        mails = mailing.named(session, key, MailingList, "list", name, tenant)
        good, bad = contacts.rows_judged(given.contacts, contacts.now(session))
        good = {index: one._replace(tags=[*one.tags, *given.tags]) for index, one in good.items()}
        body = _take(session, known.key_pepper.get_secret_value(), key, mails, good, bad)
        return Made(202, body, f"/api/v1/lists/{mails.name}/contacts")

    return creating(make)


def _take(
    session: Session,
    pepper: str,
    key: Caller,
    mails: MailingList,
    good: dict[int, store.Given],
    bad: dict[int, list[Problem]],
) -> RowsTaken:
    found = dict(zip(good, store.take(session, pepper, mails.tenant_id, list(good.values())), strict=True))
    for index, one in found.items():
        if one.refused is not None:
            remedy = "Write to it only once it has agreed again, and give that consent."
            bad[index] = [Problem(f"body.contacts.{index}.email", str(one.refused), remedy)]
    taken = [one for one in found.values() if one.refused is None]
    refused = [
        RowFault(
            index=index,
            errors=[{"where": one.where, "what": one.what, "remedy": one.remedy} for one in bad[index]],
        )
        for index in sorted(bad)
    ]
    if not taken:
        detail = f"none of {len(bad)} contacts can be taken; the first: {bad[min(bad)][0]}"
        errors = [{"index": one.index, **fault} for one in refused for fault in one.errors]
        raise Refusal(422, "The request is not valid", detail, errors=errors)
    people = {one.contact.id for one in taken if one.contact is not None}
    lists.place(session, mails, people)
    counts = {"taken": len(people), "created": sum(one.outcome == "created" for one in taken)}
    record(
        session,
        key.actor,
        "took contacts",
        f"list {mails.name}",
        tenant_id=mails.tenant_id,
        evidence={**counts, "refused": len(bad)},
    )
    session.flush()
    waiting = lists.counts(session, [mails.id])[mails.id]["waiting"]
    owner = session.get_one(Tenant, mails.tenant_id)
    job = contacts.inject(session, key, owner, [mails.id])[0] if waiting else None
    return RowsTaken(**counts, waiting=waiting, refused=refused, job=job and answers.asked(job))
