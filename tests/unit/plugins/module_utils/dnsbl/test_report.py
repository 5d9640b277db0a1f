# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole check as the engine takes it, and as people read it."""

from __future__ import annotations

from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl import report as told
from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.lists import chosen
from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.resolvers import Fitness
from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.targets import Sender
from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.verdict import Health, Verdict, unknown

LISTS = chosen(["zen", "uceprotect3", "dbl"])
CSS = Verdict("listed", ("127.0.0.3",), "CSS: low reputation", "critical")
PBL = Verdict("listed", ("127.0.0.11",), "PBL: no mail by itself", "configuration")
L3 = Verdict("listed", ("127.0.0.2",), "level 3", "information")
SENDERS = [Sender(f"m{n}", (f"192.0.2.{n}", "example.com")) for n in range(1, 7)]
HEALTHY = {"zen": Health("healthy"), "uceprotect3": Health("healthy"), "dbl": Health("healthy")}


def checked(verdicts: dict, health: dict | None = None) -> told.Checked:
    found = {(one.name, t): Verdict("clean") for one in LISTS for s in SENDERS for t in s.targets if one.takes(t)}
    return told.Checked(LISTS, [Fitness(True)], dict(health or HEALTHY), {**found, **verdicts})


def test_what_the_engine_is_sent():
    found = told.report(checked({("zen", "192.0.2.1"): CSS}), SENDERS, ["198.51.100.1"])
    assert set(found) == {"resolver", "lists", "controls", "senders"}
    assert found["resolver"] == {"verdict": "healthy", "reasons": []}
    assert found["lists"][0] == {
        "name": "zen",
        "zone": "zen.spamhaus.org",
        "kind": "ip",
        "state": "healthy",
        "detail": None,
        "severity": "critical",
    }
    # A control that was not asked about is not clean.
    assert {one["verdict"] for one in found["controls"]} == {"unknown"}
    # A list of whole networks may well have the servers' own.
    assert {one["list"] for one in found["controls"]} == {"zen"}
    first = {(one["list"], one["target"]): one for one in found["senders"][0]["verdicts"]}
    assert set(first) == {("zen", "192.0.2.1"), ("uceprotect3", "192.0.2.1"), ("dbl", "example.com")}
    assert first["zen", "192.0.2.1"] == {
        "list": "zen",
        "target": "192.0.2.1",
        "verdict": "listed",
        "codes": ["127.0.0.3"],
        "meaning": "CSS: low reputation",
        "severity": "critical",
        "detail": None,
    }


def test_what_was_made_up_for_the_test_of_a_list_is_a_control_of_its_kind():
    one = checked({}, {**HEALTHY, "uceprotect3": Health("failed", "it lists everybody")})
    one.strangers = [("zen", "127.7.8.9"), ("dbl", "zz.invalid"), ("uceprotect3", "127.7.8.9")]
    assert told.report(one, SENDERS, [])["controls"] == [
        {"target": "127.7.8.9", "list": "zen", "verdict": "clean"},
        {"target": "zz.invalid", "list": "dbl", "verdict": "clean"},
    ]


def test_how_bad_it_is_that_a_control_is_listed():
    found = told.report(checked({("zen", "198.51.100.1"): PBL}), SENDERS, ["198.51.100.1"])["controls"]
    assert found == [{"target": "198.51.100.1", "list": "zen", "verdict": "listed", "severity": "configuration"}]


def test_what_says_nothing_is_not_sent():
    found = told.report(checked({("zen", "192.0.2.1"): CSS, ("dbl", "example.com"): unknown("late")}), SENDERS[:1], [])
    [sender] = told.lean(found)["senders"]
    assert {one["list"]: set(one) - {"list", "target", "verdict"} for one in sender["verdicts"]} == {
        "zen": {"codes", "meaning", "severity"},
        "uceprotect3": set(),
        "dbl": {"detail"},
    }
    assert {key: value for key, value in told.lean(found).items() if key != "senders"} == {
        key: value for key, value in found.items() if key != "senders"
    }


def test_senders_are_counted_once_by_their_worst():
    verdicts = {
        ("zen", "192.0.2.1"): CSS,
        ("uceprotect3", "192.0.2.1"): L3,
        ("zen", "192.0.2.2"): PBL,
        ("uceprotect3", "192.0.2.3"): L3,
        ("zen", "192.0.2.4"): unknown("no answer in time"),
    }
    counts = told.summary(told.report(checked(verdicts), SENDERS, []))
    assert counts["listed"] == {"critical": 1, "major": 0, "minor": 0, "configuration": 1, "information": 1}
    assert (counts["senders"], counts["clean"], counts["unknown"]) == (6, 2, 1)


