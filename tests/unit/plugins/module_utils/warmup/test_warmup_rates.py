# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rates and their certainty, against an independent judge; days that count."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.warmup import policy, qualify, rates
from ansible_collections.email_engine.fleet.plugins.module_utils.warmup.days import Day, Provider

KNOWN = policy.read({"phases": {"week_1": 50, "week_2": 100}, "active_daily_quota": 10000})
LINES = KNOWN.thresholds
TODAY = date(2026, 3, 1)


def judged(signal, count, of):
    return rates.judge(rates.Rate(signal, None, count, of, *rates.wilson(count, of)), LINES)


@pytest.mark.parametrize(
    ("signal", "count", "of", "verdict"),
    [
        # 1 of 5 is 20 %, and says nothing.
        ("bounce", 1, 5, "few"),
        ("bounce", 199, 199, "few"),
        ("bounce", 10, 200, "unsure"),
        ("bounce", 20, 200, "bad"),
        ("bounce", 0, 200, "good"),
        ("bounce", 5, 200, "unsure"),
        ("bounce", 500, 10000, "unsure"),
        ("bounce", 600, 10000, "bad"),
        ("bounce", 400, 10000, "good"),
        # Rule of three: a line of 0.1 % takes thousands of messages before no complaint means anything.
        ("complaint", 0, 200, "unsure"),
        ("complaint", 0, 3800, "unsure"),
        ("complaint", 0, 4000, "good"),
        ("complaint", 1, 1000, "unsure"),
        ("complaint", 2, 1000, "unsure"),
        ("complaint", 5, 1000, "bad"),
        ("open", 0, 199, "few"),
        ("open", 5, 200, "bad"),
        ("open", 20, 200, "unsure"),
        ("open", 60, 200, "good"),
        ("open", 0, 200, "bad"),
    ],
)
def test_a_verdict_takes_certainty(signal, count, of, verdict):
    assert judged(signal, count, of) == verdict


@given(st.integers(1, 400).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_the_interval_holds_the_share_and_inverts_the_score_test(pair):
    count, of = pair
    low, high = rates.wilson(count, of)
    assert 0 <= low <= count / of <= high <= 1
    for bound in (low, high):
        if 0 < bound < 1:
            # Wilson 1927: a bound is where the observed share is 1.96 standard deviations of itself away.
            assert abs(count / of - bound) / (bound * (1 - bound) / of) ** 0.5 == pytest.approx(1.959964, rel=1e-4)


@pytest.mark.parametrize(("count", "of"), [(10, 200), (20, 200), (20, 400)])
def test_the_interval_is_near_the_exact_one(count, of):
    """Clopper and Pearson's, by the binomial sums alone: the judge shares no formula with it."""

    def tail(share, least, most):
        return sum(comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(least, most + 1))

    low, high = rates.wilson(count, of)
    assert 0.005 < tail(low, count, of) < 0.06 and 0.005 < tail(high, 0, count) < 0.06


def test_what_nobody_feeds_has_no_rate():
    days = [
        Day(TODAY, providers={"gmail": Provider(500, 480, 0, 20), "yahoo": Provider(300, 300, 0, 0, 3, None)}),
        Day(TODAY, providers={"yahoo": Provider(100, 100, 0, 0, 0, None)}),
    ]
    found = {(one.signal, one.provider): (one.count, one.of) for one in rates.measure(days)}
    assert found == {
        ("bounce", None): (20, 900),
        ("bounce", "gmail"): (20, 500),
        ("bounce", "yahoo"): (0, 400),
        # Gmail's 480 are no denominator of complaints that it does not tell.
        ("complaint", None): (3, 400),
        ("complaint", "yahoo"): (3, 400),
    }


def test_more_complaints_than_mail_is_all_of_it():
    assert rates.wilson(7, 5) == rates.wilson(5, 5) and rates.wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("ago", "first", "delivered", "cap", "verdict"),
    [
        (1, 45, 41, 50, "qualified"),
        (1, 44, 44, 50, "short"),
        (1, 45, 40, 50, "open"),
        (2, 45, 40, 50, "late"),
        (1, 50, 45, 50, "qualified"),
        (2, 50, 44, 50, "late"),
        (1, 0, 0, 50, "idle"),
        (1, 1, 1, 1, "qualified"),
        (1, 5, 5, 0, "short"),
        # 90 % of 55 is 49.5: 49 is not enough.
        (1, 49, 49, 55, "short"),
        (1, 50, 50, 55, "qualified"),
    ],
)
def test_what_a_day_counts_for(ago, first, delivered, cap, verdict):
    day = Day(TODAY - timedelta(ago), first, delivered, first, {}, cap)
    assert qualify.verdict(day, 999, TODAY, KNOWN) == verdict


def test_a_day_of_retries_alone_is_no_idle_day():
    assert qualify.verdict(Day(TODAY - timedelta(1), 0, 0, 30), 50, TODAY, KNOWN) == "short"


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 3, 1, 0, 5, tzinfo=timezone.utc), date(2026, 3, 1)),
        (datetime(2026, 3, 1, 2, 0, tzinfo=timezone.utc), date(2026, 3, 2)),
        (datetime(2026, 3, 1, 23, 59, tzinfo=timezone.utc), date(2026, 3, 2)),
        (datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=5))), date(2026, 3, 1)),
    ],
)
def test_the_first_day_of_a_cap(moment, day):
    assert qualify.first_day(moment) == day


DAYS = st.lists(
    st.tuples(st.integers(1, 30), st.integers(0, 60), st.integers(0, 60), st.sampled_from([None, 25, 50])), max_size=60
)


@given(DAYS, st.integers(1, 30))
def test_days_are_counted_by_what_happened_and_once(days, since):
    """Never rows: what is told twice, or lies outside, counts for nothing more."""
    history = [Day(TODAY - timedelta(ago), first, min(first, got), first, {}, cap) for ago, first, got, cap in days]
    found = qualify.qualifying(history, TODAY - timedelta(since), 50, TODAY, KNOWN)
    assert len({day.day for day in found}) == len(found) <= since
    for day in found:
        assert day.first >= 45 and Fraction(day.delivered, day.first) >= Fraction(9, 10) and day.cap in (None, 50)
    assert qualify.qualifying(history * 2, TODAY - timedelta(since), 50, TODAY, KNOWN) == found
