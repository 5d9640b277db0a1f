# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Syntax tree of a PowerMTA configuration.

Nodes that came from a file remember their bytes and print them again; assigning to a public attribute forgets the bytes of that
node alone, which then prints anew with the indentation and line ending it had. Nodes can also be built by hand::

    Section("virtual-mta", "mail1", [
        Directive("smtp-source-host", "192.0.2.10", "mail1.example.com"),
        Blank(),
        Comment("first week"),
        Directive("max-smtp-msg-rate", "50/d", comment="warm-up"),
    ])

Arguments are source words (see ``tokens``): use `quote` for a value with spaces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Union

from . import tokens


def _margins(raw: str) -> tuple[str, str]:
    """Indentation and line ending of a line as it stood in its file."""
    body = raw.lstrip(" \t")
    end = "\r\n" if raw.endswith("\r\n") else "\n" if raw.endswith("\n") else ""
    return raw[: len(raw) - len(body)], end


class Blank:
    """An empty line."""

    __slots__ = ("raw", "line")

    def __init__(self, raw: str | None = None, line: int = 0):
        self.raw = raw
        self.line = line


class Comment:
    """A line that is only a comment; ``text`` is without the leading ``#``."""

    __slots__ = ("raw", "line", "margins", "_text")

    def __init__(self, text: str, raw: str | None = None, line: int = 0):
        self._text = text
        self.raw = raw
        self.line = line
        self.margins = None

    @property
    def text(self) -> str:
        return self._text

    @text.setter
    def text(self, value: str) -> None:
        _forget(self)
        self._text = value


class Garbage:
    """A line that is not part of the language (a stray closing tag, an unreadable line): kept, reported, printed as it was."""

    __slots__ = ("raw", "line")

    def __init__(self, raw: str, line: int = 0):
        self.raw = raw
        self.line = line


class Directive:
    """``name argument...``. In ``<bounce-category-patterns>`` the name is the regex itself.

    args: source words. comment: text after ``#`` or None. line: 1-based line of the name, 0 when built by hand. column: where it
    stands if its bytes belong to the section around it (``<tag> directive``), else 0.
    """

    __slots__ = ("raw", "line", "column", "margins", "_name", "_args", "_comment")

    def __init__(self, name: str, *args: str, comment: str | None = None):
        self._name = name
        self._args = args
        self._comment = comment
        self.raw = None
        self.line = 0
        self.column = 0
        self.margins = None

    @property
    def name(self) -> str:
        return self._name

    @name.setter
    def name(self, value: str) -> None:
        _forget(self)
        self._name = value

    @property
    def args(self) -> tuple[str, ...]:
        return self._args

    @args.setter
    def args(self, value: Iterable[str]) -> None:
        _forget(self)
        self._args = tuple(value)

    @property
    def comment(self) -> str | None:
        return self._comment

    @comment.setter
    def comment(self, value: str | None) -> None:
        _forget(self)
        self._comment = value

    @property
    def values(self) -> tuple[str, ...]:
        """The arguments with their quotes resolved."""
        return tuple(tokens.unquote(word) for word in self._args)

    def __repr__(self) -> str:
        return f"Directive({', '.join(repr(word) for word in (self._name,) + tuple(self._args))})"


class Section:
    """``<tag name>`` ... ``</tag>``.

    lead: for a nested list that stands behind an entry (``mail-from /x/ <pattern-list>``), the words before the tag.
    brace: read from the invalid form ``tag name {`` ... ``}``; kept so that the lines inside can still be judged.
    closed: False when the file ends, or another tag closes, before this one does. closing_line: line of the closing tag, 0 if none.
    """

    __slots__ = (
        "raw",
        "tail",
        "line",
        "closing_line",
        "margins",
        "closed",
        "brace",
        "nodes",
        "_tag",
        "_name",
        "_lead",
        "_comment",
    )

    def __init__(
        self,
        tag: str,
        name: str = "",
        nodes: Iterable[Node] = (),
        lead: Iterable[str] = (),
        comment: str | None = None,
    ):
        self._tag = tag
        self._name = name
        self._lead = tuple(lead)
        self._comment = comment
        self.nodes: list[Node] = list(nodes)
        self.raw = None
        self.tail = None
        self.line = 0
        self.closing_line = 0
        self.margins = None
        self.closed = True
        self.brace = False

    @property
    def tag(self) -> str:
        return self._tag

    @tag.setter
    def tag(self, value: str) -> None:
        _forget(self)
        self.tail = None
        self._tag = value

    @property
    def name(self) -> str:
        return self._name

    @name.setter
    def name(self, value: str) -> None:
        _forget(self)
        self._name = value

    @property
    def lead(self) -> tuple[str, ...]:
        return self._lead

    @lead.setter
    def lead(self, value: Iterable[str]) -> None:
        _forget(self)
        self._lead = tuple(value)

    @property
    def comment(self) -> str | None:
        return self._comment

    @comment.setter
    def comment(self, value: str | None) -> None:
        _forget(self)
        self._comment = value

    @property
    def value(self) -> str:
        """The name with its quotes resolved."""
        return tokens.unquote(self._name)

    def __repr__(self) -> str:
        return f"Section({self._tag!r}, {self._name!r}, {self.nodes!r})"


Node = Union[Blank, Comment, Garbage, Directive, Section]


class Config:
    """A whole file: its top-level nodes, and what the parser found wrong (``Finding`` objects whose rule starts with ``syntax``).

    left_out: how many findings more there were than are kept.
    """

    __slots__ = ("nodes", "file", "findings", "left_out", "newline", "bom")

    def __init__(self, nodes: Iterable[Node] = (), file: str = "config"):
        self.nodes: list[Node] = list(nodes)
        self.file = file
        self.findings: list = []
        self.left_out = 0
        self.newline = "\n"
        self.bom = ""

    def walk(self) -> Iterator[tuple[tuple[Section, ...], Node]]:
        """Every node in file order with the sections around it, outermost first."""
        yield from _walk((), self.nodes)


def _walk(around: tuple[Section, ...], nodes: list[Node]) -> Iterator[tuple[tuple[Section, ...], Node]]:
    # A stack of its own: damaged files nest deeper than Python's recursion limit.
    stack = [(around, iter(nodes))]
    while stack:
        above, pending = stack[-1]
        for node in pending:
            yield above, node
            if isinstance(node, Section):
                stack.append((above + (node,), iter(node.nodes)))
                break
        else:
            stack.pop()


def _forget(node) -> None:
    if node.raw is not None:
        node.margins = _margins(node.raw)
        node.raw = None
