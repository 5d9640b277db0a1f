# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From files to a tree: lines, tags, includes, argument counts and types. What several lines mean together is checked later."""

from __future__ import annotations

import glob
import os

from . import compound, lexer, table, values
from .errors import ConfigError, ValueRefused
from .paths import Paths
from .tree import Block, Setting

_ENTRIES = "bounce-category-patterns"


class Parser:
    """``files`` lists, after ``parse``, every file that was read."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.files: list[str] = []
        self._order = 0
        self._rows = table.rows()

    def parse(self, path: str) -> Block:
        top = Block("global", "", path, 0, 0)
        self._file(path, top, [])
        return top

    def _lines(self, path: str, by: tuple[str, int] | None) -> list[str]:
        try:
            with open(self.paths.real(path), "rb") as source:
                raw = source.read()
        except OSError as problem:
            raise ConfigError(f"cannot read {path}: {problem.strerror}", *(by or (path, 0))) from None
        self.files.append(path)
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as problem:
            raise ConfigError("not UTF-8", path, raw[: problem.start].count(b"\n") + 1) from None
        return text.removesuffix("\n").split("\n")

    def _file(self, path: str, top: Block, chain: list[str], by: tuple[str, int] | None = None) -> None:
        if path in chain:
            raise ConfigError(f"include cycle: {path}", *(by or (path, 0)))
        stack: list[Block] = [top]
        number = 0
        for number, line in enumerate(self._lines(path, by), 1):
            text, glued = lexer.uncommented(line)
            if not text:
                continue
            self._order += 1
            try:
                if text.startswith("<"):
                    self._tag(lexer.tag(text), stack, path, number)
                else:
                    self._setting(text, glued, stack, path, number, chain)
            except ValueRefused as problem:
                raise ConfigError(str(problem), path, number) from None
        if len(stack) > 1:
            raise ConfigError(f"<{stack[-1].tag}> of line {stack[-1].line} is not closed", path, number)

    def _tag(self, tag: lexer.Tag, stack: list[Block], path: str, line: int) -> None:
        if tag.closes:
            if len(stack) == 1:
                raise ValueRefused(f"</{tag.tag}> closes nothing")
            if stack[-1].tag != tag.tag:
                raise ValueRefused(f"</{tag.tag}> where </{stack[-1].tag}> was expected")
            stack.pop()
            return
        section = table.SECTIONS.get(tag.tag)
        if section is None:
            raise ValueRefused(f"unknown tag <{tag.tag}>")
        if stack[-1].tag not in section.parents:
            raise ValueRefused(f"<{tag.tag}> is not allowed in {_place(stack[-1])}")
        name = _tag_name(tag, section, stack[-1])
        if any(block.tag == tag.tag and block.name.lower() == name.lower() for block in stack[-1].blocks):
            raise ValueRefused(f"<{tag.tag} {name}> was already given".replace(" >", ">"))
        block = Block(tag.tag, name, path, line, self._order)
        stack[-1].blocks.append(block)
        stack.append(block)

    def _setting(self, text: str, glued: bool, stack: list[Block], path: str, line: int, chain: list[str]) -> None:
        block = stack[-1]
        if text.startswith("/") and block.tag == _ENTRIES:
            name, rest = "/regex/", text
        else:
            name, rest = (text.split(None, 1) + [""])[:2]
            name = name.lower()
        row = self._rows.get((block.tag, name))
        if row is None or row.refused:
            raise ValueRefused(_why_not(name, block, row))
        inner = None
        if block.tag == "pattern-list" and rest.endswith("<pattern-list>"):
            inner = Block("pattern-list", "", path, line, self._order)
            rest = rest[: -len("<pattern-list>")].rstrip()
        args = self._args(row, rest, glued, inner is not None)
        if not row.repeatable and (twice := block.all(name)):
            raise ValueRefused(f"{name} was already given in line {twice[0].line}")
        if name == "include":
            self._include(str(args[0]), block, [*chain, path], (path, line))
            return
        block.settings.append(Setting(name, args, rest, path, line, self._order, inner))
        if inner:
            stack.append(inner)

    def _args(self, row: table.Directive, rest: str, glued: bool, has_inner: bool) -> list:
        types = row.type.split()
        if glued and "secret" in types:
            raise ValueRefused(f"{row.name} cannot contain #")
        if rest.endswith("{"):
            raise ValueRefused("there are no brace blocks")
        greedy = types[-1] if types[-1] in compound.REST_OF_LINE else None
        if greedy:
            types = types[:-1]
        words, rest = _leading(rest, types) if greedy else (lexer.words(rest, types), "")
        needed = sum(not one.endswith("?") for one in types)
        if len(words) < needed or greedy and not rest and not has_inner:
            raise ValueRefused("argument missing")
        if len(words) > len(types):
            raise ValueRefused(f"too many arguments: {words[len(types)].text}")
        args = [values.parse(one.rstrip("?"), word.text, word.kind) for one, word in zip(types, words)]
        if greedy and rest:
            if has_inner:
                raise ValueRefused(f"{row.name} takes either a result or a nested <pattern-list>")
            args.append(compound.REST_OF_LINE[greedy](rest))
        return args

    def _include(self, pattern: str, block: Block, chain: list[str], by: tuple[str, int]) -> None:
        if any(char in pattern for char in "*?["):
            found = sorted(self.paths.shown(one) for one in glob.glob(self.paths.real(pattern)))
            if not found:
                raise ConfigError(f"include matches no file: {pattern}", *by)
        else:
            found = [pattern]
        for path in found:
            if os.path.isdir(self.paths.real(path)):
                raise ConfigError(f"include is a directory: {path}", *by)
            self._file(path, block, chain, by)


def _leading(rest: str, types: list[str]) -> tuple[list[lexer.Word], str]:
    """The first ``len(types)`` words, and the text after them."""
    found: list[lexer.Word] = []
    for one in types:
        rest = rest.lstrip()
        if not rest:
            break
        if rest.startswith("/") and one == "regex":
            text, at = lexer.regex(rest, 0)
            if at < len(rest) and not rest[at].isspace():
                raise ValueRefused(f"text glued to a regular expression: {rest[at:]}")
            found.append(lexer.Word(text, "regex"))
            rest = rest[at:]
        else:
            word, _, rest = rest.partition(" ") if "\t" not in rest else _split(rest)
            found.append(lexer.Word(word))
    return found, rest.strip()


def _split(text: str) -> tuple[str, str, str]:
    parts = text.split(None, 1)
    return parts[0], " ", parts[1] if len(parts) > 1 else ""


def _place(block: Block) -> str:
    return "the global section" if block.tag == "global" else f"<{block.tag}>"


def _why_not(name: str, block: Block, row: table.Directive | None) -> str:
    if name in ("{", "}") or name.endswith("{"):
        return "there are no brace blocks"
    if row is not None:
        return f"unknown directive: {name} ({row.refused})"
    elsewhere = sorted({section for section, one in table.directives() if one == name})
    if elsewhere:
        return f"{name} is not allowed in {_place(block)}, only in {', '.join(elsewhere)}"
    return f"unknown directive: {name}"


def _tag_name(tag: lexer.Tag, section: table.Section, parent: Block) -> str:
    """The tag's name in its canonical form, or a refusal."""
    name = tag.name or ""
    if section.name == "none" or section.name == "name?" and parent.tag != "global":
        if name:
            raise ValueRefused(f"<{tag.tag}> takes no name")
        return ""
    if not name:
        raise ValueRefused(f"<{tag.tag}> needs a name")
    if section.name == "domain":
        if name in ("{bounce}", "{sparkpost}") or "$" in name and name.replace("$", "").replace(".", "").isascii():
            return name
        return values.domain_pattern(name)
    if section.name == "source":
        return _source_name(name)
    if section.name in ("vmta", "name", "name?"):
        return values.name(name)
    if section.name == "listener":
        values.listener(name)
    elif section.name == "directory" or section.name == "pipe-or-path" and not name.startswith("|"):
        values.absolute(name)
    elif section.name == "user":
        values.email(name) if "@" in name else values.name(name)
    return name


def _source_name(name: str) -> str:
    if name[0].isdigit() or ":" in name:
        return str(values.cidr(name))
    return values.source(name)
