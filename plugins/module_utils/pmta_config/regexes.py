# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PCRE as far as it can be judged without PCRE.

`fault` judges the structure (brackets, groups, repeats, escapes) and never refuses what PCRE accepts; `beyond` names what Python
cannot read of a regex, so that what was not checked can be said; `searcher` gives a function that tries it on a sample, for
regexes that Python reads alike and that cannot run for long.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import lru_cache

_ESCAPE = re.compile(r"\\.", re.DOTALL)
_SIMPLE_CLASS = re.compile(r"\[\^?[^][\\^]+\]")
_TOKEN = re.compile(
    r"""
    \\Q(?:.*?\\E|.*)                            # literal text
  | \\E
  | \\(?P<escape>.)                             # an escape counts as one character
  | (?P<bad_escape>\\\Z)
  | \[(?P<class>\^?(?:\\E|\\Q\\E)*\]?)
  | \(\?\#(?P<comment>[^)]*\)?)
  | \(\*(?P<verb>[A-Za-z:][^)]*\))
  | (?P<open>\((?:\?(?:[|>:=!*]|<[=!*]|P?<[^>]*>|'[^']*'|[-+^&]|(?=.)|\Z))?)
  | (?P<close>\))
  | (?P<bar>\|)
  | (?P<repeat>[*+?])
  | (?P<braces>\{[0-9]*(?:,[0-9]*)?\}[?+]?)
  | [^\\\[(){|*+?]+ | .
    """,
    re.VERBOSE | re.DOTALL,
)
# What stands in a class until its end, once the place of a leading ] is past.
_IN_CLASS = re.compile(r"\\Q(?:.*?\\E|.*)|\\.|\[:\^?[a-z]*:\]|(?P<end>\])|[^\]\\\[]+|.", re.DOTALL)


def fault(word: str) -> str | None:
    """What is wrong with the structure of ``/pcre/``, or None."""
    if word[:1] != "/" or len(word) < 2 or word[-1] != "/":
        return "is not a regex between slashes"
    body = word[1:-1]
    if body.isalnum() or not _suspicious(body):
        return None
    return _structure(body)


def _suspicious(body: str) -> bool:
    """Whether a closer look is needed. Cheap, because a large fleet has a regex for each sender."""
    if "\\" in body:
        if "\\Q" in body or "\\E" in body:
            return True
        body = _ESCAPE.sub("x", body)
        if "\\" in body:
            return True
    if "[" in body:
        body = _SIMPLE_CLASS.sub("x", body)
        if "[" in body:
            return True
    if _NOTHING_TO_REPEAT.search(body):
        return True
    depth = 0
    for found in _PARENTHESES.finditer(body):
        depth += 1 if found.group() == "(" else -1
        if depth < 0:
            return True
    return depth != 0


_NOTHING_TO_REPEAT = re.compile(r"\A[*+?]|[|(][*+?]|[*+?}][*+?]|\(\?#")
_PARENTHESES = re.compile(r"[()]")


def _structure(body: str) -> str | None:
    if "#" in body and _EXTENDED.search(body):
        # Comments may hold anything.
        return None
    depth = 0
    # What a repeat would stand behind: "start" of an alternative, an "item", a "repeat", or one that has its second sign, "done".
    # Behind {2} older versions take another repeat, newer ones do not: "item*".
    before = "start"
    at, length = 0, len(body)
    while at < length:
        found = _TOKEN.match(body, at)
        at = found.end()
        kind = found.lastgroup
        if kind == "bad_escape":
            return "is a regex that ends in a backslash"
        if kind == "class":
            at = _class_end(body, at)
            if at < 0:
                return "is a regex with an unclosed ["
            before = "item"
        elif kind == "comment":
            if not found.group().endswith(")"):
                return "is a regex with an unclosed ("
        elif kind == "open":
            depth += 1
            before = "start" if found.group() == "(" or found.group()[-1] in "|>:=!*'" else "item"
        elif kind == "close":
            depth -= 1
            if depth < 0:
                return "is a regex with a ) too many"
            before = "item"
        elif kind == "bar":
            before = "start"
        elif kind == "repeat":
            sign = found.group()
            if before == "start":
                return f"is a regex in which {sign} has nothing to repeat"
            if before == "repeat":
                # A second sign makes the repeat lazy or possessive.
                if sign == "*":
                    return "is a regex in which * has nothing to repeat"
                before = "done"
            elif before == "done":
                return f"is a regex in which {sign} has nothing to repeat"
            else:
                before = "repeat" if before == "item" else before
        elif kind == "braces":
            before = "item" if before == "start" else "item*"
        elif found.group() not in ("\\E", "\\Q\\E"):
            before = "item"
    return "is a regex with an unclosed (" if depth else None


_EXTENDED = re.compile(r"\(\?[A-Za-z^]*x")


def _class_end(body: str, at: int) -> int:
    """Where the class ends whose content starts here; -1 if it never does."""
    length = len(body)
    while at < length:
        found = _IN_CLASS.match(body, at)
        at = found.end()
        if found.lastgroup == "end":
            return at
    return -1


# What Python reads differently or not at all ------------------------------------------------------------------------------

