# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where each tenant's MailWizz is, and the key to it."""

from __future__ import annotations

import hmac
from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError, Problem
from email_engine.mailwizz.client import Client

from . import sealing
from .audit import Actor, record
from .mail_models import MailwizzInstance
from .models import Ip, Tenant

PURPOSE = "mailwizz"


class Access(NamedTuple):
    """What a `Client` takes. Its text shows no key."""

    url: str
    key: str
    certificate: str | None

    def __repr__(self) -> str:
        return f"Access({self.url!r})"

    def client(self, timeout: float = 30) -> Client:
        return Client(self.url, self.key, self.certificate, timeout)


class NoMailwizz(FleetError):
    """The engine was not told of this tenant's MailWizz, or cannot read what it was told."""


def access(session: Session, tenant: Tenant, pepper: str) -> Access:
    """How *tenant*'s MailWizz is reached. Raises NoMailwizz."""
    row = session.get(MailwizzInstance, tenant.id)
    where = f"tenant {tenant.name}"
    if row is None:
        remedy = f"Run playbooks/converge.yml, or tell it by PUT /api/v1/tenants/{tenant.name}/mailwizz."
        raise NoMailwizz([Problem(where, "has no MailWizz that the engine knows", remedy)])
    try:
        key = sealing.unseal(row.key_sealed, pepper, PURPOSE, tenant.id)
    except sealing.Unsealable as fault:
        what = "has a key to its MailWizz that was sealed with another key_pepper, and cannot be read any more"
        raise NoMailwizz([Problem(where, what, "Run playbooks/converge.yml, which tells the key anew.")]) from fault
    return Access(row.url, key, row.certificate)


class Stranger(FleetError):
    """The key opens the customer of another tenant."""


def hold_keys(session: Session) -> None:
    """Until the transaction ends, nobody else tells a key: of two at once, neither would see the other's."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('keys to MailWizz', 0))"))


def own_servers(session: Session, tenant: Tenant, names: Collection[str]) -> None:
    """Raises Stranger where a delivery server that the tenant's key shows is a sender of somebody else's. names: of these servers."""
    rows = session.execute(
        select(Ip.hostname, Tenant.name)
        .join(Tenant, Tenant.id == Ip.tenant_id)
        .where(Ip.hostname.in_(names), Ip.tenant_id != tenant.id, Ip.status != "retired")
        .order_by(Ip.hostname)
    ).all()
    if rows:
        whose = ", ".join(f"{hostname} of tenant {name}" for hostname, name in rows[:5])
        what = f"the customer of its key has the delivery servers {whose}; what it sends by them would leave from there"
        remedy = "Give the key of its own customer (the playbook converge.yml makes one)."
        raise Stranger([Problem(f"tenant {tenant.name}", what, remedy)])


class Change(NamedTuple):
    """What differs from before; the key of one that was not known, or could not be read, does."""

    key: bool
    place: bool


def differs(session: Session, tenant: Tenant, pepper: str, wanted: Access) -> Change:
    row = session.get(MailwizzInstance, tenant.id)
    place = row is None or (row.url, row.certificate) != (wanted.url, wanted.certificate)
    try:
        key = access(session, tenant, pepper).key
    except NoMailwizz:
        return Change(True, place)
    return Change(not hmac.compare_digest(key.encode(), wanted.key.encode()), place)


def keep(session: Session, actor: Actor, tenant: Tenant, pepper: str, wanted: Access) -> Change:
    """Have *wanted*; what changed. The tenant is held locked. wanted.url: as `wire.api_address` writes it."""
    change = differs(session, tenant, pepper, wanted)
    if not any(change):
        return change
    row = session.get(MailwizzInstance, tenant.id)
    before = None if row is None else {"url": row.url, "certificate": row.certificate}
    after = {"url": wanted.url, "certificate": wanted.certificate}
    if row is None:
        row = MailwizzInstance(tenant_id=tenant.id)
        session.add(row)
    row.url, row.certificate, row.changed_at = wanted.url, wanted.certificate, func.now()
    row.key_sealed = sealing.seal(wanted.key, pepper, PURPOSE, tenant.id)
    about = {"evidence": {"key": "another"} if change.key else {}, "before": before, "after": after}
    _say(session, actor, "told" if before is None else "changed", tenant, **about)
    session.flush()
    return change


def forget(session: Session, actor: Actor, tenant: Tenant) -> bool:
    """Whether there was one. Lists and templates keep their names there, for the day that it is told again."""
    row = session.get(MailwizzInstance, tenant.id)
    if row is None:
        return False
    session.delete(row)
    _say(session, actor, "forgot", tenant, before={"url": row.url})
    session.flush()
    return True


def _say(session: Session, actor: Actor, action: str, tenant: Tenant, **more: Any) -> None:
    record(session, actor, action, f"MailWizz of tenant {tenant.name}", tenant_id=tenant.id, **more)
