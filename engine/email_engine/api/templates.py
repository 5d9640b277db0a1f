# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates of campaigns. Each has a twin in the tenant's MailWizz."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from email_engine.settings import Settings
from email_engine.store import lists, templates
from email_engine.store.audit import record
from email_engine.store.mail_models import Template
from email_engine.store.models import Tenant

from . import mailing
from .deps import Caller, Transaction, settings
from .errors import Refusal
from .once import Creating, Made
from .paging import After, Limit, Page, page
from .versions import IfMatch, etag, expect

router = APIRouter(prefix="/templates", tags=["templates"])
Content = Annotated[str, Field(min_length=1, max_length=2**20, pattern=mailing.WORDS, description="HTML.")]
Known = Annotated[Settings, Depends(settings)]


class TemplateContent(BaseModel):
    """content: with [UNSUBSCRIBE_URL] and [COMPANY_FULL_ADDRESS], without which MailWizz sends no campaign."""

    model_config = ConfigDict(extra="forbid")

    content: Content


class NewTemplate(TemplateContent):
    name: Annotated[str, Field(min_length=2, max_length=100, pattern=mailing.NAME)]
    tenant: mailing.TenantName | None = None


class TemplateShown(BaseModel):
    """sha256: of its content. mailwizz_uid: of its twin. etag: what `If-Match` takes."""

    name: str
    tenant: str
    sha256: str
    mailwizz_uid: str
    created_at: datetime
    updated_at: datetime
    etag: str


class WholeTemplate(TemplateShown):
    content: str


def _shown(row: Template, tenant: str) -> TemplateShown:
    same = ("name", "sha256", "mailwizz_uid", "created_at", "updated_at")
    return TemplateShown(tenant=tenant, etag=etag(row.version), **{name: getattr(row, name) for name in same})


def _owner(session: Session, row: Template) -> Tenant:
    return session.get_one(Tenant, row.tenant_id)


@router.get("", summary="Templates, without their content")
def read_all(
    key: Caller, session: Transaction, tenant: mailing.OfTenant = None, limit: Limit = 100, after: After = 0
) -> Page[TemplateShown]:
    wanted = select(Template, Tenant.name).join(Tenant, Tenant.id == Template.tenant_id).where(Template.id > after)
    wanted = mailing.within(session, key, wanted, Template.tenant_id, tenant).order_by(Template.id).limit(limit + 1)
    rows = session.execute(wanted).all()
    names = {row.Template.id: row.name for row in rows}
    return Page(**page([row.Template for row in rows], limit, lambda row: _shown(row, names[row.id])))


@router.post(
    "",
    status_code=201,
    dependencies=mailing.ASKS_MAILWIZZ,
    response_model=TemplateShown,
    responses=mailing.FROM_MAILWIZZ,
    summary="Make a template, here and in the tenant's MailWizz",
)
def make(given: NewTemplate, key: Caller, session: Transaction, creating: Creating, known: Known) -> Response:
    def now() -> Made:
        tenant = mailing.tenant_of(session, key, given.tenant)
        templates.judge(given.content)
        lists.hold_name(session, "template", tenant, given.name)
        mailing.taken(session, Template, "template", tenant, given.name)
        with mailing.asking(session, tenant, known) as client:
            uid = client.create_template(given.name, given.content)
        sha256 = templates.digest(given.content)
        row = Template(tenant_id=tenant.id, name=given.name, mailwizz_uid=uid, content=given.content, sha256=sha256)
        session.add(row)
        session.flush()
        after = {"sha256": sha256, "mailwizz_uid": uid}
        record(session, key.actor, "made", f"template {given.name}", tenant_id=tenant.id, after=after)
        return Made(201, _shown(row, tenant.name), f"/api/v1/templates/{row.name}")

    return creating(now)


@router.get("/{name}", summary="One template")
def read(
    name: mailing.Name, key: Caller, session: Transaction, response: Response, tenant: mailing.OfTenant = None
) -> WholeTemplate:
    row = mailing.named(session, key, Template, "template", name, tenant)
    response.headers["ETag"] = etag(row.version)
    return WholeTemplate(**_shown(row, _owner(session, row).name).model_dump(), content=row.content)


@router.put(
    "/{name}",
    dependencies=mailing.ASKS_MAILWIZZ,
    responses=mailing.FROM_MAILWIZZ,
    summary="Give a template another content; campaigns made before keep theirs",
)
def change(
    name: mailing.Name,
    given: TemplateContent,
    key: Caller,
    session: Transaction,
    response: Response,
    known: Known,
    tenant: mailing.OfTenant = None,
    if_match: IfMatch = None,
) -> TemplateShown:
    row = mailing.named(session, key, Template, "template", name, tenant, lock=True)
    expect(if_match, row.version)
    templates.judge(given.content)
    owner, sha256 = _owner(session, row), templates.digest(given.content)
    if sha256 != row.sha256:
        with mailing.asking(session, owner, known) as client:
            client.update_template(row.mailwizz_uid, row.name, given.content)
        before = {"sha256": row.sha256}
        row.content, row.sha256, row.updated_at = given.content, sha256, func.now()
        after = {"sha256": sha256}
        record(session, key.actor, "changed", f"template {name}", tenant_id=owner.id, before=before, after=after)
        session.flush()
    response.headers["ETag"] = etag(row.version)
    return _shown(row, owner.name)


@router.delete(
    "/{name}",
    status_code=204,
    dependencies=mailing.ASKS_MAILWIZZ,
    responses=mailing.FROM_MAILWIZZ,
    summary="Delete a template that no campaign names, here and in MailWizz",
)
def remove(
    name: mailing.Name,
    key: Caller,
    session: Transaction,
    known: Known,
    tenant: mailing.OfTenant = None,
    if_match: IfMatch = None,
) -> None:
    row = mailing.named(session, key, Template, "template", name, tenant, lock=True)
    expect(if_match, row.version, required=False)
    if templates.used(session, row):
        raise Refusal(
            409, "The template is in use", f"campaigns were made of template {name}; it stays for their history"
        )
    with mailing.asking(session, _owner(session, row), known) as client:
        client.delete_template(row.mailwizz_uid)
    record(session, key.actor, "deleted", f"template {name}", tenant_id=row.tenant_id, before={"sha256": row.sha256})
    session.delete(row)
