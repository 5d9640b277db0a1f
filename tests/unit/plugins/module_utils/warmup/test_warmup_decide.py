# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One night's decision, by its truth table; what a history would have done; histories that are none."""

from __future__ import annotations

import json
from datetime import date, timedelta
from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError
from ansible_collections.email_engine.fleet.plugins.module_utils.warmup import decide as warmup
from ansible_collections.email_engine.fleet.plugins.module_utils.warmup import policy, words
from ansible_collections.email_engine.fleet.plugins.module_utils.warmup.days import Day, Provider
from ansible_collections.email_engine.fleet.plugins.module_utils.warmup.decide import Down, Plan, Signals
from ansible_collections.email_engine.fleet.plugins.module_utils.warmup.reading import read_history
from ansible_collections.email_engine.fleet.plugins.module_utils.warmup.simulate import simulate, within

TABLE = {"week_1": 50, "week_2": 100, "week_3": 250, "week_4": 500, "week_5": 1000, "week_6": 2000}
DECLARED = {"phases": TABLE, "active_daily_quota": 10000}
KNOWN = policy.read(DECLARED)
GEOMETRIC = policy.read({**DECLARED, "warmup": {"schedule": "geometric"}})
TODAY = date(2026, 3, 1)


def ago(days):
    return TODAY - timedelta(days)


def mail(day, first, cap=None, delivered=None, **signals):
    """A good day at one provider, unless said otherwise."""
    got = first if delivered is None else delivered
    return Day(ago(day), first, got, first, {"gmail": Provider(first, got, 0, first - got, **signals)}, cap)


def full(days, cap, **signals):
    return [mail(day, cap, cap, **signals) for day in range(days, 0, -1)]


def plan(phase="week_1", cap=50, since=60, status="warming", **more):
    return Plan(status, phase, cap, ago(since), ago(since), ago(since), **more)


ACTIVE = {"phase": None, "status": "active"}


@pytest.mark.parametrize(
    ("where", "days", "kind", "cap", "phase"),
    [
        (plan(), full(7, 50), "advance", 100, "week_2"),
        (plan(), full(6, 50), "hold", 50, "week_1"),
        # Seven days, not in a row: what lies between does not count, and takes nothing away.
        (plan(), [mail(day, 50) for day in (13, 11, 9, 7, 5, 3, 1)], "advance", 100, "week_2"),
        (plan(), [*full(6, 50), mail(7, 44)], "hold", 50, "week_1"),
        (plan(), [*full(6, 50), mail(7, 50, delivered=49)], "advance", 100, "week_2"),
        (plan(), [*full(6, 50), Day(ago(7), 50, 44, 50)], "hold", 50, "week_1"),
        # A row that says that nothing was sent is no day of the phase.
        (plan(), [*full(6, 50), mail(7, 0)], "hold", 50, "week_1"),
        # Days before the phase, and days that had a smaller cap.
        (plan(since=6), full(7, 50), "hold", 50, "week_1"),
        (plan("week_2", 100), [mail(day, 100, 50) for day in range(1, 8)], "hold", 100, "week_2"),
        (plan("week_5", 1000), full(7, 1000), "advance", 2000, "week_6"),
        (plan("week_6", 2000), full(7, 2000), "finish", 2000, None),
        (plan("week_6", 2000), full(6, 2000), "hold", 2000, "week_6"),
        (plan(cap=2000, **ACTIVE), full(1, 2000), "grow", 2800, None),
        (plan(cap=2000, **ACTIVE), [mail(1, 1799, 2000)], "hold", 2000, None),
        (plan(cap=7683, **ACTIVE), full(1, 7683), "grow", 10000, None),
        (plan(cap=10000, **ACTIVE), full(1, 10000), "nothing", 10000, None),
        (plan(cap=300, grows=False, **ACTIVE), full(1, 300), "nothing", 300, None),
        # Days of an earlier time at the same cap, before it was another one.
        (plan(cap=2000, **ACTIVE), [mail(3, 2000, 2000), mail(2, 2800, 2800)], "hold", 2000, None),
        # A target that was lowered is kept to at once.
        (plan(cap=20000, **ACTIVE), full(1, 20000), "step back", 10000, None),
        (plan(cap=20000, grows=False, **ACTIVE), full(1, 20000), "nothing", 20000, None),
        (plan(status="resting"), full(7, 50), "nothing", 50, "week_1"),
        (plan(status="quarantine"), full(7, 50), "nothing", 50, "week_1"),
        # Less than the phase allows: a step of growth back to it by each qualifying day, and then the days of the phase.
        (plan("week_3", 100), full(7, 100), "grow", 140, "week_3"),
        (plan("week_3", 200), full(1, 200), "grow", 250, "week_3"),
        (plan("week_3", 200), [mail(2, 200, 200), mail(1, 170, 200)], "grow", 250, "week_3"),
        (plan("week_3", 200), [mail(1, 170, 200)], "hold", 200, "week_3"),
        (plan("week_6", 1), full(1, 1), "grow", 2, "week_6"),
        (plan("week_6", 1900), full(7, 1900), "grow", 2000, "week_6"),
        (plan("gone", 20), full(7, 20), "grow", 28, "week_1"),
        # More than the phase allows: a table that was lowered lowers.
        (plan("week_3", 400), full(7, 400), "step back", 250, "week_3"),
        # What was an own quota bounds its phases and its growth.
        (plan("week_3", 120, target=120), full(7, 120), "advance", 120, "week_4"),
        (plan("week_6", 120, target=120), full(7, 120), "finish", 120, None),
        (plan("week_2", 100, target=120), full(7, 100), "advance", 120, "week_3"),
        (plan(cap=100, target=120, **ACTIVE), full(1, 100), "grow", 120, None),
        (plan(cap=120, target=120, **ACTIVE), full(1, 120), "nothing", 120, None),
        (plan(cap=7683, target=20000, **ACTIVE), full(1, 7683), "grow", 10000, None),
        # A day with more than the cap is none of its days.
        (plan(), [*full(6, 50), mail(7, 51, 50)], "hold", 50, "week_1"),
        (plan(), [*full(6, 50), Day(ago(7), 50, 50, 60, {}, 50)], "hold", 50, "week_1"),
        # A phase that the policy has no more is known by its cap.
        (plan("late", 300), full(7, 300), "advance", 500, "week_4"),
    ],
)
def test_the_table(where, days, kind, cap, phase):
    found = warmup.decide(where, days, Signals(), TODAY, KNOWN)
    assert (found.kind, found.cap, found.phase) == (kind, cap, phase), found.reasons


