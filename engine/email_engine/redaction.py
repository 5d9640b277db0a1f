# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets out of texts and values that are logged, shown or kept: those known by their value, and those known by their look or name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote

HIDDEN = "***"
#: Of anything shorter every text is full; a rule for secrets keeps them longer.
SHORTEST = 6

_NAMES = r"(?:pass(?:word|wd|phrase)?|secret|token|pepper|salt|api[-_]?key|authorization|cookie|credentials?|private[-_]?key|alert[-_]?urls?)"
# What is a secret whoever wrote it: an API key (its prefix finds the row, and tells nothing), a PEM private key, a URL's password.
_LOOKS = (
    (re.compile(r"\bee_([0-9a-f]{8})_[A-Za-z0-9_-]{16,}"), rf"ee_\1_{HIDDEN}"),
    (
        re.compile(r"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
        rf"-----BEGIN \1PRIVATE KEY-----{HIDDEN}",
    ),
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^/\s:@\"']*:)[^/\s@\"']+@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    # name=value, name: value, "name": "value", also within a JSON text; quotes stay, so that JSON stays JSON.
    (
        re.compile(
            rf"(\b(?:[\w.-]*[-_.])?{_NAMES}(?:\\?[\"'])?\s*[:=]\s*(?:Bearer\s+)?)"
            r"(?:(?P<quote>\\?[\"'])(?:(?!(?P=quote)).)*(?P=quote)|[^\s,;&'\"})\]\\]+)",
            re.IGNORECASE | re.DOTALL,
        ),
        lambda found: f"{found[1]}{found['quote'] or ''}{HIDDEN}{found['quote'] or ''}",
    ),
)
_NAMED = re.compile(rf"(?:^|[-_. ]){_NAMES}$", re.IGNORECASE)
# Of an alert's address: host names, mail addresses and plain words are no secrets, and stand in many texts.
_PLAIN = re.compile(
    r"[\w.+-]+@[\w.-]+|(?i:(?:[a-z0-9-]+\.)+[a-z]{2,}|localhost|[\d.]+)(?::\d+)?|[A-Za-z]?[a-z_-]{0,18}"
)


def parts_of_address(url: str) -> set[str]:
    """What is secret of the address of an alert's receiver, as apprise reads it: all of it, its password, and whatever looks like a token.

    Services keep their tokens where others have a host, a user or a path.
    """
    scheme, _, rest = url.partition("://")
    login, at, _ = rest.rpartition("@")
    found = {url, rest}
    if at and ":" in login:
        found.add(login.partition(":")[2])
    for part in re.split(r"[/?&#]", rest):
        name, equals, value = part.partition("=")
        if equals and _is_secret(name):
            found.add(value)
        for one in (part, value, *re.split(r"[:@=,]", part)):
            if len(one) >= 8 and not _PLAIN.fullmatch(one):
                found.add(one)
    return {form for one in found for form in (one, unquote(one)) if len(form) >= SHORTEST}


class Redactor:
    """secrets: known by their value, wherever they stand and however they are quoted."""

    def __init__(self, secrets: Iterable[str] = ()):
        forms = set()
        for secret in secrets:
            if len(secret) >= SHORTEST:
                forms |= {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
                forms |= {quote(secret), quote(secret, safe=""), repr(secret)[1:-1]}
        # The longest first: one secret may begin another.
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for pattern, instead in _LOOKS:
            text = pattern.sub(instead, text)
        return text

    def value(self, value: Any) -> Any:
        """*value* with its texts redacted, at any depth; what a secret's name holds is hidden whole."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {
                self.value(name): HIDDEN if _is_secret(name) and one is not None else self.value(one)
                for name, one in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.value(one) for one in value]
        return value


def _is_secret(name: Any) -> bool:
    return isinstance(name, str) and _NAMED.search(name) is not None
