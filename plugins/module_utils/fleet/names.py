# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be written as an address, a host name, a mailbox or a name of ours; each check returns a fault or None."""

from __future__ import annotations

import ipaddress
import re

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)\Z")
# RFC 5321 Dot-string, lower case: the only local parts that every mailer and every regex reads the same way.
_LOCAL = re.compile(r"[a-z0-9_+-]+(\.[a-z0-9_+-]+)*\Z")
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?\Z")


def host_name_fault(value: object) -> str | None:
    """RFC 1123 host name with at least two labels, lower case, written as A-label (xn--)."""
    if not isinstance(value, str) or not value:
        return "is not a host name"
    if not value.isascii():
        return "is not ASCII: write the A-label (xn--...)"
    if value != value.lower():
        return "has upper case: names are kept in lower case"
    labels = value.split(".")
    if len(value) > 253 or len(labels) < 2 or not all(_LABEL.match(label) for label in labels) or labels[-1].isdigit():
        return "is not a host name (RFC 1123: labels of letters, digits and inner hyphens, at least one dot)"
    return None


def mailbox_fault(value: object) -> str | None:
    """``local@domain`` with an RFC 5321 dot-string as local part."""
    if not isinstance(value, str) or value.count("@") != 1:
        return "is not an e-mail address"
    local, domain = value.split("@")
    if value != value.lower():
        return "has upper case: addresses are kept in lower case"
    if len(local) > 64 or not _LOCAL.match(local):
        return "has a local part that is not plain (letters, digits, _ + - and inner dots)"
    return host_name_fault(domain)


def name_fault(value: object) -> str | None:
    """A tenant, pool or virtual MTA: lower case, no blanks, nothing PowerMTA could read as syntax."""
    if not isinstance(value, str) or len(value) > 100 or not _NAME.match(value):
        return "is not a name (lower-case letters, digits, inner . _ -)"
    return None


def ipv4_fault(value: object) -> str | None:
    """An IPv4 address a mail server can own: not loopback, multicast, link-local, reserved or unspecified."""
    if not isinstance(value, str):
        return "is not an IPv4 address"
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return "is not an IPv4 address"
    if address.version == 6:
        return "is an IPv6 address; senders are IPv4 (each IP is one sender, and receivers judge IPv6 by /64)"
    first = int(address) >> 24
    if address.is_loopback or address.is_multicast or address.is_link_local or first in (0, 255) or first >= 240:
        return "cannot be bound as a sending address (loopback, multicast, link-local or reserved)"
    return None


def ipv4_network_fault(value: object) -> str | None:
    """An IPv4 network in CIDR form, or one address."""
    if not isinstance(value, str):
        return "is not an IPv4 network"
    try:
        network = ipaddress.ip_network(value)
    except ValueError as error:
        return f"is not an IPv4 network ({error})"
    return None if network.version == 4 else "is an IPv6 network; senders are IPv4"
