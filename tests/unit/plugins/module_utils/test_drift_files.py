# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison of files: whatever one line of a file becomes, it is that line that is named; and nothing makes it fail."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.drift import applied, running, values
from ansible_collections.email_engine.fleet.plugins.module_utils.drift.difference import DIFFERENCES
from ansible_collections.email_engine.fleet.plugins.module_utils.drift.files import compare_files
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_cli import disabled_sources, queues

WANTED = """\
postmaster ops@example.com
http-access 127.0.0.1 admin
http-access 0/0 none
domain-macro gmail gmail.com,googlemail.com
<smtp-pattern-list isp>
    reply /too many/ mode=backoff
    reply /over quota/ bounce-rcpt
    reply /blocked/ skip-mx
</smtp-pattern-list>
<domain $gmail>
    max-msg-rate 2000/h
    smtp-pattern-list isp
</domain>
<domain *>
    max-smtp-out 5
    retry-after 10m,1h
</domain>
<virtual-mta a>
    smtp-source-host 192.0.2.1 a.example.com
    max-smtp-msg-rate 50/d
    <domain $gmail>
        max-msg-rate 20/d
    </domain>
</virtual-mta>
<virtual-mta b>
    smtp-source-host 192.0.2.2 b.example.com
    max-smtp-msg-rate 60/d
</virtual-mta>
<virtual-mta-pool p>
    virtual-mta a
    virtual-mta b
</virtual-mta-pool>
"""
LINES = WANTED.splitlines()
SETTINGS = [n for n, line in enumerate(LINES) if not line.strip().startswith("<")]


def changed(number: int, *lines: str) -> str:
    return "\n".join([*LINES[:number], *lines, *LINES[number + 1 :]]) + "\n"


@given(st.sampled_from(SETTINGS), st.sampled_from(["x", "7", "9/h"]))
def test_a_changed_line_is_named_where_it_stands(number, more):
    [one] = compare_files(WANTED, changed(number, f"{LINES[number]} {more}"), "f")
    words = LINES[number].split()
    assert (one.kind, one.where) == ("file-value", f"f:{number + 1}")
    assert one.what.rpartition(": ")[2] == words[0]
    assert (one.wanted, one.found) == (" ".join(words[1:]), " ".join([*words[1:], more]))


@given(st.sampled_from(SETTINGS))
def test_a_line_that_is_gone_is_named(number):
    [one] = compare_files(WANTED, changed(number), "f")
    assert (one.kind, one.wanted, one.found) == ("file-line-missing", " ".join(LINES[number].split()[1:]), None)


@given(st.sampled_from(SETTINGS))
def test_a_line_that_was_added_is_named_where_it_stands(number):
    [one] = compare_files(WANTED, changed(number, LINES[number], "host-name x.example.com"), "f")
    assert (one.kind, one.where, one.wanted, one.found) == ("file-line-extra", f"f:{number + 2}", None, "x.example.com")


@pytest.mark.parametrize(
    "spelling", [("50/d", "50/day"), ("10m,1h", "600s, 60m"), ("  ", "\t"), ("\n", "\r\n"), ("\n<v", " # x\n<v")]
)
def test_another_spelling_is_no_difference_of_meaning(spelling):
    assert [one.kind for one in compare_files(WANTED, WANTED.replace(*spelling), "f")] == ["file-text"]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("50/d", "50/h"),
        ("100/h", "2400/d"),
        ("yes", "no"),
        ("1h", "1m"),
        ("a,b", "b,a"),
        ("/a,b/", "/a, b/"),
        ("A", "a"),
        ("5", "50"),
    ],
)
def test_what_does_not_mean_the_same(one, two):
    assert values.meaning(one) != values.meaning(two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("50/d", "50/day"),
        ("yes", "true"),
        ("No", "false"),
        ("1h", "60m"),
        ("1w2d", "9d"),
        ("a, b", "a,b"),
        ('"x y"', "x y"),
        ("1/1h", "1/h"),
    ],
)
def test_what_means_the_same(one, two):
    assert values.meaning(one) == values.meaning(two)


