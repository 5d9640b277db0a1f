# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet between its two shapes: rows of the store, and the fleet document that everything is rendered from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Any

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.agreement import (
    INVENTORY,
    Agreement,
    Declared,
    Known,
    agree,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError, Problem

from .audit import Actor, record
from .models import Declaration, Domain, FleetState, Ip, Tenant

# Any number, always the same: declarations wait for each other.
_DECLARING = 0x666C656574
_NETWORK = ("interface", "gateway", "table", "ptr")
_TENANT_COLUMNS = ("name", "routing", "pool")


def document(session: Session, tenant_id: int | None = None) -> dict[str, Any]:
    """The fleet document of all tenants, or of one. Two queries, whatever the size."""
    tenants = select(Tenant).order_by(Tenant.id)
    senders = sender_rows()
    if tenant_id is not None:
        tenants = tenants.where(Tenant.id == tenant_id)
        senders = senders.where(Ip.tenant_id == tenant_id)
    rows = session.execute(senders.where(Ip.status != "retired"))
    return {
        "version": 1,
        "tenants": [_tenant_document(tenant) for tenant in session.scalars(tenants)],
        "senders": [sender_document(*row) for row in rows],
        "gone": [],
    }


def sender_rows() -> Select[tuple[Ip, Domain, Tenant, bool]]:
    """What `sender_document` takes, of every sender, by id."""
    return (
        select(Ip, Domain, Tenant, FleetState.paused)
        .join(Domain, Domain.id == Ip.domain_id)
        .join(Tenant, Tenant.id == Ip.tenant_id)
        .join(FleetState, FleetState.id == 1)
        .order_by(Ip.id)
    )


def tenant_id(session: Session, name: str) -> int | None:
    return session.scalars(select(Tenant.id).where(Tenant.name == name)).first()


def _tenant_document(tenant: Tenant) -> dict[str, Any]:
    return {**tenant.settings, "name": tenant.name, "routing": tenant.routing, "pool": tenant.pool}


def sender_document(ip: Ip, domain: Domain, tenant: Tenant, everything: bool) -> dict[str, Any]:
    """everything: whether the whole platform is paused. A sender is paused by its own pause, its tenant's, or everybody's."""
    above = [*(["everything is paused"] if everything else []), *(["its tenant is paused"] if tenant.paused else [])]
    return {
        "name": ip.hostname,
        "tenant": tenant.name,
        "ip": str(ip.address).partition("/")[0],
        "hostname": ip.hostname,
        "domain": domain.name,
        "from_email": ip.sender_email,
        "from_name": ip.sender_name,
        "vmta": ip.vmta_name,
        "pool": tenant.pool,
        "mta": ip.mta,
        **ip.network,
        "selector": domain.dkim_selector,
        "key": domain.dkim_key_path,
        "public": domain.dkim_public,
        "purposes": list(ip.purposes),
        "status": ip.status,
        "weight": ip.weight,
        "phase": ip.phase,
        "daily_quota": ip.daily_quota,
        "provider_quota": ip.provider_quota,
        "paused": ip.paused or bool(above),
        "reasons": [*above, *ip.reasons],
        "declared": ip.declared,
    }


def declare(
    session: Session,
    actor: Actor,
    declared: Declared,
    wanted: Mapping[str, Any],
    revision: str,
    digest: str,
    confirmed: bool,
) -> Agreement:
    """Take an inventory's fleet document *wanted* as what its own senders are. Raises FleetError, and then nothing is stored.

    revision: of the inventory's checkout. digest: of the document.
    """
    # Two hosts that declare at once would each judge the other's result as missing.
    session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _DECLARING})
    newest = session.scalars(
        select(Declaration).order_by(Declaration.made_at.desc(), Declaration.id.desc()).limit(1)
    ).first()
    owners = {ip.hostname: ip.owner for ip in session.scalars(select(Ip).where(Ip.status != "retired"))}
    known = [Known(sender, owners[sender["name"]]) for sender in document(session)["senders"]]
    last = (newest.made_at, newest.declared_from) if newest else None
    found = agree(known, declared, last, confirmed=confirmed)
    tenants = _declare_tenants(session, actor, wanted["tenants"])
    for sender in found.new:
        session.add(_new_sender(session, sender, tenants[sender["tenant"]]))
        record(
            session, actor, "declared", f"sender {sender['name']}", tenant_id=tenants[sender["tenant"]].id, after=sender
        )
    rows = {ip.hostname: ip for ip in session.scalars(select(Ip).where(Ip.status != "retired"))}
    before = {one.sender["name"]: one.sender for one in known}
    for action, changed in (
        ("redeclared", [after for _, after in found.changed]),
        ("adopted", found.adopted),
        ("left out", found.leaving),
    ):
        for sender in changed:
            ip = rows[sender["name"]]
            _write_desired(session, ip, sender)
            ip.owner = INVENTORY
            record(
                session,
                actor,
                action,
                f"sender {sender['name']}",
                tenant_id=ip.tenant_id,
                before=before[sender["name"]],
                after=sender,
            )
    session.add(
        Declaration(revision=revision, declared_from=declared.declared_from, made_at=declared.made_at, digest=digest)
    )
    session.flush()
    return found


