# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two tables of PowerMTA's directives, written apart from each other: the linter's and the stand-in's. They must agree.

A stand-in that takes what the linter refuses would let the lab prove a configuration that nobody should load.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import directives
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.values import argument_check

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "standins/powermta"))
from pmta_standin import table, values

LINTER = {(section, row.name): row for row in directives.rows() for section in row.sections}
STANDIN = table.directives()

# What the linter's table lists and is no directive: tags, reserved names, words of a result or an action.
NO_DIRECTIVES = {
    *(("global", tag) for tag in ("address-list", "aliases", "bounce-category-patterns", "mx-rollup-list")),
    *((section, "address-list") for section in ("bounce-processor", "feedback-loop-processor")),
    ("virtual-mta-pool", "domain"),
    *(("domain", name) for name in ("{bounce}", "{sparkpost}")),
    *(("source", name) for name in ("{auth}", "{pickup}", "{transmissions-api}")),
    *(("pattern-list", word) for word in ("call-to", "recipient-priority", "virtual-mta")),
    *(
        ("smtp-pattern-list", word)
        for word in (
            "backoff-to-normal-after",
            "bounce-queue",
            "bounce-rcpt",
            "defer-queue",
            "disable-source-ip",
            "mode",
            "reenable-after",
            "skip-mx",
        )
    ),
}
# `alias` stands inside <aliases>; the reference files it under global with that remark.
ELSEWHERE = {("global", "alias"): ("aliases", "alias")}
WORDS = [
    "yes",
    "no",
    "true",
    "false",
    "maybe",
    "0",
    "1",
    "5",
    "-1",
    "100",
    "65536",
    "1.5",
    "unlimited",
    "never",
    "50/d",
    "100/h",
    "83/10m",
    "1/20m",
    "5/w",
    "1w2d12h30m10s",
    "10m",
    "1h",
    "90",
    "0s",
    "5M",
    "50m",
    "10k",
    "2g/10h",
    "12M/m",
    "10/8",
    "10.0.0.0/8",
    "192.0.2.1",
    "999.1.1.1",
    "::1",
    "0/0",
    "example.com",
    "*.example.com",
    "[*.]example.com",
    "*",
    "a@example.com",
    "@example.com",
    "a@b@c",
    "s1,example.com,/etc/pmta/k.pem",
    "s1,example.com",
    "a,b,c",
    "gzip",
    "smtp",
    "standard",
    "relaxed",
    "simple",
    "rsa-sha256",
    "strict-from",
    "d,b",
    "all",
    "x-header",
    "X:",
    "http://x.test/y",
    "relative/path",
    "8d",
    "50/day,100/day",
    "{auth}",
    "mta1",
    "name",
    "size",
    "file",
    "rcpt",
    "override",
]

MORE = ["/x/", "a" * 40, "/var/log/x", "/etc/pmta/a.txt", "[192.0.2.1]:25", "10.0.0.1:25", "512", "gmail.com/mta1"]
MORE += ["newfile-plain", "retain", "password", "reception", "headers"]
COMPOUND = {"domain-key", "host-list", "host-list|empty", "pattern-result"}
# Directives of one word; of the others only the names are compared here, and whole lines in the stand-in's own tests.
KEYS = sorted(key for key in STANDIN if " " not in STANDIN[key] and STANDIN[key] not in COMPOUND and key in LINTER)


def test_they_know_the_same_directives():
    ours = {ELSEWHERE.get(key, key) for key in LINTER if key not in NO_DIRECTIVES}
    assert ours == set(STANDIN) | set(table.refused())


def test_what_the_standin_refuses_outright_is_at_least_doubtful_to_the_linter():
    for key in table.refused():
        row = LINTER[key]
        assert row.deprecated or not row.documented, key


@pytest.mark.parametrize("key", KEYS, ids=" ".join)
def test_the_standin_takes_no_value_that_the_linter_refuses(key):
    check = argument_check(LINTER[key].value)
    for word in WORDS:
        try:
            values.parse(STANDIN[key], word)
        except values.ValueRefused:
            continue
        assert check((word,)) is None, f"{key[1]} {word}"


@pytest.mark.parametrize("key", KEYS, ids=" ".join)
def test_they_have_a_value_in_common(key):
    """Two tables that agree on nothing describe two directives."""
    check = argument_check(LINTER[key].value)
    for word in [*WORDS, *MORE]:
        try:
            values.parse(STANDIN[key], word, "regex" if word == "/x/" else "plain")
        except values.ValueRefused:
            continue
        if check((word,)) is None:
            return
    pytest.fail(f"no value suits both {STANDIN[key]} and {LINTER[key].value}")
