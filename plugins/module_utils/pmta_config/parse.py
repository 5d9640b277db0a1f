# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From text to tree, losing nothing: ``to_text(parse(text)) == text`` for every text.

What is not part of the language is kept, reported in ``Config.findings``, and read the way its author seems to have meant it, so
that one slip does not hide the next. The parser never raises.

Accepted beyond the documented grammar, because published configurations hold it: comma lists that go on over several lines
(also with comments between them), and, with a warning, regexes broken over lines and a macro's list that begins below its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Optional

from . import specs, tokens
from .collector import paused
from .finding import ERROR, WARNING, Finding
from .tree import Blank, Comment, Config, Directive, Garbage, Section

# Given the pattern of an include and the file it stands in: (name, text) of each file it reads, or None if it cannot be read.
Resolver = Callable[[str, str], Optional[list[tuple[str, str]]]]

SPACE = tokens.SPACE
LONGEST_LINE = 1_000_000
MOST_FINDINGS = 1000
# A regex copied from a mail or a web page breaks over two or three lines; farther away nothing belongs together.
BROKEN_REGEX_LINES = 8

_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_UNDECODED = re.compile("[\ud800-\udfff]")
# Characters that look like a space, a quote or nothing at all, and are neither to PowerMTA.
_LOOKALIKE = re.compile(
    "[\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff\u201c-\u201f\u2018\u2019\u00ab\u00bb]"
)
_TAG_END = re.compile(r'[^">]*(?:"[^"\\]*(?:\\.[^"\\]*)*"[^">]*)*>')
# Bytes of UTF-16 and UTF-32 read as UTF-8: their mark, or every second one of the first characters zero.
_WIDE = re.compile(
    "\udcff\udcfe|\udcfe\udcff|\x00\x00\udcfe\udcff"
    "|(?:[^\x00]\x00){4}|(?:\x00[^\x00]){4}|(?:[^\x00]\x00{3}){2}|(?:\x00{3}[^\x00]){2}"
)
# A carriage return that ends no line and no file.
_LONE_RETURN = re.compile(r"\r(?![\r\n]|\Z)")
# A line that is nothing but the list of a macro: domains, each with a dot, and other macros.
_DOMAINS = re.compile(r"(?:[\w-]+(?:\.[\w-]+)+|\$\w+)(?:\s*,\s*(?:[\w-]+(?:\.[\w-]+)+|\$\w+))*\s*,?\Z")
_NESTED = re.compile(r"<([A-Za-z-]+)>\Z")
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_WORD = re.compile(r"[^\s<>]+", re.ASCII)


def parse(text: str, file: str = "config") -> Config:
    """The tree of one file. file: name that findings carry."""
    with paused():
        return _Parser(text, file).run()


def locate(node, index: int = 0) -> tuple[int, int]:
    """Line and column (1-based) of a node's word: 0 is the name or tag, 1 the first argument. For reports, so it may be slow."""
    raw = node.raw or ""
    if isinstance(node, Directive) and node.column:
        return node.line, node.column
    words: tuple[str, ...] = ()
    if isinstance(node, Directive):
        words = (node.name, *node.args)
    elif isinstance(node, Section) and node.lead:
        # The tag stands behind its entry.
        words = (*node.lead, f"<{node.tag}>")
        index = len(node.lead)
    elif isinstance(node, Section):
        words = (node.tag, node.name or node.tag)
    at = end = 0
    for word in words[: index + 1]:
        start = _next_word(raw, end, "<" if isinstance(node, Section) and not node.lead else "")
        if not raw.startswith(word, start):
            found = raw.find(word, start)
            # A regex joined from several lines is not found as one piece: it begins here and ends somewhere below.
            start = found if found >= 0 else start
        at, end = start, start + len(word) if raw.startswith(word, start) else start
    if not words:
        at = _next_word(raw, 0, "")
    if at >= len(raw):
        at = len(raw) - len(raw.lstrip(SPACE)) if raw.strip(SPACE) else 0
    return node.line + raw.count("\n", 0, at), at - raw.rfind("\n", 0, at)


