# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nested values as PHP reads them from a form: ``campaign[name]=...``. MailWizz knows no other body; a JSON one arrives empty."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus

#: PHP drops what comes after so many variables of one request (max_input_vars), and says so nowhere in its answer.
VARIABLES = 1000
# PHP changes dots and spaces, ends a name at a bracket, and numbers what is blank.
_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def pairs(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The form's variables in order: (name, text). None and empty collections have no variable; a bool is MailWizz's yes or no.

    Raises ValueError for a name that PHP would read as another one, TypeError for what is no text, number, mapping or sequence.
    """
    for name, value in values.items():
        yield from _under(_sound(name), value)


def encode(values: Mapping[str, Any]) -> str:
    """The body, application/x-www-form-urlencoded. Raises ValueError where PHP would drop a part of it."""
    found = list(pairs(values))
    if len(found) > VARIABLES:
        raise ValueError(f"{len(found)} variables in one request, of which PHP reads {VARIABLES}")
    return "&".join(f"{quote_plus(name)}={quote_plus(text)}" for name, text in found)


def base64_text(text: str) -> str:
    """As MailWizz wants content: of templates, and of campaigns."""
    return base64.b64encode(text.encode()).decode("ascii")


def _under(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _under(f"{name}[{_sound(key)}]", one)
    elif isinstance(value, bool):
        yield name, "yes" if value else "no"
    elif isinstance(value, (str, int, float)):
        yield name, str(value)
    elif isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        for number, one in enumerate(value):
            yield from _under(f"{name}[{number}]", one)
    else:
        raise TypeError(f"{name}: {type(value).__name__} has no form")


def _sound(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(f"PHP might read the name {key!r} as another one")
    return key
