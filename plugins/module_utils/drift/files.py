# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file on disk against the wanted one, directive by directive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher

from .difference import Difference, difference
from .outline import Line, Outline, Part, outline
from .values import meaning, shown

# First match wins in these, so order is meaning.
_ORDERED = frozenset(
    (
        "pattern-list",
        "smtp-pattern-list",
        "bounce-category-patterns",
        "mx-rollup-list",
        "domain-key-list",
        "rewrite-list",
    )
)
_ORDERED_LINES = frozenset(("http-access", "domain-key", "include"))


def compare_files(wanted: str, found: str, path: str, remedy: str | None = None) -> list[Difference]:
    """Every difference between two texts that are not the same; where none of them is one of meaning, that one.

    remedy: for every difference, where more is known than its kind says.
    """
    return _Files(outline(wanted), outline(found), path, remedy).differences()


class _Files:
    def __init__(self, wanted: Outline, found: Outline, path: str, remedy: str | None):
        self.wanted, self.found, self.path, self.remedy = wanted, found, path, remedy

    def differences(self) -> list[Difference]:
        result = [
            difference("file-syntax", f"line {line}", self.at(line), "PowerMTA's language", rule, self.remedy)
            for line, rule in self.found.garbage
        ]
        # What stands in a section that is missing or extra as a whole is not told line by line.
        untold: set = set()
        for key, part in self.wanted.parts.items():
            if key not in self.found.parts:
                if key[:-1] not in untold:
                    result.append(self.one("section-missing", part.title, self.holder(key), _sum(part), None))
                untold.add(key)
                continue
            other = self.found.parts[key]
            if len(other.places) > max(len(part.places), 1):
                result.append(
                    self.one(
                        "section-twice", part.title, self.at(other.places[-1]), "once", f"{len(other.places)} times"
                    )
                )
            result += self.lines(part, other)
        for key, part in self.found.parts.items():
            if key not in self.wanted.parts:
                if key[:-1] not in untold:
                    result.append(self.one("section-extra", part.title, self.at(part.places[0]), None, _sum(part)))
                untold.add(key)
        if not result:
            result.append(self.one("file-text", "text", self.path, "as rendered", "as edited"))
        return sorted(result, key=lambda one: _line_of(one.where))

    def one(self, kind: str, what: str, where: str, wanted: str | None, found: str | None) -> Difference:
        return difference(kind, what, where, wanted, found, self.remedy)

    def at(self, line: int) -> str:
        return f"{self.path}:{line}" if line else self.path

    def holder(self, key: tuple) -> str:
        """Where a missing section belongs."""
        above = self.found.parts.get(key[:-1])
        return self.at(above.places[0] if above else 0)

    def lines(self, wanted: Part, found: Part) -> Iterator[Difference]:
        if wanted.tag in _ORDERED:
            yield from self.ordered(wanted, wanted.lines, found, found.lines)
            return
        names = dict.fromkeys(line.name for line in (*wanted.lines, *found.lines))
        mine, theirs = _by_name(wanted.lines), _by_name(found.lines)
        for name in names:
            here, there = mine.get(name, []), theirs.get(name, [])
            if name in _ORDERED_LINES:
                yield from self.ordered(wanted, here, found, there)
            else:
                kept = Counter(map(_meaning, here)) & Counter(map(_meaning, there))
                yield from self.paired(wanted, _without(here, kept), found, _without(there, kept))

    def paired(self, wanted: Part, here: list[Line], found: Part, there: list[Line]) -> Iterator[Difference]:
        for old, new in zip(here, there):
            yield self.one("file-value", _what(wanted, old), self.at(new.line), _text(wanted, old), _text(wanted, new))
        for old in here[len(there) :]:
            yield self.one("file-line-missing", _what(wanted, old), self.at(found.places[0]), _text(wanted, old), None)
        for new in there[len(here) :]:
            yield self.one("file-line-extra", _what(wanted, new), self.at(new.line), None, _text(wanted, new))

    def ordered(self, wanted: Part, here: list[Line], found: Part, there: list[Line]) -> Iterator[Difference]:
        old, new = [_meaning(line) for line in here], [_meaning(line) for line in there]
        if old == new:
            return
        if Counter(old) == Counter(new):
            at = [one == two for one, two in zip(old, new)].index(False)
            yield self.one(
                "file-order", _what(wanted, there[at]), self.at(there[at].line), _text(wanted, here[at]),
                _text(wanted, there[at]),
            )  # fmt: skip
            return
        for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if tag != "equal":
                yield from self.paired(wanted, here[i:j], found, there[k:m])


def _by_name(lines: list[Line]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(line.name, []).append(line)
    return found


def _meaning(line: Line) -> tuple:
    words: list[str] = []
    for value in line.values:
        # A list that goes on after a blank.
        if words and words[-1].endswith(",") and not words[-1].startswith("/"):
            words[-1] += value
        else:
            words.append(value)
    return (line.name, *map(meaning, words))


def _without(lines: list[Line], kept: Counter) -> list[Line]:
    left = Counter(kept)
    rest = []
    for line in lines:
        if left[_meaning(line)]:
            left[_meaning(line)] -= 1
        else:
            rest.append(line)
    return rest


def _what(part: Part, line: Line) -> str:
    return f"{part.title}: {line.name}" if part.title else line.name


def _text(part: Part, line: Line) -> str:
    return shown(line.name, line.values, part.tag)


def _sum(part: Part) -> str:
    return f"a section with {len(part.lines)} directives"


def _line_of(where: str) -> int:
    line = where.rpartition(":")[2]
    return int(line) if line.isdigit() else 0
