# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings that somebody decided to live with: comments of the form ``# pmta-lint: ignore RULE: reason``.

At the end of a line, or on a line of its own just above it, the comment is for that line; at or above an opening tag it is for the
whole section. ``# pmta-lint: ignore-file RULE: reason`` is for the file it stands in. Several rules are separated by commas.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable

from .finding import WARNING, Finding, Rule, Silenced
from .tree import Blank, Comment, Config, Directive, Garbage, Section

RULES = {
    "silence-without-reason": Rule(
        WARNING,
        "A finding is silenced for the next reader too, who needs to know why it is acceptable here.",
        "Write: # pmta-lint: ignore RULE: reason",
    ),
    "silence-unknown-rule": Rule(
        WARNING,
        "The comment names no rule, so it silences nothing.",
        "Write: # pmta-lint: ignore RULE: reason, with a rule as findings name it",
    ),
    "silence-unused": Rule(
        WARNING,
        "What the comment silences is not found here any more; left in place it would hide the next mistake.",
        "Remove the comment",
    ),
}

MARKER = "pmta-lint:"
_FORM = re.compile(
    r"\s*pmta-lint:\s*ignore(-file)?\s+([a-z0-9-]+(?:\s*,\s*[a-z0-9-]+)*)\s*(?::\s*(.*?)\s*)?\Z", re.DOTALL
)


class Mark:
    """One rule silenced in lines first..last of a file; line is where the comment stands."""

    __slots__ = ("file", "rule", "reason", "first", "last", "line", "used")

    def __init__(self, file: str, rule: str, reason: str, first: int, last: int, line: int):
        self.file, self.rule, self.reason = file, rule, reason
        self.first, self.last, self.line = first, last, line
        self.used = False


class Silencer:
    """The marks of all files of one configuration, and what is wrong with them."""

    def __init__(self, rules: Container[str], everywhere: Iterable[tuple[str, str]] = ()):
        self.rules = rules
        self.everywhere = dict(everywhere)
        self.marks: list[Mark] = []
        self.faults: list[Finding] = []
        self._read: set[str] = set()

    def read(self, config: Config) -> None:
        """Take the comments of one file. A file that several includes read counts once."""
        if config.file in self._read:
            return
        self._read.add(config.file)
        # Comments that wait for the line below them.
        waiting: list[Comment] = []
        # A stack, and no chain of sections for each node: damaged files nest deep.
        pending = [iter(config.nodes)]
        while pending:
            for node in pending[-1]:
                kind = type(node)
                if kind is Comment:
                    if MARKER in node.text and not self._whole_file(config.file, node.text, node.line):
                        waiting.append(node)
                    continue
                if kind is Blank:
                    self._nowhere(config.file, waiting)
                    continue
                comment = node.comment if kind is Directive or kind is Section else None
                marked = comment is not None and MARKER in comment
                if waiting or marked:
                    first, last = _extent(node)
                    if marked and not self._whole_file(config.file, comment, node.line):
                        self._take(config.file, comment, node.line, first, last)
                    for above in waiting:
                        self._take(config.file, above.text, above.line, first, last)
                    waiting = []
                if kind is Section:
                    pending.append(iter(node.nodes))
                    break
            else:
                # What waits at the end of a section is not for the line below the section.
                self._nowhere(config.file, waiting)
                pending.pop()

    def apply(self, findings: Iterable[Finding], unjudged: Container[str] = ()) -> tuple[list[Finding], list[Silenced]]:
        """(what remains, what is silenced). unjudged: rules that were not asked this time, so that a mark for them may be idle."""
        by_place: dict[tuple[str, str], list[Mark]] = {}
        for mark in self.marks:
            by_place.setdefault((mark.file, mark.rule), []).append(mark)
        remaining, silenced = [], []
        for found in findings:
            reason = self.everywhere.get(found.rule)
            for mark in by_place.get((found.file, found.rule), ()) if by_place else ():
                if mark.first <= found.line <= mark.last:
                    mark.used = True
                    reason = mark.reason
            if reason is None:
                remaining.append(found)
            else:
                silenced.append(Silenced(found, reason))
        own = [*self.faults]
        for mark in self.marks:
            if not mark.used and mark.rule not in unjudged:
                own.append(self._fault("silence-unused", mark.file, mark.line, f"{mark.rule} is not found here"))
        for found in own:
            if found.rule in self.everywhere:
                silenced.append(Silenced(found, self.everywhere[found.rule]))
            else:
                remaining.append(found)
        return remaining, silenced

    def _fault(self, rule: str, file: str, line: int, message: str) -> Finding:
        return Finding(file, max(line, 1), 1, WARNING, rule, message, RULES[rule].remedy)

    def _whole_file(self, file: str, text: str, line: int) -> bool:
        form = _FORM.match(text)
        if not form or not form[1]:
            return False
        self._take(file, text, line, 0, 10**12)
        return True

    def _take(self, file: str, text: str, line: int, first: int, last: int) -> None:
        form = _FORM.match(text)
        if not form:
            said = text.strip()[:60]
            self.faults.append(self._fault("silence-unknown-rule", file, line, f"{said!r} is not understood"))
            return
        for rule in form[2].split(","):
            rule = rule.strip()
            if rule not in self.rules:
                self.faults.append(self._fault("silence-unknown-rule", file, line, f"there is no rule {rule[:60]!r}"))
            elif not form[3]:
                self.faults.append(
                    self._fault("silence-without-reason", file, line, f"{rule} is silenced for no reason")
                )
            else:
                self.marks.append(Mark(file, rule, form[3], first, last, line))

    def _nowhere(self, file: str, waiting: list[Comment]) -> None:
        """Comments below which no line stands: they silence nothing."""
        for comment in waiting:
            self._take(file, comment.text, comment.line, 0, -1)
        waiting.clear()


def _extent(node: Directive | Section | Garbage) -> tuple[int, int]:
    if not isinstance(node, Section):
        return node.line, node.line + max((node.raw or "").rstrip("\n").count("\n"), 0)
    if node.closing_line:
        return node.line, node.closing_line
    # Never closed: it swallowed everything below.
    return node.line, 10**12
