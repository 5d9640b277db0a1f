# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One more sender: the lines that a person would add to the inventory's explicit list."""

from __future__ import annotations

import typing as t

from ..problems import FleetError, Problem


def add_sender(
    tenants: t.Sequence[t.Mapping], document: t.Mapping, request: t.Mapping, prefixes: t.Sequence[str]
) -> dict:
    """``{"tenant", "entry", "tenants", "added"}`` for a new sender.

    tenants: ``fleet_tenants``. document: their fleet document. request: ``ip`` and ``domain``, and if wanted ``tenant``
    (required when there are several), ``from_email``, ``vmta`` and ``settings`` {key: value}. Without ``from_email``
    the prefixes take turns. ``added`` is false when the same sender is declared already.
    Raises FleetError when the tenant is unknown or not named, or the address or domain belongs to somebody.
    """
    name = _tenant(tenants, request)
    for sender in document["senders"]:
        same = [key for key in ("ip", "domain") if sender[key] == request[key]]
        if len(same) == 2 and sender["tenant"] == name:
            return {"tenant": name, "entry": {}, "tenants": list(tenants), "added": False}
        if same:
            raise FleetError(
                [
                    Problem(
                        f"add_ip_{same[0]}",
                        f"{request[same[0]]} belongs to {sender['name']} ({sender['ip']}) of {sender['tenant']}",
                        "Name an address and a domain that no sender has.",
                    )
                ]
            )
    entry = {"ip": request["ip"], "domain": request["domain"]}
    if request.get("from_email"):
        entry["from_email"] = request["from_email"]
    else:
        turn = sum(1 for sender in document["senders"] if sender["tenant"] == name)
        entry["prefix"] = prefixes[turn % len(prefixes)]
    if request.get("vmta"):
        entry["vmta"] = request["vmta"]
    entry.update(request.get("settings") or {})
    extended = [
        {**tenant, "senders": [*(tenant.get("senders") or []), entry]} if tenant["name"] == name else tenant
        for tenant in tenants
    ]
    return {"tenant": name, "entry": entry, "tenants": extended, "added": True}


def _tenant(tenants: t.Sequence[t.Mapping], request: t.Mapping) -> str:
    names = [tenant["name"] for tenant in tenants]
    wanted = request.get("tenant")
    if not wanted and len(names) == 1:
        return names[0]
    if wanted in names:
        return str(wanted)
    what = f"{wanted!r} is no tenant of the inventory" if wanted else "is missing, and there are several tenants"
    raise FleetError([Problem("add_ip_tenant", what, f"Choose one of {', '.join(names)}.")])
