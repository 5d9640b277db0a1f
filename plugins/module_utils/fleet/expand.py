# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the inventory's tenants to the fleet document: expanded, completed with policy, and proven consistent."""

from __future__ import annotations

import typing as t

from ..problems import FleetError, Problem
from . import names, status
from .consistency import check_fleet
from .inventory import (
    LISTED_KEYS,
    RANGE_KEYS,
    SENDER_SETTINGS,
    TENANT_KEYS,
    Checker,
    as_list,
    as_mapping,
    check_dmarc,
    check_quota,
    check_settings,
    check_spf_mechanisms,
    sound_policy,
)
from .ranges import expand_range, number_of

VERSION = 1
#: An inventory with one wrong pattern is wrong a thousand times; nobody reads a thousand lines.
_SHOWN = 25
_VARIABLE = "fleet_tenants"


def expand(tenants: object, policy: t.Mapping, mtas: t.Sequence[str]) -> dict:
    """The fleet document for ``fleet_tenants``.

    policy: ``phases`` {phase: messages a day}, ``active_daily_quota``, ``providers`` {name: ...}, ``sender_defaults``,
    ``dmarc``, ``operator``. mtas: the hosts of the inventory group powermta, in order.
    Raises FleetError with every problem found; see ``schema.py`` for the shape that is returned.
    """
    check = Checker()
    document: dict = {"version": VERSION, "tenants": [], "senders": [], "gone": []}
    listed = check.listing(_VARIABLE, tenants)
    if tenants is None or (not listed and not check.problems):
        check.add(_VARIABLE, "is empty", "Describe at least one tenant with its senders; see inventories/example.")
    policy = sound_policy(check, policy)
    check_settings(check, "policy_sender_defaults", policy["sender_defaults"], policy, mtas)
    check_dmarc(check, "policy_dmarc", policy["dmarc"])
    places: list[str] = []
    for index, data in enumerate(listed):
        where = f"{_VARIABLE}[{index}]"
        if not check.mapping(where, data):
            continue
        if names.name_fault(data.get("name")) is None:
            where = f"{_VARIABLE}[{data['name']}]"
        tenant = _tenant(check, where, data, policy)
        document["tenants"].append(tenant)
        for place, sender in _senders(check, where, data, tenant, policy, mtas):
            places.append(place)
            document["senders"].append(sender)
    if not check.problems:
        check_fleet(check, document, places, policy["operator"])
    if check.problems:
        raise FleetError(_shortened(check.problems))
    return document


def _tenant(check: Checker, where: str, data: t.Mapping, policy: t.Mapping) -> dict:
    check.keys(where, data, TENANT_KEYS)
    name = data.get("name")
    check.fault(f"{where}.name", name, names.name_fault(name), "Give the tenant a short name, such as sos-holidays.")
    routing = data.get("routing", "by_sender")
    check.choice(f"{where}.routing", routing, status.ROUTINGS)
    if not isinstance(data.get("trusted", False), bool):
        check.add(f"{where}.trusted", f"must be true or false, found {data['trusted']!r}", "Write true or false.")
    if data.get("domain") is not None:
        check.fault(
            f"{where}.domain", data["domain"], names.host_name_fault(data["domain"]), "Give the tenant's domain."
        )
    if data.get("from_email") is not None:
        fault = names.mailbox_fault(data["from_email"])
        if check.fault(f"{where}.from_email", data["from_email"], fault, "Give the tenant's From address."):
            _pool_from(check, where, data)
    if routing == "pool" and not (data.get("domain") and data.get("from_email")):
        check.add(
            where,
            "routing 'pool' needs 'domain' and 'from_email'",
            "In this mode all senders share one From domain: name it, or use routing by_sender.",
        )
    operator = data.get("operator", policy["operator"])
    if operator is None:
        check.add(
            f"{where}.operator",
            "is missing",
            "Give the mailbox that reads postmaster@, abuse@ and dmarc@ of the sending domains (or policy_operator).",
        )
    else:
        check.fault(f"{where}.operator", operator, names.mailbox_fault(operator), "Give an e-mail address.")
    if data.get("pool") is not None:
        check.fault(f"{where}.pool", data["pool"], names.name_fault(data["pool"]), "Choose a plain pool name.")
    check_dmarc(check, f"{where}.dmarc", data.get("dmarc"))
    return {
        "name": str(name),
        "routing": routing,
        "trusted": data.get("trusted", False),
        "domain": data.get("domain"),
        "from_email": data.get("from_email"),
        "operator": operator,
        "feeders": _feeders(check, where, data),
        "spf_mechanisms": check_spf_mechanisms(check, f"{where}.spf_mechanisms", data.get("spf_mechanisms")),
        "dmarc": {**policy["dmarc"], **as_mapping(data.get("dmarc"))},
        "pool": data.get("pool") or str(name),
        "held": f"unrouted-{name}",
    }


