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
    LISTED,
    LOOK_AGAIN,
    NOTHING,
    STOP,
    UNKNOWN,
    Control,
    Heard,
    believed,
    is_news,
    judge,
    sound,
)

SEVERITIES = ("critical", "major", "minor", "information", "configuration")


def heard(severity, name="zen", verdict=LISTED):
    return Heard(name, "198.19.0.1", verdict, ("127.0.0.2",) if verdict == LISTED else (), severity)


@pytest.mark.parametrize(
    ("said", "before", "does"),
    [
        ([heard("critical")], (), STOP),
        ([heard("major")], (), LOOK_AGAIN),
        ([heard("major")], [("zen", "198.19.0.1")], STOP),
        ([heard("major")], [("other", "198.19.0.1")], LOOK_AGAIN),
        ([heard("major"), heard("major", "psbl")], (), STOP),
        ([heard("major"), heard("minor", "psbl")], (), LOOK_AGAIN),
        ([heard("minor"), heard("minor", "psbl"), heard("information", "uce3")], [("zen", "198.19.0.1")], NOTHING),
        ([heard("configuration")], [("zen", "198.19.0.1")], NOTHING),
        ([heard(None, verdict=CLEAN)], [("zen", "198.19.0.1")], NOTHING),
        ([heard(None, verdict=UNKNOWN)], [("zen", "198.19.0.1")], NOTHING),
        ([], (), NOTHING),
    ],
)
def test_what_stops(said, before, does):
    assert judge(said, before, Brakes()).does == does


def test_where_the_policy_lets_major_lists_only_tell():
    assert judge([heard("major"), heard("major", "psbl")], (), Brakes(stops=("critical",))).does == NOTHING


def test_the_set_up_is_told_beside_a_stop():
    found = judge([heard("critical"), heard("configuration", "pbl")], (), Brakes())
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
    assert all(one.blacklist == "psbl" for one in judge(found, [], Brakes()).because)


@pytest.mark.parametrize(
    ("controls", "found"),
    [
        ([], set()),
        ([("zen", CLEAN)], {"zen"}),
        ([("zen", CLEAN), ("zen", UNKNOWN)], set()),
        ([("zen", CLEAN), ("zen", LISTED)], set()),
        ([("zen", CLEAN), ("psbl", UNKNOWN)], {"zen"}),
        ([("other", CLEAN)], set()),
    ],
)
def test_controls_have_to_be_asked_and_clean(controls, found):
    assert sound(["zen", "psbl"], [Control(*one) for one in controls]) == found


def test_news_is_what_was_not_known():
    key = ("zen", "198.19.0.1")
    assert is_news([heard("critical")], []) and not is_news([heard("critical")], [key])
    assert is_news([heard("configuration")], []) and not is_news([heard("information")], [])
    assert not is_news([heard(None, verdict=UNKNOWN), heard(None, verdict=CLEAN)], [])
