# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contacts, each with the consent without which nobody may be written to."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator
from sqlalchemy import ARRAY, String, cast, func, select
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.joining import Invalid
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import Problem
from email_engine import recipients
from email_engine.campaigns import withdraw
from email_engine.mailwizz.faults import MailwizzError
from email_engine.settings import Settings
from email_engine.store import contacts, jobs, mailwizz_instances, withdrawals
from email_engine.store.mail_models import CONTACT_STATUSES, Contact, MailingList, MailwizzInstance, Placement
from email_engine.store.models import Tenant

from . import mailing
from .deps import Caller, Transaction, settings
from .errors import Refusal
from .once import Creating, Made
from .paging import After, Limit, Page, page
from .versions import IfMatch, etag, expect

log = logging.getLogger(__name__)
router = APIRouter(prefix="/contacts", tags=["contacts"])
Number = Annotated[int, Path(ge=0, le=2**63 - 1)]
Tag = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:-]*$", max_length=50)]
Tags = Annotated[list[Tag], Field(max_length=50)]


def _not_the_address(value: dict[str, str]) -> dict[str, str]:
    if "EMAIL" in value:
        raise ValueError("EMAIL is the address itself")
    return value


FieldTag = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$", max_length=50)]
FieldText = Annotated[str, Field(pattern=mailing.WORDS, max_length=255)]
Fields = Annotated[dict[FieldTag, FieldText], Field(max_length=50), AfterValidator(_not_the_address)]
#: Clocks differ by so much.
_SLACK = timedelta(minutes=5)
_WHY = (
    "Nobody may be written to who did not agree: give consent with source (where it was given), at (when, with its zone) and address"
    " (the IP address of whoever gave it)."
)


