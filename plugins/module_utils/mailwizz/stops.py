# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a stop at MailWizz is about, and what it does there. Needs no fleet document."""

from __future__ import annotations

import dataclasses
import typing as t

from . import campaigns, marks
from .reconcile import Plan, disable


@dataclasses.dataclass(frozen=True)
class Whom:
    """names: senders or virtual MTAs. Of the three, one is given."""

    names: tuple[str, ...] = ()
    tenant: str | None = None
    everything: bool = False


def plan(whom: Whom, reason: str, found: t.Mapping) -> tuple[Plan, list[str]]:
    """The pauses and the changes, and the names that no server here has.

    A stop of a tenant, or of everything, pauses all running campaigns of these customers: what chose no server would be drawn from the rest.
    A server of ours that is in no tenant's customer is stopped by name like any other, with its tenant, and, where its mark does not say
    whose it was, with every tenant: no tenant's mail has to leave through it.
    """
    result = Plan()
    names = {name.lower(): name for name in whom.names}
    met: set[str] = set()
    whole = whom.everything or whom.tenant is not None
    owners: dict[int, str] = {}
    strays = {one["id"] for one in marks.strays(found)}
    for tenant, servers_, customers in _places(found):
        if whom.tenant is not None and tenant not in (whom.tenant, ""):
            continue
        for server in servers_:
            called = {marks.sender_of(server).lower(), str((server["mark"] or {}).get("vmta") or "").lower()}
            if not whole and not called & set(names):
                continue
            met |= called & set(names)
            _stop(server, tenant, reason, found, server["id"] in strays, result)
        owners |= {number: tenant for number in customers if tenant or whom.everything}
    if whole:
        for campaign in found["campaigns"]:
            if campaign["customer_id"] in owners:
                _add(campaign, owners[campaign["customer_id"]], result)
    return result, [name for key, name in names.items() if key not in met]


def _places(found: t.Mapping) -> t.Iterator[tuple[str, list[t.Mapping], set[int]]]:
    """Tenant, its servers, and the customers that have them; the tenant is empty for strays of which nobody knows whose they were."""
    for tenant, customers in marks.homes(found).items():
        numbers = {customer["id"] for customer in customers}
        yield tenant, [one for one in found["servers"] if one["customer_id"] in numbers and marks.is_ours(one)], numbers
    for server in marks.strays(found):
        yield marks.tenant_of(server), [server], {server["customer_id"]} - {None}


def _add(campaign: t.Mapping, sender: str, result: Plan) -> None:
    about = {**campaigns.told(campaign, sender), "status": campaign["status"], "id": campaign["id"]}
    result.pause.setdefault(campaign["id"], about)


def _stop(server: t.Mapping, tenant: str, reason: str, found: t.Mapping, stray: bool, result: Plan) -> None:
    sender = marks.sender_of(server)
    address = server["attributes"].get("from_email")
    paused = campaigns.of_server(found["campaigns"], server["customer_id"], server["id"], [address], anybody=stray)
    for campaign in paused:
        _add(campaign, sender, result)
    pauses = tuple(campaign["id"] for campaign in paused)
    disable(server, tenant, {**marks.kept(server, tenant), "stopped": reason}, pauses, result)
