# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Senders and tenants that come, change and go through the API. Each judges the whole fleet first, and holds it (`fleet.hold`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.agreement import API, INVENTORY
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.joining import (
    Exists,
    changed_sender,
    joining_sender,
    joining_tenant,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError, Problem

from . import fleet, lifecycle, policy
from .audit import Actor, record
from .models import Ip, Tenant

#: What the engine decides, so that an inventory-owned sender may have it changed here, too.
OURS = ("weight", "reserve")


def _made_by(session: Session) -> policy.Declared:
    declared = policy.load(session)
    if not declared.policy:
        what = "no inventory has been declared yet, and what is made here is made by its policy"
        raise FleetError([Problem("fleet", what, "Run site.yml once.")])
    return declared


def _owned(row: Ip | Tenant, what: str) -> None:
    if row.owner == INVENTORY:
        remedy = "Edit the inventory, and run site.yml."
        raise FleetError([Problem(what, "belongs to the inventory", remedy)])


def add_sender(session: Session, actor: Actor, request: Mapping[str, Any], reserve: bool) -> Ip:
    """A standby of the API's, with its warm-up plan. request: see `joining_sender`."""
    fleet.hold(session)
    declared = _made_by(session)
    sender = joining_sender(fleet.document(session), request, declared.policy, declared.mtas)
    tenant = session.scalars(select(Tenant).where(Tenant.name == sender["tenant"])).one()
    domain = fleet.domains(session, {sender["domain"]: tenant.id})[sender["domain"]]
    ip = fleet.new_sender(sender, domain, tenant, API, reserve)
    session.add(ip)
    session.flush()
    lifecycle.prepare(session, ip, declared)
    record(session, actor, "added", f"sender {ip.hostname}", tenant_id=ip.tenant_id, after=sender)
    return ip


def change_sender(session: Session, actor: Actor, ip: Ip, changes: Mapping[str, Any]) -> bool:
    """Whether the fleet document differs now. ip: held locked; where more than `OURS` changes, the fleet is held as well."""
    desired = {key: value for key, value in changes.items() if key not in OURS}
    before = {key: getattr(ip, key) for key in OURS}
    after = {key: changes.get(key, before[key]) for key in OURS}
    if desired:
        _owned(ip, f"sender {ip.hostname}")
        declared = _made_by(session)
        document = fleet.document(session)
        was = next(one for one in document["senders"] if one["name"] == ip.hostname)
        judged = changed_sender(document, ip.hostname, desired, declared.policy, declared.mtas)
        fleet.write_desired(ip, judged, fleet.domains(session, {judged["domain"]: ip.tenant_id})[judged["domain"]])
        before.update({key: was[key] for key in desired})
        after.update({key: judged[key] for key in desired})
    if before == after:
        return False
    for key in OURS:
        setattr(ip, key, after[key])
    record(session, actor, "changed", f"sender {ip.hostname}", tenant_id=ip.tenant_id, before=before, after=after)
    session.flush()
    return any(before[key] != after[key] for key in before if key != "reserve")


def remove_sender(session: Session, actor: Actor, ip: Ip, reason: str | None) -> None:
    """The sender, held locked, leaves: it empties its queue, and a converge that finds it empty removes it."""
    _owned(ip, f"sender {ip.hostname}")
    if ip.declared:
        about = {"before": {"declared": True}, "after": {"declared": False}}
        record(session, actor, "removed", f"sender {ip.hostname}", tenant_id=ip.tenant_id, reason=reason, **about)
        lifecycle.leave(session, actor, ip, policy.load(session), reason)


def add_tenant(session: Session, actor: Actor, given: Mapping[str, Any]) -> Tenant:
    fleet.hold(session)
    declared = _made_by(session)
    document = fleet.document(session)
    if any(one["name"] == given["name"] for one in document["tenants"]):
        raise Exists(given["name"])
    after = joining_tenant(document, given, declared.policy, declared.mtas)
    # One that left comes back: its history is the same client's.
    tenant = session.scalars(select(Tenant).where(Tenant.name == after["name"])).first() or Tenant(name=after["name"])
    tenant.owner, tenant.declared = API, True
    fleet.write_tenant(tenant, after)
    session.add(tenant)
    session.flush()
    record(session, actor, "added", f"tenant {tenant.name}", tenant_id=tenant.id, after=after)
    return tenant


def change_tenant(session: Session, actor: Actor, tenant: Tenant, changes: Mapping[str, Any]) -> bool:
    """Whether anything differs now. The fleet is held."""
    _owned(tenant, f"tenant {tenant.name}")
    declared = _made_by(session)
    before = fleet.tenant_document(tenant)
    # What is derived from the rest is not given.
    wanted = {key: value for key, value in {**before, **changes}.items() if key != "held" and value is not None}
    after = joining_tenant(fleet.document(session), wanted, declared.policy, declared.mtas)
    if after == before:
        return False
    fleet.write_tenant(tenant, after)
    record(session, actor, "changed", f"tenant {tenant.name}", tenant_id=tenant.id, before=before, after=after)
    session.flush()
    return True


def remove_tenant(session: Session, actor: Actor, tenant: Tenant) -> None:
    """A tenant without senders leaves. The fleet is held."""
    _owned(tenant, f"tenant {tenant.name}")
    wanted = select(Ip.hostname).where(Ip.tenant_id == tenant.id, Ip.status != "retired").order_by(Ip.id)
    left = session.scalars(wanted.limit(4)).all()
    if left:
        what = f"still has senders: {', '.join(left[:3])}{' and more' if len(left) > 3 else ''}"
        raise FleetError([Problem(f"tenant {tenant.name}", what, "Delete them, and wait until they are retired.")])
    tenant.declared = False
    record(session, actor, "removed", f"tenant {tenant.name}", tenant_id=tenant.id)
    session.flush()