@settings(max_examples=300, deadline=None)
@given(
    st.text(alphabet="<>/{}#\"'\\ \t\r\n=abvirtual-mtadomain*$x1é\x00\ud800", max_size=300), st.integers(0, len(WANTED))
)
def test_nothing_makes_it_fail(junk, at):
    text = WANTED[:at] + junk + WANTED[at:]
    for one in compare_files(WANTED, text, "f"):
        assert one.kind in DIFFERENCES and str(one)
    assert applied.judge_file(text, WANTED, "f").differences or text == WANTED or text.rstrip() == WANTED.rstrip()


def test_a_section_is_told_once_and_not_line_by_line():
    found = WANTED[: WANTED.index("<virtual-mta a>")] + WANTED[WANTED.index("<virtual-mta b>") :]
    assert [(one.kind, one.what) for one in compare_files(WANTED, found, "f")] == [("section-missing", "virtual-mta a")]
    assert [(one.kind, one.what) for one in compare_files(found, WANTED, "f")] == [("section-extra", "virtual-mta a")]


def test_a_section_opened_twice():
    found = WANTED + "<domain *>\n    max-smtp-out 500\n</domain>\n"
    assert {(one.kind, one.found) for one in compare_files(WANTED, found, "f")} == {
        ("section-twice", "2 times"),
        ("file-line-extra", "500"),
    }


def test_a_lost_closing_tag_moves_nothing_into_its_section():
    found = (
        WANTED.replace("</virtual-mta>\n<virtual-mta b>", "<virtual-mta b>")
        + "<domain x.example>\n    max-smtp-out 1\n</domain>\nhost-name h.example\n"
    )
    said = {(one.kind, one.what) for one in compare_files(WANTED, found, "f") if one.kind != "file-syntax"}
    assert said == {("section-extra", "domain x.example"), ("file-line-extra", "host-name")}


def test_only_queues_of_stopped_virtual_mtas_have_to_be_paused():
    found = running.missing_pauses(["a.b/x", "a.b/y", "c.d/x"], ["c.d/x"], ["X"])
    assert [one.where for one in found] == ["a.b/x"]


# What PowerMTA prints in forms that nobody documents --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rows", "complete"),
    [
        ("", [], True),
        ("source queue reenabled\n", [], True),
        ("0 of 0 disabled sources.\n", [], True),
        ("No disabled sources.\n", [], True),
        ("source  queue\n192.0.2.1  gmail.com/a  never\n1 of 1 disabled sources.\n", ["192.0.2.1"], True),
        ("192.0.2.1 1und1.de/a 2026-11-22 11:00:00\n", ["192.0.2.1"], True),
        ("gmail.com/a 192.0.2.1 11/22/2026\n2001:db8::1 gmail.com/b\n", ["192.0.2.1", "2001:db8::1"], True),
        ("source queue\n192.0.2.1 gmail.com/a\n1 of 7 disabled sources.\n", ["192.0.2.1"], False),
        ("source queue\nsomething nobody knows\n", [], False),
        ("\n".join(f"192.0.2.{n} a.b/c" for n in range(1, 11)), [f"192.0.2.{n}" for n in range(1, 11)], False),
    ],
)
def test_disabled_sources_are_read_or_not_known(text, rows, complete):
    found = disabled_sources(text)
    assert ([row.ip for row in found.rows], found.complete) == (rows, complete)


def test_queues_are_read_or_not_known():
    head = "queue #rcpt kbytes conn st retry last error\n"
    found = queues(head + "gmail.com/a 1,234 5.0 0 P - 421 too many/often\n[192.0.2.1]/b 0 0 0 - - -\n2 of 2 queues.\n")
    assert (found.rows, found.complete) == ([("gmail.com/a", 1234), ("[192.0.2.1]/b", 0)], True)
    assert not queues(head).complete and not queues(head + "gmail.com/a 1 0 0 P - -\n1 of 2 queues.\n").complete


def test_hosts_are_compared_however_they_are_printed():
    assert values.folded("smtp-hosts", '"[127.0.0.1]:9"') == values.folded("smtp-hosts", "127.0.0.1:9")
    assert values.folded("smtp-hosts", "[127.0.0.1]:9") != values.folded("smtp-hosts", "[127.0.0.9]:1")


def test_a_pause_of_the_default_virtual_mta_is_one_nobody_asked_for():
    assert [one.where for one in running.extra_pauses(["a.b/{default}", "a.b/x"], ["X"])] == ["a.b/{default}"]
