# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tag lists, as DKIM keys and DMARC policies are written (RFC 6376 3.2, RFC 9989 4.7)."""

from __future__ import annotations


def parse_tags(text: str) -> list[tuple[str, str]]:
    """``"v=DMARC1; p=none"`` -> ``[("v", "DMARC1"), ("p", "none")]``, names in lower case.

    Raises ValueError for a piece that is no tag and for a tag that comes twice.
    """
    tags, fault = read_tags(text)
    if fault:
        raise ValueError(fault)
    return tags


def read_tags(text: str) -> tuple[list[tuple[str, str]], str]:
    """The tags that can be read, the first of equal ones, and the first fault in words, or ""."""
    pieces = text.split(";")
    if not pieces[-1].strip():
        pieces.pop()
    found: list[tuple[str, str]] = []
    fault = ""
    for piece in pieces:
        name, equals, value = piece.partition("=")
        name = name.strip().lower()
        if not equals or not name:
            fault = fault or f"{piece.strip()!r} is no tag"
        elif any(name == known for known, _value in found):
            fault = fault or f"tag {name} comes twice"
        else:
            found.append((name, value.strip()))
    return found, fault
