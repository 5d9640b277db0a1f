# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choosing a sender: who may, why the others may not, and how the choice spreads."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils import selection
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.status import PURPOSES, STATUSES, in_pool


def sender(n=1, **changes):
    return {
        "name": f"mail{n}.sos.test",
        "tenant": "sos",
        "status": "active",
        "paused": False,
        "reasons": [],
        "purposes": [],
        "weight": 100,
        "daily_quota": 50,
        "declared": True,
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "sent", "reason"),
    [
        ({}, 49, None),
        ({}, 50, "daily quota is used up: 50 of 50"),
        ({"daily_quota": 0}, 0, "daily quota is 0"),
        ({"status": "quarantine"}, 0, "status is quarantine"),
        ({"status": "standby"}, 0, "status is standby"),
        ({"status": "retiring"}, 0, "status is retiring"),
        ({"status": "warming"}, 0, None),
        ({"paused": True}, 0, "is paused"),
        ({"paused": True, "reasons": ["SPF is wrong"]}, 0, "is paused: SPF is wrong"),
        ({"weight": 0}, 0, "weight is 0"),
        ({"purposes": ["newsletter"]}, 0, "serves newsletter, not marketing"),
        ({"purposes": ["newsletter", "marketing"]}, 0, None),
        ({"declared": False}, 0, "is leaving the fleet"),
    ],
)
def test_each_reason_is_named(changes, sent, reason):
    found = selection.candidates([sender(**changes)], "sos", {"marketing"}, {"mail1.sos.test": sent})
    assert [refusal.reason for refusal in found.refused] == ([reason] if reason else [])
    assert len(found.senders) == (0 if reason else 1)


SENDERS = st.lists(
    st.builds(
        sender,
        st.integers(1, 30),
        tenant=st.sampled_from(["sos", "other"]),
        status=st.sampled_from(STATUSES),
        paused=st.booleans(),
        purposes=st.lists(st.sampled_from(PURPOSES), unique=True),
        weight=st.integers(0, 100),
        daily_quota=st.integers(0, 3),
        declared=st.booleans(),
    ),
    unique_by=lambda one: one["name"],
    max_size=12,
)
SENT = st.dictionaries(st.sampled_from([f"mail{n}.sos.test" for n in range(1, 31)]), st.integers(0, 4))


@given(SENDERS)
def test_who_may_go_on_is_who_may_be_given_new_mail(senders):
    for one in senders:
        assert (selection.barred(one) is None) == (one["declared"] and in_pool(one))


@given(SENDERS, st.sampled_from(PURPOSES), SENT)
def test_every_sender_of_the_tenant_is_either_a_candidate_or_refused(senders, purpose, sent):
    found = selection.candidates(senders, "sos", {purpose}, sent)
    named = [one["name"] for one in found.senders] + [one.sender for one in found.refused]
    assert sorted(named) == sorted(one["name"] for one in senders if one["tenant"] == "sos")


@given(SENDERS, st.sampled_from(PURPOSES), SENT)
def test_no_candidate_is_stopped_in_the_mta(senders, purpose, sent):
    for one in selection.candidates(senders, "sos", {purpose}, sent).senders:
        assert in_pool(one) and sent.get(one["name"], 0) < one["daily_quota"]


@given(st.integers(1, 9), st.integers(0, 10**12))
def test_round_robin_gives_everybody_one_turn_in_a_round(count, start):
    able = [sender(n) for n in range(count)]
    chosen = Counter(selection.round_robin(able, turn)["name"] for turn in range(start, start + 3 * count))
    assert set(chosen.values()) == {3} and len(chosen) == count


@given(st.lists(st.integers(1, 100), min_size=1, max_size=8))
def test_weights_share_the_unit_interval(weights):
    able = [sender(n, weight=weight) for n, weight in enumerate(weights)]
    steps = 10 * sum(weights)
    chosen = Counter(selection.weighted_random(able, (step + 0.5) / steps)["name"] for step in range(steps))
    assert [chosen[one["name"]] for one in able] == [10 * weight for weight in weights]


def test_least_used_counts_what_was_reported():
    able = [sender(1), sender(2), sender(3, weight=50)]
    assert (
        selection.least_used(able, {"mail1.sos.test": 5, "mail2.sos.test": 4, "mail3.sos.test": 4})["name"]
        == "mail2.sos.test"
    )
    assert selection.least_used(able, {"mail1.sos.test": 5, "mail2.sos.test": 4})["name"] == "mail3.sos.test"


@pytest.mark.parametrize(
    ("recipients", "sent", "promised", "reason"),
    [
        (50, 0, 0, None),
        (20, 10, 20, None),
        (0, 60, 0, None),
        (
            21,
            10,
            20,
            "daily quota has no room for 21 recipients: 20 left of 50 (10 sent today, 20 promised to other campaigns)",
        ),
        (
            1,
            60,
            0,
            "daily quota has no room for 1 recipients: 0 left of 50 (60 sent today, 0 promised to other campaigns)",
        ),
    ],
)
def test_a_list_fits_into_what_is_left_of_the_quota(recipients, sent, promised, reason):
    assert selection.lacks_room(recipients, 50, sent, promised) == reason


def test_who_has_no_room_is_not_chosen():
    found = selection.candidates([sender(1), sender(2), sender(3, weight=0)], "sos", ("newsletter",), {})
    found = selection.with_room(found, {"mail1.sos.test": "full", "mail3.sos.test": "full"})
    assert [one["name"] for one in found.senders] == ["mail2.sos.test"]
    assert found.refused == (("mail1.sos.test", "full"), ("mail3.sos.test", "weight is 0"))
