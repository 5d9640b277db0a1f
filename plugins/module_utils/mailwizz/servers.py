# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The delivery servers that a fleet document asks of a MailWizz, as plain data."""

from __future__ import annotations

import ipaddress
import typing as t

from ..fleet.status import in_pool, is_routed
from ..problems import FleetError, Problem

#: MailWizz's type for PowerMTA.
TYPE = "smtp-pmta"
#: The statuses in which MailWizz draws a server.
BUSY = "in-use"
DRAWABLE = frozenset({"active", BUSY})
ACTIVE, DISABLED = "active", "disabled"

RETURN_PATH, JOB, VMTA = "X-Force-Return-Path", "X-Job", "X-Virtual-MTA"
#: What MailWizz replaces by the campaign's uid; PowerMTA's accounting then says which campaign a message is of.
CAMPAIGN = "[CAMPAIGN_UID]"

#: What every version must have; a MailWizz without one of these cannot keep senders apart.
NEEDED = (
    *("customer_id", "type", "name", "hostname", "username", "password", "port", "protocol", "from_email", "from_name"),
    *("probability", "hourly_quota", "daily_quota", "monthly_quota", "use_for", "signing_enabled", "force_from"),
    *("status", "meta_data"),
)
#: The same for every server. Those of newer versions are set where the version has them.
FIXED: dict[str, t.Any] = {
    "hourly_quota": 0,
    "monthly_quota": 0,
    "second_quota": 0,
    "minute_quota": 0,
    # The quota is the warm-up's; MailWizz must not have one of its own.
    "warmup_plan_id": None,
    "use_for": "all",
    # PowerMTA signs.
    "signing_enabled": "no",
    "force_from": "always",
    "must_confirm_delivery": "no",
    # Or the customer could give it another host or From.
    "locked": "yes",
}


