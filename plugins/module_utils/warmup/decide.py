# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the next day of a sender is to be: on, up, back, or a rest. What is unknown never promotes."""

from __future__ import annotations

import typing as t
from datetime import date, timedelta
from fractions import Fraction

from . import qualify, rates, schedule
from .days import Day
from .policy import GEOMETRIC, Policy

#: The decisions. WAIT: the day is not closed, and nothing is decided about it yet.
NOTHING, WAIT, HOLD, ADVANCE, GROW, FINISH = "nothing", "wait", "hold", "advance", "grow", "finish"
REST, STEP_BACK, RESTART, DOWN, RETIRE = "rest", "step back", "restart", "down", "retire"
#: Decisions that give a sender more; they alone need every check to see.
PROMOTIONS = frozenset({ADVANCE, GROW, FINISH})
_DAY = timedelta(days=1)


class Down(t.NamedTuple):
    """A warm-down: the quota when it began, on which day, and for how many days after it less is sent."""

    quota: int
    began: date
    days: int


class Plan(t.NamedTuple):
    """Where a sender's warm-up is. status, phase, cap: as in the fleet document (cap: ``daily_quota``). since: first day of the phase.
    entered: first day of the status; older days say nothing about the mail of now. started: first day of the warm-up.
    grows: false for one that was declared active at a quota of its own, which nothing here raises. target: of one that had such a quota
    and lost it: it grows up to that, and never above the policy's target.
    """

    status: str
    phase: str | None
    cap: int
    since: date
    entered: date
    started: date
    grows: bool = True
    down: Down | None = None
    target: int | None = None

    def most(self, policy: Policy) -> int:
        """Messages a day at the end of its growth."""
        return policy.target if self.target is None else min(self.target, policy.target)

    def sheltered(self) -> Plan:
        """The same where it loses its quota: from now on it grows, up to what it had."""
        return self if self.grows else self._replace(grows=True, target=self.cap)


class Signals(t.NamedTuple):
    """What else is known. closed: the accounting is complete up to yesterday. blind: checks that see nothing, and other reasons to wait.
    silent: signals that are fed and have fallen silent. incidents: open ones."""

    closed: bool = True
    blind: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    incidents: int = 0

    def reasons(self) -> tuple[str, ...]:
        """Why nothing is promoted; none when nothing stands in the way."""
        count = self.incidents
        opened = (f"{count} open incident{'s' if count > 1 else ''}",) if count else ()
        return (*opened, *self.blind, *(f"{one} fell silent" for one in self.silent))


class Decision(t.NamedTuple):
    """kind: one of the above. cap, phase: from today on. evidence: numbers, for the audit row."""

    kind: str
    cap: int
    phase: str | None
    reasons: tuple[str, ...]
    evidence: t.Mapping[str, t.Any] = {}


def decide(plan: Plan, history: t.Iterable[Day], signals: Signals, today: date, policy: Policy) -> Decision:
    """What becomes of a sender on *today*, by the days before it.

    history: days before today, in any order; a day that is missing was idle. It should reach back as far as the longest of the policy's
    periods. The same question has the same answer, however often it is asked.
    """
    if plan.status not in ("warming", "active"):
        return Decision(NOTHING, plan.cap, plan.phase, (f"a sender that is {plan.status} does not warm up",))
    # Less is never a matter of evidence: a warm-down goes on where nobody counts.
    if not signals.closed:
        if plan.down is not None:
            return _down(plan, plan.down, today, policy)
        return Decision(WAIT, plan.cap, plan.phase, ("the accounting of yesterday is not complete",))
    days = sorted((day for day in history if day.day < today), key=lambda day: day.day)
    return _Judgement(plan, days, signals, today, policy).decide()


def _down(plan: Plan, down: Down, today: date, policy: Policy) -> Decision:
    gone = (today - down.began).days
    evidence = {"from": down.quota, "day": gone, "of": down.days}
    if gone > down.days:
        return Decision(RETIRE, plan.cap, plan.phase, (f"its warm-down of {down.days} days is over",), evidence)
    cap = min(plan.cap, schedule.down(policy, down.quota, max(0, gone)))
    return Decision(DOWN, cap, plan.phase, (f"day {gone} of {down.days} of its warm-down",), evidence)


