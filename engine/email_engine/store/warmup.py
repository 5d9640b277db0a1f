# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The warm-up, a day at a time: each day is closed once, and what the domain decides by it becomes rows.

A day is closed when the accounting of its end has been collected. Until then nothing is decided about it, and the next run asks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.decide import CONDITIONS, NO, UNKNOWN, YES
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.moves import CHECK, PERSON
from ansible_collections.email_engine.fleet.plugins.module_utils.warmup import decide as warmup
from ansible_collections.email_engine.fleet.plugins.module_utils.warmup import qualify, rates
from ansible_collections.email_engine.fleet.plugins.module_utils.warmup.days import Day
from ansible_collections.email_engine.fleet.plugins.module_utils.warmup.policy import Policy, read

from . import accounting, alerts, fleet, jobs, lifecycle, policy, runs
from .audit import Actor, record
from .models import Alert, CheckRun, Ip, Job, Tenant, WarmupDay, WarmupPlan
from .policy import Declared

NAME = "warmup"
#: How far back the domain looks: longer than its longest idle time.
LOOKS_BACK = timedelta(days=45)
_DAY = timedelta(days=1)
_SENDING = ("warming", "active")
_STATES_THAT_SEE = ("ok",)
# Decisions a person is told of.
_TOLD = {
    warmup.REST: (
        "critical",
        "rests for seven days",
        "Look at what was sent to whom; it goes on by itself, one phase back.",
    ),
    warmup.STEP_BACK: (
        "info",
        "goes a step back",
        "Send to it, or let it be: the volume that it is used to falls with time.",
    ),
    warmup.RESTART: ("info", "starts its warm-up anew", "Nothing has to be done: receivers have forgotten it."),
}
_DONE = {
    warmup.ADVANCE: "advanced",
    warmup.GROW: "grown",
    warmup.STEP_BACK: "stepped back",
    warmup.RESTART: "restarted",
    warmup.DOWN: "warmed down",
}


class Judged(NamedTuple):
    """What was decided about one sender, and whether anything of it changed."""

    ip: Ip
    decision: warmup.Decision
    changed: bool


class Closed(NamedTuple):
    """day: the last one that was to be closed. job: the converge, where a sender changed."""

    day: date
    judged: list[Judged]
    job: Job | None


def close_day(session: Session, actor: Actor, now: datetime | None = None) -> Closed:
    """Close every day that is over and not closed, of all senders, and do what follows. A second run of the day changes nothing.

    now: the database's time unless given. One decision is made for each sender, on all its days: who was not asked for a week does not
    grow by a week at once. Raises FleetError where the declared policy is unsound, and nothing is changed then.
    """
    fleet.hold(session)
    moment = (now or session.execute(select(func.now())).scalar_one()).astimezone(UTC)
    today = moment.date()
    declared = policy.load(session)
    if not declared.phases:
        runs.keep(session, NAME, moment, "blind", {"why": "no policy was declared yet"})
        return Closed(today - _DAY, [], None)
    rules = read(declared.policy)
    judged = [_wakes(session, actor, ip, declared) for ip in _senders(session, ("resting",))]
    # Each sender's rows are its own: nothing that is asked about one waits for the others' to be written.
    senders = _senders(session, _SENDING)
    with session.no_autoflush:
        judged += _Night(session, actor, moment, declared, rules).judge(senders)
    waiting = [one.ip.hostname for one in judged if one.decision.kind == warmup.WAIT]
    decisions: dict[str, int] = {}
    for one in judged:
        decisions[one.decision.kind] = decisions.get(one.decision.kind, 0) + 1
    detail = {"day": (today - _DAY).isoformat(), "decisions": decisions, "waiting": waiting[:100]}
    # An old day that is closed by hand says nothing about the last night.
    runs.keep(session, NAME, moment, "blind" if waiting else "ok", detail)
    session.flush()
    changed = any(one.changed for one in judged)
    job = jobs.enqueue(session, actor, "converge", once=True) if changed else None
    return Closed(today - _DAY, judged, job)


