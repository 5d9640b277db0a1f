# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet between its two shapes: rows of the store, and the fleet document that everything is rendered from."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, select, text
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError, Problem

from .models import Domain, FleetState, Ip, Tenant

# Any number, always the same.
_FLEET = 0x666C656574
_NETWORK = ("interface", "gateway", "table", "ptr")
_TENANT_COLUMNS = ("name", "routing", "pool")
#: How rows are locked: FOR NO KEY UPDATE. A plain FOR UPDATE would hold up whoever adds a job or an incident of the tenant.
HELD = {"key_share": True}


def hold(session: Session) -> None:
    """Whoever judges the whole fleet before changing it does so alone, and holds every sender and tenant: each would judge the other's
    result as missing.

    All keep one order, so that of two who each hold what the other wants there are none: senders by id, tenants by id, the state of
    the fleet (by a trigger, with each write), jobs. Locks leave room for rows that only refer to what is locked (`HELD`).
    """
    session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _FLEET})
    session.execute(select(Ip.id).where(Ip.status != "retired").order_by(Ip.id).with_for_update(**HELD))
    session.execute(select(Tenant.id).order_by(Tenant.id).with_for_update(**HELD))


def document(session: Session, tenant_id: int | None = None) -> dict[str, Any]:
    """The fleet document of all tenants, or of one. Two queries, whatever the size."""
    tenants = select(Tenant).where(standing()).order_by(Tenant.id)
    senders = sender_rows()
    if tenant_id is not None:
        tenants = tenants.where(Tenant.id == tenant_id)
        senders = senders.where(Ip.tenant_id == tenant_id)
    rows = session.execute(senders.where(Ip.status != "retired"))
    return {
        "version": 1,
        "tenants": [tenant_document(tenant) for tenant in session.scalars(tenants)],
        "senders": [sender_document(*row) for row in rows],
        "gone": [],
    }


def standing() -> ColumnElement[bool]:
    """Of a tenant: it has not left, or some of its senders have not gone yet."""
    return Tenant.declared | exists().where(Ip.tenant_id == Tenant.id, Ip.status != "retired")


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


def tenant_document(tenant: Tenant) -> dict[str, Any]:
    return {**tenant.settings, "name": tenant.name, "routing": tenant.routing, "pool": tenant.pool}


def sender_document(ip: Ip, domain: Domain, tenant: Tenant, everything: bool) -> dict[str, Any]:
    """everything: whether the whole platform is paused. A sender is paused by its own pause, a hold, its tenant's, or everybody's."""
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
        "paused": ip.paused or ip.hold_reason is not None or bool(above),
        "reasons": [*above, *([ip.hold_reason] if ip.hold_reason is not None else []), *ip.reasons],
        "declared": ip.declared,
    }


def write_tenant(tenant: Tenant, document: Mapping[str, Any]) -> None:
    tenant.routing, tenant.pool = document["routing"], document["pool"]
    tenant.settings = {key: value for key, value in document.items() if key not in _TENANT_COLUMNS}


def new_sender(sender: Mapping[str, Any], domain: Domain, tenant: Tenant, owner: str, reserve: bool) -> Ip:
    """A row of the fleet document's sender."""
    ip = Ip(tenant_id=tenant.id, routing=tenant.routing, owner=owner, reserve=reserve)
    ip.status, ip.weight, ip.phase = sender["status"], sender["weight"], sender["phase"]
    ip.daily_quota, ip.paused, ip.reasons = sender["daily_quota"], sender["paused"], list(sender["reasons"])
    write_desired(ip, sender, domain)
    return ip


def write_desired(ip: Ip, sender: Mapping[str, Any], domain: Domain) -> None:
    """Everything but the lifecycle, which is the engine's."""
    ip.domain_id = domain.id
    ip.address = ip_address(sender["ip"])
    ip.hostname = sender["hostname"]
    ip.sender_email, ip.sender_name = sender["from_email"], sender["from_name"]
    ip.vmta_name, ip.mta = sender["vmta"], sender["mta"]
    ip.network = {key: sender[key] for key in _NETWORK}
    ip.purposes = list(sender["purposes"])
    ip.provider_quota = dict(sender["provider_quota"])
    ip.declared = sender["declared"]


def domains(session: Session, wanted: Mapping[str, int]) -> dict[str, Domain]:
    """The sending domains by name, made where they are not there. wanted: name -> id of its tenant."""
    found = {one.name: one for one in session.scalars(select(Domain).where(Domain.name.in_(wanted)))}
    for name, tenant_id in wanted.items():
        if name not in found:
            found[name] = Domain(name=name, tenant_id=tenant_id)
            session.add(found[name])
        elif found[name].tenant_id != tenant_id:
            what = "served another tenant, whose history keeps it"
            raise FleetError([Problem(f"domain {name}", what, "A domain never changes its tenant: take another.")])
    session.flush()
    return found
