# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Selectors, file names, record texts, and the decision about each key as a truth table."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils import dkim
from ansible_collections.email_engine.fleet.plugins.module_utils import dkim_registry as registry
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

DOMAIN = "mail1.example.com"
PATH = f"/keys/s20261122.{DOMAIN}.pem"
KEY = registry.KeyFacts("rsa", 2048, "PUBLIC")
FILE = registry.FileFacts(PATH, "file", 1679, 42, "aa")
OTHER_BYTES = registry.FileFacts(PATH, "file", 1679, 42, "bb")
ABSENT = registry.FileFacts(PATH, "absent")
RECORD = registry.make_record("s20261122", FILE, KEY, "2026-11-22T08:00:00Z", "made")
WISH = registry.Wish(DOMAIN)
labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)


def test_selectors_of_one_day_are_all_different():
    taken: list[str] = []
    while len(taken) < 27:
        taken.append(dkim.next_selector("20261122", taken))
    assert taken[:3] == ["s20261122", "s20261122a", "s20261122b"] and len(set(taken)) == 27
    assert all(dkim.is_selector(selector) for selector in taken)
    with pytest.raises(ValueError, match="tomorrow"):
        dkim.next_selector("20261122", taken)


@pytest.mark.parametrize("date", ["2026-11-22", "20261322", "2026112", "20260230", "٢٠٢٦١١٢٢"])
def test_a_date_that_is_none_is_refused(date):
    with pytest.raises(ValueError):
        dkim.selector_for(date)


@given(labels, st.lists(labels, min_size=2, max_size=4).map(".".join))
def test_file_names_can_be_read_back(selector, domain):
    assert dkim.domain_of_file(dkim.key_file_name(selector, domain)) == (selector, domain)


@pytest.mark.parametrize(
    "name", ["keys.json", ".new-abc", "x.pem", "S1.example.com.pem", "s1.example.com.pem.bak", "a/b.pem"]
)
def test_other_files_are_not_keys(name):
    assert dkim.domain_of_file(name) is None


@pytest.mark.parametrize("domain", ["../../etc/x", "a/b.example", "", "localhost", "a..b", "x y.example"])
def test_domains_that_could_leave_the_directory_are_refused(domain):
    with pytest.raises(FleetError):
        registry.check_wishes([registry.Wish(domain)])


@pytest.mark.parametrize(
    ("text", "public"),
    [("v=DKIM1; k=rsa; p=AB CD==", "ABCD=="), ("p=", ""), ("v=DKIM1; k=rsa", None), (dkim.record_text("XY"), "XY")],
)
def test_the_public_key_of_a_record(text, public):
    assert dkim.public_of_record(text) == public


@pytest.mark.parametrize(
    ("record", "file", "key", "replace_lost", "verdict"),
    [
        (None, ABSENT, None, False, registry.MAKE),
        (None, ABSENT, None, True, registry.MAKE),
        (None, FILE, None, False, registry.VALIDATE),
        (None, FILE, KEY, False, registry.ADOPT),
        (None, FILE, registry.KeyFacts("rsa", 1024, "X"), False, registry.WRONG_SIZE),
        (None, FILE, registry.KeyFacts("Ed25519"), False, registry.FOREIGN),
        (None, FILE, registry.KeyFacts(error="it is encrypted"), False, registry.UNREADABLE),
        (None, registry.FileFacts(PATH, "other"), None, False, registry.FOREIGN),
        (None, registry.FileFacts(PATH, "file", error="Permission denied"), None, False, registry.UNREADABLE),
        (RECORD, FILE, None, False, registry.OK),
        (RECORD, registry.FileFacts(PATH, "file", 1679, 43, "aa"), None, False, registry.REFRESH),
        ({**RECORD, "path": "/old/place"}, FILE, None, False, registry.REFRESH),
        ({**RECORD, "lost": "2026-11-22T09:00:00Z"}, FILE, None, False, registry.REFRESH),
        ({**RECORD, "bits": 4096}, FILE, None, False, registry.WRONG_SIZE),
        (RECORD, OTHER_BYTES, None, False, registry.VALIDATE),
        (RECORD, OTHER_BYTES, KEY, False, registry.ADOPT),
        (RECORD, OTHER_BYTES, registry.KeyFacts("rsa", 2048, "ANOTHER"), False, registry.ADOPT),
        (RECORD, OTHER_BYTES, registry.KeyFacts(error="broken"), False, registry.UNREADABLE),
        (RECORD, OTHER_BYTES, registry.KeyFacts("rsa", 3072, "X"), True, registry.WRONG_SIZE),
        (RECORD, ABSENT, None, False, registry.MISSING),
        (RECORD, ABSENT, None, True, registry.REPLACE),
    ],
)
def test_what_is_done_about_a_key(record, file, key, replace_lost, verdict):
    decision = registry.decide(WISH, "s20261122", record, file, key, 2048, replace_lost)
    assert decision.verdict == verdict
    assert (decision.problem is not None) == (verdict in registry.FAILURES)
    if decision.problem:
        assert PATH in str(decision.problem) and DOMAIN in str(decision.problem) and decision.problem.remedy


