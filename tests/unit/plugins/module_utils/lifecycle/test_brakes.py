# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Automatic starts stay within their budgets, whatever happened before."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.brakes import (
    Brakes,
    Start,
    is_mass_event,
    may_start,
    most_moves,
    of,
    problems,
)

NOW = datetime(2026, 10, 25, 1, 0, tzinfo=timezone.utc)


def ago(**span):
    return NOW - timedelta(**span)


@pytest.mark.parametrize(
    ("starts", "listed", "allowed", "hold"),
    [
        ([], 1, True, False),
        ([], 2, False, True),
        ([Start("a", ago(days=6, hours=23))], 1, False, True),
        ([Start("a", ago(days=7))], 1, True, False),
        ([Start("b", ago(hours=1))], 1, True, False),
        ([Start("b", ago(hours=1)), Start("c", ago(hours=23))], 1, False, False),
        ([Start("b", ago(hours=1)), Start("c", ago(hours=24))], 1, True, False),
    ],
)
def test_budget(starts, listed, allowed, hold):
    found = may_start(Brakes(), starts, "a", listed, 5, NOW)
    assert (found.allowed, found.hold_tenant) == (allowed, hold)
    assert (found.reason is None) == allowed


@given(st.lists(st.tuples(st.sampled_from("abcdefghijkl"), st.integers(0, 60)), max_size=60), st.integers(1, 300))
def test_no_history_starts_more_than_the_budget(asked, size):
    """Ask again and again, minutes to hours apart: in no window are there more starts than the budget."""
    brakes, starts, now = Brakes(), [], NOW
    for tenant, hours in asked:
        now += timedelta(hours=hours)
        if may_start(brakes, starts, tenant, 1, size, now).allowed:
            starts.append(Start(tenant, now))
    for start in starts:
        window = [one for one in starts if timedelta(0) <= start.at - one.at < brakes.tenant_window]
        assert sum(one.tenant == start.tenant for one in window) <= 1
        day = [one for one in starts if timedelta(0) <= start.at - one.at < brakes.platform_window]
        assert len(day) <= max(2, size // 10)


@pytest.mark.parametrize(
    ("changed", "size", "mass"),
    [(0, 0, False), (2, 5, False), (3, 5, True), (3, 100, False), (19, 100, False), (20, 100, True)],
)
def test_many_verdicts_at_once(changed, size, mass):
    assert is_mass_event(Brakes(), changed, size) is mass


def test_the_policy_says_what_differs():
    assert of({}) == Brakes()
    found = of({"tenant_starts": 0, "tenant_days": 14, "mass_share": 0.5, "stops": ["critical"], "clears": 3})
    assert (found.tenant_starts, found.tenant_window, found.mass_share) == (0, timedelta(days=14), 0.5)
    assert (found.stops, found.clears, found.platform_least) == (("critical",), 3, 2)
    assert may_start(found, [], "a", 1, 5, NOW).hold_tenant, "a budget of none holds the tenant at once"
    assert (most_moves(Brakes(), 5), most_moves(Brakes(), 100)) == (2, 10)


@pytest.mark.parametrize(
    ("policy", "where"),
    [
        ({"mass_share": 2}, "policy_brakes.mass_share"),
        ({"mass_share": True}, "policy_brakes.mass_share"),
        ({"clears": 0}, "policy_brakes.clears"),
        ({"tenant_days": "7"}, "policy_brakes.tenant_days"),
        ({"stops": []}, "policy_brakes.stops"),
        ({"stops": ["major"]}, "policy_brakes.stops"),
        ({"stops": ["critical", "information"]}, "policy_brakes.stops"),
        ({"starts": 1}, "policy_brakes.starts"),
        ([], "policy_brakes"),
    ],
)
def test_an_unsound_policy_is_named(policy, where):
    (found,) = problems(policy)
    assert found.where == where and found.remedy


def test_a_sound_policy_is_taken():
    assert problems({"tenant_starts": 2, "moves_share": 0.25, "stops": ["critical", "major"], "mass_least": 3}) == []
