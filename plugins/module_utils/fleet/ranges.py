# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a range to its senders: which address belongs to which number, and the names made from the number."""

from __future__ import annotations

import ipaddress
import typing as t

from . import names, status
from .inventory import Checker, check_text

#: More than this in one range is a slip of the finger, not a fleet.
_MOST = 65536
#: Names are made from numbers: nine digits fit into a label with room to spare.
_LAST_NUMBER = 999_999_999


def expand_range(check: Checker, where: str, data: t.Mapping) -> list[tuple[int, dict]]:
    """The senders of one range as ``(number, {ip, domain, hostname, vmta, prefix ...})``.

    A sender's names depend on its number only, so a larger ``count`` renames nobody. ``skip`` leaves numbers out
    without moving the others. Faults go to *check*; a faulty range gives no senders.
    """
    addresses = _addresses(check, where, data)
    start = data.get("start", 1)
    if not check.integer(f"{where}.start", start, 0, _LAST_NUMBER, "It is the number of the first sender."):
        return []
    skip = set()
    for number in check.listing(f"{where}.skip", data.get("skip")):
        if check.integer(f"{where}.skip", number, 0, None, "List the numbers ({n}) to leave out."):
            skip.add(number)
    if not _patterns(check, where, data, len(addresses)):
        return []
    overrides = data.get("overrides") or {}
    if not check.mapping(f"{where}.overrides", overrides):
        return []
    by_number = _by_number(check, where, overrides, start, len(addresses))
    _override_addresses(check, where, data.get("cidr"), by_number)
    prefixes = check.listing(f"{where}.prefixes", data.get("prefixes"))
    from_names = check.listing(f"{where}.from_names", data.get("from_names"))
    for from_name in from_names:
        check_text(check, f"{where}.from_names", from_name)
    purposes = _rotating_purposes(check, where, data)
    senders = []
    for position, address in enumerate(addresses):
        number = start + position
        if number in skip:
            continue
        sender: dict = {"ip": str(ipaddress.IPv4Address(address))}
        for key in ("domain", "hostname", "vmta"):
            if data.get(key) is not None:
                sender[key] = _fill(data[key], number)
        if prefixes:
            sender["prefix"] = _fill(prefixes[position % len(prefixes)], number)
        if from_names:
            sender["from_name"] = _fill(from_names[position % len(from_names)], number)
        if purposes:
            sender["purposes"] = purposes[position % len(purposes)]
        sender.update(by_number.get(number, {}))
        senders.append((number, sender))
    return senders


def _addresses(check: Checker, where: str, data: t.Mapping) -> range:
    """The addresses of the range as numbers. With a ``cidr``, only its host addresses count."""
    nothing = range(0)
    cidr, first, count = data.get("cidr"), data.get("first"), data.get("count")
    low, high = 0, 2**32 - 1
    if cidr is None and first is None:
        check.add(where, "has neither 'cidr' nor 'first'", "Give the first address, or the network in CIDR form.")
        return nothing
    if cidr is not None:
        if not check.fault(f"{where}.cidr", cidr, names.ipv4_network_fault(cidr), "Write e.g. 192.0.2.0/24."):
            return nothing
        low, high = _host_addresses(cidr)
    begin = low
    if first is not None:
        if not check.fault(
            f"{where}.first", first, names.ipv4_fault(first), "Give the first IPv4 address of the range."
        ):
            return nothing
        begin = int(ipaddress.IPv4Address(first))
        if not low <= begin <= high:
            check.add(f"{where}.first", f"{first} is not a host address of {cidr}", "Correct 'first' or 'cidr'.")
            return nothing
    if count is None:
        if cidr is None:
            check.add(f"{where}.count", "is missing", "Say how many senders the range has.")
            return nothing
        count = high - begin + 1
    if not check.integer(f"{where}.count", count, 0, _MOST, "Give the number of senders as a plain number."):
        return nothing
    if begin + count - 1 > high:
        check.add(
            f"{where}.count",
            f"{count} addresses from {ipaddress.IPv4Address(begin)} do not fit: the range ends at"
            f" {ipaddress.IPv4Address(high)} ({high - begin + 1} addresses)",
            "Lower 'count', or add a second range for the next network.",
        )
        return nothing
    return range(begin, begin + count)


def _host_addresses(cidr: str) -> tuple[int, int]:
    """First and last: without network and broadcast address, which /31 (RFC 3021) and /32 do not have."""
    network = ipaddress.IPv4Network(cidr)
    low, high = int(network.network_address), int(network.broadcast_address)
    return (low + 1, high - 1) if network.prefixlen < 31 else (low, high)


def _override_addresses(check: Checker, where: str, cidr: object, by_number: t.Mapping[int, dict]) -> None:
    """An address that an override gives lies in the range's network too."""
    if cidr is None or names.ipv4_network_fault(cidr):
        return
    low, high = _host_addresses(str(cidr))
    for number, given in by_number.items():
        ip = given.get("ip")
        if names.ipv4_fault(ip) is None and not low <= int(ipaddress.IPv4Address(ip)) <= high:
            check.add(
                f"{where}.overrides.{number}.ip",
                f"{ip} is not a host address of {cidr}",
                "Correct it, or 'skip' the number and list the sender under 'senders'.",
            )


def _rotating_purposes(check: Checker, where: str, data: t.Mapping) -> list[list[str]]:
    """One list of purposes for each turn; the inventory may write a single one without brackets."""
    turns = []
    for chosen in check.listing(f"{where}.rotating_purposes", data.get("rotating_purposes")):
        turn = list(chosen) if isinstance(chosen, (list, tuple)) else [chosen]
        if all(check.choice(f"{where}.rotating_purposes", purpose, status.PURPOSES) for purpose in turn):
            turns.append(turn)
    return turns


def number_of(key: object) -> int | None:
    """The number an override is for. JSON and YAML disagree about number keys; both spellings arrive here."""
    text = str(key)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(_LAST_NUMBER)) + 5 else None


def _patterns(check: Checker, where: str, data: t.Mapping, count: int) -> bool:
    good = True
    for key in ("domain", "hostname", "vmta"):
        value = data.get(key)
        if value is None:
            continue
        if not isinstance(value, str) or _stray_braces(value):
            check.add(
                f"{where}.{key}", f"{value!r} is not a pattern", "The only placeholder is {n}, the sender's number."
            )
            good = False
        elif count > 1 and "{n}" not in value and (key != "domain" or data.get("hostname") is None):
            check.add(f"{where}.{key}", f"{value!r} gives every sender the same name", "Put {n} where the number goes.")
            good = False
    return good


def _by_number(check: Checker, where: str, overrides: t.Mapping, start: int, count: int) -> dict[int, dict]:
    found = {}
    for key, value in overrides.items():
        number = number_of(key)
        if number is None or not start <= number < start + count:
            check.add(
                f"{where}.overrides.{key}",
                "is no sender of this range",
                f"Numbers go from {start} to {start + count - 1}.",
            )
        elif check.mapping(f"{where}.overrides.{key}", value):
            found[number] = dict(value)
    return found


def _fill(pattern: object, number: int) -> str:
    return str(pattern).replace("{n}", str(number))


def _stray_braces(pattern: str) -> bool:
    rest = pattern.replace("{n}", "")
    return "{" in rest or "}" in rest
