# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The linter's verdicts on regexes, held against the system's PCRE; what it tries, it tries soon."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import lint, regexes

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "tests/standins/powermta"))
from pmta_standin.pcre import Pattern, PatternError

PARTS = [
    "a", "b", ".", "^", "$", "*", "+", "?", "|", "(", ")", "[", "]", "[^", "\\", "{", "}", "{2}", "{1,}", "{,3}",
    "?:", "(?:", "(?=", "(?!", "(?<=", "(?<n>", "(?P<q>", "(?'z'", "(?|", "(?>", "(?i)", "(?-i)", "(?x)", "(?#",
    "(*", "(*ACCEPT)", "(*:m)", "(?(1)", "(?R)", "(?1)", "\\Q", "\\E", "\\d", "\\h", "\\K", "\\R", "\\x{41}",
    "\\p{L}", "\\[", "\\(", "\\)", "[:alpha:]", "[a-z]", "-", ":", "=", "!", "<", "&", "#", "++", "]+", " ",
]  # fmt: skip
# What Python also reads: here the verdict of trying must be PCRE's.
SHARED = [
    "a",
    "b",
    ".",
    "^",
    "$",
    "*",
    "+",
    "?",
    "|",
    "(",
    ")",
    "[ab]",
    "[^a]",
    "\\d",
    "\\s",
    "\\.",
    "{2}",
    "{1,3}",
    "(?:",
    "5",
    "1",
    "\\b",
    "(?-i)",
] + [" "]


def compiled(body):
    try:
        return Pattern(body)
    except PatternError:
        return None


@settings(max_examples=4000, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=9).map("".join))
def test_nothing_that_pcre_accepts_is_refused(body):
    fault = regexes.fault(f"/{body}/")
    assert fault is None or compiled(body) is None, fault


@settings(max_examples=2000, deadline=None)
@given(st.lists(st.sampled_from(["5", "(", ")", "[", "]", "*", "+", "?", "|", "\\."]), max_size=8).map("".join))
def test_what_pcre_refuses_of_plain_structure_is_refused(body):
    # What stands behind these has a language of its own.
    assume("(?" not in body and "(*" not in body)
    assert (regexes.fault(f"/{body}/") is None) == (compiled(body) is not None)


@settings(max_examples=3000, deadline=None)
@given(
    st.lists(st.sampled_from(SHARED), max_size=8).map("".join),
    st.lists(st.text("ab51. ", max_size=8), min_size=1, max_size=4),
)
def test_trying_gives_the_verdict_of_pcre(body, texts):
    search, judge = regexes.searcher(f"/{body}/"), compiled(body)
    if search is not None:
        assert judge is not None
        for text in texts:
            assert bool(search(text)) == judge.search(text), text


@pytest.mark.parametrize(
    "body",
    [
        "a++", "\\h+", "\\Rx", "a\\Kb", "(?|a|b)", "(a|(?R))", "\\Qa.b\\E", "[[:alpha:]]+", "a(?-i)B", "\\x{41}", "\\pL", "(?>a)",
        "(?<n>x)", "(?(?=a)b|c)", "(*UCP)a", "(?<=a|bc)d", "\\G", "\\N", "x(?i)y", "\\cA", "\\e", "(?'n'x)", "(?C1)",
    ],
)  # fmt: skip
def test_what_only_pcre_reads_is_said_to_be_unchecked(body):
    assert compiled(body)
    found = lint(f"<smtp-pattern-list l>\nreply /{body}/ mode=backoff\n</smtp-pattern-list>\n")
    assert [(one.line, one.column, one.severity, one.rule) for one in found] == [(2, 7, "warning", "regex-unchecked")]
    assert "checked" in found[0].message and "was not" in found[0].message


@pytest.mark.parametrize(
    "body",
    [
        "",
        "(?-i)ABC",
        "(?i)a",
        "^421 .* too many",
        "\\[TSS?0[1-4]\\]",
        "\\d{3}[ -]5\\.7",
        "[^]]+",
        "\\\\h",
        "(a|b)c",
        "[\\w.-]+@a",
    ],
)
def test_what_both_read_alike_is_tried(body):
    assert regexes.beyond(f"/{body}/") is None and regexes.searcher(f"/{body}/")


@pytest.mark.parametrize(
    "body",
    ["(a+)+$", "(a|a)*$", "(.*)*x", "((a*)*)*b", ".*.*.*.*.*x", "(a{1,9}){9}b", "a{5000}", "(?:x+x+)+y", "(ab){2,}"],
)
def test_what_might_run_for_long_is_not_tried(body):
    began = time.monotonic()
    assert regexes.searcher(f"/{body}/") is None
    lists = "".join(f"reply /{body}/ {action}\n" for action in ("mode=backoff", "bounce-queue"))
    lint(
        f"<smtp-pattern-list l>\n{lists}</smtp-pattern-list>\n<pattern-list m>\nmail-from /{body}/ virtual-mta=v\n</pattern-list>\n"
    )
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "body", ["[b-y]+[2-7]-[K-M]", "(?<=5\\.1\\.1) x", "(?<!a)b", "(?P<first>a|b) c", "[a-z0-9._+-]+@x", "^[B-D][k-k]"]
)
def test_usual_forms_are_known_without_compiling(body, monkeypatch):
    monkeypatch.setattr(regexes, "_refused", lambda body: pytest.fail(f"{body} was compiled"))
    re.compile(body)
    assert regexes.beyond(f"/{body}/") is None


@pytest.mark.parametrize("body", ["[y-b]", "(?<=a*)b", "(?<=a|bc)d", "(?P<x>a)(?P<x>b)", "(?P<1>a)"])
def test_what_python_does_not_compile_is_said_to_be_unchecked(body):
    assert regexes.beyond(f"/{body}/")
