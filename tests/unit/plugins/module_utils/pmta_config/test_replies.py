# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reply patterns are tried on samples; what spares the trial must never change its result."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import lint
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.judges import replies

WORDS = [
    "user",
    "unknown",
    "User Unknown",
    "mailbox",
    "rejected",
    "full",
    "550",
    "5.1.1",
    "5\\.1\\.1",
    "zebra",
    "x",
    " ",
    "",
]
REPEATS = ["", "?", "*", "+", "{0}", "{0,3}", "{2,30}", "+?"]
PIECES = st.one_of(
    st.builds("{}{}".format, st.sampled_from([word for word in WORDS if word]), st.sampled_from(REPEATS)),
    st.builds("({}|{}){}".format, st.sampled_from(WORDS), st.sampled_from(WORDS), st.sampled_from(REPEATS)),
    st.builds("(?:{}({})?)".format, st.sampled_from(WORDS), st.sampled_from(WORDS)),
    st.builds("(?{}{})".format, st.sampled_from(["=", "!", "<!"]), st.sampled_from(["user", "zebra", "x"])),
    st.sampled_from(
        [
            ".*",
            ".",
            "^",
            "$",
            "|",
            "[a-z]+",
            "[\\]q]",
            "[^x]*",
            "\\d",
            "\\s+",
            "\\(",
            "\\[",
            "\\x75ser",
            "\\bunknown\\b",
        ]
    ),
)


@given(st.lists(PIECES, min_size=1, max_size=6).map("".join))
def test_no_sample_that_matches_is_left_out(body):
    try:
        search = re.compile(body, re.IGNORECASE).search
    except re.error:
        return
    possible = replies._possible(f"/{body}/", list(replies.SAMPLES), replies._text(replies.SAMPLES))
    assert {sample for sample in replies.SAMPLES if search(sample)} <= set(possible)


@pytest.mark.parametrize(
    "shape",
    [
        "/user unknown code {}/",
        "/(?:user|mailbox) unknown.*code[ -]?{}/",
        "/^5\\d\\d.*rejected.{{0,20}}policy P{}x/",
        "/(?i)blocked by list{}/",
        "/user unknown \\[(TS|CS){}\\] (a|b)/",
        "/(zebra{}|(?:yak|gnu)+) (user|mailbox)/",
        "/\\xE9t\\xE9 user {}/",
    ],
)
def test_a_long_list_of_patterns_that_no_sample_can_match_is_not_compiled(shape, monkeypatch):
    tried = []
    monkeypatch.setattr(replies.regexes, "searcher", tried.append)
    entries = "".join(f"reply {shape.format(10_000 + number)} mode=backoff\n" for number in range(50))
    lint(f"<smtp-pattern-list l>\n{entries}</smtp-pattern-list>\n")
    assert tried == []


@pytest.mark.parametrize(
    "pattern",
    [
        "user unknown", "unknown user", "no such user", "no such recipient", "invalid recipient", "mailbox unavailable",
        "user (not found|unknown)", "recipient rejected", "quota exceeded", "over quota", "mailbox (is )?full", "does not exist",
        "account .*disabled", "no mailbox here", "unrouteable address", "account is inactive", "not our customer",
        "requested action not taken", "^550", "5\\.1\\.1", "",
    ],
)  # fmt: skip
def test_what_receivers_say_of_one_recipient_never_gives_up_a_queue(pattern):
    entry = "<smtp-pattern-list l>\n    reply /{}/ {}\n</smtp-pattern-list>\n"
    [found] = lint(entry.format(pattern, "bounce-queue"))
    assert (found.rule, found.line, found.column, found.severity) == ("bounce-queue-broad", 2, 11, "warning")
    assert [one.rule for one in lint(entry.format(pattern, "mode=backoff"))] == ["backoff-broad"]
    assert lint(entry.format(pattern, "bounce-rcpt")) == []


@pytest.mark.parametrize(
    "pattern",
    [
        "too many connections", "blocked using", "\\[TSS?0[1-4]\\]", "4\\.7\\.0.*try again later", "unusual rate of unsolicited mail",
        "^421 .* too many errors", "permanently deferred", "spamhaus", "rate limit", "service not available",
    ],
)  # fmt: skip
def test_what_receivers_say_of_the_sender_may_slow_down_a_queue(pattern):
    text = f"<smtp-pattern-list l>\n    reply /{pattern}/ mode=backoff\n</smtp-pattern-list>\n"
    assert lint(text) == []
