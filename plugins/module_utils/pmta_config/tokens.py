# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of one configuration line: white space separates, double quotes group, ``/.../`` groups where a regex may stand.

Arguments travel through the tree as *source words*, quotes and slashes included, so that printing needs no guesses;
`unquote` gives the value, `quote` makes a source word of any value.
"""

from __future__ import annotations

import re

SPACE = " \t\r\n\f\v"

# Directives whose arguments may hold a regex. Elsewhere a word that starts with a slash is a path.
REGEX_DIRECTIVES = frozenset(
    ("reply", "mail-from", "rcpt-to", "header", "relay-address", "address", "dkim-headers", "second-dkim-headers")
)
# Of these, the ones that are entries of a pattern list: the regex is followed by a result.
ENTRIES = frozenset(("reply", "mail-from", "rcpt-to", "header"))

# Directives that carry a password or key: their arguments never appear in a message.
SECRETS = frozenset(
    (
        "password",
        "auth-password",
        "http-api-key",
        "api-key",
        "access-token",
        "volume-audit-api-key",
        "smtp-server-tls-certificate",
        "tls-certificate",
        "smtp-client-certificate",
        "privacy-policy",
    )
)

# A macro where it is used: $NAME or ${NAME}.
MACRO = re.compile(r"\$\{?([A-Za-z0-9_]+)\}?")
MACRO_NAME = re.compile(r"[A-Za-z0-9_]+\Z")

# Unrolled loops: a line of any length is read once, without a stack of alternatives.
_QUOTED = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_WORD = re.compile(rf'[^\s"]+(?:{_QUOTED}[^\s"]*)*|{_QUOTED}(?:[^\s"]+|{_QUOTED})*', re.ASCII | re.DOTALL)
_SPACES = re.compile(r"\s*", re.ASCII)
_REGEX = re.compile(r"/[^/\\]*(?:\\.[^/\\]*)*/", re.DOTALL)
_LAST_REGEX_END = re.compile(r".*/(?=[\s,]|\Z)", re.ASCII | re.DOTALL)
_PLAIN = re.compile(r"\S+", re.ASCII)


def may_hold_regex(name: str) -> bool:
    """Whether a line that starts with this word may contain ``/regex/`` words."""
    return name[:1] == "/" or name in REGEX_DIRECTIVES or name.lower() in REGEX_DIRECTIVES


def quote(value: str) -> str:
    r"""A value as a quoted source word; ``"`` and ``\`` are escaped with ``\``. ``quote("")`` clears an inherited value."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquote(word: str) -> str:
    """The value of a source word: quotes removed, escapes inside them resolved."""
    if '"' not in word:
        return word
    out, at = [], 0
    for found in re.finditer(_QUOTED, word, re.DOTALL):
        out.append(word[at : found.start()])
        out.append(re.sub(r"\\(.)", r"\1", found.group()[1:-1], flags=re.DOTALL))
        at = found.end()
    out.append(word[at:])
    return "".join(out)


def plain_words(code: str) -> list[str]:
    """Words of a line that has neither quotes nor regexes. Only ASCII white space separates."""
    # str.split() knows more white space than PowerMTA; a line of nothing else is one odd word.
    return (code.split() if code.isascii() else _PLAIN.findall(code)) or [code]


def first_word(code: str) -> str:
    """The first word of a line that is not blank."""
    return _PLAIN.search(code).group()


def scan(code: str, regex: bool) -> tuple[list[tuple[int, int]], tuple[str, int] | None, bool]:
    """Positions of the words of a line without its comment.

    Returns (positions, fault, loose): positions are (start, end) offsets; fault is None or
    ("quote" | "regex", offset) for a quote or regex that never ends (the rest is then one word);
    loose says that a regex holds an unescaped slash and was read up to the last slash before white space.
    """
    words: list[tuple[int, int]] = []
    fault = None
    loose = False
    last = -1
    at, length = _SPACES.match(code).end(), len(code)
    while at < length:
        if regex and code[at] == "/":
            end, closed, odd, last = _regex_word(code, at, length, last)
            words.append((at, end))
            if not closed:
                fault = fault or ("regex", at)
                break
            loose = loose or odd
        else:
            found = _WORD.match(code, at)
            if not found:
                words.append((at, length))
                fault = fault or ("quote", at)
                break
            end = found.end()
            if end < length and code[end] == '"':
                words.append((at, length))
                fault = fault or ("quote", end)
                break
            words.append((at, end))
        at = _SPACES.match(code, end).end()
    return words, fault, loose


def _regex_word(code: str, at: int, length: int, last: int) -> tuple[int, bool, bool, int]:
    """End of a word that starts with a regex, whether the regex is closed, whether it holds an unescaped slash.

    last: end of the last slash of the line that may end a regex, -1 if not looked for yet; looked for once per line, and returned.
    """
    odd = False
    while True:
        found = _REGEX.match(code, at)
        if not found:
            return length, False, odd, last
        end = found.end()
        if end < length and code[end] not in SPACE and code[end] != ",":
            # The slash that ends it is the last one that something separates from the result.
            odd = True
            if last < 0:
                ends = _LAST_REGEX_END.match(code, end)
                last = ends.end() if ends else 0
            end = last if last > end else _PLAIN.match(code, end).end()
        # A list may go on without a space: "/^x-/,Subject,/^y-/".
        while end < length and code[end] == ",":
            end += 1
            if end < length and code[end] == "/":
                break
            while end < length and code[end] not in SPACE and code[end] != ",":
                end += 1
        if end < length and code[end] == "/":
            at = end
            continue
        return end, True, odd, last
