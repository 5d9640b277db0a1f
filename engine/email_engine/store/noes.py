# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""That somebody who was erased had said no: kept as a digest, so that an older consent, of an old file, does not bring them back."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from .mail_models import Contact, ErasedNo


class No(NamedTuple):
    status: str
    at: datetime


def digest(pepper: str, tenant_id: int, email: str) -> bytes:
    """Without the pepper, which is in no dump of the database, nobody finds the address by trying."""
    return hmac.new(pepper.encode(), f"no {tenant_id} {email}".encode(), hashlib.sha256).digest()


def keep(session: Session, pepper: str, contact: Contact) -> None:
    """Before *contact*, who said no, is erased."""
    row = {"tenant_id": contact.tenant_id, "digest": digest(pepper, contact.tenant_id, contact.email)}
    new = insert(ErasedNo).values(**row, status=contact.status, at=contact.status_at)
    session.execute(
        new.on_conflict_do_update(
            index_elements=["tenant_id", "digest"], set_={"status": new.excluded.status, "at": new.excluded.at}
        )
    )


def known(session: Session, pepper: str, tenant_id: int, emails: Collection[str]) -> dict[str, No]:
    """By address, of those that said no before they were erased."""
    digests = {digest(pepper, tenant_id, one): one for one in emails}
    wanted = select(ErasedNo).where(ErasedNo.tenant_id == tenant_id, ErasedNo.digest.in_(digests))
    return {digests[row.digest]: No(row.status, row.at) for row in session.scalars(wanted)}
