# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One line of a configuration: comment, tag, quoted words, regular expressions."""

from __future__ import annotations

import re
from typing import NamedTuple

from .errors import ValueRefused

_TAG = re.compile(
    r'<\s*(?P<close>/?)\s*(?P<tag>[A-Za-z][A-Za-z-]*)(?:\s+(?P<name>"(?:[^"\\]|\\.)*"|[^\s">][^">]*?))?\s*>'
)


class Tag(NamedTuple):
    tag: str
    name: str | None
    closes: bool


class Word(NamedTuple):
    """``kind`` is plain, quoted or regex; a regex's text stands without its slashes."""

    text: str
    kind: str = "plain"


def uncommented(line: str) -> tuple[str, bool]:
    """The line without its comment, and whether the ``#`` was glued to a word. Neither quotes nor slashes protect a ``#``."""
    at = line.find("#")
    if at < 0:
        return line.strip(), False
    return line[:at].strip(), at > 0 and not line[at - 1].isspace()


def tag(text: str) -> Tag:
    """A line that begins with ``<``; anything beside the tag is refused."""
    found = _TAG.fullmatch(text)
    if not found:
        raise ValueRefused(f"malformed tag: {text}")
    name = found["name"]
    if name is not None and name.startswith('"'):
        name = quoted(name, 0)[0]
    elif name is not None and re.search(r"\s", name):
        raise ValueRefused(f"a tag takes one name: {text}")
    if found["close"] and name is not None:
        raise ValueRefused(f"a closing tag takes no name: {text}")
    return Tag(found["tag"].lower(), name, bool(found["close"]))


def quoted(text: str, start: int) -> tuple[str, int]:
    """The double-quoted word that begins at ``start`` and the place after it; ``\\"`` and ``\\\\`` are the only escapes."""
    out, at = [], start + 1
    while at < len(text):
        char = text[at]
        if char == "\\":
            if text[at + 1 : at + 2] not in ('"', "\\"):
                raise ValueRefused('only \\" and \\\\ may be escaped inside quotes')
            out.append(text[at + 1])
            at += 2
        elif char == '"':
            return "".join(out), at + 1
        else:
            out.append(char)
            at += 1
    raise ValueRefused("unterminated quote")


def regex(text: str, start: int) -> tuple[str, int]:
    """The ``/regex/`` that begins at ``start`` and the place after it."""
    at = start + 1
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text[at] == "/":
            return text[start + 1 : at].replace("\\/", "/"), at + 1
        else:
            at += 1
    raise ValueRefused("unterminated regular expression")


def words(text: str, kinds: list[str]) -> list[Word]:
    """Split a directive's value; ``kinds[i]`` tells what the i-th word may be (``regex`` in it allows slashes)."""
    found: list[Word] = []
    at = 0
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        if at >= len(text):
            return found
        kind = kinds[min(len(found), len(kinds) - 1)] if kinds else ""
        if text[at] == '"':
            value, at = quoted(text, at)
            found.append(Word(value, "quoted"))
        elif text[at] == "/" and "regex" in kind.split("|"):
            value, at = regex(text, at)
            found.append(Word(value, "regex"))
        else:
            end = at
            while end < len(text) and not text[end].isspace():
                if text[end] == '"':
                    raise ValueRefused("a quote inside a word")
                end += 1
            found.append(Word(text[at:end]))
            at = end
            continue
        if at < len(text) and not text[at].isspace():
            raise ValueRefused(f"text glued to a closing quote or slash: {text[at:]}")
