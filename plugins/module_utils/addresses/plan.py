# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what is asked to what will be done: faults first, all of them, before anything changes."""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass

from ..fleet.names import ipv4_fault
from ..problems import FleetError, Problem
from .host import MAIN_TABLE, Bound, Host
from .reconcile import HOST_SCOPE, missing, surplus, without
from .record import Entry, Record

# Tables 253 to 255 are the kernel's (default, main, local), 0 means none.
_RESERVED_TABLES = (0, 253, 254, 255)


@dataclass(frozen=True)
class Plan:
    """before, after: the record. commands: ``ip -batch`` lines, in order. added, removed: addresses. foreign: bound by others."""

    before: Record
    after: Record
    commands: tuple[str, ...]
    added: tuple[Entry, ...]
    removed: tuple[str, ...]
    foreign: tuple[str, ...]


def plan(
    options: t.Sequence[t.Mapping],
    interface: str | None,
    before: Record,
    host: Host,
    management: t.Iterable[str] = (),
) -> Plan:
    """What has to be done so that *host* owns the addresses in *options*.

    options: ``[{ip, interface?, gateway?, table?}]``, missing and None alike. interface: for entries without one; None: that of
    the default route. management: addresses that must stay the host's own whatever else is said.
    Raises FleetError with every problem found.
    """
    problems: list[Problem] = []
    entries = _entries(options, interface, host, problems)
    _check_tables(entries, before, host, problems)
    own = own_addresses(host, before, management)
    ours = {(entry.ip, entry.interface) for entry in before.all() if entry.ours}
    settled = [_settle(entry, own, ours, host, problems) for entry in entries]
    if problems:
        raise FleetError(problems)
    gone = surplus(before, settled, host)
    after_removal = without(host, gone)
    new = missing(settled, after_removal)
    adding = [line for line in new if line.startswith("address")]
    return Plan(
        before=before,
        after=Record(wanted=tuple(settled)),
        commands=(*new[: len(new) - len(adding)], *gone, *adding),
        added=tuple(entry for entry in settled if not after_removal.on(entry.ip)),
        removed=tuple(line.split()[2].partition("/")[0] for line in gone if line.startswith("address")),
        foreign=tuple(entry.ip for entry in settled if not entry.ours),
    )


def own_addresses(host: Host, before: Record, management: t.Iterable[str] = ()) -> dict[str, str]:
    """The addresses by which this host speaks for itself: ip -> how that is known."""
    own = {}
    uplinks = {route.interface for route in host.defaults if route.table == MAIN_TABLE}
    ours = {(entry.ip, entry.interface) for entry in before.all() if entry.ours}
    seen = set()
    for bound in host.bound:
        if bound.scope == 0 and bound.interface not in seen and (bound.ip, bound.interface) not in ours:
            seen.add(bound.interface)
            if bound.interface in uplinks or not uplinks:
                own[bound.ip] = f"the first address of {bound.interface}"
    for route in host.defaults:
        if route.table == MAIN_TABLE and route.source:
            own[route.source] = "the source of the default route"
    own.update(dict.fromkeys(management, "the address it is managed by"))
    return own


def _entries(options: t.Sequence[t.Mapping], interface: str | None, host: Host, problems: list[Problem]) -> list[Entry]:
    """The options as entries, in their order, each address once."""
    entries: dict[str, Entry] = {}
    fallback = interface or _uplink(host)
    for index, option in enumerate(options):
        where = f"addresses[{index}]"
        ip, gateway, table = option.get("ip"), option.get("gateway"), option.get("table")
        fault = ipv4_fault(ip)
        if fault:
            problems.append(Problem(f"{where}.ip", f"{ip!r} {fault}", "Give the sender's IPv4 address."))
            continue
        device = option.get("interface") or fallback
        if device is None:
            what = f"{ip} names no interface, and there is not exactly one with a default route"
            problems.append(Problem(f"{where}.interface", what, "Set 'interface'."))
            continue
        if device not in host.links:
            names = ", ".join(sorted(host.links))
            problems.append(
                Problem(f"{where}.interface", f"{device!r} does not exist on this host", f"There are: {names}.")
            )
            continue
        if not host.links[device].up:
            problems.append(
                Problem(f"{where}.interface", f"{device!r} is down", "Bring it up in the host's network configuration.")
            )
            continue
        if gateway is not None:
            fault = ipv4_fault(gateway) or ("is the address itself" if gateway == ip else None)
            if fault:
                problems.append(Problem(f"{where}.gateway", f"{gateway!r} {fault}", "Give the router's IPv4 address."))
                continue
            table = table or derived_table(gateway)
        entry = Entry(ip, device, gateway, table or None)
        if entries.setdefault(ip, entry) != entry:
            problems.append(Problem(where, f"{ip} is asked for twice, differently", "Give each address once."))
    return list(entries.values())


