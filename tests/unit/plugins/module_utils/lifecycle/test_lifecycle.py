# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state machine of a sender: no trap, no short cut, nothing promoted by what is unknown."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.status import (
    DELIVERING,
    STATUSES,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle import decide as d
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.moves import (
    BY_STATUS,
    CHECK,
    EVENTS,
    MOVES,
    PERSON,
)

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=timezone.utc)
PHASES = ("week_1", "week_2", "week_3", "week_4", "week_5", "week_6")
GOOD = d.Facts(dns_green="yes", listed="no", queued=0)

VERDICTS = st.sampled_from(["yes", "no", "unknown"])
FACTS = st.builds(
    d.Facts,
    dns_green=VERDICTS,
    listed=VERDICTS,
    queued=st.none() | st.integers(0, 5),
    incidents=st.integers(0, 2),
    until=st.none() | st.integers(-5, 5).map(lambda days: NOW + timedelta(days=days)),
    left=st.booleans(),
)
SENDER = st.fixed_dictionaries({"status": st.sampled_from(STATUSES), "phase": st.none() | st.sampled_from(PHASES)})
EVENT = st.sampled_from(EVENTS)
WHO = st.sampled_from([CHECK, PERSON])


def reachable(status, allowed):
    found, waiting = {status}, [status]
    while waiting:
        for move in BY_STATUS.get(waiting.pop(), {}).values():
            if allowed(move) and move.target not in found:
                found.add(move.target)
                waiting.append(move.target)
    return found


@pytest.mark.parametrize("status", STATUSES)
def test_every_state_is_reached_and_left(status):
    assert status in reachable("standby", lambda move: True)
    if status != "retired":
        assert "retired" in reachable(status, lambda move: True)
        assert "active" in reachable(status, lambda move: True)


def test_retired_is_the_end():
    assert "retired" not in BY_STATUS


def test_each_condition_is_known_and_used():
    assert {need for move in MOVES for need in move.needs} == set(d.CONDITIONS)


def test_targets_are_states():
    assert {move.target for move in MOVES} | {move.status for move in MOVES} == set(STATUSES)


def test_no_check_ends_a_quarantine():
    """But the end of the sender itself, which a person decided."""
    assert all(move.by == {PERSON} for move in MOVES if move.status == "quarantine" and move.event != "removed")


@given(SENDER, EVENT, WHO, FACTS)
def test_only_the_table_moves(sender, event, by, facts):
    found = d.decide(sender, event, by, facts, NOW, PHASES)
    move = BY_STATUS.get(sender["status"], {}).get(event)
    if isinstance(found, d.Change):
        assert found.status == move.target and by in move.by
    else:
        assert found.reasons and all(found.reasons)


@given(SENDER, EVENT, WHO, FACTS)
def test_a_sender_that_begins_to_deliver_is_seen_to_be_well(sender, event, by, facts):
    found = d.decide(sender, event, by, facts, NOW, PHASES)
    if isinstance(found, d.Change) and found.status in DELIVERING and sender["status"] not in DELIVERING:
        assert facts.listed == "no" or (event in ("start", "go_live", "retire") and facts.listed == "unknown")
        assert facts.dns_green == "yes" or found.status == "retiring"


@pytest.mark.parametrize(("listed", "starts"), [("no", True), ("unknown", True), ("yes", False)])
def test_lists_that_were_never_asked_hold_up_no_first_start(listed, starts):
    standby = {"status": "standby", "phase": None}
    found = d.decide(standby, "start", CHECK, GOOD._replace(listed=listed), NOW, PHASES)
    assert found == d.Change("warming", "week_1", None, "start", CHECK) if starts else "is listed" in found.reasons[0]


@pytest.mark.parametrize("status", [one for one in STATUSES if one != "retired"])
@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"left": True}, None),
        ({}, "belongs to the fleet"),
        ({"left": True, "queued": 1}, "holds mail"),
        ({"left": True, "queued": None}, "queue was not seen"),
    ],
)
def test_who_left_goes_with_an_empty_queue(status, changes, word):
    found = d.decide({"status": status, "phase": None}, "removed", CHECK, GOOD._replace(**changes), NOW, PHASES)
    assert word in found.reasons[0] if word else found.status == "retired"


@given(SENDER, EVENT, WHO, FACTS)
def test_held_mail_of_a_listed_sender_is_never_sent_by_a_move(sender, event, by, facts):
    found = d.decide(sender, event, by, facts, NOW, PHASES)
    if sender["status"] == "quarantine" and isinstance(found, d.Change) and found.status != "warming":
        assert found.status == "retired" and facts.queued == 0


@given(SENDER, WHO, FACTS)
def test_a_listing_stops_whoever_may_send(sender, by, facts):
    found = d.decide(sender, "listed", by, facts, NOW, PHASES)
    if sender["status"] in DELIVERING:
        assert found == d.Change("quarantine", sender["phase"], NOW + timedelta(days=7), "listed", by)


