# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The warm-up in the engine: nights that follow each other, with the rows that a real accounting leaves."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import func, select, text

import samples
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.moves import CHECK, PERSON
from email_engine.store import accounting, lifecycle, policy, warmup
from email_engine.store.audit import Actor
from email_engine.store.models import (
    AccountingDay,
    Alert,
    AuditRow,
    CheckRun,
    DnsblList,
    DnsblVerdict,
    DnsCheck,
    Incident,
    Ip,
    Job,
    WarmupDay,
    WarmupPlan,
)
from members import POLICY, declared
from samples import fleet, sender

DAY = timedelta(days=1)
ME = Actor("night")
# A table of two phases, so that a test sees the end of it.
SHORT = {**POLICY, "phases": {"week_1": 50, "week_2": 100}, "active_daily_quota": 300, "warmup": {"phase_days": 2}}


class World:
    """One engine and its nights. today: midnight of a day that lies far enough back for the days that follow."""

    def __init__(self, app, admin, *senders, policy=SHORT):
        self.app, self.admin = app, admin
        declared(app, admin, fleet(*(senders or (sender(1),))), policy=policy)
        with app.state.sessions() as session:
            now = session.execute(select(func.now())).scalar_one().astimezone(UTC)
        self.first = datetime.combine(now.date() - 40 * DAY, time(), UTC)
        self.now = self.first
        with self.begin() as session:
            for ip in session.scalars(select(Ip)):
                # They went live at once.
                begins, ip.starts_as = ip.starts_as or {}, None
                ip.status, ip.phase = begins.get("status", ip.status), begins.get("phase", ip.phase)
                ip.status_changed_at = self.first
                session.add(DnsCheck(tenant_id=ip.tenant_id, ip_id=ip.id, checked_at=now, green="yes"))
                clean = {"blacklist_name": "zen", "listed": "no", "checked_at": now, "since": now}
                session.add(DnsblVerdict(tenant_id=ip.tenant_id, ip_id=ip.id, **clean))
            zen = {"name": "zen", "zone": "zen.test", "kind": "ip", "state": "healthy", "severity": "critical"}
            session.add(DnsblList(**zen, checked_at=now))
            for plan in session.scalars(select(WarmupPlan)):
                plan.started_at = plan.phase_changed_at = self.first

    def begin(self):
        return self.app.state.sessions.begin()

    def mail(self, first, delivered=None, name="m1.sos.test", provider="gmail", **more):
        """Mail of the day that is now running: so many recipients, so many of them within a day."""
        delivered = first if delivered is None else delivered
        with self.begin() as session:
            ip = session.scalars(select(Ip).where(Ip.hostname == name)).one()
            counts = {"attempts": first, "delivered": delivered, **more}
            session.add(
                AccountingDay(tenant_id=ip.tenant_id, ip_id=ip.id, day=self.now.date(), provider=provider, **counts)
            )
            recipients = text(
                "INSERT INTO accounting_recipients (ip_id, key, day, first_at, delivered_at) SELECT :ip, "
                "decode(md5(:day || '/' || n), 'hex'), :day, :at, CASE WHEN n <= :delivered THEN :at END "
                "FROM generate_series(1, :first) AS n"
            )
            at = self.now + timedelta(hours=9)
            values = {"ip": ip.id, "day": self.now.date(), "at": at, "delivered": delivered, "first": first}
            session.execute(recipients.bindparams(**values), execution_options={})

    def night(self, state="ok", collected=True):
        """The next day begins: what was decided, by name."""
        self.now += DAY
        with self.begin() as session:
            if collected:
                at = self.now + timedelta(minutes=1)
                detail = {"complete_at": at.isoformat()}
                session.merge(CheckRun(name="accounting/vps2", at=at, state=state, detail=detail))
        with self.begin() as session:
            closed = warmup.close_day(session, ME, self.now + timedelta(minutes=5))
            # The times of moves are the database's; here they are the night's.
            for ip in session.scalars(select(Ip).where(Ip.status_changed_at > self.now)):
                ip.status_changed_at = self.now
            for plan in session.scalars(select(WarmupPlan).where(WarmupPlan.phase_changed_at > self.now)):
                plan.phase_changed_at = self.now
            self.job = closed.job is not None
            return {one.ip.hostname: one.decision for one in closed.judged}

    def one(self, model, *where):
        with self.app.state.sessions() as session:
            return session.scalars(select(model).where(*where)).one()

    def ip(self, name="m1.sos.test"):
        found = self.one(Ip, Ip.hostname == name)
        return found.status, found.phase, found.daily_quota

    def actions(self):
        with self.app.state.sessions() as session:
            rows = select(AuditRow.action).where(AuditRow.actor == ME.name).order_by(AuditRow.id)
            return session.scalars(rows).all()


