# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The declaration of an inventory: what becomes of the rows that are its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.agreement import (
    INVENTORY,
    Agreement,
    Declared,
    Known,
    agree,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.status import SELECTABLE
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.moves import PERSON
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError, Problem

from . import lifecycle, policy
from .audit import Actor, record
from .fleet import document, domains, hold, new_sender, tenant_document, write_desired, write_tenant
from .models import Declaration, Ip, Tenant


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

    revision: of the inventory's checkout. digest: of the document. The policy it was made by has been saved.
    """
    hold(session)
    newest = session.scalars(
        select(Declaration).order_by(Declaration.made_at.desc(), Declaration.id.desc()).limit(1)
    ).first()
    rows = {ip.hostname: ip for ip in session.scalars(select(Ip).where(Ip.status != "retired"))}
    before = {sender["name"]: sender for sender in document(session)["senders"]}
    known = [Known(sender, rows[name].owner) for name, sender in before.items()]
    ended = _ended(session, {sender["name"] for sender in wanted["senders"]})
    last = (newest.made_at, newest.declared_from) if newest else None
    standing = [sender for sender in declared.senders if sender["name"] not in ended]
    found = agree(known, declared._replace(senders=standing), last, confirmed=confirmed)
    tenants = _declare_tenants(session, actor, wanted["tenants"])
    _of_tenants(declared.senders, {one["name"] for one in wanted["tenants"]})
    made_by = policy.load(session)
    wanted_domains = {one["domain"]: tenants[one["tenant"]].id for one in declared.senders}
    by_name = domains(session, wanted_domains)
    new = []
    for sender in found.new:
        becomes = waits_as(sender)
        stored = {**sender, "status": "standby", "phase": None} if becomes else sender
        reserve = sender["status"] == "standby"
        ip = new_sender(stored, by_name[sender["domain"]], tenants[sender["tenant"]], INVENTORY, reserve)
        ip.starts_as = becomes
        new.append(ip)
    session.add_all(new)
    session.flush()
    for ip, sender in zip(new, found.new, strict=True):
        lifecycle.prepare(session, ip, made_by)
        after = {**sender, "status": ip.status, "phase": ip.phase, "starts_as": ip.starts_as}
        record(session, actor, "declared", f"sender {ip.hostname}", tenant_id=ip.tenant_id, after=after)
    _wait_otherwise(session, actor, rows, declared.senders)
    for action, changed in (
        ("redeclared", [after for _, after in found.changed]),
        ("adopted", found.adopted),
        ("left out", found.leaving),
    ):
        for sender in changed:
            ip = rows[sender["name"]]
            if action != "left out":
                write_desired(ip, sender, by_name[sender["domain"]])
            ip.owner = INVENTORY
            about = f"sender {sender['name']}"
            was = before[sender["name"]]
            record(session, actor, action, about, tenant_id=ip.tenant_id, before=was, after=sender)
            if action == "left out":
                lifecycle.leave(session, actor, ip, made_by)
            elif not was["declared"] and ip.status == "retiring":
                with suppress(lifecycle.NotNow):
                    lifecycle.move(session, actor, ip, "stay", PERSON, made_by)
    session.add(
        Declaration(revision=revision, declared_from=declared.declared_from, made_at=declared.made_at, digest=digest)
    )
    session.flush()
    return found


def waits_as(sender: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a declared sender becomes once its DNS is green; None for one that is declared not to send. Who is new here sends nothing
    before that, whatever the inventory calls it."""
    if sender["status"] not in SELECTABLE:
        return None
    return {"status": sender["status"], "phase": sender["phase"]}


def _wait_otherwise(
    session: Session, actor: Actor, rows: Mapping[str, Ip], wanted: Iterable[Mapping[str, Any]]
) -> None:
    """Who still waits becomes what the inventory says now."""
    for sender in wanted:
        ip = rows.get(sender["name"])
        if ip is None or ip.starts_as is None or ip.status != "standby":
            continue
        becomes = waits_as(sender)
        quota = sender["daily_quota"]
        if (becomes, quota) == (ip.starts_as, ip.daily_quota):
            continue
        before = {"starts_as": ip.starts_as, "daily_quota": ip.daily_quota, "reserve": ip.reserve}
        ip.starts_as, ip.daily_quota, ip.reserve = becomes, quota, becomes is None
        after = {"starts_as": becomes, "daily_quota": quota, "reserve": ip.reserve}
        about = f"sender {ip.hostname}"
        record(session, actor, "redeclared", about, tenant_id=ip.tenant_id, before=before, after=after)


def _of_tenants(senders: Iterable[Mapping[str, Any]], tenants: set[str]) -> None:
    remedy = "Declare the tenant with its senders."
    problems = [
        Problem(f"sender {one['name']}", f"its tenant {one['tenant']} is not declared", remedy)
        for one in senders
        if one["tenant"] not in tenants
    ]
    if problems:
        raise FleetError(problems[:25])


def _ended(session: Session, wanted: set[str]) -> set[str]:
    """Names of senders that were retired while the inventory named them: that declaration means nothing any more, until it was taken
    out once. Else the next run would bring back whom a person let go."""
    ended = session.scalars(select(Ip).where(Ip.status == "retired", Ip.declared, Ip.owner == INVENTORY)).all()
    for ip in ended:
        if ip.hostname not in wanted:
            ip.declared = False
    return {ip.hostname for ip in ended if ip.declared}


def _declare_tenants(session: Session, actor: Actor, wanted: Iterable[Mapping[str, Any]]) -> dict[str, Tenant]:
    """Tenants are added and changed; one that is left out goes with its last sender. Rows are never removed: their history stays."""
    known = {tenant.name: tenant for tenant in session.scalars(select(Tenant))}
    named = set()
    for given in wanted:
        name = given["name"]
        named.add(name)
        tenant = known.get(name)
        if tenant is None:
            tenant = known[name] = Tenant(name=name, owner=INVENTORY)
            write_tenant(tenant, given)
            session.add(tenant)
            session.flush()
            record(session, actor, "declared", f"tenant {name}", tenant_id=tenant.id, after=given)
            continue
        before = tenant_document(tenant)
        if tenant.routing != given["routing"] and has_senders(session, tenant):
            what = f"routing is {tenant.routing}, and is declared as {given['routing']}, while it has senders"
            remedy = "Declare a new tenant with the other routing, and move to it sender by sender."
            raise FleetError([Problem(f"tenant {name}", what, remedy)])
        if before != dict(given) or tenant.owner != INVENTORY or not tenant.declared:
            action = "redeclared" if tenant.owner == INVENTORY else "adopted"
            tenant.owner, tenant.declared = INVENTORY, True
            write_tenant(tenant, given)
            record(session, actor, action, f"tenant {name}", tenant_id=tenant.id, before=before, after=given)
    for name, tenant in known.items():
        if tenant.owner == INVENTORY and tenant.declared and name not in named:
            tenant.declared = False
            record(session, actor, "left out", f"tenant {name}", tenant_id=tenant.id)
    session.flush()
    return known


def has_senders(session: Session, tenant: Tenant) -> bool:
    """Any that is not retired."""
    return session.scalar(select(Ip.id).where(Ip.tenant_id == tenant.id, Ip.status != "retired").limit(1)) is not None
