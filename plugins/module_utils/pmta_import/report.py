# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of every line: one row for each, in file order, and the same as a page to read."""

from __future__ import annotations

import typing as t

from ..pmta_config import Blank, Comment, Directive, Section
from . import secret
from .read import Item

KEPT = "kept"
REPLACED = "replaced"
DROPPED = "dropped"
COMMENT = "comment"
BLANK = "blank"
# Not decided: only a line with an error is; nothing of an import that has one is written.
UNCLEAR = "unclear"

# A file that is included twice has one row for each line: the verdict that keeps most.
_RANK = (KEPT, UNCLEAR, REPLACED, DROPPED, COMMENT, BLANK)
_LONGEST = 160


class Row(t.NamedTuple):
    """file, 1-based line; text: the line without secrets; verdict; where: the variable it went to; why."""

    file: str
    line: int
    text: str
    verdict: str
    where: str
    why: str


class Report:
    def __init__(self) -> None:
        self._rows: dict[tuple[str, int], Row] = {}

    def add(self, item: Item, verdict: str, where: str = "", why: str = "") -> None:
        """Say what became of a node: all its lines, for a section the opening and the closing one."""
        node = item.node
        raw = node.raw or ""
        lines = raw.split("\n")
        if lines[-1] == "" and len(lines) > 1:
            lines.pop()
        for offset, text in enumerate(lines if raw else ()):
            shown = secret.shown(node, text, offset)
            self._put(Row(item.file, node.line + offset, shown[:_LONGEST], verdict, where, why))
        if isinstance(node, Section) and node.tail and node.closing_line:
            self._put(Row(item.file, node.closing_line, node.tail.strip()[:_LONGEST], verdict, where, why))

    def _put(self, row: Row) -> None:
        key = (row.file, row.line)
        known = self._rows.get(key)
        if known is None:
            self._rows[key] = row
            return
        first, second = sorted((known, row), key=lambda one: _RANK.index(one.verdict))
        wheres = [*filter(None, first.where.split(", ")), *filter(None, second.where.split(", "))]
        self._rows[key] = first._replace(where=", ".join(dict.fromkeys(wheres)), why=first.why or second.why)

    def add_all(self, items: t.Iterable[Item], verdict: str, where: str = "", why: str = "") -> None:
        """The same for everything below; comments and blank lines stay what they are."""
        for item in items:
            if isinstance(item.node, Blank):
                self.add(item, BLANK)
            elif isinstance(item.node, Comment):
                self.add(item, COMMENT)
            else:
                self.add(item, verdict, where, why)
                self.add_all(item.inside, verdict, where, why)

    def verdict(self, file: str, line: int) -> str | None:
        row = self._rows.get((file, line))
        return row.verdict if row else None

    def rows(self, files: t.Sequence[str]) -> list[Row]:
        order = {file: at for at, file in enumerate(files)}
        return sorted(self._rows.values(), key=lambda row: (order[row.file], row.line))


def markdown(rows: t.Sequence[Row], notes: t.Sequence[str], path: str) -> str:
    """The report as a page: what to do by hand, counts, and a table for each file."""
    verdicts = (KEPT, REPLACED, DROPPED, COMMENT, BLANK)
    counts = {verdict: sum(row.verdict == verdict for row in rows) for verdict in verdicts}
    lines = [
        "# What became of the imported PowerMTA configuration",
        "",
        f"Read from `{path}`. " + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()) + " lines.",
        "",
    ]
    if notes:
        lines += ["## To know, and to do by hand", "", *(f"- {note}" for note in notes), ""]
    for file in dict.fromkeys(row.file for row in rows):
        lines += [f"## {file}", "", "| line | text | verdict | where | why |", "| ---: | --- | --- | --- | --- |"]
        for row in rows:
            if row.file == file and row.verdict != BLANK:
                cells = (_code(row.text), row.verdict, _code(row.where), _plain(row.why))
                lines.append(f"| {row.line} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _plain(text: str) -> str:
    return text.replace("|", "\\|")


def _code(text: str) -> str:
    if not text:
        return ""
    fence = "``" if "`" in text else "`"
    pad = " " if fence == "``" else ""
    return f"{fence}{pad}{_plain(text)}{pad}{fence}"


def entry_comment(above: t.Sequence[Item], node: Directive) -> str:
    """The comment lines that stand right above an entry, and the one behind it."""
    parts = [item.node.text.strip() for item in above] + [(node.comment or "").strip()]
    # A comment of comment signs draws a line and says nothing.
    return secret.hidden(" / ".join(part for part in parts if part.strip("#=-* ")))
