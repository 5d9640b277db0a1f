# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration as sections with their lines, however damaged the file is."""

from __future__ import annotations

from typing import NamedTuple

from ..pmta_config import Directive, Garbage, Section, parse
from ..pmta_config.embedded import masked
from .values import HIDDEN

Key = tuple
# Tags that may stand inside another section; any other one there means that somebody lost a closing tag.
_NESTED = frozenset(("domain", "pattern-list", "address-list", "email-patterns"))


class Line(NamedTuple):
    """One directive. name: lower case. values: quotes resolved. line: 1-based."""

    name: str
    values: tuple
    line: int


class Part(NamedTuple):
    """One section, or the file's top level with tag "". title: as a person writes it. value: its name as written.

    lines: its directives in order, those of a repeated section at the end. places: a line number for each time it is opened.
    """

    tag: str
    value: str
    title: str
    lines: list
    places: list


class Outline(NamedTuple):
    """parts: by key, parents before what they hold. garbage: (line, rule) of what is not PowerMTA's language."""

    parts: dict
    garbage: list

    def named(self, tag: str) -> dict[str, Part]:
        """Sections of the top level: {name as written: Part}."""
        return {part.value: part for key, part in self.parts.items() if len(key) == 1 and part.tag == tag}


def outline(text: str) -> Outline:
    """Never raises; every text has one."""
    config = parse(text)
    parts: dict[Key, Part] = {(): Part("", "", "", [], [0])}
    keys: dict[int, Key] = {}
    ended: set[int] = set()
    garbage = {found.line: found.rule for found in config.findings if found.severity == "error"}
    for around, node in config.walk():
        above = keys[id(around[-1])] if around and id(around[-1]) not in ended else ()
        if isinstance(node, Section):
            if above and node.tag.lower() not in _NESTED:
                ended.update(map(id, around))
                above = ()
            # Only an entry's own words tell two unnamed lists of one parent apart.
            name = " ".join([*node.lead, node.value]).strip()
            key = (*above, (node.tag.lower(), name.lower()))
            keys[id(node)] = key
            if key not in parts:
                title = masked(f"{node.tag.lower()} {name}".strip(), HIDDEN)
                title = f"{parts[above].title}, {title}" if above else title
                parts[key] = Part(node.tag.lower(), node.value, title, [], [])
            parts[key].places.append(node.line)
        elif isinstance(node, Directive):
            # In <bounce-category-patterns> the name is the regex itself, where case has a meaning.
            name = node.name if node.name.startswith("/") else node.name.lower()
            parts[above].lines.append(Line(name, node.values, node.line))
        elif isinstance(node, Garbage):
            garbage.setdefault(node.line, "syntax")
    return Outline(parts, sorted(garbage.items()))
