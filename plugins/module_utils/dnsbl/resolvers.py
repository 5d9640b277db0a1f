# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether lists may be asked through a resolver at all. Lists refuse public resolvers, or answer them wrongly, and so it is with what
forwards to one; a resolver that invents answers for names that do not exist would have everybody listed."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from ..dns_verdict.answers import FOUND, NXDOMAIN, Answer

# Where public resolvers listen, and the networks from which the large ones ask.
PUBLIC: dict[str, tuple[str, ...]] = {
    "Google Public DNS": ("8.8.8.8", "8.8.4.4", "2001:4860:4860::/48"),
    "Cloudflare": ("1.1.1.0/24", "1.0.0.0/24", "2606:4700:4700::/48"),
    "Quad9": ("9.9.9.0/24", "149.112.112.0/24", "2620:fe::/48"),
    "OpenDNS": ("208.67.216.0/21", "2620:119:35::/48", "2620:119:53::/48", "2620:0:ccc::/48", "2620:0:ccd::/48"),
    "AdGuard DNS": ("94.140.14.0/24", "94.140.15.0/24", "2a10:50c0::/32"),
    "CleanBrowsing": ("185.228.168.0/24", "185.228.169.0/24", "2a0d:2a00:1::/48", "2a0d:2a00:2::/48"),
    "Control D": ("76.76.2.0/24", "76.76.10.0/24", "2606:1a40::/32"),
    "DNS0": ("193.110.81.0/24", "185.253.5.0/24"),
    "DNS4EU": ("86.54.11.0/24", "2a13:1001::/32"),
    "Level 3": ("4.2.2.0/29",),
    "Vercara UltraDNS": ("64.6.64.0/24", "64.6.65.0/24", "156.154.70.0/24", "156.154.71.0/24", "2610:a1:1018::/48"),
    "Comodo": ("8.26.56.0/24", "8.20.247.0/24"),
    "Yandex DNS": ("77.88.8.0/24", "2a02:6b8::feed:0/112"),
    "AliDNS": ("223.5.5.0/24", "223.6.6.0/24"),
    "DNSPod": ("119.29.29.0/24",),
    "114DNS": ("114.114.114.0/24", "114.114.115.0/24"),
    "Hurricane Electric": ("74.82.42.42",),
    "DNS.WATCH": ("84.200.69.80", "84.200.70.40"),
    "FreeDNS": ("37.235.1.0/24",),
    "Mullvad": ("194.242.2.0/24",),
}
ASKING: dict[str, tuple[str, ...]] = {
    "Google Public DNS": ("172.253.0.0/16", "74.125.0.0/16", "173.194.0.0/16", "172.217.32.0/20", "2404:6800::/32"),
    "Cloudflare": ("162.158.0.0/15", "172.68.0.0/14", "141.101.64.0/18", "108.162.192.0/18", "2400:cb00::/32"),
    "Quad9": ("74.63.16.0/20", "204.61.208.0/21", "2620:171::/40"),
    "OpenDNS": ("146.112.0.0/16", "67.215.64.0/19", "204.194.232.0/21", "2a04:e4c0::/29"),
}
_NETWORKS = {
    table: [(name, ipaddress.ip_network(text)) for name, texts in entries.items() for text in texts]
    for table, entries in (("listens", PUBLIC), ("asks", ASKING))
}

REMEDY = (
    "Ask through a resolver of one's own that asks the zones' servers itself: unbound without forward-zone on the host that checks "
    "(roles/resolver)"
)


@dataclass(frozen=True)
class Resolver:
    """What is known of a resolver. address: where it is asked. absent: its answer about a name that cannot exist. identities: its
    answers about names whose servers tell the address that asks them."""

    address: str
    absent: Answer
    identities: tuple[Answer, ...] = ()


@dataclass(frozen=True)
class Fitness:
    """fit: whether lists may be asked through it. reasons: why not; notes: what could not be told."""

    fit: bool
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def operator_of(address: str, table: str = "listens") -> str | None:
    """Who runs a public resolver at this address (table "asks": asks from it), None for anybody else."""
    plain = ipaddress.ip_address(address)
    return next((name for name, network in _NETWORKS[table] if plain in network), None)


def is_public(address: str) -> Fitness | None:
    """The verdict where the address alone is enough: nothing has to be asked then."""
    operator = operator_of(address)
    if operator is None:
        return None
    return Fitness(False, (f"resolver {address} is public ({operator}): lists refuse it, or answer it wrongly",))


def judge(resolver: Resolver, own: Iterable[str] = ()) -> Fitness:
    """Whether it may be used. own: addresses of the host that checks, and those that the inventory says its resolver asks from."""
    known = is_public(resolver.address)
    if known:
        return known
    label = f"resolver {resolver.address}"
    absent = resolver.absent
    if absent.state == FOUND:
        told = ", ".join(absent.values)
        return Fitness(False, (f"{label} invents answers: a name that does not exist has the address {told}",))
    if absent.unknown:
        return Fitness(False, (f"{label} does not resolve names ({absent.detail or 'no answer'})",))
    if absent.state != NXDOMAIN:
        return Fitness(False, (f"{label} does not say that a name does not exist that cannot exist",))
    return _forwards(resolver, label, own)


def asking_addresses(answers: Iterable[Answer]) -> list[str]:
    """The addresses that identity names were answered with, as A, AAAA or the text of TXT records."""
    found = []
    for answer in answers:
        for value in answer.values:
            try:
                found.append(str(ipaddress.ip_address(value.strip().strip('"'))))
            except ValueError:
                continue  # the name tells more than the address, the client's network for example
    return list(dict.fromkeys(found))


def _forwards(resolver: Resolver, label: str, own: Iterable[str]) -> Fitness:
    asking = asking_addresses(resolver.identities)
    if not asking:
        return Fitness(
            True, notes=(f"{label}: whether it forwards cannot be told, the names that show it have no answer",)
        )
    mine = {str(ipaddress.ip_address(address)) for address in (*own, resolver.address)}
    notes = []
    for address in asking:
        if address in mine:
            continue
        operator = operator_of(address, "asks") or operator_of(address)
        if operator:
            return Fitness(False, (f"{label} forwards to a public one: {operator} asks for it, from {address}",))
        if _translated(address, mine):
            notes.append(
                f"{label} asks from {address}; whether that is this network's own cannot be told, since no public address of it is "
                "declared"
            )
            continue
        return Fitness(False, (f"{label} forwards: {address} asks for it, which is neither it nor this host",))
    return Fitness(True, notes=tuple(notes))


def _translated(address: str, mine: Iterable[str]) -> bool:
    """Whether it may be one's own behind address translation: nothing of one's own is public, and it is."""
    asking = ipaddress.ip_address(address)
    of_family = [ipaddress.ip_address(one) for one in mine if ipaddress.ip_address(one).version == asking.version]
    return asking.is_global and not any(one.is_global for one in of_family)