def due(session: Session) -> bool:
    """Whether a day can be closed now that was not, because its accounting came later; or a rest is over."""
    yesterday: date = session.execute(select(func.now())).scalar_one().astimezone(UTC).date() - _DAY
    rested = select(Ip.id).where(Ip.status == "resting", Ip.declared, Ip.until <= func.now())
    collected = accounting.closed(session, yesterday)
    unclosed = (
        select(Ip.id)
        .outerjoin(WarmupPlan, WarmupPlan.ip_id == Ip.id)
        .where(Ip.status.in_(_SENDING), Ip.declared, Ip.mta.in_(collected))
        .where(WarmupPlan.closed_day.is_(None) | (WarmupPlan.closed_day < yesterday))
    )
    return session.scalar(rested.limit(1)) is not None or session.scalar(unclosed.limit(1)) is not None


def look(session: Session, ips: Sequence[Ip], today: date) -> dict[int, warmup.Decision]:
    """What would be decided now, by id: for whoever looks. Nothing is written."""
    declared = policy.load(session)
    if not declared.phases:
        return {}
    night = _Night(session, Actor("look"), datetime.combine(today, time(), UTC), declared, read(declared.policy))
    night.know(ips)
    return {ip.id: night.decide(ip) for ip in ips if ip.id in night.plans}


def begin_down(session: Session, actor: Actor, ip: Ip, days: int | None = None) -> bool:
    """The sender, held locked, sends less each day from tomorrow on, and retires when the days are over. False: it does so already.

    days: on which it sends less, the policy's unless given; it retires in the night after them, with 0 in the next one. Raises NotNow for
    a sender that does not send.
    """
    if ip.status not in _SENDING:
        raise lifecycle.NotNow((f"a sender that is {ip.status} has no volume to take back: retire it at once",))
    declared = policy.load(session)
    plan = _plan_of(session, ip, declared)
    if plan.down_until is not None:
        return False
    count = read(declared.policy).down_days if days is None else days
    moment = session.execute(select(func.now())).scalar_one()
    plan.phase_changed_at, plan.down_from = moment, ip.daily_quota
    # Today's quota is spent already, or nearly: the first of its days is tomorrow.
    plan.down_until = datetime.combine(moment.astimezone(UTC).date() + (1 + count) * _DAY, time(), UTC)
    after = {"down_from": plan.down_from, "down_until": plan.down_until.isoformat()}
    about = {"tenant_id": ip.tenant_id, "before": {"down_from": None, "down_until": None}, "after": after}
    record(session, actor, "warm-down began", f"sender {ip.hostname}", evidence={"days": count}, **about)
    session.flush()
    return True


def end_down(session: Session, actor: Actor, ip: Ip, reason: str | None = None) -> bool:
    """The sender, held locked, stays after all. It keeps the quota that it has now, and grows back by its days. False: it was not on its
    way out."""
    plan = session.scalars(select(WarmupPlan).where(WarmupPlan.ip_id == ip.id)).first()
    if plan is None or plan.down_until is None:
        return False
    before = {"down_from": plan.down_from, "down_until": plan.down_until.isoformat()}
    plan.down_from, plan.down_until = None, None
    # Days before it had more; what it is given from here on is earned from here on.
    plan.phase_changed_at = session.execute(select(func.now())).scalar_one()
    if ip.daily_quota < plan.target_daily_quota:
        lifecycle.shelter(plan, policy.load(session))
    after = {"down_from": None, "down_until": None}
    about = {"tenant_id": ip.tenant_id, "reason": reason, "before": before, "after": after}
    record(session, actor, "warm-down ended", f"sender {ip.hostname}", **about)
    session.flush()
    return True


def _senders(session: Session, statuses: Sequence[str]) -> Sequence[Ip]:
    wanted = select(Ip).where(Ip.status.in_(statuses), Ip.declared).order_by(Ip.id)
    return session.scalars(wanted.execution_options(populate_existing=True)).all()


def _plan_of(session: Session, ip: Ip, declared: Declared) -> WarmupPlan:
    """Its plan; one that was declared active gets one that keeps it where it is."""
    plan = session.scalars(select(WarmupPlan).where(WarmupPlan.ip_id == ip.id)).first()
    return plan or _new_plan(session, ip, declared)


