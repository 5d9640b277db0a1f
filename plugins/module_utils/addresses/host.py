# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel says of links, addresses, routes and rules (``ip -json``, iproute2), reduced to what is asked here."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

MAIN_TABLE = 254

# rtnetlink(7): names and numbers of scopes, of which iproute2 prints either.
_SCOPES = {"global": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255}
_TABLES = {"default": 253, "main": 254, "local": 255}
_UNICAST = (None, "unicast", "1", 1)


@dataclass(frozen=True)
class Link:
    """A network interface. mac: None where frames have no Ethernet addresses."""

    name: str
    mac: str | None
    up: bool
    arp: bool


@dataclass(frozen=True)
class Bound:
    """An IPv4 address on an interface. scope: the kernel's number, 0 global ... 253 link, 254 host."""

    ip: str
    prefix: int
    interface: str
    scope: int
    secondary: bool = False


@dataclass(frozen=True)
class Route:
    """A default route."""

    table: int
    gateway: str | None
    interface: str | None
    source: str | None = None


@dataclass(frozen=True)
class Rule:
    """``from SOURCE lookup TABLE``."""

    priority: int
    source: str
    table: int


@dataclass(frozen=True)
class Host:
    """Everything of one host, in the kernel's order."""

    links: t.Mapping[str, Link]
    bound: tuple[Bound, ...]
    defaults: tuple[Route, ...]
    rules: tuple[Rule, ...]

    def on(self, ip: str) -> list[Bound]:
        """Where *ip* is bound now."""
        return [bound for bound in self.bound if bound.ip == ip]


def read_host(
    links: t.Iterable[dict], addresses: t.Iterable[dict], routes: t.Iterable[dict], rules: t.Iterable[dict]
) -> Host:
    """From the JSON of ``ip link``, and with ``-N`` (numbers for names) ``ip -4 address``, ``route show table all``, ``rule``."""
    return Host(
        links={link["ifname"]: _link(link) for link in links if link.get("ifname")},
        bound=tuple(
            Bound(
                ip=entry["local"],
                prefix=entry["prefixlen"],
                interface=link["ifname"],
                scope=_number(entry.get("scope", 0), _SCOPES),
                secondary=bool(entry.get("secondary")),
            )
            for link in addresses
            for entry in link.get("addr_info", ())
            if entry.get("family") == "inet" and "local" in entry
        ),
        defaults=tuple(
            Route(
                table=_number(route.get("table", MAIN_TABLE), _TABLES),
                gateway=route.get("gateway"),
                interface=route.get("dev"),
                source=route.get("prefsrc"),
            )
            for route in routes
            if route.get("dst") == "default" and route.get("type") in _UNICAST
        ),
        rules=tuple(
            Rule(priority=rule["priority"], source=rule["src"], table=_number(rule["table"], _TABLES))
            for rule in rules
            if "table" in rule and rule.get("srclen", 32) == 32
        ),
    )


def _link(link: dict) -> Link:
    flags = link.get("flags", ())
    ethernet = link.get("link_type") == "ether"
    return Link(
        name=link["ifname"],
        mac=link.get("address") if ethernet else None,
        up="UP" in flags,
        arp=ethernet and "NOARP" not in flags,
    )


def _number(value: str | int, names: t.Mapping[str, int]) -> int:
    """A number that may come as its name; -1 for a name that only the host's own files know."""
    if value in names:
        return names[value]
    try:
        return int(value)
    except ValueError:
        return -1
