# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contacts of a list into MailWizz, batch by batch. What an answer was stored of is never sent again; of a batch whose answer was lost
MailWizz says that it has them, and they are looked up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from email_engine.jobs.functions import Failed, Work
from email_engine.mailwizz.client import Client
from email_engine.mailwizz.faults import NotFound, Refused
from email_engine.mailwizz.forms import VARIABLES
from email_engine.mailwizz.shapes import Placed
from email_engine.store import mailwizz_instances, placing
from email_engine.store.mail_models import MailingList
from email_engine.store.models import Tenant

from . import reach, withdraw

#: The one status that MailWizz writes to; statuses that say nothing of what the recipient wants, whose consent is proven here.
WRITTEN_TO, CONFIRMABLE = "confirmed", ("unconfirmed", "unapproved", "disabled")


def run(work: Work) -> None:
    """The job: all that wait of one list."""
    with reach.client(work, _tenant(work)) as client:
        counts = bring(work, client, int(work.arguments["list"]))
    work.result({"injected": counts.injected, "refused": counts.refused})


def _tenant(work: Work) -> int:
    if work.tenant_id is None:
        raise Failed("the job names no tenant")
    return work.tenant_id


def bring(work: Work, client: Client, list_id: int, wanted: Callable[[], bool] = lambda: True) -> placing.Counts:
    """All that wait of the list. wanted: asked before each batch; false ends it."""
    with work.sessions() as session:
        uid = session.get_one(MailingList, list_id).mailwizz_uid
    # Two at once would send the same batch, and each look up the other's.
    with work.alone(reach.LISTS, list_id):
        with work.sessions() as session, session.begin():
            placing.refuse_unwanted(session, list_id)
            waits = bool(placing.waiting(session, list_id, 1))
        if waits:
            _own_customer(work, client, list_id)
        run = _Run()
        while True:
            # Whoever says no while its batch is under way says it before MailWizz knows them.
            withdraw.tell(work, client, list_id)
            with work.sessions() as session:
                counts = placing.counts(session, list_id)
                batch = _cut(placing.waiting(session, list_id, work.settings.mail_batch))
            work.tell(done=counts.total - counts.waiting, total=counts.total, task="contacts into MailWizz")
            work.going()
            if not batch or not wanted():
                return counts
            _send(work, client, uid, list_id, batch, run)


def _own_customer(work: Work, client: Client, list_id: int) -> None:
    """Raises Failed where the key has become another tenant's."""
    names = {one.name for one in reach.patiently(work, client.delivery_servers)}
    with work.sessions() as session:
        tenant = session.get_one(Tenant, session.get_one(MailingList, list_id).tenant_id)
        try:
            mailwizz_instances.own_servers(session, tenant, names)
        except mailwizz_instances.Stranger as fault:
            raise Failed(str(fault)) from fault


@dataclass
class _Run:
    """takes_status: whether a batch's contacts get the status that it says, which MailWizz does not promise; None: not looked yet."""

    takes_status: bool | None = None


class _Row(NamedTuple):
    """As `placing.waiting` has it, and its form."""

    one: placing.Waiting
    form: dict[str, Any]


def _cut(rows: Sequence[placing.Waiting]) -> list[_Row]:
    """As many as PHP reads of one request."""
    found, variables = [], 0
    for one in rows:
        # The consent is proven here; a list of MailWizz that asks by mail would ask again.
        details = {"status": "confirmed", "source": "api", "ip_address": one.address}
        form = {**one.fields, "EMAIL": one.email, "details": details}
        variables += len(form) + len(details) - 1
        if found and variables > VARIABLES:
            break
        found.append(_Row(one, form))
    return found


def _send(work: Work, client: Client, uid: str, list_id: int, batch: Sequence[_Row], run: _Run) -> None:
    results = [_renewed(work, client, uid, row.one, row.one.uid) for row in batch if row.one.uid is not None]
    new = [row for row in batch if row.one.uid is None]
    answers = reach.patiently(work, lambda: client.bulk(uid, [row.form for row in new])) if new else []
    for row, answer in zip(new, answers, strict=True):
        results.append(_result(work, client, uid, row.one, answer))
    with work.sessions() as session, session.begin():
        for one in results:
            placing.place(session, list_id, one)
    # After they are stored: a stop in between brings none of them twice.
    for row, answer in zip(new, answers, strict=True):
        if answer.uid is not None and not run.takes_status:
            found = reach.patiently(work, lambda email=row.one.email: client.find_subscriber(uid, email))
            status = found.status if found is not None else "not to be found"
            if run.takes_status is None:
                run.takes_status = status == WRITTEN_TO
            result = _confirmed(work, client, uid, row.one, answer.uid, status)
            with work.sessions() as session, session.begin():
                placing.place(session, list_id, result)


def _result(work: Work, client: Client, uid: str, one: placing.Waiting, answer: Placed) -> placing.Result:
    if answer.uid is not None:
        return placing.Result(one.contact_id, answer.uid)
    found = reach.patiently(work, lambda: client.find_subscriber(uid, one.email))
    if found is None:
        return placing.Result(one.contact_id, None, "; ".join(answer.errors) or "MailWizz does not say why")
    if one.agreed_again:
        return _renewed(work, client, uid, one, found.uid)
    gone = withdraw.GONE.get(found.status)
    if gone is not None:
        return placing.Result(one.contact_id, found.uid, f"is {found.status} in MailWizz, and stays so", gone)
    return _confirmed(work, client, uid, one, found.uid, found.status)


def _confirmed(work: Work, client: Client, uid: str, one: placing.Waiting, twin: str, status: str) -> placing.Result:
    """One that MailWizz has, and writes to only where its status says so. status: as it has it."""
    if status in CONFIRMABLE:
        renewed = _renewed(work, client, uid, one._replace(agreed_again=True), twin)
        if renewed.error:
            return renewed
        found = reach.patiently(work, lambda: client.find_subscriber(uid, one.email))
        status = found.status if found is not None else "not to be found"
    if status == WRITTEN_TO:
        return placing.Result(one.contact_id, twin)
    return placing.Result(one.contact_id, twin, f"is {status} in MailWizz, which writes to nobody who is: look there")


def _renewed(work: Work, client: Client, uid: str, one: placing.Waiting, twin: str) -> placing.Result:
    """Its fields anew. Its status only where it agreed again: else a no that only MailWizz has heard would be undone."""
    details = {"status": "confirmed", "source": "api", "ip_address": one.address} if one.agreed_again else None

    def ask() -> placing.Result:
        try:
            client.update_subscriber(uid, twin, {**one.fields, "EMAIL": one.email}, details)
        except (NotFound, Refused) as fault:
            return placing.Result(one.contact_id, twin, "; ".join(fault.errors) or "MailWizz does not say why")
        return placing.Result(one.contact_id, twin)

    return reach.patiently(work, ask)