def _new_plan(session: Session, ip: Ip, declared: Declared) -> WarmupPlan:
    about = {"tenant_id": ip.tenant_id, "ip_id": ip.id, "current_daily_quota": ip.daily_quota}
    warming = ip.status == "warming"
    plan = WarmupPlan(
        phase=ip.phase if warming and ip.phase else lifecycle.DONE,
        target_daily_quota=declared.quota(None) if warming else ip.daily_quota,
        growth=None if warming else lifecycle.STAYS,
        **about,
    )
    session.add(plan)
    session.flush()
    return plan


def _wakes(session: Session, actor: Actor, ip: Ip, declared: Declared) -> Judged:
    """A sender whose rest is over begins again one phase back, where everything else is well."""
    try:
        lifecycle.move(session, actor, ip, "rested", CHECK, declared)
    except lifecycle.NotNow as why:
        return Judged(ip, warmup.Decision(warmup.NOTHING, ip.daily_quota, ip.phase, why.reasons), False)
    alerts.over(session, f"warmup/{ip.hostname}")
    return Judged(ip, warmup.Decision("rested", ip.daily_quota, ip.phase, ("its rest is over",)), True)


class _Night:
    """One run: what is known of all senders, read at once, and the rows of each."""

    def __init__(self, session: Session, actor: Actor, moment: datetime, declared: Declared, rules: Policy):
        self.session, self.actor, self.declared, self.rules = session, actor, declared, rules
        self.moment, self.today = moment, moment.date()
        self.plans: dict[int, WarmupPlan] = {}
        self.days: dict[int, dict[date, WarmupDay]] = {}
        self.history: dict[int, list[Day]] = {}
        self.runs: dict[str, CheckRun] = {}
        self.held: dict[int, str] = {}
        self.silent: tuple[str, ...] = ()
        self.gaps: set[str] = set()
        self.told: set[str] = set()
        self.collected: set[str] = set()

    def know(self, ips: Sequence[Ip]) -> None:
        session, since, ids = self.session, self.today - LOOKS_BACK, [ip.id for ip in ips]
        self.plans = {one.ip_id: one for one in session.scalars(select(WarmupPlan).where(WarmupPlan.ip_id.in_(ids)))}
        self.history = accounting.history(session, ids, since)
        owner = {plan.id: ip_id for ip_id, plan in self.plans.items()}
        rows = select(WarmupDay).where(WarmupDay.plan_id.in_(owner), WarmupDay.date >= since)
        for row in session.scalars(rows):
            self.days.setdefault(owner[row.plan_id], {})[row.date] = row
        self.runs = {one.name: one for one in session.scalars(select(CheckRun))}
        self.collected = accounting.closed(session, self.today - _DAY)
        held = select(Tenant.id, Tenant.held_reason).where(Tenant.held_reason.is_not(None))
        self.held = {number: str(reason) for number, reason in session.execute(held)}
        # Who imports the accounting names both, and tells of them, too.
        mine = or_(*(Alert.key.startswith(f"{kind}/") for kind in ("silent", "gap", NAME)))
        opened = select(Alert.key).where(Alert.closed_at.is_(None), mine).order_by(Alert.key)
        keys = session.scalars(opened).all()
        self.silent = tuple(key.partition("/")[2] for key in keys if key.startswith("silent/"))
        self.gaps = {key.partition("/")[2] for key in keys if key.startswith("gap/")}
        self.told = {key for key in keys if key.startswith(f"{NAME}/")}

    def judge(self, ips: Sequence[Ip]) -> list[Judged]:
        self.know(ips)
        found = []
        for ip in ips:
            if ip.id not in self.plans:
                self.plans[ip.id] = _new_plan(self.session, ip, self.declared)
            plan = self.plans[ip.id]
            if plan.closed_day is not None and plan.closed_day >= self.today - _DAY:
                continue
            if self.closed(ip):
                self.write_days(ip, plan)
            decision = self.decide(ip)
            if decision.kind == warmup.WAIT:
                found.append(Judged(ip, decision, False))
                continue
            if self.closed(ip):
                self.close(ip, plan)
            found.append(self.act(ip, plan, decision))
        return found

    # What is known ------------------------------------------------------------------------------------------------------

    def closed(self, ip: Ip) -> bool:
        """Whether the accounting of its host was read completely since the day ended."""
        run = self.runs.get(f"accounting/{ip.mta}")
        return run is not None and run.state in _STATES_THAT_SEE and ip.mta in self.collected

    def past(self, ip: Ip) -> list[Day]:
        """Its days, with the quota that each had."""
        rows = self.days.get(ip.id, {})
        found = {day.day: day for day in self.history.get(ip.id, [])}
        for when, row in rows.items():
            day = found.get(when, Day(when))
            # Recipients are forgotten after two weeks; what a closed day had of them stands in its row.
            first, delivered = max(day.first, row.first_attempts), max(day.delivered, row.delivered_24h)
            found[when] = day._replace(cap=row.cap, first=first, delivered=delivered)
        return [day for when, day in sorted(found.items()) if when < self.today]

    def decide(self, ip: Ip) -> warmup.Decision:
        plan, days = self.place(ip), self.past(ip)
        signals = warmup.Signals(closed=self.closed(ip))
        decision = warmup.decide(plan, days, signals, self.today, self.rules)
        if decision.kind not in warmup.PROMOTIONS:
            return decision
        # What it takes to be sent more is asked only about those who have earned it.
        return warmup.decide(plan, days, self.signals(ip), self.today, self.rules)

    def place(self, ip: Ip) -> warmup.Plan:
        plan = self.plans[ip.id]
        down = None
        if plan.down_until is not None and plan.down_from is not None:
            began = plan.phase_changed_at.astimezone(UTC).date()
            days = (plan.down_until.astimezone(UTC).date() - began).days - 1
            down = warmup.Down(plan.down_from, began, days)
        return warmup.Plan(
            ip.status,
            ip.phase,
            ip.daily_quota,
            qualify.first_day(plan.phase_changed_at),
            qualify.first_day(ip.status_changed_at),
            qualify.first_day(plan.started_at),
            plan.growth != lifecycle.STAYS,
            down,
            plan.own_quota,
        )

    def signals(self, ip: Ip) -> warmup.Signals:
        facts, _ = lifecycle.look(self.session, ip)
        blind = [
            f"the check {name} is {run.state}"
            for name, run in sorted(self.runs.items())
            if name in ("dns", "dnsbl") and run.state not in _STATES_THAT_SEE
        ]
        for name, verdict in (("dns_green", facts.dns_green), ("not_listed", _turned(facts.listed))):
            if verdict != YES:
                blind.append(CONDITIONS[name].no if verdict == NO else CONDITIONS[name].unknown)
        if ip.mta in self.gaps:
            blind.append(f"accounting of {ip.mta} is missing")
        if ip.tenant_id in self.held:
            blind.append(f"its tenant is held: {self.held[ip.tenant_id]}")
        if ip.hold_reason is not None:
            blind.append(f"it is on hold: {ip.hold_reason}")
        return warmup.Signals(True, tuple(blind), self.silent, facts.incidents)

    # Rows ---------------------------------------------------------------------------------------------------------------

    def write_days(self, ip: Ip, plan: WarmupPlan) -> None:
        """A row for each day that is over and has none, with the quota it had: nothing but this run changes it."""
        known = self.days.setdefault(ip.id, {})
        begin = qualify.first_day(max(ip.status_changed_at, plan.started_at))
        begin = max([begin, self.today - LOOKS_BACK, *([plan.closed_day + _DAY] if plan.closed_day else [])])
        while begin < self.today:
            if begin not in known:
                known[begin] = WarmupDay(
                    plan_id=plan.id, date=begin, cap=ip.daily_quota, first_attempts=0, delivered_24h=0
                )
                self.session.add(known[begin])
            begin += _DAY

    def close(self, ip: Ip, plan: WarmupPlan) -> None:
        """What its days counted for; the newest ones were written before their last message had its time."""
        days = {day.day: day for day in self.past(ip)}
        for when, row in self.days.get(ip.id, {}).items():
            if row.verdict not in (None, qualify.OPEN) or when >= self.today:
                continue
            day = days[when]
            row.verdict = qualify.verdict(day, ip.daily_quota, self.today, self.rules)
            row.sent, row.first_attempts, row.delivered_24h = day.attempts, day.first, day.delivered
            parts = day.providers.values()
            row.delivered, row.bounced = sum(one.delivered for one in parts), sum(one.bounced for one in parts)
            row.deferred = sum(one.deferred for one in parts)
            row.complaints, row.opens = _fed(one.complaints for one in parts), _fed(one.opens for one in parts)
        begin = max(qualify.first_day(ip.status_changed_at), self.today - self.rules.thresholds.days * _DAY)
        measured = rates.measure(day for day in days.values() if day.day >= begin)
        shares = {
            rate.signal: rate.share
            for rate in measured
            if rate.provider is None and rate.of >= self.rules.thresholds.sample
        }
        plan.bounce_rate_7d = shares.get(rates.BOUNCE)
        plan.spam_rate_7d, plan.open_rate_7d = shares.get(rates.COMPLAINT), shares.get(rates.OPEN)
        if plan.growth != lifecycle.STAYS:
            plan.target_daily_quota = self.place(ip).most(self.rules)
        plan.closed_day = self.today - _DAY

    def act(self, ip: Ip, plan: WarmupPlan, decision: warmup.Decision) -> Judged:
        event = {warmup.REST: "rest", warmup.FINISH: "warmed", warmup.RETIRE: "retire"}.get(decision.kind)
        if decision.kind == warmup.RESTART and ip.status == "active":
            event = "idle"
        if event is None:
            changed = self.change(ip, plan, decision)
        else:
            quota = decision.cap if event == "warmed" else None
            about = {"reason": "; ".join(decision.reasons), "evidence": dict(decision.evidence), "quota": quota}
            # A warm-down had its brake when it began.
            about["braked"] = event != "retire"
            # A person asked for the warm-down, and with it for its end.
            by = PERSON if event == "retire" else CHECK
            try:
                lifecycle.move(self.session, self.actor, ip, event, by, self.declared, **about)
            except lifecycle.NotNow as why:
                held = decision._replace(kind=warmup.HOLD, cap=ip.daily_quota, phase=ip.phase, reasons=why.reasons)
                return Judged(ip, held, False)
            if event == "retire":
                plan.down_from, plan.down_until = None, None
            changed = True
        self.tell(ip, decision, changed)
        return Judged(ip, decision, changed)

    def change(self, ip: Ip, plan: WarmupPlan, decision: warmup.Decision) -> bool:
        """Quota and phase within a status."""
        action = _DONE.get(decision.kind)
        if action is None or (ip.daily_quota, ip.phase) == (decision.cap, decision.phase):
            return False
        before = {"phase": ip.phase, "daily_quota": ip.daily_quota}
        if decision.kind == warmup.STEP_BACK:
            lifecycle.shelter(plan, self.declared)
        anew = decision.phase != ip.phase or decision.kind == warmup.STEP_BACK
        ip.phase, ip.daily_quota = decision.phase, decision.cap
        plan.current_daily_quota = decision.cap
        # A warm-down counts from when it began.
        if decision.kind != warmup.DOWN:
            plan.phase = decision.phase or lifecycle.DONE
            if anew:
                plan.phase_changed_at = self.moment
            if decision.kind == warmup.RESTART:
                plan.started_at = self.moment
        record(
            self.session,
            self.actor,
            action,
            f"sender {ip.hostname}",
            tenant_id=ip.tenant_id,
            reason="; ".join(decision.reasons),
            evidence=dict(decision.evidence),
            before=before,
            after={"phase": ip.phase, "daily_quota": ip.daily_quota},
        )
        return True

    def tell(self, ip: Ip, decision: warmup.Decision, changed: bool) -> None:
        key = f"warmup/{ip.hostname}"
        if decision.kind in _TOLD and changed:
            severity, what, remedy = _TOLD[decision.kind]
            subject, text = f"{ip.hostname} {what}", "; ".join(decision.reasons)
            about = {"kind": "warmup", "severity": severity, "tenant_id": ip.tenant_id}
            alerts.tell(self.session, key=key, subject=subject, text=text, remedy=remedy, **about)
        elif decision.kind in warmup.PROMOTIONS and changed and key in self.told:
            alerts.over(self.session, key)


def _fed(counts: Iterable[int | None]) -> int | None:
    """Of those who tell; None where nobody does."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _turned(verdict: str) -> str:
    return {YES: NO, NO: YES}.get(verdict, UNKNOWN)
