# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a tenant's MailWizz is: told by whoever installed it, tried on demand. The key goes in and never comes out."""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime
from typing import Annotated

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from email_engine.mailwizz.faults import MailwizzError
from email_engine.mailwizz.wire import api_address, trust
from email_engine.settings import Settings
from email_engine.store import fleet, mailwizz_instances
from email_engine.store.mail_models import MailwizzInstance
from email_engine.store.mailwizz_instances import Access
from email_engine.store.models import Tenant

from . import finding, mailing
from .deps import Admin, Caller, Transaction, settings
from .errors import Refusal

log = logging.getLogger(__name__)
router = APIRouter(prefix="/tenants/{tenant}", tags=["mailwizz"])
Named = Annotated[str, Path(max_length=100, description="Name of the tenant.")]
Known = Annotated[Settings, Depends(settings)]


class Instance(BaseModel):
    """url: of its API, or of the MailWizz. key: of the tenant's customer there. certificate: PEM to trust, where no authority that
    the engine's host knows signed it. dry_run: judged and answered, nothing is stored."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(min_length=8, max_length=500)]
    key: Annotated[SecretStr, Field(min_length=16, max_length=200)]
    certificate: Annotated[str, Field(max_length=100_000)] | None = None
    dry_run: bool = False

    @field_validator("url")
    @classmethod
    def _of_its_api(cls, value: str) -> str:
        return api_address(value)

    @field_validator("key")
    @classmethod
    def _sendable(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if not text.isascii() or any(sign <= " " or sign == "\x7f" for sign in text):
            raise ValueError("is no API key of MailWizz, which has letters and digits")
        return value

    @field_validator("certificate")
    @classmethod
    def _is_one(cls, value: str | None) -> str | None:
        if value is None:
            return None
        trust(value)
        # As much of it as `_shown` reads again.
        if not x509.load_pem_x509_certificates(value.encode()):
            raise ValueError("is no certificate in PEM")
        return value.strip() + "\n"


class Shown(BaseModel):
    """certificate: SHA-256 of each that is trusted, null where authorities are. since: when it was told so."""

    tenant: str
    url: str
    certificate: list[str] | None
    since: datetime


class Told(BaseModel):
    """changed: false when the engine knew it all. key_changed: it is another key. before: null where it knew none."""

    changed: bool
    key_changed: bool
    before: Shown | None
    mailwizz: Shown


class Tried(BaseModel):
    """delivery_servers: name and status of those that the key shows."""

    url: str
    delivery_servers: dict[str, str]


def _shown(tenant: Tenant, row: MailwizzInstance) -> Shown:
    prints = None
    if row.certificate is not None:
        found = x509.load_pem_x509_certificates(row.certificate.encode())
        prints = [one.fingerprint(SHA256()).hex(":").upper() for one in found]
    return Shown(tenant=tenant.name, url=row.url, certificate=prints, since=row.changed_at)


def _locked(session: Session, key: Caller, name: str) -> Tenant:
    found = finding.tenant(session, key, name)
    session.refresh(found, with_for_update=fleet.HELD)
    return found


@router.get("/mailwizz", summary="Where the tenant's MailWizz is")
def read(tenant: Named, key: Caller, session: Transaction) -> Shown:
    found = finding.tenant(session, key, tenant)
    row = session.get(MailwizzInstance, found.id)
    if row is None:
        raise Refusal(404, "No such MailWizz", f"the engine knows no MailWizz of tenant {tenant}")
    return _shown(found, row)


@router.put(
    "/mailwizz",
    dependencies=mailing.ASKS_MAILWIZZ,
    summary="Tell where the tenant's MailWizz is, with the key of its customer there",
)
def tell(tenant: Named, given: Instance, key: Admin, session: Transaction, known: Known) -> Told:
    pepper = known.key_pepper.get_secret_value()
    found = _locked(session, key, tenant)
    wanted = Access(given.url, given.key.get_secret_value(), given.certificate)
    mailwizz_instances.hold_keys(session)
    _nobody_elses(session, found, pepper, wanted.key)
    try:
        with wanted.client(mailing.PATIENCE) as client:
            servers = client.delivery_servers()
    except MailwizzError as fault:
        # Looked at again before anything is brought there.
        log.warning("tenant %s: MailWizz does not show yet whose key it is: %s", found.name, fault)
    else:
        mailing.own_servers(session, found, servers)
    row = session.get(MailwizzInstance, found.id)
    before = row and _shown(found, row)
    attempt = session.begin_nested()
    change = mailwizz_instances.keep(session, key.actor, found, pepper, wanted)
    shown = _shown(found, session.get_one(MailwizzInstance, found.id))
    (attempt.rollback if given.dry_run else attempt.commit)()
    return Told(changed=any(change), key_changed=change.key, before=before, mailwizz=shown)


@router.delete("/mailwizz", status_code=204, summary="Forget the tenant's MailWizz; nothing changes there")
def forget(tenant: Named, key: Admin, session: Transaction) -> None:
    mailwizz_instances.forget(session, key.actor, _locked(session, key, tenant))


@router.post(
    "/mailwizz:check",
    dependencies=mailing.ASKS_MAILWIZZ,
    responses=mailing.FROM_MAILWIZZ,
    summary="Try the key: is MailWizz there, does it take the key, and is the key this tenant's",
)
def check(tenant: Named, key: Admin, session: Transaction, known: Known) -> Tried:
    found = finding.tenant(session, key, tenant)
    with mailing.asking(session, found, known) as client:
        servers = client.delivery_servers()
        url = client.url
    mailing.own_servers(session, found, servers)
    return Tried(url=url, delivery_servers={one.name: one.status for one in servers})


def _nobody_elses(session: Session, tenant: Tenant, pepper: str, key: str) -> None:
    """A key opens one customer; two tenants with one key would write from each other's addresses."""
    wanted = select(Tenant).join(MailwizzInstance, MailwizzInstance.tenant_id == Tenant.id)
    for other in session.scalars(wanted.where(Tenant.id != tenant.id).order_by(Tenant.id)):
        try:
            theirs = mailwizz_instances.access(session, other, pepper).key
        except mailwizz_instances.NoMailwizz:
            continue
        if hashlib.sha256(theirs.encode()).digest() == hashlib.sha256(key.encode()).digest():
            detail = f"body.key: is the key of tenant {other.name}; each tenant has a customer of its own in MailWizz"
            raise Refusal(409, "The key is another tenant's", detail)
