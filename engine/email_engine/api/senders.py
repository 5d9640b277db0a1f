# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The senders, one by one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from email_engine.store.fleet import sender_document, sender_rows
from email_engine.store.models import Ip

from . import finding
from .deps import Caller, Transaction
from .paging import After, Limit, Page, page

router = APIRouter(prefix="/ips", tags=["senders"])
Name = Annotated[str, Path(max_length=253, pattern=r"^[a-z0-9.-]+$", description="Host name of the sender.")]


@router.get("", summary="The senders that are not retired")
def read_all(key: Caller, session: Transaction, limit: Limit = 100, after: After = 0) -> Page[dict[str, Any]]:
    wanted = sender_rows().where(Ip.status != "retired", Ip.id > after).limit(limit + 1)
    if key.tenant_id is not None:
        wanted = wanted.where(Ip.tenant_id == key.tenant_id)
    rows = session.execute(wanted).all()
    ids = [row.Ip for row in rows]
    shapes = {row.Ip.id: sender_document(*row) for row in rows}
    return Page(**page(ids, limit, lambda ip: shapes[ip.id]))


@router.get("/{name}", summary="One sender")
def read(name: Name, key: Caller, session: Transaction, response: Response) -> dict[str, Any]:
    ip = finding.sender(session, key, name)
    response.headers["ETag"] = f'"{ip.version}"'
    return sender_document(*session.execute(sender_rows().where(Ip.id == ip.id)).one())