@pytest.fixture
def world(app, admin):
    return World(app, admin)


def test_the_table_is_climbed_and_then_the_quota_grows_by_days(world):
    path = []
    for _ in range(12):
        world.mail(world.ip()[2])
        world.night()
        path.append(world.ip())
    assert path == [
        ("warming", "week_1", 50),
        ("warming", "week_2", 100),
        ("warming", "week_2", 100),
        ("active", None, 100),
        ("active", None, 140),
        ("active", None, 196),
        ("active", None, 274),
        *[("active", None, 300)] * 5,
    ]
    plan = world.one(WarmupPlan)
    assert (plan.phase, plan.current_daily_quota, plan.target_daily_quota) == ("active", 300, 300)
    with world.begin() as session:
        rows = session.execute(select(WarmupDay.cap, WarmupDay.verdict).order_by(WarmupDay.date)).all()
        ip = session.scalars(select(Ip)).one()
        final = {"status": ip.status, "phase": ip.phase, "daily_quota": ip.daily_quota}
        samples.unbroken(
            session.scalars(select(AuditRow).where(AuditRow.actor == ME.name).order_by(AuditRow.id)).all(), final
        )
    assert [row.cap for row in rows] == [50, 50, 100, 100, 100, 140, 196, 274, 300, 300, 300, 300]
    assert {row.verdict for row in rows} == {"qualified"}
    moved = world.one(AuditRow, AuditRow.action == "moved", AuditRow.actor == ME.name)
    assert moved.evidence["qualifying"] == 2 and moved.evidence["event"] == "warmed"
    # Not in one step: the quota of an active sender is the end of the growth, not its beginning.
    assert (moved.before, moved.after) == (
        {"status": "warming", "phase": "week_2"},
        {"status": "active", "phase": None},
    )


def test_a_second_run_of_the_day_changes_nothing(world):
    for _ in range(2):
        world.mail(50)
        world.night()
    assert world.ip() == ("warming", "week_2", 100) and world.job
    before = world.actions()
    with world.begin() as session:
        again = warmup.close_day(session, ME, world.now + timedelta(hours=5))
    assert again.judged == [] and again.job is None and world.actions() == before


def test_days_that_nobody_closed_are_closed_together_and_earn_one_step(world):
    for _ in range(6):
        world.mail(50)
        world.now += DAY
    world.now -= DAY
    assert world.night()["m1.sos.test"].kind == "advance"
    assert world.ip() == ("warming", "week_2", 100)
    with world.begin() as session:
        assert session.scalars(select(WarmupDay.cap)).all() == [50] * 6
    # They had the smaller quota, so they count for nothing in the new phase.
    assert world.night()["m1.sos.test"].evidence["qualifying"] == 0


def test_without_the_accounting_no_day_is_closed_and_nothing_is_promoted(world):
    world.mail(50)
    world.night()
    world.mail(50)
    assert world.night(collected=False)["m1.sos.test"].kind == "wait"
    assert world.ip() == ("warming", "week_1", 50) and world.one(CheckRun, CheckRun.name == "warmup").state == "blind"
    assert world.one(WarmupPlan).closed_day == world.first.date()
    # Silence for forty days is no idleness where nobody looked.
    for _ in range(33):
        assert world.night(state="blind")["m1.sos.test"].kind == "wait"
    assert world.night()["m1.sos.test"].kind in ("restart", "advance")


