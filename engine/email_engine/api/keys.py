# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API keys: ``ee_PREFIX_SECRET``. The prefix finds the row, an HMAC of the whole is compared; the key itself is kept nowhere."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.orm import Session

from email_engine.store.audit import Actor, record
from email_engine.store.models import ApiKey, FleetState, Tenant


class Caller(NamedTuple):
    """Who asks. tenant: name and id of the only tenant it sees, None for an admin. revision: of the fleet, read on the way."""

    key_id: int
    name: str
    tenant_id: int | None
    tenant: str | None
    revision: int

    @property
    def actor(self) -> Actor:
        return Actor(f"key {self.name}", self.tenant_id)


def digest(key: str, pepper: str) -> str:
    # Keys are 256 random bits: a slow hash would add nothing but load.
    return hmac.new(pepper.encode(), key.encode(), hashlib.sha256).hexdigest()


def create(
    session: Session,
    actor: Actor,
    pepper: str,
    name: str,
    tenant_id: int | None = None,
    expires_at: datetime | None = None,
) -> str:
    """A new key, shown this once."""
    prefix = secrets.token_hex(4)
    key = f"ee_{prefix}_{secrets.token_urlsafe(32)}"
    session.add(ApiKey(name=name, prefix=prefix, hash=digest(key, pepper), tenant_id=tenant_id, expires_at=expires_at))
    record(session, actor, "created", f"API key {name}", tenant_id=tenant_id)
    return key


FORM = re.compile(r"ee_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")


def ensure(session: Session, actor: Actor, pepper: str, name: str, key: str) -> bool:
    """Have *key* as the admin's key *name*; another one of that name ends. Whether anything changed. Raises ValueError for what is no key."""
    form = FORM.fullmatch(key)
    if form is None:
        raise ValueError("what was given is no API key: ee_, 8 hexadecimal digits, _, 43 letters, digits, - or _")
    wanted = {"prefix": form[1], "hash": digest(key, pepper), "tenant_id": None, "expires_at": None, "revoked_at": None}
    row = session.scalar(select(ApiKey).where(ApiKey.name == name).with_for_update())
    if row is not None and all(getattr(row, column) == value for column, value in wanted.items()):
        return False
    if session.scalar(select(ApiKey.id).where(ApiKey.prefix == form[1], ApiKey.name != name)):
        raise ValueError(f"another key begins with ee_{form[1]}; make a new one")
    if row is None:
        session.add(ApiKey(name=name, **wanted))
    else:
        for column, value in wanted.items():
            setattr(row, column, value)
    record(session, actor, "created" if row is None else "replaced", f"API key {name}")
    return True


def revoke(session: Session, actor: Actor, name: str) -> bool:
    """End the key of this name at once. False where none is valid."""
    row = session.scalar(select(ApiKey).where(ApiKey.name == name, ApiKey.revoked_at.is_(None)).with_for_update())
    if row is None:
        return False
    row.revoked_at = func.now()
    record(session, actor, "revoked", f"API key {name}", tenant_id=row.tenant_id)
    return True


def find(session: Session, pepper: str, key: str) -> Caller | None:
    """The caller behind *key*; None when it is unknown, expired or revoked. Asked at every request, so an end counts at once."""
    parts = key.split("_", 2)
    if len(parts) != 3 or parts[0] != "ee" or not key.isascii():
        return None
    row = _valid(session, ApiKey.prefix == parts[1])
    # Without a row, too, one digest is made: how long it takes tells nothing.
    if not hmac.compare_digest(digest(key, pepper), row.hash if row else "0" * 64) or row is None:
        return None
    return Caller(row.id, row.name, row.tenant_id, row.tenant, row.revision)


def again(session: Session, key_id: int, begins: str) -> Caller | None:
    """The caller who has shown the key before, whose digest began so; None when it has expired, was revoked or replaced since."""
    row = _valid(session, (ApiKey.id == key_id) & ApiKey.hash.startswith(begins, autoescape=True))
    return Caller(row.id, row.name, row.tenant_id, row.tenant, row.revision) if row else None


def _valid(session: Session, which: ColumnElement[bool]) -> Row | None:
    return session.execute(
        select(ApiKey.id, ApiKey.name, ApiKey.hash, ApiKey.tenant_id, Tenant.name.label("tenant"), FleetState.revision)
        .outerjoin(Tenant, Tenant.id == ApiKey.tenant_id)
        .join(FleetState, FleetState.id == 1)
        .where(which, ApiKey.revoked_at.is_(None), ApiKey.expires_at.is_(None) | (ApiKey.expires_at > func.now()))
    ).first()
