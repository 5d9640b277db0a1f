# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a MailWizz is this collection's: groups, customers and delivery servers, told by their marks.

A *found* state is what the PHP program's command ``state`` answers:

- ``columns``: names of the columns of ``delivery_server``;
- ``groups``: ``{id, name, options: {code: value}}`` of the groups ``fleet-...``;
- ``customers``: ``{id, uid, group_id, email, first_name, last_name, timezone, status}``;
- ``keys``: ``{id, customer_id, name, key}``, with ``key`` only where it was asked for;
- ``servers``: ``{id, customer_id, type, status, mark, headers, password, attributes}``: mark is None or ``{sender, tenant, vmta, stopped}``,
  headers are pairs, password is a keyed digest (``digest``), attributes are the columns as text or None;
- ``assigned``: ``{server_id, group_id}``;
- ``campaigns``: ``{id, uid, name, customer_id, status, from_email, servers}`` of the running ones, whosoever they are.
"""

from __future__ import annotations

import hashlib
import hmac
import typing as t

from . import servers

#: A tenant's customer group, and the one key that the engine uses.
GROUP_PREFIX, KEY_NAME = "fleet-", "email_engine"

#: What is found where there is no MailWizz yet.
NOTHING: dict[str, t.Any] = {
    "columns": [*servers.NEEDED, *servers.FIXED],
    **{kind: [] for kind in ("groups", "customers", "keys", "servers", "assigned", "campaigns")},
}


def group_name(tenant: str) -> str:
    return f"{GROUP_PREFIX}{tenant}"


def homes(found: t.Mapping) -> dict[str, list[t.Mapping]]:
    """Customers by tenant: of those groups that a tenant has, here or once."""
    return {
        group["name"][len(GROUP_PREFIX) :]: [one for one in found["customers"] if one["group_id"] == group["id"]]
        for group in found["groups"]
    }


def customer_of(found: t.Mapping, tenant: str) -> t.Mapping | None:
    """The tenant's customer: the only one of its group, or the one that has the engine's key. None where that is not one."""
    customers = homes(found).get(tenant, [])
    if len(customers) > 1:
        keyed = {key["customer_id"] for key in found["keys"] if key["name"] == KEY_NAME}
        customers = [one for one in customers if one["id"] in keyed]
    return customers[0] if len(customers) == 1 else None


def is_ours(server: t.Mapping) -> bool:
    """Whether this collection made it: by its mark, or, where a version of MailWizz dropped that, by the two headers that it always gives."""
    if server["mark"]:
        return True
    headers = {name.lower(): value for name, value in server["headers"]}
    return (
        server["type"] == servers.TYPE
        and servers.RETURN_PATH.lower() in headers
        and headers.get(servers.JOB.lower()) == servers.CAMPAIGN
    )


def sender_of(server: t.Mapping) -> str:
    """Which sender (or pool) a server of ours was made for; somebody may have renamed it."""
    return (server["mark"] or {}).get("sender") or server["attributes"]["name"] or ""


def kept(server: t.Mapping, tenant: str) -> dict[str, str | None]:
    """The mark of a server that is disabled."""
    return {"sender": sender_of(server), "tenant": tenant, "vmta": (server["mark"] or {}).get("vmta")}


def strays(found: t.Mapping) -> list[t.Mapping]:
    """Servers of ours that are in no tenant's customer: somebody gave them away, or moved the customer to another group."""
    owners = {customer["id"] for here in homes(found).values() for customer in here}
    return [one for one in found["servers"] if one["customer_id"] not in owners and is_ours(one)]


def tenant_of(server: t.Mapping) -> str:
    """Whose a stray was; empty where its mark does not say."""
    return (server["mark"] or {}).get("tenant") or ""


def drawable(server: t.Mapping) -> bool:
    return server["status"] in servers.DRAWABLE


def digest(nonce: str, password: str) -> str:
    """How a password is compared without being shown: the PHP program answers the same."""
    return hmac.new(nonce.encode(), password.encode(), hashlib.sha256).hexdigest()
