# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands (``ip -batch`` lines) that lead from what the kernel has to what is wanted: only what is missing, only what is ours.

Addresses are bound with **scope host**. The kernel chooses a source address among those whose scope is at most that of the route
(inet_select_addr): scope global loses to nothing, scope link still wins on routes that name no source and no gateway, such as
the on-link route to a gateway that many hosting providers need. Scope host is never chosen by itself; a program that binds to the
address, which is what an MTA does, sends from it like from any other, and ARP is answered for it.
"""

from __future__ import annotations

import typing as t

from .host import Bound, Host, Rule
from .record import Entry, Record

HOST_SCOPE = 254
# Before the main table (32766), after the local one (0) and what people number by hand below 1000.
PRIORITY = 11000


def missing(entries: t.Iterable[Entry], host: Host) -> list[str]:
    """What to add. Routes and rules come first: an address never exists without its way out.

    Entries whose interface is gone or down, or whose address is bound elsewhere, are left for ``broken`` to name.
    """
    routes: dict[int, str] = {}
    rules, addresses = [], []
    known_rules = set(host.rules)
    known_routes = {(route.table, route.gateway, route.interface) for route in host.defaults}
    for entry in entries:
        if _obstacle(entry, host):
            continue
        if entry.gateway and (entry.table, entry.gateway, entry.interface) not in known_routes:
            routes[entry.table] = _route(entry)
        if entry.table and Rule(PRIORITY, entry.ip, entry.table) not in known_rules:
            rules.append(f"rule add {_rule(entry.ip, entry.table)}")
        if not host.on(entry.ip):
            addresses.append(f"address add {entry.ip}/32 dev {entry.interface} scope host")
    return [*routes.values(), *rules, *addresses]


def surplus(before: Record, wanted: t.Sequence[Entry], host: Host) -> list[str]:
    """What to take away: only what *before* says is ours, and only if it is still there."""
    kept = {(entry.ip, entry.interface) for entry in wanted}
    ways = {(entry.ip, entry.table) for entry in wanted}
    tables = {entry.table for entry in wanted if entry.gateway}
    ours = {(entry.ip, entry.interface) for entry in before.all() if entry.ours} - kept
    addresses = [
        f"address del {bound.ip}/32 dev {bound.interface}"
        for bound in host.bound
        if (bound.ip, bound.interface) in ours and bound.prefix == 32
    ]
    known = {entry.ip for entry in before.all()}
    rules = [
        f"rule del {_rule(rule.source, rule.table)}"
        for rule in host.rules
        if rule.priority == PRIORITY and rule.source in known and (rule.source, rule.table) not in ways
    ]
    made = {(entry.table, entry.gateway, entry.interface) for entry in before.all() if entry.gateway}
    routes = [
        f"route del default via {route.gateway} dev {route.interface} table {route.table}"
        for route in host.defaults
        if (route.table, route.gateway, route.interface) in made and route.table not in tables
    ]
    return [*addresses, *rules, *routes]


def broken(entries: t.Iterable[Entry], host: Host) -> dict[str, str]:
    """Addresses that cannot be put right here: ip -> why."""
    return {entry.ip: why for entry in entries for why in [_obstacle(entry, host)] if why}


def without(host: Host, gone: t.Iterable[str]) -> Host:
    """The host as it will be once the ``address del`` lines among *gone* are carried out."""
    removed = set(gone)

    def stays(bound: Bound) -> bool:
        return f"address del {bound.ip}/32 dev {bound.interface}" not in removed

    return Host(host.links, tuple(filter(stays, host.bound)), host.defaults, host.rules)


def _obstacle(entry: Entry, host: Host) -> str | None:
    link = host.links.get(entry.interface)
    if link is None:
        return f"interface {entry.interface} does not exist"
    if not link.up:
        return f"interface {entry.interface} is down"
    others = [bound.interface for bound in host.on(entry.ip) if bound.interface != entry.interface]
    if others:
        return f"bound on {others[0]}, not on {entry.interface}"
    return None


def _route(entry: Entry) -> str:
    # onlink: the gateway need not be inside a network of this host.
    return f"route replace default via {entry.gateway} dev {entry.interface} table {entry.table} onlink"


def _rule(ip: str, table: int) -> str:
    return f"from {ip}/32 table {table} priority {PRIORITY}"
