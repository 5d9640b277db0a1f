# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From tree to text: the bytes a file had, or fresh lines for what was built or changed."""

from __future__ import annotations

from collections.abc import Iterable

from ..problems import FleetError, Problem
from . import tokens
from .tree import Blank, Comment, Config, Directive, Garbage, Node, Section

INDENT = "    "


def render(nodes: Iterable[Node]) -> str:
    """A built tree as text: one directive a line, four spaces per level, every line ended by a newline.

    Raises FleetError naming the directive for what the language cannot express: a line break or control character, ``#``
    (it starts a comment wherever it stands), quotes or regexes that do not end, and words that would be read as something else.
    """
    config = Config(nodes)
    return to_text(config)


def to_text(config: Config) -> str:
    """The text of a tree; ``to_text(parse(text)) == text`` for every text."""
    out: list[str] = []
    newline = config.newline

    def emit(text: str) -> None:
        # Whatever follows a line that had no line ending (the last of its file) must not join it.
        if text:
            if out and out[-1][-1] != "\n":
                out.append(newline)
            out.append(text)

    # Nodes still to print, their depth, and the closing text of the section they belong to. A stack, not recursion:
    # damaged files nest deeper than Python recurses.
    stack = [(iter(config.nodes), 0, "")]
    while stack:
        nodes, depth, closing = stack[-1]
        for node in nodes:
            if node.raw is not None:
                emit(node.raw)
            else:
                line = _line(node)
                indent, end = getattr(node, "margins", None) or (INDENT * depth, newline)
                emit(f"{indent if line else ''}{line}{end}")
            if isinstance(node, Section):
                stack.append((iter(node.nodes), depth + 1, _closing(node, depth, newline)))
                break
        else:
            stack.pop()
            emit(closing)
    return config.bom + "".join(out)


def _closing(section: Section, depth: int, newline: str) -> str:
    if section.tail is not None:
        return section.tail
    indent = section.margins[0] if section.margins else _margin_of(section, depth)
    return f"{indent}{'}' if section.brace else f'</{section.tag}>'}{newline}"


def _margin_of(section: Section, depth: int) -> str:
    if section.raw is None:
        return INDENT * depth
    return section.raw[: len(section.raw) - len(section.raw.lstrip(" \t"))]


def _line(node: Node) -> str:
    if isinstance(node, Blank):
        return ""
    if isinstance(node, Comment):
        text = node.text
        if _unprintable(text):
            raise _refuse("comment", text, "it holds a line break or control character")
        return f"#{text}" if not text or text[0] in " \t#!" else f"# {text}"
    if isinstance(node, Garbage):
        raise _refuse("line", node.raw, "it is not part of the language")
    if isinstance(node, Directive):
        code = _code(node.name, node.args)
        if not node.name or node.name[0] in "<}" or node.name.startswith("#"):
            raise _refuse(code, node.name, "a directive's name cannot start so")
    else:
        code = _opening(node)
    if node.comment is None:
        return code
    if _unprintable(node.comment):
        raise _refuse(code, node.comment, "its comment holds a line break or control character")
    return f"{code} #{node.comment}" if node.comment[:1] in ("", " ", "\t") else f"{code} # {node.comment}"


def _opening(section: Section) -> str:
    if not section.tag or not all(letter.isalnum() or letter in "-_" for letter in section.tag):
        raise _refuse(section.tag, section.tag, "this is not a tag name")
    name = section.name
    label = f"<{section.tag} {name}>" if name else f"<{section.tag}>"
    if name:
        words, fault, _loose = tokens.scan(name, False)
        if fault or len(words) != 1 or name != name.strip(tokens.SPACE):
            raise _refuse(label, name, "a tag takes one word, or one quoted value")
        if ">" in name and name[0] != '"':
            raise _refuse(label, name, "'>' ends the tag")
    if "#" in name or _unprintable(name):
        raise _refuse(label, name, "'#' starts a comment, and line breaks end a line")
    return f"{_code(section.lead[0], section.lead[1:])} {label}" if section.lead else label


def _code(name: str, args: Iterable[str]) -> str:
    """One line of words; proven by reading it back."""
    words = (name, *args)
    code = " ".join(words)
    if _unprintable(code):
        raise _refuse(name, code, "a line break or control character cannot be written")
    if "#" in code:
        raise _refuse(
            name, code, "'#' starts a comment wherever it stands, also inside quotes and regexes (there write \\x23)"
        )
    if not all(words):
        raise _refuse(name, code, "an argument is empty")
    regex = tokens.may_hold_regex(name)
    spans, fault, _loose = tokens.scan(code, regex)
    if fault:
        raise _refuse(name, code, "a quote does not end" if fault[0] == "quote" else "a regex does not end")
    read = [code[start:end] for start, end in spans]
    if read != list(words):
        wrong = next((word for word, back in zip(words, read) if word != back), words[-1])
        raise _refuse(name, wrong, "it would be read as several words; quote() makes one of it")
    last = read[-1]
    if last in ("{", "}") or (last.endswith("{") and not regex):
        raise _refuse(name, code, "a brace at the end of a line is not part of the language")
    if not regex and len(read) > 1 and (read[1] == "=" or last == "\\"):
        raise _refuse(name, code, "'=' after a name and a backslash at the end are not part of the language")
    if code[-1] == ",":
        raise _refuse(name, code, "a comma at the end of a line continues it on the next")
    return code


def _unprintable(text: str) -> bool:
    return not text.isprintable() and any(ord(letter) < 32 and letter != "\t" or ord(letter) == 127 for letter in text)


def _refuse(where: str, text: str, why: str) -> FleetError:
    # The value itself may be a password: only directives that carry none are shown whole.
    secret = where.split(" ", 1)[0] in tokens.SECRETS
    shown = "(value not shown)" if secret else repr(text[:120])
    return FleetError(
        [
            Problem(
                f"PowerMTA configuration, {where[:60]}",
                f"{shown} cannot be written: {why}",
                "Change the value in the inventory",
            )
        ]
    )