class Consent(BaseModel):
    """source: where it was given, such as a form's address. at: when. address: IP address of whoever gave it."""

    model_config = ConfigDict(extra="forbid")

    source: Annotated[str, Field(min_length=1, max_length=200, pattern=mailing.WORDS)]
    at: AwareDatetime
    address: Annotated[str, Field(max_length=45, description="IPv4 or IPv6.")]

    @field_validator("source")
    @classmethod
    def _says_something(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("says nothing")
        return value.strip()

    @field_validator("address")
    @classmethod
    def _is_one(cls, value: str) -> str:
        try:
            found = ip_address(value)
        except ValueError as fault:
            raise ValueError("is no IP address") from fault
        if getattr(found, "scope_id", None):
            raise ValueError("has a zone, which means something on one host only")
        return str(found)


class ContactGiven(BaseModel):
    """consent: demanded. fields: by the tags of the list's fields in MailWizz, such as FNAME."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, Field(max_length=320)]
    consent: Consent | None = None
    fields: Fields = {}
    tags: Tags = []


class NewContact(ContactGiven):
    tenant: mailing.TenantName | None = None


class ContactChange(BaseModel):
    """What is left out stays. status: subscribed needs a consent from after the contact said no. fields, tags: all of them."""

    model_config = ConfigDict(extra="forbid")

    status: Literal[CONTACT_STATUSES] | None = None  # type: ignore[valid-type]
    consent: Consent | None = None
    fields: Fields | None = None
    tags: Tags | None = None


class ContactShown(BaseModel):
    """email: as mail is sent to it; given_email: as it was given. lists: their names. etag: what `If-Match` takes."""

    id: int
    tenant: str
    email: str
    given_email: str
    status: str
    status_at: datetime
    consent: Consent
    fields: dict[str, str]
    tags: list[str]
    created_at: datetime
    updated_at: datetime
    etag: str


class Erased(BaseModel):
    """Erased here only. lists: that it was on; left: what was not done, and what to do."""

    lists: list[str]
    left: str


_LEFT = "The engine knows no MailWizz of the tenant any more: if there is one still, delete the subscriber there by hand, on each of these lists."


def shown(contact: Contact, tenant: str) -> ContactShown:
    consent = Consent(source=contact.consent_source, at=contact.consent_at, address=str(contact.consent_address))
    same = ("id", "email", "given_email", "status", "status_at", "fields", "tags", "created_at", "updated_at")
    values = {name: getattr(contact, name) for name in same}
    return ContactShown(tenant=tenant, consent=consent, etag=etag(contact.version), **values)


def judged(given: ContactGiven, now: datetime, where: str) -> contacts.Given:
    """*given* as the store takes it. where: how its faults are told. Raises Invalid with all of them."""
    problems = []
    email = ""
    try:
        email = recipients.normalised(given.email)
    except ValueError as fault:
        problems.append(Problem(f"{where}email", str(fault), "Leave this contact out, or mend its address."))
    if given.consent is None:
        problems.append(Problem(f"{where}consent", "is missing", _WHY))
    elif given.consent.at > now + _SLACK:
        problems.append(Problem(f"{where}consent.at", "lies in the future", "Give the moment at which it was given."))
    if problems or given.consent is None:
        raise Invalid(problems)
    return contacts.Given(email, given.email, _consent(given.consent), given.fields, given.tags)


def rows_judged(
    rows: list[dict[str, Any]], now: datetime
) -> tuple[dict[int, contacts.Given], dict[int, list[Problem]]]:
    """(the good ones, the faults of the others), each by its index in *rows*."""
    good: dict[int, contacts.Given] = {}
    bad: dict[int, list[Problem]] = {}
    for index, row in enumerate(rows):
        where = f"body.contacts.{index}."
        try:
            good[index] = judged(ContactGiven.model_validate(row), now, where)
        except ValidationError as fault:
            remedy = "Send it as POST /contacts takes it."
            bad[index] = [Problem(where + ".".join(map(str, one["loc"])), one["msg"], remedy) for one in fault.errors()]
        except Invalid as fault:
            bad[index] = list(fault.problems)
    return good, bad


def now(session: Session) -> datetime:
    return session.scalars(select(func.now())).one()


def _consent(given: Consent) -> contacts.Consent:
    return contacts.Consent(given.source, given.at, given.address)


def _found(session: Session, key: Caller, number: int) -> tuple[Contact, Tenant]:
    wanted = select(Contact, Tenant).join(Tenant, Tenant.id == Contact.tenant_id).where(Contact.id == number)
    if key.tenant_id is not None:
        wanted = wanted.where(Contact.tenant_id == key.tenant_id)
    row = session.execute(wanted.with_for_update(of=Contact)).first()
    if row is None:
        raise Refusal(404, "No such contact", f"there is no contact {number}")
    return row.Contact, row.Tenant


def not_again(fault: contacts.NotAgain) -> Refusal:
    who = "who was erased" if fault.contact is None else f"contact {fault.contact.id}"
    detail = f"body.email: {who} {fault}. Write to it only once it has agreed again, and give that consent."
    return Refusal(409, "The contact said no", detail)


def inject(session: Session, key: Caller, tenant: Tenant, lists: list[int]) -> list[Any]:
    """Jobs that bring these lists in MailWizz up to date."""
    return [
        jobs.enqueue(
            session, key.actor, "inject", tenant_id=tenant.id, subject=tenant.name, arguments={"list": one}, once=True
        )
        for one in lists
    ]


@router.get("", summary="Contacts by number; tenant, tag, status and email choose")
def read_all(
    key: Caller,
    session: Transaction,
    tenant: mailing.OfTenant = None,
    tag: Annotated[str | None, Query(max_length=50)] = None,
    status: Literal[CONTACT_STATUSES] | None = None,  # type: ignore[valid-type]
    email: Annotated[str | None, Query(max_length=320)] = None,
    limit: Limit = 100,
    after: After = 0,
) -> Page[ContactShown]:
    wanted = select(Contact, Tenant.name).join(Tenant, Tenant.id == Contact.tenant_id).where(Contact.id > after)
    wanted = mailing.within(session, key, wanted, Contact.tenant_id, tenant)
    if tag is not None:
        wanted = wanted.where(Contact.tags.op("@>")(cast([tag], ARRAY(String))))
    if status is not None:
        wanted = wanted.where(Contact.status == status)
    if email is not None:
        try:
            wanted = wanted.where(Contact.email == recipients.normalised(email))
        except ValueError as fault:
            raise Refusal(422, "The request is not valid", f"query.email: {fault}") from fault
    rows = session.execute(wanted.order_by(Contact.id).limit(limit + 1)).all()
    names = {row.Contact.id: row.name for row in rows}
    return Page(**page([row.Contact for row in rows], limit, lambda row: shown(row, names[row.id])))


@router.post(
    "",
    status_code=201,
    response_model=ContactShown,
    responses={
        200: {"model": ContactShown, "description": "It was there; tags, fields and a later consent were added"}
    },
    summary="Add a contact, with the consent to write to it",
)
def add(
    given: NewContact,
    key: Caller,
    session: Transaction,
    creating: Creating,
    known: Annotated[Settings, Depends(settings)],
) -> Response:
    def make() -> Made:
        tenant = mailing.tenant_of(session, key, given.tenant)
        taken = contacts.take(
            session, known.key_pepper.get_secret_value(), tenant.id, [judged(given, now(session), "body.")]
        )[0]
        if taken.refused is not None:
            raise not_again(taken.refused)
        contact = taken.contact
        assert contact is not None
        if taken.outcome != "unchanged":
            contacts.say(session, key.actor, taken.outcome, contact, evidence={"source": contact.consent_source})
        inject(session, key, tenant, contacts.lists_of(session, contact, ["waiting"]))
        status = 201 if taken.outcome == "created" else 200
        return Made(status, shown(contact, tenant.name), f"/api/v1/contacts/{contact.id}")

    return creating(make)


@router.get("/{contact}", summary="One contact")
def read(contact: Number, key: Caller, session: Transaction, response: Response) -> ContactShown:
    found, tenant = _found(session, key, contact)
    response.headers["ETag"] = etag(found.version)
    return shown(found, tenant.name)


@router.patch(
    "/{contact}",
    dependencies=mailing.ASKS_MAILWIZZ,
    responses=mailing.FROM_MAILWIZZ,
    summary="Change tags and fields, or take note that a contact said no",
)
def change(
    contact: Number,
    given: ContactChange,
    key: Caller,
    session: Transaction,
    response: Response,
    known: Annotated[Settings, Depends(settings)],
    if_match: IfMatch = None,
) -> ContactShown:
    found, tenant = _found(session, key, contact)
    expect(if_match, found.version)
    if given.consent is not None and given.consent.at > now(session) + _SLACK:
        raise Invalid([Problem("body.consent.at", "lies in the future", "Give the moment at which it was given.")])
    before = {"status": found.status, "tags": list(found.tags), "source": found.consent_source}
    wanted = {name: value for name, value in given.model_dump(include={"fields", "tags"}).items() if value is not None}
    if "tags" in wanted:
        wanted["tags"] = sorted(set(wanted["tags"]))
    if given.consent is not None or (given.status == "subscribed" and found.status != "subscribed"):
        _agrees(session, found, given.consent)
    changed, told = contacts.change(session, found, wanted), True
    if given.status not in (None, "subscribed", found.status):
        contacts.refuse(session, found, given.status)
        told = _tell_no(session, tenant, found, known)
        changed = True
    session.flush()
    after = {"status": found.status, "tags": found.tags, "source": found.consent_source}
    if changed or before != after:
        contacts.say(session, key.actor, "changed", found, before=before, after=after)
    if not told:
        withdrawals.ask(session, key.actor, tenant)
    if found.status == "subscribed":
        inject(session, key, tenant, contacts.lists_of(session, found, ["waiting"]))
    response.headers["ETag"] = etag(found.version)
    return shown(found, tenant.name)


def _tell_no(session: Session, tenant: Tenant, contact: Contact, known: Settings) -> bool:
    """Whether MailWizz knows of the no now, on each list; what it was not told stays to be told by a job."""
    left = withdrawals.of_contact(session, contact.id)
    # Without a uid its batch may be under way.
    sayable = [row for row in left if row.subscriber_uid is not None]
    try:
        with mailing.asking(session, tenant, known) as client:
            for row in sayable:
                withdraw.say(client, session.get_one(MailingList, row.list_id).mailwizz_uid, row)
                withdrawals.done(session, row)
    except (MailwizzError, mailwizz_instances.NoMailwizz) as fault:
        log.warning("contact %s: MailWizz was not told of its no: %s", contact.id, fault)
        return False
    return len(sayable) == len(left)


def _agrees(session: Session, contact: Contact, consent: Consent | None) -> None:
    try:
        contacts.merge(session, contact, _consent(consent) if consent else None, {}, ())
    except contacts.NotAgain as fault:
        raise not_again(fault) from fault


@router.delete(
    "/{contact}",
    status_code=204,
    dependencies=mailing.ASKS_MAILWIZZ,
    responses={
        **mailing.FROM_MAILWIZZ,
        200: {"model": Erased, "description": "Erased here; the engine knows no MailWizz of the tenant any more"},
    },
    summary="Erase a contact, here and on its lists in MailWizz",
)
def erase(
    contact: Number,
    key: Caller,
    session: Transaction,
    known: Annotated[Settings, Depends(settings)],
    if_match: IfMatch = None,
) -> Response:
    found, tenant = _found(session, key, contact)
    expect(if_match, found.version, required=False)
    withdrawals.add(session, found.id, erase=True)
    left = withdrawals.of_contact(session, found.id)
    if left and session.get(MailwizzInstance, tenant.id) is None:
        for row in left:
            withdrawals.done(session, row)
        names = list(session.scalars(select(MailingList.name).where(MailingList.id.in_([row.list_id for row in left]))))
        contacts.erase(session, key.actor, known.key_pepper.get_secret_value(), found, lists_left=names)
        return JSONResponse(Erased(lists=names, left=_LEFT).model_dump())
    coming = False
    if left:
        with mailing.asking(session, tenant, known) as client:
            for row in left:
                there = withdraw.say(client, session.get_one(MailingList, row.list_id).mailwizz_uid, row)
                if there or session.get_one(Placement, (row.list_id, found.id)).state != "waiting":
                    withdrawals.done(session, row)
                else:
                    # Its batch may be under way; the address is kept for a look after it.
                    coming = True
    contacts.erase(session, key.actor, known.key_pepper.get_secret_value(), found)
    if coming:
        withdrawals.ask(session, key.actor, tenant)
    return Response(status_code=204)
