# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names under which lists are asked (RFC 5782 2.1, 2.3, 2.4), and the targets as they are written."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from ..dns_text import is_name, plain_name
from .catalogue import IP
from .lists import Blocklist

# RFC 5782 5: what an IPv6 list has to list, and what not.
IPV6_LISTED, IPV6_CLEAN = "::ffff:7f00:2", "::ffff:7f00:1"


def plain_address(text: str) -> str:
    """The one spelling of an address. Raises ValueError."""
    return str(ipaddress.ip_address(text.strip()))


def plain_domain(text: str) -> str:
    """The one spelling of a domain, A-labels for what is not ASCII (RFC 5891). Raises ValueError."""
    name = plain_name(text)
    try:
        # The standard library knows IDNA 2003 only; the few letters that differ are written as A-labels.
        name = name if name.isascii() else name.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise ValueError(f"{text} is no domain ({error})") from None
    if not is_name(name) or is_address(name):
        raise ValueError(f"{text} is no domain")
    return name


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
        return True
    except ValueError:
        return False


@lru_cache(maxsize=4096)
def reversed_address(address: str) -> str:
    """``192.0.2.1`` -> ``1.2.0.192``; an IPv6 address by its 32 digits."""
    return ipaddress.ip_address(address).reverse_pointer.rsplit(".", 2)[0].lower()


def query_name(blocklist: Blocklist, target: str) -> str:
    """The name that is asked about an address or domain. Raises ValueError for one that fits into no name."""
    asked = reversed_address(target) if blocklist.kind == IP else plain_name(target)
    name = f"{asked}.{blocklist.zone}"
    if len(name) > 253:
        raise ValueError(f"{target} is too long to be asked about at {blocklist.shown_zone}")
    return name


def domains_of(name: str) -> list[str]:
    """The domain and those it lies under, except top-level ones: lists may name any of them."""
    labels = plain_name(name).split(".")
    return [".".join(labels[at:]) for at in range(max(1, len(labels) - 1))]
