# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The senders, one by one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.status import STATUSES
from email_engine.store.fleet import sender_rows
from email_engine.store.models import Ip

from . import answers, finding
from .deps import Caller, Transaction
from .paging import After, Limit, Page, page

router = APIRouter(prefix="/ips", tags=["senders"])
Name = Annotated[str, Path(max_length=253, pattern=r"^[a-z0-9.-]+$", description="Host name of the sender.")]
TenantName = Annotated[str, Query(max_length=100, description="Only this tenant's.")]


@router.get("", summary="The senders; without the retired ones unless asked for")
def read_all(
    key: Caller,
    session: Transaction,
    status: Annotated[list[Literal[STATUSES]] | None, Query()] = None,  # type: ignore[valid-type]
    tenant: TenantName | None = None,
    limit: Limit = 100,
    after: After = 0,
) -> Page[dict[str, Any]]:
    wanted = sender_rows().where(Ip.id > after).limit(limit + 1)
    wanted = wanted.where(Ip.status.in_(status) if status else Ip.status != "retired")
    if key.tenant_id is not None:
        wanted = wanted.where(Ip.tenant_id == key.tenant_id)
    if tenant is not None:
        wanted = wanted.where(Ip.tenant_id == finding.tenant(session, key, tenant).id)
    rows = session.execute(wanted).all()
    shapes = {row.Ip.id: answers.sender(*row) for row in rows}
    return Page(**page([row.Ip for row in rows], limit, lambda ip: shapes[ip.id]))


@router.get("/{name}", summary="One sender")
def read(name: Name, key: Caller, session: Transaction, response: Response) -> dict[str, Any]:
    found = answers.one_sender(session, finding.sender(session, key, name))
    response.headers["ETag"] = found["etag"]
    return found
