# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tenants. The API's own have feeders by address only: a login's password belongs into the inventory's vault."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.status import ROUTINGS
from email_engine.store import fleet, jobs, mailwizz_instances, members
from email_engine.store.models import ApiKey, Tenant

from . import answers, finding, keys
from .answers import Asked
from .deps import WHOLE_FLEET, Admin, Caller, Transaction
from .once import Creating, Made
from .paging import After, Limit, Page, page
from .versions import IfMatch, expect

router = APIRouter(prefix="/tenants", tags=["tenants"])
Name = Annotated[str, Path(max_length=100, description="Name of the tenant.")]
Text = Annotated[str, Field(max_length=253)]


class Feeder(BaseModel):
    """Who may hand in mail as this tenant: an address or a network."""

    model_config = ConfigDict(extra="forbid")

    address: Annotated[str, Field(max_length=18)]


class Settings(BaseModel):
    """As in the inventory. dmarc: what differs from the policy's."""

    model_config = ConfigDict(extra="forbid")

    from_email: Annotated[str, Field(max_length=320)] | None = None
    operator: Annotated[str, Field(max_length=320)] | None = None
    feeders: Annotated[list[Feeder], Field(max_length=1000)] = []
    spf_mechanisms: Annotated[list[Text], Field(max_length=100)] = []
    dmarc: dict[str, Any] | None = None
    trusted: bool = False


class Joining(Settings):
    """domain, from_email: of all its senders, where routing is pool."""

    name: Annotated[str, Field(max_length=100)]
    routing: Literal[ROUTINGS] = "by_sender"  # type: ignore[valid-type]
    domain: Text | None = None
    pool: Annotated[str, Field(max_length=100)] | None = None


class Changed(BaseModel):
    """The tenant as it is now. job: what brings the change to the hosts; null where nothing changed."""

    tenant: dict[str, Any]
    job: Asked | None


def _converge(session: Session, key: keys.Caller) -> Asked:
    return answers.asked(jobs.enqueue(session, key.actor, "converge", once=True))


def _locked(session: Session, key: keys.Caller, name: str) -> Tenant:
    fleet.hold(session)
    found = finding.tenant(session, key, name)
    session.refresh(found, with_for_update=fleet.HELD)
    return found


@router.get("", summary="The tenants; a tenant's key sees its own")
def read_all(key: Caller, session: Transaction, limit: Limit = 100, after: After = 0) -> Page[dict[str, Any]]:
    wanted = select(Tenant).where(fleet.standing(), Tenant.id > after).order_by(Tenant.id).limit(limit + 1)
    if key.tenant_id is not None:
        wanted = wanted.where(Tenant.id == key.tenant_id)
    return Page(**page(session.scalars(wanted).all(), limit, answers.tenant))


@router.get("/{name}", summary="One tenant")
def read(name: Name, key: Caller, session: Transaction, response: Response) -> dict[str, Any]:
    found = answers.tenant(finding.tenant(session, key, name))
    response.headers["ETag"] = found["etag"]
    return found


@router.post("", dependencies=WHOLE_FLEET, status_code=202, response_model=Changed, summary="Add a tenant of the API's")
def add(given: Joining, key: Admin, session: Transaction, creating: Creating) -> Response:
    def make() -> Made:
        asked = {name: value for name, value in given.model_dump(exclude_unset=True).items() if value is not None}
        found = members.add_tenant(session, key.actor, asked)
        body = Changed(tenant=answers.tenant(found), job=_converge(session, key))
        return Made(202, body, f"/api/v1/tenants/{found.name}")

    return creating(make)


@router.patch("/{name}", dependencies=WHOLE_FLEET, summary="Change an API's tenant")
def change(
    name: Name, given: Settings, key: Admin, session: Transaction, response: Response, if_match: IfMatch = None
) -> Changed:
    found = _locked(session, key, name)
    expect(if_match, found.version)
    changed = members.change_tenant(session, key.actor, found, given.model_dump(exclude_unset=True))
    job = _converge(session, key) if changed else None
    shown = answers.tenant(found)
    response.headers["ETag"] = shown["etag"]
    return Changed(tenant=shown, job=job)


@router.delete(
    "/{name}",
    dependencies=WHOLE_FLEET,
    status_code=202,
    summary="Let an API's tenant go that has no senders; its keys end at once",
)
def remove(name: Name, key: Admin, session: Transaction, if_match: IfMatch = None) -> Changed:
    found = _locked(session, key, name)
    expect(if_match, found.version, required=False)
    members.remove_tenant(session, key.actor, found)
    mailwizz_instances.forget(session, key.actor, found)
    for one in session.scalars(select(ApiKey.name).where(ApiKey.tenant_id == found.id)):
        keys.revoke(session, key.actor, one)
    return Changed(tenant=answers.tenant(found), job=_converge(session, key))
