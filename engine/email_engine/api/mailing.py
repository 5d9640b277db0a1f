# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What routes about mailings share: whose they are, how they are named, and asking the tenant's MailWizz within a request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from email_engine.mailwizz.client import Client
from email_engine.mailwizz.faults import Busy, MailwizzError, NotFound, Refused
from email_engine.mailwizz.shapes import DeliveryServer
from email_engine.settings import Settings
from email_engine.store import mailwizz_instances
from email_engine.store.mail_models import MailingList, Template
from email_engine.store.mailwizz_instances import NoMailwizz, access
from email_engine.store.models import Tenant

from . import finding
from .errors import MEDIA_TYPE, Refusal, problem
from .keys import Caller

Row = TypeVar("Row", MailingList, Template)
#: Seconds that MailWizz has for each answer within a request, fewer than others wait for a row (`connection`).
#: Requests of a process that may wait for it at once: each holds a connection of the database meanwhile, and stops need one.
PATIENCE, AT_ONCE = 5, 2
NAME = r"^[A-Za-z0-9][A-Za-z0-9 ._'-]*$"
Name = Annotated[str, Path(max_length=100)]
OfTenant = Annotated[
    str | None, Query(alias="tenant", max_length=100, description="Its tenant, where several have one of that name.")
]
TenantName = Annotated[str, Field(max_length=100, description="Needed from an admin; a tenant's key has its own.")]
#: No NUL, which PostgreSQL does not store.
WORDS = r"^[^\x00]*$"
#: Of a route that asks MailWizz, beside its own answers.
FROM_MAILWIZZ: dict[int | str, dict[str, Any]] = {
    502: {
        "description": "MailWizz could not be asked, or not understood",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}


async def place(request: Request) -> AsyncIterator[None]:
    async with request.app.state.mailwizz.one():
        yield


#: Of a route that asks MailWizz: it waits here, before it takes a connection.
ASKS_MAILWIZZ = [Depends(place, scope="function")]


def install(app: FastAPI) -> None:
    """What MailWizz answers otherwise than wanted becomes a problem document, in its words."""

    @app.exception_handler(NoMailwizz)
    def without(_request: Request, fault: NoMailwizz) -> JSONResponse:
        errors = [{"where": one.where, "what": one.what, "remedy": one.remedy} for one in fault.problems]
        return problem(409, "The tenant has no MailWizz", str(fault), errors=errors)

    @app.exception_handler(MailwizzError)
    def otherwise(_request: Request, fault: MailwizzError) -> JSONResponse:
        errors = [{"where": "MailWizz", "what": one, "remedy": fault.remedy} for one in fault.errors or (fault.what,)]
        more: dict[str, Any] = {"errors": errors}
        detail = f"{fault.what}. {fault.remedy} Nothing was stored."
        if isinstance(fault, (Refused, NotFound)):
            status = 422 if isinstance(fault, Refused) and fault.status != 409 else 409
            return problem(status, "MailWizz refuses it", detail, **more)
        if isinstance(fault, Busy):
            after = {"Retry-After": str(round(fault.retry_after or 5))}
            return problem(503, "MailWizz cannot work now", detail, after, **more)
        return problem(502, "MailWizz did not do it", detail, **more)


@contextmanager
def asking(session: Session, tenant: Tenant, known: Settings) -> Iterator[Client]:
    """The tenant's MailWizz, for the time of a request. Raises NoMailwizz."""
    with access(session, tenant, known.key_pepper.get_secret_value()).client(PATIENCE) as client:
        yield client


def tenant_of(session: Session, key: Caller, name: str | None) -> Tenant:
    """Whose something new is to be. name: as the body has it."""
    wanted = name if name is not None else key.tenant
    if wanted is None:
        raise Refusal(422, "The request is not valid", "body.tenant: an admin's key has no tenant of its own; name one")
    return finding.tenant(session, key, wanted)


def within(session: Session, key: Caller, wanted: Select[Any], column: Any, tenant: str | None) -> Select[Any]:
    """*wanted* of what the caller may see, or of the tenant that it names. column: holds the tenant's id."""
    if tenant is not None:
        return wanted.where(column == finding.tenant(session, key, tenant).id)
    return wanted if key.tenant_id is None else wanted.where(column == key.tenant_id)


def named(
    session: Session, key: Caller, model: type[Row], what: str, name: str, tenant: str | None, *, lock: bool = False
) -> Row:
    """The list or template of this name. what: the kind, in words. lock: for whoever changes it."""
    wanted = within(session, key, select(model).where(model.name == name), model.tenant_id, tenant)
    wanted = wanted.order_by(model.id).limit(2)
    found = session.scalars(wanted.with_for_update(key_share=True) if lock else wanted).all()
    if not found:
        raise Refusal(404, f"No such {what}", f"there is no {what} {name}")
    if len(found) > 1:
        detail = f"query.tenant: several tenants have a {what} {name}; name one"
        raise Refusal(422, "The request is not valid", detail)
    return found[0]


def taken(session: Session, model: type[Row], what: str, tenant: Tenant, name: str) -> None:
    """Raises Refusal where the tenant has one of this name."""
    if session.scalar(select(model.id).where(model.tenant_id == tenant.id, model.name == name)) is not None:
        detail = f"body.name: {tenant.name} has a {what} {name} already"
        raise Refusal(409, f"The {what} is there already", detail)


def own_servers(session: Session, tenant: Tenant, servers: Iterable[DeliveryServer]) -> None:
    """Raises Refusal where a delivery server that the key shows is a sender of somebody else's."""
    try:
        mailwizz_instances.own_servers(session, tenant, {one.name for one in servers})
    except mailwizz_instances.Stranger as fault:
        raise Refusal(409, "The key is another tenant's", str(fault)) from fault