def test_a_day_that_is_not_over_at_its_receivers_is_judged_again(world):
    world.mail(50, delivered=30)
    world.night()
    with world.begin() as session:
        assert session.scalars(select(WarmupDay.verdict)).all() == ["open"]
        session.execute(text("UPDATE accounting_recipients SET delivered_at = first_at + interval '23 hours'"))
    world.mail(50, delivered=10)
    world.night()
    world.night()
    with world.begin() as session:
        rows = session.execute(select(WarmupDay.verdict, WarmupDay.delivered_24h).order_by(WarmupDay.date)).all()
    assert rows[:2] == [("qualified", 50), ("late", 10)]


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ("UPDATE dns_checks SET green = 'unknown'", "its DNS was not seen"),
        ("UPDATE dns_checks SET green = 'no'", "its DNS is not as wanted"),
        ("UPDATE dnsbl_verdicts SET listed = 'unknown'", "no healthy list has answered"),
        ("UPDATE tenants SET held_reason = 'two listings'", "its tenant is held: two listings"),
        ("INSERT INTO check_runs (name, at, state) VALUES ('dnsbl', now(), 'distrusted')", "dnsbl is distrusted"),
        ("INSERT INTO check_runs (name, at, state) VALUES ('dns', now(), 'blind')", "dns is blind"),
        (
            "INSERT INTO alerts (key, kind, severity, subject, text, remedy) "
            "VALUES ('silent/complaints/yahoo', 'silent', 'warning', 's', 't', 'r')",
            "complaints/yahoo fell silent",
        ),
        (
            "INSERT INTO alerts (key, kind, severity, subject, text, remedy) "
            "VALUES ('gap/vps2', 'gap', 'warning', 's', 't', 'r')",
            "accounting of vps2 is missing",
        ),
        (
            "INSERT INTO incidents (tenant_id, ip_id, kind, summary) SELECT tenant_id, id, 'listing', 'zen' FROM ips",
            "1 open incident",
        ),
    ],
)
def test_what_is_unknown_or_open_holds_a_promotion(world, fault, word):
    world.mail(50)
    world.night()
    with world.begin() as session:
        session.execute(text(fault))
    world.mail(50)
    found = world.night()["m1.sos.test"]
    assert found.kind == "hold" and word in " ".join(found.reasons)
    assert world.ip() == ("warming", "week_1", 50) and not world.job


def test_bounces_rest_a_sender_for_seven_days_and_it_comes_back_lower(world):
    for _ in range(2):
        world.mail(50)
        world.night()
    world.mail(100, delivered=80, bounced=20)
    found = world.night()["m1.sos.test"]
    assert found.kind == "rest" and "20 of 200 bounced: 10.00%" in found.reasons[0]
    assert world.ip()[0] == "resting" and world.job
    told = world.one(Alert, Alert.key == "warmup/m1.sos.test")
    assert told.severity == "critical" and "bounced" in told.text
    rest = world.one(Ip).until - world.one(AuditRow, AuditRow.action == "moved", AuditRow.actor == ME.name).at
    assert rest == timedelta(days=7)
    assert world.night()["m1.sos.test"].kind == "nothing"
    with world.begin() as session:
        session.execute(text("UPDATE ips SET until = now()"))
    world.night()
    assert world.ip() == ("warming", "week_1", 50)
    assert world.one(Alert, Alert.key == "warmup/m1.sos.test").closed_at is not None


def test_one_bounce_of_five_pauses_nobody(world):
    world.mail(5, delivered=4, bounced=1)
    assert world.night()["m1.sos.test"].kind == "hold"
    assert world.one(WarmupPlan).bounce_rate_7d is None


def test_no_data_is_not_nought(client, app, admin):
    world = World(app, admin, sender(1, daily_quota=500), policy={**POLICY, "phases": {"week_1": 500}})
    world.mail(500, complaints=None)
    world.night()
    shown = client.get("/api/v1/warmup", headers=admin).json()["items"][0]
    assert shown["rates"] == {"bounce": 0.0, "complaint": None, "open": None}
    assert shown["closed_day"] == world.first.date().isoformat() and world.one(WarmupDay).verdict == "qualified"
    assert (world.one(WarmupDay).complaints, world.one(WarmupDay).opens) == (None, None)


