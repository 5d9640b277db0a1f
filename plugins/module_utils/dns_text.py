# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS names and values as text: one spelling for comparison, and the zone-file (presentation) form.

Names are absolute everywhere in this collection; they are kept lower-case and without the final dot, and get the dot
when they are printed. TXT values are the joined text (RFC 7208 3.3, RFC 6376 3.6.2.2: strings are concatenated without
a separator)."""

from __future__ import annotations

import ipaddress
import re

TXT_STRING_LIMIT = 255  # RFC 1035 3.3.14: a <character-string> has one length byte

_LABEL = re.compile(r"^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$", re.ASCII)
# RFC 2317 puts a slash or a dash into the label that stands for a part of a /24.
_REVERSE_LABEL = re.compile(r"^[a-z0-9_](?:[a-z0-9_/-]{0,61}[a-z0-9_])?$", re.ASCII)


def plain_name(name: str) -> str:
    """The one spelling of a name: lower-case, no final dot. ``""`` is the root."""
    return name.strip().lower().rstrip(".")


def is_name(name: str) -> bool:
    """Whether ``name`` (in its one spelling) can stand in a zone: labels of 1-63, at most 253 characters (RFC 1035
    2.3.4)."""
    if not name or len(name) > 253:
        return False
    label = _REVERSE_LABEL if name.endswith(".arpa") else _LABEL
    return all(label.match(part) for part in name.split("."))


def is_under(name: str, parent: str) -> bool:
    """Whether ``name`` equals ``parent`` or lies below it; both in their one spelling. Everything is under the root."""
    return parent == "" or name == parent or name.endswith("." + parent)


def longest_suffix(name: str, suffixes) -> str | None:
    """The longest of ``suffixes`` that ``name`` is under, or None. ``suffixes``: any container of plain names."""
    rest = name
    while True:
        if rest in suffixes:
            return rest
        if not rest:
            return None
        rest = rest.partition(".")[2]


def dotted(name: str) -> str:
    """The absolute form for zone files."""
    return plain_name(name) + "."


def split_txt(value: str, limit: int = TXT_STRING_LIMIT) -> list[str]:
    """Cut a TXT value into strings of at most ``limit`` bytes (UTF-8), never inside a character; joined they are the
    value again."""
    pieces: list[str] = []
    current, size = [], 0
    for character in value:
        width = len(character.encode("utf-8", "surrogateescape"))
        if size + width > limit:
            pieces.append("".join(current))
            current, size = [], 0
        current.append(character)
        size += width
    pieces.append("".join(current))
    return pieces


def quote_string(text: str) -> str:
    """One <character-string> in zone-file form (RFC 1035 5.1): quoted; quote and backslash escaped; other bytes as
    ``\\DDD``."""
    escaped = []
    for byte in text.encode("utf-8", "surrogateescape"):
        if byte in (0x22, 0x5C):
            escaped.append("\\" + chr(byte))
        elif 0x20 <= byte <= 0x7E:
            escaped.append(chr(byte))
        else:
            escaped.append(f"\\{byte:03d}")
    return '"' + "".join(escaped) + '"'


def quote_txt(value: str) -> str:
    """A TXT value in zone-file form, as many strings as it needs."""
    return " ".join(quote_string(piece) for piece in split_txt(value))


def plain_value(rtype: str, value: str) -> str:
    """The one spelling of a value, so that wanted and observed can be compared.

    A/AAAA: canonical address. PTR/CNAME/NS: absolute lower-case name with final dot. MX: ``"10 host."``. TXT: as it is.
    Raises ValueError for a value that is not one of its type.
    """
    if rtype == "A":
        return str(ipaddress.IPv4Address(value.strip()))
    if rtype == "AAAA":
        return str(ipaddress.IPv6Address(value.strip()))
    if rtype in ("PTR", "CNAME", "NS"):
        return dotted(value)
    if rtype == "MX":
        preference, exchange = value.split()
        if not 0 <= int(preference) <= 65535:
            raise ValueError(f"MX preference {preference} is not within 0-65535")
        return f"{int(preference)} {dotted(exchange)}"
    return value


def zone_value(rtype: str, value: str) -> str:
    """A value as a zone file prints it."""
    return quote_txt(value) if rtype == "TXT" else plain_value(rtype, value)


def reverse_name(address: str) -> str:
    """The PTR owner of an address in the standard reverse tree (RFC 1035 3.5, RFC 3596 2.5)."""
    return ipaddress.ip_address(address).reverse_pointer.lower()