def _pool_from(check: Checker, where: str, data: t.Mapping) -> None:
    domain = data.get("domain")
    if domain and not data["from_email"].endswith(f"@{domain}"):
        check.add(
            f"{where}.from_email",
            f"{data['from_email']} is not in the tenant's domain {domain}",
            "SPF and DKIM are published for that domain only: correct one of the two.",
        )


def _feeders(check: Checker, where: str, data: t.Mapping) -> list[dict]:
    feeders = []
    for index, feeder in enumerate(check.listing(f"{where}.feeders", data.get("feeders"))):
        place = f"{where}.feeders[{index}]"
        if not check.mapping(place, feeder):
            continue
        check.keys(place, feeder, ("address", "user", "password"))
        if (feeder.get("address") is None) == (feeder.get("user") is None):
            check.add(
                place,
                "needs either 'address' or 'user'",
                "An address for a host of one tenant, a user for a shared one.",
            )
        elif feeder.get("address") is not None:
            if check.fault(
                place, feeder["address"], names.ipv4_network_fault(feeder["address"]), "Give an address or CIDR."
            ):
                feeders.append({"address": feeder["address"]})
        elif not feeder.get("password") or set(str(feeder["password"])) & set('#"\\\r\n'):
            check.add(
                f"{place}.password",
                'is missing, or holds one of # " \\ or a line break, which PowerMTA cannot read in a password',
                "Set it from a vaulted variable, without these signs.",
            )
        elif check.fault(
            f"{place}.user", feeder["user"], names.name_fault(feeder["user"]), "Choose a plain user name."
        ):
            feeders.append({"user": feeder["user"]})
    if not feeders and not check.problems:
        check.add(
            f"{where}.feeders", "is empty: nobody may hand mail to this tenant", "List the MailWizz host's address."
        )
    return feeders


def feeder_passwords(tenants: t.Sequence[t.Mapping]) -> dict[str, str]:
    """``{smtp user: password}`` of the inventory's feeders; kept apart because the fleet document holds no secrets."""
    return {
        feeder["user"]: str(feeder["password"])
        for tenant in tenants
        for feeder in tenant.get("feeders") or []
        if feeder.get("user") is not None
    }


def _senders(
    check: Checker, where: str, data: t.Mapping, tenant: dict, policy: t.Mapping, mtas: t.Sequence[str]
) -> t.Iterator[tuple[str, dict]]:
    shared = {**policy["sender_defaults"], **{key: data[key] for key in SENDER_SETTINGS if key in data}}
    check_settings(check, where, data, policy, mtas)
    for index, block in enumerate(check.listing(f"{where}.ranges", data.get("ranges"))):
        place = f"{where}.ranges[{index}]"
        if not check.mapping(place, block):
            continue
        check.keys(place, block, RANGE_KEYS)
        check_settings(check, place, block, policy, mtas)
        common = {**shared, **{key: block[key] for key in SENDER_SETTINGS if key in block}}
        overridden = {number_of(key) for key in as_mapping(block.get("overrides"))}
        for number, given in expand_range(check, place, block):
            here = f"{place} number {number}"
            if number in overridden:
                check.keys(here, given, LISTED_KEYS)
                check_settings(check, here, given, policy, mtas)
            yield here, _sender(check, here, {**common, **given}, tenant, policy, mtas)
    for index, given in enumerate(check.listing(f"{where}.senders", data.get("senders"))):
        place = f"{where}.senders[{index}]"
        if not check.mapping(place, given):
            continue
        check.keys(place, given, LISTED_KEYS)
        check_settings(check, place, given, policy, mtas)
        yield place, _sender(check, place, {**shared, **given}, tenant, policy, mtas)