def test_long_idleness_steps_back_and_starts_anew(world):
    for _ in range(2):
        world.mail(50)
        world.night()
    kinds = [world.night()["m1.sos.test"].kind for _ in range(14)]
    assert kinds == ["hold"] * 13 + ["step back"] and world.ip() == ("warming", "week_1", 50)
    assert world.one(Alert, Alert.key == "warmup/m1.sos.test").closed_at is None


def test_an_active_sender_of_the_inventory_keeps_its_own_quota(app, admin):
    world = World(app, admin, sender(1, status="active", phase=None, daily_quota=120))
    for _ in range(4):
        world.mail(120)
        assert world.night()["m1.sos.test"].kind == "nothing"
    assert world.ip() == ("active", None, 120)


def test_a_warm_down_falls_by_days_and_ends_in_retiring(app, admin):
    world = World(app, admin, sender(1, status="active", phase=None, daily_quota=1000))
    with world.begin() as session:
        ip = lifecycle.lock(session, session.scalars(select(Ip.id)).one())
        assert warmup.begin_down(session, ME, ip, 3)
        assert not warmup.begin_down(session, ME, ip, 9)
        plan = session.scalars(select(WarmupPlan)).one()
        assert plan.down_until.astimezone(UTC).date() == datetime.now(UTC).date() + 4 * DAY
        plan.phase_changed_at, plan.down_until = world.first, world.first + 4 * DAY
    path = []
    for _ in range(4):
        # Nobody looks at the accounting: less is never a matter of evidence.
        world.night(collected=False)
        path.append((world.ip()[0], world.ip()[2]))
    assert path == [("active", 700), ("active", 490), ("active", 343), ("retiring", 343)]


def test_who_does_not_send_has_nothing_to_warm_down(app, admin):
    world = World(app, admin, sender(1, status="standby", phase=None))
    with world.begin() as session:
        ip = lifecycle.lock(session, session.scalars(select(Ip.id)).one())
        with pytest.raises(lifecycle.NotNow, match="standby"):
            warmup.begin_down(session, ME, ip)


def test_a_warm_down_can_be_called_off(world):
    with world.begin() as session:
        ip = lifecycle.lock(session, session.scalars(select(Ip.id)).one())
        assert not warmup.end_down(session, ME, ip) and warmup.begin_down(session, ME, ip)
        assert warmup.end_down(session, ME, ip)
    world.mail(50)
    assert world.night()["m1.sos.test"].kind == "hold" and world.ip() == ("warming", "week_1", 50)


class Own:
    """A sender that the inventory declares active at 120 a day; the policy's target is 300."""

    def __init__(self, app, admin, quota=120):
        self.world = World(app, admin, sender(1, status="active", phase=None, daily_quota=quota))

    def move(self, event, by=PERSON):
        with self.world.begin() as session:
            ip = lifecycle.lock(session, session.scalars(select(Ip.id)).one())
            lifecycle.move(session, ME, ip, event, by, policy.load(session))

    def climb(self, nights):
        path = []
        for _ in range(nights):
            self.world.mail(self.world.ip()[2])
            self.world.night()
            path.append(self.world.ip())
        return path

    def plan(self):
        plan = self.world.one(WarmupPlan)
        return plan.growth, plan.own_quota, plan.target_daily_quota


@pytest.mark.parametrize("nights", [0, 2])
def test_one_with_a_quota_of_its_own_comes_back_to_it_and_no_further(app, admin, nights):
    own = Own(app, admin)
    own.climb(nights)
    own.move("listed")
    assert own.world.ip() == ("quarantine", None, 120)
    own.move("release")
    assert own.world.ip() == ("warming", "week_1", 50) and own.plan() == (None, 120, 120)
    with own.world.begin() as session:
        session.execute(text("UPDATE ips SET status_changed_at = :at").bindparams(at=own.world.now))
        session.execute(text("UPDATE warmup_plans SET phase_changed_at = :at").bindparams(at=own.world.now))
    path = own.climb(8)
    assert path[:2] == [("warming", "week_1", 50), ("warming", "week_2", 100)]
    assert path[3:] == [("active", None, 100), *[("active", None, 120)] * 4]
    # Twice is no other thing.
    own.move("rest")
    with own.world.begin() as session:
        session.execute(text("UPDATE ips SET until = now()"))
    own.move("rested", CHECK)
    assert own.world.ip() == ("warming", "week_2", 100) and own.plan() == (None, 120, 120)


