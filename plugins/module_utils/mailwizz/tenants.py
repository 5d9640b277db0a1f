# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant's place in a MailWizz: its customer group, its customer, and the engine's API key."""

from __future__ import annotations

import dataclasses
import re
import secrets
import typing as t

from ..problems import FleetError, Problem
from . import marks

#: What keeps tenants apart in MailWizz, and lets the engine do its work. Of each group of ours, by the code of the option.
GROUP_OPTIONS = {
    # A tenant whose servers are exhausted waits; it does not leave through somebody else's.
    "servers.can_send_from_system_servers": "no",
    # The engine names the sender's server for each campaign.
    "servers.can_select_delivery_servers_for_campaign": "yes",
    # A server that a customer adds could reach PowerMTA as anybody.
    "servers.max_delivery_servers": "0",
    "api.enabled": "yes",
}
#: What of a customer is kept as declared.
CUSTOMER = ("email", "first_name", "last_name", "timezone")


def wanted(tenants: t.Sequence[t.Mapping]) -> list[dict]:
    """The declared tenants. Raises FleetError for names and addresses that are not unique, or are none."""
    problems, names, addresses = [], set(), {}
    for tenant in tenants:
        where = f"tenants[{tenant['name']}]"
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", tenant["name"]):
            problems.append(Problem(where, "is no name of a tenant", "Use letters, digits, dots, dashes, underscores."))
        if tenant["name"] in names:
            problems.append(Problem(where, "stands twice", "Name each tenant once."))
        names.add(tenant["name"])
        address = tenant["email"].lower()
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address):
            problems.append(Problem(f"{where}.email", f"{tenant['email']!r} is no address", "Give its customer one."))
        if address in addresses:
            told = f"{tenant['email']} is already that of {addresses[address]}"
            problems.append(Problem(f"{where}.email", told, "MailWizz has one customer for an address."))
        addresses[address] = tenant["name"]
    if problems:
        raise FleetError(problems)
    return [dict(tenant) for tenant in tenants]


def question(tenants: t.Sequence[t.Mapping]) -> dict:
    """What the PHP program is asked for."""
    return {"emails": [tenant["email"] for tenant in tenants], "keys": True, "servers": False, "nonce": ""}


@dataclasses.dataclass
class Steps:
    """What one tenant needs: numbers of what is there, and what has to be set."""

    tenant: str
    group_id: int | None
    options: dict
    options_before: dict
    customer_id: int | None
    customer: dict
    customer_before: dict
    key_id: int | None

    @property
    def changed(self) -> bool:
        return bool(self.options or self.customer or None in (self.group_id, self.customer_id, self.key_id))


@dataclasses.dataclass
class Plan:
    steps: list[Steps]
    warnings: list[str]

    @property
    def changed(self) -> bool:
        return any(step.changed for step in self.steps)

    @property
    def created(self) -> list[str]:
        return [line for step in self.steps for line in _made(step)]

    def orders(self, tenants: t.Sequence[t.Mapping]) -> dict:
        """What the PHP program is told. A customer that is made without a password gets one that nobody knows."""
        passwords = {tenant["name"]: tenant.get("password") for tenant in tenants}
        return {
            "tenants": [
                {
                    "name": step.tenant,
                    "group": {"id": step.group_id, "name": marks.group_name(step.tenant), "options": step.options},
                    "customer": {
                        "id": step.customer_id,
                        "set": step.customer,
                        "password": (passwords[step.tenant] or secrets.token_urlsafe(24))
                        if step.customer_id is None
                        else None,
                    },
                    "key": {"id": step.key_id, "name": marks.KEY_NAME},
                }
                for step in self.steps
                if step.changed
            ]
        }

    def diff(self) -> dict:
        before, after = "", ""
        for step in self.steps:
            group = marks.group_name(step.tenant)
            before += "".join(f"{group}: {code}={step.options_before.get(code, '')}\n" for code in step.options)
            after += "".join(f"{group}: {code}={value}\n" for code, value in step.options.items())
            if step.customer_id is not None:
                before += "".join(f"customer of {step.tenant}: {k}={v}\n" for k, v in step.customer_before.items())
                after += "".join(f"customer of {step.tenant}: {k}={v}\n" for k, v in step.customer.items())
        after += "".join(f"{line}: made\n" for line in self.created)
        where = "customers"
        return {"before_header": where, "after_header": where, "before": before, "after": after}


def _made(step: Steps) -> t.Iterator[str]:
    if step.group_id is None:
        yield f"group {marks.group_name(step.tenant)}"
    if step.customer_id is None:
        yield f"customer {step.customer['email']}"
    if step.key_id is None:
        yield f"key of {step.tenant}"


