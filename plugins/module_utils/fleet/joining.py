# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who comes to the fleet through the engine's API: judged as if the inventory declared it, told in the words of the request.

A problem's ``where`` is ``body.FIELD``. `Invalid` is what no fleet could have; any other FleetError is a conflict with who is there.
"""

from __future__ import annotations

import re
import typing as t

from ..problems import FleetError, Problem
from .additions import add_sender
from .consistency import check_fleet
from .expand import expand
from .inventory import SENDER_SETTINGS, Checker, check_dmarc, check_settings, sound_policy

#: What senders of a tenant usually share, because it is a matter of its host and network.
_SHARED = ("from_name", "mta", "interface", "gateway", "table", "ptr")
_TENANT = ("name", "routing", "trusted", "domain", "from_email", "operator", "dmarc", "spf_mechanisms", "pool")
_IDENTITY = ("ip", "domain", "hostname", "vmta", "from_email")
#: Feeders' passwords stay with the inventory; nothing here looks at this one.
_PASSWORD = "elsewhere"


class Invalid(FleetError):
    """The request itself is wrong, whoever else is there."""


class Exists(FleetError):
    """The same is there already. name: its."""

    def __init__(self, name: str):
        self.name = name
        super().__init__(
            [Problem("body", f"{name} is there already", "Change it by its own address, or name another.")]
        )


def joining_sender(document: t.Mapping, request: t.Mapping, policy: t.Mapping, mtas: t.Sequence[str]) -> dict:
    """The sender of the fleet document that *request* asks for: a standby at the cap of the first phase.

    request: ``ip`` and ``domain``, and if wanted ``tenant`` (required when there are several), ``hostname``, ``from_email``, ``vmta``
    and any of SENDER_SETTINGS but the lifecycle. What it does not say is what all senders of the tenant share. policy: as `expand`
    takes it, with ``prefixes``. Raises Invalid, Exists, or FleetError for what belongs to somebody else.
    """
    asked = {
        key: request[key] for key in ("ip", "domain", "tenant", "from_email", "vmta") if request.get(key) is not None
    }
    try:
        found = add_sender([_declared(one) for one in document["tenants"]], document, asked, policy["prefixes"])
    except FleetError as fault:
        problems = [Problem(one.where.replace("add_ip_", "body."), one.what, one.remedy) for one in fault.problems]
        kind = Invalid if any(one.where == "body.tenant" for one in problems) else FleetError
        raise kind(problems) from fault
    if not found["added"]:
        raise Exists(next(one["name"] for one in document["senders"] if one["ip"] == request["ip"]))
    first = next(iter(policy["phases"].values()), policy["active_daily_quota"])
    given = {key: request[key] for key in ("hostname", *SENDER_SETTINGS) if key in request}
    entry = {
        **found["entry"],
        **_shared(document, found["tenant"]),
        **given,
        "status": "standby",
        "phase": None,
        "daily_quota": first,
    }
    return _judged(document, found["tenant"], entry, policy, mtas)


def changed_sender(
    document: t.Mapping, name: str, changes: t.Mapping, policy: t.Mapping, mtas: t.Sequence[str]
) -> dict:
    """The sender called *name* with *changes*: keys of SENDER_SETTINGS or ``from_email``. Its lifecycle stays what it was."""
    sender = next(one for one in document["senders"] if one["name"] == name)
    others = {**document, "senders": [one for one in document["senders"] if one["name"] != name]}
    entry = {key: sender[key] for key in (*_IDENTITY, *SENDER_SETTINGS)}
    # A null asks for what holds where nothing is said.
    entry = {key: value for key, value in {**entry, **changes}.items() if value is not None}
    after = _judged(others, sender["tenant"], entry, policy, mtas)
    return {**sender, **{key: after[key] for key in changes}}


def joining_tenant(document: t.Mapping, given: t.Mapping, policy: t.Mapping, mtas: t.Sequence[str]) -> dict:
    """The tenant of the fleet document that *given* asks for, new or in the place of the one it names. Feeders are told apart by address only."""
    logins = [n for n, feeder in enumerate(given.get("feeders") or []) if feeder.get("user") is not None]
    if logins:
        remedy = "Declare the tenant in the inventory, where its password can be vaulted, or give an address."
        raise Invalid([Problem(f"body.feeders[{n}].user", "a login has a password", remedy) for n in logins])
    try:
        (tenant,) = expand([given], policy, mtas)["tenants"]
    except FleetError as fault:
        raise Invalid([_in_body(one) for one in fault.problems]) from fault
    others = [one for one in document["tenants"] if one["name"] != tenant["name"]]
    _check(document, {**document, "tenants": [*others, tenant]}, [], policy, tenant["name"])
    return tenant


def policy_problems(policy: t.Mapping, mtas: t.Sequence[str]) -> list[Problem]:
    """What is wrong with a declared policy by itself."""
    check = Checker()
    sound = sound_policy(check, policy)
    check_settings(check, "policy_sender_defaults", sound["sender_defaults"], sound, mtas)
    check_dmarc(check, "policy_dmarc", sound["dmarc"])
    return check.problems


def _declared(tenant: t.Mapping) -> dict:
    """A tenant of the fleet document as the inventory would declare it, without its senders."""
    feeders = [{**one, "password": _PASSWORD} if "user" in one else one for one in tenant["feeders"]]
    return {**{key: tenant[key] for key in _TENANT}, "feeders": feeders}


def _shared(document: t.Mapping, tenant: str) -> dict:
    senders = [one for one in document["senders"] if one["tenant"] == tenant and one["declared"]]
    return {
        key: senders[0][key]
        for key in _SHARED
        if senders and senders[0][key] is not None and all(one[key] == senders[0][key] for one in senders)
    }


def _judged(document: t.Mapping, name: str, entry: t.Mapping, policy: t.Mapping, mtas: t.Sequence[str]) -> dict:
    """*entry* of the explicit list of tenant *name* as a sender of the fleet document, beside those of *document*."""
    tenant = next(one for one in document["tenants"] if one["name"] == name)
    if tenant["routing"] == "pool" and entry.get("from_email") not in (None, tenant["from_email"]):
        what = f"{entry['from_email']} is not the one From address of the pool, {tenant['from_email']}"
        raise Invalid([Problem("body.from_email", what, "Leave it out.")])
    try:
        (sender,) = expand([{**_declared(tenant), "senders": [entry]}], policy, mtas)["senders"]
    except FleetError as fault:
        raise Invalid([_in_body(one) for one in fault.problems]) from fault
    _check(document, {**document, "senders": [*document["senders"], sender]}, ["body"], policy)
    return sender


def _check(before: t.Mapping, after: t.Mapping, new: list[str], policy: t.Mapping, tenant: str | None = None) -> None:
    """Raises FleetError for what is wrong in the fleet *after* and was not *before*."""
    known, found = Checker(), Checker()
    places = [f"sender {one['name']}" for one in before["senders"]]
    check_fleet(known, before, places, policy["operator"])
    check_fleet(found, after, [*places, *new], policy["operator"])
    problems = [one for one in found.problems if one not in known.problems]
    if problems:
        raise FleetError([_in_body(one) if _of(one, tenant) else one for one in problems])


def _of(problem: Problem, tenant: str | None) -> bool:
    return tenant is not None and problem.where.startswith(f"fleet_tenants[{tenant}]")


def _in_body(problem: Problem) -> Problem:
    where = re.sub(r"^fleet_tenants\[[^\]]*\](\.senders\[0\])?(?=[.\[]|\Z)", "body", problem.where)
    return Problem(where, problem.what, problem.remedy)