def test_an_own_quota_is_never_raised_by_a_way_back(app, admin):
    own = Own(app, admin, 30)
    own.move("rest")
    with own.world.begin() as session:
        session.execute(text("UPDATE ips SET until = now()"))
    own.move("rested", CHECK)
    assert own.world.ip() == ("warming", "week_2", 30)
    own.move("retire")
    own.move("stay")
    assert own.world.ip() == ("warming", "week_1", 30)
    own.move("listed")
    own.move("release")
    assert own.world.ip() == ("warming", "week_1", 30) and own.plan() == (None, 30, 30)


def test_an_own_quota_above_the_target_comes_back_to_the_target(app, admin):
    own = Own(app, admin, 5000)
    own.move("retire")
    own.move("stay")
    assert own.world.ip() == ("warming", "week_1", 50) and own.plan() == (None, 5000, 300)


def test_less_than_the_phase_allows_returns_to_it_before_the_next_one(world):
    for _ in range(2):
        world.mail(50)
        world.night()
    with world.begin() as session:
        ip = session.scalars(select(Ip)).one()
        ip.daily_quota = 20
    path = []
    for _ in range(7):
        world.mail(world.ip()[2])
        world.night()
        path.append(world.ip()[1:])
    assert [cap for _, cap in path] == [28, 39, 54, 75, 100, 100, 100]
    assert path[-1] == (None, 100) and {phase for phase, _ in path[:6]} == {"week_2"}


def test_a_table_that_was_lowered_lowers_who_is_above_it(world):
    for _ in range(2):
        world.mail(50)
        world.night()
    assert world.ip() == ("warming", "week_2", 100)
    lower = {**SHORT, "phases": {"week_1": 40, "week_2": 70}}
    declared(world.app, world.admin, fleet(sender(1)), policy=lower)
    world.mail(100)
    assert world.night()["m1.sos.test"].kind == "step back"
    assert world.ip() == ("warming", "week_2", 70) and world.job


def test_a_day_beyond_the_cap_does_not_count(world):
    for sent, tried in ((51, 51), (50, 60), (50, 50)):
        world.mail(sent, attempts=tried)
        world.night()
    with world.begin() as session:
        rows = session.scalars(select(WarmupDay.verdict).order_by(WarmupDay.date)).all()
    assert rows == ["over", "over", "qualified"] and world.ip() == ("warming", "week_1", 50)


def test_bounces_rest_one_that_is_on_its_way_out_and_it_retires_afterwards(app, admin):
    world = World(app, admin, sender(1, status="active", phase=None, daily_quota=1000))
    with world.begin() as session:
        ip = lifecycle.lock(session, session.scalars(select(Ip.id)).one())
        warmup.begin_down(session, ME, ip, 3)
        plan = session.scalars(select(WarmupPlan)).one()
        plan.phase_changed_at, plan.down_until = world.first, world.first + 4 * DAY
    world.mail(1000, delivered=700, bounced=300)
    assert world.night()["m1.sos.test"].kind == "rest" and world.ip()[0] == "resting"
    world.now += 7 * DAY
    with world.begin() as session:
        session.execute(text("UPDATE ips SET until = now()"))
    world.night()
    assert world.ip()[0] == "retiring"


