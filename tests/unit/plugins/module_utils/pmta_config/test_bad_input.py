# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are damaged, no text, or endless: said at their line with what to do, within bounded time and memory."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import lint, parse, to_text
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.rules import RULES

ROOT = Path(__file__).parents[5]
GOOD = "postmaster ops@example.org\nlog-file /var/log/pmta/log\n<spool /var/spool/pmta>\n</spool>\n"


def decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def errors(text):
    return [(found.line, found.column, found.rule) for found in lint(text) if found.severity == "error"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_wide_encodings_are_named_once_with_the_remedy(encoding):
    text = decoded(GOOD.encode(encoding))
    found = [one for one in lint(text) if one.severity == "error"]
    assert [(one.line, one.column, one.rule) for one in found] == [(1, 1, "syntax-encoding")]
    assert "UTF-16" in found[0].message and "UTF-8" in found[0].remedy
    assert to_text(parse(text)) == text


def test_a_byte_order_mark_is_a_warning_and_hides_nothing():
    found = lint("\ufeff" + GOOD + "nonsense 1\n")
    assert [(one.line, one.severity, one.rule) for one in found] == [
        (1, "warning", "syntax-bom"),
        (5, "error", "unknown-directive"),
    ]


def test_lone_carriage_returns_are_said_where_they_are():
    assert errors(GOOD.replace("\n", "\r"))[0] == (1, 27, "syntax-line-end")
    assert errors(GOOD + "log-rotate 5\rrun-as-root yes\n")[0] == (5, 13, "syntax-line-end")
    # A comment swallows what follows too.
    assert errors(GOOD + "# so\rrun-as-root yes\n") == [(5, 5, "syntax-line-end")]
    for harmless in (GOOD.replace("\n", "\r\n"), GOOD.replace("\n", "\r\r\n"), GOOD + "\r"):
        assert errors(harmless) == []


def test_zero_bytes_and_bytes_that_are_no_text():
    assert (5, 4, "syntax-control-character") in errors(GOOD + "log\x00-rotate 5\n")
    assert (5, 13, "syntax-encoding") in errors(decoded(GOOD.encode() + b"user-string \xe9t\xe9\n"))
    for seed in range(20):
        binary = decoded(random.Random(seed).randbytes(4000))
        assert errors(binary)
        assert to_text(parse(binary)) == binary
    archive = decoded(b"\x7fELF\x02\x01\x01\x00" + bytes(range(256)) * 8)
    assert any(rule.startswith("syntax") for _line, _column, rule in errors(archive))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<domain *>\n    max-smtp-out 5\n", [(1, 2, "syntax-unclosed")]),
        ("<virtual-mta a>\n  <domain *>\n</virtual-mta>\n", [(3, 1, "syntax-crossed")]),
        ("  </domain>\n", [(1, 3, "syntax-stray-closing")]),
        ("<domain *\n</domain>\n", [(1, 1, "syntax-tag")]),
        ("<domain *>x\n</domain>\n", [(1, 11, "syntax-tag-line"), (1, 11, "unknown-directive")]),
        ('http-tls-ciphers a"b"c "d\n', [(1, 24, "syntax-quote"), (1, 24, "argument-count")]),
        ("relay-address a /b\n", [(1, 17, "syntax-regex"), (1, 17, "argument-count")]),
    ],
)
def test_tags_and_quotes_that_do_not_fit(text, expected):
    found = lint(text, whole=False)
    assert [(one.line, one.column, one.rule) for one in found if one.severity == "error"] == expected
    assert all(one.remedy for one in found)


def test_many_warnings_hide_no_error_and_what_is_left_out_is_said():
    text = "sync-msg-create no\n" * 100_000 + "nonsense 1\n"
    began = time.process_time()
    found = lint(text)
    assert time.process_time() - began < 20
    assert len(found) < 5000
    assert (100_001, "unknown-directive") in [(one.line, one.rule) for one in found]
    assert [one.message for one in found if one.rule == "findings-left-out"] == ["99000 more findings are not listed"]
    # Findings of the parser count as well.
    found = lint("</x>\n" * 100_000)
    assert len(found) < 5000 and "findings-left-out" in {one.rule for one in found}
    assert {one.rule for one in found} <= set(RULES)


@pytest.mark.parametrize(
    "opened", ["<domain *>\n", "<virtual-mta x>\n<domain *>\n", "x {\n", "mail-from /x/ <pattern-list>\n"]
)
def test_very_deep_nesting(opened):
    text = opened * 10_000
    began = time.process_time()
    assert errors(text)
    assert to_text(parse(text)) == text
    assert time.process_time() - began < 20


LONG = """
import resource, sys, time
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import lint, parse, to_text
text = {text}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began = time.process_time()
found = lint(text, whole=False)
seconds = time.process_time() - began
more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
print(seconds, more, sorted({{one.rule for one in found}}))
assert found and all(one.line == 1 and one.remedy for one in found), found[:3]
assert seconds < 20, seconds
assert more < 900, more
"""


@pytest.mark.parametrize(
    "text",
    [
        '"x" * 100_000_000',
        '"user-string " + "a b " * 25_000_000 + chr(10)',
        '"relay-address /" + "(" * 100_000_000',
        '"<domain " + chr(34) * 100_000_000 + ">"',
        '"domain-macro m " + "a.example," * 10_000_000',
    ],
    ids=["letters", "words", "parentheses", "quotes", "a list"],
)
def test_a_line_of_a_hundred_megabytes(text):
    done = subprocess.run(
        [sys.executable, "-c", LONG.format(text=text)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert "syntax-long-line" in done.stdout