def derived_table(gateway: str) -> int:
    """Number of the routing table of a range behind *gateway* where none was given: the same on every run and host."""
    return 20000 + (int(ipaddress.IPv4Address(gateway)) & 0xFFFF)


def _uplink(host: Host) -> str | None:
    uplinks = {route.interface for route in host.defaults if route.table == MAIN_TABLE and route.interface}
    return uplinks.pop() if len(uplinks) == 1 else None


def _check_tables(entries: t.Sequence[Entry], before: Record, host: Host, problems: list[Problem]) -> None:
    """One way out for each table, and none that somebody else keeps."""
    made = {(entry.table, entry.gateway, entry.interface) for entry in before.all() if entry.gateway}
    ways: dict[int, Entry] = {}
    for entry in entries:
        if not entry.table:
            continue
        where = f"addresses, {entry.ip}"
        if entry.table in _RESERVED_TABLES or not 0 < entry.table < 2**32:
            problems.append(
                Problem(where, f"table {entry.table} is the kernel's own", "Choose another number, such as 100.")
            )
            continue
        first = ways.setdefault(entry.table, entry)
        if (first.gateway, first.interface) != (entry.gateway, entry.interface):
            what = f"table {entry.table} would lead by {_way(first)} for {first.ip} and by {_way(entry)} for this one"
            problems.append(Problem(where, what, "Set another 'table' for one of the two ranges."))
            continue
        if first is not entry:
            continue
        present = [route for route in host.defaults if route.table == entry.table]
        if entry.gateway is None and not present:
            what = f"table {entry.table} has no default route on this host"
            problems.append(
                Problem(where, what, "Give 'gateway' as well, or make the route in the host's own configuration.")
            )
        for route in present:
            way = (route.table, route.gateway, route.interface)
            if entry.gateway and way != (entry.table, entry.gateway, entry.interface) and way not in made:
                what = (
                    f"table {entry.table} already has a default route by {route.gateway or route.interface}, not ours"
                )
                problems.append(Problem(where, what, "Choose a table that nothing else uses."))


def _way(entry: Entry) -> str:
    return f"{entry.gateway or 'its own route'} on {entry.interface}"


def _settle(entry: Entry, own: t.Mapping[str, str], ours: t.Container, host: Host, problems: list[Problem]) -> Entry:
    """*entry* with the answer to whether we bind it, or found it bound by somebody else."""
    where = f"addresses, {entry.ip}"
    if entry.ip in own:
        what = f"is this host's own address ({own[entry.ip]})"
        problems.append(
            Problem(where, what, "Send from other addresses; this one is for the host itself and the feeders.")
        )
    here: Bound | None = None
    for bound in host.on(entry.ip):
        if bound.interface == entry.interface:
            here = bound
        elif (bound.ip, bound.interface) not in ours:
            what = f"is bound on {bound.interface}, and asked for on {entry.interface}"
            problems.append(
                Problem(where, what, f"Remove it from {bound.interface}, or set interface: {bound.interface}.")
            )
    mine = here is None or (here.prefix == 32 and (here.scope == HOST_SCOPE or (here.ip, here.interface) in ours))
    return Entry(entry.ip, entry.interface, entry.gateway, entry.table, mine)