def _declare_tenants(session: Session, actor: Actor, wanted: Iterable[Mapping[str, Any]]) -> dict[str, Tenant]:
    """Tenants are added and changed, never removed: their history stays, and senders that leave still need theirs."""
    known = {tenant.name: tenant for tenant in session.scalars(select(Tenant))}
    for document in wanted:
        name = document["name"]
        settings = {key: value for key, value in document.items() if key not in _TENANT_COLUMNS}
        tenant = known.get(name)
        if tenant is None:
            tenant = known[name] = Tenant(
                name=name, owner=INVENTORY, routing=document["routing"], pool=document["pool"], settings=settings
            )
            session.add(tenant)
            session.flush()
            record(session, actor, "declared", f"tenant {name}", tenant_id=tenant.id, after=document)
            continue
        before = _tenant_document(tenant)
        if tenant.routing != document["routing"] and session.scalar(
            select(Ip.id).where(Ip.tenant_id == tenant.id, Ip.status != "retired").limit(1)
        ):
            raise FleetError(
                [
                    Problem(
                        f"tenant {name}",
                        f"routing is {tenant.routing}, and is declared as {document['routing']}, while it has senders",
                        "Declare a new tenant with the other routing, and move to it sender by sender.",
                    )
                ]
            )
        if before != dict(document):
            tenant.owner, tenant.routing, tenant.pool, tenant.settings = (
                INVENTORY,
                document["routing"],
                document["pool"],
                settings,
            )
            record(session, actor, "redeclared", f"tenant {name}", tenant_id=tenant.id, before=before, after=document)
    session.flush()
    return known


def _domain(session: Session, name: str, tenant_id: int) -> Domain:
    found = session.scalars(select(Domain).where(Domain.name == name)).first()
    if found is None:
        found = Domain(name=name, tenant_id=tenant_id)
        session.add(found)
        session.flush()
    return found


def _new_sender(session: Session, sender: Mapping[str, Any], tenant: Tenant) -> Ip:
    ip = Ip(tenant_id=tenant.id, routing=tenant.routing, owner=INVENTORY)
    ip.status, ip.weight, ip.phase = sender["status"], sender["weight"], sender["phase"]
    ip.daily_quota, ip.paused, ip.reasons = sender["daily_quota"], sender["paused"], list(sender["reasons"])
    _write_desired(session, ip, sender)
    return ip


def _write_desired(session: Session, ip: Ip, sender: Mapping[str, Any]) -> None:
    """Everything but the lifecycle, which is the engine's."""
    ip.domain_id = _domain(session, sender["domain"], ip.tenant_id).id
    ip.address = ip_address(sender["ip"])
    ip.hostname = sender["hostname"]
    ip.sender_email, ip.sender_name = sender["from_email"], sender["from_name"]
    ip.vmta_name, ip.mta = sender["vmta"], sender["mta"]
    ip.network = {key: sender[key] for key in _NETWORK}
    ip.purposes = list(sender["purposes"])
    ip.provider_quota = dict(sender["provider_quota"])
    ip.declared = sender["declared"]
