# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notice about held mail: it reads counts as the modules do, and one failure harms nobody else's notice."""

from __future__ import annotations

import importlib.util
import json
import smtplib
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils import pmta_cli

SCRIPT = Path(__file__).parents[2] / "roles/powermta/files/email-engine-held-notice"


def load():
    loader = SourceFileLoader("held_notice", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("held_notice", loader))
    loader.exec_module(module)
    return module


held = load()
SENDERS = [
    {"vmta": "a-1", "tenant": "a", "domain": "m1.a.test"},
    {"vmta": "a-2", "tenant": "a", "domain": "m2.a.test"},
    {"vmta": "b-1", "tenant": "b", "domain": "m1.b.test"},
]

WORDS = st.sampled_from(
    [
        "0",
        "7",
        "120",
        "1,840",
        "12'345",
        "1.2K",
        "3k",
        "2M",
        "1g",
        "12.5",
        "12.5%",
        "%",
        "-",
        "many",
        "vmta-a",
        "{default}",
    ]
)
TAILS = st.sampled_from(
    ["", "0 of 0 virtual MTAs.", "1 of 1 virtual MTA.", "2 of 2 virtual MTAs", "2 of 7 virtual MTAs."]
)


@given(lines=st.lists(st.lists(WORDS, max_size=8).map("  ".join), max_size=4), tail=TAILS)
def test_it_reads_what_the_modules_read(lines, tail):
    output = "\n".join(["name  domains  #rcpt  % total  kbytes  conn", *lines, tail])
    listing = pmta_cli.vmtas(output)
    assert held.vmtas(output) == ({row.name: row.recipients for row in listing.rows}, listing.complete)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a 1 1.2K 50.0 4M 0", 1200),
        ("a 1 1,840 87.5 % 30 4", 1840),
        ("a 1 2M 87.5% 30 4", 2000000),
        ("a 1 0 0.0 0 0", 0),
    ],
)
def test_counts(line, expected):
    assert held.vmtas(f"{line}\n1 of 1 virtual MTAs.\n") == ({"a": expected}, True)


class Post:
    """Takes notices; refuses those to the domains it is told to."""

    def __init__(self, *refused):
        self.refused, self.sent = refused, []

    def __call__(self, grown, domain):
        if domain in self.refused:
            raise smtplib.SMTPRecipientsRefused({domain: (550, b"no")})
        self.sent.append((domain, dict(grown)))


def test_a_failure_neither_stops_nor_repeats_the_others(tmp_path):
    memory = tmp_path / "held-notice.json"
    counts = {"unrouted-a": 3, "a-2": 1, "b-1": 5}
    post = Post("m1.a.test")
    assert held.tell(memory, counts, True, SENDERS, post) is False
    assert post.sent == [("m1.b.test", {"b-1": 5})]
    post = Post()
    assert held.tell(memory, counts, True, SENDERS, post) is True
    assert post.sent == [("m1.a.test", {"unrouted-a": 3, "a-2": 1})]
    post = Post()
    assert held.tell(memory, counts, True, SENDERS, post) is True
    assert post.sent == []


def test_what_was_sent_is_remembered_even_when_the_next_one_kills_the_run(tmp_path):
    memory = tmp_path / "held-notice.json"

    def send(_grown, domain):
        if domain == "m1.b.test":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        held.tell(memory, {"a-1": 3, "b-1": 5}, True, SENDERS, send)
    assert json.loads(memory.read_text()) == {"a-1": 3}


def test_only_growth_is_told(tmp_path):
    memory = tmp_path / "held-notice.json"
    said = []
    for count in (3, 3, 2, 3, 0, 1):
        post = Post()
        assert held.tell(memory, {"a-1": count} if count else {}, True, SENDERS, post)
        said.append([grown["a-1"] for _domain, grown in post.sent])
    assert said == [[3], [], [], [3], [], [1]]


def test_a_list_that_is_not_whole_forgets_nothing(tmp_path):
    memory = tmp_path / "held-notice.json"
    held.tell(memory, {"a-1": 3}, True, SENDERS, Post())
    assert held.tell(memory, {"b-1": 1}, False, SENDERS, Post())
    post = Post()
    held.tell(memory, {"a-1": 3, "b-1": 1}, True, SENDERS, post)
    assert post.sent == []


def test_what_belongs_to_nobody_fails_each_time(tmp_path):
    for _run in range(2):
        post = Post()
        assert held.tell(tmp_path / "held-notice.json", {"stray": 1, "b-1": 2}, True, SENDERS, post) is False
    assert post.sent == []


@pytest.mark.parametrize("damaged", ["stops.json", "fleet.json"])
def test_a_damaged_record_fails_the_run(tmp_path, monkeypatch, damaged):
    (tmp_path / damaged).write_text("{")
    monkeypatch.setattr(held.sys, "argv", ["x", str(tmp_path), "192.0.2.1:25", "vps2.example"])
    monkeypatch.setattr(held, "queued", lambda: ({}, True))
    assert held.main() == 1
    (tmp_path / damaged).unlink()
    assert held.main() == 0
    monkeypatch.setattr(held, "queued", lambda: ({}, False))
    assert held.main() == 1


def test_runtime_stops_count_in_both_their_forms(tmp_path, monkeypatch):
    (tmp_path / "fleet.json").write_text(json.dumps({"senders": SENDERS}))
    monkeypatch.setattr(held.sys, "argv", ["x", str(tmp_path), "192.0.2.1:25", "vps2.example"])
    monkeypatch.setattr(held, "queued", lambda: ({"a-1": 1, "a-2": 1, "b-1": 1}, True))
    told = []
    monkeypatch.setattr(held, "tell", lambda _memory, counts, *_rest: told.append(sorted(counts)) or True)
    for runtime in (["b-1"], {"b-1": {"why": "listed"}}):
        (tmp_path / "stops.json").write_text(json.dumps({"version": 1, "declared": ["a-2"], "runtime": runtime}))
        assert held.main() == 0
    assert told == [["a-2", "b-1"], ["a-2", "b-1"]]
