# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API keys over the API: made, listed, ended. Each is shown once, when it is made."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import func, select

from email_engine.settings import Settings
from email_engine.store.models import ApiKey, Tenant

from . import finding, keys
from .deps import Admin, Transaction, settings
from .errors import Refusal
from .once import Creating, Made
from .paging import After, Limit, Page, page

router = APIRouter(prefix="/keys", tags=["keys"])


class Shown(BaseModel):
    """tenant: whose it is; null for an admin's. prefix: how the key begins."""

    name: str
    tenant: str | None
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class Wanted(BaseModel):
    """tenant: the only one the key sees; an admin's key without."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._'-]*$")]
    tenant: Annotated[str, Field(max_length=100)] | None = None
    expires_at: AwareDatetime | None = None


class Made_(Shown):
    """key: the key itself, told this once."""

    key: str | None


def _shown(row: ApiKey, tenant: str | None) -> Shown:
    return Shown(
        name=row.name,
        tenant=tenant,
        prefix=f"ee_{row.prefix}_",
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )


@router.get("", summary="All keys, ended ones as well")
def read_all(key: Admin, session: Transaction, limit: Limit = 100, after: After = 0) -> Page[Shown]:
    wanted = select(ApiKey, Tenant.name).outerjoin(Tenant, Tenant.id == ApiKey.tenant_id).order_by(ApiKey.id)
    rows = session.execute(wanted.where(ApiKey.id > after).limit(limit + 1)).all()
    shapes = {row.id: _shown(row, tenant) for row, tenant in rows}
    return Page(**page([row.ApiKey for row in rows], limit, lambda row: shapes[row.id]))


@router.post("", status_code=201, response_model=Made_, summary="Make a key")
def make(
    wanted: Wanted,
    key: Admin,
    session: Transaction,
    creating: Creating,
    known: Annotated[Settings, Depends(settings)],
) -> Response:
    def now() -> Made:
        tenant = finding.tenant(session, key, wanted.tenant) if wanted.tenant is not None else None
        if session.scalar(select(ApiKey.id).where(ApiKey.name == wanted.name)):
            detail = f"body.name: a key {wanted.name} is there already; ended ones keep their name, for the audit log"
            raise Refusal(409, "The key is there already", detail)
        if wanted.expires_at is not None and session.scalar(select(func.now() >= wanted.expires_at)):
            raise Refusal(422, "The request is not valid", "body.expires_at: lies in the past")
        pepper = known.key_pepper.get_secret_value()
        number = tenant.id if tenant else None
        made = keys.create(session, key.actor, pepper, wanted.name, number, wanted.expires_at)
        row = session.scalars(select(ApiKey).where(ApiKey.name == wanted.name)).one()
        body = Made_(**_shown(row, wanted.tenant).model_dump(), key=made)
        return Made(201, body, f"/api/v1/keys/{wanted.name}", secret="key")

    return creating(now)


@router.delete("/{name}", status_code=204, summary="End a key at once")
def end(name: Annotated[str, Path(max_length=100)], key: Admin, session: Transaction) -> None:
    if not keys.revoke(session, key.actor, name):
        raise Refusal(404, "No such key", f"there is no valid key {name}")