def _next_word(raw: str, at: int, skipped: str) -> int:
    """Where the next word begins: behind white space and, in a list that goes on over lines, behind comments."""
    while at < len(raw):
        if raw[at] == "#":
            at = raw.find("\n", at)
            if at < 0:
                return len(raw)
        elif raw[at] not in SPACE and raw[at] not in skipped:
            return at
        else:
            at += 1
    return at


class _Parser:
    def __init__(self, text: str, file: str):
        self.config = Config(file=file)
        self.reported = {ERROR: 0, WARNING: 0}
        if text[:1] == "\ufeff":
            self.config.bom, text = text[0], text[1:]
            self.report(
                1, 1, WARNING, "syntax-bom", "the file starts with a byte order mark", "Save it as UTF-8 without one"
            )
        self.text = text
        # Only "\n" ends a line; splitlines() knows many more.
        self.lines = _LINES.findall(text)
        self.last = len(self.lines) - 1
        first_end = text.find("\n")
        if first_end > 0 and text[first_end - 1] == "\r":
            self.config.newline = "\r\n"
        self.nodes = self.config.nodes
        self.open: list[Section] = []
        self.open_tags: dict[str, int] = {}
        self.at = 0

    def report(self, line: int, column: int, severity: str, rule: str, message: str, remedy: str) -> None:
        # Each severity has its own share: many warnings hide no error.
        self.reported[severity] += 1
        if self.reported[severity] <= MOST_FINDINGS:
            self.config.findings.append(
                Finding(self.config.file, line, max(column, 1), severity, rule, message, remedy)
            )

    def raw(self, first: int, last: int) -> str:
        """Lines first..last (0-based, inclusive) as they stood in the file."""
        return "".join(self.lines[first : last + 1])

    def column(self, index: int, character: str) -> int:
        return self.lines[index].find(character) + 1

    def code_length(self, index: int) -> int:
        """Column of the last character of a line that is neither comment nor white space."""
        return len(self.lines[index].partition("#")[0].rstrip(SPACE))

    def run(self) -> Config:
        self.read()
        self.config.left_out = sum(max(0, count - MOST_FINDINGS) for count in self.reported.values())
        return self.config

    def read(self) -> None:
        if _WIDE.match(self.text):
            self.report(
                1,
                1,
                ERROR,
                "syntax-encoding",
                "the file is UTF-16 or UTF-32 text: nothing of it was read",
                "Save it as UTF-8, for instance: iconv -f UTF-16 -t UTF-8 FILE",
            )
            self.nodes += [Garbage(line, number) for number, line in enumerate(self.lines, 1)]
            return
        self.check_characters()
        lines, last = self.lines, self.last
        while self.at <= last:
            index = self.at
            line = lines[index]
            self.at = index + 1
            code = line.strip(SPACE)
            if not code:
                self.nodes.append(Blank(line, index + 1))
                continue
            first = code[0]
            if first == "#":
                self.nodes.append(Comment(code[1:], line, index + 1))
                continue
            if len(code) > LONGEST_LINE:
                self.report(
                    index + 1,
                    1,
                    ERROR,
                    "syntax-long-line",
                    f"a line of {len(line)} characters was not read",
                    "Is this a text file?",
                )
                self.nodes.append(Garbage(self.raw(index, index), index + 1))
                continue
            comment = None
            if "#" in code:
                code, _hash, comment = code.partition("#")
                glued = code[-1] not in SPACE
                code = code.rstrip(SPACE)
            else:
                glued = False
            if first == "<":
                self.tag(index, code, comment)
            elif first == "}":
                self.closing_brace(index, code)
            else:
                self.directive(index, code, comment, glued)
        for section in self.open:
            section.closed = False
            # What stands before a brace may be a password.
            opening = f"{section.tag} ... {{" if section.brace else f"<{section.tag} {section.name}".rstrip() + ">"
            self.report(
                section.line,
                locate(section)[1],
                ERROR,
                "syntax-unclosed",
                f"{opening} is never closed",
                f"Add </{section.tag}>",
            )
            section.tail = ""

    def check_characters(self) -> None:
        """Bytes and characters that no configuration holds. One look at the whole text; lines are looked up only if there are any."""
        text = self.text
        checks = [(_CONTROL, "syntax-control-character")] if _CONTROL.search(text) else []
        if "\r" in text and _LONE_RETURN.search(text):
            checks.append((_LONE_RETURN, "syntax-line-end"))
        if not text.isascii():
            if _UNDECODED.search(text):
                checks.append((_UNDECODED, "syntax-encoding"))
            if _LOOKALIKE.search(text):
                checks.append((_LOOKALIKE, "syntax-character"))
        if not checks:
            return
        for index, line in enumerate(self.lines):
            for pattern, rule in checks:
                found = pattern.search(line)
                if not found:
                    continue
                column = found.start() + 1
                in_comment = "#" in line[: column - 1]
                if rule == "syntax-control-character":
                    what, remedy = (
                        f"control character 0x{ord(found.group()):02x}",
                        "Is this a text file? Remove the character",
                    )
                    severity = ERROR
                elif rule == "syntax-line-end":
                    what = "a carriage return alone ends no line: what follows is read as part of this one"
                    remedy, severity = "Save the file with line ends LF or CRLF", ERROR
                elif rule == "syntax-encoding":
                    what, remedy = "the bytes are not UTF-8", "Save the file as UTF-8"
                    severity = WARNING if in_comment else ERROR
                else:
                    if in_comment:
                        continue
                    what = f"U+{ord(found.group()):04X} looks like a space or quote and is none"
                    remedy, severity = "Type the plain character", WARNING
                self.report(index + 1, column, severity, rule, what, remedy)
            if self.reported[ERROR] > MOST_FINDINGS:
                return

    # Tags ------------------------------------------------------------------------------------------------------------

    def push(self, section: Section, index: int, raw: str) -> None:
        section.raw = raw
        section.line = index + 1
        self.nodes.append(section)
        self.open.append(section)
        key = section.tag.lower()
        self.open_tags[key] = self.open_tags.get(key, 0) + 1
        self.nodes = section.nodes

    def pop(self) -> Section:
        section = self.open.pop()
        self.open_tags[section.tag.lower()] -= 1
        self.nodes = self.open[-1].nodes if self.open else self.config.nodes
        return section

    def tag(self, index: int, code: str, comment: str | None) -> None:
        end = code.find(">")
        if '"' in code:
            found = _TAG_END.match(code)
            end = found.end() - 1 if found else -1
        trailing = ""
        if end < 0:
            self.report(
                index + 1,
                self.column(index, "<"),
                ERROR,
                "syntax-tag",
                f"the tag {code[:60]!r} has no closing '>'" if comment is None else f"'#' cuts the tag {code[:60]!r}",
                "Write <tag name> on one line of its own",
            )
            inner = code[1:]
        else:
            inner, trailing = code[1:end], code[end + 1 :].strip(SPACE)
        inner = inner.strip(SPACE)
        if inner[:1] == "/":
            self.closing_tag(index, inner[1:], trailing)
            return
        found = _WORD.match(inner)
        if not found:
            self.report(
                index + 1,
                self.column(index, "<"),
                ERROR,
                "syntax-tag",
                f"{code[:60]!r} is not a tag",
                "Write <tag name>",
            )
            self.nodes.append(Garbage(self.raw(index, index), index + 1))
            return
        section = Section(found.group(), inner[found.end() :].strip(SPACE), comment=comment)
        self.push(section, index, self.raw(index, index))
        if trailing:
            self.one_line(index, section, trailing)

    def one_line(self, index: int, section: Section, trailing: str) -> None:
        """``<tag> directive </tag>``: not the language, but its parts can still be judged."""
        self.report(
            index + 1,
            self.lines[index].find(">") + 2,
            ERROR,
            "syntax-tag-line",
            f"text after the tag <{section.tag}>",
            "A tag stands on a line of its own, each directive on the next",
        )
        end = re.search(r"</\s*([A-Za-z-]+)\s*>\Z", trailing)
        closes = end is not None and end.group(1).lower() == section.tag.lower()
        code = trailing[: end.start()].strip(SPACE) if closes else trailing
        words = tokens.plain_words(code)
        if code and code[0] != "<" and "{" not in code:
            node = Directive(*words)
            # It has no bytes of its own: those of the line belong to the section.
            node.raw, node.line = "", index + 1
            node.column = self.lines[index].find(trailing, self.lines[index].find(">")) + 1
            section.nodes.append(node)
        if closes:
            section.tail = ""
            section.closing_line = index + 1
            self.pop()

    def closing_tag(self, index: int, inner: str, trailing: str) -> None:
        column = self.column(index, "<")
        words = tokens.plain_words(inner)
        name = words[0] if words else ""
        raw = self.raw(index, index)
        if trailing or len(words) > 1:
            self.report(
                index + 1,
                column,
                ERROR if trailing else WARNING,
                "syntax-tag-line" if trailing else "syntax-closing-tag",
                f"text in or after the closing tag </{name}>",
                f"Write </{name}> alone on its line",
            )
        if not self.open_tags.get(name.lower()):
            self.report(
                index + 1,
                column,
                ERROR,
                "syntax-stray-closing",
                f"</{name}> closes nothing",
                "Remove it, or add its opening tag",
            )
            self.nodes.append(Garbage(raw, index + 1))
            return
        while self.open[-1].tag.lower() != name.lower():
            section = self.pop()
            section.closed = False
            section.tail = ""
            self.report(
                index + 1,
                column,
                ERROR,
                "syntax-crossed",
                f"</{name}> stands here while <{section.tag} {section.name}> of line {section.line} is open",
                f"Close <{section.tag}> first",
            )
        section = self.pop()
        section.tail = raw
        section.closing_line = index + 1

    def closing_brace(self, index: int, code: str) -> None:
        raw = self.raw(index, index)
        if self.open and self.open[-1].brace:
            section = self.pop()
            section.tail = raw
            section.closing_line = index + 1
            return
        self.report(
            index + 1,
            self.column(index, "}"),
            ERROR,
            "syntax-brace",
            f"{code[:20]!r}: there are no brace blocks",
            "Write </tag>",
        )
        self.nodes.append(Garbage(raw, index + 1))

    # Directives ------------------------------------------------------------------------------------------------------

    def directive(self, index: int, code: str, comment: str | None, glued: bool) -> None:
        end = index
        if code[-1:] == ",":
            code, end = self.continued(index, code)
            self.at = end + 1
        regex = False
        if "/" in code:
            name = code if code[0] == "/" else tokens.first_word(code)
            regex = tokens.may_hold_regex(name)
        if regex or '"' in code:
            words, end = self.scanned(index, end, code, regex, comment)
            self.at = end + 1
        else:
            words = tokens.plain_words(code)
            if glued:
                self.glued_comment(index, words)
        if len(words) == 2 and end < self.last and words[0].lower() == "domain-macro":
            words, end = self.list_below(index, end, words)
            self.at = end + 1
        if not regex and code[-1] in "{}" and self.brace(index, end, code, words):
            return
        if not regex and len(words) > 1 and (words[1] == "=" or words[-1] == "\\"):
            self.foreign(index, words)
        if code[-1] == ">" and words[0].lower() in tokens.ENTRIES:
            nested = _NESTED.match(words[-1])
            if nested:
                section = Section(nested.group(1), lead=words[:-1], comment=comment)
                self.push(section, index, self.raw(index, end))
                return
        node = Directive(*words)
        node._comment = comment
        node.line = index + 1
        node.raw = self.lines[index] if end == index else self.raw(index, end)
        self.nodes.append(node)

    def continued(self, index: int, code: str) -> tuple[str, int]:
        """A comma list that goes on: the whole list as one line of code, and the index of its last line."""
        name = tokens.first_word(code).lower()
        entry = name in tokens.ENTRIES or name[0] == "/"
        parts = [code]
        end = index
        while parts[-1][-1:] == ",":
            following = end + 1
            apart = False
            while following <= self.last and self.lines[following].lstrip(SPACE)[:1] in ("", "#"):
                apart = apart or not self.lines[following].strip(SPACE)
                following += 1
            if following > self.last:
                break
            more = self.lines[following].partition("#")[0].strip(SPACE)
            # Below a blank line only what can be nothing else.
            if apart and not _DOMAINS.match(more):
                break
            if not more or more[0] in "<{}" or len(more) > LONGEST_LINE or (entry and _starts_entry(more)):
                break
            parts.append(more)
            end = following
        if parts[-1][-1:] == ",":
            self.report(
                end + 1,
                self.code_length(end),
                WARNING,
                "syntax-trailing-comma",
                "the list ends with a comma, and no line goes on with it",
                "Remove the comma",
            )
        return " ".join(parts), end

    def list_below(self, index: int, end: int, words: list[str]) -> tuple[list[str], int]:
        """A macro whose list begins on the line below its name, as published configurations have it."""
        code = self.lines[end + 1].partition("#")[0].strip(SPACE)
        if len(code) > LONGEST_LINE or not _DOMAINS.match(code):
            return words, end
        last = end + 1
        if code[-1] == ",":
            code, last = self.continued(last, code)
        self.report(
            index + 1,
            self.lines[index].find(words[1], self.lines[index].find(words[0]) + len(words[0])) + 1,
            WARNING,
            "syntax-list-below",
            f"the list of the macro {words[1]!r} begins on the line below",
            "Write it behind the name: whether PowerMTA reads on is not documented",
        )
        return [*words, *tokens.plain_words(code)], last

    def scanned(self, index: int, end: int, code: str, regex: bool, comment: str | None) -> tuple[list[str], int]:
        """Words of a line with quotes or regexes, and the index of the last line they take."""
        spans, fault, loose = tokens.scan(code, regex)
        if fault:
            kind = fault[0]
            line = self.lines[index]
            indent = len(line) - len(line.lstrip(SPACE))
            column = (indent + fault[1] if end == index else line.find('"' if kind == "quote" else "/")) + 1
            if comment is not None:
                cut = self.lines[index].find("#") + 1
                certain = kind == "regex" or tokens.first_word(code).lower() in tokens.SECRETS
                self.report(
                    index + 1,
                    cut or column,
                    ERROR if certain else WARNING,
                    "comment-swallows",
                    f"'#' starts a comment inside a {kind}"
                    + ("" if certain else "; whether quotes protect it is not documented"),
                    "Write \\x23 in a regex" if kind == "regex" else "Choose a value without '#'",
                )
                if not certain:
                    whole = self.lines[index].strip(SPACE)
                    again, fault, _loose = tokens.scan(whole, regex)
                    if not fault:
                        words = [whole[start:stop] for start, stop in again]
                        return next((words[:at] for at, word in enumerate(words) if word[0] == "#"), words), end
            elif kind == "regex" and end == index:
                joined = self.broken_regex(index, code)
                if joined:
                    return joined
                self.report(
                    index + 1,
                    column,
                    ERROR,
                    "syntax-regex",
                    "the regex has no closing '/'",
                    "Write /regex/ on one line; a '/' inside as \\/",
                )
            else:
                self.report(
                    index + 1,
                    column,
                    ERROR,
                    "syntax-quote" if kind == "quote" else "syntax-regex",
                    f"the {kind} is never closed",
                    'Close it on the same line; inside quotes write \\" and \\\\',
                )
        elif loose:
            self.report(
                index + 1,
                self.lines[index].find("/") + 1,
                WARNING,
                "syntax-regex-slash",
                "a '/' inside the regex is not escaped",
                "Write \\/ inside a regex",
            )
        return [code[start:stop] for start, stop in spans], end

    def broken_regex(self, index: int, code: str) -> tuple[list[str], int] | None:
        joined = code
        for end in range(index + 1, min(index + BROKEN_REGEX_LINES, self.last) + 1):
            line = self.lines[end]
            more = line.partition("#")[0].strip(SPACE)
            if not more and "#" not in line:
                # Copies broken by a web page have empty lines too.
                continue
            if not more or more[0] == "<" or len(more) > LONGEST_LINE or _starts_line(more):
                return None
            joined = f"{joined} {more}"
            spans, fault, _loose = tokens.scan(joined, True)
            if not fault:
                self.report(
                    index + 1,
                    self.column(index, "/"),
                    WARNING,
                    "syntax-regex-broken",
                    f"the regex goes on to line {end + 1}; it was read with a space at each line end",
                    "Write it on one line: what PowerMTA makes of a line break inside is not documented",
                )
                return [joined[start:stop] for start, stop in spans], end
        return None

    def glued_comment(self, index: int, words: list[str]) -> None:
        if len(words) < 2:
            return
        secret = words[0].lower() in tokens.SECRETS
        self.report(
            index + 1,
            self.column(index, "#"),
            ERROR if secret else WARNING,
            "comment-swallows",
            "'#' cuts this password" if secret else f"'#' starts a comment here: the value is only {words[-1]!r}",
            "Choose a password without '#'" if secret else "Put a space before a comment; a value cannot hold '#'",
        )

    def brace(self, index: int, end: int, code: str, words: list[str]) -> bool:
        """Whether the line opens a brace block, which then becomes a section."""
        if code[-1] == "}" and "{" not in words:
            return False
        if code[-1] == "{":
            self.report(
                index + 1,
                self.lines[index].partition("#")[0].rfind("{") + 1,
                ERROR,
                "syntax-brace",
                f"there are no brace blocks: '{words[0][:40]} ... {code[-1]}'",
                f"Write <{words[0]} NAME> ... </{words[0]}>",
            )
            words = [word for word in (*words[:-1], words[-1][:-1]) if word]
            if not words:
                self.nodes.append(Garbage(self.raw(index, end), index + 1))
                return True
            section = Section(words[0], " ".join(words[1:]))
            section.brace = True
            self.push(section, index, self.raw(index, end))
            return True
        self.report(
            index + 1,
            self.column(index, "{"),
            ERROR,
            "syntax-brace",
            f"there are no brace blocks: '{words[0][:40]} ... {code[-1]}'",
            "Write <tag name> ... </tag>",
        )
        self.nodes.append(Garbage(self.raw(index, end), index + 1))
        return True

    def foreign(self, index: int, words: list[str]) -> None:
        if words[1] == "=":
            self.report(
                index + 1,
                self.lines[index].find("=", self.lines[index].find(words[0]) + len(words[0])) + 1,
                ERROR,
                "syntax-equals",
                f"no '=' after {words[0]!r}",
                "Write: directive value",
            )
        else:
            self.report(
                index + 1,
                self.code_length(index),
                ERROR,
                "syntax-backslash",
                "a backslash continues nothing",
                "Use one line",
            )


def _starts_line(code: str) -> bool:
    """Whether a line stands for itself and is not the rest of a broken regex: an entry, or a directive no text would hold."""
    word = tokens.first_word(code).lower()
    return _starts_entry(code) or ("-" in word and word in specs.places())


def _starts_entry(code: str) -> bool:
    """Whether a line is a pattern-list entry of its own, not the rest of the one above."""
    word = tokens.first_word(code)
    if word.lower() in tokens.ENTRIES:
        return "/" in code
    return word[0] == "/" and word != "/"
