# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets inside other values: a password in a URL, an option of a command that accounting records are piped to."""

from __future__ import annotations

import re

_NAMES = r"(?:passwords?|passwd|passphrase|pass|pwd|pw|tokens?|secrets?|api[-_]?key|access[-_]?key|auth[-_]?key|apikey)"
_EMBEDDED = re.compile(
    # https://user:SECRET@host
    r"://[^\s/@\"']*?:(?P<url>[^\s/@\"']+)@"
    # --db-password=SECRET, -token SECRET, ?api_key=SECRET, DB_PASSWORD=SECRET
    rf"|(?:(?<![\w-])--?(?:\w+[-_])*{_NAMES}(?:=|\s+(?=[^\s-]))|(?:\b|_){_NAMES}=)(?:\\?[\"'](?P<quoted>[^\"'\\]+)|(?P<option>[^\s\"'\\&]+))"
    # Authorization: Bearer SECRET
    r"|authorization:\s*(?:\w+\s+)?(?P<header>[\w.~+/=-]+)",
    re.IGNORECASE,
)


def embedded(text: str) -> list[tuple[int, int]]:
    """Where the secrets stand in a text, as (start, end)."""
    return [found.span(found.lastgroup or 0) for found in _EMBEDDED.finditer(text)]


def masked(text: str, shown: str) -> str:
    """The text with *shown* in the place of each secret."""
    for start, end in reversed(embedded(text)):
        text = f"{text[:start]}{shown}{text[end:]}"
    return text