_BEYOND = re.compile(
    r"""
    \\(?P<escape>[hHRKXNGQEzCepPgkolLuU]|x\{|c[@-_a-z])
  | (?P<named>\(\?<[A-Za-z_]) | (?P<quoted>\(\?'[A-Za-z_])
  | (?P<reset>\(\?\|) | (?P<atomic>\(\?>)
  | (?P<recursion>\(\?(?:R|&|P>|[-+]?[0-9])) | (?P<condition>\(\?\((?![0-9A-Za-z_]+\))) | (?P<callout>\(\?C)
  | (?P<verb>\(\*[A-Za-z:]) | (?P<flags>(?<!\A)\(\?\^?[imsnxJUa-]+\)|\A\(\?\^) | (?P<flag>\(\?[imsx-]*[JUn^])
  | (?P<scoped>\(\?[imsx]*-(?!i\)))
  | (?P<possessive>[*+?}]\+) | (?P<posix>\[\[?[^]]*\[?:\^?[a-z]+:\]) | (?P<braces>\{,[0-9]+\})
    """,
    re.VERBOSE,
)
_NAMES = {
    "named": "a named group (?<name>",
    "quoted": "a named group (?'name'",
    "reset": "a branch reset (?|",
    "atomic": "an atomic group (?>",
    "recursion": "recursion",
    "condition": "a condition (?(",
    "callout": "a callout (?C",
    "verb": "a verb (*",
    "flags": "an option that is switched inside",
    "flag": "an option",
    "scoped": "an option that is switched off",
    "possessive": "a possessive repeat",
    "posix": "a POSIX class",
    "braces": "a repeat {,n}",
}
# Where only trying tells whether Python reads it.
_DOUBTFUL = re.compile(
    r"\(\?<[=!](?![^()*+?{|]*\))|\}\{|\\(?![dDsSwWbBAZtnrfvx])[a-zA-Z]|\[[^]]*[A-Za-z0-9]-[A-Za-z0-9]|\\[0-9]|\{[0-9]{4}"
    r"|\(\?P(?!<[A-Za-z_]\w{0,30}>(?!.*\(\?P))|\(\?\(|[*+?}][*+?{]"
)
_RANGE = re.compile(r"([a-z])-([a-z])|([A-Z])-([A-Z])|([0-9])-([0-9])")
_CASE = re.compile(r"\A\(\?-i\)")


def beyond(word: str) -> str | None:
    r"""What of ``/pcre/`` Python's regexes do not have, such as ``\K``; None if Python reads it as PCRE does.

    Call it for words without a `fault`.
    """
    body = _CASE.sub("", word[1:-1])
    if body.isalnum():
        return None
    bare = _ESCAPE.sub(_harmless, body) if "\\" in body else body
    found = _BEYOND.search(bare)
    if found:
        kind = found.lastgroup
        return found.group() if kind == "escape" else _NAMES[kind]
    if _DOUBTFUL.search(_RANGE.sub(_upwards, bare) if "-" in bare else bare):
        return _refused(body)
    return None


@lru_cache(maxsize=1024)
def _refused(body: str) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(body)
    except (re.error, OverflowError, RecursionError, MemoryError) as error:
        return f"what Python calls {str(error)[:60]!r}"
    return None


def _upwards(found: re.Match) -> str:
    """A range that goes up is read alike; one that goes down nobody accepts."""
    first, last = found.group()[0], found.group()[2]
    return "" if first <= last else found.group()


def _harmless(found: re.Match) -> str:
    """Escaped signs start nothing; escaped letters may."""
    return found.group() if found.group()[1].isalpha() else "\\."


# Trying -----------------------------------------------------------------------------------------------------------------

LONGEST = 2000
MOST_WIDE = 3
MOST_NARROW = 12
_UNBOUNDED = re.compile(
    r"(?P<item>\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.)(?:[*+]|\{(?P<least>[0-9]*)(?:,(?P<most>[0-9]*))?\})"
)
_GROUP_REPEATED = re.compile(r"\)(?:[*+]|\{[0-9])")


@lru_cache(maxsize=4096)
def searcher(word: str) -> Callable[[str], object] | None:
    """A function that tells whether ``/pcre/`` matches a short text; None where Python cannot tell, or not soon.

    What backtracks exponentially (repeated groups) or steeply (many wide repeats) is not tried.
    """
    body = word[1:-1]
    if len(body) > LONGEST or fault(word) or beyond(word) or _GROUP_REPEATED.search(_ESCAPE.sub("x", body)):
        return None
    wide = narrow = 0
    for found in _UNBOUNDED.finditer(body):
        most = found["most"] if found["most"] is not None else found["least"]
        if found["item"] == ")":
            return None
        if most and len(most) > 3:
            return None
        if found["item"] in (".", r"\S", r"\w", r"\D", r"\W") or found["item"][0] == "[":
            wide += 1
        else:
            narrow += 1
    if wide > MOST_WIDE or narrow > MOST_NARROW:
        return None
    flags = re.IGNORECASE
    if _CASE.match(body):
        body, flags = body[5:], 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(body, flags).search
    except (re.error, OverflowError, RecursionError, MemoryError):
        return None
