# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers of the warm-up: what is sound, exact, and never rounded up."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError
from ansible_collections.email_engine.fleet.plugins.module_utils.warmup import policy, schedule, slices

TABLE = {"week_1": 50, "week_2": 100, "week_3": 250, "week_4": 500, "week_5": 1000, "week_6": 2000}
DECLARED = {"phases": TABLE, "active_daily_quota": 10000, "providers": {"gmail": {}, "yahoo": {}, "microsoft": {}}}


def faults(**changes):
    return [str(one) for one in policy.problems({**DECLARED, **changes})]


def test_what_is_not_said_is_as_the_role_says():
    import pathlib

    import yaml

    root = pathlib.Path(__file__).resolve().parents[5]
    said = yaml.safe_load((root / "roles/policy/defaults/main.yml").read_text(encoding="utf-8"))
    assert said["policy_warmup"] == policy.DEFAULTS
    assert policy.read(DECLARED) == policy.read({**DECLARED, "warmup": said["policy_warmup"]})
    assert (said["policy_phases"], said["policy_active_daily_quota"]) == (TABLE, 10000)


@pytest.mark.parametrize(
    ("phases", "word"),
    [
        ({"a": 100, "b": 99}, "policy_phases.b: falls from 100 to 99"),
        ({"a": 100, "b": 251}, "policy_phases.b: rises from 100 to 251, more than x2.5 in one step"),
        ({"a": 100, "b": 250}, None),
        ({"a": 100, "b": 100}, None),
        ({"a": 10, "b": 20, "c": 60}, "policy_phases.c"),
    ],
)
def test_a_table_never_falls_and_never_leaps(phases, word):
    found = faults(phases=phases)
    assert (found == []) if word is None else (len(found) == 1 and word in found[0])


@pytest.mark.parametrize(
    ("phases", "count"), [({"a": 100, "b": 200}, 0), ({"a": 100, "b": 201}, 1), (TABLE, 1), ({"a": 100, "b": 251}, 0)]
)
def test_a_steep_step_is_told_of(phases, count):
    assert len(policy.warnings({**DECLARED, "phases": phases})) == count


def test_a_cap_from_which_nothing_grows_is_told_of():
    assert "will not grow" in policy.warnings({**DECLARED, "phases": {"a": 2}})[0]
    assert policy.warnings({**DECLARED, "phases": {"a": 3}}) == []


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ([], "is not a dictionary"),
        ({"schedul": "table"}, "policy_warmup.schedul: is not a key"),
        ({"schedule": "linear"}, "'linear' is no schedule"),
        ({"phase_days": 0}, "phase_days: must be a whole number between 1 and 90"),
        ({"phase_days": True}, "phase_days"),
        ({"growth": "1.4"}, "growth: must be a number"),
        ({"growth": float("nan")}, "growth: must be a number"),
        ({"growth": float("inf")}, "growth: must be a number"),
        ({"growth": 3}, "growth"),
        ({"slow": 1.5}, "slow: is 1.5, more than the growth"),
        ({"thresholds": 5}, "thresholds: is not a dictionary"),
        ({"thresholds": {"bounces": 1}}, "thresholds.bounces: is not a key"),
        ({"thresholds": {"bounce": 5}}, "thresholds.bounce"),
        ({"idle": {"restart": 7}}, "idle.restart: is 7, before the step back"),
        ({"down": {"factor": 1}}, "down.factor"),
        ({"providers": {"aol": 0.5}}, "providers.aol: is no provider"),
        ({"providers": {"gmail": 40}}, "providers.gmail: must be a share between 0 and 1"),
        ({"providers": {"gmail": 0.01}}, "less than one message of the 50"),
        ({"providers": {"gmail": 0.6, "yahoo": 0.5}}, "is 1.1 of the cap in sum"),
    ],
)
def test_unsound_numbers_are_named(said, word):
    found = faults(warmup=said)
    assert len(found) == 1 and word in found[0]
    with pytest.raises(FleetError):
        policy.read({**DECLARED, "warmup": said})


def test_a_share_needs_one_queue():
    several = {"web": {"domains": ["web.de", "gmx.de"]}}
    assert "each with a queue" in faults(providers=several, warmup={"providers": {"web": 0.5}})[0]
    one = {"web": {"domains": ["web.de", "gmx.de"], "mx": ["*.web.de"]}}
    assert faults(providers=one, warmup={"providers": {"web": 0.5}}) == []


def test_without_phases_there_is_nothing_to_follow():
    with pytest.raises(FleetError, match="policy_phases: is empty"):
        policy.read({**DECLARED, "phases": {}})


def test_growth_is_exact_and_ends_at_the_target():
    known, cap, path = policy.read(DECLARED), 2000, []
    while cap < known.target:
        cap = schedule.grown(cap, known.growth, known.target)
        path.append(cap)
    # 7,683.2 and 10,756.48 by hand.
    assert path == [2800, 3920, 5488, 7683, 10000]


def test_the_way_down():
    known = policy.read(DECLARED)
    assert [schedule.down(known, 1000, day) for day in range(6)] == [1000, 700, 490, 343, 240, 168]
    assert schedule.down(known, 1, 50) == 1


@given(st.integers(1, 10**7), st.fractions(1, 2), st.integers(1, 10**7))
def test_no_step_is_rounded_up(cap, factor, target):
    assert schedule.grown(cap, factor, target) <= min(target, cap * factor)


SHARES = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=3), st.fractions(0, 1), max_size=40).filter(
    lambda shares: sum(shares.values()) <= 1
)


@given(st.integers(0, 20_000), SHARES)
def test_slices_are_never_more_than_the_cap_nor_than_their_shares(cap, shares):
    found = slices.split(cap, shares)
    assert set(found) == set(shares) and sum(found.values()) <= cap
    assert sum(found.values()) == int(cap * sum(shares.values(), Fraction(0)))
    for name, share in shares.items():
        # Largest remainder: within one of the exact part.
        assert 0 <= found[name] - int(cap * share) <= 1


def test_fifty_among_many():
    shares = {f"p{n:02}": Fraction(1, 60) for n in range(60)}
    found = slices.split(50, shares)
    assert sum(found.values()) == 50 and set(found.values()) == {0, 1}
    assert slices.split(50, shares) == found
    # Plain rounding would tell 7 providers 7.14 -> 8 each, 56 in all.
    assert sum(slices.split(50, {f"p{n}": Fraction(1, 7) for n in range(7)}).values()) == 50


@pytest.mark.parametrize(
    ("sender", "limits"),
    [
        ({"status": "warming", "daily_quota": 50, "provider_quota": {}}, {"gmail": 20, "yahoo": 10}),
        ({"status": "warming", "daily_quota": 50, "provider_quota": {"gmail": 5}}, {"gmail": 5, "yahoo": 10}),
        (
            {"status": "warming", "daily_quota": 50, "provider_quota": {"free": 5}},
            {"free": 5, "gmail": 20, "yahoo": 10},
        ),
        ({"status": "warming", "daily_quota": 3, "provider_quota": {}}, {"gmail": 1}),
        ({"status": "active", "daily_quota": 2800, "provider_quota": {}}, {"gmail": 1120, "yahoo": 560}),
        ({"status": "active", "daily_quota": 10000, "provider_quota": {"gmail": 5}}, {"gmail": 5}),
        ({"status": "retiring", "daily_quota": 50, "provider_quota": {}}, {}),
    ],
)
def test_the_slices_of_a_sender(sender, limits):
    assert slices.limits(sender, {"gmail": Fraction(2, 5), "yahoo": Fraction(1, 5)}, 10000) == limits