@pytest.mark.parametrize(
    ("days", "kind"),
    [
        # 2 of 15 is 13 %: no verdict below the sample.
        ([mail(1, 5, delivered=4)], "hold"),
        ([mail(3, 250, 250, delivered=225)], "rest"),
        ([mail(3, 250, 250, delivered=237)], "hold"),
        ([mail(8, 250, 250, delivered=225)], "hold"),
        ([mail(3, 250, 250, complaints=5)], "rest"),
        ([mail(3, 250, 250, complaints=None)], "hold"),
        ([mail(3, 250, 250, complaints=0)], "hold"),
        ([mail(3, 250, 250, opens=3)], "rest"),
        ([mail(3, 250, 250, opens=None)], "hold"),
        ([mail(3, 250, 250, opens=25)], "hold"),
        # One provider's complaints are no other's to hide.
        (
            [
                Day(
                    ago(2),
                    2250,
                    2250,
                    2250,
                    {"gmail": Provider(2000, 2000, 0, 0, 0), "yahoo": Provider(250, 250, 0, 0, 4)},
                )
            ],
            "rest",
        ),
    ],
)
def test_signals_pause_with_certainty_alone(days, kind):
    found = warmup.decide(plan("week_3", 250), days, Signals(), TODAY, KNOWN)
    assert found.kind == kind, found.reasons


def test_the_mail_before_a_rest_is_no_evidence_after_it():
    days = [mail(5, 250, 250, delivered=200), mail(1, 250, 250)]
    assert warmup.decide(plan("week_3", 250), days, Signals(), TODAY, KNOWN).kind == "rest"
    assert warmup.decide(plan("week_3", 250, since=2), days, Signals(), TODAY, KNOWN).kind == "hold"


