# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may relay: which networks and recipient patterns are too wide. One rule for the inventory and for the linter."""

from __future__ import annotations

import ipaddress
import re
import typing as t
import warnings

Network = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

#: Not reachable from the Internet: RFC 1918, RFC 6598, RFC 2544 (laboratories), loopback; RFC 4193, RFC 4291.
_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "198.18.0.0/15",
        "127.0.0.0/8",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    )
)
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
#: Shortest prefix of a public network that one owner plausibly has, by IP version.
_PUBLIC = {4: 16, 6: 32}
#: Recipients of nobody's.
_STRANGERS = tuple(
    f"{local}@{domain}"
    for domain in ("qzx.com", "qzx.net", "qzx.org", "qzx.test", "mx.qz1.com", "qzx.co.uk")
    for local in ("q", "abuse", "postmaster", "b-1")
)
# A group that is repeated may try each way to divide a text: such a pattern is tried on the briefest ones only.
_REPEATED_GROUP = re.compile(r"\)[*+{]")
_BRIEF = ("q@q.io", "q@q.de")
# `LOCALS@literal\.domain$` without an alternative beside it, the form that needs no trial: it names one domain.
_ONE_DOMAIN = re.compile(r"(?:[^@|()\\]|\\.|\([^()@]*\))*@(?:[A-Za-z0-9-]|\\[.-])+\$\Z", re.ASCII | re.DOTALL)


def is_private(network: Network) -> bool:
    """Whether the whole network is out of the Internet's reach."""
    return any(network.version == private.version and network.subnet_of(private) for private in _PRIVATE)


def network_fault(network: Network) -> str | None:
    """Why the addresses of *network* may not hand in mail without a login, or None.

    Private networks up to /8 are one owner's; of public ones more than a /16 (IPv6: /32) is many strangers'.
    """
    if network.version == 6 and network.subnet_of(_MAPPED):
        network = ipaddress.IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
    if is_private(network):
        return None
    if network.prefixlen >= _PUBLIC[network.version]:
        return None
    if network.prefixlen == 0:
        return "would let everybody relay"
    return f"would let strangers relay: a public network wider than /{_PUBLIC[network.version]}"


def domain_pattern_fault(pattern: str) -> str | None:
    """Why mail to the domains of a PowerMTA domain pattern may not be taken from everybody, or None."""
    if pattern.startswith("[") and not pattern.startswith("[*."):
        try:
            literal = ipaddress.ip_network(re.sub(r"(?i)\Aipv6:", "", pattern[1:-1]), strict=False)
        except ValueError:
            # Short forms such as 0/0 and 10/8.
            return "would take mail to any address literal" if re.match(r"\[[\d.]*/[0-7]\]", pattern) else None
        return "would take mail to any address literal" if network_fault(literal) else None
    if pattern == "*":
        return "would take mail to every domain"
    wild = re.match(r"(?:\*\.|\[\*\.\])(.*)\Z", pattern, re.DOTALL)
    if wild and "." not in wild[1].rstrip(".") and "$" not in wild[1]:
        return f"would take mail to every domain under {wild[1]}"
    return None


def address_pattern_fault(pattern: str) -> str | None:
    """Why mail to the addresses that ``/regex/`` matches may not be taken from everybody, or None.

    Tried on addresses that nobody has. PowerMTA's patterns are PCRE, ignore case and are not anchored; one that Python
    cannot read is not judged.
    """
    if len(pattern) < 2 or pattern[0] != "/" or pattern[-1] != "/" or _ONE_DOMAIN.match(pattern[1:-1]):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = re.compile(pattern[1:-1], re.IGNORECASE).search
    except (re.error, OverflowError, RecursionError):
        return None
    for stranger in _BRIEF if _REPEATED_GROUP.search(pattern) else _STRANGERS:
        if found(stranger):
            return f"matches foreign addresses, such as {stranger}"
    return None