def _sender(check: Checker, where: str, given: dict, tenant: dict, policy: t.Mapping, mtas: t.Sequence[str]) -> dict:
    pooled = tenant["routing"] == "pool"
    own = given.get("domain")
    hostname = given.get("hostname") or own
    domain = tenant["domain"] if pooled else own
    check.fault(f"{where}.ip", given.get("ip"), names.ipv4_fault(given.get("ip")), "Give the sender's IPv4 address.")
    if hostname is None or domain is None:
        check.add(f"{where}.domain", "is missing", "Give the sending domain, such as mail6.example.org.")
    else:
        for key, value in {"hostname": hostname, "domain": domain}.items():
            check.fault(f"{where}.{key}", value, names.host_name_fault(value), "Correct the name or its pattern.")
    from_email = tenant["from_email"] if pooled else given.get("from_email")
    if from_email is None and domain is not None:
        if given.get("prefix") is None:
            check.add(
                where, "has neither 'from_email' nor 'prefix'", "Give the From address, or the part before its @."
            )
        else:
            from_email = f"{given['prefix']}@{domain}"
    if from_email is not None:
        fault = names.mailbox_fault(from_email)
        sound = check.fault(f"{where}.from_email", from_email, fault, "Correct the address or the prefix.")
        if sound and not pooled and from_email.split("@")[1] != domain:
            check.add(
                f"{where}.from_email",
                f"{from_email} is not in the sender's domain {domain}",
                "One IP is one domain is one From address: SPF and DKIM could not align otherwise.",
            )
    vmta = given.get("vmta") or f"vmta-{hostname}"
    check.fault(f"{where}.vmta", vmta, names.name_fault(vmta), "Choose a plain virtual MTA name.")
    mta = given.get("mta") or (mtas[0] if len(mtas) == 1 else None)
    if mta is None:
        check.add(
            f"{where}.mta",
            "is missing and cannot be guessed",
            f"Name the host of the group powermta that owns the address ({', '.join(mtas) or 'the group is empty'}).",
        )
    check_quota(check, where, given, policy)
    ptr = as_mapping(given.get("ptr"))
    return {
        "name": hostname,
        "tenant": tenant["name"],
        "ip": given.get("ip"),
        "hostname": hostname,
        "domain": domain,
        "from_email": from_email,
        "from_name": given.get("from_name"),
        "vmta": vmta,
        "pool": tenant["pool"],
        "mta": mta,
        "interface": given.get("interface"),
        "gateway": given.get("gateway"),
        "table": given.get("table"),
        "ptr": {"method": ptr.get("method", "rfc2136"), "zone": ptr.get("zone")},
        "selector": None,
        "key": None,
        "public": None,
        "purposes": as_list(given.get("purposes")),
        "status": given.get("status"),
        "weight": given.get("weight"),
        "phase": _phase(given, policy),
        "daily_quota": _quota(given, policy),
        "provider_quota": dict(as_mapping(given.get("provider_quota"))),
        "paused": given.get("paused"),
        "reasons": as_list(given.get("reasons")),
        "declared": True,
    }


def _phase(given: dict, policy: t.Mapping) -> str | None:
    if given.get("phase") is not None:
        # Anything else was reported.
        return given["phase"] if isinstance(given["phase"], str) else None
    return next(iter(policy["phases"]), None) if given.get("status") == "warming" else None


def _quota(given: dict, policy: t.Mapping) -> int:
    """Messages a day: what the inventory says, else the warm-up phase's, else that of an active sender."""
    if given.get("daily_quota") is not None:
        return given["daily_quota"]
    phase = _phase(given, policy)
    return policy["phases"].get(phase, policy["active_daily_quota"]) if phase else policy["active_daily_quota"]


def _shortened(problems: list[Problem]) -> list[Problem]:
    if len(problems) <= _SHOWN:
        return problems
    more = len(problems) - _SHOWN
    return [
        *problems[:_SHOWN],
        Problem(_VARIABLE, f"and {more} more problems of these kinds", "Mend the first ones and run again."),
    ]
