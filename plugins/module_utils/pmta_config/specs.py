# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directive table made ready for lookups: per section, what each name takes."""

from __future__ import annotations

import difflib
from functools import lru_cache
from typing import NamedTuple

from . import directives, sections, values

# Rows that are not lines of their own: keywords of a result, reserved names, and tags.
_KEYWORDS = ("RESULT keyword", "action ", "reserved ", "section", "nested ")


class Spec(NamedTuple):
    """A directive in one section: its table row, the judge of its arguments, and (rule, message) for what needs a remark."""

    name: str
    section: str
    row: directives.Row
    check: values.Arguments
    # (rule, message, remedy or None for the rule's own)
    remark: tuple[str, str, str | None] | None = None


# What took the place of directives whose row does not say so.
_SUCCESSORS = {
    "smtp-port": "smtp-listener",
    "smtp-ip": "smtp-listener",
    "backoff-max-msg-per-hour": "backoff-max-msg-rate",
    "auto-cold-virtual-mta": "cold-virtual-mta NAME and a <virtual-mta NAME> of that address",
    "dk-sign": "dkim-sign",
}


def _remark(row: directives.Row) -> tuple[str, str, str | None] | None:
    if "no longer valid" in row.confidence:
        return "version", f"{row.name}: {row.confidence.rpartition('; ')[2]}", None
    if row.deprecated:
        hint = row.value.partition("use ")[2].rstrip(")") or _SUCCESSORS.get(row.name)
        told = "" if hint else f" ({row.confidence})"
        return "deprecated", f"{row.name} is outdated{told}", f"Use {hint}" if hint else None
    if not row.documented:
        return "undocumented", f"{row.name} is not documented ({row.confidence})", None
    return None


@lru_cache(maxsize=1)
def by_section() -> dict[str, dict[str, Spec]]:
    """section -> lower-case directive name -> Spec."""
    table: dict[str, dict[str, Spec]] = {sections.GLOBAL: {}, **{tag: {} for tag in sections.TAGS}}
    for row in directives.rows():
        if row.value.startswith(_KEYWORDS):
            continue
        check = values.argument_check(row.value)
        for section in row.sections:
            # The table files the entry of <aliases> under the place of its section.
            place = "aliases" if row.name == "alias" else section
            table[place][row.name.lower()] = Spec(row.name, place, row, check, _remark(row))
    for old, new in sections.SAME_AS.items():
        table[old] = table[new]
    return table


@lru_cache(maxsize=1)
def places() -> dict[str, tuple[str, ...]]:
    """lower-case directive name -> sections it may stand in."""
    found: dict[str, list[str]] = {}
    for section, names in by_section().items():
        for name in names:
            found.setdefault(name, []).append(section)
    return {name: tuple(where) for name, where in found.items()}


def _pairs(name: str) -> frozenset[str]:
    return frozenset(map("".join, zip(name, name[1:])))


@lru_cache(maxsize=64)
def _names(section: str | None) -> list[tuple[str, frozenset[str], int]]:
    """(name, its pairs of letters, its length) of the directives of a section; None: of all, and of the tags."""
    known = [*places(), *sections.TAGS] if section is None else by_section().get(section, ())
    return [(name, _pairs(name), len(name)) for name in known]


@lru_cache(maxsize=512)
def nearest(name: str, section: str) -> str | None:
    """The known directive or tag a misspelt one resembles most; those of the same section first."""
    name = name.lower()[:64]
    pairs = _pairs(name)
    length = len(name)
    for known in (_names(section), _names(None)):
        # Names that share hardly a pair of letters are far off: comparing with every name takes longer than all the rest.
        close = [one for one, theirs, size in known if 5 * len(pairs & theirs) >= length + size or length < 8 > size]
        found = difflib.get_close_matches(name, close, 1, 0.75)
        if found:
            return found[0]
    return None
