# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directives from inventory data: ``{name: value}``, as roles and policy hold them."""

from __future__ import annotations

import typing as t

from ..pmta_config import Directive, Section, quote
from ..pmta_config.embedded import embedded
from ..pmta_config.tokens import SECRETS, may_hold_regex, scan


def words(name: str, value: object) -> list[str]:
    """One value as source words: a boolean is yes or no, nothing clears (``""``), quotes and regexes stay whole."""
    text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    regex = may_hold_regex(name)
    if not regex and '"' not in text:
        return text.split() or [quote("")]
    return [text[start:end] for start, end in scan(text, regex)[0]] or [quote("")]


def values_of(value: object) -> list:
    """A list repeats the directive; None leaves it out."""
    listed = value if isinstance(value, (list, tuple)) else [value]
    return [one for one in listed if one is not None]


def lowered(settings: t.Mapping) -> dict:
    """With names in lower case, so that two mappings can be merged: directive names look case-insensitive."""
    return {name.lower(): value for name, value in settings.items()}


def directives(settings: t.Mapping) -> list[Directive]:
    return [Directive(name, *words(name, one)) for name, value in settings.items() for one in values_of(value)]


def is_secret(node: Directive | Section) -> bool:
    """Whether a password or key stands in it, or in what it holds."""
    if isinstance(node, Directive):
        return node.name.lower() in SECRETS or not may_hold_regex(node.name) and bool(embedded(" ".join(node.args)))
    return isinstance(node, Section) and (bool(embedded(node.name)) or any(is_secret(child) for child in node.nodes))
