# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules are silenced one by one, where the comment says and nowhere else, and never without a reason."""

from __future__ import annotations

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import lint, lint_report, parse

MARK = "# pmta-lint: ignore"


def remaining(text, **more):
    return [(found.line, found.rule) for found in lint(text, **more)]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"spool /x {MARK} deprecated: ours\nspool /y\n", [(2, "deprecated")]),
        (f"{MARK} deprecated: ours\nspool /x\nspool /y\n", [(3, "deprecated")]),
        (f"{MARK} deprecated: ours\n# more to say\nspool /x\n", []),
        (f"{MARK} deprecated: ours\n\nspool /x\n", [(1, "silence-unused"), (3, "deprecated")]),
        (f"{MARK} deprecated, unknown-directive: ours\nspool /x\n", [(1, "silence-unused")]),
        (f"{MARK} deprecated: a\n{MARK} argument-count: b\nspool /x /y\n", []),
        (f"{MARK} unknown-directive: ours\n<domain *>\nfoo 1\nfoo 2\n</domain>\nfoo 3\n", [(6, "unknown-directive")]),
        (f"<domain *> {MARK} unknown-directive: ours\nfoo 1\n</domain>\n", []),
        (f"<domain *>\n{MARK} unknown-directive: ours\n</domain>\nfoo 3\n", [(2, "silence-unused"), (4, "unknown-directive")]),
        (f"{MARK}-file unknown-directive: ours\nfoo 1\n<domain *>\nfoo 2\n</domain>\n", []),
        (f"foo 1\n{MARK}-file unknown-directive: ours\n", []),
        (f"foo 1 {MARK} unknown-directive\n", [(1, "unknown-directive"), (1, "silence-without-reason")]),
        (f"foo 1 {MARK} unknown-directive:  \n", [(1, "unknown-directive"), (1, "silence-without-reason")]),
        (f"foo 1 {MARK} no-such: ours\n", [(1, "unknown-directive"), (1, "silence-unknown-rule")]),
        ("foo 1 # pmta-lint: off\n", [(1, "unknown-directive"), (1, "silence-unknown-rule")]),
        (f"foo 1 {MARK} deprecated: ours\n", [(1, "unknown-directive"), (1, "silence-unused")]),
        (f"{MARK} syntax-unclosed: ours\n<domain *>\n", []),
        (f"domain-macro m a,\nb, {MARK} x: y\n", [(2, "syntax-trailing-comma")]),
        # What needs the host is not asked here.
        (f"domain-key s,a.example,/k {MARK} host-key-missing: made later\n<domain *>\ndkim-sign yes\ndkim-identity strict-from\n</domain>\n", []),
    ],
)  # fmt: skip
def test_where_a_comment_reaches(text, left):
    assert sorted(remaining(text)) == sorted(left)
    # The same from a tree.
    assert sorted((found.line, found.rule) for found in lint(parse(text))) == sorted(left)


def test_a_comment_is_for_its_own_file():
    files = {"b": "spool /x\n"}
    marked = f"{MARK}-file deprecated: ours\ninclude b\nspool /y\n"
    found = lint(marked, "a", lambda name, _file: [(name, files[name])])
    assert [(one.file, one.line, one.rule) for one in found] == [("b", 1, "deprecated")]
    files["b"] += f"{MARK}-file deprecated: theirs\n"
    assert lint(marked, "a", lambda name, _file: [(name, files[name])]) == []


def test_what_was_silenced_is_told_with_its_reason():
    report = lint_report(f"spool /x {MARK} deprecated: since 2012\nfoo\n", silenced={"unknown-directive": "ours"})
    assert report.findings == []
    assert [(one.finding.rule, one.finding.line, one.reason) for one in report.silenced] == [
        ("deprecated", 1, "since 2012"),
        ("unknown-directive", 2, "ours"),
    ]


def test_deep_nesting_does_not_make_it_slow():
    text = f"{MARK} unknown-section: ours\n" + "<a>\n" * 3000
    assert [rule for _line, rule in remaining(text) if rule == "unknown-section"] == []
