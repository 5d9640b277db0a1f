# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold across the whole fleet: nothing is owned twice, nothing is shared between tenants."""

from __future__ import annotations

import ipaddress
import typing as t

from ..relaying import network_fault
from .inventory import Checker


def check_fleet(check: Checker, document: t.Mapping, places: t.Sequence[str], operator: str | None) -> None:
    """*places*: for each sender of the document, where the inventory declares it. *operator*: that of the policy."""
    tenants = {}
    for tenant in document["tenants"]:
        if tenant["name"] in tenants:
            check.add(f"fleet_tenants[{tenant['name']}]", "is declared twice", "Merge the two, or rename one.")
        tenants[tenant["name"]] = tenant
    _unique(check, document["senders"], places, tenants)
    _pmta_names(check, document, places)
    _feeders(check, document["tenants"])
    _pooled(check, document, tenants, places)
    _operators(check, document, operator)


def _unique(check: Checker, senders: t.Sequence[dict], places: t.Sequence[str], tenants: dict) -> None:
    for key, remedy in (
        ("ip", "One IP is one sender: change 'first', 'count' or 'skip' of one of the two."),
        ("hostname", "One host name has one IP: change one of the two patterns."),
        ("domain", "One sending domain is one sender: change one of the two patterns."),
        ("from_email", "One From address is one sender: change one of the two."),
        ("vmta", "Virtual MTA names are unique in PowerMTA: change one of the two patterns."),
    ):
        seen: dict[str, int] = {}
        for index, sender in enumerate(senders):
            value = sender[key]
            first = seen.setdefault(value, index)
            if first == index:
                continue
            shared = key in ("domain", "from_email") and tenants[sender["tenant"]]["routing"] == "pool"
            if shared and senders[first]["tenant"] == sender["tenant"]:
                continue
            check.add(f"{places[index]}.{key}", f"{value} is already used by {places[first]}", remedy)


def _pmta_names(check: Checker, document: t.Mapping, places: t.Sequence[str]) -> None:
    """Virtual MTAs and pools share one name space in PowerMTA."""
    owners: dict[str, str] = {}
    for tenant in document["tenants"]:
        for kind in ("pool", "held"):
            where = f"fleet_tenants[{tenant['name']}].{kind}"
            name = tenant[kind]
            if name in owners:
                check.add(where, f"the name {name!r} is already taken by {owners[name]}", "Choose another name.")
            owners.setdefault(name, where)
    for sender, place in zip(document["senders"], places):
        if sender["vmta"] in owners:
            check.add(
                f"{place}.vmta",
                f"the name {sender['vmta']!r} is already taken by {owners[sender['vmta']]}",
                "Virtual MTAs and pools share one name space: choose another name.",
            )


def _feeders(check: Checker, tenants: t.Sequence[dict]) -> None:
    """An address tells tenants apart only when it belongs to one of them (else one could send as the other)."""
    networks: list[tuple[ipaddress.IPv4Network, str]] = []
    users: dict[str, str] = {}
    for tenant in tenants:
        for index, feeder in enumerate(tenant["feeders"]):
            where = f"fleet_tenants[{tenant['name']}].feeders[{index}]"
            if "user" in feeder:
                if feeder["user"] in users:
                    check.add(
                        f"{where}.user",
                        f"{feeder['user']} is already used by {users[feeder['user']]}",
                        "Choose another.",
                    )
                users.setdefault(feeder["user"], where)
                continue
            network = ipaddress.IPv4Network(feeder["address"])
            wide = network_fault(network)
            if wide:
                check.add(where, f"{network} {wide}", "List the feeders' own addresses, or give them a 'user'.")
            for other, owner in networks:
                if network.overlaps(other):
                    check.add(
                        where,
                        f"{feeder['address']} overlaps {other} of {owner}",
                        "Tenants that share a MailWizz host are told apart by a user and password each: use 'user'.",
                    )
            networks.append((network, where))


def _pooled(check: Checker, document: t.Mapping, tenants: dict, places: t.Sequence[str]) -> None:
    """A pool's DKIM key lies on one host; one selector and domain must name exactly one key."""
    home: dict[str, str] = {}
    for sender, place in zip(document["senders"], places):
        if (
            tenants[sender["tenant"]]["routing"] == "pool"
            and home.setdefault(sender["tenant"], sender["mta"]) != sender["mta"]
        ):
            check.add(
                f"{place}.mta",
                f"the pool of tenant {sender['tenant']} would span {home[sender['tenant']]} and {sender['mta']}",
                "Its one DKIM key lies on one host: keep a pool on one PowerMTA host, or make two tenants.",
            )


def _operators(check: Checker, document: t.Mapping, policy_operator: str | None) -> None:
    """The fleet's servers forward role mail to the operator; into a domain of their own that is a loop, or refused."""
    owners: dict[str, str] = {}
    for sender in document["senders"]:
        for key in ("domain", "hostname"):
            owners.setdefault(sender[key], sender["name"])
    told = set()
    for tenant in document["tenants"]:
        operator = tenant["operator"]
        where = "policy_operator" if operator == policy_operator else f"fleet_tenants[{tenant['name']}].operator"
        owner = owners.get(operator.rpartition("@")[2])
        if owner is not None and where not in told:
            told.add(where)
            check.add(
                where,
                f"{operator} lies in the fleet's own domain of {owner}, whose role mail is forwarded to it: a mail loop",
                "Name a mailbox at another mail server, in a domain that no sender has.",
            )