def test_a_list_that_does_not_work_makes_nobody_unknown_but_its_own_verdicts():
    health = {**HEALTHY, "zen": Health("blind", "127.255.255.254")}
    verdicts = {("zen", target): unknown("refused") for sender in SENDERS for target in sender.targets if "." in target}
    found = told.report(checked(verdicts, health), SENDERS, [])
    assert told.summary(found)["clean"] == 6
    assert "at the 2 of 3 lists that work" in told.lines(found, LISTS)[0]
    assert {v["verdict"] for s in found["senders"] for v in s["verdicts"] if v["list"] == "zen"} == {"unknown"}
    none = dict.fromkeys(HEALTHY, Health("failed", "lists 127.0.0.1"))
    assert told.summary(told.report(checked(verdicts, none), SENDERS, []))["unknown"] == 6


def test_people_are_told_what_to_do():
    found = told.report(checked({("zen", "192.0.2.1"): CSS, ("zen", "192.0.2.2"): PBL}), SENDERS, [])
    lines = told.lines(found, LISTS)
    assert lines[0] == "4 of 6 senders are clean at the 3 of 3 lists that work, 2 are listed, 0 are unknown"
    assert lines[1].startswith("m1: 192.0.2.1 is listed at zen (127.0.0.3; critical): CSS")
    assert "Find what was sent" in lines[2] and "https://check.spamhaus.org/" in lines[2]
    assert "Correct the reverse name" in lines[4] and "no mail is moved" in lines[4]


def test_what_many_share_is_told_once():
    lines = told.lines(told.report(checked({("zen", f"192.0.2.{n}"): CSS for n in range(1, 7)}), SENDERS, []), LISTS)
    assert [line for line in lines if "192.0.2." in line] == [
        "m1 and 5 more: 192.0.2.1 is listed at zen (127.0.0.3; critical): CSS: low reputation"
    ]


def test_what_is_unknown_is_told_with_the_reason():
    late = {("zen", f"192.0.2.{n}"): unknown("no answer in time") for n in (2, 3)}
    lines = told.lines(told.report(checked(late), SENDERS, []), LISTS)
    assert lines[1:] == ["m2 and 1 more: 192.0.2.2 is unknown at zen: no answer in time"]


def test_blindness_is_told_before_anything_else():
    blind = told.Checked(LISTS, [Fitness(False, ("resolver 8.8.8.8 is public",))])
    found = told.report(blind, SENDERS, [])
    assert found["resolver"] == {"verdict": "blind", "reasons": ["resolver 8.8.8.8 is public"]}
    assert {one["verdict"] for s in found["senders"] for one in s["verdicts"]} == {"unknown"}
    assert {one["state"] for one in found["lists"]} == {"unknown"}
    lines = told.lines(found, LISTS)
    assert lines[1:3] == ["The check is blind: it says nothing of any sender", "    resolver 8.8.8.8 is public"]
    assert "unbound" in lines[3] and len(lines) == 4


def test_no_list_that_can_be_seen_is_blindness_too():
    health = {name: Health("unknown", "no answer") for name in HEALTHY}
    assert told.report(checked({}, health), SENDERS, [])["resolver"]["verdict"] == "blind"
    one_left = {**health, "zen": Health("healthy")}
    assert told.report(checked({}, one_left), SENDERS, [])["resolver"]["verdict"] == "healthy"


def test_lists_that_are_left_out_are_named():
    health = {
        **HEALTHY,
        "uceprotect3": Health("failed", "lists 127.0.0.1"),
        "dbl": Health("blind", "127.255.255.254", True),
    }
    found = told.report(checked({}, health), SENDERS, [])
    text = "\n".join(told.lines(found, LISTS))
    assert "uceprotect3 (dnsbl-3.uceprotect.net) is set aside: lists 127.0.0.1" in text
    assert "dbl (dbl.spamhaus.org) is refused to us" in text
    assert "dbl takes the resolver for a public one" in text


def test_what_a_list_says_at_length_is_cut():
    """An engine that refused one text would refuse the whole report, and see no listing of any other list."""
    everybody = Health("failed", f"lists what cannot be listed ({', '.join(f'127.0.0.{n}' for n in range(2, 200))})")
    many = Verdict("listed", tuple(f"127.0.1.{n}" for n in range(200)), "x" * 3000, "critical")
    verdicts = {("zen", "192.0.2.1"): many, ("dbl", "example.com"): unknown("y" * 3000)}
    found = told.lean(told.report(checked(verdicts, {**HEALTHY, "uceprotect3": everybody}), SENDERS[:1], []))
    texts = [one["detail"] or "" for one in found["lists"]]
    for one in found["senders"][0]["verdicts"]:
        texts += [one.get("detail", ""), one.get("meaning", "")]
        assert len(one.get("codes", [])) <= 100
    assert sorted(map(len, texts))[-4:] == [0, 500, 500, 500] and max(texts).endswith(" ...")
