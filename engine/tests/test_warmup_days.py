# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random days of senders in the engine's own tables: what is stored after each night and each move is counted here anew."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.moves import CHECK, PERSON
from email_engine.store import lifecycle, policy, warmdown, warmup
from email_engine.store.models import Ip, WarmupPlan
from members import declared
from samples import fleet, sender
from test_warmup import DAY, ME, SHORT, World

# Lower, higher, another end: an operator changes the table while senders run.
POLICIES = [
    SHORT,
    {**SHORT, "phases": {"week_1": 30, "week_2": 60}},
    {**SHORT, "phases": {"week_1": 80, "week_2": 160}},
    {**SHORT, "active_daily_quota": 90},
]
OWN = {"m3.sos.test": 120, "m4.sos.test": 20, "m5.sos.test": 1000}
SENDERS = [
    sender(1),
    sender(2),
    *(sender(n, status="active", phase=None, daily_quota=OWN[f"m{n}.sos.test"]) for n in (3, 4, 5)),
]
NIGHTS = 60


class Days(World):
    def __init__(self, app, admin, seed):
        super().__init__(app, admin, *SENDERS)
        self.dice, self.rules, self.seen = random.Random(seed), SHORT, Counter()
        self.lost: set[str] = set()

    def chance(self, share):
        return self.dice.random() < share

    def caps(self):
        with self.begin() as session:
            return {ip.hostname: (ip.status, ip.phase, ip.daily_quota) for ip in session.scalars(select(Ip))}

    def most(self, name):
        return min(self.rules["active_daily_quota"], OWN.get(name, 10**6))

    def bounded(self, name, status, phase, cap):
        assert cap >= 1
        if name in OWN and name not in self.lost:
            assert (status, cap) == ("active", OWN[name])
        elif status in ("warming", "active"):
            assert cap <= self.most(name), (name, status, phase, cap)
        if status == "warming":
            assert cap <= self.rules["phases"][phase], (name, phase, cap)

    # What happens ----------------------------------------------------------------------------------------------------

    def send(self):
        for name, (status, _, cap) in self.caps().items():
            if status in ("warming", "active") and self.chance(0.9):
                first = min(cap, 1000)
                bad = first // 2 if self.chance(0.05) else 0
                more = {"attempts": 2 * first} if self.chance(0.03) else {}
                self.mail(first, delivered=first - bad, name=name, bounced=bad, **more)

    def sleep(self):
        """Nights are simulated, and moves are stamped with the real time: those of today happened this night, and rests are over."""
        with self.begin() as session:
            at = {"at": self.now}
            for column in ("ips.status_changed_at", "warmup_plans.phase_changed_at", "warmup_plans.started_at"):
                table, name = column.split(".")
                session.execute(text(f"UPDATE {table} SET {name} = :at WHERE {name} > :at").bindparams(**at))
            if self.chance(0.3):
                session.execute(text("UPDATE ips SET until = now() WHERE status = 'resting'"))

    def move(self, name, status):
        """A person, or a check, moves it: what comes of it is never more than it had."""
        before = self.caps()[name][2]
        events = {"warming": "rest", "active": "rest", "resting": "retire", "quarantine": "release", "retiring": "stay"}
        event = events.get(status)
        if status in ("warming", "active"):
            event = self.dice.choice(["rest", "listed", "retire", "idle", "down", "stay"])
        try:
            with self.begin() as session:
                ip = lifecycle.lock(session, session.scalars(select(Ip.id).where(Ip.hostname == name)).one())
                if event == "down":
                    done = warmup.begin_down(session, ME, ip, 5)
                    if done:
                        plan = session.scalars(select(WarmupPlan).where(WarmupPlan.ip_id == ip.id)).one()
                        plan.phase_changed_at, plan.down_until = self.now, self.now + 6 * DAY
                elif event == "stay" and status in ("warming", "active"):
                    done = warmdown.call_off(session, ME, ip, "it stays")
                else:
                    by = CHECK if event == "idle" else PERSON
                    lifecycle.move(session, ME, ip, event, by, policy.load(session), braked=False)
                    done = True
        except lifecycle.NotNow:
            return
        self.seen[event] += done
        after = self.caps()[name]
        assert after[2] <= before, (name, event, before, after)
        if event not in ("down", "stay") or status == "retiring":
            self.lost.add(name)
        if after[0] == "warming" and status not in ("warming", "active"):
            self.bounded(name, *after)

    def turn(self):
        if self.chance(0.08):
            self.rules = self.dice.choice(POLICIES)
            declared(self.app, self.admin, fleet(*SENDERS), policy=self.rules)
        self.send()
        before = self.caps()
        found = self.night()
        after = self.caps()
        for name, decision in found.items():
            self.seen[decision.kind] += 1
            old, new = before[name], after[name]
            if decision.kind in ("down", "rest", "step back", "restart"):
                self.lost.add(name)
            assert decision.cap == new[2] or decision.kind in ("rest", "restart", "retire")
            # Who wakes was moved, and then judged.
            if new[2] > old[2]:
                assert decision.kind in ("advance", "grow", "finish") and new[2] * 2 <= old[2] * 5
                if decision.kind != "advance":
                    assert new[2] <= max(old[2] * 7 // 5, old[2] + 1)
            if decision.kind != "down" and new[0] != "retiring":
                self.bounded(name, *new)
        self.sleep()
        for name, (status, _, _) in after.items():
            if self.chance(0.06 if status in ("warming", "active") else 0.4):
                self.move(name, status)
        self.sleep()


@pytest.mark.parametrize("seed", [1, 2])
def test_no_night_and_no_move_gives_more_than_the_days_have_earned(app, admin, seed):
    days = Days(app, admin, seed)
    # They begin long ago enough for the nights that follow.
    for _ in range(NIGHTS):
        days.turn()
    assert {"advance", "grow", "rest", "hold", "release"} <= set(days.seen), days.seen
    assert timedelta(days=NIGHTS) <= days.now - days.first
