# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ten thousand days of senders to whom anything may happen: warm-up, lifecycle and brakes together.

What is asserted is counted here anew, from what was sent and what was decided, and not asked of the code under test.
"""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.status import DELIVERING, STATUSES
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle import decide as life
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.brakes import (
    Brakes,
    Start,
    is_mass_event,
    may_start,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.moves import BY_STATUS, CHECK, PERSON
from ansible_collections.email_engine.fleet.plugins.module_utils.warmup import decide as warmup
from ansible_collections.email_engine.fleet.plugins.module_utils.warmup import policy, schedule, simulate
from ansible_collections.email_engine.fleet.plugins.module_utils.warmup.days import Day, Provider

TABLE = {"week_1": 50, "week_2": 100, "week_3": 250, "week_4": 500, "week_5": 1000, "week_6": 2000}
#: Short phases, so that twenty days see all of them.
RULES = {
    name: policy.read({"phases": TABLE, "active_daily_quota": 10000, "warmup": {"schedule": name, "phase_days": 2}})
    for name in ("table", "geometric")
}
# What an operator may make of them while senders run: lower, higher, other names, another target, the other schedule.
_TABLES = [
    ({name: quota * 3 // 5 for name, quota in TABLE.items()}, 10000),
    ({name: quota * 2 for name, quota in TABLE.items()}, 10000),
    ({name.replace("week", "step"): quota for name, quota in TABLE.items()}, 10000),
    (TABLE, 600),
    (TABLE, 20000),
]
OTHERS = [
    policy.read({"phases": phases, "active_daily_quota": target, "warmup": {"schedule": name, "phase_days": 2}})
    for name in RULES
    for phases, target in _TABLES
]
DAY = timedelta(days=1)
FIRST = date(2026, 1, 1)
#: From where to where a sender may go at all, written down by hand.
LEGAL = {
    ("standby", "warming"),
    ("standby", "active"),
    ("standby", "retired"),
    ("warming", "active"),
    ("warming", "quarantine"),
    ("warming", "resting"),
    ("warming", "retiring"),
    ("active", "quarantine"),
    ("active", "resting"),
    ("active", "warming"),
    ("active", "retiring"),
    ("quarantine", "warming"),
    ("quarantine", "retired"),
    ("resting", "warming"),
    ("resting", "quarantine"),
    ("resting", "retiring"),
    ("retiring", "quarantine"),
    ("retiring", "retired"),
    ("retiring", "warming"),
}


class Sender:
    """One sender, and what the world knows of it."""

    def __init__(self, tenant: str, status: str, own: int | None = None):
        self.tenant, self.own = tenant, own
        phase, cap = "week_1" if status == "warming" else None, own or 50
        self.plan = warmup.Plan(status, phase, cap, FIRST, FIRST, FIRST, own is None)
        self.until: datetime | None = None
        self.history: list[Day] = []
        self.listed, self.green, self.incidents, self.queued = life.NO, life.YES, 0, 0
        self.paused = self.silent = False

    def facts(self, blind: bool = False) -> life.Facts:
        if blind:
            return life.Facts(life.UNKNOWN, life.UNKNOWN, None, self.incidents, self.until)
        return life.Facts(self.green, self.listed, self.queued, self.incidents, self.until)


class World:
    def __init__(self, seed: int, schedule: str, tenants: int = 4, each: int = 5):
        self.dice, self.rules, self.brakes = random.Random(seed), RULES[schedule], Brakes()
        self.senders = [
            Sender(f"t{n}", self.dice.choice(["warming", "warming", "active", "standby", "standby"]))
            for n in range(tenants)
            for _unused in range(each)
        ]
        for one in self.senders:
            if one.plan.status == "active":
                one.plan = one.plan._replace(cap=2000)
        # The inventory declares them active, at a quota of their own.
        self.senders += [Sender(f"t{n}", "active", own) for n, own in zip(range(tenants), (3, 120, 1500, 12000))]
        self.today, self.starts, self.held = FIRST, [], set()
        self.days, self.decided = 0, {}

    def now(self) -> datetime:
        return datetime.combine(self.today, time(0, 5), timezone.utc)

    def chance(self, share: float) -> bool:
        return self.dice.random() < share

    def move(self, one: Sender, event: str, by: str, blind: bool = False, quota: int | None = None) -> bool:
        before, facts = one.plan, one.facts(blind)
        sender = {"status": before.status, "phase": before.phase}
        change = life.decide(sender, event, by, facts, self.now(), self.rules.names)
        if isinstance(change, life.Refused):
            return False
        assert (before.status, change.status) in LEGAL, f"{event} led from {before.status} to {change.status}"
        # Unknown promotes nobody: who is let send again was seen to be well.
        if change.status in ("warming", "active") and before.status in ("standby", "quarantine", "resting"):
            assert not blind and facts.dns_green == life.YES and facts.listed != life.YES
        assert not (blind and change.status == "active")
        cap, keeps = quota if quota is not None else before.cap, before
        if change.status == "warming":
            keeps = before.sheltered()
            cap = schedule.entered(self.rules.cap(change.phase), before.cap, keeps.most(self.rules))
        started = self.today if event in ("start", "idle") else before.started
        about = (self.today, self.today, started, keeps.grows, None, keeps.target)
        one.plan = warmup.Plan(change.status, change.phase, cap, *about)
        one.until = change.until
        if quota is None:
            assert one.plan.cap <= before.cap, f"{event} raised {before.cap} to {one.plan.cap}"
        if change.status == "warming":
            self.bounded(one)
        return True

    def bounded(self, one: Sender) -> None:
        """Nobody has more than its phase, the target and its own quota allow."""
        cap, phases = one.plan.cap, dict(self.rules.phases)
        if one.plan.grows:
            assert 1 <= cap <= min(self.rules.target, one.own or cap)
        else:
            assert cap == one.own
        if one.plan.status == "warming" and one.plan.phase in phases and self.rules.schedule == "table":
            assert cap <= phases[one.plan.phase]

    # A day ------------------------------------------------------------------------------------------------------------

    def send(self, one: Sender) -> None:
        """What its day was: full, part, nothing; well received or not. PowerMTA holds it to its cap."""
        plan = one.plan
        cap = plan.cap if plan.status in DELIVERING and not one.paused else 0
        wanted = 0 if one.silent else self.dice.choice([0, cap // 2, *[cap] * 6, cap * 3])
        first = min(wanted, cap)
        got = first if self.chance(0.9) else self.dice.randint(0, first)
        complaints = 0 if self.chance(0.95) else self.dice.choice([None, first // 100])
        opens = first // 3 if self.chance(0.97) else self.dice.choice([None, first // 50])
        bounced = 0 if self.chance(0.9) else first - got
        part = Provider(first, got, first - got - bounced, bounced, complaints, opens)
        # Now and then something else sends from its address, too.
        tried = first if self.chance(0.97) else 2 * first + 1
        one.history = [*one.history[-45:], Day(self.today, first, got, tried, {"gmail": part}, plan.cap)]
        one.queued = self.dice.choice([0, 0, 5])

    def fate(self, one: Sender) -> None:
        """What happens to it, and what a person does about it."""
        if self.chance(0.05):
            one.green = self.dice.choice([life.YES, life.NO, life.UNKNOWN])
        elif one.green != life.YES and self.chance(0.4):
            one.green = life.YES
        if self.chance(0.1 if one.paused else 0.01):
            one.paused = not one.paused
        # A campaign's end: weeks without mail.
        if self.chance(0.04 if one.silent else 0.01):
            one.silent = not one.silent
        if one.listed == life.YES and self.chance(0.3):
            one.listed, one.incidents = life.NO, 0
        if self.chance(0.2):
            event = self.dice.choice([*["release"] * 6, "start", "rest", "stay", "drained", "removed", "warmed"])
            self.move(one, event, PERSON)
        if self.chance(0.005):
            event = self.dice.choice(["retire", "rest"])
            self.move(one, event, PERSON)

    def lists(self, blind: bool) -> None:
        """A check of the lists: listings stop, a standby of the tenant may start."""
        standing = [one for one in self.senders if one.plan.status != "retired"]
        share = self.dice.choice([*[0] * 9, 0.05, 0.1, 0.6])
        changed = [one for one in standing if one.listed != life.YES and self.chance(share)]
        # So many at once, not confirmed by the second look: nothing is believed.
        if blind or (is_mass_event(self.brakes, len(changed), len(standing)) and self.chance(0.5)):
            return
        for one in changed:
            one.listed, one.incidents = life.YES, 1
            if not self.move(one, "listed", CHECK):
                continue
            mine = [other for other in standing if other.tenant == one.tenant]
            count = sum(other.listed == life.YES for other in mine)
            verdict = may_start(self.brakes, self.starts, one.tenant, count, len(standing), self.now())
            if verdict.hold_tenant:
                self.held.add(one.tenant)
            if verdict.allowed and one.tenant not in self.held:
                spare = next((other for other in mine if other.plan.status == "standby"), None)
                if spare is not None and self.move(spare, "start", CHECK):
                    self.starts.append(Start(one.tenant, self.now()))
                    # At its own cap, not at that of the listed one.
                    assert spare.plan.phase == self.rules.names[0] and spare.plan.cap <= self.rules.phases[0][1]

    def night(self, one: Sender, blind: bool, closed: bool, silent: bool) -> None:
        before = one.plan
        if before.status == "resting":
            self.move(one, "rested", CHECK, blind)
            return
        unseen = ("nobody looked",) if blind or one.green != life.YES or one.listed != life.NO else ()
        unseen += ("its tenant is held",) if one.tenant in self.held else ()
        signals = warmup.Signals(closed, unseen, ("complaints/gmail",) if silent else (), one.incidents)
        found = warmup.decide(before, one.history, signals, self.today, self.rules)
        self.decided[found.kind] = self.decided.get(found.kind, 0) + 1
        if found.kind == warmup.REST:
            assert self.move(one, "rest", CHECK, blind)
        elif found.kind == warmup.FINISH:
            self.move(one, "warmed", CHECK, blind, found.cap)
        elif found.kind == warmup.RESTART and before.status == "active":
            assert self.move(one, "idle", CHECK, blind)
        else:
            one.plan, _unused = simulate.step(before, found, None, self.today, self.rules)
        self.judge(one, before, found, signals)

    def judge(self, one: Sender, before: warmup.Plan, found: warmup.Decision, signals: warmup.Signals) -> None:
        """The schedule, by what was sent alone."""
        after, rules = one.plan, self.rules
        if before.status not in ("warming", "active"):
            assert after == before
            return
        if found.kind != warmup.WAIT and after.status in ("warming", "active"):
            self.bounded(one)
        if after.cap <= before.cap:
            return
        assert found.kind in warmup.PROMOTIONS and after.cap * 2 <= before.cap * 5
        assert not (signals.blind or signals.silent or signals.incidents) and signals.closed, found
        full = [
            day
            for day in one.history
            if day.day >= before.since and day.cap >= before.cap and day.first * 10 >= 9 * day.cap
        ]
        full = [day for day in full if day.cap >= max(day.first, day.attempts, 1)]
        good = [day for day in full if day.delivered * 10 >= 9 * day.first]
        if found.kind == warmup.ADVANCE:
            assert before.status == "warming" and rules.schedule == "table" and len(good) >= rules.phase_days
            if before.phase in rules.names:
                assert rules.names.index(after.phase) == rules.names.index(before.phase) + 1
                # What the phase allowed was used before the next one.
                assert before.cap == min(rules.cap(before.phase), rules.target, one.own or before.cap)
        else:
            # 7 / 5, in whole numbers: one step, rounded down; less than the table's by at least one.
            low = min(rules.cap(before.phase) if before.status == "warming" else 0, rules.target)
            low = max(low, rules.phases[0][1])
            assert good and after.cap <= max(before.cap * 7 // 5, before.cap + (before.cap < low))

    def turn(self) -> None:
        blind, closed, silent = self.chance(0.15), self.chance(0.9), self.chance(0.1)
        for one in self.senders:
            sent_under = one.plan.cap
            self.send(one)
            assert one.history[-1].first <= sent_under
        self.today += DAY
        if self.chance(0.05):
            self.rules = self.dice.choice(OTHERS)
        self.lists(blind)
        for one in self.senders:
            self.night(one, blind, closed, silent)
            self.fate(one)
        if self.held and self.chance(0.2):
            self.held.pop()
        self.days += len(self.senders)
        self.budget()

    def budget(self) -> None:
        """Automatic starts: one for a tenant in seven days, two (or a tenth) for the platform in one."""
        for start in self.starts:
            lately = [other for other in self.starts if timedelta(0) <= start.at - other.at]
            assert sum(o.tenant == start.tenant and start.at - o.at < timedelta(days=7) for o in lately) <= 1
            assert sum(start.at - o.at < timedelta(days=1) for o in lately) <= max(2, len(self.senders) // 10)

    # Afterwards -------------------------------------------------------------------------------------------------------

    def heal(self, days: int) -> None:
        """Everything is mended, every queue drains, people release who waits for them, and mail is perfect."""
        self.held.clear()
        self.rules = RULES[self.rules.schedule]
        for one in self.senders:
            one.listed, one.green, one.incidents, one.queued, one.paused = life.NO, life.YES, 0, 0, False
        for _unused in range(days):
            for one in self.senders:
                cap = one.plan.cap if one.plan.status in DELIVERING else 0
                part = {"gmail": Provider(cap, cap, 0, 0, 0, cap // 2)}
                one.history = [*one.history[-45:], Day(self.today, cap, cap, cap, part, one.plan.cap)]
            self.today += DAY
            for one in self.senders:
                self.night(one, False, True, False)
                for event in ("release", "start", "drained"):
                    self.move(one, event, PERSON)


def test_ten_thousand_days_of_senders():
    counted, statuses, decided = [], set(), {}

    @settings(max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 2**32), st.sampled_from(["table", "geometric"]))
    def run(seed, schedule):
        world = World(seed, schedule)
        for _unused in range(60):
            world.turn()
            statuses.update(one.plan.status for one in world.senders)
        counted.append((world.days, len(world.starts)))
        for kind, count in world.decided.items():
            decided[kind] = decided.get(kind, 0) + count

    run()
    assert sum(days for days, _unused in counted) >= 10_000
    # Otherwise nothing was seen.
    assert statuses == set(STATUSES) and sum(starts for _unused, starts in counted) > 5
    kinds = {warmup.ADVANCE, warmup.GROW, warmup.FINISH, warmup.REST, warmup.STEP_BACK, warmup.RESTART, warmup.WAIT}
    assert kinds <= set(decided), decided


@settings(max_examples=4, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32), st.sampled_from(["table", "geometric"]))
def test_wherever_they_end_they_find_the_way_out(seed, schedule):
    world = World(seed, schedule, tenants=2)
    for _unused in range(20):
        world.turn()
    world.heal(110)
    for one in world.senders:
        if one.plan.status != "retired":
            most = min(10000, one.own or 10000) if one.plan.grows else one.own
            assert (one.plan.status, one.plan.cap) == ("active", most)


@pytest.mark.parametrize("status", STATUSES)
def test_every_state_has_a_way_to_the_end_and_out_of_itself(status):
    """By the table alone, with every condition met."""
    well = life.Facts(life.YES, life.NO, 0, 0, None, True)
    seen, edge = set(), {status}
    while edge:
        seen |= edge
        edge = {
            change.status
            for one in edge
            for event, move in BY_STATUS.get(one, {}).items()
            for by in move.by
            for change in [
                life.decide({"status": one, "phase": None}, event, by, well, datetime.now(timezone.utc), list(TABLE))
            ]
            if isinstance(change, life.Change)
        } - seen
    assert "retired" in seen and (status == "retired" or seen - {status})
