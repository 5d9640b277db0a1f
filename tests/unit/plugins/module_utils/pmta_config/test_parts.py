# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that is only a part: what it leaves to others is a warning, what it gets wrong itself an error."""

from __future__ import annotations

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import lint

WHOLE = "postmaster a@b.example\nlog-file /l\n<spool /s>\n</spool>\n"

# (rule, a part that counts on another file, a definition of the same kind that shows that it does not)
PARTS = [
    (
        "vmta-undefined",
        "<virtual-mta-pool p>\n virtual-mta m1\n</virtual-mta-pool>\n",
        "<virtual-mta m2>\n</virtual-mta>\n",
    ),
    (
        "vmta-undefined",
        "<source 10.0.0.1>\n default-virtual-mta p1\n</source>\n",
        "<virtual-mta-pool p2>\n</virtual-mta-pool>\n",
    ),
    ("source-undefined", "smtp-listener 10.0.0.1:25 source=s1\n", "<source s2>\n</source>\n"),
    (
        "pattern-list-undefined",
        "<source 10.0.0.1>\n pattern-list l1\n</source>\n",
        "<pattern-list l2>\n mail-from /^a@b\\.c$/ recipient-priority=50\n</pattern-list>\n",
    ),
    (
        "smtp-pattern-list-undefined",
        "<domain *>\n smtp-pattern-list l1\n</domain>\n",
        "<smtp-pattern-list l2>\n</smtp-pattern-list>\n",
    ),
    ("macro-undefined", "<domain $m1>\n max-smtp-out 2\n</domain>\n", "domain-macro m2 a.example\n"),
    (
        "dkim-not-signed",
        "<virtual-mta m>\n smtp-source-host 192.0.2.1 a.example\n domain-key s,a.example,/k\n</virtual-mta>\n",
        "<domain *>\n max-smtp-out 2\n</domain>\n",
    ),
]


def severities(text, rule):
    return [found.severity for found in lint(text) if found.rule == rule]


@pytest.mark.parametrize(("rule", "part", "definition"), PARTS, ids=[f"{row[0]}-{at}" for at, row in enumerate(PARTS)])
def test_what_another_file_may_say(rule, part, definition):
    assert severities(part, rule) == ["warning"]
    assert severities(definition + part, rule) == ["error"]
    assert severities(WHOLE + part, rule) == ["error"]


@pytest.mark.parametrize(
    "slip",
    [
        "virtual-mta-pool p {\n}\n",
        "<virtual-mta a>\n smtp-source-host a.example 192.0.2.1\n</virtual-mta>\n",
        "weight 5\n",
    ],
)
def test_slips_of_its_own_stay_errors(slip):
    assert "error" in [
        found.severity for found in lint("<source 10.0.0.1>\n default-virtual-mta p1\n</source>\n" + slip)
    ]