@pytest.mark.parametrize(
    ("phase", "after"),
    [(None, "week_5"), ("week_6", "week_4"), ("week_3", "week_1"), ("week_2", "week_1"), ("week_1", "week_1")],
)
def test_a_release_starts_lower(phase, after):
    found = d.decide({"status": "quarantine", "phase": phase}, "release", PERSON, GOOD, NOW, PHASES)
    assert (found.status, found.phase, found.until) == ("warming", after, None)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"dns_green": "no"}, "DNS is not as wanted"),
        ({"dns_green": "unknown"}, "DNS was not seen"),
        ({"listed": "yes"}, "is listed"),
        ({"listed": "unknown"}, "no healthy list"),
        ({"incidents": 1}, "open incident"),
    ],
)
def test_a_release_says_what_is_missing(changes, word):
    found = d.decide({"status": "quarantine", "phase": None}, "release", PERSON, GOOD._replace(**changes), NOW, PHASES)
    assert len(found.reasons) == 1 and word in found.reasons[0]


def test_a_rest_has_an_end():
    resting = d.decide({"status": "active", "phase": None}, "rest", CHECK, GOOD, NOW, PHASES)
    early = d.decide(
        {"status": "resting", "phase": None}, "rested", CHECK, GOOD._replace(until=resting.until), NOW, PHASES
    )
    after = d.decide(
        {"status": "resting", "phase": None}, "rested", CHECK, GOOD._replace(until=resting.until), resting.until, PHASES
    )
    assert early.reasons == ("its rest is not over",) and after.status == "warming"

    assert resting.until == NOW + timedelta(days=7) and after.phase == "week_6"


@pytest.mark.parametrize(
    ("phase", "after"), [(None, "week_6"), ("week_6", "week_5"), ("week_2", "week_1"), ("week_1", "week_1")]
)
def test_a_rest_costs_one_phase(phase, after):
    found = d.decide({"status": "resting", "phase": phase}, "rested", CHECK, GOOD, NOW, PHASES)
    assert (found.status, found.phase) == ("warming", after)


@pytest.mark.parametrize(("begins", "phase"), [(None, "week_1"), ("week_4", "week_4"), ("week_9", "week_1")])
def test_a_first_start_begins_where_the_inventory_says(begins, phase):
    standby = {"status": "standby", "phase": None}
    assert d.decide(standby, "start", CHECK, GOOD, NOW, PHASES, begins).phase == phase
    assert d.decide({"status": "active", "phase": None}, "idle", CHECK, GOOD, NOW, PHASES).phase == "week_1"
    live = d.decide(standby, "go_live", CHECK, GOOD, NOW, PHASES, begins)
    assert (live.status, live.phase) == ("active", None)
    assert isinstance(d.decide(standby, "go_live", PERSON, GOOD, NOW, PHASES), d.Refused)


@given(
    st.sampled_from([one for one in STATUSES if one != "retired"]), VERDICTS, VERDICTS, st.integers(0, 2), st.booleans()
)
def test_no_state_is_a_trap_whatever_stays_wrong(status, dns_green, listed, incidents, left):
    """Time passes and queues empty; what the world says of the sender may stay as it is for ever."""
    facts = d.Facts(dns_green, listed, 0, incidents, None, left)
    seen, waiting = {status}, [status]
    while waiting:
        here = waiting.pop()
        for event, move in BY_STATUS.get(here, {}).items():
            for by in move.by:
                found = d.decide({"status": here, "phase": None}, event, by, facts, NOW, PHASES)
                if isinstance(found, d.Change) and found.status not in seen:
                    seen.add(found.status)
                    waiting.append(found.status)
    assert "retired" in seen


def test_what_waits_for_a_person_is_told_each_day():
    waiting = {"status": "quarantine", "phase": None}
    assert d.waits_for_person(waiting, GOOD._replace(until=NOW), NOW)
    assert not d.waits_for_person(waiting, GOOD._replace(until=NOW + timedelta(seconds=1)), NOW)
    assert (
        d.waits_for_person({"status": "active", "phase": None}, GOOD._replace(incidents=2), NOW) == "2 open incidents"
    )
    assert not d.waits_for_person({"status": "active", "phase": None}, GOOD, NOW)
    assert d.alert_is_due(None, NOW)
    assert not d.alert_is_due(NOW - timedelta(hours=23, minutes=59), NOW)
    assert d.alert_is_due(NOW - timedelta(days=1), NOW)
    # A clock that went back by an hour repeats nothing; one that was a year ahead silences nothing.
    assert not d.alert_is_due(NOW + timedelta(hours=1), NOW)
    assert d.alert_is_due(NOW + timedelta(days=365), NOW)