def test_a_key_that_became_another_under_its_selector_is_said():
    same = registry.decide(WISH, "s20261122", RECORD, OTHER_BYTES, KEY, 2048)
    other = registry.decide(WISH, "s20261122", RECORD, OTHER_BYTES, registry.KeyFacts("rsa", 2048, "ANOTHER"), 2048)
    assert same.warning == "" and "s20261122" in other.warning


def test_a_named_selector_is_not_used_twice():
    wish = registry.Wish(DOMAIN, "s20261122")
    assert registry.decide(wish, "s20261122", RECORD, ABSENT, None, 2048, True).verdict == registry.MISSING


def known(current: str | None, *selectors: str) -> dict:
    return {
        "version": 1,
        "domains": {DOMAIN: {"current": current, "keys": {s: {**RECORD, "selector": s} for s in selectors}}},
    }


@pytest.mark.parametrize(
    ("wish", "keys", "on_disk", "selector"),
    [
        (WISH, registry.empty(), [], "s20261122"),
        (WISH, known("s20250101", "s20250101"), ["s20250101"], "s20250101"),
        (WISH, known("s20250101", "s20250101"), ["s20250101", "s20260202"], "s20250101"),
        (WISH, registry.empty(), ["s20250101"], "s20250101"),
        (WISH, known(None, "s20261122"), ["s20261122"], "s20261122a"),
        (WISH, known(None, "s20261122", "s20261122a"), [], "s20261122b"),
        (registry.Wish(DOMAIN, "own"), known("s20250101", "s20250101"), [], "own"),
    ],
)
def test_which_selector_is_meant(wish, keys, on_disk, selector):
    assert registry.choose_selector(wish, keys, on_disk, "20261122") == selector


def test_competing_unrecorded_keys_are_the_operators_to_choose():
    with pytest.raises(FleetError, match=r"s1\.mail1\.example\.com\.pem, s2\."):
        registry.choose_selector(WISH, registry.empty(), ["s2", "s1"], "20261122")


@pytest.mark.parametrize(
    "wishes",
    [
        [registry.Wish(DOMAIN), registry.Wish(DOMAIN, "s1")],
        [registry.Wish(DOMAIN, "s1"), registry.Wish(DOMAIN, "s2")],
        [registry.Wish(DOMAIN, "a.b")],
        [registry.Wish(DOMAIN, "_x")],
    ],
)
def test_wishes_that_contradict_each_other(wishes):
    with pytest.raises(FleetError):
        registry.check_wishes(wishes)


def test_wishes_may_repeat_and_may_prepare_a_second_key():
    old, new = registry.Wish(DOMAIN, "s1"), registry.Wish(DOMAIN, "s2", current=False)
    assert registry.check_wishes([WISH, WISH]) == [WISH]
    assert registry.check_wishes([old, new]) == [old, new]


def test_a_registry_survives_writing_and_reading():
    filled = registry.with_record(registry.empty(), DOMAIN, RECORD, True)
    assert registry.load(registry.dump(filled), "keys.json") == filled
    assert filled["domains"][DOMAIN]["current"] == "s20261122"
    prepared = registry.with_record(filled, DOMAIN, {**RECORD, "selector": "s2"}, False)
    assert prepared["domains"][DOMAIN]["current"] == "s20261122"
    lost = registry.with_loss(prepared, DOMAIN, "s20261122", "now")
    assert lost["domains"][DOMAIN]["current"] is None and lost["domains"][DOMAIN]["keys"]["s20261122"]["lost"] == "now"
    assert filled == registry.with_record(registry.empty(), DOMAIN, RECORD, True), "older values are not touched"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"version": 2, "domains": {}}',
        '{"version": 1, "domains": []}',
        '{"version": 1, "domains": {"x.y": null}}',
        '{"version": 1, "domains": {"x.y": {"current": "s9", "keys": {}}}}',
        json.dumps({"version": 1, "domains": {"x.y": {"current": None, "keys": {"s1": {**RECORD, "sha256": None}}}}}),
    ],
)
def test_a_damaged_registry_is_refused_with_a_remedy(text):
    with pytest.raises(FleetError, match="Restore it from a backup"):
        registry.load(text, "/keys/keys.json")
