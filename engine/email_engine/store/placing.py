# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contacts on a list: who waits to be brought into MailWizz, and what became of whom."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from . import lists, withdrawals
from .mail_models import Contact, Placement

#: Characters of MailWizz's words that are kept.
SHOWN = 500


class Waiting(NamedTuple):
    """address: that the consent came from. uid: of its subscriber, where MailWizz has it already. agreed_again: it said no, and yes since."""

    contact_id: int
    email: str
    fields: dict[str, str]
    address: str
    uid: str | None = None
    agreed_again: bool = False


class Result(NamedTuple):
    """What MailWizz said of one contact. uid: of its subscriber; None leaves the known one. error: why it is not written to. status: what the contact is for
    that, by the recipient's or the receiver's word."""

    contact_id: int
    uid: str | None
    error: str | None = None
    status: str | None = None


class Counts(NamedTuple):
    waiting: int
    injected: int
    refused: int

    @property
    def total(self) -> int:
        return sum(self)


def counts_of(session: Session, wanted: Collection[int]) -> dict[int, Counts]:
    """By list."""
    return {number: Counts(**found) for number, found in lists.counts(session, wanted).items()}


def counts(session: Session, list_id: int) -> Counts:
    return counts_of(session, [list_id])[list_id]


def waiting(session: Session, list_id: int, most: int) -> Sequence[Waiting]:
    """In the order in which they are sent."""
    known = (Placement.subscriber_uid, Placement.agreed_again)
    wanted = (
        select(Contact.id, Contact.email, Contact.fields, func.host(Contact.consent_address), *known)
        .join(Placement, Placement.contact_id == Contact.id)
        .where(Placement.list_id == list_id, Placement.state == "waiting", Contact.status == "subscribed")
        .order_by(Placement.contact_id)
        .limit(most)
    )
    return [Waiting(*row) for row in session.execute(wanted)]


def refuse_unwanted(session: Session, list_id: int) -> None:
    """Who does not want mail, or gets none, is not brought there."""
    unwanted = select(Contact.id, Contact.status).where(Contact.status != "subscribed").subquery()
    session.execute(
        update(Placement)
        .where(Placement.list_id == list_id, Placement.state == "waiting", Placement.contact_id == unwanted.c.id)
        .values(state="refused", error=func.concat("the contact is ", unwanted.c.status))
        .execution_options(synchronize_session=False)
    )


def place(session: Session, list_id: int, result: Result) -> None:
    """Whoever was taken off the list meanwhile stays off."""
    error = result.error and result.error[:SHOWN]
    session.execute(
        update(Placement)
        .where(Placement.list_id == list_id, Placement.contact_id == result.contact_id)
        .values(
            state="refused" if error else "injected",
            error=error,
            subscriber_uid=func.coalesce(result.uid, Placement.subscriber_uid),
            agreed_again=False,
            injected_at=None if error else func.now(),
        )
    )
    if result.status is not None:
        wanted = update(Contact).where(Contact.id == result.contact_id, Contact.status == "subscribed")
        session.execute(wanted.values(status=result.status, status_at=func.now(), version=Contact.version + 1))
        withdrawals.add(session, result.contact_id)
