# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What verdicts mean: a truth table, and that nothing unknown ever acts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.brakes import Brakes
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.listings import (
    CLEAN,
    DOUBT_LISTED,
    DOUBT_SILENT,
    DOUBT_UNASKED,
    LISTED,
    LOOK_AGAIN,
    NOTHING,
    STOP,
    UNKNOWN,
    Asked,
    Control,
    Heard,
    believed,
    changes,
    doubts,
    judge,
    news,
    seen_clean,
)

SEVERITIES = ("critical", "major", "minor", "information", "configuration")


def heard(severity, name="zen", verdict=LISTED):
    return Heard(name, "198.19.0.1", verdict, ("127.0.0.2",) if verdict == LISTED else (), severity)


@pytest.mark.parametrize(
    ("said", "before", "does"),
    [
        ([heard("critical")], (), STOP),
        ([heard("major")], (), LOOK_AGAIN),
        ([heard("major")], [("zen", "major")], STOP),
        ([heard("major")], [("zen", "critical")], STOP),
        # The same list, but it said nothing that stops.
        ([heard("major")], [("zen", "minor")], LOOK_AGAIN),
        ([heard("major")], [("zen", "configuration")], LOOK_AGAIN),
        ([heard("major")], [("other", "major")], LOOK_AGAIN),
        ([heard("major"), heard("major", "psbl")], (), STOP),
        ([heard("major"), heard("minor", "psbl")], (), LOOK_AGAIN),
        ([heard("minor"), heard("minor", "psbl"), heard("information", "uce3")], [("zen", "major")], NOTHING),
        ([heard("configuration")], [("zen", "major")], NOTHING),
        ([heard(None, verdict=CLEAN)], [("zen", "major")], NOTHING),
        ([heard(None, verdict=UNKNOWN)], [("zen", "major")], NOTHING),
        ([], (), NOTHING),
    ],
)
def test_what_stops(said, before, does):
    known = {(name, "198.19.0.1"): severity for name, severity in before}
    assert judge(said, known, Brakes()).does == does


def test_where_the_policy_lets_major_lists_only_tell():
    assert judge([heard("major"), heard("major", "psbl")], {}, Brakes(stops=("critical",))).does == NOTHING


def test_the_set_up_is_told_beside_a_stop():
    found = judge([heard("critical"), heard("configuration", "pbl")], {}, Brakes())
    assert found.does == STOP and [one.blacklist for one in found.configuration] == ["pbl"]
    assert [one.blacklist for one in found.because] == ["zen"]


VERDICT = st.builds(
    heard, st.sampled_from(SEVERITIES), st.sampled_from(["zen", "psbl"]), st.sampled_from([LISTED, CLEAN, UNKNOWN])
)


@given(st.lists(VERDICT, max_size=4), st.sampled_from(["failed", "blind", "unknown", None]))
def test_a_list_that_is_not_healthy_says_nothing(said, state):
    found = believed(said, {"zen": state, "psbl": "healthy"} if state else {"psbl": "healthy"})
    assert all(one.verdict == UNKNOWN for one in found if one.blacklist == "zen")
    assert [one for one in found if one.blacklist == "psbl"] == [one for one in said if one.blacklist == "psbl"]
    assert all(one.blacklist == "psbl" for one in judge(found, {}, Brakes()).because)


@pytest.mark.parametrize(
    ("controls", "zen", "psbl"),
    [
        ([], DOUBT_UNASKED, DOUBT_UNASKED),
        ([("zen", CLEAN)], None, DOUBT_UNASKED),
        ([("zen", CLEAN), ("zen", UNKNOWN)], DOUBT_SILENT, DOUBT_UNASKED),
        ([("zen", CLEAN), ("zen", LISTED)], DOUBT_LISTED, DOUBT_UNASKED),
        ([("zen", CLEAN), ("zen", LISTED, "critical")], DOUBT_LISTED, DOUBT_UNASKED),
        ([("zen", UNKNOWN), ("zen", LISTED, "major")], DOUBT_LISTED, DOUBT_UNASKED),
        ([("zen", CLEAN), ("zen", LISTED, "configuration")], None, DOUBT_UNASKED),
        ([("zen", LISTED, "minor")], DOUBT_UNASKED, DOUBT_UNASKED),
        ([("zen", CLEAN), ("psbl", UNKNOWN)], None, DOUBT_SILENT),
        ([("other", CLEAN)], DOUBT_UNASKED, DOUBT_UNASKED),
    ],
)
def test_controls_have_to_be_asked_and_clean(controls, zen, psbl):
    wanted = {name: why for name, why in (("zen", zen), ("psbl", psbl)) if why}
    assert doubts(["zen", "psbl"], [Control(*one) for one in controls]) == wanted


@pytest.mark.parametrize(
    ("severity", "known", "is_news"),
    [
        ("critical", None, True),
        ("critical", "critical", False),
        ("critical", "major", True),
        ("critical", "configuration", True),
        ("major", "minor", True),
        ("major", "critical", False),
        ("configuration", None, True),
        ("configuration", "critical", False),
        ("minor", None, False),
        ("information", None, False),
    ],
)
def test_news_is_what_was_not_known_or_not_as_bad(severity, known, is_news):
    one = heard(severity)
    assert news([one], {one.key: known} if known else {}) == ((one,) if is_news else ())


def test_what_is_not_listed_is_no_news():
    assert news([heard(None, verdict=UNKNOWN), heard(None, verdict=CLEAN)], {}) == ()


def test_what_senders_share_is_one_change():
    def said(*targets):
        return [heard("critical")._replace(target=target) for target in targets]

    assert changes([]) == 0
    assert changes([said("shared.test")] * 10) == 1
    assert changes([said(f"192.0.2.{n}") for n in range(10)]) == 10
    # And a sender of which much is listed is one, too.
    assert changes([said("192.0.2.1", "m1.test", "shared.test")]) == 1
    assert changes([said("shared.test", f"192.0.2.{n}") for n in range(3)]) == 3


@pytest.mark.parametrize(
    ("asked", "clean"),
    [
        ([], False),
        ([("critical", "no")], True),
        ([("critical", "")], False),
        ([("critical", "unknown")], False),
        ([("critical", "yes")], False),
        # Address and domain, each at its own list; several domains at one.
        ([("critical", "no"), ("critical", "no no")], True),
        ([("critical", "no"), ("critical", "no unknown")], False),
        ([("critical", "no"), ("critical", "")], False),
        # Lists of less weight prove nothing, and hold up nobody.
        ([("critical", "unknown"), ("major", "no"), ("minor", "no"), ("information", "no")], False),
        ([("critical", "no"), ("major", "unknown"), ("minor", ""), ("information", "unknown")], True),
        # Nobody asks a critical one.
        ([("major", "no"), ("major", "no")], True),
        ([("major", "no"), ("major", "unknown")], False),
        ([("major", "no"), ("major", "")], False),
        ([("major", ""), ("information", "no")], False),
        ([("minor", "no"), ("information", "no"), ("configuration", "no")], False),
    ],
)
def test_what_it_takes_to_be_seen_clean(asked, clean):
    assert seen_clean(Asked(severity, tuple(said.split())) for severity, said in asked) is clean
