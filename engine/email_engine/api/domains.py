# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sending domains: their keys, and what the last DNS check saw."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel
from sqlalchemy import Select, select

from email_engine.store.models import Domain, Tenant

from .deps import Caller, Transaction
from .errors import Refusal
from .keys import Caller as Key
from .paging import After, Limit, Page, page

router = APIRouter(prefix="/domains", tags=["domains"])


class Shown(BaseModel):
    """A verdict is null where nothing is known: not checked yet, or not to be seen."""

    name: str
    tenant: str
    selector: str | None
    public: str | None
    spf_valid: bool | None
    dkim_valid: bool | None
    dmarc_valid: bool | None
    ptr_valid: bool | None
    last_dns_check: datetime | None


def _mine(key: Key) -> Select[tuple[Domain, str]]:
    wanted = select(Domain, Tenant.name).join(Tenant, Tenant.id == Domain.tenant_id).order_by(Domain.id)
    return wanted if key.tenant_id is None else wanted.where(Domain.tenant_id == key.tenant_id)


def _shown(domain: Domain, tenant: str) -> Shown:
    checked = {name: getattr(domain, name) for name in Shown.model_fields if name.endswith(("_valid", "_check"))}
    return Shown(name=domain.name, tenant=tenant, selector=domain.dkim_selector, public=domain.dkim_public, **checked)


@router.get("", summary="The sending domains")
def read_all(key: Caller, session: Transaction, limit: Limit = 100, after: After = 0) -> Page[Shown]:
    rows = session.execute(_mine(key).where(Domain.id > after).limit(limit + 1)).all()
    shapes = {domain.id: _shown(domain, tenant) for domain, tenant in rows}
    return Page(**page([row.Domain for row in rows], limit, lambda domain: shapes[domain.id]))


@router.get("/{name}", summary="One sending domain")
def read(name: Annotated[str, Path(max_length=253)], key: Caller, session: Transaction) -> Shown:
    found = session.execute(_mine(key).where(Domain.name == name)).first()
    if found is None:
        raise Refusal(404, "No such domain", f"there is no domain {name}")
    return _shown(*found)
