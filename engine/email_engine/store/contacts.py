# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contacts: whom a tenant may write to. Who said no stays out until a later consent says yes.

The audit log keeps no address of anybody, because it is never changed: contacts stand in it by their number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from . import noes, withdrawals
from .audit import Actor, record
from .mail_models import SAID_NO, Contact, Placement


class Consent(NamedTuple):
    """source: where it was given, in the tenant's words. address: that of whoever gave it."""

    source: str
    at: datetime
    address: str


class Given(NamedTuple):
    """A contact as it is given. email: normalised, see `recipients`."""

    email: str
    given_email: str
    consent: Consent
    fields: Mapping[str, str]
    tags: Sequence[str]


class NotAgain(Exception):
    """The contact said no, and the consent is not from after that."""

    def __init__(self, said: Contact | noes.No):
        """said: the contact, or the no of one that was erased since."""
        self.contact = said if isinstance(said, Contact) else None
        at = said.at if isinstance(said, noes.No) else said.status_at
        when = at.isoformat(timespec="seconds")
        super().__init__(f"is {said.status} since {when}, and the consent is not from after that")


class Taken(NamedTuple):
    """What became of one that was given. outcome: created, changed or unchanged. refused: then nothing of it was stored."""

    contact: Contact | None
    outcome: str
    refused: NotAgain | None = None


def take(session: Session, pepper: str, tenant_id: int, given: Sequence[Given]) -> list[Taken]:
    """Store those who are new, and add to those who are known: tags, fields, a later consent. In the order of *given*."""
    erased = noes.known(session, pepper, tenant_id, {one.email for one in given})
    old = {number for number, one in enumerate(given) if one.email in erased and one.consent.at <= erased[one.email].at}
    new = _insert(session, tenant_id, [one for number, one in enumerate(given) if number not in old])
    emails = sorted({one.email for one in given})
    wanted = select(Contact).where(Contact.tenant_id == tenant_id, Contact.email.in_(emails)).order_by(Contact.id)
    known = {row.email: row for row in session.scalars(wanted.with_for_update())}
    taken = []
    for number, one in enumerate(given):
        if number in old:
            taken.append(Taken(None, "unchanged", NotAgain(erased[one.email])))
            continue
        contact = known[one.email]
        try:
            changed = merge(session, contact, one.consent, one.fields, one.tags)
        except NotAgain as refused:
            taken.append(Taken(contact, "unchanged", refused))
            continue
        outcome = "created" if one.email in new else "changed" if changed else "unchanged"
        new.discard(one.email)
        taken.append(Taken(contact, outcome))
    session.flush()
    return taken


def _insert(session: Session, tenant_id: int, given: Iterable[Given]) -> set[str]:
    """The addresses that were not there. In one order, so that of two who bring the same ones neither waits for the other for ever."""
    first: dict[str, Given] = {}
    for one in given:
        first.setdefault(one.email, one)
    rows = [
        {
            "tenant_id": tenant_id,
            "email": one.email,
            "given_email": one.given_email,
            "consent_source": one.consent.source,
            "consent_at": one.consent.at,
            "consent_address": one.consent.address,
            "fields": dict(one.fields),
            "tags": _tags(one.tags),
        }
        for _email, one in sorted(first.items())
    ]
    if not rows:
        return set()
    statement = insert(Contact).on_conflict_do_nothing(index_elements=["tenant_id", "email"]).returning(Contact.email)
    return set(session.scalars(statement, rows))


def merge(
    session: Session, contact: Contact, consent: Consent | None, fields: Mapping[str, str], tags: Sequence[str]
) -> bool:
    """Add to a contact, held locked, what is given; whether it differs now. Raises NotAgain for one who said no since."""
    later = consent is not None and consent.at > contact.consent_at
    if contact.status in SAID_NO:
        if consent is None or consent.at <= contact.status_at:
            raise NotAgain(contact)
        contact.status, contact.status_at = "subscribed", func.now()
        withdrawals.call_off(session, contact.id)
        _place_again(session, contact, agreed_again=True)
    wanted = {"fields": {**contact.fields, **fields}, "tags": _tags([*contact.tags, *tags])}
    if later and consent is not None:
        wanted |= {
            "consent_source": consent.source,
            "consent_at": consent.at,
            "consent_address": consent.address,
        }
    return change(session, contact, wanted) or later


def change(session: Session, contact: Contact, wanted: Mapping[str, Any]) -> bool:
    """Set columns of a contact, held locked; whether any differs now. Its lists in MailWizz are brought up to date by their jobs."""
    differing = {name: value for name, value in wanted.items() if getattr(contact, name) != value}
    for name, value in differing.items():
        setattr(contact, name, value)
    if differing:
        contact.updated_at = func.now()
    if "fields" in differing and contact.status not in SAID_NO:
        _place_again(session, contact)
    return bool(differing)


def left(session: Session, actor: Actor, list_id: int, uids: Collection[str]) -> None:
    """Who unsubscribed from this list in MailWizz gets no mail of the tenant's any more. uids: of its subscribers."""
    wanted = (
        select(Contact)
        .join(Placement, Placement.contact_id == Contact.id)
        # One that is to be placed anew because it agreed again has done so since.
        .where(Placement.list_id == list_id, or_(Placement.state == "injected", ~Placement.agreed_again))
        .where(Placement.subscriber_uid.in_(uids))
        .where(Contact.status == "subscribed")
        .order_by(Contact.id)
        .with_for_update(of=Contact)
    )
    for contact in session.scalars(wanted).all() if uids else ():
        refuse(session, contact, "unsubscribed")
        say(session, actor, "changed", contact, before={"status": "subscribed"}, after={"status": "unsubscribed"})


def refuse(session: Session, contact: Contact, status: str) -> None:
    """The contact, held locked, gets no mail any more; MailWizz is to be told (`withdrawals`). status: one of `SAID_NO`."""
    contact.status, contact.status_at, contact.updated_at = status, func.now(), func.now()
    withdrawals.add(session, contact.id)


def _place_again(session: Session, contact: Contact, **more: bool) -> None:
    """What MailWizz knows of it is out of date: its placements wait, with the uids that they have there."""
    session.execute(
        update(Placement)
        .where(Placement.contact_id == contact.id)
        .values(state="waiting", error=None, **more)
        .execution_options(synchronize_session=False)
    )


def erase(session: Session, actor: Actor, pepper: str, contact: Contact, **evidence: Any) -> None:
    """Nothing of the contact, held locked, stays here but that it was erased, and what MailWizz has still to be told."""
    if contact.status in SAID_NO:
        noes.keep(session, pepper, contact)
    for placed in session.scalars(select(Placement).where(Placement.contact_id == contact.id)):
        session.delete(placed)
    session.flush()
    session.delete(contact)
    say(session, actor, "erased", contact, evidence=evidence)


def lists_of(session: Session, contact: Contact, states: Collection[str] = ()) -> list[int]:
    """The ids of lists it is on, of all or in these states."""
    wanted = select(Placement.list_id).where(Placement.contact_id == contact.id).order_by(Placement.list_id)
    return list(session.scalars(wanted.where(Placement.state.in_(states)) if states else wanted))


def say(session: Session, actor: Actor, action: str, contact: Contact, **more: Any) -> None:
    record(session, actor, action, f"contact {contact.id}", tenant_id=contact.tenant_id, **more)


def _tags(tags: Iterable[str]) -> list[str]:
    return sorted(set(tags))