def plan(tenants: t.Sequence[t.Mapping], found: t.Mapping) -> Plan:
    """What has to be made or set right. Raises FleetError, with all problems, before anything is."""
    problems: list[Problem] = []
    result = Plan([], [])
    for tenant in tenants:
        name = marks.group_name(tenant["name"])
        groups = [group for group in found["groups"] if group["name"] == name]
        if len(groups) > 1:
            told = f"is there {len(groups)} times"
            problems.append(Problem(f"customer group {name}", told, "Rename those that are not the fleet's."))
            continue
        group = groups[0] if groups else None
        customer, problem = _customer(tenant, group, found)
        if problem:
            problems.append(problem)
            continue
        options = group["options"] if group else {}
        result.steps.append(_steps(tenant, group, options, customer, found))
        result.warnings += _warnings(tenant, group, customer, found)
    if problems:
        raise FleetError(problems)
    return result


def _customer(tenant: t.Mapping, group: t.Mapping | None, found: t.Mapping) -> tuple[t.Mapping | None, Problem | None]:
    """The tenant's customer where there is one, or why nobody may say."""
    holder = next((one for one in found["customers"] if one["email"].lower() == tenant["email"].lower()), None)
    here = [one for one in found["customers"] if group is not None and one["group_id"] == group["id"]]
    where = f"tenants[{tenant['name']}].email"
    if holder is not None and holder not in here:
        told = f"{tenant['email']} is a customer of another group (number {holder['group_id']}) already"
        remedy = "Give the tenant another address, or, where it is the tenant's, put that customer into the group"
        return None, Problem(where, told, f"{remedy} {marks.group_name(tenant['name'])}.")
    if holder is not None:
        return holder, None
    customer = marks.customer_of(found, tenant["name"])
    if customer is None and here:
        told = f"none of the {len(here)} customers of the group {marks.group_name(tenant['name'])} has the address"
        remedy = "Leave one customer in that group, or give the address of the one that is the tenant's."
        return None, Problem(where, f"{tenant['email']}: {told}", remedy)
    return customer, None


def _steps(
    tenant: t.Mapping, group: t.Mapping | None, options: t.Mapping, customer: t.Mapping | None, found: t.Mapping
) -> Steps:
    key = None
    if customer is not None:
        named = [one for one in found["keys"] if (one["customer_id"], one["name"]) == (customer["id"], marks.KEY_NAME)]
        key = min((one["id"] for one in named), default=None)
    declared = {name: tenant[name] for name in CUSTOMER}
    differs = {k: v for k, v in declared.items() if customer is None or str(customer[k] or "") != str(v)}
    return Steps(
        tenant["name"],
        group["id"] if group else None,
        {code: value for code, value in GROUP_OPTIONS.items() if str(options.get(code, "")) != value},
        dict(options),
        customer["id"] if customer else None,
        differs,
        {k: customer[k] for k in differs} if customer else {},
        key,
    )


def _warnings(
    tenant: t.Mapping, group: t.Mapping | None, customer: t.Mapping | None, found: t.Mapping
) -> t.Iterator[str]:
    if customer is not None and customer["status"] != "active":
        yield (
            f"the customer of {tenant['name']} is {customer['status']}: its API key works again once a person activates it"
        )
    if customer is not None and group is not None:
        others = [one["email"] for one in found["customers"] if one["group_id"] == group["id"] and one is not customer]
        if others:
            yield f"{marks.group_name(tenant['name'])} holds other customers too, who are not the fleet's: {', '.join(others)}"


def places(tenants: t.Sequence[t.Mapping], found: t.Mapping, predicted: bool) -> dict[str, dict]:
    """``{tenant: {customer_id, customer_uid, group_id, key}}``; None for what is only predicted.

    Raises FleetError where MailWizz took what it was told and does not have it.
    """
    result = {}
    made = plan(tenants, found)
    if made.changed and not predicted:
        told = "; ".join(made.created) or "options of a group, or what is said of a customer"
        raise FleetError(
            [Problem("MailWizz", f"took what it was told and does not show it: {told}", "Look in its backend.")]
        )
    customers = {one["id"]: one for one in found["customers"]}
    keys = {one["id"]: one for one in found["keys"]}
    for step in made.steps:
        customer, key = customers.get(step.customer_id), keys.get(step.key_id)
        result[step.tenant] = {
            "customer_id": customer and customer["id"],
            "customer_uid": customer and customer["uid"],
            "group_id": step.group_id,
            "key": key and key["key"],
        }
    return result