def probability(weight: int) -> int:
    """MailWizz's steps of 5, from 5 to 100, nearest to the weight: 1..7 is 5, 8..12 is 10, 98..100 is 100.

    A weight of 0 has no step: such a sender is not drawn because its server is disabled, and the column holds the smallest.
    """
    return min(100, max(5, (weight + 2) // 5 * 5))


def daily_quota(quota: int) -> int:
    """Messages a day as MailWizz has them, where 0 would be "without limit": a server that may send nothing gets the smallest limit."""
    return max(1, quota)


def pool_name(tenant: str, mta: str, single: bool) -> str:
    """The name of a pool's server; that of its host is in it where the pool is spread over several."""
    return f"{tenant}-pool" if single else f"{tenant}-pool@{mta}"


def wanted(
    document: t.Mapping,
    tenants: t.Sequence[str],
    mtas: t.Mapping[str, t.Mapping],
    logins: t.Mapping[str, t.Mapping[str, str]],
    protocol: str = "",
    stopped: t.Collection[str] = (),
) -> list[dict]:
    """Servers of these tenants, in the document's order: ``{key, tenant, vmta, allowed, attributes, headers, password}``.

    key: name of the sender or the pool. vmta: None for a pool. allowed: whether it may be given new mail. attributes: columns of
    ``delivery_server`` without its status and its secret. headers: pairs. mtas: where each PowerMTA host takes mail. logins: by tenant.
    stopped: virtual MTAs that PowerMTA holds although the document says nothing of it. Raises FleetError with all problems.
    """
    known = {tenant["name"]: tenant for tenant in document["tenants"]}
    held = {name.lower() for name in stopped}
    problems: list[Problem] = []
    found: list[dict] = []
    for name in dict.fromkeys(tenants):
        if name not in known:
            told = f"Tenants: {', '.join(known) or 'none'}."
            problems.append(Problem("tenants", f"{name!r} is no tenant of the fleet document", told))
            continue
        tenant = known[name]
        senders = [one for one in document["senders"] if one["tenant"] == name and is_routed(one)]
        login = logins.get(name) or {}
        problems += _unusable(tenant, senders, mtas, login)
        if login.get("user") and not protocol:
            problems += _overheard(tenant, senders, mtas)
        if problems:
            continue
        make = _pool if tenant["routing"] == "pool" else _by_sender
        for one in make(tenant, senders, held):
            door = mtas[one.pop("mta")]
            one["attributes"] = {
                "name": one["key"],
                "hostname": str(door["address"]),
                "port": int(door["port"]),
                "username": login.get("user") or "",
                "protocol": protocol,
                **one["attributes"],
                **FIXED,
            }
            one["password"] = login.get("password") or ""
            found.append({"tenant": name, **one})
    if problems:
        raise FleetError(problems[:25])
    return found


def _unusable(
    tenant: t.Mapping, senders: t.Sequence[t.Mapping], mtas: t.Mapping[str, t.Mapping], login: t.Mapping[str, str]
) -> t.Iterator[Problem]:
    for mta in sorted({sender["mta"] for sender in senders} - set(mtas)):
        yield Problem(
            f"mtas: {mta}",
            f"is missing, and senders of {tenant['name']} are there",
            "Give the host powermta_management_address, so that MailWizz knows where to hand in their mail.",
        )
    if tenant["feeders"] and all("user" in feeder for feeder in tenant["feeders"]) and not login.get("user"):
        yield Problem(
            f"logins: {tenant['name']}",
            "has no user, and PowerMTA takes this tenant's mail only with a login",
            "Give the tenant's feeder user and its vaulted password.",
        )
    if login.get("user") and not login.get("password"):
        yield Problem(
            f"logins: {tenant['name']}", f"the user {login['user']} has no password", "Give its vaulted password."
        )


def _overheard(
    tenant: t.Mapping, senders: t.Sequence[t.Mapping], mtas: t.Mapping[str, t.Mapping]
) -> t.Iterator[Problem]:
    """A login in clear text belongs on a private link. Of a host's name, nobody knows here where it leads."""
    for mta in sorted({sender["mta"] for sender in senders} & set(mtas)):
        address = str(mtas[mta]["address"])
        try:
            public = ipaddress.ip_address(address).is_global
        except ValueError:
            continue
        if public:
            yield Problem(
                f"mtas: {mta}",
                f"{address} is a public address, and {tenant['name']} would log in there in clear text",
                "Set mailwizz_delivery_protocol (tls, starttls), or powermta_management_address to an address of a private link.",
            )


def _by_sender(tenant: t.Mapping, senders: t.Sequence[t.Mapping], held: t.Container[str]) -> t.Iterator[dict]:
    for sender in senders:
        yield {
            "key": sender["name"],
            "vmta": sender["vmta"],
            "mta": sender["mta"],
            "allowed": in_pool(sender) and sender["vmta"].lower() not in held,
            "headers": _headers(sender["domain"], sender["vmta"] if tenant["trusted"] else None),
            "attributes": {
                "from_email": sender["from_email"],
                "from_name": sender["from_name"] or "",
                "probability": probability(sender["weight"]),
                "daily_quota": daily_quota(sender["daily_quota"]),
            },
        }


def _pool(tenant: t.Mapping, senders: t.Sequence[t.Mapping], held: t.Container[str]) -> t.Iterator[dict]:
    """One From over all addresses of a host; which of them a message takes is PowerMTA's choice."""
    hosts = list(dict.fromkeys(sender["mta"] for sender in senders))
    for mta in hosts:
        here = [sender for sender in senders if sender["mta"] == mta]
        sending = [one for one in here if in_pool(one) and one["vmta"].lower() not in held]
        yield {
            "key": pool_name(tenant["name"], mta, len(hosts) == 1),
            "vmta": None,
            "mta": mta,
            "allowed": bool(sending),
            "headers": _headers(tenant["domain"], None),
            "attributes": {
                "from_email": tenant["from_email"],
                "from_name": next((one["from_name"] for one in here if one["from_name"]), ""),
                "probability": 100,
                "daily_quota": daily_quota(sum(one["daily_quota"] for one in sending)),
            },
        }


def _headers(domain: str, vmta: str | None) -> list[list[str]]:
    """The bounce address is at the sender's own domain, or SPF would be judged for another one than the From's."""
    found = [[RETURN_PATH, f"bounce@{domain}"], [JOB, CAMPAIGN]]
    return [*found, [VMTA, vmta]] if vmta else found