def test_a_warm_down_is_called_off_by_its_route(client, app, admin):
    own = Own(app, admin)
    url = "/api/v1/ips/m1.sos.test"
    stay = {"event": "stay", "reason": "the range stays ours"}
    assert client.post(f"{url}:move", headers=admin, json=stay).status_code == 409
    assert client.post(f"{url}:retire", headers=admin, json={"days": 5, "reason": "the range goes"}).status_code == 202
    with own.world.begin() as session:
        plan = session.scalars(select(WarmupPlan)).one()
        plan.phase_changed_at, plan.down_until = own.world.first, own.world.first + 6 * DAY
    for _ in range(2):
        own.world.night(collected=False)
    assert own.world.ip() == ("active", None, 58)
    answer = client.post(f"{url}:move", headers=admin, json=stay)
    assert answer.status_code == 200 and answer.json()["job"]["id"], answer.text
    # Not back in one step: by its days, to what was its own.
    assert own.world.ip() == ("active", None, 58) and own.plan() == (None, 120, 120)
    plan = own.world.one(WarmupPlan)
    assert (plan.down_from, plan.down_until) == (None, None) and plan.phase_changed_at > own.world.now + DAY
    row = own.world.one(AuditRow, AuditRow.action == "warm-down ended")
    assert row.reason == stay["reason"] and row.before["down_from"] == 120
    assert client.post(f"{url}:move", headers=admin, json=stay).status_code == 409
    with own.world.begin() as session:
        session.execute(text("UPDATE warmup_plans SET phase_changed_at = :at").bindparams(at=own.world.now))
    assert [cap for _, _, cap in own.climb(4)] == [81, 113, 120, 120]


def test_the_route_closes_yesterday_and_refuses_a_day_that_is_not_over(client, app, admin):
    World(app, admin)
    answer = client.post("/api/v1/warmup", headers=admin, json={})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["senders"][0]["decision"] == "wait" and found["job"] is None
    tomorrow = (datetime.now(UTC) + DAY).date().isoformat()
    refused = client.post("/api/v1/warmup", headers=admin, json={"day": tomorrow})
    assert refused.status_code == 422 and "is not over yet" in refused.json()["detail"]
    earlier = client.post("/api/v1/warmup", headers=admin, json={"day": "2026-01-01"})
    assert earlier.status_code == 200 and earlier.json()["day"] == "2026-01-01"
    # It says nothing about the last night.
    with app.state.sessions() as session:
        run = session.get(CheckRun, "warmup")
        assert run.detail["day"] == found["day"] and run.at.astimezone(UTC).date() == datetime.now(UTC).date()


def test_a_tenant_sees_its_own_and_closes_nothing(client, app, admin):
    tenants = [samples.tenant(), samples.tenant("other", feeders=[{"user": "other"}])]
    declared(app, admin, fleet(sender(1), sender(2, "other"), tenants=tenants), policy=SHORT)
    key = samples.make_key(app, "other's", "other")
    found = client.get("/api/v1/warmup", headers=key).json()["items"]
    assert [one["name"] for one in found] == ["m2.other.test"]
    assert client.post("/api/v1/warmup", headers=key, json={}).status_code == 403


def test_a_day_whose_accounting_came_late_is_closed_by_the_next_sweep(world):
    def due():
        with world.begin() as session:
            return warmup.due(session)

    now = datetime.now(UTC)
    assert not due()
    with world.begin() as session:
        session.merge(CheckRun(name="accounting/vps2", at=now, state="ok", detail={"complete_at": now.isoformat()}))
    assert due()
    with world.begin() as session:
        warmup.close_day(session, ME)
    assert not due()
    with world.begin() as session:
        session.execute(text("UPDATE ips SET status = 'resting', until = now() - interval '1 minute'"))
    assert due()


def test_who_grows_is_followed_to_its_target_and_no_further(app, admin):
    policy = {**SHORT, "active_daily_quota": 140}
    world = World(app, admin, policy=policy)
    followed = []
    for _ in range(7):
        world.mail(world.ip()[2])
        world.night()
        with world.begin() as session:
            followed.append((world.ip()[2], accounting.followed(session, "vps2") == ["m1.sos.test"]))
    assert followed == [(50, True), (100, True), (100, True), (100, True), (140, False), (140, False), (140, False)]


def test_one_converge_for_all(app, admin):
    world = World(app, admin, *(sender(n) for n in range(1, 6)))
    for _ in range(2):
        for n in range(1, 6):
            world.mail(50, name=f"m{n}.sos.test")
        world.night()
    with world.begin() as session:
        assert session.scalar(select(func.count()).select_from(Job).where(Job.kind == "converge")) == 1
        assert session.scalar(select(func.count()).select_from(Incident)) == 0
        assert set(session.scalars(select(Ip.daily_quota))) == {100}