@pytest.mark.parametrize(
    ("signals", "word"),
    [
        (Signals(incidents=1), "1 open incident"),
        (Signals(incidents=2), "2 open incidents"),
        (Signals(blind=("no healthy list has answered",)), "no healthy list"),
        (Signals(silent=("complaints/yahoo",)), "complaints/yahoo fell silent"),
    ],
)
@pytest.mark.parametrize(
    ("where", "days"),
    [(plan(), full(7, 50)), (plan("week_6", 2000), full(7, 2000)), (plan(cap=2000, **ACTIVE), full(1, 2000))],
)
def test_what_is_unknown_or_open_holds_every_promotion(signals, word, where, days):
    found = warmup.decide(where, days, signals, TODAY, KNOWN)
    assert (found.kind, found.cap, found.phase) == ("hold", where.cap, where.phase) and word in found.reasons[0]
    # It neither hides a fault, nor makes one.
    bad = [*days[:-1], mail(1, 9000, 9000, delivered=3000)]
    assert warmup.decide(where, bad, signals, TODAY, KNOWN).kind == "rest"


def test_a_day_that_is_not_closed_decides_nothing():
    bad = [mail(1, 500, 500, delivered=300)]
    for days in (full(7, 50), bad, []):
        assert warmup.decide(plan(), days, Signals(closed=False), TODAY, KNOWN).kind == "wait"


@pytest.mark.parametrize(
    ("where", "last", "kind", "cap", "phase"),
    [
        (plan("week_3", 250), 14, "hold", 250, "week_3"),
        (plan("week_3", 250), 15, "step back", 100, "week_2"),
        (plan("week_3", 250), 30, "step back", 100, "week_2"),
        (plan("week_3", 250), 31, "restart", 50, "week_1"),
        # What was taken back has to be idle anew.
        (plan("week_3", 250, since=5), 25, "hold", 250, "week_3"),
        (plan("week_1", 50), 50, "hold", 50, "week_1"),
        (plan(cap=7683, **ACTIVE), 15, "step back", 5487, None),
        (plan(cap=2000, **ACTIVE), 15, "hold", 2000, None),
        # Back is never up.
        (plan("week_4", 60), 15, "step back", 60, "week_3"),
        (plan(cap=12000, grows=False, **ACTIVE), 15, "step back", 8571, None),
        (plan(cap=10000, **ACTIVE), 31, "restart", 50, "week_1"),
        (plan(cap=30, grows=False, **ACTIVE), 31, "restart", 30, "week_1"),
    ],
)
def test_idleness(where, last, kind, cap, phase):
    found = warmup.decide(where, [mail(last, 10, where.cap)], Signals(), TODAY, KNOWN)
    assert (found.kind, found.cap, found.phase) == (kind, cap, phase), found.reasons


def test_a_sender_that_never_sent_is_idle_since_it_began():
    assert warmup.decide(plan("week_2", 100, since=14), [], Signals(), TODAY, KNOWN).kind == "step back"
    assert warmup.decide(plan("week_2", 100, since=13), [], Signals(), TODAY, KNOWN).kind == "hold"


def test_the_geometric_schedule_grows_by_days_and_slows_while_a_line_is_not_excluded():
    def step(days, cap=250):
        found = warmup.decide(plan("week_3", cap), days, Signals(), TODAY, GEOMETRIC)
        return found.kind, found.cap, found.phase

    assert step(full(1, 250)) == ("grow", 350, "week_3")
    assert step(full(1, 400), 400) == ("grow", 560, "week_4")
    assert step(full(1, 250, complaints=0)) == ("grow", 275, "week_3")
    assert step([mail(1, 250, 250, delivered=240)]) == ("grow", 275, "week_3")
    assert step([mail(1, 200, 250)]) == ("hold", 250, "week_3")
    assert step(full(1, 8002), 8002) == ("finish", 10000, None)
    # The table knows no slower pace.
    assert warmup.decide(plan("week_3", 250), full(7, 250, complaints=0), Signals(), TODAY, KNOWN).kind == "advance"


def test_a_warm_down_asks_nobody():
    where = plan(cap=1000, down=Down(1000, ago(2), 5), **ACTIVE)
    found = warmup.decide(where, [], Signals(closed=False), TODAY, KNOWN)
    assert (found.kind, found.cap) == ("down", 490)
    # Five days with less, and not one that was as before.
    last = warmup.decide(where._replace(down=Down(1000, ago(5), 5)), [], Signals(), TODAY, KNOWN)
    assert (last.kind, last.cap) == ("down", 168)
    assert warmup.decide(where._replace(down=Down(1000, ago(6), 5)), [], Signals(), TODAY, KNOWN).kind == "retire"
    assert warmup.decide(where._replace(down=Down(1000, ago(1), 0)), [], Signals(), TODAY, KNOWN).kind == "retire"
    # Never up again, whatever it was before.
    assert warmup.decide(where._replace(cap=100), [], Signals(), TODAY, KNOWN).cap == 100