class _Judgement:
    """One decision; its parts share what they know."""

    def __init__(self, plan: Plan, days: list[Day], signals: Signals, today: date, policy: Policy):
        self.plan, self.days, self.signals, self.today, self.policy = plan, days, signals, today, policy
        self.at = schedule.position(policy, plan.phase, plan.cap)
        self.target = plan.most(policy)
        self.yesterday = today - _DAY
        begin = max(plan.entered, today - timedelta(days=policy.thresholds.days))
        self.rates = rates.measure(day for day in days if day.day >= begin)
        self.geometric = plan.status == "warming" and policy.schedule == GEOMETRIC
        # The most that its phase allows. One that has less, of an own quota, a way back or a table that was raised, returns to it first.
        self.limit = self.target if self.geometric or plan.status == "active" else min(self.quota(), self.target)
        self.returns = plan.status == "warming" and plan.cap < self.limit and not self.geometric
        # By day for whoever grows by day, by phase for the table.
        daily = self.geometric or self.returns or plan.status == "active"
        since = qualify.since_cap(days, plan.since, plan.cap) if daily else plan.since
        self.qualified = qualify.qualifying(days, since, plan.cap, today, policy)
        self.needed = 1 if daily else policy.phase_days

    def decide(self) -> Decision:
        bad = [rate for rate in self.rates if rates.judge(rate, self.policy.thresholds) == rates.BAD]
        if bad:
            return self.to(REST, self.plan.cap, self.plan.phase, *(_crossed(rate, self.policy) for rate in bad))
        if self.plan.down is not None:
            return _down(self.plan, self.plan.down, self.today, self.policy)
        back = self.back()
        if back is not None:
            return back
        kind, cap, phase, reason = self.promotion()
        holds = self.signals.reasons()
        if kind in PROMOTIONS and holds:
            return self.to(HOLD, self.plan.cap, self.plan.phase, *holds)
        return self.to(kind, cap, phase, reason)

    def quota(self) -> int:
        """What the table says for its phase; of one that the table does not have, its cap."""
        name, quota = self.policy.phases[self.at]
        return quota if self.plan.phase in self.policy.names else max(quota, self.plan.cap)

    def to(self, kind: str, cap: int, phase: str | None, *reasons: str) -> Decision:
        return Decision(kind, cap, phase, reasons, self.evidence())

    def evidence(self) -> dict[str, t.Any]:
        last = next((day for day in reversed(self.days) if day.day == self.yesterday), Day(self.yesterday))
        found: dict[str, t.Any] = {
            "day": self.yesterday.isoformat(),
            "cap": last.cap if last.cap is not None else self.plan.cap,
            "first": last.first,
            "delivered": last.delivered,
            "verdict": qualify.verdict(last, self.plan.cap, self.today, self.policy),
            "qualifying": len(self.qualified),
            "needed": self.needed,
        }
        for rate in self.rates:
            found.setdefault("rates", {}).setdefault(rate.signal, {})[rate.provider or "all"] = rate.shown()
        return found

    # Back --------------------------------------------------------------------------------------------------------------

    def back(self) -> Decision | None:
        """Receivers forget an address that is silent; and a cap above a table or a target that was lowered comes down to it."""
        plan, policy = self.plan, self.policy
        if plan.cap > self.limit and (plan.grows or plan.status == "warming"):
            what = "the target" if self.limit == self.target else plan.phase
            return self.to(STEP_BACK, self.limit, plan.phase, f"{what} is {self.limit} a day now")
        last = qualify.last_activity(self.days) or date.min
        silent = (self.yesterday - max(last, plan.started - _DAY)).days
        name, lowest = policy.phases[0]
        if plan.status == "warming" and self.at == 0 and plan.cap <= lowest:
            return None
        if silent >= policy.idle_restart:
            return self.to(RESTART, min(lowest, plan.cap), name, f"idle for {silent} days")
        # A step at a time: what was taken back is idle anew.
        here = (self.yesterday - max(last, plan.since - _DAY, plan.entered - _DAY)).days
        if here < policy.idle_step_back:
            return None
        cap, phase = self.lower()
        cap = min(cap, plan.cap, self.target)
        moves = (cap, phase) != (plan.cap, plan.phase)
        return self.to(STEP_BACK, cap, phase, f"idle for {silent} days") if moves else None

    def lower(self) -> tuple[int, str | None]:
        """The cap and phase one step back."""
        plan, phases = self.plan, self.policy.phases
        if plan.status == "active":
            return schedule.shrunk(self.policy, plan.cap, phases[-1][1]), None
        if self.geometric:
            cap = schedule.shrunk(self.policy, plan.cap, phases[0][1])
            return cap, schedule.label(self.policy, cap)
        name, cap = phases[max(0, self.at - 1)]
        return cap, name

    # On ----------------------------------------------------------------------------------------------------------------

    def promotion(self) -> tuple[str, int, str | None, str]:
        """What the days have earned: decision, cap, phase, reason."""
        plan, policy = self.plan, self.policy
        days = f"{len(self.qualified)} of {self.needed} qualifying day{'s' if self.needed > 1 else ''}"
        if plan.status == "active" and (not plan.grows or plan.cap >= self.target):
            return NOTHING, plan.cap, plan.phase, "it has its full quota"
        if len(self.qualified) < self.needed:
            return HOLD, plan.cap, plan.phase, days
        if plan.status == "active":
            return self.growth(policy.growth, None)
        if self.geometric:
            slow = self.slow()
            if slow is None:
                return self.growth(policy.growth, days)
            return self.growth(policy.slow, f"{days}, slowly: {slow}")
        name, quota = policy.phases[self.at]
        if self.returns:
            return GROW, schedule.returned(plan.cap, policy.growth, self.limit), name, f"{days}, back to {self.limit}"
        if self.at + 1 == len(policy.phases):
            return FINISH, plan.cap, None, f"{days} of the last phase"
        name, quota = policy.phases[self.at + 1]
        # A target below the table's end bounds it, too.
        return ADVANCE, min(quota, self.target), name, f"{days} of {plan.phase}"

    def growth(self, factor: Fraction, reason: str | None) -> tuple[str, int, str | None, str]:
        plan, policy = self.plan, self.policy
        # Below the table a small number would never be more, rounded down.
        grow = schedule.returned if plan.cap < policy.phases[0][1] else schedule.grown
        cap = max(plan.cap, grow(plan.cap, factor, self.target))
        text = reason or f"a qualifying day at {plan.cap}"
        if self.geometric and cap >= self.target:
            return FINISH, self.target, None, text
        if cap == plan.cap:
            return HOLD, cap, plan.phase, f"x{float(factor):g} of {cap} is no more, rounded down"
        return GROW, cap, schedule.label(policy, cap) if self.geometric else None, text

    def slow(self) -> str | None:
        """Why the geometric schedule does not grow at its full pace: a line that all providers together do not exclude yet."""
        unsure = [
            rate.signal
            for rate in self.rates
            if rate.provider is None and rates.judge(rate, self.policy.thresholds) == rates.UNSURE
        ]
        return f"too few messages to exclude the line of {' and '.join(unsure)}" if unsure else None


def _crossed(rate: rates.Rate, policy: Policy) -> str:
    lines = policy.thresholds
    line = {rates.BOUNCE: lines.bounce, rates.COMPLAINT: lines.complaint, rates.OPEN: lines.open}[rate.signal]
    where = f" at {rate.provider}" if rate.provider else ""
    what = {rates.BOUNCE: "bounced", rates.COMPLAINT: "complained of", rates.OPEN: "opened"}[rate.signal]
    side, bound = ("below", rate.high) if rate.signal == rates.OPEN else ("above", rate.low)
    return (
        f"{rate.count} of {rate.of} {what}{where}: {rate.count / rate.of:.2%}, for certain {side} {float(line):.2%}"
        f" (95 % bound {bound:.2%})"
    )