def test_a_warm_down_is_no_shelter_from_its_signals():
    where = plan(cap=1000, down=Down(1000, ago(2), 5), **ACTIVE)
    bad = [mail(1, 700, 700, delivered=500)]
    assert warmup.decide(where, bad, Signals(), TODAY, KNOWN).kind == "rest"
    assert warmup.decide(where, [mail(1, 700, 700)], Signals(), TODAY, KNOWN).kind == "down"
    # And it is no idleness, which would start it anew.
    assert (
        warmup.decide(where._replace(down=Down(1000, ago(2), 40)), [mail(31, 9)], Signals(), TODAY, KNOWN).kind
        == "down"
    )


PHASES = st.lists(st.integers(100, 250), max_size=6).map(
    lambda steps: list(accumulate(steps, lambda quota, percent: quota * percent // 100, initial=50))
)


@given(
    quotas=PHASES,
    schedule=st.sampled_from(["table", "geometric"]),
    growth=st.sampled_from([1.05, 1.4, 2]),
    target=st.integers(1, 20000),
    own=st.none() | st.integers(1, 20000),
    cap=st.integers(0, 120) | st.integers(0, 20000),
    at=st.integers(0, 8),
    status=st.sampled_from(["warming", "active"]),
    grows=st.booleans(),
)
@settings(max_examples=500, deadline=None, database=None)
def test_no_promotion_is_a_leap(quotas, schedule, growth, target, own, cap, at, status, grows):
    """Whatever plan meets whatever table: the smaller of x2.5 and, outside the table's own steps, one step of growth."""
    phases = {f"p{n}": quota for n, quota in enumerate(quotas)}
    said = {"schedule": schedule, "growth": growth, "slow": 1.05}
    known = policy.read({"phases": phases, "active_daily_quota": target, "warmup": said})
    where = plan(f"p{at}" if status == "warming" else None, cap, status=status, grows=grows, target=own)
    found = warmup.decide(where, full(7, cap), Signals(), TODAY, known)
    if found.cap <= cap:
        return
    assert found.kind in warmup.PROMOTIONS and found.cap <= min(target, own or target)
    assert found.cap * 2 <= cap * 5
    if found.kind == "advance":
        # What the phase allowed was used before the next one.
        assert cap >= min(phases.get(where.phase, cap), target, own or cap) and found.cap <= phases[found.phase]
    elif cap >= quotas[0] and status == "active":
        assert found.cap <= cap * Fraction(str(growth))
    else:
        assert found.cap <= max(cap + 1, cap * Fraction(str(growth)))


def test_the_same_question_has_the_same_answer():
    days = full(7, 50)
    first = warmup.decide(plan(), days, Signals(), TODAY, KNOWN)
    assert warmup.decide(plan(), reversed(days), Signals(), TODAY, KNOWN) == first
    assert json.loads(json.dumps(first.evidence))["qualifying"] == 7


# --- What a history would have done -----------------------------------------------------------------------------------


def test_six_perfect_weeks_and_the_growth_after_them():
    rows = simulate([mail(90 - day, 20000) for day in range(60)], KNOWN)
    caps = [row["cap"] for row in rows]
    weeks = [cap for cap in TABLE.values() for _unused in range(7)]
    assert caps[:42] == weeks and caps[42:49] == [2000, 2800, 3920, 5488, 7683, 10000, 10000]
    assert (rows[41]["decision"], rows[42]["status"]) == ("finish", "active")


def test_nothing_more_than_the_cap_is_taken_for_sent():
    rows = simulate([mail(40 - day, 20000) for day in range(10)], KNOWN)
    assert {(row["first"], row["waited"]) for row in rows[:7]} == {(50, 19950)}


def test_a_bad_week_rests_it_and_it_comes_back_lower():
    good = [mail(60 - day, 5000) for day in range(16)]
    bad = [mail(44 - day, 5000, delivered=4000) for day in range(2)]
    rows = simulate([*good, *bad, *[mail(42 - day, 5000) for day in range(20)]], KNOWN)
    rest = next(n for n, row in enumerate(rows) if row["decision"] == "rest")
    assert [row["status"] for row in rows[rest + 1 : rest + 8]] == ["resting"] * 7
    assert {row["first"] for row in rows[rest + 1 : rest + 8]} == {0}
    assert (rows[rest]["phase"], rows[rest + 8]["phase"], rows[rest + 8]["cap"]) == ("week_3", "week_2", 100)


def test_silence_goes_back():
    rows = simulate([*(mail(90 - day, 5000) for day in range(21)), mail(20, 1)], KNOWN)
    assert [row["decision"] for row in rows[21:] if row["decision"] != "hold"] == ["step back", "step back", "restart"]


def test_what_is_left_out_is_scaled_and_rounded_down():
    day = within(Day(TODAY, 100, 95, 120, {"gmail": Provider(120, 95, 10, 5, None, 33)}), 50)
    assert day == Day(TODAY, 50, 47, 50, {"gmail": Provider(60, 47, 5, 2, None, 16)}, 50)


CSV = "day,provider,first,delivered_24h,bounced,complaints\n2026-01-01,gmail,30,30,0,\n2026-01-01,yahoo,20,18,2,1\n"


def test_a_file_is_read_as_csv_and_as_json():
    found = read_history(CSV)
    providers = {"gmail": Provider(30, 30), "yahoo": Provider(20, 18, 0, 2, 1)}
    assert found == [Day(date(2026, 1, 1), 50, 48, 50, providers)]
    rows = [
        {"day": "2026-01-01", "provider": "gmail", "first": 30, "delivered_24h": 30, "complaints": None},
        {"day": "2026-01-01", "provider": "yahoo", "first": 20, "delivered_24h": 18, "bounced": 2, "complaints": 1},
    ]
    assert read_history(json.dumps(rows)) == found
    # Columns in any order.
    assert read_history("delivered_24h,first,day\n30,30,2026-01-01\n")[0].first == 30


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "has no rows"),
        ("day,first,delivered_24h\n", "has no rows"),
        ("day,first\n2026-01-01,5\n", "line 2, delivered_24h: is missing"),
        ("day,first,delivered_24h\n2026-13-01,5,5\n", "'2026-13-01' is no date"),
        ("day,first,delivered_24h\n2026-01-01,-5,5\n", "'-5' is no whole number"),
        ("day,first,delivered_24h\n2026-01-01,1.5,5\n", "'1.5' is no whole number"),
        ("day,first,delivered_24h,spam\n2026-01-01,5,5,5\n", "unknown columns: spam"),
        ("day,first,delivered_24h\n2026-01-01,5,5,9\n", "unknown columns"),
        ("day,first,delivered_24h\n2026-01-01,5,5\n2026-01-01,5,5\n", "line 3: 2026-01-01 all is there already"),
        ('day,first,delivered_24h\n"2026-01-01,5,5\n', "is no CSV"),
        ("[", "is no JSON"),
        ('{"day": 1}', "is no list of objects"),
        ("[1]", "is no list of objects"),
        ('[{"day": "2026-01-01", "first": true, "delivered_24h": 1}]', "True is no whole number"),
    ],
)
def test_a_file_that_is_none_is_named_by_its_line(text, word):
    with pytest.raises(FleetError, match=word.replace("[", r"\[")):
        read_history(text)


def test_lines_for_people():
    shown = words.simulated(CSV, DECLARED)
    assert "x2" in shown["lines"][0] and shown["lines"][1].split()[:4] == ["day", "status", "phase", "cap"]
    assert (
        shown["lines"][2].startswith("2026-01-01  warming  week_1  50") and shown["rows"][0]["verdict"] == "qualified"
    )
    starts = words.simulated(CSV, DECLARED, "week_3")
    assert starts["rows"][0]["cap"] == 250


def test_proposals_without_an_engine():
    def sender(**more):
        return {"name": "m1", "status": "warming", "phase": "week_1", "daily_quota": 50, **more}

    document = {
        "senders": [sender(), sender(phase="week_6", daily_quota=2000), sender(status="active"), sender(phase=None)]
    }
    lines = words.proposals(document, {**DECLARED, "phases": {"week_1": 50, "week_6": 100}})
    assert len(lines) == 3 and "To week_6, 100 a day" in lines[0] and "at least 45 first attempts" in lines[0]
    assert "To active" in lines[1] and "x1.4 a day to 10000" in lines[1]
